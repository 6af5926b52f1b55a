CREATE FUNCTION liveness_internal.liveness_extend_partitions()
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET lock_timeout = '1s'
AS $$
DECLARE
	width interval := (
		SELECT r.until - r.since
		FROM liveness_internal.liveness_heartbeat_partitions() r
		JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.partition AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
		JOIN pg_class c ON c.oid = r.partition AND c.relispartition
		WHERE isfinite(r.since) AND isfinite(r.until)
		ORDER BY r.since DESC
		LIMIT 1);
BEGIN
	IF width IS NULL THEN
		RETURN 0;
	END IF;
	-- an autovacuum that is at work is cancelled for whoever waits for deadlock_timeout
	PERFORM set_config('lock_timeout', (SELECT least(s.setting::bigint + 1000, 2147483647)::text
		FROM pg_settings s WHERE s.name = 'deadlock_timeout'), true);
	RETURN liveness_internal.liveness_partition_ahead(width);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	RAISE WARNING 'no partitions were made ahead, because provider_heartbeats is in use'
		USING HINT = 'Until the next run of the retention, heartbeats of later days go to the last partition.';
	RETURN 0;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_extend_partitions() IS 'Makes the partitions of the next 7 days, as wide as the last';
