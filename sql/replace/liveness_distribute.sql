-- Called again, it does what is missing: after a node was added, and after an update.
--
-- The other nodes are guarded first: they do so in transactions of their own, which would
-- wait for the locks of ours.
CREATE FUNCTION liveness_distribute(shard_count int DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET client_min_messages = warning
AS $$
#variable_conflict use_column
DECLARE
	distributed CONSTANT regclass[] := '{@extschema@.provider_heartbeats,@extschema@.provider_heartbeats_hourly,@extschema@.provider_sessions,@extschema@.provider_reliability_features,liveness_internal.liveness_provider_hazard}';
	copied CONSTANT regclass[] := '{@extschema@.provider_exclusions,@extschema@.provider_groups,liveness_internal.liveness_fleet_hazard}';
	relation regclass;
	method "char";
	wrong text;
	made int := 0;
	shards bigint;
	nodes bigint;
	changed int;
BEGIN
	IF NOT EXISTS (
		SELECT 1 FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
		WHERE e.extname = 'citus' AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
		AND d.classid = 'pg_class'::regclass AND d.objid = to_regclass('pg_catalog.pg_dist_partition')
	) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'there is no Citus in this database',
			HINT = 'Put citus first in shared_preload_libraries, run CREATE EXTENSION citus on every node, and add the nodes with citus_add_node().';
	END IF;
	EXECUTE 'SELECT CASE WHEN g.groupid <> 0 THEN g.groupid END FROM pg_catalog.pg_dist_local_group g' INTO wrong;
	IF wrong IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'this is not the coordinator of Citus',
			HINT = 'Call the function on the coordinator.';
	END IF;
	IF shard_count < 1 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('shard_count must be positive, and is %s', shard_count),
			HINT = 'Give two to four times the number of cores of all nodes, or NULL for the setting citus.shard_count. It cannot be changed later.';
	END IF;
	IF (SELECT t.is_hypertable FROM liveness_internal.liveness_hypertable() t)
		OR (SELECT c.relkind = 'p' FROM pg_class c WHERE c.oid = '@extschema@.provider_heartbeats'::regclass) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'provider_heartbeats is partitioned',
			HINT = 'Choose: partitions, or Citus. Dump with --load-via-partition-root and restore for a plain table.';
	END IF;

	EXECUTE 'SELECT count(*) FROM pg_catalog.pg_dist_node n WHERE n.isactive AND n.noderole = ''primary'' AND n.groupid <> 0' INTO nodes;
	EXECUTE 'SELECT string_agg(format(''%s:%s has %s'', c.nodename, c.nodeport, c.result), ''; '') FROM pg_catalog.run_command_on_workers($1) c WHERE c.result IS DISTINCT FROM $2'
		INTO wrong
		USING 'SELECT format(''liveness %s in schema %s'', e.extversion, e.extnamespace::pg_catalog.regnamespace) FROM pg_catalog.pg_extension e WHERE e.extname = ''liveness''',
			(SELECT format('liveness %s in schema %s', e.extversion, e.extnamespace::regnamespace) FROM pg_extension e WHERE e.extname = 'liveness');
	IF wrong IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'not every node has this version of liveness in the same schema',
			DETAIL = wrong,
			HINT = 'Install the package on every node, add liveness to shared_preload_libraries there, and run CREATE EXTENSION liveness or ALTER EXTENSION liveness UPDATE.';
	END IF;
	EXECUTE 'SELECT string_agg(format(''%s:%s: %s'', c.nodename, c.nodeport, c.result), ''; '') FROM pg_catalog.run_command_on_workers($1) c WHERE NOT c.success'
		INTO wrong USING 'SELECT liveness_internal.liveness_guard_node()';
	IF wrong IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'a node cannot be prepared',
			DETAIL = wrong,
			HINT = 'Call the function as a superuser, while nothing else uses the tables there.';
	END IF;

	EXECUTE 'SELECT string_agg(format(''%s:%s: %s'', c.nodename, c.nodeport, c.result), ''; '') FROM liveness_internal.liveness_granted_role g JOIN pg_catalog.pg_roles r ON r.rolname = g.role'
		' CROSS JOIN LATERAL pg_catalog.run_command_on_workers(format($1, r.oid::pg_catalog.regrole, g.kind)) c WHERE NOT c.success'
		INTO wrong
		USING 'SELECT pg_catalog.concat(pg_catalog.set_config(''citus.enable_ddl_propagation'', ''off'', false), liveness_internal.liveness_grant_here(%L, %L))';
	IF wrong IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'a role that was granted privileges here does not get them on another node',
			DETAIL = wrong,
			HINT = 'Create the role on every node.';
	END IF;

	PERFORM liveness_internal.liveness_lock_job('retention'::text, true), liveness_internal.liveness_lock_job('features'::text, true),
		liveness_internal.liveness_lock_job('hourly'::text, true), liveness_internal.liveness_lock_job('sessions'::text, true);
	FOREACH relation IN ARRAY distributed || copied LOOP
		EXECUTE 'SELECT (SELECT p.partmethod FROM pg_catalog.pg_dist_partition p WHERE p.logicalrelid = $1)' INTO method USING relation;
		IF method = (CASE WHEN relation = ANY (distributed) THEN 'h' ELSE 'n' END) THEN
			CONTINUE;
		ELSIF method IS NOT NULL THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('Citus distributes table %s otherwise', relation),
				HINT = 'Dump the rows, drop the extension, create it again, and call this function before you load them.';
		END IF;
		IF relation = ANY (copied) THEN
			EXECUTE 'SELECT pg_catalog.create_reference_table($1)' USING relation;
		ELSIF relation = distributed[1] THEN
			EXECUTE 'SELECT pg_catalog.create_distributed_table($1, ''provider_id'', colocate_with => ''none'', shard_count => coalesce($2, current_setting(''citus.shard_count'')::int))'
				USING relation, shard_count;
		ELSE
			EXECUTE 'SELECT pg_catalog.create_distributed_table($1, ''provider_id'', colocate_with => $2)' USING relation, distributed[1]::text;
		END IF;
		made := made + 1;
		-- the rows are in the shards now, and here, where nobody sees them
		EXECUTE 'SELECT pg_catalog.truncate_local_data_after_distributing_table($1)' USING relation;
	END LOOP;
	changed := liveness_internal.liveness_distribute_reads();
	-- checks that all of them are in the same shards
	PERFORM liveness_internal.liveness_distributed();
	EXECUTE 'SELECT count(*) FROM pg_catalog.pg_dist_shard s WHERE s.logicalrelid = $1' INTO shards USING distributed[1];
	IF shards <> shard_count THEN
		RAISE WARNING 'the tables have % shards and keep them', shards
			USING HINT = 'Citus cannot change the number of shards of tables that belong to an extension.';
	END IF;
	RETURN format('%s tables are distributed by provider_id in %s shards and %s are copied to each of %s worker nodes (%s of them since this call); %s functions are in PL/pgSQL',
		cardinality(distributed), shards, cardinality(copied), nodes, made, changed);
END
$$;
COMMENT ON FUNCTION liveness_distribute(int) IS 'Distributes the tables among the nodes of Citus, all by provider_id, and says what it did';
