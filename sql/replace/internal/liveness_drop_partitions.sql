-- DROP TABLE is for owners, and the retention for operators, who may DELETE.  So it
-- drops but what was rolled up and closed.
CREATE FUNCTION liveness_internal.liveness_drop_partitions(cut timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
DECLARE
	closed timestamptz := coalesce((SELECT max(s.pruned_before) FROM liveness_internal.liveness_job_state s WHERE s.job = 'hourly'), '-infinity');
	drop_chunks regproc;
	open_until timestamptz := (SELECT max(r.until) FROM liveness_internal.liveness_heartbeat_partitions() r WHERE r.until <= cut);
	was_open boolean := false;
	p record;
BEGIN
	IF EXISTS (SELECT FROM @extschema@.provider_heartbeats h WHERE h.at < cut AND h.at >= closed AND h.at > '-infinity') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('hours before %s are not closed yet', cut),
			HINT = 'CALL liveness_prune() rolls them up, closes them, and drops their partitions.';
	END IF;
	FOR p IN
		SELECT r.partition, r.since, c.relispartition AS is_native, EXISTS (
			SELECT FROM pg_depend d
			WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS is_member
		FROM liveness_internal.liveness_heartbeat_partitions() r
		JOIN pg_class c ON c.oid = r.partition
		WHERE r.until <= cut
	LOOP
		IF p.is_native THEN
			IF p.is_member THEN
				EXECUTE format('ALTER EXTENSION liveness DROP TABLE %s', p.partition);
				was_open := was_open OR p.since = '-infinity';
			END IF;
			EXECUTE format('DROP TABLE %s', p.partition);
			CONTINUE;
		END IF;
		SELECT f.oid INTO STRICT drop_chunks
		FROM pg_extension e
		JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		JOIN pg_proc f ON d.classid = 'pg_proc'::regclass AND f.oid = d.objid
		WHERE e.extname = 'timescaledb' AND f.proname = 'drop_chunks' AND 'older_than' = ANY (f.proargnames);
		EXECUTE format('SELECT count(*) FROM %s(%L::regclass, older_than => %L::timestamptz)', drop_chunks,
			'@extschema@.provider_heartbeats'::regclass, cut);
		EXIT;	-- all of them at once
	END LOOP;
	-- late heartbeats, and those of clocks that are behind, still need a partition
	IF was_open THEN
		p.partition := liveness_internal.liveness_make_like('@extschema@.provider_heartbeats_after', '@extschema@.provider_heartbeats_before', false);
		EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (MINVALUE) TO (%L)', '@extschema@.provider_heartbeats'::regclass, p.partition, open_until);
		EXECUTE format('ALTER EXTENSION liveness ADD TABLE %s', p.partition);
		PERFORM liveness_internal.liveness_dump_rows_of(p.partition);
	END IF;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_drop_partitions(timestamptz) IS 'Drops the partitions of provider_heartbeats that end at cut or before';
