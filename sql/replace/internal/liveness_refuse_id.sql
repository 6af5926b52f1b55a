-- The default of ids on nodes of Citus that are not the coordinator: their sequences would
-- begin at 1 again.
CREATE FUNCTION liveness_internal.liveness_refuse_id()
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION USING
		ERRCODE = 'object_not_in_prerequisite_state',
		MESSAGE = 'this node of Citus draws no ids for liveness',
		HINT = 'Write through the coordinator: its sequence tells the rollups which rows are new.';
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_refuse_id() IS 'Refuses rows that are written through another node than the coordinator';
