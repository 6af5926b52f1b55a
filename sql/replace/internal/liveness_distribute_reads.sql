-- Citus plans no function in SQL that has arguments and reads distributed tables, and no generic
-- plan.  It plans the same statements as PL/pgSQL, and a plain server keeps those that it can
-- inline.  A few objects are given again: they are worded so that they need one index alone here,
-- and look at all shards there, or are refused.
--
-- CREATE OR REPLACE keeps privileges, but takes options from a view.  Each node does this for
-- itself.
CREATE FUNCTION liveness_internal.liveness_distribute_reads()
RETURNS int
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET citus.enable_ddl_propagation = off
AS $$
DECLARE
	options text := (SELECT 'WITH (' || array_to_string(c.reloptions, ', ') || ')' FROM pg_class c WHERE c.oid = 'liveness_internal.liveness_running'::regclass);
	routine record;
	header text;
	body text;
	changed int := 0;
BEGIN
	EXECUTE format($view$
		CREATE OR REPLACE VIEW liveness_internal.liveness_running %s AS
		WITH connected AS NOT MATERIALIZED (
			SELECT c.provider_id, p.spells, p.hazard, p.as_of,
				CASE WHEN f.as_of <= now()
					THEN liveness_internal.liveness_running_since(c.recent, f.as_of, p.spell_since, p.spell_until, p.spell_uncensored, p.fingerprint)
				END AS since
			FROM (
				SELECT s.provider_id, liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, now()) AS recent
				FROM (
					SELECT s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason
					FROM @extschema@.provider_sessions s
					WHERE s.disconnected_at IS NULL
					UNION ALL
					SELECT s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason
					FROM @extschema@.provider_sessions s
					WHERE s.disconnected_at BETWEEN (
						SELECT least(f.as_of, now())
						FROM liveness_internal.liveness_fleet_hazard f
						ORDER BY f.hazard IS NULL, f.as_of DESC
						LIMIT 1
					) AND 'infinity'
				) s
				WHERE s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
				GROUP BY s.provider_id
			) c
			LEFT JOIN (
				SELECT f.as_of
				FROM liveness_internal.liveness_fleet_hazard f
				ORDER BY f.hazard IS NULL, f.as_of DESC
				LIMIT 1
			) f ON true
			LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = c.provider_id
			WHERE c.recent IS NOT NULL
		)
		SELECT c.provider_id, c.since, c.spells, liveness_internal.liveness_decayed_hazard(c.hazard, c.as_of, now()) AS hazard
		FROM connected c
		WHERE c.since IS NOT NULL
		UNION ALL
		SELECT c.provider_id, w.since, c.spells, liveness_internal.liveness_decayed_hazard(c.hazard, c.as_of, now())
		FROM connected c
		JOIN (
			SELECT s.provider_id, liveness_internal.liveness_running_since(
				liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, now()),
				NULL, NULL, NULL, NULL, NULL) AS since
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
			AND (s.disconnected_at IS NULL OR s.disconnected_at >= liveness_internal.liveness_hazard_since(now()))
			GROUP BY s.provider_id
		) w ON w.provider_id = c.provider_id
		WHERE c.since IS NULL
		$view$, options);

	EXECUTE format($view$
		CREATE OR REPLACE VIEW @extschema@.provider_liveness %s AS
		SELECT f.provider_id, f.updated_at, f.window_days, f.uptime_pct, f.sessions_count, f.mtbf_seconds,
			f.median_session_seconds, f.p10_session_seconds, f.p90_session_seconds,
			f.disconnect_reasons, f.p_stays_4h, f.p_stays_8h, f.last_disconnect_at, f.last_session_duration_seconds,
			f.liveness_score, f.mttr_seconds, f.failures_count, f.p_survives_4h, f.p_survives_8h, f.spells_count,
			f.first_seen_at, f.observed_uptime_pct, f.bridged_seconds,
			o.connected_since IS NOT NULL AS connected,
			o.connected_since,
			greatest(o.last_heartbeat_at, h.at) AS last_heartbeat_at
		FROM (
			SELECT r.provider_id, r.updated_at, r.window_days, r.uptime_pct, r.sessions_count, r.mtbf_seconds,
				r.median_session_seconds, r.p10_session_seconds, r.p90_session_seconds,
				r.disconnect_reasons, r.p_stays_4h, r.p_stays_8h, r.last_disconnect_at, r.last_session_duration_seconds,
				r.liveness_score, r.mttr_seconds, r.failures_count, r.p_survives_4h, r.p_survives_8h, r.spells_count,
				r.first_seen_at, r.observed_uptime_pct, r.bridged_seconds
			FROM @extschema@.provider_reliability_features r
			UNION ALL
			SELECT n.provider_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
			FROM (
				SELECT s.provider_id
				FROM @extschema@.provider_sessions s
				WHERE s.disconnected_at IS NULL
				AND NOT EXISTS (SELECT 1 FROM @extschema@.provider_reliability_features k WHERE k.provider_id = s.provider_id)
				UNION
				SELECT s.provider_id
				FROM @extschema@.provider_sessions s
				WHERE s.disconnected_at BETWEEN (
					SELECT coalesce(max(j.last_started_at), '-infinity') FROM liveness_internal.liveness_job_state j WHERE j.job = 'features'
				) AND 'infinity'
				AND NOT EXISTS (SELECT 1 FROM @extschema@.provider_reliability_features k WHERE k.provider_id = s.provider_id)
			) n
		) f
		LEFT JOIN LATERAL (
			SELECT min(s.connected_at) AS connected_since, max(s.last_heartbeat_at) AS last_heartbeat_at
			FROM @extschema@.provider_sessions s
			WHERE s.provider_id = f.provider_id AND (s.disconnected_at IS NULL OR s.disconnected_at > now())
			AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
		) o ON true
		LEFT JOIN LATERAL (
			SELECT max(h.at) AS at
			FROM @extschema@.provider_heartbeats h
			WHERE h.provider_id = f.provider_id
		) h ON true
		$view$, options);

	CREATE OR REPLACE FUNCTION liveness_internal.liveness_live_session(provider_id text)
	RETURNS SETOF liveness_internal.liveness_live_session
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
	SET search_path = pg_catalog, pg_temp
	AS $function$
	#variable_conflict use_column
	DECLARE
		timeout interval := liveness_internal.liveness_setting_interval('session_timeout'::text);
		ahead timestamptz := now() + timeout;
		before timestamptz := now() - timeout;
		latest liveness_internal.liveness_live_session;
		heard_at timestamptz;
	BEGIN
		SELECT s.id, s.coordinator_id, s.connected_at, s.last_heartbeat_at
		INTO latest.id, latest.coordinator_id, latest.connected_at, heard_at
		FROM @extschema@.provider_sessions s
		WHERE s.provider_id = $1 AND (s.disconnected_at IS NULL OR s.disconnected_at > now()) AND s.connected_at <= ahead
		ORDER BY s.connected_at DESC, s.id DESC
		LIMIT 1;
		-- what the row tells spares a look at the heartbeats
		IF FOUND AND (latest.connected_at >= before OR heard_at BETWEEN before AND ahead
			OR NOT coalesce((SELECT o.is_stale FROM liveness_internal.liveness_live_sessions o
				WHERE o.provider_id = $1 AND o.id = latest.id), false)) THEN
			RETURN NEXT latest;
		END IF;
	END
	$function$;

	CREATE OR REPLACE FUNCTION @extschema@.liveness_probability(provider_id text, job interval)
	RETURNS float8
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $function$
	#variable_conflict use_column
	DECLARE
		usecs bigint := liveness_internal.liveness_span_usecs(job, 'job');
		fleet liveness_internal.liveness_fleet_hazard := liveness_internal.liveness_prepared_fleet();
	BEGIN
		IF NOT EXISTS (SELECT 1 FROM liveness_internal.liveness_live_session($1)) THEN
			RETURN NULL;
		END IF;
		RETURN (
			SELECT liveness_internal.liveness_holds(fleet.hazard, r.hazard, r.since, now(), usecs)
			FROM liveness_internal.liveness_running r
			WHERE r.provider_id = $1);
	END
	$function$;

	CREATE OR REPLACE FUNCTION @extschema@.liveness_remaining(provider_id text, probability float8 DEFAULT 0.9)
	RETURNS interval
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $function$
	#variable_conflict use_column
	DECLARE
		at_least float8 := liveness_internal.liveness_probability_limit(probability, 'probability');
		fleet liveness_internal.liveness_fleet_hazard := liveness_internal.liveness_prepared_fleet();
	BEGIN
		IF NOT EXISTS (SELECT 1 FROM liveness_internal.liveness_live_session($1)) THEN
			RETURN NULL;
		END IF;
		RETURN (
			SELECT liveness_internal.liveness_longest_job(fleet.hazard, r.hazard, r.since, now(), at_least)
			FROM liveness_internal.liveness_running r
			WHERE r.provider_id = $1);
	END
	$function$;

	CREATE OR REPLACE FUNCTION liveness_internal.liveness_lock_sessions(session_ids bigint[])
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $function$
	BEGIN
		-- Citus locks no rows of several shards, and lets statements that write to them take turns
	END
	$function$;

	FOR routine IN
		WITH RECURSIVE reader (classid, objid) AS (
			SELECT 'pg_class'::regclass::oid, r.oid::oid
			FROM unnest('{@extschema@.provider_heartbeats,@extschema@.provider_heartbeats_hourly,@extschema@.provider_sessions,@extschema@.provider_reliability_features,@extschema@.provider_exclusions,@extschema@.provider_groups,liveness_internal.liveness_provider_hazard,liveness_internal.liveness_fleet_hazard}'::regclass[]) r (oid)
			UNION
			SELECT CASE d.classid WHEN 'pg_rewrite'::regclass THEN 'pg_class'::regclass::oid ELSE d.classid END, coalesce(w.ev_class, d.objid)
			FROM reader r
			JOIN pg_depend d ON d.refclassid = r.classid AND d.refobjid = r.objid AND d.deptype = 'n'
				AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
			LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
		)
		SELECT p.oid, p.proretset
		FROM reader r
		JOIN pg_proc p ON r.classid = 'pg_proc'::regclass AND p.oid = r.objid
		JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'sql'
		JOIN pg_depend d ON d.classid = r.classid AND d.objid = r.objid AND d.deptype = 'e'
		JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND e.extname = 'liveness'
		WHERE p.pronargs > 0
		ORDER BY p.oid
	LOOP
		header := pg_get_functiondef(routine.oid);
		body := btrim(pg_get_function_sqlbody(routine.oid), E' \n');
		header := replace(rtrim(left(header, position(body IN header) - 1), E' \n') || E'\n', E'\n LANGUAGE sql\n', E'\n LANGUAGE plpgsql\n')
			|| E' SET search_path TO pg_catalog, pg_temp\n';
		body := regexp_replace(regexp_replace(body, '^BEGIN ATOMIC', ''), ';\s*END$', '');
		EXECUTE header || ' AS ' || quote_literal(E'\n#variable_conflict use_column\nBEGIN\n'
			|| CASE WHEN routine.proretset THEN 'RETURN QUERY' || body ELSE 'RETURN (' || body || ')' END || E';\nEND\n');
		changed := changed + 1;
	END LOOP;

	FOR routine IN
		SELECT p.oid::regprocedure AS name
		FROM pg_proc p
		JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND e.extname = 'liveness'
		WHERE 'plan_cache_mode=force_generic_plan' = ANY (p.proconfig)
	LOOP
		EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = ''auto''', routine.name);
	END LOOP;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_distribute_reads() IS 'Words views and functions as Citus needs them; returns how many functions are PL/pgSQL now';
