CREATE FUNCTION liveness_internal.liveness_guard_node()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET citus.enable_ddl_propagation = off
AS $$
BEGIN
	ALTER TABLE @extschema@.provider_heartbeats ALTER COLUMN id SET DEFAULT liveness_internal.liveness_refuse_id();
	ALTER TABLE @extschema@.provider_sessions ALTER COLUMN id SET DEFAULT liveness_internal.liveness_refuse_id();
	ALTER TABLE @extschema@.provider_exclusions ALTER COLUMN id SET DEFAULT liveness_internal.liveness_refuse_id();
	PERFORM liveness_internal.liveness_distribute_reads();
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_guard_node() IS 'Prepares a node that is not the coordinator: no row may draw an id there';
