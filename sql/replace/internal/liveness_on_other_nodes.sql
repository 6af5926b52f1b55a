-- Citus sends on what is granted on tables, and nothing that is granted on functions and schemas.
-- Each node does it in a transaction of its own, so before this node: it would wait for our locks.
CREATE FUNCTION liveness_internal.liveness_on_other_nodes(call text, purpose text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	failed text;
BEGIN
	IF liveness_internal.liveness_distributed() THEN
		EXECUTE 'SELECT string_agg(format(''%s:%s: %s'', c.nodename, c.nodeport, c.result), ''; '') FROM pg_catalog.run_command_on_workers($1) c WHERE NOT c.success'
			INTO failed
			USING format('SELECT pg_catalog.concat(pg_catalog.set_config(%L, %L, false), pg_catalog.set_config(%L, %L, false), %s)',
				'citus.enable_ddl_propagation', 'off', 'lock_timeout', '10s', call);
		IF failed IS NOT NULL THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('%s failed on another node of Citus', purpose),
				DETAIL = failed,
				HINT = 'The role must exist on all nodes: commit CREATE ROLE first. If it timed out, call one such function in a transaction.';
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_on_other_nodes(text, text) IS 'Calls a function on each other node where Citus distributes the tables';
