-- Locks from root to partition, as PostgreSQL does, and the first of them before we read:
-- a REINDEX, CREATE INDEX or VACUUM that came in between would wait for us, and we for it.
-- An autovacuum that is at work is cancelled for whoever waits for deadlock_timeout.  For
-- the lock that keeps everybody out we wait for root alone: who reads the partition and
-- waits for root behind us would wait for us, and we for him.
CREATE FUNCTION liveness_internal.liveness_lock_partitions(until timestamptz, exclusive boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
	partition regclass;
BEGIN
	IF exclusive THEN
		LOCK TABLE ONLY @extschema@.provider_heartbeats IN ACCESS EXCLUSIVE MODE;
	ELSE
		PERFORM set_config('lock_timeout', (SELECT least(s.setting::bigint + 1000, 2147483647)::text
			FROM pg_settings s WHERE s.name = 'deadlock_timeout'), true);
		LOCK TABLE ONLY @extschema@.provider_heartbeats IN SHARE UPDATE EXCLUSIVE MODE;
	END IF;
	FOR partition IN
		SELECT r.partition FROM liveness_internal.liveness_heartbeat_partitions() r
		WHERE r.until <= liveness_lock_partitions.until
		ORDER BY r.until
	LOOP
		EXECUTE format('LOCK TABLE %s IN %s', partition,
			CASE WHEN exclusive THEN 'ACCESS EXCLUSIVE MODE NOWAIT' ELSE 'SHARE UPDATE EXCLUSIVE MODE' END);
	END LOOP;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_lock_partitions(timestamptz, boolean) IS 'Locks the partitions of provider_heartbeats that end at until or before';
