-- What shows the columns of a table has their comments, unless it has one of its own.
DO LANGUAGE plpgsql $do$
DECLARE
	statement text;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	FOR statement IN
		SELECT format('COMMENT ON COLUMN %s.%I IS %L', k.shown, a.attname, col_description(t.attrelid, t.attnum))
		FROM (VALUES
			('@extschema@.provider_liveness'::regclass, '@extschema@.provider_reliability_features'::regclass),
			('@extschema@.provider_session_history', '@extschema@.provider_sessions'),
			('@extschema@.provider_stale_sessions', '@extschema@.provider_sessions'),
			('@extschema@.provider_heartbeat_history', '@extschema@.provider_heartbeats'),
			('@extschema@.liveness_features_row', '@extschema@.provider_reliability_features'),
			('@extschema@.liveness_reliability_row', '@extschema@.provider_reliability_features'),
			('liveness_internal.liveness_hours_row', '@extschema@.provider_heartbeats_hourly')
		) k (shown, source)
		JOIN pg_attribute t ON t.attrelid = k.source AND t.attnum > 0 AND NOT t.attisdropped
		JOIN pg_attribute a ON a.attrelid = k.shown AND a.attname = t.attname
		WHERE col_description(a.attrelid, a.attnum) IS NULL
	LOOP
		EXECUTE statement;
	END LOOP;
END
$do$;
