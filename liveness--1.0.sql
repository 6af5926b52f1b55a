/* liveness--1.0.sql: written by scripts/sql from sql/ */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION liveness" to load this file. \quit

-- Tables that a coordinator made before us are not ours to take over silently.
DO LANGUAGE plpgsql $do$
DECLARE
	existing pg_catalog.text;
BEGIN
	SELECT pg_catalog.string_agg(c.relname::pg_catalog.text, ', ' ORDER BY c.relname)
	INTO existing
	FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
	WHERE pg_catalog.quote_ident(n.nspname::pg_catalog.text) OPERATOR(pg_catalog.=) '@extschema@'::pg_catalog.text
	AND c.relname OPERATOR(pg_catalog.=) ANY (ARRAY['provider_heartbeats', 'provider_heartbeats_hourly',
		'provider_sessions', 'provider_reliability_features', 'provider_exclusions', 'provider_groups']::pg_catalog.name[]);
	IF existing IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_table',
			MESSAGE = pg_catalog.concat('schema @extschema@ already holds ', existing),
			HINT = 'To adopt existing tables, move them to another schema, create the extension, and have their rows copied by liveness_adopt(): see "Adopting existing tables" in docs/install.md. Or create the extension in another schema.';
	END IF;
END
$do$;

-- What is not for people.  Nobody but the owner may create in it, so that no stranger's
-- function can be called in the place of one of ours.
CREATE SCHEMA liveness_internal;
COMMENT ON SCHEMA liveness_internal IS 'Internals of the extension liveness: nothing in it is for people, and all of it may change';

CREATE TABLE liveness_internal.liveness_granted_role (
	role text NOT NULL,
	kind text NOT NULL,
	PRIMARY KEY (role, kind)
);
COMMENT ON TABLE liveness_internal.liveness_granted_role IS 'Roles that liveness_grant_reader and the like were called for, so that liveness_regrant can give them what is new';
COMMENT ON COLUMN liveness_internal.liveness_granted_role.role IS 'Name of the role; one that does not exist any more is passed over';
COMMENT ON COLUMN liveness_internal.liveness_granted_role.kind IS 'reader, writer, operator or monitor';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_granted_role', '');

-- Two B-trees and no more: this table takes the volume.  The key begins with
-- provider_id and holds at, so that distributed and time-series engines can
-- divide the table by either.  A night's retention deletes one row of 28: autovacuum comes
-- after it, and not after six nights.  Times rise: an index in their order is full, and is
-- read backwards where the latest are asked for.
CREATE TABLE provider_heartbeats (
	id bigserial NOT NULL,
	provider_id text NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	status text NOT NULL DEFAULT '',
	memory_pressure real NOT NULL DEFAULT 0,
	cpu_usage real NOT NULL DEFAULT 0,
	thermal_state text NOT NULL DEFAULT '',
	memory_available_gb real,
	gpu_memory_active_gb real,
	gpu_memory_cache_gb real,
	backend_state text NOT NULL DEFAULT '',
	active_model text NOT NULL DEFAULT '',
	capacity jsonb,
	CONSTRAINT idx_provider_heartbeats_provider_at PRIMARY KEY (provider_id, at, id)
) WITH (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX idx_provider_heartbeats_at ON provider_heartbeats (at);
-- for "newer than the watermark" alone; a hundredth of a B-tree
CREATE INDEX idx_provider_heartbeats_id_brin ON provider_heartbeats
	USING brin (id) WITH (autosummarize = on);
COMMENT ON TABLE provider_heartbeats IS 'Heartbeats as the coordinator writes them, kept for liveness.heartbeat_retention';
COMMENT ON COLUMN provider_heartbeats.id IS 'Order of arrival, 1 or more; unique only together with provider_id and at';
COMMENT ON COLUMN provider_heartbeats.provider_id IS 'The machine';
COMMENT ON COLUMN provider_heartbeats.at IS 'When the heartbeat was sent, by the coordinator''s clock';
COMMENT ON COLUMN provider_heartbeats.status IS 'What the provider said it was doing';
COMMENT ON COLUMN provider_heartbeats.memory_pressure IS 'Memory pressure, 0 to 1';
COMMENT ON COLUMN provider_heartbeats.cpu_usage IS 'CPU usage, 0 to 1';
COMMENT ON COLUMN provider_heartbeats.thermal_state IS 'nominal, fair, serious or critical; any other word ranks below nominal';
COMMENT ON COLUMN provider_heartbeats.memory_available_gb IS 'Memory available, GB, 0 or more; NULL: not known';
COMMENT ON COLUMN provider_heartbeats.gpu_memory_active_gb IS 'GPU memory in use, GB, 0 or more; NULL: not known';
COMMENT ON COLUMN provider_heartbeats.gpu_memory_cache_gb IS 'GPU memory held as cache, GB, 0 or more; NULL: not known';
COMMENT ON COLUMN provider_heartbeats.backend_state IS 'State of the provider''s backend';
COMMENT ON COLUMN provider_heartbeats.active_model IS 'Model loaded at the moment';
COMMENT ON COLUMN provider_heartbeats.capacity IS 'What the provider can take on, as it says; NULL: not known';
COMMENT ON CONSTRAINT idx_provider_heartbeats_provider_at ON provider_heartbeats IS 'Heartbeats of one provider in order of time; the key by which retention deletes';
COMMENT ON INDEX idx_provider_heartbeats_at IS 'Heartbeats older or newer than an instant';
COMMENT ON INDEX idx_provider_heartbeats_id_brin IS 'Heartbeats that arrived after the watermark of the hourly rollup';
SELECT pg_catalog.pg_extension_config_dump('provider_heartbeats', '');
SELECT pg_catalog.pg_extension_config_dump('provider_heartbeats_id_seq', '');
COMMENT ON SEQUENCE provider_heartbeats_id_seq IS 'Ids of heartbeats, in order of arrival';

CREATE TABLE provider_heartbeats_hourly (
	provider_id text NOT NULL,
	hour timestamptz NOT NULL,
	heartbeat_count int NOT NULL DEFAULT 0,
	avg_memory_pressure real NOT NULL DEFAULT 0,
	avg_cpu_usage real NOT NULL DEFAULT 0,
	max_thermal_state text NOT NULL DEFAULT '',
	avg_memory_available_gb real,
	PRIMARY KEY (provider_id, hour)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX idx_provider_heartbeats_hourly_hour ON provider_heartbeats_hourly (hour);
COMMENT ON TABLE provider_heartbeats_hourly IS 'Heartbeats by provider and UTC hour, written by liveness_rollup_hourly; kept after the raw rows are pruned';
COMMENT ON COLUMN provider_heartbeats_hourly.provider_id IS 'The machine';
COMMENT ON COLUMN provider_heartbeats_hourly.hour IS 'Start of the UTC hour';
COMMENT ON COLUMN provider_heartbeats_hourly.heartbeat_count IS 'Heartbeats in the hour, 0 or more';
COMMENT ON COLUMN provider_heartbeats_hourly.avg_memory_pressure IS 'Mean memory pressure over the heartbeats that gave a finite one, 0 to 1; NaN: none did';
COMMENT ON COLUMN provider_heartbeats_hourly.avg_cpu_usage IS 'Mean CPU usage over the heartbeats that gave a finite one, 0 to 1; NaN: none did';
COMMENT ON COLUMN provider_heartbeats_hourly.max_thermal_state IS 'Worst thermal state: nominal < fair < serious < critical; an unknown word ranks below nominal, '''' lowest';
COMMENT ON COLUMN provider_heartbeats_hourly.avg_memory_available_gb IS 'Mean memory available, GB, 0 or more, over the heartbeats that gave a finite one; NULL: none knew it; NaN: none of those was finite';
COMMENT ON INDEX idx_provider_heartbeats_hourly_hour IS 'The fleet hour by hour, and retention';
SELECT pg_catalog.pg_extension_config_dump('provider_heartbeats_hourly', '');

-- This table grows for as long as sessions are kept.  Autovacuum comes as often when it has
-- grown: reads by index alone and plans depend on it.
CREATE TABLE provider_sessions (
	id bigserial NOT NULL,
	provider_id text NOT NULL,
	connected_at timestamptz NOT NULL DEFAULT now(),
	disconnected_at timestamptz,
	disconnect_reason text NOT NULL DEFAULT '',
	last_heartbeat_at timestamptz,
	requests_served bigint NOT NULL DEFAULT 0,
	tokens_generated bigint NOT NULL DEFAULT 0,
	coordinator_id text NOT NULL DEFAULT '',
	PRIMARY KEY (id, provider_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX idx_provider_sessions_provider_connected ON provider_sessions (provider_id, connected_at DESC);
CREATE INDEX idx_provider_sessions_open ON provider_sessions (provider_id) WHERE disconnected_at IS NULL;
CREATE INDEX idx_provider_sessions_disconnected_at ON provider_sessions (disconnected_at) WHERE disconnected_at IS NOT NULL;
COMMENT ON TABLE provider_sessions IS 'Connections of providers to a coordinator: everything that the reliability features are computed from';
COMMENT ON COLUMN provider_sessions.id IS 'The session, 1 or more; with provider_id the primary key';
COMMENT ON COLUMN provider_sessions.provider_id IS 'The machine';
COMMENT ON COLUMN provider_sessions.connected_at IS 'When it connected, by the coordinator''s clock';
COMMENT ON COLUMN provider_sessions.disconnected_at IS 'When it disconnected; NULL: still connected';
COMMENT ON COLUMN provider_sessions.disconnect_reason IS 'Why: clean_close, read_error, stale_heartbeat, duplicate_serial, coordinator_restart, superseded, observer_outage, or any other text; '''' while open';
COMMENT ON COLUMN provider_sessions.last_heartbeat_at IS 'Last heartbeat of the session that the coordinator saw; NULL: not known';
COMMENT ON COLUMN provider_sessions.requests_served IS 'Requests served in the session, 0 or more';
COMMENT ON COLUMN provider_sessions.tokens_generated IS 'Tokens generated in the session, 0 or more';
COMMENT ON COLUMN provider_sessions.coordinator_id IS 'The coordinator that holds the connection; two may during a deploy';
COMMENT ON INDEX idx_provider_sessions_provider_connected IS 'Sessions of one provider, latest first';
COMMENT ON INDEX idx_provider_sessions_open IS 'Who is connected';
COMMENT ON INDEX idx_provider_sessions_disconnected_at IS 'Sessions that ended lately, and retention';
SELECT pg_catalog.pg_extension_config_dump('provider_sessions', '');
SELECT pg_catalog.pg_extension_config_dump('provider_sessions_id_seq', '');
COMMENT ON SEQUENCE provider_sessions_id_seq IS 'Ids of sessions';

CREATE TABLE provider_exclusions (
	id bigserial PRIMARY KEY,
	provider_id text,
	since timestamptz NOT NULL,
	until timestamptz,
	reason text NOT NULL DEFAULT '',
	noted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_provider_exclusions_provider_since ON provider_exclusions (provider_id, since);
CREATE INDEX idx_provider_exclusions_until ON provider_exclusions (until);
COMMENT ON TABLE provider_exclusions IS 'Excluded time, which counts neither as up nor as down: maintenance, and outages of the observer';
COMMENT ON COLUMN provider_exclusions.id IS 'The exclusion, 1 or more';
COMMENT ON COLUMN provider_exclusions.provider_id IS 'The machine; NULL: everybody';
COMMENT ON COLUMN provider_exclusions.since IS 'First instant that is excluded; -infinity: from the beginning';
COMMENT ON COLUMN provider_exclusions.until IS 'First instant that is not excluded; NULL or infinity: it goes on; at or before since: nothing is excluded';
COMMENT ON COLUMN provider_exclusions.reason IS 'Why: observer_outage where a coordinator was away, or any other text';
COMMENT ON COLUMN provider_exclusions.noted_at IS 'When it was noted';
COMMENT ON INDEX idx_provider_exclusions_provider_since IS 'Exclusions of one provider, and those of everybody';
COMMENT ON INDEX idx_provider_exclusions_until IS 'Exclusions that reach into a window, those that go on, and retention';
SELECT pg_catalog.pg_extension_config_dump('provider_exclusions', '');
SELECT pg_catalog.pg_extension_config_dump('provider_exclusions_id_seq', '');
COMMENT ON SEQUENCE provider_exclusions_id_seq IS 'Ids of exclusions';

-- A join with one row where a subquery would do: parallel plans take joins only.
-- tstzrange is never asked for a range that ends before it begins, which would be an error.
CREATE VIEW liveness_internal.liveness_excluded AS
	SELECT e.provider_id, e.own + coalesce(a.excluded, '{}') AS excluded
	FROM (
		SELECT x.provider_id, range_agg(tstzrange(x.since, x.until)) AS own
		FROM provider_exclusions x
		WHERE x.until IS NULL OR x.until > x.since
		GROUP BY x.provider_id
	) e
	CROSS JOIN (
		SELECT range_agg(tstzrange(x.since, x.until)) AS excluded
		FROM provider_exclusions x
		WHERE x.provider_id IS NULL AND (x.until IS NULL OR x.until > x.since)
	) a;
COMMENT ON VIEW liveness_internal.liveness_excluded IS 'Excluded time of each provider that has any of its own, and of all others';
COMMENT ON COLUMN liveness_internal.liveness_excluded.provider_id IS 'The machine; NULL: any that has no row';
COMMENT ON COLUMN liveness_internal.liveness_excluded.excluded IS 'Union of its exclusions and of those of everybody';

-- Every row is rewritten by every rollup: room for its next version on the page.  The old
-- versions are to be gone before the next rollup; the statistics hardly change.
CREATE TABLE provider_reliability_features (
	provider_id text PRIMARY KEY,
	updated_at timestamptz NOT NULL DEFAULT now(),
	window_days int NOT NULL DEFAULT 14,
	uptime_pct real NOT NULL DEFAULT 0,
	sessions_count int NOT NULL DEFAULT 0,
	mtbf_seconds bigint NOT NULL DEFAULT 0,
	median_session_seconds bigint NOT NULL DEFAULT 0,
	p10_session_seconds bigint NOT NULL DEFAULT 0,
	p90_session_seconds bigint NOT NULL DEFAULT 0,
	hourly_availability jsonb NOT NULL DEFAULT '{}',
	disconnect_reasons jsonb NOT NULL DEFAULT '{}',
	p_stays_4h real NOT NULL DEFAULT 0,
	p_stays_8h real NOT NULL DEFAULT 0,
	last_disconnect_at timestamptz,
	last_session_duration_seconds bigint NOT NULL DEFAULT 0,
	liveness_score real NOT NULL DEFAULT 0,
	mttr_seconds bigint NOT NULL DEFAULT 0,
	failures_count int NOT NULL DEFAULT 0,
	p_survives_4h real,
	p_survives_8h real,
	spells_count int NOT NULL DEFAULT 0,
	first_seen_at timestamptz,
	observed_uptime_pct real NOT NULL DEFAULT 0,
	bridged_seconds bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.1, autovacuum_analyze_scale_factor = 2);
CREATE INDEX idx_provider_reliability_features_score ON provider_reliability_features (liveness_score DESC);
COMMENT ON TABLE provider_reliability_features IS 'One row a provider, written by liveness_rollup_features; definitions in docs/definitions.md';
COMMENT ON COLUMN provider_reliability_features.provider_id IS 'The machine';
COMMENT ON COLUMN provider_reliability_features.updated_at IS 'as_of of the rollup that wrote the row: the instant that it describes';
COMMENT ON COLUMN provider_reliability_features.window_days IS 'Days of history before updated_at that the row describes, 1 to 3650';
COMMENT ON COLUMN provider_reliability_features.uptime_pct IS 'Share of the window that was covered by sessions, 0 to 1; overlapping sessions count once';
COMMENT ON COLUMN provider_reliability_features.sessions_count IS 'Sessions in the window, 0 or more';
COMMENT ON COLUMN provider_reliability_features.mtbf_seconds IS 'Mean time between failures: uptime / failures_count, seconds, 0 or more; without a failure the whole uptime, a lower bound';
COMMENT ON COLUMN provider_reliability_features.median_session_seconds IS 'Median length of spells, seconds, 0 or more (percentile_cont)';
COMMENT ON COLUMN provider_reliability_features.p10_session_seconds IS '10th percentile of the lengths of spells, seconds, 0 or more (percentile_cont)';
COMMENT ON COLUMN provider_reliability_features.p90_session_seconds IS '90th percentile of the lengths of spells, seconds, 0 or more (percentile_cont)';
COMMENT ON COLUMN provider_reliability_features.hourly_availability IS '168 shares of time online, 24 x day + hour, day 0 = Sunday, UTC; null: nothing of that hour is left in the window';
COMMENT ON COLUMN provider_reliability_features.disconnect_reasons IS 'Reason -> sessions that ended for it in the window; '''' goes by unspecified';
COMMENT ON COLUMN provider_reliability_features.p_stays_4h IS 'Share of spells that lasted 4 hours or more, 0 to 1; shorter ones that did not fail are left out';
COMMENT ON COLUMN provider_reliability_features.p_stays_8h IS 'Share of spells that lasted 8 hours or more, 0 to 1; shorter ones that did not fail are left out';
COMMENT ON COLUMN provider_reliability_features.last_disconnect_at IS 'End of the spell that failed last, at or before updated_at; NULL: none';
COMMENT ON COLUMN provider_reliability_features.last_session_duration_seconds IS 'Length of the spell that failed last, seconds, 0 or more; 0: none';
COMMENT ON COLUMN provider_reliability_features.liveness_score IS 'liveness_score() of this row''s unrounded features as of updated_at, 0 to 1';
COMMENT ON COLUMN provider_reliability_features.mttr_seconds IS 'Mean time to return: mean gap between two spells, seconds, 0 or more; 0: no gap';
COMMENT ON COLUMN provider_reliability_features.failures_count IS 'Spells that ended in the window by a failure, 0 or more: for an uncensored reason';
COMMENT ON COLUMN provider_reliability_features.p_survives_4h IS 'Kaplan-Meier estimate that a spell lasts beyond 4 hours, 0 to 1; NULL: not reached';
COMMENT ON COLUMN provider_reliability_features.p_survives_8h IS 'Kaplan-Meier estimate that a spell lasts beyond 8 hours, 0 to 1; NULL: not reached';
COMMENT ON COLUMN provider_reliability_features.spells_count IS 'Spells in the window, 0 or more: sessions that overlap, touch, or resume after the observer was away are one';
COMMENT ON COLUMN provider_reliability_features.first_seen_at IS 'Start of the earliest session known, kept when sessions are pruned; NULL: no rollup has looked yet';
COMMENT ON COLUMN provider_reliability_features.observed_uptime_pct IS 'As uptime_pct, of the time since first_seen_at where that is later than the window''s begin, 0 to 1';
COMMENT ON COLUMN provider_reliability_features.bridged_seconds IS 'Time online in the window that no session covers, because its observer was away for a short time, seconds, 0 or more';
-- The matrix makes most of the row, and lz4 packs it in a fifth of pglz's time.
DO LANGUAGE plpgsql $do$
BEGIN
	ALTER TABLE provider_reliability_features ALTER COLUMN hourly_availability SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
	NULL;	-- a server built without lz4 keeps pglz
END
$do$;
COMMENT ON INDEX idx_provider_reliability_features_score IS 'The ranking';
SELECT pg_catalog.pg_extension_config_dump('provider_reliability_features', '');

CREATE TABLE provider_groups (
	provider_id text PRIMARY KEY,
	group_name text NOT NULL
);
COMMENT ON TABLE provider_groups IS 'Which providers fall together: a site, a rack or an owner; the operator fills it, and nothing needs it';
COMMENT ON COLUMN provider_groups.provider_id IS 'The machine; one without a row is a group by itself';
COMMENT ON COLUMN provider_groups.group_name IS 'Its group, any text';
SELECT pg_catalog.pg_extension_config_dump('provider_groups', '');

-- Without a key: COPY of a dump must not fail because a job was there before it.  What is
-- published needs an identity all the same.
CREATE TABLE liveness_internal.liveness_fleet_hazard (
	as_of timestamptz NOT NULL,
	hazard float8[],
	counted_at timestamptz,
	counted_since timestamptz,
	settings bigint
);
ALTER TABLE liveness_internal.liveness_fleet_hazard ALTER COLUMN hazard SET STORAGE PLAIN;
ALTER TABLE liveness_internal.liveness_fleet_hazard REPLICA IDENTITY FULL;
COMMENT ON TABLE liveness_internal.liveness_fleet_hazard IS 'What liveness_candidates knows of the fleet; written by liveness_rollup_features; one row, and another after a restore until its next run';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.as_of IS 'as_of of the last run of liveness_rollup_features';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.hazard IS '96 hazards by age, events a second, 0 or more, 168 factors of the hours of the week, from Sunday 0 h UTC, and the weights of two priors, in events; NULL: nobody was ever up';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.counted_at IS 'Instant that the numbers describe: as_of truncated to a multiple of liveness.hazard_interval; as_of where nobody was up by then';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.counted_since IS 'Sessions that ended before this instant are not counted';
COMMENT ON COLUMN liveness_internal.liveness_fleet_hazard.settings IS 'Fingerprint, any number, of the settings that say what a spell is, and of excluded time';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_fleet_hazard', '');

-- Without a key, as liveness_fleet_hazard: COPY of a dump must not fail because a job was
-- there before it.
CREATE TABLE liveness_internal.liveness_shock_estimate (
	as_of timestamptz NOT NULL,
	horizon interval NOT NULL,
	phi float8 NOT NULL,
	psi float8 NOT NULL,
	phi_estimate float8,
	phi_error float8,
	psi_estimate float8,
	psi_error float8,
	cuts int NOT NULL,
	cases bigint NOT NULL,
	pairs bigint NOT NULL,
	group_pairs bigint NOT NULL,
	stated float8,
	held float8
);
ALTER TABLE liveness_internal.liveness_shock_estimate REPLICA IDENTITY FULL;
COMMENT ON TABLE liveness_internal.liveness_shock_estimate IS 'How far providers fall together: a row for each horizon that it was estimated at; the latest as_of counts';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.as_of IS 'Instant that it describes';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.horizon IS 'Length of the job that was asked about at each cut, more than 0';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.phi IS 'Share of each hazard that is the whole fleet''s, 0 to 1; 0 where the data do not speak for more';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.psi IS 'Share of each hazard that is the group''s or the fleet''s, phi to 1';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.phi_estimate IS 'The estimate of phi before its standard error was taken off, -1 to 1; NULL: no pair was seen';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.phi_error IS 'Standard error of phi_estimate by the jackknife, 0 or more, over ten blocks of cuts; NULL: fewer than two blocks';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.psi_estimate IS 'The estimate of psi before its standard error was taken off, -1 to 1; NULL: no pair of one group was seen';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.psi_error IS 'Standard error of psi_estimate by the jackknife, 0 or more; NULL: fewer than two blocks';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.cuts IS 'Instants at which the fleet was looked at, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.cases IS 'Providers asked about, in all cuts: of each cut the quarter likeliest to hold, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.pairs IS 'Pairs of providers of one cut, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.group_pairs IS 'Pairs of one cut and one group, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.stated IS 'Mean probability to hold that the model stated, 0 to 1; NULL: no case';
COMMENT ON COLUMN liveness_internal.liveness_shock_estimate.held IS 'Share that held, 0 to 1; NULL: no case';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_shock_estimate', '');

-- All rows are written once in liveness.hazard_interval: room for the new ones beside the old.
CREATE TABLE liveness_internal.liveness_provider_hazard (
	provider_id text PRIMARY KEY,
	as_of timestamptz NOT NULL,
	spells int NOT NULL,
	hazard real[] NOT NULL,
	spell_since timestamptz,
	spell_until timestamptz,
	spell_uncensored boolean,
	fingerprint bigint,
	digest bigint,
	counted_digest bigint
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.1, autovacuum_analyze_scale_factor = 2);
ALTER TABLE liveness_internal.liveness_provider_hazard ALTER COLUMN hazard SET STORAGE PLAIN;
COMMENT ON TABLE liveness_internal.liveness_provider_hazard IS 'What liveness_candidates knows of each provider; written by liveness_rollup_features';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.as_of IS 'Instant that hazard and spells describe; what was open then is still open, and nothing else has changed, by as_of of liveness_fleet_hazard';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spells IS 'Its spells of any length by then, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.hazard IS 'Events and expected events by 24 octaves of age, then by 24 hours of the day, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spell_since IS 'When its last spell began; NULL: it had none';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spell_until IS 'When its last spell ended; as_of: it was running';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.spell_uncensored IS 'Did its last spell end for an uncensored reason? Excluded time changes nothing: such an end is never bridged';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.fingerprint IS 'Fingerprint, any number, of its sessions that were open then, and of the settings that say what a spell is';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.digest IS 'Digest, any number, of its sessions in the window and of its excluded time: where it differs, the row is computed anew; NULL: none in the window';
COMMENT ON COLUMN liveness_internal.liveness_provider_hazard.counted_digest IS 'Digest, any number, of what the fleet was counted from, as of counted_at of liveness_fleet_hazard; where it differs, the fleet is counted anew';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_provider_hazard', '');

-- Without a key, like liveness_fleet_hazard: a job updates its row, if there is one.
CREATE TABLE liveness_internal.liveness_job_state (
	job text NOT NULL,
	last_started_at timestamptz,
	last_duration interval,
	last_rows bigint,
	last_error text,
	last_error_at timestamptz,
	runs bigint NOT NULL DEFAULT 0,
	errors bigint NOT NULL DEFAULT 0,
	watermark_of text,
	watermark bigint,
	pending bigint,
	pending_writers text[],
	swept_at timestamptz,
	pruned_before timestamptz,
	late bigint NOT NULL DEFAULT 0,
	heard_until timestamptz,
	seen_xid jsonb,
	swept_xid jsonb
);
ALTER TABLE liveness_internal.liveness_job_state REPLICA IDENTITY FULL;
COMMENT ON TABLE liveness_internal.liveness_job_state IS 'What the jobs leave for their next run, and the figures of the last; read it through liveness_jobs. A row a job, and another after a restore until the job''s next run';
COMMENT ON COLUMN liveness_internal.liveness_job_state.job IS 'features, hourly, retention or sessions';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_started_at IS 'Start of the last run that completed';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_duration IS 'Its duration, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_rows IS 'Rows that it wrote, or deleted, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_error IS 'Message of the last run that failed';
COMMENT ON COLUMN liveness_internal.liveness_job_state.last_error_at IS 'When it failed';
COMMENT ON COLUMN liveness_internal.liveness_job_state.runs IS 'Runs that completed, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.errors IS 'Runs that failed and could be recorded, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.watermark_of IS 'hourly, sessions: cluster, database and table that the watermark was made in; void elsewhere';
COMMENT ON COLUMN liveness_internal.liveness_job_state.watermark IS 'hourly, sessions: every heartbeat with an id up to this was taken, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.pending IS 'hourly, sessions: the next watermark, once pending_writers have ended, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.pending_writers IS 'hourly, sessions: virtual transactions that may still bring an id up to pending';
COMMENT ON COLUMN liveness_internal.liveness_job_state.swept_at IS 'hourly, sessions: when the hours of liveness.rollup_lookback were last taken whole';
COMMENT ON COLUMN liveness_internal.liveness_job_state.pruned_before IS 'hourly: raw rows before this hour may be gone; no cell before it is written any more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.late IS 'hourly: heartbeats that arrived for an hour before pruned_before, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_job_state.heard_until IS 'sessions: the latest time at which a heartbeat could be stamped; what was stamped later is taken once that is possible';
COMMENT ON COLUMN liveness_internal.liveness_job_state.seen_xid IS 'sessions: what transactions before this wrote to recent sessions of coordinators was taken, 3 or more by system identifier of each node';
COMMENT ON COLUMN liveness_internal.liveness_job_state.swept_xid IS 'sessions: what transactions before this wrote to any session of a coordinator was taken, 3 or more by system identifier of each node';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_job_state', '');

-- What the routine run adds new heartbeats to.  A cache: without a row, a cell is made from
-- its raw rows.  So the table is neither logged nor dumped, and a crash may empty it.
CREATE UNLOGGED TABLE liveness_internal.liveness_hour_sums (
	hour timestamptz NOT NULL,
	provider_id text NOT NULL,
	settled bigint NOT NULL,
	sums bytea NOT NULL,
	PRIMARY KEY (hour, provider_id)
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.1, autovacuum_analyze_scale_factor = 2);
COMMENT ON TABLE liveness_internal.liveness_hour_sums IS 'Sums of the heartbeats of recent hours, written by liveness_rollup_hourly';
COMMENT ON COLUMN liveness_internal.liveness_hour_sums.hour IS 'Start of the UTC hour';
COMMENT ON COLUMN liveness_internal.liveness_hour_sums.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_hour_sums.settled IS 'Watermark of the rollup that wrote the row: the heartbeats with an id up to this are in, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_hour_sums.sums IS 'Their number, sums and worst thermal state, as liveness_hours tells them';

CREATE FUNCTION liveness_internal.liveness_effective_window_days(window_days int)
RETURNS int AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_effective_window_days(int) IS 'window_days, or for NULL the setting liveness.window_days; outside 1..3650 error 22023';

CREATE FUNCTION liveness_internal.liveness_window_start(as_of timestamptz, window_days int)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_window_start(timestamptz, int) IS 'The instant at which a window of so many days begins';

CREATE FUNCTION liveness_internal.liveness_setting_interval(name text)
RETURNS interval AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_setting_interval(text) IS 'The value of a setting that is a duration; NULL where the setting is off';

CREATE FUNCTION liveness_internal.liveness_outage_threshold()
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_outage_threshold() IS 'The setting liveness.outage_threshold';

CREATE FUNCTION liveness_internal.liveness_effective_batch_size(batch_size int)
RETURNS int AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_effective_batch_size(int) IS 'batch_size, or for NULL the setting liveness.prune_batch_size; below 1 error 22023';

CREATE FUNCTION liveness_is_censored(disconnect_reason text)
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_is_censored(text) IS 'Is this one of liveness.censored_reasons, by which the observer went away and not the provider?';

CREATE FUNCTION liveness_internal.liveness_utc_hour(at timestamptz)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_utc_hour(timestamptz) IS 'Start of the UTC hour that holds the instant, whatever the time zone; an infinity is its own hour';

CREATE FUNCTION liveness_sigmoid(x float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_sigmoid(float8) IS 'Logistic function 1 / (1 + exp(-x)), 0 to 1; NULL for NULL; NaN is error 22003';

CREATE FUNCTION liveness_recency_penalty(last_disconnect_at timestamptz, as_of timestamptz)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_recency_penalty(timestamptz, timestamptz) IS 'Penalty for a recent disconnect: 1 at the disconnect, falling linearly to 0 after 24 h';

CREATE FUNCTION liveness_score(uptime_pct float8, p_stays_4h float8, p_stays_8h float8, mtbf_seconds float8,
	last_disconnect_at timestamptz, as_of timestamptz DEFAULT now())
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_score(float8, float8, float8, float8, timestamptz, timestamptz) IS 'The liveness score of a provider, 0 to 1';

-- For the jobs, as liveness_internal.liveness_run_features
CREATE FUNCTION liveness_internal.liveness_score(uptime_pct float8, p_stays_4h float8, p_stays_8h float8, mtbf_seconds float8,
	last_disconnect_at timestamptz, as_of timestamptz)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_score(float8, float8, float8, float8, timestamptz, timestamptz) IS 'liveness_score for the jobs';

CREATE TYPE liveness_internal.liveness_score_term AS (
	term text,
	measured float8,
	value float8,
	weight float8,
	points float8
);
COMMENT ON TYPE liveness_internal.liveness_score_term IS 'A term of the liveness score';
COMMENT ON COLUMN liveness_internal.liveness_score_term.term IS 'The feature that it is made of; clamp: what keeps the score in 0 to 1';
COMMENT ON COLUMN liveness_internal.liveness_score_term.measured IS 'The feature: a share, 0 to 1; the MTBF, seconds; the time since the disconnect, seconds, NULL for none';
COMMENT ON COLUMN liveness_internal.liveness_score_term.value IS 'What counts of it, 0 to 1; NULL for clamp';
COMMENT ON COLUMN liveness_internal.liveness_score_term.weight IS 'Its weight in the score, -0.10 to 0.35; NULL for clamp';
COMMENT ON COLUMN liveness_internal.liveness_score_term.points IS 'Value x weight, -0.10 to 0.35; the points of all terms add up to the score';

CREATE FUNCTION liveness_internal.liveness_score_terms(uptime_pct float8, p_stays_4h float8, p_stays_8h float8,
	mtbf_seconds float8, last_disconnect_at timestamptz, as_of timestamptz)
RETURNS SETOF liveness_internal.liveness_score_term AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 6;
COMMENT ON FUNCTION liveness_internal.liveness_score_terms(float8, float8, float8, float8, timestamptz, timestamptz) IS 'The terms of liveness_score, whose points add up to it; none for a NULL feature';

CREATE FUNCTION liveness_internal.liveness_percentiles_transfn(bytea, float8, float8[])
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_transfn(bytea, float8, float8[]) IS 'Transition function of liveness_percentiles';
CREATE FUNCTION liveness_internal.liveness_percentiles_combine(bytea, bytea)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_combine(bytea, bytea) IS 'Combine function of liveness_percentiles';
CREATE FUNCTION liveness_internal.liveness_percentiles_final(bytea)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_percentiles_final(bytea) IS 'Final function of liveness_percentiles';
CREATE AGGREGATE liveness_percentiles(value float8, fractions float8[]) (
	SFUNC = liveness_internal.liveness_percentiles_transfn,
	STYPE = bytea,
	FINALFUNC = liveness_internal.liveness_percentiles_final,
	COMBINEFUNC = liveness_internal.liveness_percentiles_combine,
	SSPACE = 1024,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_percentiles(float8, float8[]) IS 'Percentiles of the values at the fractions, as percentile_cont gives them';

CREATE TYPE liveness_features_row AS (
	uptime_pct real,
	sessions_count int,
	mtbf_seconds bigint,
	median_session_seconds bigint,
	p10_session_seconds bigint,
	p90_session_seconds bigint,
	hourly_availability jsonb,
	disconnect_reasons jsonb,
	p_stays_4h real,
	p_stays_8h real,
	last_disconnect_at timestamptz,
	last_session_duration_seconds bigint,
	liveness_score real,
	mttr_seconds bigint,
	failures_count int,
	p_survives_4h real,
	p_survives_8h real,
	spells_count int,
	first_seen_at timestamptz,
	observed_uptime_pct real,
	bridged_seconds bigint
);
COMMENT ON TYPE liveness_features_row IS 'Result of liveness_features: the columns of provider_reliability_features, as defined there, without provider_id, updated_at and window_days';
CREATE FUNCTION liveness_internal.liveness_features_transfn(internal, timestamptz, timestamptz, text, timestamptz, int)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_transfn(internal, timestamptz, timestamptz, text, timestamptz, int) IS 'Transition function of liveness_features';
CREATE FUNCTION liveness_internal.liveness_features_transfn(internal, timestamptz, timestamptz, text, timestamptz, int, tstzmultirange)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_transfn(internal, timestamptz, timestamptz, text, timestamptz, int, tstzmultirange) IS 'Transition function of liveness_features with excluded time';
CREATE FUNCTION liveness_internal.liveness_features_combine(internal, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_combine(internal, internal) IS 'Combine function of liveness_features';
CREATE FUNCTION liveness_internal.liveness_features_serialize(internal)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_serialize(internal) IS 'Serialize function of liveness_features';
CREATE FUNCTION liveness_internal.liveness_features_deserialize(bytea, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_deserialize(bytea, internal) IS 'Deserialize function of liveness_features';
CREATE FUNCTION liveness_internal.liveness_features_final(internal)
RETURNS liveness_features_row AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_final(internal) IS 'Final function of liveness_features';
CREATE AGGREGATE liveness_features(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text,
	as_of timestamptz, window_days int) (
	SFUNC = liveness_internal.liveness_features_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_features_final,
	COMBINEFUNC = liveness_internal.liveness_features_combine,
	SERIALFUNC = liveness_internal.liveness_features_serialize,
	DESERIALFUNC = liveness_internal.liveness_features_deserialize,
	SSPACE = 2048,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_features(timestamptz, timestamptz, text, timestamptz, int) IS 'Reliability features of one provider, from its sessions in the window';
CREATE AGGREGATE liveness_features(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text,
	as_of timestamptz, window_days int, excluded tstzmultirange) (
	SFUNC = liveness_internal.liveness_features_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_features_final,
	COMBINEFUNC = liveness_internal.liveness_features_combine,
	SERIALFUNC = liveness_internal.liveness_features_serialize,
	DESERIALFUNC = liveness_internal.liveness_features_deserialize,
	SSPACE = 2048,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_features(timestamptz, timestamptz, text, timestamptz, int, tstzmultirange) IS 'Reliability features of one provider, time left out that counts neither as up nor as down';
-- The two share one state: the rollup needs both, and pays for one scan.
CREATE FUNCTION liveness_internal.liveness_features_all_transfn(internal, timestamptz, timestamptz, text, timestamptz, int)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_all_transfn(internal, timestamptz, timestamptz, text, timestamptz, int) IS 'Transition function of liveness_features_all and liveness_features_history';
CREATE FUNCTION liveness_internal.liveness_features_all_transfn(internal, timestamptz, timestamptz, text, timestamptz, int, tstzmultirange)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_all_transfn(internal, timestamptz, timestamptz, text, timestamptz, int, tstzmultirange) IS 'Transition function of liveness_features_all and liveness_features_history with excluded time';
CREATE FUNCTION liveness_internal.liveness_features_history_final(internal)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_features_history_final(internal) IS 'Final function of liveness_features_history';
CREATE AGGREGATE liveness_internal.liveness_features_all(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text, as_of timestamptz, window_days int, excluded tstzmultirange) (
	SFUNC = liveness_internal.liveness_features_all_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_features_final,
	COMBINEFUNC = liveness_internal.liveness_features_combine,
	SERIALFUNC = liveness_internal.liveness_features_serialize,
	DESERIALFUNC = liveness_internal.liveness_features_deserialize,
	SSPACE = 2048,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_features_all(timestamptz, timestamptz, text, timestamptz, int, tstzmultirange) IS 'As liveness_features, but sessions outside of the window are kept for liveness_features_history';
CREATE AGGREGATE liveness_internal.liveness_features_history(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text, as_of timestamptz, window_days int) (
	SFUNC = liveness_internal.liveness_features_all_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_features_history_final,
	COMBINEFUNC = liveness_internal.liveness_features_combine,
	SERIALFUNC = liveness_internal.liveness_features_serialize,
	DESERIALFUNC = liveness_internal.liveness_features_deserialize,
	SSPACE = 2048,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_features_history(timestamptz, timestamptz, text, timestamptz, int) IS 'The packed sessions that began before as_of';
CREATE AGGREGATE liveness_internal.liveness_features_history(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text, as_of timestamptz, window_days int, excluded tstzmultirange) (
	SFUNC = liveness_internal.liveness_features_all_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_features_history_final,
	COMBINEFUNC = liveness_internal.liveness_features_combine,
	SERIALFUNC = liveness_internal.liveness_features_serialize,
	DESERIALFUNC = liveness_internal.liveness_features_deserialize,
	SSPACE = 2048,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_features_history(timestamptz, timestamptz, text, timestamptz, int, tstzmultirange) IS 'As liveness_features_history, with excluded time; shares the state of liveness_features_all';

CREATE TYPE liveness_internal.liveness_hours_row AS (
	hour timestamptz,
	heartbeat_count int,
	avg_memory_pressure real,
	avg_cpu_usage real,
	max_thermal_state text,
	avg_memory_available_gb real,
	sums bytea
);
COMMENT ON TYPE liveness_internal.liveness_hours_row IS 'Element of the result of liveness_hours: the columns of provider_heartbeats_hourly without provider_id, and the sums that they are made of';
COMMENT ON COLUMN liveness_internal.liveness_hours_row.sums IS 'What the other columns are made of, to be added to';
CREATE FUNCTION liveness_internal.liveness_hours_transfn(internal, timestamptz, real, real, text, real)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_transfn(internal, timestamptz, real, real, text, real) IS 'Transition function of liveness_hours';
CREATE FUNCTION liveness_internal.liveness_hours_combine(internal, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_combine(internal, internal) IS 'Combine function of liveness_hours';
CREATE FUNCTION liveness_internal.liveness_hours_serialize(internal)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_serialize(internal) IS 'Serialize function of liveness_hours';
CREATE FUNCTION liveness_internal.liveness_hours_deserialize(bytea, internal)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_deserialize(bytea, internal) IS 'Deserialize function of liveness_hours';
CREATE FUNCTION liveness_internal.liveness_hours_final(internal)
RETURNS liveness_internal.liveness_hours_row[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_final(internal) IS 'Final function of liveness_hours';
CREATE AGGREGATE liveness_internal.liveness_hours(at timestamptz, memory_pressure real, cpu_usage real, thermal_state text,
	memory_available_gb real) (
	SFUNC = liveness_internal.liveness_hours_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_hours_final,
	COMBINEFUNC = liveness_internal.liveness_hours_combine,
	SERIALFUNC = liveness_internal.liveness_hours_serialize,
	DESERIALFUNC = liveness_internal.liveness_hours_deserialize,
	SSPACE = 512,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_hours(timestamptz, real, real, text, real) IS 'Heartbeats of one provider by UTC hour, in order of time';
CREATE FUNCTION liveness_internal.liveness_hours_add_transfn(internal, timestamptz, bytea)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hours_add_transfn(internal, timestamptz, bytea) IS 'Transition function of liveness_hours over sums';
CREATE AGGREGATE liveness_internal.liveness_hours(hour timestamptz, sums bytea) (
	SFUNC = liveness_internal.liveness_hours_add_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_hours_final,
	COMBINEFUNC = liveness_internal.liveness_hours_combine,
	SERIALFUNC = liveness_internal.liveness_hours_serialize,
	DESERIALFUNC = liveness_internal.liveness_hours_deserialize,
	SSPACE = 512,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_hours(timestamptz, bytea) IS 'The same of sums that liveness_hours has told before';

CREATE TYPE survival_curve;
CREATE FUNCTION liveness_internal.survival_curve_in(cstring)
RETURNS survival_curve AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_curve_in(cstring) IS 'Input of survival_curve: {time:events:censored, ...}';
CREATE FUNCTION liveness_internal.survival_curve_out(survival_curve)
RETURNS cstring AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_curve_out(survival_curve) IS 'Output of survival_curve, exact';
CREATE FUNCTION liveness_internal.survival_curve_recv(internal)
RETURNS survival_curve AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_curve_recv(internal) IS 'Binary input of survival_curve; a curve that cannot be is error 22P03';
CREATE FUNCTION liveness_internal.survival_curve_send(survival_curve)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_curve_send(survival_curve) IS 'Binary output of survival_curve';
CREATE TYPE survival_curve (
	INPUT = liveness_internal.survival_curve_in,
	OUTPUT = liveness_internal.survival_curve_out,
	RECEIVE = liveness_internal.survival_curve_recv,
	SEND = liveness_internal.survival_curve_send,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE survival_curve IS 'A Kaplan-Meier curve as what it follows from: at each distinct time the numbers of events, of censored observations, and of those that come under observation. Curves merge in any order with the same result';

CREATE FUNCTION liveness_internal.survival_agg_transfn(bytea, float8, boolean)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_agg_transfn(bytea, float8, boolean) IS 'Transition function of survival_agg(duration, observed)';
CREATE FUNCTION liveness_internal.survival_agg_entry_transfn(bytea, float8, boolean, float8)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_agg_entry_transfn(bytea, float8, boolean, float8) IS 'Transition function of survival_agg(duration, observed, entry)';
CREATE FUNCTION liveness_internal.survival_merge_transfn(bytea, survival_curve)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_merge_transfn(bytea, survival_curve) IS 'Transition function of survival_merge';
CREATE FUNCTION liveness_internal.survival_agg_combine(bytea, bytea)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_agg_combine(bytea, bytea) IS 'Combine function of survival_agg and survival_merge';
CREATE FUNCTION liveness_internal.survival_agg_final(bytea)
RETURNS survival_curve AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_agg_final(bytea) IS 'Final function of survival_agg and survival_merge';
CREATE AGGREGATE survival_agg(duration float8, observed boolean) (
	SFUNC = liveness_internal.survival_agg_transfn,
	STYPE = bytea,
	FINALFUNC = liveness_internal.survival_agg_final,
	COMBINEFUNC = liveness_internal.survival_agg_combine,
	SSPACE = 1024,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival_agg(float8, boolean) IS 'The Kaplan-Meier curve of durations, of which some are right-censored';
CREATE AGGREGATE survival_agg(duration float8, observed boolean, entry float8) (
	SFUNC = liveness_internal.survival_agg_entry_transfn,
	STYPE = bytea,
	FINALFUNC = liveness_internal.survival_agg_final,
	COMBINEFUNC = liveness_internal.survival_agg_combine,
	SSPACE = 1024,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival_agg(float8, boolean, float8) IS 'The Kaplan-Meier curve of durations that are observed from an entry on';
CREATE AGGREGATE survival_merge(curve survival_curve) (
	SFUNC = liveness_internal.survival_merge_transfn,
	STYPE = bytea,
	FINALFUNC = liveness_internal.survival_agg_final,
	COMBINEFUNC = liveness_internal.survival_agg_combine,
	SSPACE = 1024,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE survival_merge(survival_curve) IS 'The curve of all observations behind several curves';

CREATE FUNCTION survival_at(curve survival_curve, t float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION survival_at(survival_curve, float8) IS 'S(t), the probability to last longer than t';

CREATE FUNCTION survival_conditional(curve survival_curve, age float8, more float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION survival_conditional(survival_curve, float8, float8) IS 'The probability to last so much more, given an age';

CREATE FUNCTION liveness_internal.survival_conditionals(curve survival_curve, ages float8[], more float8)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.survival_conditionals(survival_curve, float8[], float8) IS 'survival_conditional at many ages at once';

CREATE FUNCTION survival_quantile(curve survival_curve, p float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION survival_quantile(survival_curve, float8) IS 'The time by which the event has happened with probability p';

CREATE FUNCTION survival_rmean(curve survival_curve, horizon float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION survival_rmean(survival_curve, float8) IS 'Restricted mean: the mean time until the event or the horizon';

CREATE TYPE survival_table_row AS (
	"time" float8,
	n_risk bigint,
	n_event bigint,
	n_censor bigint,
	survival float8,
	std_err float8,
	lower float8,
	upper float8
);
COMMENT ON TYPE survival_table_row IS 'Row of survival_table';
COMMENT ON COLUMN survival_table_row."time" IS 'Time, in the unit of the durations, 0 or more';
COMMENT ON COLUMN survival_table_row.n_risk IS 'Number at risk just before, 0 or more';
COMMENT ON COLUMN survival_table_row.n_event IS 'Events at this time, 0 or more';
COMMENT ON COLUMN survival_table_row.n_censor IS 'Observations censored at this time, 0 or more';
COMMENT ON COLUMN survival_table_row.survival IS 'S: share that lasts longer, 0 to 1';
COMMENT ON COLUMN survival_table_row.std_err IS 'Standard error of S (Greenwood), 0 or more; NULL: S is 0';
COMMENT ON COLUMN survival_table_row.lower IS 'Lower bound of S, 0 to 1; NULL: there is none';
COMMENT ON COLUMN survival_table_row.upper IS 'Upper bound of S, 0 to 1; NULL: there is none';

CREATE FUNCTION survival_table(curve survival_curve, conf_level float8 DEFAULT 0.95, conf_type text DEFAULT 'log-log')
RETURNS SETOF survival_table_row
AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION survival_table(survival_curve, float8, text) IS 'A row for each distinct time of a curve: at risk, events, censored, S and its bounds';

CREATE TYPE liveness_internal.liveness_spell AS (
	since timestamptz,
	until timestamptz,
	seconds float8,
	running boolean,
	failed boolean,
	excused boolean,
	uncensored boolean
);
COMMENT ON TYPE liveness_internal.liveness_spell IS 'A spell as it was known as of an instant';
COMMENT ON COLUMN liveness_internal.liveness_spell.since IS 'When it began';
COMMENT ON COLUMN liveness_internal.liveness_spell.until IS 'When it ended; the instant itself while it was running';
COMMENT ON COLUMN liveness_internal.liveness_spell.seconds IS 'Its length, seconds, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_spell.running IS 'Had it not ended?';
COMMENT ON COLUMN liveness_internal.liveness_spell.failed IS 'Had it ended for an uncensored reason, and not in excluded time?';
COMMENT ON COLUMN liveness_internal.liveness_spell.excused IS 'Had it ended in excluded time?';
COMMENT ON COLUMN liveness_internal.liveness_spell.uncensored IS 'Had it ended for an uncensored reason, in excluded time or not? Such an end is never bridged';

CREATE FUNCTION liveness_internal.liveness_history_spells(history bytea, as_of timestamptz)
RETURNS SETOF liveness_internal.liveness_spell AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 50;
COMMENT ON FUNCTION liveness_internal.liveness_history_spells(bytea, timestamptz) IS 'The spells of a history as they were known then, in order of time';

CREATE FUNCTION liveness_internal.liveness_history_spell_at(history bytea, as_of timestamptz, at timestamptz)
RETURNS liveness_internal.liveness_spell AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_spell_at(bytea, timestamptz, timestamptz) IS 'As of an instant, the last spell that had begun by "at"; NULL if none had';

CREATE FUNCTION liveness_internal.liveness_history_connected_transfn(internal, bytea, timestamptz, timestamptz[])
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_connected_transfn(internal, bytea, timestamptz, timestamptz[]) IS 'Transition function of liveness_history_connected';
CREATE FUNCTION liveness_internal.liveness_history_connected_final(internal)
RETURNS bigint[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_connected_final(internal) IS 'Final function of liveness_history_connected';
CREATE AGGREGATE liveness_internal.liveness_history_connected(history bytea, as_of timestamptz, instants timestamptz[]) (
	SFUNC = liveness_internal.liveness_history_connected_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_history_connected_final,
	SSPACE = 16384,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_history_connected(bytea, timestamptz, timestamptz[]) IS 'Of many histories, how many were in a spell at each instant; instants are in order';

CREATE FUNCTION liveness_internal.liveness_history_count(history bytea, as_of timestamptz)
RETURNS int AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_count(bytea, timestamptz) IS 'How many spells of a history had any length as of then';

CREATE FUNCTION liveness_internal.liveness_history_exclude(history bytea, excluded tstzmultirange)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_exclude(bytea, tstzmultirange) IS 'The same history, with other excluded time';

CREATE FUNCTION liveness_internal.liveness_history_fingerprint(history bytea)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_fingerprint(bytea) IS 'Fingerprint of the sessions of a history that were open when it was made';

CREATE FUNCTION liveness_internal.liveness_history_digest(history bytea, as_of timestamptz, since timestamptz)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_digest(bytea, timestamptz, timestamptz) IS 'A number that differs where two histories differ, from one instant until another';

CREATE FUNCTION liveness_internal.liveness_mean_matrix_transfn(internal, jsonb)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_mean_matrix_transfn(internal, jsonb) IS 'Transition function of liveness_mean_matrix';

CREATE FUNCTION liveness_internal.liveness_mean_matrix_final(internal)
RETURNS jsonb AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_mean_matrix_final(internal) IS 'Final function of liveness_mean_matrix';

CREATE AGGREGATE liveness_mean_matrix(matrix jsonb) (
	SFUNC = liveness_internal.liveness_mean_matrix_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_mean_matrix_final,
	SSPACE = 4096,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_mean_matrix(jsonb) IS 'Mean of matrices in the form of hourly_availability, cell by cell; NULL if there is none';

CREATE FUNCTION liveness_internal.liveness_recent_sessions_transfn(internal, timestamptz, timestamptz, text, timestamptz)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_recent_sessions_transfn(internal, timestamptz, timestamptz, text, timestamptz) IS 'Transition function of liveness_recent_sessions';

CREATE FUNCTION liveness_internal.liveness_recent_sessions_final(internal)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_recent_sessions_final(internal) IS 'Final function of liveness_recent_sessions';

CREATE AGGREGATE liveness_internal.liveness_recent_sessions(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text, as_of timestamptz) (
	SFUNC = liveness_internal.liveness_recent_sessions_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_recent_sessions_final,
	SSPACE = 80,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_recent_sessions(timestamptz, timestamptz, text, timestamptz) IS 'Sessions of a provider, packed for liveness_running_since; NULL if none is open as of an instant';

CREATE FUNCTION liveness_internal.liveness_running_since(recent bytea, known_at timestamptz, spell_since timestamptz, spell_until timestamptz, spell_uncensored boolean, fingerprint bigint)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_running_since(bytea, timestamptz, timestamptz, timestamptz, boolean, bigint) IS 'When the spell of a provider began that goes on';

CREATE FUNCTION liveness_internal.liveness_fleet_combine(float8[], float8[])
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_combine(float8[], float8[]) IS 'Combine function of liveness_fleet_ages and liveness_fleet_hours';
CREATE FUNCTION liveness_internal.liveness_fleet_ages_transfn(float8[], bytea, timestamptz)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_ages_transfn(float8[], bytea, timestamptz) IS 'Transition function of liveness_fleet_ages';
CREATE FUNCTION liveness_internal.liveness_fleet_ages_final(float8[])
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_ages_final(float8[]) IS 'Final function of liveness_fleet_ages';
CREATE AGGREGATE liveness_internal.liveness_fleet_ages(history bytea, as_of timestamptz) (
	SFUNC = liveness_internal.liveness_fleet_ages_transfn,
	STYPE = float8[],
	FINALFUNC = liveness_internal.liveness_fleet_ages_final,
	COMBINEFUNC = liveness_internal.liveness_fleet_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_fleet_ages(bytea, timestamptz) IS 'Hazard by age of the spells of a fleet, as of an instant: 96 numbers, events a second';
CREATE FUNCTION liveness_internal.liveness_fleet_hours_transfn(float8[], bytea, float8[], timestamptz)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_hours_transfn(float8[], bytea, float8[], timestamptz) IS 'Transition function of liveness_fleet_hours';
CREATE FUNCTION liveness_internal.liveness_fleet_hours_final(float8[])
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_hours_final(float8[]) IS 'Final function of liveness_fleet_hours';
CREATE AGGREGATE liveness_internal.liveness_fleet_hours(history bytea, ages float8[], as_of timestamptz) (
	SFUNC = liveness_internal.liveness_fleet_hours_transfn,
	STYPE = float8[],
	FINALFUNC = liveness_internal.liveness_fleet_hours_final,
	COMBINEFUNC = liveness_internal.liveness_fleet_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_fleet_hours(bytea, float8[], timestamptz) IS 'Factors of the 168 hours of the week on the hazard by age';

CREATE FUNCTION liveness_internal.liveness_fleet_prior_combine(float8[], float8[])
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_prior_combine(float8[], float8[]) IS 'Combine function of liveness_fleet_prior';
CREATE FUNCTION liveness_internal.liveness_fleet_prior_transfn(float8[], bytea, float8[], timestamptz)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_prior_transfn(float8[], bytea, float8[], timestamptz) IS 'Transition function of liveness_fleet_prior';
CREATE FUNCTION liveness_internal.liveness_fleet_prior_final(float8[])
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_fleet_prior_final(float8[]) IS 'Final function of liveness_fleet_prior';
CREATE AGGREGATE liveness_internal.liveness_fleet_prior(history bytea, factors float8[], as_of timestamptz) (
	SFUNC = liveness_internal.liveness_fleet_prior_transfn,
	STYPE = float8[],
	FINALFUNC = liveness_internal.liveness_fleet_prior_final,
	COMBINEFUNC = liveness_internal.liveness_fleet_prior_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_fleet_prior(bytea, float8[], timestamptz) IS 'Weights of the priors of a provider''s factors, in events: of the frailty, and of its hours';

CREATE FUNCTION liveness_internal.liveness_host_hazard(history bytea, fleet float8[], as_of timestamptz)
RETURNS real[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_host_hazard(bytea, float8[], timestamptz) IS 'How the hazard of one provider differs from that of the fleet: 96 numbers';

CREATE FUNCTION liveness_internal.liveness_decayed_hazard(hazard real[], counted_at timestamptz, as_of timestamptz)
RETURNS real[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_decayed_hazard(real[], timestamptz, timestamptz) IS 'What liveness_host_hazard counted at an instant, as of a later one';

CREATE FUNCTION liveness_internal.liveness_hazard_instant(as_of timestamptz)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hazard_instant(timestamptz) IS 'The instant as of which the numbers of the fleet are counted for an answer';

CREATE FUNCTION liveness_internal.liveness_hazard_since(as_of timestamptz)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hazard_since(timestamptz) IS 'The instant before which ended sessions are not counted for an answer';

CREATE FUNCTION liveness_internal.liveness_holds(fleet float8[], host real[], connected_at timestamptz, as_of timestamptz, job_usecs bigint)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION liveness_internal.liveness_holds(float8[], real[], timestamptz, timestamptz, bigint) IS 'Probability that a session that is up at as_of lasts so many microseconds more';

CREATE FUNCTION liveness_internal.liveness_holds_bounds(fleet float8[], host real[], connected_at timestamptz, as_of timestamptz, job_usecs bigint)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION liveness_internal.liveness_holds_bounds(float8[], real[], timestamptz, timestamptz, bigint) IS 'Its bounds of 95 %: {lower, upper}, by the posterior of the provider''s own factor';

CREATE FUNCTION liveness_internal.liveness_history_curve(history bytea, as_of timestamptz)
RETURNS survival_curve AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_curve(bytea, timestamptz) IS 'Kaplan-Meier curve of the spells of a history, in seconds, as they were known then; NULL without any';

CREATE FUNCTION liveness_internal.liveness_history_uptime(history bytea, as_of timestamptz, days int)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_uptime(bytea, timestamptz, int) IS 'Share of the last days that spells cover, or of the time since the first spell';

CREATE FUNCTION liveness_internal.liveness_history_uptime_since(history bytea, as_of timestamptz, since timestamptz)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_uptime_since(bytea, timestamptz, timestamptz) IS 'Share of the time since an instant that spells cover';

CREATE FUNCTION liveness_internal.liveness_span_usecs(span interval, name text)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_span_usecs(interval, text) IS 'An argument of that name in microseconds';

CREATE FUNCTION liveness_internal.liveness_instant(at timestamptz, name text)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_instant(timestamptz, text) IS 'An argument of that name, once it has been checked to be an instant';

CREATE FUNCTION liveness_internal.liveness_check_span(since timestamptz, until timestamptz)
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_check_span(timestamptz, timestamptz) IS 'True, once since and until have been checked to be a span of at most 3650 days';

CREATE FUNCTION liveness_internal.liveness_check_step(since timestamptz, until timestamptz, step interval)
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_check_step(timestamptz, timestamptz, interval) IS 'True, once a span, and steps that divide it, have been checked';

CREATE FUNCTION liveness_internal.liveness_candidates_limit(min_probability float8, max_rows int)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_candidates_limit(float8, int) IS 'max_rows, once the arguments of liveness_candidates have been checked';

CREATE FUNCTION liveness_internal.liveness_probability_limit(probability float8, name text)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_probability_limit(float8, text) IS 'A probability, once it has been checked; name is the argument''s';

-- What liveness_rollup_features writes, but from the sessions of the window alone: the
-- rollup reads the others as well, for liveness_candidates.
--
-- One of the two parts runs: the join with excluded time would cost something where there
-- is none.
--
-- When a provider was first seen is what the table says, for sessions are pruned, or what the
-- earliest session says where the table says nothing.
--
-- The condition without a column is a gate that the executor opens once: it checks
-- the arguments even where there is no session.
CREATE FUNCTION liveness_features_at(as_of timestamptz DEFAULT now(), window_days int DEFAULT NULL)
RETURNS SETOF provider_reliability_features
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT w.provider_id, as_of, liveness_internal.liveness_effective_window_days(window_days),
		(w.features).uptime_pct,
		(w.features).sessions_count,
		(w.features).mtbf_seconds,
		(w.features).median_session_seconds,
		(w.features).p10_session_seconds,
		(w.features).p90_session_seconds,
		(w.features).hourly_availability,
		(w.features).disconnect_reasons,
		(w.features).p_stays_4h,
		(w.features).p_stays_8h,
		(w.features).last_disconnect_at,
		(w.features).last_session_duration_seconds,
		(w.features).liveness_score,
		(w.features).mttr_seconds,
		(w.features).failures_count,
		(w.features).p_survives_4h,
		(w.features).p_survives_8h,
		(w.features).spells_count,
		least(k.first_seen_at, e.first_seen_at, (w.features).first_seen_at),
		CASE WHEN least(k.first_seen_at, e.first_seen_at, (w.features).first_seen_at) <= liveness_internal.liveness_window_start(as_of, window_days)
			THEN (w.features).uptime_pct
			ELSE liveness_internal.liveness_history_uptime_since(w.sessions, as_of,
				least(k.first_seen_at, e.first_seen_at, (w.features).first_seen_at))::real
		END,
		(w.features).bridged_seconds
	FROM (
		SELECT p.provider_id, p.features, p.sessions
		FROM (
			SELECT s.provider_id,
				liveness_internal.liveness_features_all(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, window_days,
					NULL::tstzmultirange) AS features,
				liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, window_days,
					NULL::tstzmultirange) AS sessions
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at < as_of
			AND (s.disconnected_at IS NULL
				OR s.disconnected_at >= liveness_internal.liveness_window_start(as_of, window_days))
			GROUP BY s.provider_id
		) p
		WHERE NOT EXISTS (SELECT FROM @extschema@.provider_exclusions)
		UNION ALL
		SELECT p.provider_id, p.features, p.sessions
		FROM (
			SELECT s.provider_id,
				liveness_internal.liveness_features_all(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, window_days,
					coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))) AS features,
				liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, window_days,
					coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))) AS sessions
			FROM @extschema@.provider_sessions s
			LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = s.provider_id
			WHERE s.connected_at < as_of
			AND (s.disconnected_at IS NULL
				OR s.disconnected_at >= liveness_internal.liveness_window_start(as_of, window_days))
			GROUP BY s.provider_id
		) p
		WHERE EXISTS (SELECT FROM @extschema@.provider_exclusions)
	) w
	LEFT JOIN (
		-- and not its window_days, which is an argument here
		SELECT f.provider_id, f.first_seen_at FROM @extschema@.provider_reliability_features f
	) k ON k.provider_id = w.provider_id
	LEFT JOIN (
		SELECT s.provider_id, min(s.connected_at) AS first_seen_at
		FROM @extschema@.provider_sessions s
		WHERE NOT EXISTS (SELECT FROM @extschema@.provider_reliability_features f
			WHERE f.provider_id = s.provider_id AND f.first_seen_at IS NOT NULL)
		GROUP BY s.provider_id
	) e ON e.provider_id = w.provider_id
	WHERE liveness_internal.liveness_window_start(as_of, window_days) IS NOT NULL;
END;
COMMENT ON FUNCTION liveness_features_at(timestamptz, int) IS 'What liveness_rollup_features would write as of an instant; writes nothing';

-- Statistics say only how the work is divided.  Whatever they hold, the parts together are
-- all providers: bounds in order, none of them NULL.
CREATE FUNCTION liveness_internal.liveness_session_bounds(parts int)
RETURNS text[]
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT coalesce((SELECT array_agg(DISTINCT b.bound) FILTER (WHERE b.bound IS NOT NULL)
	FROM (
		SELECT (SELECT min(v.provider_id)
			FROM (
				SELECT w.provider_id, sum(w.rows) OVER (ORDER BY w.provider_id) / nullif(sum(w.rows) OVER (), 0) AS until_here
				FROM (
					SELECT s.provider_id, s.rows
					FROM unnest(stats.most_common_vals::text::text[], stats.most_common_freqs) AS s (provider_id, rows)
					UNION ALL
					SELECT b.bound, (1 - coalesce((SELECT sum(f) FROM unnest(stats.most_common_freqs) AS f), 0)) / cardinality(stats.histogram_bounds::text::text[])
					FROM unnest(stats.histogram_bounds::text::text[]) AS b (bound)
				) AS w
			) AS v
			WHERE v.until_here > part / parts::float8) AS bound
		FROM (
			SELECT s.most_common_vals, s.most_common_freqs, s.histogram_bounds
			FROM pg_stats s
			WHERE s.attname = 'provider_id'
			AND (s.schemaname, s.tablename) = (SELECT n.nspname, c.relname
				FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = '@extschema@.provider_sessions'::regclass)
			ORDER BY s.inherited DESC LIMIT 1
		) AS stats, generate_series(1, parts - 1) AS part
	) AS b), '{}')
	WHERE EXISTS (
		SELECT FROM pg_index i
		WHERE i.indrelid = '@extschema@.provider_sessions'::regclass AND i.indisvalid AND i.indpred IS NULL
		AND (SELECT count(*) FILTER (WHERE a.attnum = ANY (i.indkey)) = 4 AND bool_or(a.attname = 'provider_id' AND a.attnum = i.indkey[0])
			FROM pg_attribute a WHERE a.attrelid = i.indrelid
			AND a.attname IN ('provider_id', 'connected_at', 'disconnected_at', 'disconnect_reason')));
END;
COMMENT ON FUNCTION liveness_internal.liveness_session_bounds(int) IS 'Providers that divide provider_sessions into parts of about as many sessions';

CREATE FUNCTION liveness_internal.liveness_runs_transfn(internal, timestamptz, timestamptz, bigint)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_runs_transfn(internal, timestamptz, timestamptz, bigint) IS 'Transition function of liveness_runs';
CREATE FUNCTION liveness_internal.liveness_runs_final(internal)
RETURNS timestamptz[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_runs_final(internal) IS 'Final function of liveness_runs';
CREATE AGGREGATE liveness_internal.liveness_runs(since timestamptz, until timestamptz, timeout bigint) (
	SFUNC = liveness_internal.liveness_runs_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_runs_final,
	SSPACE = 128,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_runs(timestamptz, timestamptz, bigint) IS 'Joins intervals with no gap longer than timeout (microseconds): begin and end of each, in order';

CREATE FUNCTION liveness_internal.liveness_wants_sessions()
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_wants_sessions() IS 'Is liveness.track_sessions on, or liveness.close_stale?';

CREATE FUNCTION liveness_internal.liveness_run_sessions(asked boolean)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_run_sessions(boolean) IS 'The job sessions, for the jobs: makes them if asked or set so, and closes stale ones';

CREATE FUNCTION liveness_sessionize(since timestamptz, until timestamptz, timeout interval DEFAULT NULL)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_sessionize(timestamptz, timestamptz, interval) IS 'Makes sessions from the heartbeats of a range, and returns how many it wrote';

CREATE FUNCTION liveness_rollup_features(as_of timestamptz DEFAULT now(), window_days int DEFAULT NULL)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_rollup_features(timestamptz, int) IS 'Writes provider_reliability_features as of an instant, and returns the number of providers';

CREATE FUNCTION liveness_rollup_hourly(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_rollup_hourly(timestamptz, timestamptz) IS 'Writes provider_heartbeats_hourly from heartbeats, and returns the rows written';

-- For the jobs: a function of others in the extension's schema makes no call of it ambiguous.
CREATE FUNCTION liveness_internal.liveness_run_features(as_of timestamptz, window_days int)
RETURNS bigint AS 'MODULE_PATHNAME', 'liveness_rollup_features' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_run_features(timestamptz, int) IS 'liveness_rollup_features for the jobs';

-- For the jobs, as liveness_internal.liveness_run_features
CREATE FUNCTION liveness_internal.liveness_run_hourly(since timestamptz, until timestamptz)
RETURNS bigint AS 'MODULE_PATHNAME', 'liveness_rollup_hourly' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_run_hourly(timestamptz, timestamptz) IS 'liveness_rollup_hourly for the jobs';

CREATE FUNCTION liveness_internal.liveness_count(counter text, n float8)
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_count(text, float8) IS 'Adds n to a counter of liveness_stats when the transaction commits';

CREATE FUNCTION liveness_internal.liveness_count_failed_close()
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_count_failed_close() IS 'Counts a close of a session that was not open, when the transaction commits';

CREATE FUNCTION liveness_internal.liveness_lock_job(job text, wait boolean)
RETURNS boolean AS 'MODULE_PATHNAME', 'liveness_lock_job_sql' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_lock_job(text, boolean) IS 'Takes the lock of a job until the transaction ends';

-- The figures add up, what was pruned stays so, and a watermark counts only if all are
-- of the table as it is here.
CREATE FUNCTION liveness_internal.liveness_merge_job_state(job text, watermark_of text)
RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	WITH old AS (
		DELETE FROM liveness_internal.liveness_job_state s
		WHERE s.job = liveness_merge_job_state.job
		AND (SELECT count(*) FROM liveness_internal.liveness_job_state n WHERE n.job = liveness_merge_job_state.job) > 1
		RETURNING s.*
	)
	INSERT INTO liveness_internal.liveness_job_state (job, last_started_at, last_duration, last_rows, last_error, last_error_at,
		runs, errors, watermark_of, watermark, swept_at, pruned_before, late, heard_until, seen_xid, swept_xid)
	SELECT o.job, max(o.last_started_at),
		(array_agg(o.last_duration ORDER BY o.last_started_at DESC NULLS LAST))[1],
		(array_agg(o.last_rows ORDER BY o.last_started_at DESC NULLS LAST))[1],
		(array_agg(o.last_error ORDER BY o.last_error_at DESC NULLS LAST))[1], max(o.last_error_at),
		sum(o.runs), sum(o.errors),
		CASE WHEN bool_and(o.watermark_of = liveness_merge_job_state.watermark_of) THEN liveness_merge_job_state.watermark_of END,
		min(o.watermark), min(o.swept_at), max(o.pruned_before), sum(o.late),
		min(o.heard_until),
		(array_agg(o.seen_xid ORDER BY o.watermark))[1], (array_agg(o.swept_xid ORDER BY o.watermark))[1]
	FROM old o
	GROUP BY o.job;
END;
COMMENT ON FUNCTION liveness_internal.liveness_merge_job_state(text, text) IS 'Makes one row of liveness_job_state of those that a restore has left of a job';

CREATE FUNCTION liveness_internal.liveness_record_run(job text, started_at timestamptz, duration interval, rows bigint)
RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	WITH known AS (
		UPDATE liveness_internal.liveness_job_state s
		SET last_started_at = started_at, last_duration = duration, last_rows = rows, runs = s.runs + 1
		WHERE s.job = liveness_record_run.job
		RETURNING s.job
	)
	INSERT INTO liveness_internal.liveness_job_state (job, last_started_at, last_duration, last_rows, runs)
	SELECT job, started_at, duration, rows, 1
	WHERE NOT EXISTS (SELECT FROM known);
	SELECT liveness_internal.liveness_count(job || '_runs_total', 1),
		liveness_internal.liveness_count(job || CASE job WHEN 'features' THEN '_providers_total' ELSE '_rows_total' END, rows),
		liveness_internal.liveness_count(job || '_last_duration_seconds', greatest(extract(epoch FROM duration), 0)::float8);
END;
COMMENT ON FUNCTION liveness_internal.liveness_record_run(text, timestamptz, interval, bigint) IS 'Notes a completed run of a job for liveness_jobs, and counts it';

CREATE FUNCTION liveness_internal.liveness_record_error(job text, error text)
RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	WITH known AS (
		UPDATE liveness_internal.liveness_job_state s
		SET last_error = error, last_error_at = pg_catalog.clock_timestamp(), errors = s.errors + 1
		WHERE s.job = liveness_record_error.job
		RETURNING s.job
	)
	INSERT INTO liveness_internal.liveness_job_state (job, last_error, last_error_at, errors)
	SELECT job, error, pg_catalog.clock_timestamp(), 1
	WHERE NOT EXISTS (SELECT FROM known);
	SELECT liveness_internal.liveness_count(job || '_errors_total', 1);
END;
COMMENT ON FUNCTION liveness_internal.liveness_record_error(text, text) IS 'Notes a failed run of a job for liveness_jobs, and counts it';

CREATE FUNCTION liveness_internal.liveness_close_hours(cut timestamptz)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_close_hours(timestamptz) IS 'Rolls up what is left of the hours before cut, and closes them to later rollups';

CREATE FUNCTION liveness_internal.liveness_rollup_to_prune(since timestamptz, until timestamptz)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_rollup_to_prune(timestamptz, timestamptz) IS 'As liveness_rollup_hourly of a range, for the retention';

CREATE FUNCTION liveness_internal.liveness_distributed()
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION liveness_internal.liveness_distributed() IS 'Whether Citus distributes the tables; an error where it distributes some, and on other nodes';

CREATE FUNCTION liveness_internal.liveness_settings_digest()
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_settings_digest() IS 'A number that differs where settings differ that figures depend on; nodes of Citus compare it';

CREATE FUNCTION liveness_internal.liveness_oldest_running()
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL SAFE
BEGIN ATOMIC
	SELECT jsonb_build_object(c.system_identifier::text, pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
	FROM pg_control_system() c;
END;
COMMENT ON FUNCTION liveness_internal.liveness_oldest_running() IS 'The oldest transaction that runs on this node, by the system identifier of the node';

-- A node that is not named was added since, so that all of its rows are new there.
CREATE FUNCTION liveness_internal.liveness_written_since(written_by xid, seen jsonb)
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_written_since(xid, jsonb) IS 'Is the transaction that wrote a row none of those before the one seen on this node?';

CREATE FUNCTION liveness_internal.liveness_in_transaction_block()
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION liveness_internal.liveness_in_transaction_block() IS 'Is this session inside a transaction block, where a procedure cannot COMMIT?';

CREATE FUNCTION liveness_internal.liveness_raise(sqlstate text, message text, detail text, hint text)
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_raise(text, text, text, text) IS 'Raises an error, for procedures that catch one to note it';

-- PostgreSQL's own partitions, or TimescaleDB's chunks, if there are any.  What is not
-- a member of that extension is not taken for it: anyone may name a schema so.
CREATE FUNCTION liveness_internal.liveness_heartbeat_partitions(OUT partition regclass, OUT since timestamptz, OUT until timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO'
AS $$
BEGIN
	RETURN QUERY
		SELECT b.partition::regclass,
			CASE b.bounds[1] WHEN 'MINVALUE' THEN '-infinity' ELSE btrim(b.bounds[1], '''') END::timestamptz,
			CASE b.bounds[2] WHEN 'MAXVALUE' THEN 'infinity' ELSE btrim(b.bounds[2], '''') END::timestamptz
		FROM (
			SELECT c.oid AS partition,
				regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM [(](.*)[)] TO [(](.*)[)]$') AS bounds
			FROM pg_partitioned_table t
			JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attname = 'at'
			JOIN pg_inherits i ON i.inhparent = t.partrelid
			JOIN pg_class c ON c.oid = i.inhrelid
			WHERE t.partrelid = '@extschema@.provider_heartbeats'::regclass
			AND t.partstrat = 'r' AND t.partattrs::text = a.attnum::text AND NOT i.inhdetachpending
		) b
		WHERE b.bounds IS NOT NULL;
	IF EXISTS (
		SELECT FROM pg_extension e
		JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		WHERE e.extname = 'timescaledb' AND d.classid = 'pg_class'::regclass
		AND d.objid = to_regclass('timescaledb_information.chunks')
	) THEN
		RETURN QUERY EXECUTE 'SELECT format(''%I.%I'', c.chunk_schema, c.chunk_name)::regclass, c.range_start, c.range_end'
			' FROM timescaledb_information.chunks c JOIN pg_class r ON r.relname = c.hypertable_name'
			' JOIN pg_namespace n ON n.oid = r.relnamespace AND n.nspname = c.hypertable_schema WHERE r.oid = $1'
			USING '@extschema@.provider_heartbeats'::regclass;
	END IF;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_heartbeat_partitions() IS 'Partitions of provider_heartbeats, or chunks of TimescaleDB, and what they hold';

-- What is not a member of that extension is not taken for it: anyone may name a schema so.
CREATE FUNCTION liveness_internal.liveness_hypertable(OUT is_hypertable boolean, OUT policies text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	is_hypertable := false;
	IF (
		SELECT count(*) = 2 FROM pg_extension e
		JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		WHERE e.extname = 'timescaledb' AND d.classid = 'pg_class'::regclass
		AND d.objid IN (to_regclass('timescaledb_information.hypertables'), to_regclass('timescaledb_information.jobs'))
	) THEN
		EXECUTE 'SELECT true, (SELECT string_agg(j.job_id::text, '', '' ORDER BY j.job_id) FROM timescaledb_information.jobs j'
			' WHERE j.proc_name = ''policy_retention'' AND j.hypertable_schema = t.hypertable_schema AND j.hypertable_name = t.hypertable_name)'
			' FROM timescaledb_information.hypertables t'
			' JOIN pg_namespace n ON n.nspname = t.hypertable_schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.hypertable_name'
			' WHERE c.oid = $1' INTO is_hypertable, policies USING '@extschema@.provider_heartbeats'::regclass;
		is_hypertable := coalesce(is_hypertable, false);
	END IF;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_hypertable() IS 'Is provider_heartbeats a hypertable of TimescaleDB, and which jobs of a retention policy has it?';

-- Counted back in UTC, where a day has 24 h, whatever the session's zone.
CREATE FUNCTION liveness_internal.liveness_prune_cut(retain interval)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF retain < interval '0' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('retain must not be negative, and is %s', retain),
			HINT = 'Give the age at which heartbeats may go, for example ''28 days'', or NULL for the setting liveness.heartbeat_retention.';
	END IF;
	RETURN liveness_internal.liveness_utc_hour((now() AT TIME ZONE 'UTC'
		- coalesce(retain, liveness_internal.liveness_setting_interval('heartbeat_retention'::text))) AT TIME ZONE 'UTC');
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prune_cut(interval) IS 'The UTC hour before which heartbeats are pruned; NULL if retention is off';

-- Deletes by key, since a distributed engine cannot by ctid.
CREATE FUNCTION liveness_internal.liveness_prune_heartbeats(cut timestamptz, batch_size int)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET row_security = off
AS $$
DECLARE
	state liveness_internal.liveness_job_state;
	closed timestamptz;
	oldest timestamptz;
	partition record;
	providers text[];
	ats timestamptz[];
	ids bigint[];
	deleted bigint;
	late bigint;
BEGIN
	IF NOT liveness_internal.liveness_lock_job('retention'::text, false) THEN
		RAISE NOTICE 'another run of the retention is in progress, nothing done';
		RETURN NULL;
	END IF;
	-- before the first look: a REINDEX that came in between would wait for us, and we for it
	LOCK TABLE @extschema@.provider_heartbeats, @extschema@.provider_heartbeats_hourly, liveness_internal.liveness_job_state
		IN ROW EXCLUSIVE MODE;
	IF NOT liveness_internal.liveness_lock_job('restore'::text, false) THEN
		RAISE NOTICE 'a dump is being restored, no run of the retention meanwhile';
		RETURN NULL;
	END IF;
	PERFORM liveness_internal.liveness_merge_job_state('retention'::text, NULL::text);

	-- What is in a partition waits until all of it may go, but in the one open to the past,
	-- which goes with the next.
	SELECT min(h.at) INTO oldest FROM @extschema@.provider_heartbeats h WHERE h.at < cut;
	SELECT r.since, r.until INTO partition
	FROM liveness_internal.liveness_heartbeat_partitions() r
	WHERE r.since > '-infinity'
	AND CASE WHEN oldest IS NULL THEN r.until <= cut ELSE r.until > oldest AND r.since < cut END
	ORDER BY CASE WHEN oldest IS NULL THEN r.until END DESC, r.until
	LIMIT 1;
	IF partition.until <= cut AND (partition.since <= oldest OR oldest IS NULL) THEN
		RETURN liveness_internal.liveness_prune_partitions(partition.since, partition.until);
	END IF;
	cut := least(cut, partition.since);
	IF oldest IS NULL OR oldest >= cut THEN
		RETURN 0;
	END IF;

	SELECT min(s.watermark), max(s.pruned_before) INTO state.watermark, state.pruned_before
	FROM liveness_internal.liveness_job_state s
	WHERE s.job = 'hourly';
	closed := state.pruned_before;
	IF closed IS NULL OR EXISTS (SELECT 1 FROM @extschema@.provider_heartbeats h WHERE h.at >= closed AND h.at < cut) THEN
		-- What goes with the batch that closes hours is chosen before: the rollup sees all
		-- of it, and what is committed only after its last look stays, to be counted as late.
		SELECT array_agg(o.provider_id), array_agg(o.at), array_agg(o.id)
		INTO providers, ats, ids
		FROM (
			SELECT h.provider_id, h.at, h.id
			FROM @extschema@.provider_heartbeats h
			WHERE h.at < cut
			ORDER BY h.at
			LIMIT least(batch_size, 100000)
		) o;
		IF liveness_internal.liveness_close_hours(cut) IS NULL THEN
			RETURN NULL;
		END IF;
		SELECT min(s.watermark), max(s.pruned_before) INTO state.watermark, closed
		FROM liveness_internal.liveness_job_state s
		WHERE s.job = 'hourly';
	END IF;

	WITH oldest AS MATERIALIZED (
		(SELECT h.provider_id, h.at, h.id
		FROM @extschema@.provider_heartbeats h
		WHERE h.at < least(cut, closed) AND ids IS NULL
		ORDER BY h.at
		LIMIT batch_size)
		UNION ALL
		SELECT * FROM unnest(providers, ats, ids)
	), gone AS (
		DELETE FROM @extschema@.provider_heartbeats h
		USING oldest o
		WHERE h.provider_id = o.provider_id AND h.at = o.at AND h.id = o.id
		RETURNING h.at, h.id
	)
	-- too late for its hour, and not counted yet because the watermark is below it
	SELECT count(*), count(*) FILTER (WHERE g.at < state.pruned_before AND g.id > state.watermark
		AND g.at > '-infinity')
	INTO deleted, late
	FROM gone g;
	IF late > 0 THEN
		UPDATE liveness_internal.liveness_job_state s SET late = s.late + prune.late
		FROM (SELECT late) prune
		WHERE s.job = 'hourly';
		PERFORM liveness_internal.liveness_count('hourly_late_total'::text, late::float8);
	END IF;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prune_heartbeats(timestamptz, int) IS 'Deletes the oldest heartbeats before cut, or drops a partition of them, after closing their hours';

CREATE FUNCTION liveness_prune_batch(retain interval DEFAULT NULL, batch_size int DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
DECLARE
	started_at timestamptz := clock_timestamp();
	rows int := liveness_internal.liveness_effective_batch_size(batch_size);
	cut timestamptz := liveness_internal.liveness_prune_cut(retain);
	deleted bigint;
BEGIN
	IF cut IS NULL THEN
		RETURN 0;
	END IF;
	deleted := liveness_internal.liveness_prune_heartbeats(cut, rows);
	IF deleted IS NOT NULL THEN
		PERFORM liveness_internal.liveness_record_run('retention'::text, started_at, clock_timestamp() - started_at, deleted);
	END IF;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION liveness_prune_batch(interval, int) IS 'Deletes one batch of the oldest heartbeats, and returns the rows deleted';

-- The rest of the retention: by key and in batches, too, for the first run after a setting
-- was made may find years.
CREATE FUNCTION liveness_internal.liveness_prune_derived(batch_size int)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET row_security = off
AS $$
DECLARE
	hourly_cut timestamptz := liveness_internal.liveness_utc_hour(now() - liveness_internal.liveness_setting_interval('hourly_retention'::text));
	sessions_cut timestamptz := now() - liveness_internal.liveness_setting_interval('session_retention'::text);
	deleted bigint := 0;
	total bigint := 0;
BEGIN
	WITH old AS MATERIALIZED (
		SELECT k.provider_id, k.hour
		FROM @extschema@.provider_heartbeats_hourly k
		WHERE k.hour < hourly_cut
		ORDER BY k.hour
		LIMIT batch_size
	)
	DELETE FROM @extschema@.provider_heartbeats_hourly k
	USING old o
	WHERE k.provider_id = o.provider_id AND k.hour = o.hour;
	GET DIAGNOSTICS total = ROW_COUNT;
	IF total >= batch_size THEN
		RETURN total;
	END IF;

	WITH old AS MATERIALIZED (
		SELECT s.id, s.provider_id
		FROM @extschema@.provider_sessions s
		WHERE s.disconnected_at < sessions_cut
		ORDER BY s.disconnected_at
		LIMIT batch_size - total
	)
	DELETE FROM @extschema@.provider_sessions s
	USING old o
	WHERE s.id = o.id AND s.provider_id = o.provider_id;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	total := total + deleted;
	IF total >= batch_size THEN
		RETURN total;
	END IF;

	WITH old AS MATERIALIZED (
		SELECT x.id
		FROM @extschema@.provider_exclusions x
		WHERE x.until < sessions_cut
		ORDER BY x.until
		LIMIT batch_size - total
	)
	DELETE FROM @extschema@.provider_exclusions x
	USING old o
	WHERE x.id = o.id;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	total := total + deleted;
	IF total >= batch_size THEN
		RETURN total;
	END IF;

	DELETE FROM @extschema@.provider_reliability_features f
	WHERE f.updated_at < sessions_cut
	AND NOT EXISTS (SELECT 1 FROM @extschema@.provider_sessions s WHERE s.provider_id = f.provider_id);
	GET DIAGNOSTICS deleted = ROW_COUNT;
	RETURN total + deleted;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prune_derived(int) IS 'Deletes a batch of old hourly rows, closed sessions, exclusions, and features of who has no session';

-- What the procedure and the worker repeat, each step in a transaction of its own.  Two
-- thirds of the budget are for heartbeats, as long as the other tables are still to come.
CREATE FUNCTION liveness_internal.liveness_prune_step(cut timestamptz, batch_size int, started_at timestamptz,
	INOUT parts text[], INOUT total bigint, OUT more boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
DECLARE
	budget interval := liveness_internal.liveness_setting_interval('prune_budget'::text);
	part text;
	deleted bigint := 0;
	duration interval;
	policies text;
BEGIN
	parts := coalesce(parts, '{heartbeats,derived,partitions}');
	part := parts[1];
	parts := parts[2:];
	IF NOT liveness_internal.liveness_lock_job('retention'::text, false) THEN
		RAISE NOTICE 'another run of the retention is in progress, nothing done';
		deleted := NULL;
	ELSIF part = 'partitions' THEN
		PERFORM liveness_internal.liveness_extend_partitions();
		policies := (SELECT t.policies FROM liveness_internal.liveness_hypertable() t);
		IF policies IS NOT NULL THEN
			RAISE WARNING 'TimescaleDB drops chunks of provider_heartbeats by a retention policy (job %), whose hours nobody closes', policies
				USING HINT = 'Call remove_retention_policy(): a late heartbeat would replace the kept hour. The retention of liveness drops the chunks.';
		END IF;
	ELSIF part = 'derived' THEN
		LOCK TABLE @extschema@.provider_heartbeats_hourly, @extschema@.provider_sessions, @extschema@.provider_exclusions,
			@extschema@.provider_reliability_features IN ROW EXCLUSIVE MODE;
		deleted := CASE WHEN liveness_internal.liveness_lock_job('restore'::text, false) THEN liveness_internal.liveness_prune_derived(batch_size) END;
	ELSIF cut IS NOT NULL THEN
		deleted := liveness_internal.liveness_prune_heartbeats(cut, batch_size);
	END IF;
	total := total + coalesce(deleted, 0);
	duration := clock_timestamp() - started_at;

	IF deleted > 0 THEN
		IF coalesce(duration < budget * CASE WHEN 'derived' = ANY (parts) THEN 0.67 ELSE 1 END, true) THEN
			parts := part || parts;
		ELSIF duration < budget THEN
			parts := parts || part;
		ELSE
			RAISE WARNING 'the retention has spent liveness.prune_budget (%), and old % are left', budget,
				CASE part WHEN 'heartbeats' THEN part ELSE 'hourly rows or sessions' END
				USING HINT = 'If this goes on, raise liveness.prune_budget or liveness.prune_batch_size. liveness_metrics shows what is overdue.';
		END IF;
	END IF;
	more := CASE WHEN deleted IS NOT NULL THEN cardinality(parts) > 0 END;
	-- without the lock, and nothing done, there is no run to note
	IF NOT more OR (more IS NULL AND total > 0) THEN
		PERFORM liveness_internal.liveness_record_run('retention'::text, started_at, duration, total);
	END IF;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prune_step(timestamptz, int, timestamptz, text[], bigint) IS 'One step, of the first of the parts that are left, of a retention that began at started_at';

-- What goes wrong here must not hide what went wrong before.
CREATE FUNCTION liveness_internal.liveness_note_error(job text, error text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM liveness_internal.liveness_record_error(job, error);
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING 'the error of job "%" cannot be noted in liveness_jobs: %', job, SQLERRM;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_note_error(text, text) IS 'As liveness_record_error, but with a WARNING where the error cannot be recorded';

-- What a scheduler calls.  A function cannot keep a record of its own failure, for its
-- transaction is rolled back; a procedure can.
--
-- Every name is qualified, operators too: a SET clause would forbid COMMIT.  With each
-- COMMIT the extension may be dropped, and others may make a schema of this name: a lock on
-- its oldest table holds it, and shows that it is still the same.
CREATE PROCEDURE liveness_internal.liveness_run(job text, retain interval, batch_size int)
LANGUAGE plpgsql
AS $$
DECLARE
	started_at pg_catalog.timestamptz := pg_catalog.clock_timestamp();
	ours pg_catalog.oid := pg_catalog.to_regclass('liveness_internal.liveness_granted_role')::pg_catalog.oid;
	rows pg_catalog.int4 := liveness_internal.liveness_effective_batch_size(batch_size);
	cut pg_catalog.timestamptz := liveness_internal.liveness_prune_cut(retain);
	parts pg_catalog.text[];
	total pg_catalog.int8 := 0;
	more pg_catalog.bool;
	failure pg_catalog.text;
	failure_code pg_catalog.text;
	failure_detail pg_catalog.text;
	failure_hint pg_catalog.text;
BEGIN
	IF job IS NULL OR NOT job OPERATOR(pg_catalog.=) ANY (ARRAY['features', 'hourly', 'retention', 'sessions']::pg_catalog.text[]) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = pg_catalog.format('there is no job %L', job),
			HINT = 'The jobs are features, hourly, retention and sessions.';
	END IF;

	LOOP
		-- an old snapshot would not show what there is to do
		COMMIT;
		SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
		LOCK TABLE liveness_internal.liveness_granted_role IN ACCESS SHARE MODE;
		IF pg_catalog.to_regclass('liveness_internal.liveness_granted_role')::pg_catalog.oid OPERATOR(pg_catalog.<>) ours THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = 'the extension liveness was dropped during the run';
		END IF;
		IF failure IS NOT NULL THEN
			PERFORM liveness_internal.liveness_raise(failure_code, failure, failure_detail, failure_hint);
		END IF;
		BEGIN
			IF job OPERATOR(pg_catalog.=) 'features'::pg_catalog.text THEN
				IF more IS NULL THEN
					PERFORM liveness_internal.liveness_run_features(pg_catalog.now(), NULL::pg_catalog.int4);
				ELSE
					PERFORM liveness_internal.liveness_run_shocks(pg_catalog.now());
				END IF;
				more := more IS NULL;
			ELSIF job OPERATOR(pg_catalog.=) 'hourly'::pg_catalog.text THEN
				PERFORM liveness_internal.liveness_run_hourly(NULL::pg_catalog.timestamptz, NULL::pg_catalog.timestamptz);
			ELSIF job OPERATOR(pg_catalog.=) 'sessions'::pg_catalog.text THEN
				PERFORM liveness_internal.liveness_run_sessions(true);
			ELSE
				SELECT s.parts, s.total, s.more INTO parts, total, more
				FROM liveness_internal.liveness_prune_step(cut, rows, started_at, parts, total) s;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS failure = MESSAGE_TEXT, failure_code = RETURNED_SQLSTATE,
				failure_detail = PG_EXCEPTION_DETAIL, failure_hint = PG_EXCEPTION_HINT;
			PERFORM liveness_internal.liveness_note_error(job, failure);
		END;
		EXIT WHEN failure IS NULL AND more IS NOT TRUE;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE liveness_internal.liveness_run(text, interval, int) IS 'liveness_run, and liveness_prune with its arguments, for pg_cron';

CREATE PROCEDURE liveness_prune(retain interval DEFAULT NULL, batch_size int DEFAULT NULL)
LANGUAGE plpgsql
AS $$
BEGIN
	IF liveness_internal.liveness_in_transaction_block() THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_transaction_termination',
			MESSAGE = 'liveness_prune commits after each batch and cannot run inside a transaction block',
			HINT = 'Call it outside of a transaction block, or call liveness_prune_batch() in yours until it returns 0.';
	END IF;
	CALL liveness_internal.liveness_run('retention'::pg_catalog.text, retain, batch_size);
END
$$;
COMMENT ON PROCEDURE liveness_prune(interval, int) IS 'Runs the whole retention, with COMMIT after each batch';

CREATE PROCEDURE liveness_run(job text)
LANGUAGE plpgsql
AS $$
BEGIN
	IF liveness_internal.liveness_in_transaction_block() THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_transaction_termination',
			MESSAGE = 'liveness_run commits and cannot run inside a transaction block',
			HINT = 'Call it outside of a transaction block, or call the rollup function in yours.';
	END IF;
	CALL liveness_internal.liveness_run(job, NULL::pg_catalog.interval, NULL::pg_catalog.int4);
END
$$;
COMMENT ON PROCEDURE liveness_run(text) IS 'Runs a job (features, hourly, retention, sessions), and notes an error in liveness_jobs';

-- Heartbeats do not say through which coordinator they came, so those after the
-- provider's next session are taken to be that one's.  A stamp that lies further ahead
-- than liveness.session_timeout is a wrong clock's: it says that somebody was there, and
-- nothing of when.
CREATE VIEW liveness_internal.liveness_live_sessions AS
	SELECT s.id, s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at,
		s.requests_served, s.tokens_generated, s.coordinator_id,
		s.connected_at <= c.ahead AS has_begun,
		coalesce(s.last_heartbeat_at, h.at, f.at) IS NOT NULL AS was_heard,
		CASE WHEN l.at > now() THEN now() ELSE l.at END AS last_sign_of_life,
		s.connected_at > c.ahead OR (coalesce(s.last_heartbeat_at, h.at, f.at) IS NOT NULL AND l.at < c.before) AS is_stale
	FROM provider_sessions s
	CROSS JOIN (
		SELECT now() - t.timeout AS before, now() + t.timeout AS ahead
		FROM (SELECT liveness_internal.liveness_setting_interval('session_timeout'::text) AS timeout) t
	) c
	LEFT JOIN LATERAL (
		SELECT n.connected_at
		FROM provider_sessions n
		WHERE n.provider_id = s.provider_id AND n.connected_at > s.connected_at
		ORDER BY n.connected_at
		LIMIT 1
	) n ON true
	LEFT JOIN LATERAL (
		SELECT h.at
		FROM provider_heartbeats h
		WHERE h.provider_id = s.provider_id AND h.at >= s.connected_at AND h.at <= c.ahead
		AND h.at < coalesce(n.connected_at, 'infinity')
		ORDER BY h.at DESC
		LIMIT 1
	) h ON true
	LEFT JOIN LATERAL (
		SELECT f.at
		FROM provider_heartbeats f
		WHERE s.last_heartbeat_at IS NULL AND h.at IS NULL
		AND f.provider_id = s.provider_id AND f.at >= s.connected_at AND f.at > c.ahead
		AND f.at <= coalesce(n.connected_at, 'infinity') AND f.at IS DISTINCT FROM n.connected_at
		ORDER BY f.at DESC
		LIMIT 1
	) f ON true
	CROSS JOIN LATERAL (
		SELECT greatest(
			CASE WHEN s.connected_at <= c.ahead THEN s.connected_at END,
			CASE WHEN s.last_heartbeat_at <= c.ahead THEN s.last_heartbeat_at END,
			h.at) AS at
	) l
	WHERE s.disconnected_at IS NULL OR s.disconnected_at > now();
COMMENT ON VIEW liveness_internal.liveness_live_sessions IS 'Sessions that have not ended, with their last sign of life: the latest of connected_at, last_heartbeat_at and the last stored heartbeat before the provider''s next session. One later than now() by liveness.session_timeout says nothing, a lesser one counts as now()';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.id IS 'The session, 1 or more';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.connected_at IS 'When it connected';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.disconnected_at IS 'NULL, or later than now(), up to infinity: it is noted to end then';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.disconnect_reason IS 'As the row has it';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.last_heartbeat_at IS 'Last heartbeat that the coordinator saw, as the row has it; NULL: not known';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.requests_served IS 'Requests served in the session, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.tokens_generated IS 'Tokens generated in the session, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.coordinator_id IS 'The coordinator that holds the connection';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.has_begun IS 'Is connected_at no later than now() + liveness.session_timeout?';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.was_heard IS 'Is there any heartbeat of it, whatever its time?';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.last_sign_of_life IS 'Its last sign of life, at most now(); NULL: it has not begun, and nothing is known';
COMMENT ON COLUMN liveness_internal.liveness_live_sessions.is_stale IS 'Has it not begun, or was its last sign of life longer ago than liveness.session_timeout? What was never heard of is not stale';

CREATE VIEW liveness_internal.liveness_last_signs AS
	SELECT s.id, s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at,
		s.requests_served, s.tokens_generated, s.coordinator_id, s.has_begun, s.was_heard, s.last_sign_of_life, s.is_stale
	FROM liveness_internal.liveness_live_sessions s
	WHERE s.disconnected_at IS NULL;
COMMENT ON VIEW liveness_internal.liveness_last_signs IS 'The open ones among liveness_live_sessions';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.id IS 'The session, 1 or more';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.connected_at IS 'When it connected';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.disconnected_at IS 'NULL: it is open';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.disconnect_reason IS 'As the row has it';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.last_heartbeat_at IS 'Last heartbeat that the coordinator saw, as the row has it; NULL: not known';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.requests_served IS 'Requests served in the session, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.tokens_generated IS 'Tokens generated in the session, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.coordinator_id IS 'The coordinator that holds the connection';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.has_begun IS 'Is connected_at no later than now() + liveness.session_timeout?';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.was_heard IS 'Is there any heartbeat of it, whatever its time?';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.last_sign_of_life IS 'Its last sign of life, at most now(); NULL: it has not begun, and nothing is known';
COMMENT ON COLUMN liveness_internal.liveness_last_signs.is_stale IS 'Has it not begun, or was its last sign of life longer ago than liveness.session_timeout? What was never heard of is not stale';

-- Whoever writes to several open sessions locks them first, all in the same order, so that
-- two that close the same sessions wait for each other one way only.
CREATE FUNCTION liveness_internal.liveness_lock_sessions(session_ids bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
	PERFORM
	FROM @extschema@.provider_sessions s
	WHERE s.id = ANY (session_ids)
	ORDER BY s.id
	FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_lock_sessions(bigint[]) IS 'Locks the rows of sessions in the order of their ids';

CREATE TYPE liveness_opened_session AS (
	provider_id text,
	session_id bigint
);
COMMENT ON TYPE liveness_opened_session IS 'Row of liveness_open_sessions';
COMMENT ON COLUMN liveness_opened_session.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_opened_session.session_id IS 'Its session, 1 or more';

-- The locks make two opens of the same provider and coordinator take turns, so that
-- the second sees, and closes, the session of the first.  There are 1,024 locks, by
-- hash, taken in order: as many as sessions are opened would not fit into the server's table.
CREATE FUNCTION liveness_open_sessions(provider_ids text[], coordinator_id text DEFAULT '', connected_at timestamptz DEFAULT now())
RETURNS SETOF liveness_opened_session
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	patience numeric := extract(epoch FROM liveness_internal.liveness_setting_interval('session_timeout'::text));
	there @extschema@.liveness_opened_session[];
	retried @extschema@.liveness_opened_session[];
	opened @extschema@.liveness_opened_session[];
	missing text[];
	replaced text[];
	unheard_until timestamptz;
	ids bigint[];
	providers text[];
	ends timestamptz[];
BEGIN
	IF $1 IS NULL OR EXISTS (SELECT FROM unnest($1) p WHERE p IS NULL) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'not_null_violation',
			MESSAGE = 'provider_id must not be NULL',
			HINT = 'Say which provider has connected. An empty array opens no session.';
	END IF;
	-- before the first look: a REINDEX that came in between would wait for us, and we for it
	LOCK TABLE @extschema@.provider_sessions IN ROW EXCLUSIVE MODE;
	PERFORM pg_advisory_xact_lock('@extschema@.provider_sessions'::regclass::oid::int, k.key)
	FROM (SELECT DISTINCT hashtext(jsonb_build_array(p, $2)::text) & 1023 AS key FROM unnest($1) p ORDER BY 1) k;

	-- the same session again
	SELECT array_agg((s.provider_id, s.id)::@extschema@.liveness_opened_session)
	INTO there
	FROM (
		SELECT DISTINCT ON (s.provider_id) s.provider_id, s.id
		FROM @extschema@.provider_sessions s
		WHERE s.provider_id = ANY ($1) AND s.coordinator_id = $2 AND s.connected_at = $3
		ORDER BY s.provider_id, s.disconnected_at IS NOT NULL, s.id
	) s;
	missing := ARRAY(SELECT p FROM unnest($1) p EXCEPT SELECT t.provider_id FROM unnest(there) t);
	-- or else a retry; epochs, because a difference of instants can be out of range
	SELECT array_agg((o.provider_id, o.id)::@extschema@.liveness_opened_session) FILTER (WHERE o.is_retried),
		array_agg(o.provider_id) FILTER (WHERE NOT o.is_retried)
	INTO retried, replaced
	FROM (
		SELECT DISTINCT ON (o.provider_id) o.provider_id, o.id, o.is_retried
		FROM (
			SELECT o.provider_id, o.id, o.connected_at,
				NOT o.was_heard AND abs(extract(epoch FROM $3) - extract(epoch FROM o.connected_at)) <= patience AS is_retried
			FROM liveness_internal.liveness_last_signs o
			WHERE o.provider_id = ANY (missing) AND o.coordinator_id = $2
		) o
		ORDER BY o.provider_id, o.is_retried DESC, o.connected_at DESC, o.id DESC
	) o;

	WITH opened AS (
		INSERT INTO @extschema@.provider_sessions AS s (provider_id, coordinator_id, connected_at)
		SELECT m.provider_id, $2, $3
		FROM (SELECT m AS provider_id FROM unnest(missing) m EXCEPT SELECT r.provider_id FROM unnest(retried) r) m
		RETURNING s.provider_id, s.id
	)
	SELECT array_agg((o.provider_id, o.id)::@extschema@.liveness_opened_session) INTO opened FROM opened o;
	IF replaced IS NOT NULL THEN
		-- any other session of the provider at this instant would have been the same
		PERFORM liveness_internal.liveness_lock_sessions(array_agg(o.id))
		FROM liveness_internal.liveness_last_signs o
		WHERE o.provider_id = ANY (replaced) AND o.coordinator_id = $2 AND o.connected_at <> $3;
		unheard_until := CASE
			WHEN $3 > now() + liveness_internal.liveness_setting_interval('session_timeout'::text) THEN now()
			WHEN $3 > '4714-11-24 00:00:00+00 BC' THEN $3 - interval '1 microsecond'
		END;
		-- after the insert: the new session is the old one's next
		SELECT array_agg(o.id), array_agg(o.provider_id),
			array_agg(greatest(o.connected_at, CASE WHEN o.was_heard THEN o.last_sign_of_life ELSE unheard_until END))
		INTO ids, providers, ends
		FROM liveness_internal.liveness_last_signs o
		WHERE o.provider_id = ANY (replaced) AND o.coordinator_id = $2 AND o.connected_at <> $3;
		UPDATE @extschema@.provider_sessions s
		SET disconnected_at = o.ended_at, disconnect_reason = 'superseded'
		FROM unnest(ids, providers, ends) o (id, provider_id, ended_at)
		WHERE s.id = o.id AND s.provider_id = o.provider_id AND s.disconnected_at IS NULL;
	END IF;
	RETURN QUERY
	SELECT p.provider_id, t.session_id
	FROM unnest($1) WITH ORDINALITY p (provider_id, n)
	JOIN unnest(there || retried || opened) t ON t.provider_id = p.provider_id
	ORDER BY p.n;
END
$$;
COMMENT ON FUNCTION liveness_open_sessions(text[], text, timestamptz) IS 'Opens a session for each provider of an array, by the rules of liveness_open_session';

CREATE FUNCTION liveness_open_session(provider_id text, coordinator_id text DEFAULT '', connected_at timestamptz DEFAULT now())
RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT o.session_id FROM liveness_open_sessions(ARRAY[$1], $2, $3) o;
END;
COMMENT ON FUNCTION liveness_open_session(text, text, timestamptz) IS 'Opens a session and returns its id';

-- A provider without a session is most likely a name written wrong, but maintenance may be
-- noted before a new machine connects.
CREATE FUNCTION liveness_exclude(provider_id text, since timestamptz, until timestamptz DEFAULT NULL, reason text DEFAULT '')
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	new_id bigint;
BEGIN
	IF $2 IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'not_null_violation',
			MESSAGE = 'since must not be NULL',
			HINT = 'Give the instant from which time is excluded, for example now(), or -infinity for the beginning.';
	END IF;
	IF $2 = 'infinity' OR $3 <= $2 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('from %s until %s there is no time to exclude', $2, coalesce($3, 'infinity')),
			HINT = 'Give an until later than since, or NULL for an exclusion that goes on.';
	END IF;
	IF $1 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM @extschema@.provider_sessions s WHERE s.provider_id = $1) THEN
		RAISE NOTICE 'provider % has no session yet', quote_literal($1);
	END IF;
	INSERT INTO @extschema@.provider_exclusions AS x (provider_id, since, until, reason)
	VALUES ($1, $2, $3, coalesce($4, ''))
	RETURNING x.id INTO new_id;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION liveness_exclude(text, timestamptz, timestamptz, text) IS 'Notes time that counts neither as up nor as down, and returns the id of the exclusion';

CREATE FUNCTION liveness_end_exclusion(id bigint, until timestamptz DEFAULT now())
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	ended_at timestamptz := coalesce($2, now());
BEGIN
	IF NOT isfinite(ended_at) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'datetime_field_overflow',
			MESSAGE = format('an exclusion cannot end at %s', $2),
			HINT = 'Give the instant from which time counts again, for example now().';
	END IF;
	UPDATE @extschema@.provider_exclusions x
	SET until = ended_at
	WHERE x.id = $1 AND (x.until IS NULL OR x.until > ended_at);
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION liveness_end_exclusion(bigint, timestamptz) IS 'Ends an exclusion; false if there is none that goes on beyond that instant';

CREATE FUNCTION liveness_close_session(session_id bigint, reason text, at timestamptz DEFAULT now(),
	last_heartbeat_at timestamptz DEFAULT NULL, requests_served bigint DEFAULT NULL, tokens_generated bigint DEFAULT NULL,
	provider_id text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	closed_at timestamptz := coalesce($3, now());
	provider_ids text[] := ARRAY[$7];
BEGIN
	IF NOT isfinite(closed_at) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'datetime_field_overflow',
			MESSAGE = format('a session cannot be closed at %s', $3),
			HINT = 'Give the instant at which the provider disconnected, for example now().';
	END IF;
	IF $2 IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'not_null_violation',
			MESSAGE = 'reason must not be NULL',
			HINT = 'Give the reason why the session ended, or an empty text.';
	END IF;
	-- Citus finds the row by its provider on one node, and without it asks all of them.  The lock
	-- comes before the look: a REINDEX that came in between would wait for us, and we for it.
	IF $7 IS NULL THEN
		LOCK TABLE @extschema@.provider_sessions IN ROW EXCLUSIVE MODE;
		provider_ids := ARRAY(SELECT s.provider_id FROM @extschema@.provider_sessions s WHERE s.id = $1);
	END IF;
	UPDATE @extschema@.provider_sessions s SET
		disconnected_at = closed_at,
		disconnect_reason = $2,
		last_heartbeat_at = coalesce($4, s.last_heartbeat_at),
		requests_served = coalesce($5, s.requests_served),
		tokens_generated = coalesce($6, s.tokens_generated)
	WHERE s.id = $1 AND s.provider_id = ANY (provider_ids) AND s.disconnected_at IS NULL;
	IF NOT FOUND THEN
		PERFORM liveness_internal.liveness_count_failed_close();
		RETURN false;
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION liveness_close_session(bigint, text, timestamptz, timestamptz, bigint, bigint, text) IS 'Closes an open session; false if there is none, so the first close wins';

-- Writers may call it, with the rights of the extension's owner.  So it takes no time and no
-- provider from them: it notes what the sessions show.  Excluded is the time from the last
-- that the coordinator was seen until the provider is seen again, and no part of another
-- session that is known.  Nothing is noted for a session that ended long before the
-- coordinator was seen last, while the coordinator is there, or a second time.
CREATE FUNCTION liveness_internal.liveness_note_outage(session_ids bigint[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	patience interval := liveness_internal.liveness_setting_interval('session_timeout'::text);
	grace interval := coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0');
	noted bigint;
BEGIN
	IF coalesce(cardinality(session_ids), 0) = 0 THEN
		RETURN 0;
	END IF;
	-- joins where a look-up for each row would do: Citus has no others
	WITH ended AS MATERIALIZED (
		SELECT s.id, s.provider_id, s.coordinator_id, s.connected_at, s.disconnected_at, s.disconnect_reason
		FROM @extschema@.provider_sessions s
		WHERE s.id = ANY (session_ids) AND s.disconnected_at <= now()
	), known AS MATERIALIZED (
		SELECT e.coordinator_id, max(e.disconnected_at) AS alive_at FROM ended e GROUP BY e.coordinator_id
	), closing AS MATERIALIZED (
		SELECT k.coordinator_id, max(least(s.disconnected_at, now())) AS alive_at
		FROM known k
		JOIN @extschema@.provider_sessions s ON s.coordinator_id = k.coordinator_id
			AND s.disconnected_at > k.alive_at AND s.disconnected_at <= now() + patience
		GROUP BY k.coordinator_id
	), hearing AS MATERIALIZED (
		SELECT o.coordinator_id, max(o.last_sign_of_life) AS alive_at
		FROM liveness_internal.liveness_last_signs o
		WHERE o.coordinator_id IN (SELECT k.coordinator_id FROM known k)
		GROUP BY o.coordinator_id
	), coordinator AS MATERIALIZED (
		SELECT k.coordinator_id, greatest(k.alive_at, c.alive_at, h.alive_at) AS alive_at
		FROM known k
		LEFT JOIN closing c ON c.coordinator_id = k.coordinator_id
		LEFT JOIN hearing h ON h.coordinator_id = k.coordinator_id
	), elsewhere AS MATERIALIZED (
		-- sessions that go on when the coordinator is seen last
		SELECT s.provider_id, s.connected_at, coalesce(s.disconnected_at, 'infinity') AS ended_at
		FROM @extschema@.provider_sessions s
		WHERE s.disconnected_at >= (SELECT min(c.alive_at) FROM coordinator c)
		AND NOT EXISTS (SELECT 1 FROM ended e WHERE e.id = s.id)
		UNION ALL
		SELECT s.provider_id, s.connected_at, 'infinity' FROM @extschema@.provider_sessions s WHERE s.disconnected_at IS NULL
	), back AS MATERIALIZED (
		SELECT e.id, min(s.connected_at) AS at
		FROM ended e
		JOIN @extschema@.provider_sessions s ON s.provider_id = e.provider_id AND s.connected_at > e.connected_at
		GROUP BY e.id
	), outage AS MATERIALIZED (
		SELECT DISTINCT e.provider_id, c.alive_at AS since, least(now() + grace, b.at) AS until
		FROM ended e
		JOIN coordinator c ON c.coordinator_id = e.coordinator_id
		LEFT JOIN back b ON b.id = e.id
		WHERE isfinite(c.alive_at)
		AND extract(epoch FROM c.alive_at) - extract(epoch FROM e.disconnected_at) <= extract(epoch FROM CASE
			WHEN e.disconnect_reason = 'observer_outage' THEN greatest(patience, now() - c.alive_at)
			WHEN c.alive_at < now() - grace THEN patience
		END)
		AND NOT EXISTS (SELECT 1 FROM elsewhere s WHERE s.provider_id = e.provider_id AND s.connected_at <= e.connected_at AND s.ended_at >= c.alive_at)
	)
	INSERT INTO @extschema@.provider_exclusions (provider_id, since, until, reason)
	SELECT o.provider_id, o.since, o.until, 'observer_outage'
	FROM outage o
	WHERE o.since < o.until
	AND NOT EXISTS (SELECT 1 FROM @extschema@.provider_exclusions x
		WHERE x.provider_id = o.provider_id AND x.since = o.since AND x.reason = 'observer_outage');
	GET DIAGNOSTICS noted = ROW_COUNT;
	RETURN noted;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_note_outage(bigint[]) IS 'Excludes the time in which the coordinator of these closed sessions was away; returns exclusions';

-- As inlined into the query of its caller, a look-up in an index.
CREATE FUNCTION liveness_internal.liveness_session_before(provider_id text, at timestamptz)
RETURNS TABLE (coordinator_id text, disconnect_reason text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT s.coordinator_id, s.disconnect_reason
	FROM @extschema@.provider_sessions s
	WHERE s.provider_id = $1 AND s.connected_at <= $2
	ORDER BY s.connected_at DESC
	LIMIT 1;
END;
COMMENT ON FUNCTION liveness_internal.liveness_session_before(text, timestamptz) IS 'The last session of a provider that began by then';

-- An outage is noted while it goes on, and with an end that is a guess.  The exclusion ends
-- where the provider is seen again, and goes on while its coordinator is away.
-- Writers may call it: it takes nothing from them.
CREATE FUNCTION liveness_internal.liveness_follow_outages()
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	grace interval := liveness_internal.liveness_setting_interval('resume_within'::text);
	ids bigint[];
	providers text[];
	starts timestamptz[];
	ends timestamptz[];
	new_ends timestamptz[];
	changed bigint;
BEGIN
	SELECT array_agg(x.id), array_agg(x.provider_id), array_agg(x.since), array_agg(x.until)
	INTO ids, providers, starts, ends
	FROM @extschema@.provider_exclusions x
	WHERE x.until > now() AND x.until <= now() + grace AND x.reason = 'observer_outage';
	IF ids IS NOT NULL THEN
		WITH seen AS MATERIALIZED (
			SELECT r.id, min(s.connected_at) AS at
			FROM unnest(ids, providers, starts) r (id, provider_id, since)
			JOIN @extschema@.provider_sessions s ON s.provider_id = r.provider_id AND s.connected_at > r.since AND s.connected_at <= now()
			GROUP BY r.id
		), running AS MATERIALIZED (
			SELECT r.id, r.provider_id, r.since, r.until, n.at AS seen_at
			FROM unnest(ids, providers, starts, ends) r (id, provider_id, since, until)
			LEFT JOIN seen n ON n.id = r.id
		), due AS MATERIALIZED (
			SELECT r.id, r.since, s.coordinator_id
			FROM running r
			CROSS JOIN LATERAL liveness_internal.liveness_session_before(r.provider_id, r.since) s
			WHERE r.seen_at IS NULL AND r.until < now() + grace / 2 AND s.disconnect_reason = 'observer_outage'
		), alive AS MATERIALIZED (
			SELECT o.coordinator_id, max(o.last_sign_of_life) AS at
			FROM liveness_internal.liveness_last_signs o
			WHERE o.coordinator_id IN (SELECT d.coordinator_id FROM due d)
			GROUP BY 1
			UNION ALL
			SELECT s.coordinator_id, max(s.disconnected_at)
			FROM @extschema@.provider_sessions s
			WHERE s.disconnected_at > (SELECT min(d.since) FROM due d) AND s.disconnected_at <= now()
			GROUP BY 1
		)
		SELECT array_agg(r.id), array_agg(r.until), array_agg(coalesce(r.seen_at, now() + grace))
		INTO ids, ends, new_ends
		FROM running r
		LEFT JOIN due d ON d.id = r.id
		WHERE r.seen_at IS NOT NULL
		OR (d.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM alive a WHERE a.coordinator_id = d.coordinator_id AND a.at > d.since));
	END IF;
	UPDATE @extschema@.provider_exclusions x
	SET until = r.new_until
	FROM unnest(ids, ends, new_ends) r (id, until, new_until)
	WHERE x.id = r.id AND x.until = r.until;
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_follow_outages() IS 'Ends exclusions of an outage where the provider is back, prolongs those of one that goes on';

CREATE FUNCTION liveness_close_orphans(coordinator_id text, reason text DEFAULT 'coordinator_restart')
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	patience interval := liveness_internal.liveness_setting_interval('session_timeout'::text);
	alive_at timestamptz;
	open_ids bigint[];
	providers text[];
	ends timestamptz[];
	were_stale boolean[];
	closed bigint;
	orphans bigint[];
BEGIN
	IF $2 IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'not_null_violation',
			MESSAGE = 'reason must not be NULL',
			HINT = 'Give the reason why the sessions ended, or leave the argument out.';
	END IF;
	-- before the first look: a REINDEX that came in between would wait for us, and we for it
	LOCK TABLE @extschema@.provider_sessions IN ROW EXCLUSIVE MODE;
	SELECT max(o.last_sign_of_life), array_agg(o.id) INTO alive_at, open_ids
	FROM liveness_internal.liveness_last_signs o
	WHERE o.coordinator_id = $1;
	-- what it closed itself shows that it was there
	SELECT CASE WHEN max(s.disconnected_at) > now() THEN now() ELSE greatest(alive_at, max(s.disconnected_at)) END
	INTO alive_at
	FROM @extschema@.provider_sessions s
	WHERE s.coordinator_id = $1 AND s.disconnected_at > alive_at
	AND s.disconnected_at <= now() + patience;
	PERFORM liveness_internal.liveness_lock_sessions(open_ids);
	SELECT array_agg(o.id), array_agg(o.provider_id),
		array_agg(greatest(o.connected_at, CASE WHEN o.was_heard THEN o.last_sign_of_life ELSE alive_at END)),
		array_agg((o.was_heard AND o.last_sign_of_life + patience < alive_at) IS TRUE)
	INTO open_ids, providers, ends, were_stale
	FROM liveness_internal.liveness_last_signs o
	WHERE o.id = ANY (open_ids);
	WITH closed AS (
		UPDATE @extschema@.provider_sessions s
		SET disconnected_at = o.ended_at, disconnect_reason = CASE WHEN o.was_stale THEN 'stale_heartbeat' ELSE $2 END
		FROM unnest(open_ids, providers, ends, were_stale) o (id, provider_id, ended_at, was_stale)
		WHERE s.id = o.id AND s.provider_id = o.provider_id AND s.disconnected_at IS NULL
		RETURNING s.id, o.was_stale
	)
	SELECT count(*), array_agg(c.id) FILTER (WHERE NOT c.was_stale) INTO closed, orphans FROM closed c;
	IF alive_at < now() - coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0') THEN
		PERFORM liveness_internal.liveness_note_outage(orphans);
	END IF;
	RETURN closed;
END
$$;
COMMENT ON FUNCTION liveness_close_orphans(text, text) IS 'Closes the open sessions of a coordinator that has crashed, each at its last sign of life';

-- Whether a provider fell silent or its coordinator, the others tell: where one of ten showed
-- life a timeout later, somebody was listening.  Where nobody did, the question stays open until
-- (nearly) all are silent, and then it was the coordinator.  Of an outage that does not take
-- all at once, those that it took first count with the rest.
--
-- Time is counted in UTC, where a day has 24 h, whatever the session's zone.  No coordinator
-- is older than 2000: the bound keeps the difference within the calendar.
CREATE FUNCTION liveness_close_stale(timeout interval DEFAULT NULL, coordinator_id text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	patience interval := coalesce($1, liveness_internal.liveness_setting_interval('session_timeout'::text));
	silent_since timestamptz := (now() AT TIME ZONE 'UTC' - patience) AT TIME ZONE 'UTC';
	ahead timestamptz := now() + liveness_internal.liveness_setting_interval('session_timeout'::text);
	threshold numeric := liveness_internal.liveness_outage_threshold();
	doomed bigint[];
	providers text[];
	ends timestamptz[];
	reasons text[];
	part record;
	closed bigint := 0;
	lost bigint[] := '{}';
BEGIN
	IF $1 <= interval '0' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('timeout must be positive, and is %s', $1),
			HINT = 'Give the silence after which a session is given up, or NULL for the setting liveness.session_timeout.';
	END IF;
	-- before the first look: a REINDEX that came in between would wait for us, and we for it
	LOCK TABLE @extschema@.provider_sessions IN ROW EXCLUSIVE MODE;
	WITH session AS MATERIALIZED (
		SELECT o.id, o.provider_id, o.coordinator_id, o.connected_at, o.last_sign_of_life, o.has_begun,
			o.has_begun AND o.was_heard AS is_judged,
			o.has_begun AND o.was_heard AND o.last_sign_of_life < silent_since AS is_silent
		FROM liveness_internal.liveness_last_signs o
		WHERE $2 IS NULL OR o.coordinator_id = $2
	), silent AS MATERIALIZED (
		SELECT s.coordinator_id, max(s.last_sign_of_life) AS alive_at,
			count(*) FILTER (WHERE s.is_judged) AS judged, count(*) FILTER (WHERE s.is_silent) AS silent
		FROM session s
		GROUP BY s.coordinator_id
		HAVING bool_or(s.is_silent)
	), ended AS MATERIALIZED (
		-- what it closed itself shows that it was there
		SELECT c.coordinator_id, max(least(e.disconnected_at, now())) AS alive_at,
			count(*) FILTER (WHERE e.disconnect_reason = 'observer_outage') AS lost
		FROM silent c
		JOIN @extschema@.provider_sessions e ON e.coordinator_id = c.coordinator_id AND e.disconnected_at <= ahead
			AND e.disconnected_at >= (greatest(c.alive_at, '2000-01-01 00:00+00') AT TIME ZONE 'UTC' - patience) AT TIME ZONE 'UTC'
		GROUP BY c.coordinator_id
	), coordinator AS (
		SELECT c.coordinator_id, greatest(c.alive_at, e.alive_at) AS alive_at,
			c.judged + coalesce(e.lost, 0) AS judged, c.silent + coalesce(e.lost, 0) AS silent
		FROM silent c
		LEFT JOIN ended e ON e.coordinator_id = c.coordinator_id
	), judged AS (
		SELECT s.id, s.provider_id, greatest(s.connected_at, s.last_sign_of_life) AS ended_at,
			CASE
				WHEN NOT s.has_begun OR threshold = 0 OR c.judged < 10
					OR (s.last_sign_of_life AT TIME ZONE 'UTC' + patience) AT TIME ZONE 'UTC' <= c.alive_at THEN 'stale_heartbeat'
				WHEN c.silent >= threshold * c.judged THEN 'observer_outage'
			END AS reason
		FROM session s
		LEFT JOIN coordinator c ON c.coordinator_id = s.coordinator_id
		WHERE s.is_silent OR NOT s.has_begun
	)
	SELECT array_agg(j.id), array_agg(j.provider_id), array_agg(j.ended_at), array_agg(j.reason) INTO doomed, providers, ends, reasons
	FROM judged j
	WHERE j.reason IS NOT NULL;
	PERFORM liveness_internal.liveness_lock_sessions(doomed);
	FOR part IN
		WITH closed AS (
			UPDATE @extschema@.provider_sessions s
			SET disconnected_at = j.ended_at, disconnect_reason = j.reason
			FROM unnest(doomed, providers, ends, reasons) AS j (id, provider_id, ended_at, reason)
			WHERE s.id = j.id AND s.provider_id = j.provider_id
			AND s.disconnected_at IS NULL
			-- heard of again while we waited for the row
			AND (s.connected_at > ahead OR (s.last_heartbeat_at BETWEEN silent_since AND ahead) IS NOT TRUE)
			RETURNING s.id, s.coordinator_id, s.disconnect_reason
		)
		SELECT c.coordinator_id, c.disconnect_reason = 'observer_outage' AS is_outage, array_agg(c.id) AS ids
		FROM closed c
		GROUP BY 1, 2
		ORDER BY 1, 2
	LOOP
		closed := closed + cardinality(part.ids);
		IF part.is_outage THEN
			lost := lost || part.ids;
			RAISE NOTICE 'coordinator % has fallen silent: % sessions are closed as observer_outage', quote_literal(part.coordinator_id), cardinality(part.ids);
		END IF;
	END LOOP;
	IF threshold > 0 THEN
		PERFORM liveness_internal.liveness_note_outage(lost), liveness_internal.liveness_follow_outages();
	END IF;
	RETURN closed;
END
$$;
COMMENT ON FUNCTION liveness_close_stale(interval, text) IS 'Closes open sessions whose last sign of life is older than the timeout';

CREATE FUNCTION liveness_emit(provider_id text, status text DEFAULT '', memory_pressure float8 DEFAULT 0,
	cpu_usage float8 DEFAULT 0, thermal_state text DEFAULT '', memory_available_gb float8 DEFAULT NULL,
	gpu_memory_active_gb float8 DEFAULT NULL, gpu_memory_cache_gb float8 DEFAULT NULL,
	backend_state text DEFAULT '', active_model text DEFAULT '', capacity jsonb DEFAULT NULL,
	at timestamptz DEFAULT now())
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_emit(text, text, float8, float8, text, float8, float8, float8, text, text, jsonb, timestamptz) IS 'Puts a heartbeat into the buffer in shared memory; false if the buffer is full';

CREATE FUNCTION liveness_emit_batch(heartbeats jsonb)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_emit_batch(jsonb) IS 'Puts an array of heartbeats into the buffer and returns how many it took';

CREATE FUNCTION liveness_flush()
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_flush() IS 'Has the worker write the buffer, and waits until all that was emitted before is committed';

CREATE FUNCTION liveness_internal.liveness_counters(missing_ok boolean DEFAULT false)
RETURNS TABLE (name text, value float8, help text, since timestamptz)
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 25;
COMMENT ON FUNCTION liveness_internal.liveness_counters(boolean) IS 'The rows of liveness_stats';

CREATE FUNCTION liveness_stats_reset()
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION liveness_stats_reset() IS 'Sets every counter of liveness_stats to zero';

CREATE VIEW liveness_stats AS
	SELECT c.name, c.value, c.help, c.since
	FROM liveness_internal.liveness_counters() c;
COMMENT ON VIEW liveness_stats IS 'Counters of this server, a row each. They survive a clean restart and begin again after a crash; error 55000 where the library is not preloaded';
COMMENT ON COLUMN liveness_stats.name IS 'liveness_, what is counted, and _total for what only grows; _seconds is a duration, _bytes a size';
COMMENT ON COLUMN liveness_stats.value IS 'Its value now, 0 or more';
COMMENT ON COLUMN liveness_stats.help IS 'What it means';
COMMENT ON COLUMN liveness_stats.since IS 'When the counters began at zero';

-- A job outlives the extension, and others may make a schema and a procedure of that name
-- then: only a member of the extension is called.  The lock keeps the extension from being
-- dropped between the check and the call.
CREATE FUNCTION liveness_internal.liveness_cron_jobs()
RETURNS TABLE (name text, schedule text, command text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 'liveness ' || j.job, j.schedule,
		'DO $$BEGIN IF pg_catalog.to_regclass(''liveness_internal.liveness_granted_role'') IS NULL THEN RETURN; END IF;'
		' LOCK TABLE liveness_internal.liveness_granted_role IN ACCESS SHARE MODE;'
		' IF 2 OPERATOR(pg_catalog.=) (SELECT pg_catalog.count(*) FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_depend d ON d.refobjid OPERATOR(pg_catalog.=) e.oid'
		' WHERE e.extname OPERATOR(pg_catalog.=) ''liveness''::pg_catalog.name AND d.deptype OPERATOR(pg_catalog.=) ''e''::pg_catalog."char"'
		' AND d.refclassid OPERATOR(pg_catalog.=) ''pg_catalog.pg_extension''::pg_catalog.regclass::pg_catalog.oid'
		' AND (d.classid OPERATOR(pg_catalog.=) ''pg_catalog.pg_class''::pg_catalog.regclass::pg_catalog.oid'
		' AND d.objid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(''liveness_internal.liveness_granted_role'')::pg_catalog.oid'
		' OR d.classid OPERATOR(pg_catalog.=) ''pg_catalog.pg_proc''::pg_catalog.regclass::pg_catalog.oid'
		' AND d.objid OPERATOR(pg_catalog.=) pg_catalog.to_regprocedure(''liveness_internal.liveness_run(pg_catalog.text, pg_catalog.interval, pg_catalog.int4)'')::pg_catalog.oid))'
		' THEN ' || j.condition || 'CALL liveness_internal.liveness_run(' || quote_literal(j.job) || '::pg_catalog.text, NULL::pg_catalog.interval, NULL::pg_catalog.int4); ' || CASE j.condition WHEN '' THEN '' ELSE 'END IF; ' END || 'END IF; END$$'
	FROM (VALUES ('features', '*/5 * * * *', ''), ('hourly', '*/5 * * * *', ''), ('retention', '17 * * * *', ''),
		('sessions', '* * * * *', 'IF liveness_internal.liveness_wants_sessions() THEN ')) j (job, schedule, condition);
END;
COMMENT ON FUNCTION liveness_internal.liveness_cron_jobs() IS 'What pg_cron is to run, and when';

-- The schema of pg_cron, once it is certain that its jobs would run here.  What it
-- takes elsewhere is said in full: nobody should have to put it together.
CREATE FUNCTION liveness_internal.liveness_cron_schema()
RETURNS name
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schedule constant text := 'SELECT @extschema@.liveness_schedule();';
	cron_schema name;
	cron_database text;
	in_database text;
BEGIN
	-- known without pg_cron if configured, but not listed; not for everybody with it
	BEGIN
		PERFORM current_setting('cron.database_name', true);
		SELECT g.setting INTO cron_database FROM pg_settings g WHERE g.name = 'cron.database_name';
	EXCEPTION WHEN insufficient_privilege THEN
		cron_database := current_database();
	END;
	IF cron_database IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'pg_cron is not loaded',
			DETAIL = 'Without it the liveness worker can run the jobs: liveness.scheduler = ''worker''.',
			HINT = format(E'In postgresql.conf add pg_cron to shared_preload_libraries and set cron.database_name = %L, restart the server, and run here:\nCREATE EXTENSION pg_cron;\n%s',
				current_database(), schedule);
	END IF;
	IF cron_database <> current_database() THEN
		SELECT string_agg(format('SELECT cron.schedule_in_database(%L, %L, %L, %L);',
				j.name || ' in ' || current_database(), j.schedule, j.command, current_database()), E'\n')
		INTO in_database
		FROM liveness_internal.liveness_cron_jobs() j
		WHERE j.name <> 'liveness sessions' OR liveness_internal.liveness_wants_sessions();
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('pg_cron runs in database %I, not in this one', cron_database),
			HINT = format(E'Connect to database %I, and run:\n%s', cron_database, in_database);
	END IF;

	-- the schema that its functions are in: the extension's own is pg_catalog
	SELECT n.nspname INTO cron_schema
	FROM pg_extension e
	JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	JOIN pg_proc p ON p.oid = d.objid AND p.proname = 'schedule'
	JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE e.extname = 'pg_cron'
	LIMIT 1;
	IF cron_schema IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'the extension pg_cron is not installed in this database',
			HINT = format(E'Run here, if this is the database of cron.database_name:\nCREATE EXTENSION pg_cron;\n%s', schedule);
	END IF;
	RETURN cron_schema;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_cron_schema() IS 'The schema of the functions of pg_cron in this database';

CREATE FUNCTION liveness_schedule()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cron_schema name := liveness_internal.liveness_cron_schema();
BEGIN
	EXECUTE format('SELECT %I.schedule(j.name, j.schedule, j.command)', cron_schema) ||
		' FROM liveness_internal.liveness_cron_jobs() j WHERE j.name <> ''liveness sessions'' OR liveness_internal.liveness_wants_sessions()';
END
$$;
COMMENT ON FUNCTION liveness_schedule() IS 'Has pg_cron run the rollups every 5 minutes and the retention hourly, as the current role';

CREATE FUNCTION liveness_unschedule()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cron_schema name := liveness_internal.liveness_cron_schema();
BEGIN
	EXECUTE format('SELECT %1$I.unschedule(c.jobid) FROM %1$I.job c', cron_schema) ||
		' JOIN liveness_internal.liveness_cron_jobs() j ON c.jobname = j.name '
		'WHERE c.username = current_user AND c.database = current_database()';
END
$$;
COMMENT ON FUNCTION liveness_unschedule() IS 'Takes the jobs of liveness_schedule() away from pg_cron, those of the current role';

-- One row for each provider, as an aggregate without GROUP BY is: the planner leaves out the
-- joins whose columns nobody asks for.  The providers that no rollup has seen yet have an
-- open session, or one that ended since the last rollup: both are found by index, the first
-- by index alone.  With two bounds the planner expects few of the second.
CREATE VIEW provider_liveness AS
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
		FROM provider_reliability_features r
		UNION ALL
		SELECT n.provider_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
		FROM (
			SELECT DISTINCT s.provider_id
			FROM (
				SELECT s.provider_id
				FROM provider_sessions s
				WHERE s.disconnected_at IS NULL
				UNION ALL
				SELECT s.provider_id
				FROM provider_sessions s
				WHERE s.disconnected_at BETWEEN (
					SELECT coalesce(max(j.last_started_at), '-infinity') FROM liveness_internal.liveness_job_state j WHERE j.job = 'features'
				) AND 'infinity'
			) s
			WHERE NOT EXISTS (SELECT FROM provider_reliability_features k WHERE k.provider_id = s.provider_id)
		) n
	) f
	LEFT JOIN LATERAL (
		SELECT min(s.connected_at) AS connected_since, max(s.last_heartbeat_at) AS last_heartbeat_at
		FROM provider_sessions s
		WHERE s.provider_id = f.provider_id AND (s.disconnected_at IS NULL OR s.disconnected_at > now())
		AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
	) o ON true
	LEFT JOIN LATERAL (
		SELECT max(h.at) AS at
		FROM provider_heartbeats h
		WHERE h.provider_id = f.provider_id
	) h ON true;
COMMENT ON VIEW provider_liveness IS 'Each provider: its reliability features, NULL before its first rollup, and whether it is connected now';
COMMENT ON COLUMN provider_liveness.connected IS 'Does it have an open session that has begun?';
COMMENT ON COLUMN provider_liveness.connected_since IS 'Start of its oldest open session; NULL: not connected';
COMMENT ON COLUMN provider_liveness.last_heartbeat_at IS 'Latest heartbeat: of the stored ones, or as its open sessions tell; NULL: none';

CREATE VIEW provider_session_history AS
	SELECT s.id, s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at,
		s.requests_served, s.tokens_generated, s.coordinator_id,
		(s.disconnected_at IS NULL OR s.disconnected_at > now()) AS is_open,
		CASE WHEN least(s.disconnected_at, now()) <= s.connected_at THEN 0
			ELSE (extract(epoch FROM least(s.disconnected_at, now())) - extract(epoch FROM s.connected_at))::float8
		END AS length_seconds
	FROM provider_sessions s;
COMMENT ON VIEW provider_session_history IS 'Sessions with their length';
COMMENT ON COLUMN provider_session_history.is_open IS 'Has it not ended yet, as of now()?';
COMMENT ON COLUMN provider_session_history.length_seconds IS 'Length so far, seconds, 0 or more; 0 for one that ends before it begins, infinity for one that began at -infinity';

-- One provider's spells are found by index: the condition on it reaches every part.  Citus
-- sends the inner aggregate to the shards for its GROUP BY alone.
CREATE VIEW provider_spells AS
	SELECT h.provider_id, p.since, p.until, e.sessions, CASE WHEN NOT p.running THEN e.reason END AS reason, p.failed, p.excused
	FROM (
		SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, now(), 1) AS sessions
		FROM provider_sessions s
		WHERE s.connected_at < now()
		AND (s.disconnected_at IS NULL OR s.disconnected_at >= liveness_internal.liveness_window_start(now(), NULL))
		GROUP BY s.provider_id
	) h
	LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = h.provider_id
	CROSS JOIN LATERAL liveness_internal.liveness_history_spells(liveness_internal.liveness_history_exclude(h.sessions,
		coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))), now()) p
	CROSS JOIN LATERAL (
		-- of several that end it, a failure says why
		SELECT count(*) AS sessions,
			(array_agg(coalesce(nullif(s.disconnect_reason, ''), 'unspecified')
				ORDER BY greatest(s.disconnected_at, s.connected_at) DESC, liveness_is_censored(s.disconnect_reason), s.disconnect_reason))[1] AS reason
		FROM provider_sessions s
		WHERE s.provider_id = h.provider_id AND s.connected_at < now()
		AND (s.disconnected_at IS NULL OR s.disconnected_at >= liveness_internal.liveness_window_start(now(), NULL))
		AND s.connected_at >= p.since AND s.connected_at <= p.until
		GROUP BY s.provider_id
	) e;
COMMENT ON VIEW provider_spells IS 'Spells of the last liveness.window_days: how long each provider was there at a stretch';
COMMENT ON COLUMN provider_spells.provider_id IS 'The machine';
COMMENT ON COLUMN provider_spells.since IS 'When the spell began: with its first session';
COMMENT ON COLUMN provider_spells.until IS 'When the spell ended: with its last session; now() while it goes on';
COMMENT ON COLUMN provider_spells.sessions IS 'Sessions of the window that the spell consists of, 1 or more';
COMMENT ON COLUMN provider_spells.reason IS 'Why the last session ended; of several at one instant an uncensored reason; NULL while the spell goes on';
COMMENT ON COLUMN provider_spells.failed IS 'Did the spell end by a failure: for an uncensored reason, and not in excluded time?';
COMMENT ON COLUMN provider_spells.excused IS 'Did the spell end in excluded time?';

-- What stands between spells that have a length: lead() looks at one provider, so the
-- condition on it reaches the spells.
CREATE VIEW provider_outages AS
	SELECT p.provider_id, p.until AS since, p.back_at AS until, coalesce(p.back_at, now()) - p.until AS duration, p.reason,
		EXISTS (SELECT FROM provider_exclusions x
			WHERE x.provider_id = p.provider_id AND x.since <= p.until AND (x.until IS NULL OR x.until > p.until))
		OR EXISTS (SELECT FROM provider_exclusions x
			WHERE x.provider_id IS NULL AND x.since <= p.until AND (x.until IS NULL OR x.until > p.until)) AS excused
	FROM (
		SELECT s.provider_id, s.until, s.reason, lead(s.since) OVER (PARTITION BY s.provider_id ORDER BY s.since) AS back_at
		FROM provider_spells s
		WHERE s.until > s.since
	) p
	WHERE p.reason IS NOT NULL;
COMMENT ON VIEW provider_outages IS 'Outages of the last liveness.window_days: the gaps after spells that have a length, the last of which may go on';
COMMENT ON COLUMN provider_outages.provider_id IS 'The machine';
COMMENT ON COLUMN provider_outages.since IS 'When the provider went: the end of the spell before';
COMMENT ON COLUMN provider_outages.until IS 'When it was back: the beginning of the next spell; NULL: it goes on';
COMMENT ON COLUMN provider_outages.duration IS 'How long it lasted, or lasts so far, more than 0; a day is 24 hours';
COMMENT ON COLUMN provider_outages.reason IS 'Why the spell before ended, a censored reason included: then the observer was away';
COMMENT ON COLUMN provider_outages.excused IS 'Did it begin in excluded time?';

CREATE VIEW provider_heartbeat_history AS
	SELECT h.id, h.provider_id, h.at, h.status, h.memory_pressure, h.cpu_usage, h.thermal_state,
		h.memory_available_gb, h.gpu_memory_active_gb, h.gpu_memory_cache_gb, h.backend_state,
		h.active_model, h.capacity
	FROM provider_heartbeats h;
COMMENT ON VIEW provider_heartbeat_history IS 'Heartbeats as they arrived; ask for one provider, or for a span of time';

-- CASE, not WHERE: only it keeps the function from being called on anything else.
-- Anyone may have written anything into the column: a share outside 0..1 is clamped.
CREATE VIEW provider_availability_matrix AS
	SELECT f.provider_id,
		((c.cell - 1) / 24)::int AS day,
		((c.cell - 1) % 24)::int AS hour,
		CASE WHEN jsonb_typeof(c.share) = 'number' THEN round(least(greatest(c.share::numeric, 0), 1), 15)::float8 END AS availability
	FROM provider_reliability_features f
	CROSS JOIN LATERAL jsonb_array_elements(
		CASE WHEN jsonb_typeof(f.hourly_availability) = 'array'
			THEN CASE WHEN jsonb_array_length(f.hourly_availability) = 168
				THEN f.hourly_availability ELSE '[]' END
			ELSE '[]' END
	) WITH ORDINALITY AS c (share, cell);
COMMENT ON VIEW provider_availability_matrix IS 'hourly_availability, a row for each cell; no row where there is no matrix';
COMMENT ON COLUMN provider_availability_matrix.provider_id IS 'The machine';
COMMENT ON COLUMN provider_availability_matrix.day IS 'Day of the week, UTC, 0 to 6, 0 = Sunday';
COMMENT ON COLUMN provider_availability_matrix.hour IS 'Hour of the day, UTC, 0 to 23';
COMMENT ON COLUMN provider_availability_matrix.availability IS 'Share of that hour spent online, 0 to 1; NULL: nothing of it is left in the window';

CREATE VIEW provider_disconnect_reasons AS
	SELECT f.provider_id, r.reason, CASE WHEN jsonb_typeof(r.sessions) = 'number'
			THEN least(greatest(r.sessions::numeric, 0), 9223372036854775807)::bigint END AS sessions
	FROM provider_reliability_features f
	CROSS JOIN LATERAL jsonb_each(
		CASE WHEN jsonb_typeof(f.disconnect_reasons) = 'object' THEN f.disconnect_reasons ELSE '{}' END
	) AS r (reason, sessions);
COMMENT ON VIEW provider_disconnect_reasons IS 'disconnect_reasons, a row for each reason';
COMMENT ON COLUMN provider_disconnect_reasons.provider_id IS 'The machine';
COMMENT ON COLUMN provider_disconnect_reasons.reason IS 'Why; unspecified where none was given';
COMMENT ON COLUMN provider_disconnect_reasons.sessions IS 'Sessions of the window that ended for it, 1 or more';

-- The first condition asks the row alone, and so spares most sessions a look at the heartbeats.
CREATE VIEW provider_stale_sessions AS
	SELECT o.id, o.provider_id, o.connected_at, o.disconnected_at, o.disconnect_reason, o.last_heartbeat_at,
		o.requests_served, o.tokens_generated, o.coordinator_id,
		o.last_sign_of_life,
		CASE WHEN isfinite(o.last_sign_of_life) THEN now() - o.last_sign_of_life END AS silent_for
	FROM liveness_internal.liveness_last_signs o
	CROSS JOIN (
		SELECT now() - t.timeout AS before, now() + t.timeout AS ahead
		FROM (SELECT liveness_internal.liveness_setting_interval('session_timeout'::text) AS timeout) t
		OFFSET 0
	) c
	WHERE (NOT o.has_begun OR (o.connected_at < c.before AND (o.last_heartbeat_at BETWEEN c.before AND c.ahead) IS NOT TRUE))
	AND o.is_stale;
COMMENT ON VIEW provider_stale_sessions IS 'Open sessions whose last sign of life is older than liveness.session_timeout, and those that have not begun, because connected_at lies further ahead than that: what liveness_close_stale() closes, where the coordinator may have fallen silent itself as soon as it knows';
COMMENT ON COLUMN provider_stale_sessions.last_sign_of_life IS 'Where it would be closed, but not before connected_at; NULL: nothing is known';
COMMENT ON COLUMN provider_stale_sessions.silent_for IS 'Time since then, more than 0; NULL: since -infinity, or nothing is known';

-- 0.95::real, for a share stored as real 0.95 is below the float8 of that name.
CREATE VIEW network_availability AS
	SELECT r.window_days, r.providers, o.connected, r.vanished, r.mean_uptime_pct,
		r.uptimes[1] AS p10_uptime_pct, r.uptimes[2] AS p50_uptime_pct, r.uptimes[3] AS p90_uptime_pct,
		r.highly_reliable, r.updated_at
	FROM (
		SELECT coalesce(max(f.window_days) FILTER (WHERE f.sessions_count > 0), liveness_internal.liveness_effective_window_days(NULL)) AS window_days,
			count(*) FILTER (WHERE f.sessions_count > 0) AS providers,
			count(*) FILTER (WHERE f.sessions_count = 0) AS vanished,
			avg(f.uptime_pct::float8) FILTER (WHERE f.sessions_count > 0) AS mean_uptime_pct,
			liveness_percentiles(f.uptime_pct::float8, '{0.1,0.5,0.9}'::float8[]) FILTER (WHERE f.sessions_count > 0) AS uptimes,
			count(*) FILTER (WHERE f.sessions_count > 0 AND f.uptime_pct >= 0.95::real) AS highly_reliable,
			max(f.updated_at) AS updated_at
		FROM provider_reliability_features f
	) r
	CROSS JOIN (
		SELECT count(*) AS connected
		FROM (
			SELECT DISTINCT s.provider_id
			FROM provider_sessions s
			WHERE (s.disconnected_at IS NULL OR s.disconnected_at > now())
			AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
		) s
	) o;
COMMENT ON VIEW network_availability IS 'The fleet as of the last rollup, over all providers';
COMMENT ON COLUMN network_availability.window_days IS 'Days of history behind the figures, 1 to 3650';
COMMENT ON COLUMN network_availability.providers IS 'Providers with a session in the window, 0 or more; all shares are theirs';
COMMENT ON COLUMN network_availability.connected IS 'Providers with an open session that has begun, 0 or more';
COMMENT ON COLUMN network_availability.vanished IS 'Providers known from earlier, without a session in the window, 0 or more';
COMMENT ON COLUMN network_availability.mean_uptime_pct IS 'Mean uptime, 0 to 1; NULL without providers';
COMMENT ON COLUMN network_availability.p10_uptime_pct IS '10th percentile of uptime, 0 to 1 (percentile_cont)';
COMMENT ON COLUMN network_availability.p50_uptime_pct IS 'Median uptime, 0 to 1 (percentile_cont)';
COMMENT ON COLUMN network_availability.p90_uptime_pct IS '90th percentile of uptime, 0 to 1 (percentile_cont)';
COMMENT ON COLUMN network_availability.highly_reliable IS 'Providers with an uptime of 0.95 or more';
COMMENT ON COLUMN network_availability.updated_at IS 'Instant that the latest rollup describes; NULL: none yet';

CREATE VIEW liveness_jobs AS
	SELECT j.job, max(s.last_started_at) AS last_started_at,
		(array_agg(s.last_duration ORDER BY s.last_started_at DESC NULLS LAST))[1] AS last_duration,
		(array_agg(s.last_rows ORDER BY s.last_started_at DESC NULLS LAST))[1] AS last_rows,
		(array_agg(s.last_error ORDER BY s.last_error_at DESC NULLS LAST))[1] AS last_error,
		max(s.last_error_at) AS last_error_at,
		coalesce(sum(s.runs), 0)::bigint AS runs, coalesce(sum(s.errors), 0)::bigint AS errors
	FROM (VALUES ('features'::text), ('hourly'), ('retention'), ('sessions')) j (job)
	LEFT JOIN liveness_internal.liveness_job_state s ON s.job = j.job
	WHERE j.job <> 'sessions' OR s.job IS NOT NULL
		OR current_setting('liveness.track_sessions', true)::boolean OR current_setting('liveness.close_stale', true)::boolean
	GROUP BY j.job;
COMMENT ON VIEW liveness_jobs IS 'Last run of each job; sessions is there once it has run or its settings are on';
COMMENT ON COLUMN liveness_jobs.job IS 'features, hourly, retention or sessions';
COMMENT ON COLUMN liveness_jobs.last_started_at IS 'Start of the last run that completed; NULL: none yet';
COMMENT ON COLUMN liveness_jobs.last_duration IS 'Its duration, 0 or more';
COMMENT ON COLUMN liveness_jobs.last_rows IS 'Number of rows, 0 or more; features: providers in the window; hourly: rows written; retention: rows deleted; sessions: sessions written, closed or deleted';
COMMENT ON COLUMN liveness_jobs.last_error IS 'Message of the last run that failed under liveness_run or liveness_prune; NULL: none';
COMMENT ON COLUMN liveness_jobs.last_error_at IS 'When it failed';
COMMENT ON COLUMN liveness_jobs.runs IS 'Runs that completed, 0 or more';
COMMENT ON COLUMN liveness_jobs.errors IS 'Runs that failed under liveness_run or liveness_prune, 0 or more';

CREATE FUNCTION liveness_internal.liveness_real_bound(bound float8)
RETURNS real AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_real_bound(float8) IS 'A bound to compare a real column with, rounded as the column is';

CREATE FUNCTION liveness_internal.liveness_reliability_limit(min_uptime float8, min_stays_4h float8, min_stays_8h float8,
	min_score float8, max_score float8, max_rows int)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_reliability_limit(float8, float8, float8, float8, float8, int) IS 'max_rows, once the arguments of liveness_reliability have been checked';

CREATE TYPE liveness_reliability_row AS (
	provider_id text,
	updated_at timestamptz,
	window_days int,
	uptime_pct real,
	sessions_count int,
	mtbf_seconds bigint,
	median_session_seconds bigint,
	p10_session_seconds bigint,
	p90_session_seconds bigint,
	hourly_availability jsonb,
	disconnect_reasons jsonb,
	p_stays_4h real,
	p_stays_8h real,
	last_disconnect_at timestamptz,
	last_session_duration_seconds bigint,
	liveness_score real,
	mttr_seconds bigint,
	failures_count int,
	p_survives_4h real,
	p_survives_8h real,
	spells_count int,
	first_seen_at timestamptz,
	observed_uptime_pct real,
	bridged_seconds bigint
);
COMMENT ON TYPE liveness_reliability_row IS 'Row of liveness_reliability: the columns of provider_reliability_features, as defined there';

-- LIMIT is computed even where the table is empty: the place to check arguments.
CREATE FUNCTION liveness_reliability(min_uptime float8 DEFAULT 0, min_stays_4h float8 DEFAULT 0,
	min_stays_8h float8 DEFAULT 0, min_score float8 DEFAULT 0, max_score float8 DEFAULT 0, max_rows int DEFAULT 50)
RETURNS SETOF liveness_reliability_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT f.provider_id, f.updated_at, f.window_days, f.uptime_pct, f.sessions_count, f.mtbf_seconds,
		f.median_session_seconds, f.p10_session_seconds, f.p90_session_seconds, f.hourly_availability,
		f.disconnect_reasons, f.p_stays_4h, f.p_stays_8h, f.last_disconnect_at, f.last_session_duration_seconds,
		f.liveness_score, f.mttr_seconds, f.failures_count, f.p_survives_4h, f.p_survives_8h, f.spells_count,
		f.first_seen_at, f.observed_uptime_pct, f.bridged_seconds
	FROM @extschema@.provider_reliability_features f
	WHERE (min_uptime IS NULL OR f.uptime_pct >= liveness_internal.liveness_real_bound(min_uptime))
	AND (min_stays_4h IS NULL OR f.p_stays_4h >= liveness_internal.liveness_real_bound(min_stays_4h))
	AND (min_stays_8h IS NULL OR f.p_stays_8h >= liveness_internal.liveness_real_bound(min_stays_8h))
	AND (min_score IS NULL OR f.liveness_score >= liveness_internal.liveness_real_bound(min_score))
	AND (max_score IS NULL OR max_score = 0::float8 OR f.liveness_score <= liveness_internal.liveness_real_bound(max_score))
	ORDER BY f.liveness_score DESC, f.uptime_pct DESC, f.provider_id
	LIMIT liveness_internal.liveness_reliability_limit(min_uptime, min_stays_4h, min_stays_8h, min_score, max_score, max_rows);
END;
COMMENT ON FUNCTION liveness_reliability(float8, float8, float8, float8, float8, int) IS 'The ranking: features rows within the bounds, the best score first';

CREATE FUNCTION liveness_heatmap(provider_id text)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN GROUPING(m.day) = 1 THEN 'UTC 0  3  6  9  12 15 18 21'
		ELSE (ARRAY['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'])[m.day + 1] || ' ' ||
			pg_catalog.string_agg(
				CASE WHEN m.availability IS NULL THEN '?'
					ELSE pg_catalog.substr(s.shades, 1 + pg_catalog.ceil(4::float8 * m.availability)::int, 1)
				END, '' ORDER BY m.hour)
		END
	FROM @extschema@.provider_availability_matrix m
	CROSS JOIN (
		SELECT CASE WHEN pg_catalog.getdatabaseencoding() = 'UTF8'::name
			THEN pg_catalog.convert_from(pg_catalog.decode('c2b7e29691e29692e29693e29688', 'hex'), 'UTF8')
			ELSE '.-+*#' END AS shades
	) s
	WHERE m.provider_id = $1
	-- the heading is the group of all days
	GROUP BY GROUPING SETS ((s.shades, m.day), (s.shades))
	ORDER BY GROUPING(m.day) DESC, m.day;
END;
COMMENT ON FUNCTION liveness_heatmap(text) IS 'Availability of a provider by hour of the week, UTC: a heading, a line a day, a character an hour';

CREATE TYPE liveness_explain_row AS (
	term text,
	measured float8,
	value float8,
	weight float8,
	points float8,
	failures bigint,
	ends timestamptz[],
	reasons text[]
);
COMMENT ON TYPE liveness_explain_row IS 'Row of liveness_explain: a term of the score';
COMMENT ON COLUMN liveness_explain_row.term IS 'The feature that the term is made of; clamp: what keeps the score in 0 to 1';
COMMENT ON COLUMN liveness_explain_row.measured IS 'The feature: a share, 0 to 1; the MTBF, seconds; the time since the last disconnect, seconds, NULL for none';
COMMENT ON COLUMN liveness_explain_row.value IS 'What counts of it in the score, 0 to 1; NULL for clamp';
COMMENT ON COLUMN liveness_explain_row.weight IS 'Its weight in the score, -0.10 to 0.35; NULL for clamp';
COMMENT ON COLUMN liveness_explain_row.points IS 'Value x weight, -0.10 to 0.35; the points of all rows add up to liveness_score';
COMMENT ON COLUMN liveness_explain_row.failures IS 'Failures of the window that counted against the provider in this term, 0 or more; NULL where ends do not count';
COMMENT ON COLUMN liveness_explain_row.ends IS 'When these failures were: the latest ten, the latest first';
COMMENT ON COLUMN liveness_explain_row.reasons IS 'Why each of these spells ended, in the order of ends';

-- The terms are those of the stored features; the ends are those of the sessions that
-- the rollup which wrote them found, as far as they are still there, and of the
-- exclusions of now.
CREATE FUNCTION liveness_explain(provider_id text)
RETURNS SETOF liveness_explain_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH feature AS MATERIALIZED (
		SELECT f.provider_id, f.updated_at, liveness_internal.liveness_window_start(f.updated_at, f.window_days) AS since,
			f.uptime_pct, f.p_stays_4h, f.p_stays_8h, f.mtbf_seconds, f.last_disconnect_at
		FROM @extschema@.provider_reliability_features f
		-- and no rollup writes anything else
		WHERE f.provider_id = $1 AND isfinite(f.updated_at) AND f.window_days BETWEEN 1 AND 3650
		AND f.uptime_pct BETWEEN 0 AND 1 AND f.p_stays_4h BETWEEN 0 AND 1 AND f.p_stays_8h BETWEEN 0 AND 1
	), ended AS MATERIALIZED (
		SELECT s.connected_at, s.disconnected_at, s.disconnect_reason, f.updated_at
		FROM feature f
		JOIN @extschema@.provider_sessions s ON s.provider_id = f.provider_id
		WHERE s.connected_at < f.updated_at AND (s.disconnected_at IS NULL OR s.disconnected_at >= f.since)
	), failure AS MATERIALIZED (
		SELECT p.until, p.seconds, (
				SELECT min(coalesce(nullif(e.disconnect_reason, ''), 'unspecified'))
				FROM ended e
				WHERE greatest(e.connected_at, e.disconnected_at) = p.until
				AND e.disconnected_at IS NOT NULL AND NOT @extschema@.liveness_is_censored(e.disconnect_reason)
			) AS reason
		FROM (
			SELECT e.updated_at, liveness_internal.liveness_features_history(e.connected_at, e.disconnected_at, e.disconnect_reason, e.updated_at, 1) AS sessions
			FROM ended e
			GROUP BY e.updated_at
		) h
		CROSS JOIN LATERAL liveness_internal.liveness_history_spells(liveness_internal.liveness_history_exclude(h.sessions,
			coalesce((SELECT x.excluded FROM liveness_internal.liveness_excluded x WHERE x.provider_id = $1),
				(SELECT x.excluded FROM liveness_internal.liveness_excluded x WHERE x.provider_id IS NULL))), h.updated_at) p
		WHERE p.failed
	)
	SELECT t.term, t.measured, t.value, t.weight, t.points,
		CASE WHEN t.term NOT IN ('uptime_pct', 'clamp') THEN c.failures END, c.ends, c.reasons
	FROM feature f
	CROSS JOIN LATERAL liveness_internal.liveness_score_terms(f.uptime_pct::float8, f.p_stays_4h::float8, f.p_stays_8h::float8,
		f.mtbf_seconds::float8, f.last_disconnect_at, f.updated_at) WITH ORDINALITY t
	CROSS JOIN LATERAL (
		SELECT count(*) AS failures,
			(array_agg(u.until ORDER BY u.until DESC))[1:10] AS ends,
			(array_agg(u.reason ORDER BY u.until DESC))[1:10] AS reasons
		FROM failure u
		WHERE CASE t.term
			WHEN 'p_stays_4h' THEN u.seconds < 4 * 3600
			WHEN 'p_stays_8h' THEN u.seconds < 8 * 3600
			WHEN 'mtbf_seconds' THEN true
			WHEN 'last_disconnect_at' THEN t.value > 0 AND u.until = f.last_disconnect_at
			ELSE false
		END
	) c
	ORDER BY t.ordinality;
END;
COMMENT ON FUNCTION liveness_explain(text) IS 'The liveness score of a provider, term by term, and the failures that counted';

CREATE TYPE liveness_uptime_row AS (
	provider_id text,
	online interval,
	observed interval,
	uptime_pct float8,
	outages bigint,
	longest_outage interval
);
COMMENT ON TYPE liveness_uptime_row IS 'Row of liveness_uptime: a provider';
COMMENT ON COLUMN liveness_uptime_row.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_uptime_row.online IS 'Time of the span that its spells cover, excluded time left out, 0 or more; a day is 24 hours';
COMMENT ON COLUMN liveness_uptime_row.observed IS 'Time of the span since it was first seen, up to now(), excluded time left out, 0 or more; a day is 24 hours';
COMMENT ON COLUMN liveness_uptime_row.uptime_pct IS 'online / observed, 0 to 1; NULL where nothing is observed';
COMMENT ON COLUMN liveness_uptime_row.outages IS 'Gaps before, between and after its spells in the observed time, 0 or more; those without any time left are not counted';
COMMENT ON COLUMN liveness_uptime_row.longest_outage IS 'Longest of these gaps, excluded time left out, 0 or more; 0 without any';

CREATE FUNCTION liveness_internal.liveness_span_uptime(since timestamptz, until timestamptz, provider_id text,
	history bytea, as_of timestamptz, excluded tstzmultirange)
RETURNS liveness_uptime_row AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_span_uptime(timestamptz, timestamptz, text, bytea, timestamptz, tstzmultirange) IS 'Uptime and outages of a span, which the history covers as of then';

-- One pass over the sessions of the span, which ends by now(), and over those that a spell
-- may bridge to, so that the parts of a span add up.  Gaps are those between spells; what
-- an exclusion cuts out of one makes no two of it.
CREATE FUNCTION liveness_uptime(since timestamptz, until timestamptz, provider_id text DEFAULT NULL)
RETURNS SETOF liveness_uptime_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH history AS MATERIALIZED (
		SELECT s.provider_id,
			liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, now(), 1) AS sessions
		FROM @extschema@.provider_sessions s
		WHERE s.connected_at <= least($2, now()) + coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0')
		AND (s.disconnected_at IS NULL OR s.disconnected_at >= $1 - coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0'))
		AND ($3 IS NULL OR s.provider_id = $3)
		GROUP BY s.provider_id
	), excluded AS MATERIALIZED (
		SELECT x.provider_id, range_agg(tstzrange(x.since, x.until)) AS spans
		FROM @extschema@.provider_exclusions x
		WHERE x.since < least($2, now()) AND (x.until IS NULL OR x.until > greatest(x.since, $1))
		AND ($3 IS NULL OR x.provider_id = $3 OR x.provider_id IS NULL)
		GROUP BY x.provider_id
	), known AS (
		-- with those that were away all the time
		SELECT h.provider_id FROM history h
		UNION
		SELECT f.provider_id
		FROM @extschema@.provider_reliability_features f
		WHERE $3 IS NULL OR f.provider_id = $3
	), seen AS (
		SELECT k.provider_id, greatest($1, e.at) AS since
		FROM known k
		CROSS JOIN LATERAL (
			SELECT min(s.connected_at) AS at
			FROM @extschema@.provider_sessions s
			WHERE s.provider_id = k.provider_id
			GROUP BY s.provider_id
		) e
		WHERE e.at IS NOT NULL AND greatest($1, e.at) < least($2, now())
	), everybody AS (
		SELECT a.spans FROM excluded a WHERE a.provider_id IS NULL
	)
	SELECT u.provider_id, u.online, u.observed, u.uptime_pct, u.outages, u.longest_outage
	FROM seen n
	LEFT JOIN history h ON h.provider_id = n.provider_id
	LEFT JOIN excluded x ON x.provider_id = n.provider_id
	CROSS JOIN LATERAL liveness_internal.liveness_span_uptime(n.since, least($2, now()), n.provider_id, h.sessions, now(),
		coalesce(x.spans + (SELECT a.spans FROM everybody a), x.spans, (SELECT a.spans FROM everybody a))) u
	WHERE liveness_internal.liveness_check_span($1, $2)
	ORDER BY u.provider_id;
END;
COMMENT ON FUNCTION liveness_uptime(timestamptz, timestamptz, text) IS 'Uptime and outages of each provider, or of one, in any span of time';

CREATE TYPE liveness_fleet_connected_row AS (
	at timestamptz,
	connected bigint
);
COMMENT ON TYPE liveness_fleet_connected_row IS 'Row of liveness_fleet_connected: an instant';
COMMENT ON COLUMN liveness_fleet_connected_row.at IS 'The instant';
COMMENT ON COLUMN liveness_fleet_connected_row.connected IS 'Providers that were in a spell then, 0 or more';

-- The sessions are those of liveness_uptime.
CREATE FUNCTION liveness_fleet_connected(since timestamptz, until timestamptz, step interval DEFAULT '1 hour')
RETURNS SETOF liveness_fleet_connected_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH asked AS MATERIALIZED (
		SELECT array_agg(g.at ORDER BY g.at) AS instants
		FROM generate_series($1, least($2, now()), $3) g (at)
		WHERE liveness_internal.liveness_check_step($1, $2, $3)
	), counted AS MATERIALIZED (
		SELECT liveness_internal.liveness_history_connected(h.sessions, now(), (SELECT a.instants FROM asked a)) AS connected
		FROM (
			SELECT liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, now(), 1) AS sessions
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at <= least($2, now()) + coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0')
			AND (s.disconnected_at IS NULL OR s.disconnected_at >= $1 - coalesce(liveness_internal.liveness_setting_interval('resume_within'::text), '0'))
			GROUP BY s.provider_id
		) h
		WHERE liveness_internal.liveness_check_step($1, $2, $3)
	)
	SELECT i.at, coalesce(c.connected[i.instant], 0)
	FROM asked a
	CROSS JOIN counted c
	CROSS JOIN LATERAL unnest(a.instants) WITH ORDINALITY i (at, instant)
	ORDER BY i.instant;
END;
COMMENT ON FUNCTION liveness_fleet_connected(timestamptz, timestamptz, interval) IS 'How many providers were there, over time: at since, and each step later up to until';

-- One row, or an error: without a rollup there is nothing to answer from.
CREATE FUNCTION liveness_internal.liveness_prepared_fleet()
RETURNS liveness_internal.liveness_fleet_hazard
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fleet liveness_internal.liveness_fleet_hazard;
BEGIN
	SELECT f.* INTO fleet FROM liveness_internal.liveness_fleet_hazard f
	ORDER BY f.hazard IS NULL, f.as_of DESC
	LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'there are no features yet to find candidates by',
			HINT = 'Run SELECT @extschema@.liveness_rollup_features(), or let the worker do it; liveness_candidates_at() needs none.';
	END IF;
	RETURN fleet;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prepared_fleet() IS 'The row of liveness_fleet_hazard; without one error 55000';

CREATE TYPE liveness_internal.liveness_shock_shares_row AS (
	phi float8,
	psi float8
);
COMMENT ON TYPE liveness_internal.liveness_shock_shares_row IS 'Row of liveness_shock_shares';
COMMENT ON COLUMN liveness_internal.liveness_shock_shares_row.phi IS 'Share of each hazard that is the whole fleet''s, 0 to 1';
COMMENT ON COLUMN liveness_internal.liveness_shock_shares_row.psi IS 'Share of each hazard that is the group''s or the fleet''s, phi to 1';

-- Between two horizons the shares are linear in the logarithm of the job, beyond the first
-- and the last they are those of these.
CREATE FUNCTION liveness_internal.liveness_shock_shares(job_usecs bigint DEFAULT 21600000000)
RETURNS liveness_internal.liveness_shock_shares_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH known AS (
		SELECT e.phi, e.psi, ln(extract(epoch FROM e.horizon)::float8) AS x, ln(greatest($1, 1) / 1e6::float8) AS job
		FROM liveness_internal.liveness_shock_estimate e
		WHERE e.as_of = (SELECT max(l.as_of) FROM liveness_internal.liveness_shock_estimate l)
	)
	SELECT coalesce(b.phi + (a.phi - b.phi) * w.share, b.phi, a.phi, 0), coalesce(b.psi + (a.psi - b.psi) * w.share, b.psi, a.psi, 0)
	FROM (VALUES (1)) one (row)
	LEFT JOIN LATERAL (SELECT k.phi, k.psi, k.x, k.job FROM known k WHERE k.x <= k.job ORDER BY k.x DESC LIMIT 1) b ON true
	LEFT JOIN LATERAL (SELECT k.phi, k.psi, k.x, k.job FROM known k WHERE k.x >= k.job ORDER BY k.x LIMIT 1) a ON true
	CROSS JOIN LATERAL (SELECT coalesce((b.job - b.x) / nullif(a.x - b.x, 0), 0) AS share) w;
END;
COMMENT ON FUNCTION liveness_internal.liveness_shock_shares(bigint) IS 'Shares phi and psi for a job of so many microseconds; 0 and 0 while nothing was estimated';

-- What the rollup knew, and all that came since then; where both do not fit, for an end was
-- noted late, say, all sessions of the provider.  A condition on provider_id reaches each
-- part.  Whoever reads the view computes "since" once, behind OFFSET 0.  Of what has ended
-- the planner expects little with two bounds.  It knows how many groups a table makes, which
-- it does not of a UNION: so that it hashes what is known of the providers.
CREATE VIEW liveness_internal.liveness_running AS
	SELECT c.provider_id,
		coalesce(
			CASE WHEN f.as_of <= now()
				THEN liveness_internal.liveness_running_since(c.recent, f.as_of, p.spell_since, p.spell_until, p.spell_uncensored, p.fingerprint)
			END,
			(SELECT liveness_internal.liveness_running_since(
				liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, now()),
				NULL, NULL, NULL, NULL, NULL)
			FROM provider_sessions s
			WHERE s.provider_id = c.provider_id AND s.connected_at <= t.ahead
			AND (s.disconnected_at IS NULL OR s.disconnected_at >= t.counted_since))) AS since,
		p.spells,
		liveness_internal.liveness_decayed_hazard(p.hazard, p.as_of, now()) AS hazard
	FROM (
		SELECT s.provider_id, liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, now()) AS recent
		FROM provider_sessions s
		WHERE (s.disconnected_at IS NULL OR s.disconnected_at BETWEEN (
			SELECT least(f.as_of, now())
			FROM liveness_internal.liveness_fleet_hazard f
			ORDER BY f.hazard IS NULL, f.as_of DESC
			LIMIT 1
		) AND 'infinity')
		AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
		GROUP BY s.provider_id
	) c
	CROSS JOIN (
		SELECT now() + liveness_internal.liveness_setting_interval('session_timeout'::text) AS ahead,
			liveness_internal.liveness_hazard_since(now()) AS counted_since
	) t
	CROSS JOIN (
		SELECT (
			SELECT f.as_of
			FROM liveness_internal.liveness_fleet_hazard f
			ORDER BY f.hazard IS NULL, f.as_of DESC
			LIMIT 1
		) AS as_of
	) f
	LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = c.provider_id
	WHERE c.recent IS NOT NULL;
COMMENT ON VIEW liveness_internal.liveness_running IS 'Providers connected now, with what liveness_holds asks of each; a stale one is among them: see liveness_live_session';
COMMENT ON COLUMN liveness_internal.liveness_running.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_running.since IS 'When its running spell began; may lie up to liveness.session_timeout ahead of now(), or be -infinity';
COMMENT ON COLUMN liveness_internal.liveness_running.spells IS 'Its spells of any length by the last rollup, 0 or more; NULL: it is new since then';
COMMENT ON COLUMN liveness_internal.liveness_running.hazard IS 'Its events and expected events, 0 or more, 96 numbers as in liveness_provider_hazard, as of now(); NULL: it is new since the last rollup';

CREATE TYPE liveness_internal.liveness_live_session AS (
	id bigint,
	coordinator_id text,
	connected_at timestamptz
);
COMMENT ON TYPE liveness_internal.liveness_live_session IS 'The session through which a provider is connected: what liveness_live_session() returns';
COMMENT ON COLUMN liveness_internal.liveness_live_session.id IS 'The session, 1 or more';
COMMENT ON COLUMN liveness_internal.liveness_live_session.coordinator_id IS 'The coordinator that holds the connection; any text';
COMMENT ON COLUMN liveness_internal.liveness_live_session.connected_at IS 'When it connected';

-- The session is looked at alone first: what its row tells spares a look at the heartbeats.
-- As inlined into the query of its caller, each part is a look-up in an index.
CREATE FUNCTION liveness_internal.liveness_live_session(provider_id text)
RETURNS SETOF liveness_internal.liveness_live_session
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT l.id, l.coordinator_id, l.connected_at
	FROM (
		SELECT s.id, s.coordinator_id, s.connected_at,
			CASE WHEN s.connected_at < t.before AND (s.last_heartbeat_at BETWEEN t.before AND t.ahead) IS NOT TRUE
				THEN s.id
			END AS silent_id
		FROM (
			SELECT s.id, s.coordinator_id, s.connected_at, s.last_heartbeat_at
			FROM @extschema@.provider_sessions s
			WHERE s.provider_id = $1 AND s.disconnected_at IS NULL
			UNION ALL
			SELECT e.id, e.coordinator_id, e.connected_at, e.last_heartbeat_at
			FROM (
				SELECT s.id, s.provider_id, s.coordinator_id, s.connected_at, s.last_heartbeat_at
				FROM @extschema@.provider_sessions s
				WHERE s.disconnected_at > now()
				OFFSET 0
			) e
			WHERE e.provider_id = $1
		) s
		CROSS JOIN (
			SELECT now() - t.timeout AS before, now() + t.timeout AS ahead
			FROM (SELECT liveness_internal.liveness_setting_interval('session_timeout'::text) AS timeout) t
		) t
		WHERE s.connected_at <= t.ahead
		ORDER BY s.connected_at DESC, s.id DESC
		LIMIT 1
	) l
	LEFT JOIN LATERAL (
		SELECT o.is_stale
		FROM liveness_internal.liveness_live_sessions o
		WHERE o.provider_id = $1 AND o.id = l.silent_id
	) o ON true
	WHERE o.is_stale IS NOT TRUE;
END;
COMMENT ON FUNCTION liveness_internal.liveness_live_session(text) IS 'The latest session of a provider that is connected; none if that session is stale';

CREATE TYPE liveness_internal.liveness_shocks_row AS (
	phi_estimate float8,
	phi_error float8,
	psi_estimate float8,
	psi_error float8,
	cuts int,
	cases bigint,
	pairs bigint,
	group_pairs bigint,
	stated float8,
	held float8
);
COMMENT ON TYPE liveness_internal.liveness_shocks_row IS 'What liveness_shocks makes of the cases of one horizon';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.phi_estimate IS 'Share of each hazard that the fleet has in common, -1 to 1; NULL: no pair tells';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.phi_error IS 'Its standard error by the jackknife, 0 or more, over ten blocks of cuts; NULL: fewer than two cuts';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.psi_estimate IS 'Share of each hazard that a group has in common, -1 to 1; NULL: no pair of one group tells';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.psi_error IS 'Its standard error by the jackknife, 0 or more; NULL: fewer than two cuts';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.cuts IS 'Cuts with a case, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.cases IS 'Cases, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.pairs IS 'Pairs of cases of one cut, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.group_pairs IS 'Pairs of cases of one cut and one group, 0 or more';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.stated IS 'Mean of exp(-load), 0 to 1; NULL: no case';
COMMENT ON COLUMN liveness_internal.liveness_shocks_row.held IS 'Share that held, 0 to 1; NULL: no case';
CREATE FUNCTION liveness_internal.liveness_shocks_transfn(internal, int, int, float8, boolean)
RETURNS internal AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_shocks_transfn(internal, int, int, float8, boolean) IS 'Transition function of liveness_shocks';
CREATE FUNCTION liveness_internal.liveness_shocks_final(internal)
RETURNS liveness_internal.liveness_shocks_row AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_shocks_final(internal) IS 'Final function of liveness_shocks';
CREATE AGGREGATE liveness_internal.liveness_shocks(cut int, group_no int, load float8, held boolean) (
	SFUNC = liveness_internal.liveness_shocks_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_shocks_final,
	SSPACE = 65536,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_shocks(int, int, float8, boolean) IS 'How far providers fall together, of cases: a load is -ln of the probability to hold that was stated';

-- The model is that of as_of for all cuts: its numbers, the provider's counts and the cuts
-- come from the same history, which favours independence a little.
CREATE FUNCTION liveness_internal.liveness_estimate_shocks(as_of timestamptz)
RETURNS SETOF liveness_internal.liveness_shock_estimate
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH history AS MATERIALIZED (
		SELECT h.provider_id, liveness_internal.liveness_history_exclude(h.sessions,
				coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))) AS sessions
		FROM (
			SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, $1, 1) AS sessions
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at < $1
			GROUP BY s.provider_id
		) h
		LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = h.provider_id
	), ages AS MATERIALIZED (
		SELECT liveness_internal.liveness_fleet_ages(h.sessions, $1) AS hazard
		FROM history h
	), factors AS MATERIALIZED (
		SELECT a.hazard || (SELECT liveness_internal.liveness_fleet_hours(h.sessions, a.hazard, $1) FROM history h) AS hazard
		FROM ages a
		WHERE a.hazard IS NOT NULL
	), fleet AS MATERIALIZED (
		SELECT f.hazard || (SELECT liveness_internal.liveness_fleet_prior(h.sessions, f.hazard, $1) FROM history h) AS hazard
		FROM factors f
	), host AS MATERIALIZED (
		SELECT h.provider_id, h.sessions, g.group_no, liveness_internal.liveness_host_hazard(h.sessions, f.hazard, $1) AS hazard
		FROM history h
		CROSS JOIN fleet f
		LEFT JOIN (
			SELECT p.provider_id, (dense_rank() OVER (ORDER BY p.group_name))::int AS group_no FROM @extschema@.provider_groups p
		) g ON g.provider_id = h.provider_id
	), asked AS MATERIALIZED (
		SELECT a.horizon, liveness_internal.liveness_span_usecs(a.horizon, 'horizon') AS usecs
		FROM unnest(ARRAY[interval '1 hour', interval '6 hours', interval '24 hours']) a (horizon)
		-- a gate: it checks as_of even where nobody was up
		WHERE liveness_internal.liveness_window_start($1, NULL) IS NOT NULL
	), cut AS (
		SELECT n.n, $1 - n.n * interval '24 hours' AS at
		FROM generate_series(1, 30) n (n)
	), up AS (
		SELECT u.n, u.at, u.provider_id, u.group_no, u.hazard, (u.spell).since, (u.spell).until, (u.spell).failed
		FROM (
			SELECT c.n, c.at, h.provider_id, h.group_no, h.hazard, liveness_internal.liveness_history_spell_at(h.sessions, $1, c.at) AS spell
			FROM host h
			CROSS JOIN cut c
			OFFSET 0
		) u
		WHERE (u.spell).until > u.at AND isfinite((u.spell).since)
	), cases AS (
		-- of those whose outcome is known, the quarter that is likeliest to hold
		SELECT k.horizon, k.n, k.group_no, k.load, k.held,
			row_number() OVER (PARTITION BY k.horizon, k.n ORDER BY k.load, k.provider_id) AS place,
			count(*) OVER (PARTITION BY k.horizon, k.n) AS among
		FROM (
			SELECT a.horizon, u.n, u.provider_id, u.group_no, u.until >= u.at + a.horizon AS held,
				-ln(greatest(liveness_internal.liveness_holds(f.hazard, u.hazard, u.since, u.at, a.usecs), 1e-12)) AS load
			FROM up u
			CROSS JOIN asked a
			CROSS JOIN fleet f
			WHERE u.failed OR u.until >= u.at + a.horizon
		) k
	), told AS (
		SELECT a.horizon, liveness_internal.liveness_shocks(c.n, c.group_no, c.load, c.held) AS s
		FROM asked a
		LEFT JOIN cases c ON c.horizon = a.horizon AND 4 * (c.place - 1) < c.among
		GROUP BY a.horizon
	)
	SELECT $1, t.horizon, f.phi, greatest(f.phi, coalesce((t.s).psi_estimate - (t.s).psi_error, 0)),
		(t.s).phi_estimate, (t.s).phi_error, (t.s).psi_estimate, (t.s).psi_error,
		(t.s).cuts, (t.s).cases, (t.s).pairs, (t.s).group_pairs, (t.s).stated, (t.s).held
	FROM told t
	CROSS JOIN LATERAL (SELECT greatest(coalesce((t.s).phi_estimate - (t.s).phi_error, 0), 0) AS phi) f
	ORDER BY t.horizon;
END;
COMMENT ON FUNCTION liveness_internal.liveness_estimate_shocks(timestamptz) IS 'The rows of liveness_shock_estimate for an instant, from 30 cuts before it; writes nothing';

-- A unit of the job "features", after the rollup and in a transaction of its own: what fails
-- here does not undo a rollup.
CREATE FUNCTION liveness_internal.liveness_run_shocks(as_of timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	estimated timestamptz := (SELECT max(e.as_of) FROM liveness_internal.liveness_shock_estimate e);
BEGIN
	IF estimated > $1 - interval '24 hours' AND estimated <= $1 OR NOT liveness_internal.liveness_lock_job('features'::text, false) THEN
		RETURN false;
	END IF;
	DELETE FROM liveness_internal.liveness_shock_estimate;
	INSERT INTO liveness_internal.liveness_shock_estimate
		(as_of, horizon, phi, psi, phi_estimate, phi_error, psi_estimate, psi_error, cuts, cases, pairs, group_pairs, stated, held)
	SELECT e.as_of, e.horizon, e.phi, e.psi, e.phi_estimate, e.phi_error, e.psi_estimate, e.psi_error,
		e.cuts, e.cases, e.pairs, e.group_pairs, e.stated, e.held
	FROM liveness_internal.liveness_estimate_shocks($1) e;
	RETURN true;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_run_shocks(timestamptz) IS 'Estimates how far providers fall together, unless that was done less than a day ago';

-- The hazard by age is an array of 96 bins: from the second on, the fourth root of two times as
-- long as the one before, which begins at 37.5 s.
CREATE VIEW liveness_model AS
	SELECT f.as_of, p.providers, p.spells,
		f.hazard[265] AS frailty_prior, f.hazard[266] AS hour_prior,
		coalesce(s.phi, 0) AS phi, coalesce(s.psi, 0) AS psi, s.as_of AS shocks_as_of,
		86400 * f.hazard[2 + floor(4 * log(2, 3600 / 37.5))::int] AS failures_per_day_1h,
		86400 * f.hazard[2 + floor(4 * log(2, 6 * 3600 / 37.5))::int] AS failures_per_day_6h,
		86400 * f.hazard[2 + floor(4 * log(2, 86400 / 37.5))::int] AS failures_per_day_1d,
		86400 * f.hazard[2 + floor(4 * log(2, 7 * 86400 / 37.5))::int] AS failures_per_day_7d
	FROM (
		SELECT coalesce(h.counted_at, h.as_of) AS as_of, h.hazard
		FROM liveness_internal.liveness_fleet_hazard h
		ORDER BY h.hazard IS NULL, h.as_of DESC
		LIMIT 1
	) f
	CROSS JOIN (
		SELECT count(*) AS providers, coalesce(sum(h.spells), 0)::bigint AS spells
		FROM liveness_internal.liveness_provider_hazard h
	) p
	LEFT JOIN (
		SELECT e.as_of, e.phi, e.psi
		FROM liveness_internal.liveness_shock_estimate e
		WHERE e.horizon = interval '6 hours'
		ORDER BY e.as_of DESC
		LIMIT 1
	) s ON true;
COMMENT ON VIEW liveness_model IS 'What the predictor believes: one row, none before the first features rollup';
COMMENT ON COLUMN liveness_model.as_of IS 'Instant that the fleet''s numbers describe';
COMMENT ON COLUMN liveness_model.providers IS 'Providers whose history is known, 0 or more';
COMMENT ON COLUMN liveness_model.spells IS 'Their spells, which the model was learned from, 0 or more';
COMMENT ON COLUMN liveness_model.frailty_prior IS 'k: as many failures of its own a provider needs to count as much as the fleet, 0.125 to 3; small: providers differ much';
COMMENT ON COLUMN liveness_model.hour_prior IS 'k_h: the same for its hours of the day, failures an hour, 0.5 to 5';
COMMENT ON COLUMN liveness_model.phi IS 'Share of each hazard that the fleet has in common, for a job of six hours, 0 to 1; 0: not known, or none';
COMMENT ON COLUMN liveness_model.psi IS 'Share of each hazard that a group or the fleet has in common, for a job of six hours, phi to 1';
COMMENT ON COLUMN liveness_model.shocks_as_of IS 'Instant that phi and psi describe; NULL: they were not estimated yet';
COMMENT ON COLUMN liveness_model.failures_per_day_1h IS 'The fleet''s hazard for a spell that is an hour old, failures a day, 0 or more; NULL: nobody was ever up';
COMMENT ON COLUMN liveness_model.failures_per_day_6h IS 'The same for one that is six hours old, failures a day, 0 or more';
COMMENT ON COLUMN liveness_model.failures_per_day_1d IS 'The same for one that is a day old, failures a day, 0 or more';
COMMENT ON COLUMN liveness_model.failures_per_day_7d IS 'The same for one that is seven days old, failures a day, 0 or more';

CREATE TYPE liveness_candidate AS (
	provider_id text,
	session_id bigint,
	connected_at timestamptz,
	age_seconds float8,
	probability float8,
	lower float8,
	upper float8,
	own_sessions int,
	liveness_score real,
	as_of timestamptz,
	coordinator_id text
);
COMMENT ON TYPE liveness_candidate IS 'Row of liveness_candidates and liveness_candidates_at';
COMMENT ON COLUMN liveness_candidate.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_candidate.session_id IS 'Its latest open session, 1 or more';
COMMENT ON COLUMN liveness_candidate.connected_at IS 'When its spell began';
COMMENT ON COLUMN liveness_candidate.age_seconds IS 'Age of its spell, seconds, 0 or more';
COMMENT ON COLUMN liveness_candidate.probability IS 'Probability that its spell lasts another job, 0 to 1';
COMMENT ON COLUMN liveness_candidate.lower IS 'Lower bound of 95 % for how the provider differs from the fleet, 0 to 1';
COMMENT ON COLUMN liveness_candidate.upper IS 'Upper bound of 95 % for how the provider differs from the fleet, 0 to 1';
COMMENT ON COLUMN liveness_candidate.own_sessions IS 'Spells of its own behind the answer, 0 or more';
COMMENT ON COLUMN liveness_candidate.liveness_score IS 'liveness_score of its features, 0 to 1; NULL: it has none';
COMMENT ON COLUMN liveness_candidate.as_of IS 'Instant that the answer describes: of the rollup, or the one asked for';
COMMENT ON COLUMN liveness_candidate.coordinator_id IS 'Coordinator of its latest open session';

-- Whether a session is stale takes a look at the heartbeats.  So it is asked of the likeliest
-- alone, one after the other, until there are enough; those of a silent coordinator may have
-- to be passed over.  Most of the fleet is not even sorted: a heap keeps the likeliest.  With
-- SQL the statements would be planned at each call, and compiling them would take longer
-- than running them.
CREATE FUNCTION liveness_candidates(job interval, min_probability float8 DEFAULT 0.5, max_rows int DEFAULT 50)
RETURNS SETOF liveness_candidate
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	wanted bigint := liveness_internal.liveness_candidates_limit(min_probability, max_rows);
	usecs bigint := liveness_internal.liveness_span_usecs(job, 'job'::text);
	fleet liveness_internal.liveness_fleet_hazard := liveness_internal.liveness_prepared_fleet();
	passed bigint := 0;
	at_once bigint := wanted + 1000;
	provider_ids text[];
	begins timestamptz[];
	probabilities float8[];
	found bigint;
BEGIN
	LOOP
		SELECT array_agg(r.provider_id), array_agg(r.since), array_agg(r.probability)
		INTO provider_ids, begins, probabilities
		FROM (
			SELECT l.provider_id, l.since, l.probability
			FROM (
				SELECT r.provider_id, r.since, liveness_internal.liveness_holds(a.hazard, r.hazard, r.since, now(), a.usecs) AS probability
				FROM (SELECT r.provider_id, r.since, r.hazard FROM liveness_internal.liveness_running r OFFSET 0) r
				CROSS JOIN (SELECT fleet.hazard AS hazard, usecs AS usecs OFFSET 0) a
				OFFSET 0
			) l
			WHERE l.probability >= coalesce($2, 0)
			ORDER BY l.probability DESC, l.provider_id
			OFFSET passed
			LIMIT at_once
		) r;

		RETURN QUERY
			SELECT b.provider_id, b.id, b.since,
				greatest(extract(epoch FROM now()) - extract(epoch FROM b.since), 0)::float8,
				b.probability, bounds.b[1], bounds.b[2],
				coalesce(p.spells, 0), f.liveness_score, fleet.as_of, b.coordinator_id
			FROM (
				SELECT r.provider_id, l.id, l.coordinator_id, r.since, r.probability, r.place
				FROM (
					SELECT u.provider_id, u.since, u.probability, u.place
					FROM unnest(provider_ids, begins, probabilities) WITH ORDINALITY u (provider_id, since, probability, place)
					ORDER BY u.place
					OFFSET 0
				) r
				CROSS JOIN LATERAL liveness_internal.liveness_live_session(r.provider_id) l
				ORDER BY r.place
				LIMIT wanted
			) b
			LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = b.provider_id
			CROSS JOIN LATERAL liveness_internal.liveness_holds_bounds(fleet.hazard,
				liveness_internal.liveness_decayed_hazard(p.hazard, p.as_of, now()), b.since, now(), usecs) bounds (b)
			LEFT JOIN @extschema@.provider_reliability_features f ON f.provider_id = b.provider_id
			ORDER BY b.place;

		GET DIAGNOSTICS found = ROW_COUNT;
		wanted := wanted - found;
		EXIT WHEN wanted = 0 OR coalesce(cardinality(provider_ids), 0) < at_once OR at_once IS NULL;
		passed := passed + at_once;
		at_once := NULL;
	END LOOP;
END
$$;
COMMENT ON FUNCTION liveness_candidates(interval, float8, int) IS 'Providers connected now, by the probability that their spell lasts another job';

CREATE FUNCTION liveness_candidates_at(as_of timestamptz, job interval, min_probability float8 DEFAULT 0.5, max_rows int DEFAULT 50)
RETURNS SETOF liveness_candidate
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH history AS MATERIALIZED (
		SELECT h.provider_id, liveness_internal.liveness_history_exclude(h.sessions,
				coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))) AS sessions
		FROM (
			SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, $1, 1) AS sessions
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at < $1
			AND (s.disconnected_at IS NULL OR s.disconnected_at >= liveness_internal.liveness_hazard_since($1))
			GROUP BY s.provider_id
		) h
		LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = h.provider_id
	), ages AS MATERIALIZED (
		-- as of the beginning of the interval; where nobody was up by then, as of now
		SELECT coalesce(f.hazard, (SELECT liveness_internal.liveness_fleet_ages(h.sessions, $1) FROM history h)) AS hazard,
			CASE WHEN f.hazard IS NULL THEN $1 ELSE f.counted_at END AS counted_at
		FROM (
			SELECT i.counted_at, (SELECT liveness_internal.liveness_fleet_ages(h.sessions, i.counted_at) FROM history h) AS hazard
			FROM (SELECT liveness_internal.liveness_hazard_instant($1) AS counted_at) i
			OFFSET 0
		) f
	), factors AS MATERIALIZED (
		-- NULL where nobody was ever up: || alone would take it for an empty array
		SELECT CASE WHEN a.hazard IS NOT NULL
			THEN a.hazard || (SELECT liveness_internal.liveness_fleet_hours(h.sessions, a.hazard, a.counted_at) FROM history h)
		END AS hazard, a.counted_at
		FROM ages a
	), asked AS MATERIALIZED (
		SELECT liveness_internal.liveness_span_usecs($2, 'job') AS usecs,
			$1 - liveness_internal.liveness_setting_interval('session_timeout'::text) AS stale_before,
			-- of another instant than now what came after it is not known yet
			CASE WHEN n.is_now THEN n.ahead ELSE $1 END AS ahead,
			CASE WHEN n.is_now THEN 'infinity' ELSE $1 END AS until,
			CASE WHEN f.hazard IS NOT NULL
				THEN f.hazard || (SELECT liveness_internal.liveness_fleet_prior(h.sessions, f.hazard, f.counted_at) FROM history h)
			END AS hazard
		FROM factors f
		CROSS JOIN (
			SELECT t.ahead, $1 >= now() AND $1 <= t.ahead AS is_now
			FROM (SELECT now() + liveness_internal.liveness_setting_interval('session_timeout'::text) AS ahead) t
		) n
	), latest AS (
		SELECT DISTINCT ON (s.provider_id) s.provider_id, s.id, s.coordinator_id, s.connected_at,
			CASE WHEN s.last_heartbeat_at <= a.until THEN s.last_heartbeat_at END AS last_heartbeat_at
		FROM @extschema@.provider_sessions s
		CROSS JOIN asked a
		WHERE s.connected_at <= a.ahead AND (s.disconnected_at IS NULL OR s.disconnected_at > $1)
		ORDER BY s.provider_id, s.connected_at DESC, s.id DESC
	), spell AS (
		SELECT s.provider_id, liveness_internal.liveness_running_since(
				liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, $1),
				NULL, NULL, NULL, NULL, NULL) AS since
		FROM @extschema@.provider_sessions s
		WHERE s.connected_at <= (SELECT a.ahead FROM asked a)
		AND (s.disconnected_at IS NULL OR s.disconnected_at >= liveness_internal.liveness_hazard_since($1))
		GROUP BY s.provider_id
	), likely AS (
		SELECT c.provider_id, c.id, c.coordinator_id, c.since, c.probability, c.host, c.spells
		FROM (
			SELECT l.provider_id, l.id, l.coordinator_id, w.since, p.host, p.spells,
				liveness_internal.liveness_holds(a.hazard, p.host, w.since, $1, a.usecs) AS probability
			FROM latest l
			CROSS JOIN asked a
			JOIN spell w ON w.provider_id = l.provider_id
			LEFT JOIN LATERAL (
				SELECT liveness_internal.liveness_host_hazard(h.sessions, a.hazard, $1) AS host,
					liveness_internal.liveness_history_count(h.sessions, $1) AS spells
				FROM history h
				WHERE h.provider_id = l.provider_id
			) p ON true
			-- what the row tells spares a look at the heartbeats
			CROSS JOIN LATERAL (
				SELECT l.connected_at >= a.stale_before OR coalesce(l.last_heartbeat_at BETWEEN a.stale_before AND a.ahead, false) AS is_fresh
			) seen
			LEFT JOIN LATERAL (
				SELECT n.connected_at
				FROM @extschema@.provider_sessions n
				WHERE NOT seen.is_fresh AND n.provider_id = l.provider_id AND n.connected_at > l.connected_at
				ORDER BY n.connected_at
				LIMIT 1
			) n ON true
			LEFT JOIN LATERAL (
				SELECT h.at
				FROM @extschema@.provider_heartbeats h
				WHERE NOT seen.is_fresh AND h.provider_id = l.provider_id AND h.at >= l.connected_at AND h.at <= a.ahead
				AND h.at < coalesce(n.connected_at, 'infinity')
				ORDER BY h.at DESC
				LIMIT 1
			) h ON true
			LEFT JOIN LATERAL (
				SELECT f.at
				FROM @extschema@.provider_heartbeats f
				WHERE NOT seen.is_fresh AND l.last_heartbeat_at IS NULL AND h.at IS NULL
				AND f.provider_id = l.provider_id AND f.at >= l.connected_at AND f.at > a.ahead AND f.at <= a.until
				AND f.at <= coalesce(n.connected_at, 'infinity') AND f.at IS DISTINCT FROM n.connected_at
				ORDER BY f.at DESC
				LIMIT 1
			) f ON true
			WHERE seen.is_fresh OR h.at >= a.stale_before OR coalesce(l.last_heartbeat_at, h.at, f.at) IS NULL
			OFFSET 0
		) c
		WHERE c.probability >= COALESCE($3, 0)
	), best AS (
		SELECT l.provider_id, l.id, l.coordinator_id, l.since, l.probability, l.host, l.spells
		FROM likely l
		ORDER BY l.probability DESC, l.provider_id
		LIMIT liveness_internal.liveness_candidates_limit($3, $4)
	)
	SELECT b.provider_id, b.id, b.since, greatest(extract(epoch FROM $1) - extract(epoch FROM b.since), 0)::float8,
		b.probability, bounds.b[1], bounds.b[2], COALESCE(b.spells, 0), r.liveness_score, $1, b.coordinator_id
	FROM best b
	CROSS JOIN asked a
	CROSS JOIN LATERAL liveness_internal.liveness_holds_bounds(a.hazard, b.host, b.since, $1, a.usecs) bounds (b)
	LEFT JOIN @extschema@.liveness_features_at($1, NULL::int) r ON r.provider_id = b.provider_id
	-- gates: they check the arguments even where nobody is up
	WHERE liveness_internal.liveness_window_start($1, NULL) IS NOT NULL AND liveness_internal.liveness_span_usecs($2, 'job') > 0
	ORDER BY b.probability DESC, b.provider_id;
END;
COMMENT ON FUNCTION liveness_candidates_at(timestamptz, interval, float8, int) IS 'What liveness_candidates would have answered at an instant';

CREATE FUNCTION liveness_internal.liveness_none_holds(probabilities float8[], group_names text[], phi float8, psi float8)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_none_holds(float8[], text[], float8, float8) IS 'Probability that none of up to 12 providers holds, by the shock shares; NULL for a NULL probability';

CREATE TYPE liveness_place_row AS (
	job_no int,
	replica int,
	provider_id text,
	group_name text,
	probability float8,
	joint float8
);
COMMENT ON TYPE liveness_place_row IS 'Row of liveness_place';
COMMENT ON COLUMN liveness_place_row.job_no IS 'Number of the job, 1 or more';
COMMENT ON COLUMN liveness_place_row.replica IS 'Number of the replica of this job, from 1 to 12';
COMMENT ON COLUMN liveness_place_row.provider_id IS 'The machine that runs this replica';
COMMENT ON COLUMN liveness_place_row.group_name IS 'Its group by provider_groups; NULL: it has none';
COMMENT ON COLUMN liveness_place_row.probability IS 'Probability that this machine holds the job, 0 to 1';
COMMENT ON COLUMN liveness_place_row.joint IS 'Probability that at least one of the replicas up to this one holds the job, 0 to 1';

CREATE TYPE liveness_replicas_row AS (
	replica int,
	provider_id text,
	group_name text,
	probability float8,
	joint float8
);
COMMENT ON TYPE liveness_replicas_row IS 'Row of liveness_replicas';
COMMENT ON COLUMN liveness_replicas_row.replica IS 'Number of the replica, from 1 to 12';
COMMENT ON COLUMN liveness_replicas_row.provider_id IS 'The machine that runs this replica';
COMMENT ON COLUMN liveness_replicas_row.group_name IS 'Its group by provider_groups; NULL: it has none';
COMMENT ON COLUMN liveness_replicas_row.probability IS 'Probability that this machine holds the job, 0 to 1';
COMMENT ON COLUMN liveness_replicas_row.joint IS 'Probability that at least one of the replicas up to this one holds the job, 0 to 1';

CREATE FUNCTION liveness_internal.liveness_choose(provider_ids text[], group_names text[], probabilities float8[], jobs int, target float8, max_replicas int, phi float8, psi float8, whole_jobs boolean)
RETURNS SETOF liveness_place_row AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_choose(text[], text[], float8[], int, float8, int, float8, float8, boolean) IS 'Jobs on providers that come in falling order of probability; whole_jobs: all replicas or none';

CREATE TYPE liveness_internal.liveness_connected AS (
	provider_id text,
	session_id bigint,
	coordinator_id text,
	since timestamptz,
	probability float8
);
COMMENT ON TYPE liveness_internal.liveness_connected IS 'Row of liveness_connected()';
COMMENT ON COLUMN liveness_internal.liveness_connected.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_internal.liveness_connected.session_id IS 'Its latest open session, 1 or more';
COMMENT ON COLUMN liveness_internal.liveness_connected.coordinator_id IS 'Coordinator of that session; any text';
COMMENT ON COLUMN liveness_internal.liveness_connected.since IS 'When its running spell began; may lie up to liveness.session_timeout ahead of now(), or be -infinity';
COMMENT ON COLUMN liveness_internal.liveness_connected.probability IS 'Probability that its spell lasts the job, 0 to 1';

-- All providers at once, where liveness_live_session asks for one.  As inlined into the query
-- of its caller, a condition on the probability is checked before anybody looks at the
-- heartbeats.
CREATE FUNCTION liveness_internal.liveness_connected(usecs bigint)
RETURNS SETOF liveness_internal.liveness_connected
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT r.provider_id, l.id, l.coordinator_id, r.since, r.probability
	FROM (
		SELECT r.provider_id, r.since, liveness_internal.liveness_holds(f.hazard, r.hazard, r.since, now(), $1) AS probability
		FROM (SELECT r.provider_id, r.since, r.hazard FROM liveness_internal.liveness_running r OFFSET 0) r
		CROSS JOIN liveness_internal.liveness_prepared_fleet() f
		OFFSET 0
	) r
	JOIN (
		SELECT DISTINCT ON (s.provider_id) s.provider_id, s.id, s.coordinator_id,
			-- what the row tells spares a look at the heartbeats
			CASE WHEN s.connected_at < t.before AND (s.last_heartbeat_at BETWEEN t.before AND t.ahead) IS NOT TRUE
				THEN s.id
			END AS silent_id
		FROM @extschema@.provider_sessions s
		CROSS JOIN (
			SELECT now() - t.timeout AS before, now() + t.timeout AS ahead
			FROM (SELECT liveness_internal.liveness_setting_interval('session_timeout'::text) AS timeout) t
		) t
		WHERE s.connected_at <= t.ahead AND (s.disconnected_at IS NULL OR s.disconnected_at > now())
		ORDER BY s.provider_id, s.connected_at DESC, s.id DESC
	) l ON l.provider_id = r.provider_id
	LEFT JOIN LATERAL (
		SELECT o.is_stale
		FROM liveness_internal.liveness_live_sessions o
		WHERE o.provider_id = l.provider_id AND o.id = l.silent_id
	) o ON true
	WHERE o.is_stale IS NOT TRUE;
END;
COMMENT ON FUNCTION liveness_internal.liveness_connected(bigint) IS 'Providers connected now, stale ones left out, and how likely each holds a job';

CREATE FUNCTION liveness_internal.liveness_choose_connected(jobs int, job interval, target float8, max_replicas int, exclude text[], whole_jobs boolean)
RETURNS SETOF liveness_place_row
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH asked AS MATERIALIZED (
		SELECT liveness_internal.liveness_span_usecs($2, 'job') AS usecs
	), free AS (
		SELECT coalesce(array_agg(r.provider_id), '{}') AS provider_ids, coalesce(array_agg(r.group_name), '{}') AS group_names,
			coalesce(array_agg(r.probability), '{}') AS probabilities
		FROM (
			SELECT c.provider_id, g.group_name, c.probability
			FROM asked a
			CROSS JOIN LATERAL liveness_internal.liveness_connected(a.usecs) c
			LEFT JOIN @extschema@.provider_groups g ON g.provider_id = c.provider_id
			WHERE NOT EXISTS (SELECT FROM unnest($5) x (provider_id) WHERE x.provider_id = c.provider_id)
			ORDER BY c.probability DESC, c.provider_id
		) r
	)
	SELECT p.job_no, p.replica, p.provider_id, p.group_name, p.probability, p.joint
	FROM asked a
	CROSS JOIN free f
	CROSS JOIN LATERAL liveness_internal.liveness_shock_shares(a.usecs) s
	CROSS JOIN LATERAL liveness_internal.liveness_choose(f.provider_ids, f.group_names, f.probabilities, $1, $3, $4, s.phi, s.psi, $6) p;
END;
COMMENT ON FUNCTION liveness_internal.liveness_choose_connected(int, interval, float8, int, text[], boolean) IS 'liveness_choose among the providers that are connected now, but for those in exclude';

CREATE TYPE liveness_internal.liveness_running_one AS (
	since timestamptz,
	hazard real[],
	silent_id bigint
);
COMMENT ON TYPE liveness_internal.liveness_running_one IS 'Row of liveness_running_one()';
COMMENT ON COLUMN liveness_internal.liveness_running_one.since IS 'When the running spell began; may lie up to liveness.session_timeout ahead of now(), or be -infinity';
COMMENT ON COLUMN liveness_internal.liveness_running_one.hazard IS 'Events and expected events, 0 or more, 96 numbers as in liveness_provider_hazard, as of now(); NULL: the provider is new since the last rollup';
COMMENT ON COLUMN liveness_internal.liveness_running_one.silent_id IS 'The latest session, 1 or more, if its row does not tell that it is alive; NULL: the row does';

-- What liveness_running and liveness_live_session say of one provider, in the shortest plan
-- that can: a join starts and ends this plan once for each machine, which takes most of the
-- time.  fleet_as_of is that of the row of liveness_fleet_hazard.
CREATE FUNCTION liveness_internal.liveness_running_one(provider_id text, fleet_as_of timestamptz)
RETURNS SETOF liveness_internal.liveness_running_one
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT
		CASE WHEN $2 <= now()
			THEN liveness_internal.liveness_running_since(c.recent, $2, p.spell_since, p.spell_until, p.spell_uncensored, p.fingerprint)
		END,
		liveness_internal.liveness_decayed_hazard(p.hazard, p.as_of, now()),
		c.silent_ids[1]
	FROM (
		SELECT liveness_internal.liveness_recent_sessions(s.connected_at, s.disconnected_at, s.disconnect_reason, now()) AS recent,
			array_agg(CASE WHEN s.connected_at < t.before AND (s.last_heartbeat_at BETWEEN t.before AND t.ahead) IS NOT TRUE THEN s.id END
				ORDER BY s.connected_at DESC, s.id DESC) FILTER (WHERE s.disconnected_at IS NULL OR s.disconnected_at > now()) AS silent_ids
		FROM (
			SELECT s.id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at
			FROM @extschema@.provider_sessions s
			WHERE s.provider_id = $1 AND s.disconnected_at IS NULL
			UNION ALL
			SELECT e.id, e.connected_at, e.disconnected_at, e.disconnect_reason, e.last_heartbeat_at
			FROM (
				SELECT s.id, s.provider_id, s.connected_at, s.disconnected_at, s.disconnect_reason, s.last_heartbeat_at
				FROM @extschema@.provider_sessions s
				WHERE s.disconnected_at BETWEEN least($2, now()) AND 'infinity'
				OFFSET 0
			) e
			WHERE e.provider_id = $1
		) s
		CROSS JOIN (
			SELECT now() - t.timeout AS before, now() + t.timeout AS ahead
			FROM (SELECT liveness_internal.liveness_setting_interval('session_timeout'::text) AS timeout) t
		) t
		WHERE s.connected_at <= t.ahead
	) c
	LEFT JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = $1
	WHERE c.recent IS NOT NULL;
END;
COMMENT ON FUNCTION liveness_internal.liveness_running_one(text, timestamptz) IS 'A provider''s row of liveness_running, and the session whose heartbeats are to be looked at';

CREATE FUNCTION liveness_probability(provider_id text, job interval)
RETURNS float8 AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION liveness_probability(text, interval) IS 'Probability that a provider holds a job that starts now; NULL if it is not connected or stale';

CREATE FUNCTION liveness_internal.liveness_outlook(fleet float8[], host real[], connected_at timestamptz, as_of timestamptz, job_usecs bigint)
RETURNS float8[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION liveness_internal.liveness_outlook(float8[], real[], timestamptz, timestamptz, bigint) IS 'The hazard of all jobs up to so many microseconds: seconds in rising order, each with the hazard';

CREATE FUNCTION liveness_internal.liveness_longest_job(fleet float8[], host real[], connected_at timestamptz, as_of timestamptz, probability float8)
RETURNS interval AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION liveness_internal.liveness_longest_job(float8[], real[], timestamptz, timestamptz, float8) IS 'Longest job that is held with that probability; 3650000 days if it is longer than 3650 days';

CREATE FUNCTION liveness_remaining(provider_id text, probability float8 DEFAULT 0.9)
RETURNS interval AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION liveness_remaining(text, float8) IS 'Longest job that a provider holds with that probability; NULL if it is not connected or stale';

-- Compiling the statement would take longer than running it.
CREATE FUNCTION liveness_replicas(job interval, target float8 DEFAULT 0.99, max_replicas int DEFAULT 10, exclude text[] DEFAULT '{}')
RETURNS SETOF liveness_replicas_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	SELECT p.replica, p.provider_id, p.group_name, p.probability, p.joint
	FROM liveness_internal.liveness_choose_connected(1, $1, $2, $3, $4, false) p
	ORDER BY p.replica;
END;
COMMENT ON FUNCTION liveness_replicas(interval, float8, int, text[]) IS 'Providers to run a job on at once, so that at least one holds it with the target probability';

-- Compiling the statement would take longer than running it.
CREATE FUNCTION liveness_place(jobs int, job interval, target float8 DEFAULT 0, exclude text[] DEFAULT '{}')
RETURNS SETOF liveness_place_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	SELECT p.job_no, p.replica, p.provider_id, p.group_name, p.probability, p.joint
	FROM liveness_internal.liveness_choose_connected($1, $2, $3, 12, $4, true) p
	ORDER BY p.job_no, p.replica;
END;
COMMENT ON FUNCTION liveness_place(int, interval, float8, text[]) IS 'Jobs that start now on distinct providers, each with the replicas that its target needs';

CREATE TYPE liveness_at_risk_row AS (
	provider_id text,
	session_id bigint,
	connected_at timestamptz,
	age_seconds float8,
	probability float8,
	group_name text,
	coordinator_id text
);
COMMENT ON TYPE liveness_at_risk_row IS 'Row of liveness_at_risk';
COMMENT ON COLUMN liveness_at_risk_row.provider_id IS 'The machine';
COMMENT ON COLUMN liveness_at_risk_row.session_id IS 'Its latest open session, 1 or more';
COMMENT ON COLUMN liveness_at_risk_row.connected_at IS 'When its spell began';
COMMENT ON COLUMN liveness_at_risk_row.age_seconds IS 'Age of its spell, seconds, 0 or more';
COMMENT ON COLUMN liveness_at_risk_row.probability IS 'Probability that its spell ends within that time, 0 to 1';
COMMENT ON COLUMN liveness_at_risk_row.group_name IS 'Its group by provider_groups; NULL: it has none';
COMMENT ON COLUMN liveness_at_risk_row.coordinator_id IS 'Coordinator of its latest open session';

-- Compiling the statement would take longer than running it.
CREATE FUNCTION liveness_at_risk(within interval DEFAULT '1 hour', probability float8 DEFAULT 0.5)
RETURNS SETOF liveness_at_risk_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH asked AS MATERIALIZED (
		SELECT liveness_internal.liveness_span_usecs($1, 'within') AS usecs,
			liveness_internal.liveness_probability_limit($2, 'probability') AS at_least
	)
	SELECT c.provider_id, c.session_id, c.since, greatest(extract(epoch FROM now()) - extract(epoch FROM c.since), 0)::float8,
		1 - c.probability, g.group_name, c.coordinator_id
	FROM asked a
	CROSS JOIN LATERAL liveness_internal.liveness_connected(a.usecs) c
	LEFT JOIN @extschema@.provider_groups g ON g.provider_id = c.provider_id
	WHERE 1 - c.probability >= a.at_least
	-- gates: they check the arguments, and that there was a rollup, even where nobody is up
	AND EXISTS (SELECT FROM liveness_internal.liveness_prepared_fleet())
	AND liveness_internal.liveness_span_usecs($1, 'within') > 0 AND liveness_internal.liveness_probability_limit($2, 'probability') >= 0
	ORDER BY c.probability, c.provider_id;
END;
COMMENT ON FUNCTION liveness_at_risk(interval, float8) IS 'Spells running now that probably end within that time, the likeliest to end first';

CREATE TYPE liveness_checkpoint_row AS (
	every interval,
	segments int,
	expected_runtime interval,
	uninterrupted float8
);
COMMENT ON TYPE liveness_checkpoint_row IS 'Row of liveness_checkpoint';
COMMENT ON COLUMN liveness_checkpoint_row.every IS 'Work between two checkpoints: the work / segments, more than 0';
COMMENT ON COLUMN liveness_checkpoint_row.segments IS 'Number of segments, each with a checkpoint at its end, 1 to 10000';
COMMENT ON COLUMN liveness_checkpoint_row.expected_runtime IS 'Expected time until the job is done, more than 0; NULL: more than 3e12 seconds';
COMMENT ON COLUMN liveness_checkpoint_row.uninterrupted IS 'Probability that the job, checkpoints included, runs through on this provider, 0 to 1';

CREATE FUNCTION liveness_internal.liveness_checkpoint(curve float8[], work_usecs bigint, cost_usecs bigint, restart_usecs bigint)
RETURNS liveness_checkpoint_row AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION liveness_internal.liveness_checkpoint(float8[], bigint, bigint, bigint) IS 'How many checkpoints make a job shortest, by a curve of times and the hazard up to each';

-- The curve reaches as far as 10,000 segments do, but not beyond what may be asked about.
CREATE FUNCTION liveness_checkpoint(provider_id text, work interval, checkpoint_cost interval, restart_cost interval DEFAULT '0')
RETURNS liveness_checkpoint_row
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	work_usecs bigint := liveness_internal.liveness_span_usecs(work, 'work');
	cost_usecs bigint := liveness_internal.liveness_span_usecs(checkpoint_cost, 'checkpoint_cost');
	restart_usecs bigint := CASE WHEN restart_cost = '0' THEN 0 ELSE liveness_internal.liveness_span_usecs(restart_cost, 'restart_cost') END;
	ahead_usecs bigint := least(work_usecs + 10000::float8 * cost_usecs, 3650 * 86400e6);
	fleet liveness_internal.liveness_fleet_hazard := liveness_internal.liveness_prepared_fleet();
BEGIN
	-- on its own: Citus would send the call to a shard with the rest, where it cannot run
	IF NOT EXISTS (SELECT 1 FROM liveness_internal.liveness_live_session($1)) THEN
		RETURN NULL;
	END IF;
	RETURN (
		SELECT liveness_internal.liveness_checkpoint(
			liveness_internal.liveness_outlook(fleet.hazard, r.hazard, r.since, now(), ahead_usecs), work_usecs, cost_usecs, restart_usecs)
		FROM (SELECT r.since, r.hazard FROM liveness_internal.liveness_running r WHERE r.provider_id = $1 OFFSET 0) r);
END
$$;
COMMENT ON FUNCTION liveness_checkpoint(text, interval, interval, interval) IS 'How often a job on a provider should write a checkpoint, and how long it then takes';

CREATE FUNCTION liveness_internal.liveness_backtest_cases(horizon interval, since timestamptz, until timestamptz, step interval)
RETURNS TABLE (cut timestamptz, provider_id text, session_id bigint, held boolean, predictor text, probability float8, lower float8, upper float8)
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH asked AS MATERIALIZED (
		SELECT liveness_internal.liveness_span_usecs($1, 'horizon') AS usecs,
			make_interval(secs => liveness_internal.liveness_span_usecs($1, 'horizon') / 1e6) AS horizon,
			make_interval(secs => liveness_internal.liveness_span_usecs($4, 'step') / 1e6) AS step,
			liveness_internal.liveness_instant($2, 'since') AS since,
			least(liveness_internal.liveness_instant($3, 'until'), now()) AS until
	), cuts AS MATERIALIZED (
		SELECT c.cut, c.cut + a.horizon AS ends
		FROM asked a
		CROSS JOIN LATERAL generate_series(a.since, a.until - a.horizon, a.step) c (cut)
	), history AS MATERIALIZED (
		SELECT h.provider_id, liveness_internal.liveness_history_exclude(h.sessions,
				coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))) AS sessions
		FROM (
			SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason,
					(SELECT a.until FROM asked a), 1) AS sessions
			FROM @extschema@.provider_sessions s
			WHERE s.connected_at < (SELECT a.until FROM asked a)
			GROUP BY s.provider_id
		) h
		LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = h.provider_id
	), up AS (
		SELECT DISTINCT ON (c.cut, s.provider_id) c.cut, c.ends, s.provider_id, s.id
		FROM cuts c
		JOIN @extschema@.provider_sessions s ON s.connected_at <= c.cut
			AND (s.disconnected_at IS NULL OR s.disconnected_at > c.cut)
		ORDER BY c.cut, s.provider_id, s.connected_at DESC, s.id DESC
	), cases AS MATERIALIZED (
		SELECT u.cut, u.provider_id, u.id, (u.spell).since,
			(extract(epoch FROM u.cut) - extract(epoch FROM (u.spell).since))::float8 AS age,
			(u.spell).until >= u.ends AS held
		FROM (
			SELECT u.cut, u.ends, u.provider_id, u.id, liveness_internal.liveness_history_spell_at(h.sessions, a.until, u.cut) AS spell
			FROM up u
			CROSS JOIN asked a
			JOIN history h ON h.provider_id = u.provider_id
			OFFSET 0
		) u
		WHERE isfinite((u.spell).since) AND ((u.spell).until >= u.ends OR (u.spell).failed)
	), outcomes AS MATERIALIZED (
		SELECT c.cut, c.ends, n.cases, n.held
		FROM cuts c
		CROSS JOIN LATERAL (
			SELECT count(*) AS cases, count(*) FILTER (WHERE k.held) AS held FROM cases k WHERE k.cut = c.cut
		) n
	), fleet AS MATERIALIZED (
		-- of the outcomes only those that were known at the cut
		SELECT c.cut, base.rate, f.ages || hours.factors || prior.weights AS hazard, f.curve
		FROM cuts c
		CROSS JOIN LATERAL (
			SELECT sum(o.held)::float8 / nullif(sum(o.cases), 0)::float8 AS rate FROM outcomes o WHERE o.ends <= c.cut
		) base
		CROSS JOIN LATERAL (
			SELECT liveness_internal.liveness_fleet_ages(h.sessions, c.cut) AS ages,
				@extschema@.survival_merge(liveness_internal.liveness_history_curve(h.sessions, c.cut)) AS curve
			FROM history h
		) f
		CROSS JOIN LATERAL (
			SELECT liveness_internal.liveness_fleet_hours(h.sessions, f.ages, c.cut) AS factors FROM history h
		) hours
		CROSS JOIN LATERAL (
			SELECT liveness_internal.liveness_fleet_prior(h.sessions, f.ages || hours.factors, c.cut) AS weights FROM history h
		) prior
		WHERE base.rate IS NOT NULL AND f.ages IS NOT NULL
	), pooled AS MATERIALIZED (
		SELECT f.cut, p.id, p.probability
		FROM fleet f
		CROSS JOIN asked a
		CROSS JOIN LATERAL (
			SELECT array_agg(k.id ORDER BY k.id) AS ids, array_agg(k.age ORDER BY k.id) AS ages FROM cases k WHERE k.cut = f.cut
		) k
		CROSS JOIN LATERAL unnest(k.ids, liveness_internal.survival_conditionals(f.curve, k.ages, a.usecs / 1e6)) p (id, probability)
	), scores AS MATERIALIZED (
		SELECT f.cut, r.provider_id, r.liveness_score
		FROM fleet f
		CROSS JOIN LATERAL @extschema@.liveness_features_at(f.cut, NULL::int) r
	)
	SELECT k.cut, k.provider_id, k.id, k.held, v.predictor, v.probability, v.bounds[1], v.bounds[2]
	FROM cases k
	CROSS JOIN asked a
	JOIN fleet f ON f.cut = k.cut
	JOIN pooled p ON p.cut = k.cut AND p.id = k.id
	LEFT JOIN scores r ON r.cut = k.cut AND r.provider_id = k.provider_id
	LEFT JOIN history h ON h.provider_id = k.provider_id
	CROSS JOIN LATERAL (
		SELECT liveness_internal.liveness_host_hazard(h.sessions, f.hazard, k.cut) AS hazard
		OFFSET 0
	) host
	CROSS JOIN LATERAL (VALUES
		('base_rate', f.rate, NULL::float8[]),
		('uptime', COALESCE(liveness_internal.liveness_history_uptime(h.sessions, k.cut, 30), 1), NULL),
		('liveness_score', COALESCE(r.liveness_score, 0)::float8, NULL),
		('own', COALESCE((liveness_internal.survival_conditionals(liveness_internal.liveness_history_curve(h.sessions, k.cut), ARRAY[k.age], a.usecs / 1e6))[1], 1), NULL),
		('fleet', COALESCE(p.probability, 1), NULL),
		('candidates', liveness_internal.liveness_holds(f.hazard, host.hazard, k.since, k.cut, a.usecs),
			liveness_internal.liveness_holds_bounds(f.hazard, host.hazard, k.since, k.cut, a.usecs))
	) v (predictor, probability, bounds);
END;
COMMENT ON FUNCTION liveness_internal.liveness_backtest_cases(interval, timestamptz, timestamptz, interval) IS 'The cases of a back-test: what each predictor said at each cut, and whether the spell held';

CREATE TYPE liveness_backtest_row AS (
	predictor text,
	n bigint,
	held float8,
	brier float8,
	log_loss float8,
	auc float8,
	ece float8
);
COMMENT ON TYPE liveness_backtest_row IS 'Row of liveness_backtest';
COMMENT ON COLUMN liveness_backtest_row.predictor IS 'base_rate, uptime, liveness_score, own, fleet or candidates';
COMMENT ON COLUMN liveness_backtest_row.n IS 'Cases, 0 or more';
COMMENT ON COLUMN liveness_backtest_row.held IS 'Share of the cases that held, 0 to 1';
COMMENT ON COLUMN liveness_backtest_row.brier IS 'Brier score: mean squared difference of probability and outcome, 0 to 1; lower is better';
COMMENT ON COLUMN liveness_backtest_row.log_loss IS 'Mean log loss, with probabilities clipped at 1e-6, 0 to 13.8; lower is better';
COMMENT ON COLUMN liveness_backtest_row.auc IS 'Area under the ROC curve, ties by midranks, 0 to 1; NULL: all cases held, or none did';
COMMENT ON COLUMN liveness_backtest_row.ece IS 'Expected calibration error in ten bins of 0.1, 0 to 1; lower is better';

CREATE FUNCTION liveness_backtest(horizon interval, since timestamptz, until timestamptz, step interval)
RETURNS SETOF liveness_backtest_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH cases AS MATERIALIZED (
		SELECT c.predictor, c.held, c.probability, least(greatest(ceil(10 * c.probability), 1), 10) AS bin
		FROM liveness_internal.liveness_backtest_cases($1, $2, $3, $4) c
	), ranked AS (
		SELECT c.predictor, c.held, c.probability,
			rank() OVER by_probability + (count(*) OVER (PARTITION BY c.predictor, c.probability) - 1) / 2.0::float8 AS midrank
		FROM cases c
		WINDOW by_probability AS (PARTITION BY c.predictor ORDER BY c.probability)
	), measured AS (
		SELECT r.predictor, count(*) AS n, count(*) FILTER (WHERE r.held) AS held,
			avg((r.probability - r.held::int) ^ 2::float8) AS brier,
			avg(-ln(least(greatest(CASE WHEN r.held THEN r.probability ELSE 1 - r.probability END, 1e-6), 1 - 1e-6))) AS log_loss,
			sum(r.midrank) FILTER (WHERE r.held) AS held_ranks
		FROM ranked r
		GROUP BY r.predictor
	), calibrated AS (
		SELECT b.predictor, sum(abs(b.difference)) / sum(b.n) AS ece
		FROM (
			SELECT c.predictor, c.bin, count(*) AS n, sum(c.probability - c.held::int) AS difference
			FROM cases c
			GROUP BY c.predictor, c.bin
		) b
		GROUP BY b.predictor
	)
	SELECT m.predictor, m.n, m.held::float8 / m.n, m.brier, m.log_loss,
		(m.held_ranks - m.held::float8 * (m.held + 1) / 2) / nullif(m.held::float8 * (m.n - m.held), 0),
		c.ece
	FROM measured m
	JOIN calibrated c ON c.predictor = m.predictor
	ORDER BY array_position(ARRAY['base_rate', 'uptime', 'liveness_score', 'own', 'fleet', 'candidates'], m.predictor);
END;
COMMENT ON FUNCTION liveness_backtest(interval, timestamptz, timestamptz, interval) IS 'How good each predictor would have been';

CREATE FUNCTION liveness_internal.liveness_survivors_quantile(probabilities float8[], phi float8, fraction float8)
RETURNS int AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_survivors_quantile(float8[], float8, float8) IS 'Quantile of how many of some providers hold, when a share phi of each hazard is the fleet''s';

CREATE TYPE liveness_backtest_joint_row AS (
	predictor text,
	cuts bigint,
	stated float8,
	held float8,
	below_5pct float8,
	phi float8,
	below_5pct_shared float8,
	bounds_covered float8
);
COMMENT ON TYPE liveness_backtest_joint_row IS 'Row of liveness_backtest_joint';
COMMENT ON COLUMN liveness_backtest_joint_row.predictor IS 'uptime, liveness_score, own, fleet or candidates';
COMMENT ON COLUMN liveness_backtest_joint_row.cuts IS 'Cuts with as many cases as were asked for, 0 or more';
COMMENT ON COLUMN liveness_backtest_joint_row.stated IS 'Mean probability that the predictor stated for the likeliest of each cut, 0 to 1';
COMMENT ON COLUMN liveness_backtest_joint_row.held IS 'Share of them that held, 0 to 1';
COMMENT ON COLUMN liveness_backtest_joint_row.below_5pct IS 'Share of the cuts in which fewer held than the 5 % quantile of independent providers, 0 to 1; should be at most 0.05';
COMMENT ON COLUMN liveness_backtest_joint_row.phi IS 'Share of each hazard that the fleet has in common, estimated as of the first cut, 0 to 1';
COMMENT ON COLUMN liveness_backtest_joint_row.below_5pct_shared IS 'Share of the cuts in which fewer held than the 5 % quantile with that phi, 0 to 1; should be at most 0.05';
COMMENT ON COLUMN liveness_backtest_joint_row.bounds_covered IS 'Of twenty parts of all cases, in order of probability, the share in which as many held as lower and upper say on average, 0 to 1; NULL: there are no bounds';

CREATE FUNCTION liveness_backtest_joint(horizon interval, since timestamptz, until timestamptz, step interval, n int DEFAULT 10)
RETURNS SETOF liveness_backtest_joint_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH cases AS MATERIALIZED (
		SELECT c.cut, c.provider_id, c.held, c.predictor, c.probability, c.lower, c.upper
		FROM liveness_internal.liveness_backtest_cases($1, $2, $3, $4) c
		WHERE c.predictor <> 'base_rate'
	), shares AS MATERIALIZED (
		-- at the estimate's horizon that is nearest in the logarithm
		SELECT e.phi
		FROM liveness_internal.liveness_estimate_shocks(liveness_internal.liveness_instant($2, 'since')) e
		ORDER BY abs(ln(extract(epoch FROM e.horizon)::float8) - ln(liveness_internal.liveness_span_usecs($1, 'horizon') / 1e6::float8))
		LIMIT 1
	), likeliest AS (
		SELECT r.predictor, r.cut, count(*) AS asked, count(*) FILTER (WHERE r.held) AS held, avg(r.probability) AS stated, array_agg(r.probability) AS probabilities
		FROM (
			SELECT c.predictor, c.cut, c.held, c.probability,
				row_number() OVER (PARTITION BY c.predictor, c.cut ORDER BY c.probability DESC, c.provider_id) AS place
			FROM cases c
		) r
		WHERE r.place <= $5
		GROUP BY r.predictor, r.cut
	), joint AS (
		SELECT l.predictor, count(*) AS cuts, avg(l.stated) AS stated, sum(l.held)::float8 / sum(l.asked)::float8 AS held,
			avg((l.held < liveness_internal.liveness_survivors_quantile(l.probabilities, 0, 0.05))::int)::float8 AS below,
			avg((l.held < liveness_internal.liveness_survivors_quantile(l.probabilities, s.phi, 0.05))::int)::float8 AS below_shared
		FROM likeliest l
		CROSS JOIN shares s
		WHERE l.asked = $5
		GROUP BY l.predictor
	), parts AS (
		SELECT p.predictor, avg(p.held::int)::float8 BETWEEN avg(p.lower) AND avg(p.upper) AS covered
		FROM (
			SELECT c.predictor, c.held, c.lower, c.upper, ntile(20) OVER (PARTITION BY c.predictor ORDER BY c.probability) AS part
			FROM cases c
			WHERE c.lower IS NOT NULL
		) p
		GROUP BY p.predictor, p.part
	)
	SELECT j.predictor, j.cuts, j.stated, j.held, j.below, s.phi, j.below_shared,
		(SELECT avg(p.covered::int)::float8 FROM parts p WHERE p.predictor = j.predictor)
	FROM joint j
	CROSS JOIN shares s
	ORDER BY array_position(ARRAY['uptime', 'liveness_score', 'own', 'fleet', 'candidates'], j.predictor);
END;
COMMENT ON FUNCTION liveness_backtest_joint(interval, timestamptz, timestamptz, interval, int) IS 'How many of the likeliest held together, and whether the bounds hold';

CREATE TYPE liveness_calibration_row AS (
	predictor text,
	bin int,
	lower float8,
	upper float8,
	n bigint,
	predicted float8,
	held float8
);
COMMENT ON TYPE liveness_calibration_row IS 'Row of liveness_calibration';
COMMENT ON COLUMN liveness_calibration_row.predictor IS 'base_rate, uptime, liveness_score, own, fleet or candidates';
COMMENT ON COLUMN liveness_calibration_row.bin IS 'Number of the bin, 1 to 10';
COMMENT ON COLUMN liveness_calibration_row.lower IS 'Lower end of the bin, which does not belong to it, 0 to 1';
COMMENT ON COLUMN liveness_calibration_row.upper IS 'Upper end of the bin, which belongs to it, 0 to 1';
COMMENT ON COLUMN liveness_calibration_row.n IS 'Cases whose probability is in the bin, 0 or more';
COMMENT ON COLUMN liveness_calibration_row.predicted IS 'Mean of their probabilities, 0 to 1';
COMMENT ON COLUMN liveness_calibration_row.held IS 'Share of them that held, 0 to 1';

CREATE FUNCTION liveness_calibration(horizon interval, since timestamptz, until timestamptz, step interval)
RETURNS SETOF liveness_calibration_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	SELECT c.predictor, c.bin, (c.bin - 1) / 10.0::float8, c.bin / 10.0::float8, count(*), avg(c.probability), avg(c.held::int)::float8
	FROM (
		SELECT k.predictor, k.held, k.probability, least(greatest(ceil(10 * k.probability), 1), 10)::int AS bin
		FROM liveness_internal.liveness_backtest_cases($1, $2, $3, $4) k
	) c
	GROUP BY c.predictor, c.bin
	ORDER BY array_position(ARRAY['base_rate', 'uptime', 'liveness_score', 'own', 'fleet', 'candidates'], c.predictor), c.bin;
END;
COMMENT ON FUNCTION liveness_calibration(interval, timestamptz, timestamptz, interval) IS 'For each predictor and bin of its probability: what it said on average, and what share held';

CREATE TYPE liveness_forget_row AS (
	heartbeats bigint,
	hours bigint,
	sessions bigint,
	exclusions bigint,
	features bigint,
	groups bigint,
	hazards bigint
);
COMMENT ON TYPE liveness_forget_row IS 'Result of liveness_forget_provider: rows deleted';
COMMENT ON COLUMN liveness_forget_row.heartbeats IS 'Rows of provider_heartbeats that were deleted, 0 or more';
COMMENT ON COLUMN liveness_forget_row.hours IS 'Rows of provider_heartbeats_hourly that were deleted, 0 or more';
COMMENT ON COLUMN liveness_forget_row.sessions IS 'Rows of provider_sessions that were deleted, open ones included, 0 or more';
COMMENT ON COLUMN liveness_forget_row.exclusions IS 'Rows of provider_exclusions for this provider alone that were deleted, 0 or more';
COMMENT ON COLUMN liveness_forget_row.features IS 'Rows of provider_reliability_features that were deleted, 0 or 1';
COMMENT ON COLUMN liveness_forget_row.groups IS 'Rows of provider_groups that were deleted, 0 or 1';
COMMENT ON COLUMN liveness_forget_row.hazards IS 'Rows of liveness_internal.liveness_provider_hazard that were deleted, 0 or 1';

-- With the locks of all jobs, because a rollup that is under way would write the rows
-- again.  They come before the tables, as in a rollup, and that of the retention comes
-- first, because the retention takes another one.
CREATE FUNCTION liveness_forget_provider(provider_id text)
RETURNS liveness_forget_row
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
#variable_conflict use_column
DECLARE
	forgotten @extschema@.liveness_forget_row;
BEGIN
	IF $1 IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'provider_id must not be NULL',
			HINT = 'Give the machine to forget.';
	END IF;
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_transaction_state',
			MESSAGE = format('liveness_forget_provider() would miss rows in a %s transaction', current_setting('transaction_isolation')),
			HINT = 'Call it in a transaction of isolation level READ COMMITTED.';
	END IF;
	PERFORM liveness_internal.liveness_lock_job('retention'::text, true);
	PERFORM liveness_internal.liveness_lock_job('features'::text, true);
	PERFORM liveness_internal.liveness_lock_job('hourly'::text, true);
	PERFORM liveness_internal.liveness_lock_job('sessions'::text, true);
	LOCK TABLE @extschema@.provider_heartbeats, @extschema@.provider_heartbeats_hourly, @extschema@.provider_sessions,
		@extschema@.provider_exclusions, @extschema@.provider_reliability_features, @extschema@.provider_groups,
		liveness_internal.liveness_provider_hazard, liveness_internal.liveness_hour_sums IN ROW EXCLUSIVE MODE;
	IF NOT liveness_internal.liveness_lock_job('restore'::text, false) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_in_use',
			MESSAGE = 'a dump is being restored',
			HINT = 'Try again when it is complete.';
	END IF;

	DELETE FROM @extschema@.provider_heartbeats t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.heartbeats = ROW_COUNT;
	DELETE FROM @extschema@.provider_heartbeats_hourly t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.hours = ROW_COUNT;
	DELETE FROM liveness_internal.liveness_hour_sums t WHERE t.provider_id = $1;
	PERFORM liveness_internal.liveness_lock_sessions(array_agg(t.id))
	FROM @extschema@.provider_sessions t
	WHERE t.provider_id = $1 AND t.disconnected_at IS NULL;
	DELETE FROM @extschema@.provider_sessions t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.sessions = ROW_COUNT;
	DELETE FROM @extschema@.provider_exclusions t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.exclusions = ROW_COUNT;
	DELETE FROM @extschema@.provider_reliability_features t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.features = ROW_COUNT;
	DELETE FROM @extschema@.provider_groups t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.groups = ROW_COUNT;
	DELETE FROM liveness_internal.liveness_provider_hazard t WHERE t.provider_id = $1;
	GET DIAGNOSTICS forgotten.hazards = ROW_COUNT;
	RETURN forgotten;
END
$$;
COMMENT ON FUNCTION liveness_forget_provider(text) IS 'Deletes every row of a provider, in all tables, and returns how many';

CREATE TYPE liveness_adopt_row AS (
	adopted regclass,
	rows bigint
);
COMMENT ON TYPE liveness_adopt_row IS 'Row of liveness_adopt';
COMMENT ON COLUMN liveness_adopt_row.adopted IS 'Table that got rows';
COMMENT ON COLUMN liveness_adopt_row.rows IS 'Number of rows that were copied, 0 or more';

-- A type may be another where PostgreSQL turns it into ours by itself and whatever
-- the settings: int and varchar, but not timestamp, which the time zone would bend.
CREATE FUNCTION liveness_adopt(sessions regclass, heartbeats regclass, exclusions regclass DEFAULT NULL)
RETURNS SETOF liveness_adopt_row
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
DECLARE
	adopted regclass;
	source regclass;
	copied bigint;
	wrong record;
	others text;
	ours text;
	is_filled boolean;
	last_id bigint;
BEGIN
	FOR adopted, source IN
		VALUES ('@extschema@.provider_sessions'::regclass, sessions), ('@extschema@.provider_heartbeats'::regclass, heartbeats),
			('@extschema@.provider_exclusions'::regclass, exclusions)
	LOOP
		CONTINUE WHEN source IS NULL;
		EXECUTE format('LOCK TABLE %s IN SHARE MODE', source);
		EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', adopted);
		EXECUTE format('SELECT EXISTS (SELECT FROM %s)', adopted) INTO is_filled;
		IF is_filled THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('table %s is not empty', adopted),
				DETAIL = 'Ids of rows that were written since could be those of rows to be adopted.',
				HINT = 'Create the extension and call liveness_adopt() in one transaction.';
		END IF;

		SELECT t.attname AS name, format_type(t.atttypid, t.atttypmod) AS type, format_type(s.atttypid, s.atttypmod) AS found
		INTO wrong
		FROM pg_attribute t
		LEFT JOIN pg_attribute s ON s.attrelid = source AND s.attname = t.attname AND s.attnum > 0
		WHERE t.attrelid = adopted AND t.attnum > 0 AND NOT t.attisdropped
		AND s.atttypid IS DISTINCT FROM t.atttypid
		AND NOT EXISTS (
			SELECT FROM pg_cast c LEFT JOIN pg_proc p ON p.oid = c.castfunc
			WHERE c.castsource = s.atttypid AND c.casttarget = t.atttypid AND c.castcontext = 'i'
			AND (c.castmethod = 'b' OR p.provolatile = 'i'))
		ORDER BY t.attnum
		LIMIT 1;
		IF FOUND AND wrong.found IS NULL THEN
			RAISE EXCEPTION USING
				ERRCODE = 'undefined_column',
				MESSAGE = format('%s has no column %I, which is of type %s in %s', source, wrong.name, wrong.type, adopted),
				HINT = format('Add it with ALTER TABLE %s ADD COLUMN, or name a view that has it.', source);
		ELSIF FOUND THEN
			RAISE EXCEPTION USING
				ERRCODE = 'datatype_mismatch',
				MESSAGE = format('column %I of %s is of type %s, not %s', wrong.name, source, wrong.found, wrong.type),
				HINT = format('Change it with ALTER TABLE %s ALTER COLUMN %I TYPE %s USING ..., or name a view that casts it.', source, wrong.name, wrong.type);
		END IF;

		SELECT string_agg(quote_ident(t.attname), ', ' ORDER BY t.attnum) INTO ours
		FROM pg_attribute t
		WHERE t.attrelid = adopted AND t.attnum > 0 AND NOT t.attisdropped;
		SELECT string_agg(quote_ident(s.attname), ', ' ORDER BY s.attnum) INTO others
		FROM pg_attribute s
		WHERE s.attrelid = source AND s.attnum > 0 AND NOT s.attisdropped
		AND NOT EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = adopted AND t.attname = s.attname);
		IF others IS NOT NULL THEN
			RAISE NOTICE 'columns of % that are not adopted: %', source, others;
		END IF;

		EXECUTE format('INSERT INTO %s (%s) SELECT %2$s FROM %3$s', adopted, ours, source);
		GET DIAGNOSTICS copied = ROW_COUNT;
		EXECUTE format('SELECT max(id) FROM %s', adopted) INTO last_id;
		PERFORM setval(pg_get_serial_sequence(adopted::text, 'id'), greatest(last_id, 1), last_id IS NOT NULL);
		RETURN NEXT ROW(adopted, copied)::@extschema@.liveness_adopt_row;
	END LOOP;
END
$$;
COMMENT ON FUNCTION liveness_adopt(regclass, regclass, regclass) IS 'Copies the rows of tables that a coordinator made before into ours, which must be empty';

-- Who ends within a minute is still there when it begins, and who comes within it is
-- there already: S at a whole minute counts all ends up to it, and no other.
CREATE FUNCTION liveness_fleet_survival(as_of timestamptz DEFAULT now(), window_days int DEFAULT NULL)
RETURNS survival_curve
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@.survival_agg(
			60 * ceil(p.seconds / 60),
			p.failed,
			CASE WHEN p.since < w.since THEN 60 * floor((extract(epoch FROM w.since) - extract(epoch FROM p.since))::float8 / 60) ELSE 0 END)
	FROM (SELECT liveness_internal.liveness_window_start(as_of, window_days) AS since) w
	CROSS JOIN LATERAL (
		SELECT s.provider_id, liveness_internal.liveness_features_history(s.connected_at, s.disconnected_at, s.disconnect_reason, as_of, 1) AS sessions
		FROM @extschema@.provider_sessions s
		WHERE s.connected_at < as_of AND (s.disconnected_at IS NULL OR s.disconnected_at >= w.since)
		GROUP BY s.provider_id
	) h
	LEFT JOIN liveness_internal.liveness_excluded x ON x.provider_id = h.provider_id
	CROSS JOIN LATERAL liveness_internal.liveness_history_spells(liveness_internal.liveness_history_exclude(h.sessions,
		coalesce(x.excluded, (SELECT a.excluded FROM liveness_internal.liveness_excluded a WHERE a.provider_id IS NULL))), as_of) p
	WHERE isfinite(p.since)
	-- it checks the arguments even where there is no session
	HAVING liveness_internal.liveness_window_start(as_of, window_days) IS NOT NULL;
END;
COMMENT ON FUNCTION liveness_fleet_survival(timestamptz, int) IS 'The Kaplan-Meier curve of all spells of the window';

-- The view shows figures of the whole fleet to whoever may read it, as its owner sees
-- them; the views that they are taken from show everybody what is his.
CREATE FUNCTION liveness_internal.liveness_metrics_fleet()
RETURNS SETOF network_availability
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT n.window_days, n.providers, n.connected, n.vanished, n.mean_uptime_pct, n.p10_uptime_pct, n.p50_uptime_pct,
		n.p90_uptime_pct, n.highly_reliable, n.updated_at
	FROM @extschema@.network_availability n;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_fleet() IS 'network_availability as the extension''s owner sees it, for liveness_metrics';

CREATE FUNCTION liveness_internal.liveness_metrics_stale()
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT count(*) FROM @extschema@.provider_stale_sessions;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_stale() IS 'Rows of provider_stale_sessions as the extension''s owner sees it, for liveness_metrics';

-- Few are at risk: unlike liveness_at_risk(), which may be asked about all, this looks at the
-- sessions of those alone.
CREATE FUNCTION liveness_internal.liveness_metrics_at_risk()
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT CASE WHEN EXISTS (SELECT 1 FROM liveness_internal.liveness_fleet_hazard)
		THEN (
			SELECT count(*)
			FROM (
				SELECT r.provider_id, liveness_internal.liveness_holds(f.hazard, r.hazard, r.since, now(), liveness_internal.liveness_span_usecs('1 hour'::interval, 'job'::text)) AS probability
				FROM (SELECT r.provider_id, r.since, r.hazard FROM liveness_internal.liveness_running r OFFSET 0) r
				CROSS JOIN liveness_internal.liveness_prepared_fleet() f
				OFFSET 0
			) r
			CROSS JOIN LATERAL liveness_internal.liveness_live_session(r.provider_id) l
			WHERE 1 - r.probability >= 0.5
		)
	END;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_at_risk() IS 'How many liveness_at_risk() tells the owner, for liveness_metrics; NULL before the first rollup';

CREATE FUNCTION liveness_internal.liveness_metrics_jobs()
RETURNS SETOF liveness_jobs
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT j.job, j.last_started_at, j.last_duration, j.last_rows, j.last_error, j.last_error_at, j.runs, j.errors
	FROM @extschema@.liveness_jobs j;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_jobs() IS 'liveness_jobs as the extension''s owner sees it, for liveness_metrics';

-- What is in a partition waits until all of it may go.
CREATE FUNCTION liveness_internal.liveness_metrics_overdue(OUT seconds float8, OUT heartbeats bigint, OUT partitions bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	cut timestamptz := liveness_internal.liveness_prune_cut(NULL::interval);
	until timestamptz := coalesce((SELECT max(r.since) FROM liveness_internal.liveness_heartbeat_partitions() r
		WHERE r.since < cut AND r.until > cut AND r.since > '-infinity'), cut);
BEGIN
	IF cut IS NULL THEN
		RETURN;
	END IF;
	seconds := coalesce((extract(epoch FROM until) - extract(epoch FROM (
		SELECT min(h.at) FROM @extschema@.provider_heartbeats h WHERE h.at < until AND h.at > '-infinity')))::float8, 0);
	heartbeats := (SELECT count(*) FROM (SELECT 1 FROM @extschema@.provider_heartbeats h WHERE h.at < until LIMIT 100000) h);
	partitions := (SELECT count(*) FROM liveness_internal.liveness_heartbeat_partitions() r WHERE r.until <= cut AND r.since > '-infinity');
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_overdue() IS 'What the retention has not got to, for liveness_metrics; NULL where retention is off';

CREATE FUNCTION liveness_internal.liveness_metrics_bridged()
RETURNS float8
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT sum(f.bridged_seconds)::float8 FROM @extschema@.provider_reliability_features f;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_bridged() IS 'bridged_seconds of all providers, for liveness_metrics';

CREATE FUNCTION liveness_internal.liveness_metrics_exclusions()
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT (SELECT count(*) FROM @extschema@.provider_exclusions x WHERE x.until IS NULL)
		+ (SELECT count(*) FROM @extschema@.provider_exclusions x WHERE x.until = 'infinity');
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_exclusions() IS 'Exclusions that never ended, for liveness_metrics';

-- The latest 20,000 ends are read by index, so that a scrape costs the same whatever the
-- fleet does.
CREATE FUNCTION liveness_internal.liveness_metrics_ends(OUT coordinator_id text, OUT ends bigint, OUT censored bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT e.coordinator_id, count(*), count(*) FILTER (WHERE @extschema@.liveness_is_censored(e.disconnect_reason))
	FROM (
		SELECT s.coordinator_id, s.disconnect_reason
		FROM @extschema@.provider_sessions s
		WHERE s.disconnected_at BETWEEN now() - interval '24 hours' AND now()
		ORDER BY s.disconnected_at DESC
		LIMIT 20000
	) e
	GROUP BY e.coordinator_id
	ORDER BY count(*) DESC, e.coordinator_id
	LIMIT 50;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_ends() IS 'Ends of sessions in the last day by coordinator, and the censored ones, for liveness_metrics';

-- Whom the hourly rollup waits for: transactions by pid, and prepared ones, which have none.
CREATE FUNCTION liveness_internal.liveness_metrics_backlog(OUT pending_seconds float8, OUT partitions_end float8, OUT future_sessions bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT (
			SELECT greatest(extract(epoch FROM now() - min(w.since)), 0)::float8
			FROM liveness_internal.liveness_job_state s
			CROSS JOIN LATERAL (
				SELECT a.xact_start AS since
				FROM pg_locks l
				JOIN pg_stat_activity a ON a.pid = l.pid
				WHERE l.locktype = 'virtualxid' AND l.virtualtransaction = ANY (s.pending_writers)
				UNION ALL
				SELECT p.prepared
				FROM pg_prepared_xacts p
				WHERE '-1/' || p.transaction::text = ANY (s.pending_writers)
			) w
			WHERE s.job = 'hourly'
		), (
			SELECT extract(epoch FROM max(r.until))::float8
			FROM liveness_internal.liveness_heartbeat_partitions() r
			WHERE isfinite(r.until)
		), (
			SELECT count(*)
			FROM @extschema@.provider_sessions s
			WHERE s.disconnected_at IS NULL
			AND s.connected_at > now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
		);
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_backlog() IS 'Pending writers, partitions ahead, and sessions that have not begun, for liveness_metrics';

-- As liveness_metrics_fleet, for the model.
CREATE FUNCTION liveness_internal.liveness_metrics_model()
RETURNS SETOF liveness_model
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
	SELECT m.as_of, m.providers, m.spells, m.frailty_prior, m.hour_prior, m.phi, m.psi, m.shocks_as_of,
		m.failures_per_day_1h, m.failures_per_day_6h, m.failures_per_day_1d, m.failures_per_day_7d
	FROM @extschema@.liveness_model m;
END;
COMMENT ON FUNCTION liveness_internal.liveness_metrics_model() IS 'liveness_model as the extension''s owner sees it, for liveness_metrics';

-- An arm a metric, and none with a LIMIT: so a condition on the name reaches them, and
-- what nobody asks for is not computed.  A condition on f within EXISTS keeps the planner from
-- hashing all open sessions for 50 providers.
CREATE VIEW liveness_metrics AS
	WITH counter AS MATERIALIZED (
		SELECT c.name, c.value, c.help, c.since FROM liveness_internal.liveness_counters(true) c
	), fleet AS MATERIALIZED (
		SELECT n.providers, n.connected, n.vanished, n.highly_reliable, n.mean_uptime_pct, n.p10_uptime_pct,
			n.p50_uptime_pct, n.p90_uptime_pct, (extract(epoch FROM now()) - extract(epoch FROM n.updated_at))::float8 AS age
		FROM liveness_internal.liveness_metrics_fleet() n
	), stale AS MATERIALIZED (
		SELECT liveness_internal.liveness_metrics_stale() AS sessions
	), bridge AS MATERIALIZED (
		SELECT liveness_internal.liveness_metrics_bridged() AS seconds
	), exclusion AS MATERIALIZED (
		SELECT liveness_internal.liveness_metrics_exclusions() AS unended
	), coordinator AS MATERIALIZED (
		SELECT jsonb_build_object('coordinator_id', e.coordinator_id) AS labels, e.ends, e.censored / e.ends::float8 AS censored
		FROM liveness_internal.liveness_metrics_ends() e
	), risk AS MATERIALIZED (
		SELECT liveness_internal.liveness_metrics_at_risk() AS providers
	), job AS MATERIALIZED (
		SELECT jsonb_build_object('job_name', j.job) AS labels, j.runs, j.errors,
			extract(epoch FROM j.last_duration)::float8 AS duration,
			(extract(epoch FROM now()) - extract(epoch FROM j.last_started_at))::float8 AS age,
			coalesce(j.last_error_at > coalesce(j.last_started_at, '-infinity'), false) AS failing
		FROM liveness_internal.liveness_metrics_jobs() j
	), overdue AS MATERIALIZED (
		SELECT o.seconds, o.heartbeats, o.partitions FROM liveness_internal.liveness_metrics_overdue() o
	), backlog AS MATERIALIZED (
		SELECT b.pending_seconds, b.partitions_end, b.future_sessions FROM liveness_internal.liveness_metrics_backlog() b
	), model AS MATERIALIZED (
		SELECT (extract(epoch FROM now()) - extract(epoch FROM m.as_of))::float8 AS age, m.spells, m.frailty_prior, m.hour_prior, m.phi, m.psi
		FROM liveness_internal.liveness_metrics_model() m
	), provider AS MATERIALIZED (
		SELECT jsonb_build_object('provider_id', b.provider_id) AS labels, b.liveness_score, b.uptime_pct,
			b.p_stays_4h, b.p_stays_8h, b.connected
		FROM (
			(SELECT f.provider_id, f.liveness_score, f.uptime_pct, f.p_stays_4h, f.p_stays_8h,
				EXISTS (SELECT 1 FROM provider_sessions s
					WHERE s.provider_id = f.provider_id AND (s.disconnected_at IS NULL OR s.disconnected_at > now())
					AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
					AND f.sessions_count > 0) AS connected
				FROM provider_reliability_features f
				WHERE f.sessions_count > 0
				ORDER BY f.liveness_score DESC, f.provider_id
				LIMIT 50)
			UNION
			(SELECT f.provider_id, f.liveness_score, f.uptime_pct, f.p_stays_4h, f.p_stays_8h,
				EXISTS (SELECT 1 FROM provider_sessions s
					WHERE s.provider_id = f.provider_id AND (s.disconnected_at IS NULL OR s.disconnected_at > now())
					AND s.connected_at <= now() + liveness_internal.liveness_setting_interval('session_timeout'::text)
					AND f.sessions_count > 0) AS connected
				FROM provider_reliability_features f
				WHERE f.sessions_count > 0
				ORDER BY f.liveness_score, f.provider_id DESC
				LIMIT 50)
		) b
	), metric (name, labels, value, type, help) AS (
		SELECT c.name, '{}'::jsonb, c.value, CASE WHEN c.name LIKE E'%\\_total' THEN 'counter' ELSE 'gauge' END, c.help FROM counter c
		UNION ALL SELECT 'liveness_counters_start_time_seconds', '{}', extract(epoch FROM min(since))::float8, 'gauge', 'When the counters began at zero, Unix time; it moves when the server has crashed' FROM counter
		UNION ALL SELECT 'liveness_fleet_providers', '{}', providers, 'gauge', 'Providers with a session in the window' FROM fleet
		UNION ALL SELECT 'liveness_fleet_connected_providers', '{}', connected, 'gauge', 'Providers with an open session now' FROM fleet
		UNION ALL SELECT 'liveness_fleet_vanished_providers', '{}', vanished, 'gauge', 'Providers known from earlier, without a session in the window' FROM fleet
		UNION ALL SELECT 'liveness_fleet_highly_reliable_providers', '{}', highly_reliable, 'gauge', 'Providers with an uptime of 0.95 or more' FROM fleet
		UNION ALL SELECT 'liveness_fleet_uptime_mean_ratio', '{}', mean_uptime_pct, 'gauge', 'Mean uptime of the providers, 0 to 1' FROM fleet
		UNION ALL SELECT 'liveness_fleet_uptime_ratio', '{"quantile": "0.1"}', p10_uptime_pct, 'gauge', 'Quantiles of the uptime of the providers, 0 to 1' FROM fleet
		UNION ALL SELECT 'liveness_fleet_uptime_ratio', '{"quantile": "0.5"}', p50_uptime_pct, 'gauge', 'Quantiles of the uptime of the providers, 0 to 1' FROM fleet
		UNION ALL SELECT 'liveness_fleet_uptime_ratio', '{"quantile": "0.9"}', p90_uptime_pct, 'gauge', 'Quantiles of the uptime of the providers, 0 to 1' FROM fleet
		UNION ALL SELECT 'liveness_fleet_features_age_seconds', '{}', age, 'gauge', 'Time since the instant that the features describe, seconds' FROM fleet
		UNION ALL SELECT 'liveness_fleet_stale_sessions', '{}', sessions, 'gauge', 'Open sessions whose last sign of life is older than liveness.session_timeout' FROM stale
		UNION ALL SELECT 'liveness_bridged_seconds', '{}', seconds, 'gauge', 'Time that counts as online because an observer was away for a short time, of all providers in their windows, seconds' FROM bridge
		UNION ALL SELECT 'liveness_exclusions_unended', '{}', unended, 'gauge', 'Exclusions that never ended' FROM exclusion
		UNION ALL SELECT 'liveness_coordinator_ends', labels, ends, 'gauge', 'Sessions of the coordinator that ended in the last 24 hours, of the latest 20000 ends of all' FROM coordinator
		UNION ALL SELECT 'liveness_coordinator_censored_ends_ratio', labels, censored, 'gauge', 'Share of these ends whose reason says that the observer went away, 0 to 1' FROM coordinator
		UNION ALL SELECT 'liveness_fleet_future_sessions', '{}', future_sessions, 'gauge', 'Open sessions that begin in the future, by more than liveness.session_timeout' FROM backlog
		UNION ALL SELECT 'liveness_fleet_at_risk_providers', '{}', providers, 'gauge', 'Connected providers that leave within an hour with a probability of 0.5 or more' FROM risk
		UNION ALL SELECT 'liveness_job_runs_total', labels, runs, 'counter', 'Runs of the job that completed' FROM job
		UNION ALL SELECT 'liveness_job_errors_total', labels, errors, 'counter', 'Runs of the job that failed and were recorded' FROM job
		UNION ALL SELECT 'liveness_job_failing', labels, failing::int, 'gauge', '1 if the last run of the job failed, else 0' FROM job
		UNION ALL SELECT 'liveness_job_last_duration_seconds', labels, duration, 'gauge', 'Duration of the last run of the job that completed, seconds' FROM job
		UNION ALL SELECT 'liveness_job_last_success_age_seconds', labels, age, 'gauge', 'Time since the start of the last run of the job that completed, seconds' FROM job
		UNION ALL SELECT 'liveness_overdue_seconds', '{}', seconds, 'gauge', 'By how much the oldest heartbeat is past liveness.heartbeat_retention, seconds; 0: none is' FROM overdue
		UNION ALL SELECT 'liveness_overdue_heartbeats', '{}', heartbeats, 'gauge', 'Heartbeats past liveness.heartbeat_retention, counted up to 100000' FROM overdue
		UNION ALL SELECT 'liveness_overdue_partitions', '{}', partitions, 'gauge', 'Partitions of heartbeats wholly past liveness.heartbeat_retention' FROM overdue
		UNION ALL SELECT 'liveness_overdue_pending_writer_seconds', '{}', coalesce(pending_seconds, 0), 'gauge', 'Age of the oldest transaction that the hourly rollup waits for, seconds; 0: none' FROM backlog
		UNION ALL SELECT 'liveness_partitions_end_time_seconds', '{}', partitions_end, 'gauge', 'When the partitions of heartbeats end that were made ahead, Unix time' FROM backlog
		UNION ALL SELECT 'liveness_model_age_seconds', '{}', age, 'gauge', 'Time since the instant that the fleet''s numbers of the predictor describe, seconds' FROM model
		UNION ALL SELECT 'liveness_model_spells', '{}', spells, 'gauge', 'Spells that the predictor was learned from' FROM model
		UNION ALL SELECT 'liveness_model_frailty_prior', '{}', frailty_prior, 'gauge', 'Failures of its own that a provider needs to count as much as the fleet; small where providers differ much' FROM model
		UNION ALL SELECT 'liveness_model_hour_prior', '{}', hour_prior, 'gauge', 'The same for the hours of the day' FROM model
		UNION ALL SELECT 'liveness_model_fleet_shock_ratio', '{}', phi, 'gauge', 'Share of each hazard that the fleet has in common, for six hours, 0 to 1' FROM model
		UNION ALL SELECT 'liveness_model_group_shock_ratio', '{}', psi, 'gauge', 'Share of each hazard that a group or the fleet has in common, for six hours, 0 to 1' FROM model
		UNION ALL SELECT 'liveness_provider_score', labels, liveness_score, 'gauge', 'Liveness score of the provider, 0 to 1' FROM provider
		UNION ALL SELECT 'liveness_provider_uptime_ratio', labels, uptime_pct, 'gauge', 'Uptime of the provider, 0 to 1' FROM provider
		UNION ALL SELECT 'liveness_provider_stays_4h_ratio', labels, p_stays_4h, 'gauge', 'Share of the provider''s sessions that lasted 4 hours or more, 0 to 1' FROM provider
		UNION ALL SELECT 'liveness_provider_stays_8h_ratio', labels, p_stays_8h, 'gauge', 'Share of the provider''s sessions that lasted 8 hours or more, 0 to 1' FROM provider
		UNION ALL SELECT 'liveness_provider_connected', labels, connected::int, 'gauge', '1 if the provider has an open session, else 0' FROM provider
	)
	SELECT m.name, m.labels, m.value, m.type, m.help
	FROM metric m
	WHERE m.value IS NOT NULL;
COMMENT ON VIEW liveness_metrics IS 'Figures for a monitoring system, a row a sample: counters of liveness_stats (no row where the library is not preloaded), the fleet, the coordinators, the jobs, and of the providers with a session in the window the 50 best and the 50 worst by liveness_score (so all, if there are no more than 100). What is not known yet has no row. Ask for single metrics by name and the others are not computed';
COMMENT ON COLUMN liveness_metrics.name IS 'Name of the metric: liveness_, with _total for what only grows, _seconds, _bytes or _ratio (0 to 1) for its unit';
COMMENT ON COLUMN liveness_metrics.labels IS 'Labels as an object of strings: job_name, provider_id, coordinator_id or quantile; {} for none';
COMMENT ON COLUMN liveness_metrics.value IS 'Value now, any number; never NULL';
COMMENT ON COLUMN liveness_metrics.type IS 'counter or gauge';
COMMENT ON COLUMN liveness_metrics.help IS 'What the metric means; the same for all rows of a name';

CREATE FUNCTION liveness_internal.liveness_close_rolled_up_hours(cut timestamptz)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_close_rolled_up_hours(timestamptz) IS 'As liveness_close_hours, for a caller who has just rolled up these hours whole';

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

-- The long part of the work is done before anybody is locked out; a heartbeat that is
-- committed after it is rolled up, or counted as late, behind the lock.
CREATE FUNCTION liveness_internal.liveness_prune_partitions(since timestamptz, until timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET row_security = off
AS $$
DECLARE
	dropped bigint;
BEGIN
	-- an old snapshot does not show all that would go
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE NOTICE 'partitions are dropped in READ COMMITTED only';
		RETURN 0;
	END IF;
	BEGIN
		PERFORM liveness_internal.liveness_lock_partitions(until, false);
		IF liveness_internal.liveness_rollup_to_prune(since, until) IS NULL THEN
			RETURN NULL;
		END IF;
		SELECT count(*) INTO dropped FROM @extschema@.provider_heartbeats h
		WHERE h.at >= liveness_prune_partitions.since AND h.at < liveness_prune_partitions.until;
		PERFORM liveness_internal.liveness_run_hourly(NULL::timestamptz, NULL::timestamptz);
		PERFORM liveness_internal.liveness_lock_partitions(until, true);
		PERFORM liveness_internal.liveness_close_rolled_up_hours(until);
		PERFORM liveness_internal.liveness_drop_partitions(until);
	EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
		RAISE WARNING 'heartbeats before % were not dropped, because provider_heartbeats is in use', until
			USING HINT = 'The next run of the retention tries again.';
		RETURN 0;
	END;
	RETURN dropped;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_prune_partitions(timestamptz, timestamptz) IS 'Drops the oldest partition of provider_heartbeats, after rolling up and closing its hours';

CREATE FUNCTION liveness_internal.liveness_dump_rows_of(member regclass)
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_dump_rows_of(regclass) IS 'Has pg_dump dump the rows of a table that belongs to the extension';

-- LIKE leaves out the settings of a table and of its columns, and lets in whom default
-- privileges name.
CREATE FUNCTION liveness_internal.liveness_make_like(template regclass, name text, partitioned boolean)
RETURNS regclass
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	statement text;
BEGIN
	EXECUTE (
		SELECT format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION%s)%s%s', name, template,
			CASE WHEN partitioned THEN ' INCLUDING COMMENTS) PARTITION BY RANGE (at' END,
			CASE WHEN NOT partitioned THEN concat(' USING ' || quote_ident(m.amname), ' WITH (' || array_to_string(nullif(array_cat(c.reloptions,
				(SELECT array_agg('toast.' || o) FROM unnest(t.reloptions) o)), '{}'), ', ') || ')') END,
			' TABLESPACE ' || quote_ident(b.spcname))
		FROM pg_class c
		LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
		LEFT JOIN pg_am m ON m.oid = c.relam
		LEFT JOIN pg_tablespace b ON b.oid = c.reltablespace
		WHERE c.oid = template);
	FOR statement IN
		SELECT format('ALTER TABLE %s OWNER TO %I', name, pg_get_userbyid(c.relowner)) FROM pg_class c WHERE c.oid = template
		UNION ALL
		SELECT format('REVOKE ALL ON %s FROM %s', name, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
		FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
		WHERE c.oid = name::regclass AND a.grantee <> c.relowner
		UNION ALL
		SELECT format('ALTER TABLE %s ALTER COLUMN %I SET %s', name, a.attname, s.setting)
		FROM pg_attribute a
		CROSS JOIN LATERAL (VALUES
			(CASE WHEN a.attstattarget >= 0 THEN 'STATISTICS ' || a.attstattarget END),
			((SELECT '(' || string_agg(o, ', ') || ')' FROM unnest(a.attoptions) o WHERE o LIKE 'n_distinct%'))) s (setting)
		WHERE a.attrelid = template AND a.attnum > 0 AND NOT a.attisdropped AND s.setting IS NOT NULL
	LOOP
		EXECUTE statement;
	END LOOP;
	RETURN name::regclass;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_make_like(regclass, text, boolean) IS 'Makes a table like another, without its indexes and privileges';

-- A table cannot become partitioned: a new one takes its place and its name, and it
-- becomes the first partition.  Views and functions in SQL are made again over it.
-- The first and the last partition are open to the past and to the future.  A DEFAULT
-- partition would keep the planner from reading partitions in the order of their time.
CREATE FUNCTION liveness_partition_heartbeats(width interval DEFAULT '1 day', since timestamptz DEFAULT NULL,
	until timestamptz DEFAULT now() + interval '7 days')
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
	monday CONSTANT timestamptz := '2001-01-01 00:00+00';
	relation regclass := '@extschema@.provider_heartbeats';
	ahead regclass;
	partition regclass;
	statements text[];
	statement text;
	obstacle text;
	start timestamptz;
	lower timestamptz;
	upper timestamptz;
	before_until timestamptz;
	is_filled boolean;
	made bigint := 0;
BEGIN
	IF width IS NULL OR until IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = format('%s must not be NULL', CASE WHEN width IS NULL THEN 'width' ELSE 'until' END),
			HINT = 'Leave the argument out for its default.';
	END IF;
	IF width < interval '1 hour' OR extract(month FROM width) <> 0 OR extract(year FROM width) <> 0
		OR date_bin('1 hour', monday + width, monday) <> monday + width THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('width %s is not a number of whole hours', width),
			HINT = 'Give for example ''1 day'' or ''7 days''; months have no fixed length.';
	END IF;
	IF NOT (isfinite(coalesce(since, now())) AND isfinite(until)) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'datetime_field_overflow',
			MESSAGE = format('partitions from %s to %s would have no end', since, until),
			HINT = 'Give finite instants, for example now() + interval ''7 days''.';
	END IF;
	start := date_bin(width, coalesce(since, now()), monday);
	IF extract(epoch FROM until) - extract(epoch FROM start) > 500 * extract(epoch FROM width) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'program_limit_exceeded',
			MESSAGE = format('more than 500 partitions of %s would reach from %s to %s', width, start, until),
			HINT = 'Make them wider, or fewer.';
	END IF;
	IF (SELECT t.is_hypertable FROM liveness_internal.liveness_hypertable() t) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('%s is a hypertable of TimescaleDB', relation),
			HINT = 'TimescaleDB makes its chunks itself, and the retention drops them.';
	END IF;
	IF liveness_internal.liveness_distributed() THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('%s is distributed by Citus', relation),
			HINT = 'Choose: partitions, or Citus. Citus divides the work of the retention among the nodes.';
	END IF;
	PERFORM liveness_internal.liveness_lock_job('retention'::text, true);

	IF (SELECT c.relkind = 'r' FROM pg_class c WHERE c.oid = relation) THEN
		EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', relation);
		SELECT string_agg(DISTINCT o.name, ', ') INTO obstacle
		FROM (
			SELECT format('trigger %I', t.tgname) FROM pg_trigger t WHERE t.tgrelid = relation AND NOT t.tgisinternal
			UNION ALL
			SELECT format('policy %I', y.polname) FROM pg_policy y WHERE y.polrelid = relation
			UNION ALL
			SELECT 'row-level security' FROM pg_class c WHERE c.oid = relation AND (c.relrowsecurity OR c.relforcerowsecurity)
			UNION ALL
			SELECT format('rule %I', r.rulename) FROM pg_rewrite r WHERE r.ev_class = relation
			UNION ALL
			-- FOR ALL TABLES as well, whose subscribers do not have the partitions
			SELECT format('publication %I', t.pubname)
			FROM pg_publication_tables t JOIN pg_namespace n ON n.nspname = t.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
			WHERE c.oid = relation
			UNION ALL
			SELECT format('subscription %I', u.subname) FROM pg_subscription_rel l JOIN pg_subscription u ON u.oid = l.srsubid WHERE l.srrelid = relation
			UNION ALL
			SELECT format('constraint %I', k.conname) FROM pg_constraint k
			WHERE (k.conrelid = relation AND k.contype IN ('f', 'u', 'x')) OR k.confrelid = relation
			UNION ALL
			SELECT format('statistics object %I', x.stxname) FROM pg_statistic_ext x WHERE x.stxrelid = relation
			UNION ALL
			SELECT format('security label of %s', l.provider) FROM pg_seclabel l WHERE l.classoid = 'pg_class'::regclass AND l.objoid = relation
			UNION ALL
			SELECT format('generated column %I', a.attname) FROM pg_attribute a
			WHERE a.attrelid = relation AND (a.attgenerated <> '' OR a.attidentity <> '') AND NOT a.attisdropped
			UNION ALL
			SELECT CASE v.setting WHEN 'n' THEN 'REPLICA IDENTITY NOTHING' WHEN 'f' THEN 'REPLICA IDENTITY FULL' WHEN 'i' THEN 'REPLICA IDENTITY USING INDEX'
				WHEN 'u' THEN 'UNLOGGED' ELSE 'a type of its own' END
			FROM pg_class c CROSS JOIN LATERAL (VALUES (nullif(c.relreplident::text, 'd')), (nullif(c.relpersistence::text, 'p')), (nullif(c.reloftype, 0)::text)) v (setting)
			WHERE c.oid = relation AND v.setting IS NOT NULL
			UNION ALL
			SELECT format('%s of index %I', CASE WHEN c.reltablespace <> 0 THEN 'tablespace' ELSE 'storage parameters' END, c.relname)
			FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			WHERE i.indrelid = relation AND (c.reltablespace <> 0 OR (i.indisprimary AND c.reloptions IS NOT NULL))
			UNION ALL
			SELECT format('parent table %s', i.inhparent::regclass) FROM pg_inherits i WHERE i.inhrelid = relation
			UNION ALL
			-- what goes by the table's oid or its type, and is not made again below
			SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
			FROM pg_depend d
			JOIN pg_type y ON y.typrelid = relation
			WHERE (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (y.oid, y.typarray) AND d.deptype <> 'i')
			OR (d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND (
				d.classid NOT IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass,
					'pg_policy'::regclass, 'pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_statistic_ext'::regclass, 'pg_publication_rel'::regclass)
				OR EXISTS (SELECT FROM pg_policy y WHERE d.classid = 'pg_policy'::regclass AND y.oid = d.objid AND y.polrelid <> relation)))
			UNION ALL
			SELECT format('table %s', i.inhrelid::regclass) FROM pg_inherits i WHERE i.inhparent = relation
			UNION ALL
			SELECT format('materialized view %s', c.oid::regclass)
			FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class
			WHERE d.refobjid = relation AND c.relkind = 'm'
		) o (name);
		IF obstacle IS NOT NULL THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('%s cannot be partitioned with %s', relation, obstacle),
				HINT = 'Drop them, or set them back to the default, and make them again afterwards.';
		END IF;

		SELECT array_agg(DISTINCT s.statement) INTO statements
		FROM (
			SELECT format('CREATE OR REPLACE VIEW %s%s AS %s', c.oid::regclass,
				' WITH (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid)) AS statement
			FROM pg_depend d
			JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
			JOIN pg_class c ON c.oid = r.ev_class
			WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND c.relkind = 'v'
			UNION ALL
			SELECT pg_get_functiondef(d.objid)
			FROM pg_depend d
			WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND d.classid = 'pg_proc'::regclass
		) s;
		-- granted only once the table is the extension's: else a dump would leave them out
		statements := array_cat(array_prepend('ALTER EXTENSION liveness ADD TABLE @extschema@.provider_heartbeats', statements), (
			SELECT array_agg(format('GRANT %s%s ON %s TO %s%s', g.privilege_type, g.columns, relation,
				CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' END))
			FROM (
				SELECT a.privilege_type, '' AS columns, a.grantee, a.is_grantable
				FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
				WHERE c.oid = relation AND a.grantee <> c.relowner
				UNION ALL
				SELECT a.privilege_type, format(' (%I)', t.attname), a.grantee, a.is_grantable
				FROM pg_attribute t CROSS JOIN aclexplode(t.attacl) a
				WHERE t.attrelid = relation
			) g));
		statements := array_cat(statements, (
			SELECT array_agg(format('COMMENT ON INDEX %s IS %L', i.indexrelid::regclass, obj_description(i.indexrelid, 'pg_class')))
			FROM pg_index i
			WHERE i.indrelid = relation AND obj_description(i.indexrelid, 'pg_class') IS NOT NULL));
		statements := statements || format('COMMENT ON CONSTRAINT idx_provider_heartbeats_provider_at ON %s IS %L', relation, (
				SELECT obj_description(k.oid, 'pg_constraint') FROM pg_constraint k WHERE k.conrelid = relation AND k.contype = 'p'))
			|| format('COMMENT ON TABLE %s IS %L', relation, obj_description(relation, 'pg_class'));
		-- an index takes its old name with it
		SELECT array_agg(format('ALTER INDEX %s RENAME TO %I', i.indexrelid::regclass, 'before_' || c.relname))
			|| array_agg(CASE WHEN i.indisprimary
				THEN 'ALTER TABLE @extschema@.provider_heartbeats ADD CONSTRAINT idx_provider_heartbeats_provider_at PRIMARY KEY (provider_id, at, id)'
				ELSE pg_get_indexdef(c.oid) END)
			|| statements
		INTO statements
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE i.indrelid = relation;
		statements := ARRAY['ALTER TABLE @extschema@.provider_heartbeats RENAME TO provider_heartbeats_before',
			'SELECT liveness_internal.liveness_make_like(''@extschema@.provider_heartbeats_before'', ''@extschema@.provider_heartbeats'', true)',
			'ALTER SEQUENCE @extschema@.provider_heartbeats_id_seq OWNED BY @extschema@.provider_heartbeats.id',
			'SELECT liveness_internal.liveness_make_like(''@extschema@.provider_heartbeats_before'', ''@extschema@.provider_heartbeats_after'', false)',
			'ALTER EXTENSION liveness ADD TABLE @extschema@.provider_heartbeats_after',
			'SELECT liveness_internal.liveness_dump_rows_of(''@extschema@.provider_heartbeats_after'')'] || statements;
		FOREACH statement IN ARRAY statements
		LOOP
			EXECUTE statement;
		END LOOP;

		-- unless it is to be moved to partitions of its own, or a clock ahead of the time wrote it
		IF since IS NULL THEN
			start := start + width;
		END IF;
		before_until := start;
		lower := start;
		ahead := '@extschema@.provider_heartbeats_after';
		-- the watermark goes on: the ids are those of the same sequence
		UPDATE liveness_internal.liveness_job_state s
		SET watermark_of = replace(s.watermark_of, format('/%s/', relation::oid), format('/%s/', '@extschema@.provider_heartbeats'::regclass::oid))
		WHERE s.job = 'hourly';
	END IF;

	relation := '@extschema@.provider_heartbeats';
	IF ahead IS NULL THEN
		SELECT r.partition, r.since INTO ahead, lower
		FROM liveness_internal.liveness_heartbeat_partitions() r
		JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.partition AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
		WHERE r.until = 'infinity' AND isfinite(r.since);
		IF ahead IS NULL THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('%s was not partitioned by liveness_partition_heartbeats()', relation),
				HINT = 'Let whatever made its partitions make the others too.';
		END IF;
		IF lower >= until THEN
			RETURN 0;
		END IF;
		EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', relation);
		EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', relation, ahead);
	END IF;

	-- the first new partition fills what lies between
	upper := greatest(start, date_bin(width, lower, monday));
	upper := CASE WHEN upper > lower THEN upper ELSE upper + width END;
	WHILE lower < until
	LOOP
		-- which would run with the rights of the owner, whoever made it
		IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ahead AND NOT t.tgisinternal) THEN
			EXECUTE format('SELECT EXISTS (SELECT FROM %s h WHERE h.at >= $1 AND h.at < $2)', ahead) INTO is_filled USING lower, upper;
			IF is_filled THEN
				RAISE WARNING 'no partition was made from % to %, because a trigger would run for each heartbeat that is to be moved there', lower, upper
					USING HINT = format('Drop the triggers of %s, or delete these heartbeats.', ahead);
				EXIT;
			END IF;
		END IF;
		statement := '@extschema@.provider_heartbeats_' || to_char(lower,
			CASE WHEN date_trunc('day', lower) = lower AND date_trunc('day', upper) = upper THEN 'YYYYMMDD' ELSE 'YYYYMMDD_HH24' END);
		partition := liveness_internal.liveness_make_like(ahead, statement, false);
		EXECUTE format('WITH moved AS (DELETE FROM %s h WHERE h.at >= $1 AND h.at < $2 RETURNING h.*) INSERT INTO %s SELECT * FROM moved',
			ahead, partition) USING lower, upper;
		EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', relation, partition, lower, upper);
		EXECUTE format('ALTER EXTENSION liveness ADD TABLE %s', partition);
		PERFORM liveness_internal.liveness_dump_rows_of(partition);
		made := made + 1;
		lower := upper;
		upper := upper + width;
	END LOOP;
	EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (MAXVALUE)', relation, ahead, lower);
	IF before_until IS NOT NULL THEN
		EXECUTE 'WITH later AS (DELETE FROM @extschema@.provider_heartbeats_before h WHERE h.at >= $1 RETURNING h.*)'
			' INSERT INTO @extschema@.provider_heartbeats SELECT * FROM later' USING before_until;
		EXECUTE 'ALTER TABLE @extschema@.provider_heartbeats ATTACH PARTITION @extschema@.provider_heartbeats_before'
			' FOR VALUES FROM (MINVALUE) TO (' || quote_literal(before_until) || ')';
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION liveness_partition_heartbeats(interval, timestamptz, timestamptz) IS 'Partitions provider_heartbeats by range of at, and makes the partitions of a span';

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

-- A body that is parsed once calls what was there then, whatever overload others make.
CREATE FUNCTION liveness_internal.liveness_partition_ahead(width interval)
RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT @extschema@.liveness_partition_heartbeats(width, NULL, now() + interval '7 days');
END;
COMMENT ON FUNCTION liveness_internal.liveness_partition_ahead(interval) IS 'liveness_partition_heartbeats for the next 7 days';

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

-- pg_dump dumps the rows of these tables and their privileges, as CREATE EXTENSION makes
-- the rest.  What that was is kept here.
CREATE TABLE liveness_internal.liveness_dump_known (
	relation text NOT NULL,
	phase text NOT NULL,
	rank int NOT NULL,
	statement text NOT NULL,
	undo text NOT NULL
);
COMMENT ON TABLE liveness_internal.liveness_dump_known IS 'What CREATE EXTENSION has made of the tables, as liveness_table_details() tells it: for liveness_dump_extras()';
COMMENT ON COLUMN liveness_internal.liveness_dump_known.relation IS 'The table';
COMMENT ON COLUMN liveness_internal.liveness_dump_known.phase IS 'pre-data: COPY needs it; post-data: the rest';
COMMENT ON COLUMN liveness_internal.liveness_dump_known.rank IS 'Order: a lower one first, 1 or more';
COMMENT ON COLUMN liveness_internal.liveness_dump_known.statement IS 'Makes it';
COMMENT ON COLUMN liveness_internal.liveness_dump_known.undo IS 'Takes it away';

-- Not a parsed body: columns of catalogs come and go, and pg_upgrade would fail at them.
CREATE FUNCTION liveness_internal.liveness_table_details()
RETURNS SETOF liveness_internal.liveness_dump_known
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	WITH tab AS (
		SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name, format('ALTER TABLE %I.%I ', n.nspname, c.relname) AS alter
		FROM pg_depend d
		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'liveness'
		JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	), col AS (
		SELECT t.name, a.*, format_type(a.atttypid, a.atttypmod)
				|| CASE WHEN a.attcollation <> y.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END AS type,
			pg_get_expr(f.adbin, f.adrelid) AS expression, y.typstorage, t.alter, format('%sALTER COLUMN %I ', t.alter, a.attname) AS alter_column
		FROM tab t
		JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_type y ON y.oid = a.atttypid
		LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
	), ind AS (
		SELECT t.name, t.alter, i.*, c.relname, format('%I.%I', n.nspname, c.relname) AS index_name,
			EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS of_constraint
		FROM tab t
		JOIN pg_index i ON i.indrelid = t.oid AND i.indisvalid
		JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace
	), storage (storage, name) AS (
		VALUES ('p'::"char", 'PLAIN'), ('e', 'EXTERNAL'), ('m', 'MAIN'), ('x', 'EXTENDED')
	), detail (relation, phase, rank, statement, undo) AS (
		SELECT name, 'pre-data', attnum - 10000, format('%sADD COLUMN IF NOT EXISTS %I %s', alter, attname, type)
				|| CASE WHEN attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) STORED', expression)
					WHEN attidentity <> '' THEN format(' GENERATED %s AS IDENTITY', CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END)
					ELSE '' END,
			format('%sDROP COLUMN IF EXISTS %I', alter, attname)
		FROM col
		UNION ALL
		SELECT name, 'pre-data', 2, alter_column || 'SET NOT NULL', alter_column || 'DROP NOT NULL' FROM col WHERE attnotnull
		UNION ALL
		SELECT name, 'pre-data', 2, alter_column || 'SET DEFAULT ' || expression, alter_column || 'DROP DEFAULT' FROM col
		WHERE expression IS NOT NULL AND attgenerated = ''
		UNION ALL
		SELECT name, 'post-data', 1, alter_column || 'SET STATISTICS ' || attstattarget, alter_column || 'SET STATISTICS -1' FROM col WHERE attstattarget >= 0
		UNION ALL
		SELECT c.name, 'post-data', 1, c.alter_column || 'SET STORAGE ' || s.name, c.alter_column || 'SET STORAGE ' || o.name
		FROM col c JOIN storage s ON s.storage = c.attstorage JOIN storage o ON o.storage = c.typstorage
		WHERE c.attstorage <> c.typstorage
		UNION ALL
		SELECT name, 'post-data', 1, alter_column || 'SET COMPRESSION ' || CASE attcompression WHEN 'p' THEN 'pglz' ELSE 'lz4' END, alter_column || 'SET COMPRESSION DEFAULT'
		FROM col WHERE attcompression <> ''
		UNION ALL
		SELECT c.name, 'post-data', 1, c.alter_column || format('SET (%I = %s)', o.option_name, o.option_value), c.alter_column || format('RESET (%I)', o.option_name)
		FROM col c CROSS JOIN LATERAL pg_options_to_table(c.attoptions) o
		WHERE o.option_name ~ '^n_distinct'
		UNION ALL
		SELECT t.name, 'post-data', 2, t.alter || format('SET (%I = %L)', o.option_name, o.option_value), t.alter || format('RESET (%I)', o.option_name)
		FROM tab t CROSS JOIN LATERAL pg_options_to_table(t.reloptions) o
		UNION ALL
		SELECT t.name, 'post-data', 2, t.alter || format('SET (toast.%I = %L)', o.option_name, o.option_value), t.alter || format('RESET (toast.%I)', o.option_name)
		FROM tab t JOIN pg_class c ON c.oid = t.reltoastrelid CROSS JOIN LATERAL pg_options_to_table(c.reloptions) o
		UNION ALL
		SELECT name, 'post-data', 2, alter || 'SET UNLOGGED', alter || 'SET LOGGED' FROM tab WHERE relpersistence = 'u'
		UNION ALL
		SELECT t.name, 'post-data', 2, t.alter || format('SET TABLESPACE %I', s.spcname), t.alter || 'SET TABLESPACE pg_default'
		FROM tab t JOIN pg_tablespace s ON s.oid = t.reltablespace
		UNION ALL
		SELECT name, 'post-data', 2, alter || format('OWNER TO %I', pg_get_userbyid(relowner)), alter || 'OWNER TO CURRENT_USER' FROM tab
		UNION ALL
		SELECT t.name, 'post-data', CASE k.contype WHEN 'f' THEN 5 ELSE 3 END, t.alter || format('ADD CONSTRAINT %I ', k.conname) || pg_get_constraintdef(k.oid),
			t.alter || format('DROP CONSTRAINT IF EXISTS %I', k.conname)
		FROM tab t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.conparentid = 0
		UNION ALL
		SELECT name, 'post-data', 4, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON '), 'DROP INDEX IF EXISTS ' || index_name FROM ind WHERE NOT of_constraint
		UNION ALL
		SELECT i.name, 'post-data', 5, format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', i.index_name, a.attnum, a.attstattarget),
			format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS -1', i.index_name, a.attnum)
		FROM ind i JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attstattarget >= 0
		UNION ALL
		SELECT name, 'post-data', 6, alter || format('CLUSTER ON %I', relname), alter || 'SET WITHOUT CLUSTER' FROM ind WHERE indisclustered
		UNION ALL
		SELECT t.name, 'post-data', 6, t.alter || 'REPLICA IDENTITY ' || CASE t.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
				ELSE (SELECT format('USING INDEX %I', i.relname) FROM ind i WHERE i.indrelid = t.oid AND i.indisreplident) END,
			t.alter || 'REPLICA IDENTITY DEFAULT'
		FROM tab t WHERE t.relreplident <> 'd'
		UNION ALL
		SELECT t.name, 'post-data', 6, pg_get_statisticsobjdef(x.oid), format('DROP STATISTICS IF EXISTS %I.%I', n.nspname, x.stxname)
		FROM tab t JOIN pg_statistic_ext x ON x.stxrelid = t.oid JOIN pg_namespace n ON n.oid = x.stxnamespace
		UNION ALL
		SELECT t.name, 'post-data', 7, format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, x.stxname, x.stxstattarget),
			format('ALTER STATISTICS %I.%I SET STATISTICS -1', n.nspname, x.stxname)
		FROM tab t JOIN pg_statistic_ext x ON x.stxrelid = t.oid AND x.stxstattarget >= 0 JOIN pg_namespace n ON n.oid = x.stxnamespace
		UNION ALL
		SELECT t.name, 'post-data', 7, pg_get_triggerdef(g.oid), format('DROP TRIGGER IF EXISTS %I ON %s', g.tgname, t.name)
		FROM tab t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
		UNION ALL
		SELECT t.name, 'post-data', 8, t.alter || format('%s TRIGGER %I', CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, g.tgname),
			t.alter || format('ENABLE TRIGGER %I', g.tgname)
		FROM tab t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgenabled <> 'O'
		UNION ALL
		SELECT t.name, 'post-data', 7, rtrim(pg_get_ruledef(r.oid), ';'), format('DROP RULE IF EXISTS %I ON %s', r.rulename, t.name)
		FROM tab t JOIN pg_rewrite r ON r.ev_class = t.oid
		UNION ALL
		SELECT t.name, 'post-data', 8, t.alter || format('%s RULE %I', CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, r.rulename),
			t.alter || format('ENABLE RULE %I', r.rulename)
		FROM tab t JOIN pg_rewrite r ON r.ev_class = t.oid AND r.ev_enabled <> 'O'
		UNION ALL
		SELECT t.name, 'post-data', 7, format('CREATE POLICY %I ON %s%s FOR %s TO %s%s%s', p.polname, t.name, CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END,
				CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
				(SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ') FROM unnest(p.polroles) r),
				' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
			format('DROP POLICY IF EXISTS %I ON %s', p.polname, t.name)
		FROM tab t JOIN pg_policy p ON p.polrelid = t.oid
		UNION ALL
		SELECT name, 'post-data', 8, alter || 'ENABLE ROW LEVEL SECURITY', alter || 'DISABLE ROW LEVEL SECURITY' FROM tab WHERE relrowsecurity
		UNION ALL
		SELECT name, 'post-data', 8, alter || 'FORCE ROW LEVEL SECURITY', alter || 'NO FORCE ROW LEVEL SECURITY' FROM tab WHERE relforcerowsecurity
		UNION ALL
		-- columns and filter of these from 15 on
		SELECT t.name, 'post-data', 8, format('ALTER PUBLICATION %I ADD TABLE %s%s%s', b.pubname, t.name,
				CASE WHEN jsonb_array_length(v.detail -> 'attnames') < (SELECT count(*) FROM col c WHERE c.attrelid = t.oid)
					THEN (SELECT ' (' || string_agg(quote_ident(c), ', ') || ')' FROM jsonb_array_elements_text(v.detail -> 'attnames') c) END,
				' WHERE (' || (v.detail ->> 'rowfilter') || ')'),
			format('ALTER PUBLICATION %I DROP TABLE %s', b.pubname, t.name)
		FROM tab t
		JOIN pg_publication_rel r ON r.prrelid = t.oid
		JOIN pg_publication b ON b.oid = r.prpubid
		LEFT JOIN (SELECT p.pubname, format('%I.%I', p.schemaname, p.tablename) AS name, to_jsonb(p) AS detail FROM pg_publication_tables p) v
			ON v.pubname = b.pubname AND v.name = t.name
		UNION ALL
		SELECT m.relation, 'post-data', 9, format('COMMENT ON %s IS %L', m.object, m.comment), format('COMMENT ON %s IS NULL', m.object)
		FROM (
			SELECT name AS relation, 'TABLE ' || name AS object, obj_description(oid, 'pg_class') AS comment FROM tab
			UNION ALL SELECT name, format('COLUMN %s.%I', name, attname), col_description(attrelid, attnum) FROM col
			UNION ALL SELECT name, 'INDEX ' || index_name, obj_description(indexrelid, 'pg_class') FROM ind
			UNION ALL SELECT t.name, format('CONSTRAINT %I ON %s', k.conname, t.name), obj_description(k.oid, 'pg_constraint') FROM tab t JOIN pg_constraint k ON k.conrelid = t.oid
			UNION ALL SELECT t.name, format('TRIGGER %I ON %s', g.tgname, t.name), obj_description(g.oid, 'pg_trigger') FROM tab t JOIN pg_trigger g ON g.tgrelid = t.oid
			UNION ALL SELECT t.name, format('POLICY %I ON %s', p.polname, t.name), obj_description(p.oid, 'pg_policy') FROM tab t JOIN pg_policy p ON p.polrelid = t.oid
			UNION ALL SELECT t.name, format('RULE %I ON %s', r.rulename, t.name), obj_description(r.oid, 'pg_rewrite') FROM tab t JOIN pg_rewrite r ON r.ev_class = t.oid
		) m
		WHERE m.comment IS NOT NULL
	)
	SELECT d.relation, d.phase, d.rank, d.statement, d.undo FROM detail d;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_table_details() IS 'What the extension''s tables have beside rows and privileges, as SQL that makes it';

-- What was changed, or taken away, is taken away first; but never a column, with its values.
CREATE FUNCTION liveness_dump_extras(section text DEFAULT NULL)
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT section = ANY (ARRAY['pre-data', 'post-data']) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('there is no section %L', section),
			HINT = 'Give pre-data (what COPY needs), post-data (the rest), or NULL for both.';
	END IF;
	RETURN QUERY
		WITH detail AS MATERIALIZED (
			SELECT d.* FROM liveness_internal.liveness_table_details() d
		), changed AS (
			SELECT d.phase, d.rank, 2 AS step, d.statement
			FROM detail d
			WHERE NOT EXISTS (SELECT FROM liveness_internal.liveness_dump_known k WHERE k.statement = d.statement)
			UNION ALL
			SELECT k.phase, k.rank, 1, k.undo
			FROM liveness_internal.liveness_dump_known k
			WHERE NOT EXISTS (SELECT FROM detail d WHERE d.statement = k.statement)
			AND k.rank > 0
			-- went with what they are about
			AND NOT k.undo ~ '^COMMENT ON (INDEX|CONSTRAINT) '
			-- storage parameters are those of partitions
			AND NOT (k.rank = 2 AND EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass(k.relation) AND c.relkind = 'p'))
		)
		SELECT c.statement || ';'
		FROM changed c
		WHERE c.phase = liveness_dump_extras.section OR liveness_dump_extras.section IS NULL
		ORDER BY c.phase DESC, c.rank, c.step, c.statement;
END
$$;
COMMENT ON FUNCTION liveness_dump_extras(text) IS 'SQL for what pg_dump leaves out of the extension''s tables';

CREATE FUNCTION survival_plot(curve survival_curve, width int DEFAULT 72, height int DEFAULT 16, horizon float8 DEFAULT NULL)
RETURNS SETOF text AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 18;
COMMENT ON FUNCTION survival_plot(survival_curve, int, int, float8) IS 'The curve at a glance, drawn in characters';

-- The one table of privileges: what the functions liveness_grant_* give, and what PUBLIC
-- loses.  A routine that is not in it is PUBLIC's: it must be pure, for views, other
-- functions and aggregates call it with the rights of whoever asks.
CREATE VIEW liveness_internal.liveness_privileges AS
	SELECT p.kind, CASE WHEN p.object LIKE 'liveness_internal.%' THEN p.object ELSE '@extschema@.' || p.object END AS object,
		p.privileges, p.roles::text[] AS roles
	FROM (VALUES
		('TABLE', 'liveness_jobs', 'SELECT', '{reader,operator}'),
		('TABLE', 'liveness_metrics', 'SELECT', '{reader,operator,monitor}'),
		('TABLE', 'liveness_model', 'SELECT', '{reader,operator}'),
		('TABLE', 'liveness_stats', 'SELECT', '{reader,operator}'),
		('TABLE', 'network_availability', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_availability_matrix', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_disconnect_reasons', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_exclusions', 'INSERT, UPDATE, DELETE', '{operator}'),
		('TABLE', 'provider_exclusions', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_groups', 'INSERT, UPDATE, DELETE', '{operator}'),
		('TABLE', 'provider_groups', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_heartbeat_history', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_heartbeats', 'DELETE', '{operator}'),
		('TABLE', 'provider_heartbeats', 'SELECT', '{reader,writer,operator}'),
		('TABLE', 'provider_heartbeats', 'INSERT', '{writer}'),
		('TABLE', 'provider_heartbeats_hourly', 'INSERT, UPDATE, DELETE', '{operator}'),
		('TABLE', 'provider_heartbeats_hourly', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_liveness', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_outages', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_reliability_features', 'INSERT, UPDATE, DELETE', '{operator}'),
		('TABLE', 'provider_reliability_features', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_session_history', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_sessions', 'DELETE', '{operator}'),
		('TABLE', 'provider_sessions', 'SELECT', '{reader,writer,operator}'),
		('TABLE', 'provider_sessions', 'INSERT, UPDATE', '{writer,operator}'),
		('TABLE', 'provider_spells', 'SELECT', '{reader,operator}'),
		('TABLE', 'provider_stale_sessions', 'SELECT', '{reader,operator}'),
		('TABLE', 'liveness_internal.liveness_excluded', 'SELECT', '{reader,operator}'),
		('TABLE', 'liveness_internal.liveness_fleet_hazard', 'INSERT, UPDATE, DELETE', '{operator}'),
		('TABLE', 'liveness_internal.liveness_fleet_hazard', 'SELECT', '{reader,operator}'),
		('TABLE', 'liveness_internal.liveness_granted_role', 'SELECT', '{operator}'),
		('TABLE', 'liveness_internal.liveness_hour_sums', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
		('TABLE', 'liveness_internal.liveness_job_state', 'INSERT, UPDATE, DELETE', '{operator}'),
		('TABLE', 'liveness_internal.liveness_job_state', 'SELECT', '{reader,operator}'),
		('TABLE', 'liveness_internal.liveness_last_signs', 'SELECT', '{reader,writer,operator}'),
		('TABLE', 'liveness_internal.liveness_live_sessions', 'SELECT', '{reader,writer,operator}'),
		('TABLE', 'liveness_internal.liveness_provider_hazard', 'INSERT, UPDATE, DELETE', '{operator}'),
		('TABLE', 'liveness_internal.liveness_provider_hazard', 'SELECT', '{reader,operator}'),
		('TABLE', 'liveness_internal.liveness_running', 'SELECT', '{reader,operator}'),
		('TABLE', 'liveness_internal.liveness_shock_estimate', 'INSERT, UPDATE, DELETE', '{operator}'),
		('TABLE', 'liveness_internal.liveness_shock_estimate', 'SELECT', '{reader,operator}'),
		('SEQUENCE', 'provider_exclusions_id_seq', 'USAGE', '{operator}'),
		('SEQUENCE', 'provider_heartbeats_id_seq', 'SELECT', '{operator}'),
		('SEQUENCE', 'provider_heartbeats_id_seq', 'USAGE', '{writer}'),
		('SEQUENCE', 'provider_sessions_id_seq', 'USAGE', '{writer,operator}'),
		('ROUTINE', 'liveness_adopt(regclass, regclass, regclass)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_at_risk(interval, float8)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_backtest(interval, timestamptz, timestamptz, interval)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_backtest_joint(interval, timestamptz, timestamptz, interval, int)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_calibration(interval, timestamptz, timestamptz, interval)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_candidates(interval, float8, int)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_candidates_at(timestamptz, interval, float8, int)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_close_orphans(text, text)', 'EXECUTE', '{writer}'),
		('ROUTINE', 'liveness_close_session(bigint, text, timestamptz, timestamptz, bigint, bigint, text)', 'EXECUTE', '{writer}'),
		('ROUTINE', 'liveness_close_stale(interval, text)', 'EXECUTE', '{writer,operator}'),
		('ROUTINE', 'liveness_distribute(int)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_dump_extras(text)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_emit(text, text, float8, float8, text, float8, float8, float8, text, text, jsonb, timestamptz)', 'EXECUTE', '{writer}'),
		('ROUTINE', 'liveness_emit_batch(jsonb)', 'EXECUTE', '{writer}'),
		('ROUTINE', 'liveness_end_exclusion(bigint, timestamptz)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_exclude(text, timestamptz, timestamptz, text)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_explain(text)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_features_at(timestamptz, int)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_fleet_connected(timestamptz, timestamptz, interval)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_fleet_survival(timestamptz, int)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_flush()', 'EXECUTE', '{writer,operator}'),
		('ROUTINE', 'liveness_forget_provider(text)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_grant_monitor(regrole)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_grant_operator(regrole)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_grant_reader(regrole)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_grant_writer(regrole)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_heatmap(text)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_open_session(text, text, timestamptz)', 'EXECUTE', '{writer}'),
		('ROUTINE', 'liveness_open_sessions(text[], text, timestamptz)', 'EXECUTE', '{writer}'),
		('ROUTINE', 'liveness_partition_heartbeats(interval, timestamptz, timestamptz)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_checkpoint(text, interval, interval, interval)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_place(int, interval, float8, text[])', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_probability(text, interval)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_remaining(text, float8)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_prune(interval, int)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_prune_batch(interval, int)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_reliability(float8, float8, float8, float8, float8, int)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_replicas(interval, float8, int, text[])', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_rollup_features(timestamptz, int)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_rollup_hourly(timestamptz, timestamptz)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_run(text)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_schedule()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_sessionize(timestamptz, timestamptz, interval)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_stats_reset()', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_unschedule()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_uptime(timestamptz, timestamptz, text)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_internal.liveness_backtest_cases(interval, timestamptz, timestamptz, interval)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_internal.liveness_choose_connected(int, interval, float8, int, text[], boolean)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_internal.liveness_close_hours(timestamptz)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_close_rolled_up_hours(timestamptz)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_connected(bigint)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_internal.liveness_count(text, float8)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_count_failed_close()', 'EXECUTE', '{writer}'),
		('ROUTINE', 'liveness_internal.liveness_counters(boolean)', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_cron_jobs()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_cron_schema()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_distribute_reads()', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_distributed()', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_drop_partitions(timestamptz)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_dump_rows_of(regclass)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_effective_batch_size(int)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_estimate_shocks(timestamptz)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_internal.liveness_extend_partitions()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_follow_outages()', 'EXECUTE', '{writer,operator}'),
		('ROUTINE', 'liveness_internal.liveness_guard_node()', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_heartbeat_partitions()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_in_transaction_block()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_hypertable()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_live_session(text)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_internal.liveness_lock_job(text, boolean)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_lock_partitions(timestamptz, boolean)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_make_like(regclass, text, boolean)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_merge_job_state(text, text)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_metrics_ends()', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_metrics_bridged()', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_metrics_exclusions()', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_metrics_backlog()', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_metrics_at_risk()', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_metrics_fleet()', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_metrics_jobs()', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_metrics_model()', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_metrics_overdue()', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_metrics_stale()', 'EXECUTE', '{reader,operator,monitor,pg_monitor}'),
		('ROUTINE', 'liveness_internal.liveness_note_error(text, text)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_lock_sessions(bigint[])', 'EXECUTE', '{writer,operator}'),
		('ROUTINE', 'liveness_internal.liveness_note_outage(bigint[])', 'EXECUTE', '{writer,operator}'),
		('ROUTINE', 'liveness_internal.liveness_outage_threshold()', 'EXECUTE', '{writer,operator}'),
		('ROUTINE', 'liveness_internal.liveness_partition_ahead(interval)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_prepared_fleet()', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_internal.liveness_prune_cut(interval)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_prune_derived(int)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_prune_heartbeats(timestamptz, int)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_prune_partitions(timestamptz, timestamptz)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_prune_step(timestamptz, int, timestamptz, text[], bigint)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_raise(text, text, text, text)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_record_error(text, text)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_record_run(text, timestamptz, interval, bigint)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_refuse_id()', 'EXECUTE', '{writer,operator}'),
		('ROUTINE', 'liveness_internal.liveness_refuse_rename()', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_rollup_to_prune(timestamptz, timestamptz)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_run(text, interval, int)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_run_features(timestamptz, int)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_run_hourly(timestamptz, timestamptz)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_run_shocks(timestamptz)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_run_sessions(boolean)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_running_one(text, timestamptz)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_internal.liveness_session_before(text, timestamptz)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_session_bounds(int)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_settings_digest()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_oldest_running()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_written_since(xid,jsonb)', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_internal.liveness_shock_shares(bigint)', 'EXECUTE', '{reader,operator}'),
		('ROUTINE', 'liveness_internal.liveness_table_details()', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_wants_sessions()', 'EXECUTE', '{operator}'),
		('ROUTINE', 'liveness_regrant()', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_revoke(regrole)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_grant(regrole, text)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_grant_here(regrole, text)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_on_other_nodes(text, text)', 'EXECUTE', '{}'),
		('ROUTINE', 'liveness_internal.liveness_revoke_here(regrole)', 'EXECUTE', '{}')
	) p (kind, object, privileges, roles);
COMMENT ON VIEW liveness_internal.liveness_privileges IS 'Who gets what: a row an object and set of privileges';
COMMENT ON COLUMN liveness_internal.liveness_privileges.kind IS 'TABLE, SEQUENCE or ROUTINE';
COMMENT ON COLUMN liveness_internal.liveness_privileges.object IS 'Its qualified name, and of a routine the types of its arguments';
COMMENT ON COLUMN liveness_internal.liveness_privileges.privileges IS 'What GRANT gives';
COMMENT ON COLUMN liveness_internal.liveness_privileges.roles IS 'reader, writer, operator, monitor, and pg_monitor, which is PostgreSQL''s own; none: the owner''s alone';

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

-- On other nodes than the coordinator of Citus, which sends on what is granted on tables, the
-- rest alone: both would wait for each other.
CREATE FUNCTION liveness_internal.liveness_grant_here(role regrole, kind text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	without_tables boolean := coalesce(current_setting('citus.enable_ddl_propagation', true) = 'off', false);
BEGIN
	EXECUTE (
		SELECT string_agg(s.statement, '; ')
		FROM (
			SELECT format('GRANT USAGE ON SCHEMA %s TO %s', n.oid::regnamespace, $1) AS statement
			FROM pg_namespace n
			WHERE n.oid IN ('@extschema@'::regnamespace, 'liveness_internal'::regnamespace)
			AND NOT (without_tables AND has_schema_privilege($1, n.oid, 'USAGE'))
			UNION ALL
			SELECT format('GRANT %s ON %s %s TO %s', p.privileges, p.kind, p.object, $1)
			FROM liveness_internal.liveness_privileges p
			WHERE $2 = ANY (p.roles)
			AND NOT (without_tables AND p.kind <> 'ROUTINE' AND EXISTS (
				SELECT 1 FROM pg_class c WHERE p.kind <> 'ROUTINE' AND c.oid = p.object::regclass AND c.relkind <> 'v'))
		) s
	);
	INSERT INTO liveness_internal.liveness_granted_role AS g (role, kind)
	SELECT r.rolname, $2 FROM pg_roles r WHERE r.oid = $1
	ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_grant_here(regrole, text) IS 'Grants a role on this node all that one of its kind gets, and remembers the role';

CREATE FUNCTION liveness_internal.liveness_revoke_here(role regrole)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE (
		SELECT format('REVOKE USAGE ON SCHEMA %s, liveness_internal FROM %s; ', '@extschema@', $1)
			|| string_agg(format('REVOKE ALL ON %s %s FROM %s', p.kind, p.object, $1), '; ')
		FROM liveness_internal.liveness_privileges p
	);
	DELETE FROM liveness_internal.liveness_granted_role g
	USING pg_roles r
	WHERE r.oid = $1 AND g.role = r.rolname;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_revoke_here(regrole) IS 'Takes from a role on this node all privileges on the objects of the extension';

CREATE FUNCTION liveness_internal.liveness_grant(role regrole, kind text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM liveness_internal.liveness_on_other_nodes(format('liveness_internal.liveness_grant_here(%L, %L)', role, kind), 'GRANT');
	PERFORM liveness_internal.liveness_grant_here(role, kind);
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_grant(regrole, text) IS 'Grants a role all that one of its kind gets, on all nodes, and remembers the role';

CREATE FUNCTION liveness_grant_reader(role regrole)
RETURNS void
LANGUAGE sql VOLATILE STRICT
BEGIN ATOMIC
	SELECT liveness_internal.liveness_grant(role, 'reader'::text);
END;
COMMENT ON FUNCTION liveness_grant_reader(regrole) IS 'Lets a role read tables and views, and nothing more';

CREATE FUNCTION liveness_grant_writer(role regrole)
RETURNS void
LANGUAGE sql VOLATILE STRICT
BEGIN ATOMIC
	SELECT liveness_internal.liveness_grant(role, 'writer'::text);
END;
COMMENT ON FUNCTION liveness_grant_writer(regrole) IS 'Lets a role write heartbeats and sessions, and nothing more';

CREATE FUNCTION liveness_grant_operator(role regrole)
RETURNS void
LANGUAGE sql VOLATILE STRICT
BEGIN ATOMIC
	SELECT liveness_internal.liveness_grant(role, 'operator'::text);
END;
COMMENT ON FUNCTION liveness_grant_operator(regrole) IS 'Lets a role read everything, run rollups and retention, and schedule them';

CREATE FUNCTION liveness_grant_monitor(role regrole)
RETURNS void
LANGUAGE sql VOLATILE STRICT
BEGIN ATOMIC
	SELECT liveness_internal.liveness_grant(role, 'monitor'::text);
END;
COMMENT ON FUNCTION liveness_grant_monitor(regrole) IS 'Lets a role read liveness_metrics, and nothing more';

-- Not in an update script: what ALTER EXTENSION grants counts as the extension's own, and
-- pg_dump then leaves it out.
CREATE FUNCTION liveness_regrant()
RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT count(liveness_internal.liveness_grant(r.oid::regrole, g.kind)::text)
	FROM liveness_internal.liveness_granted_role g
	JOIN pg_catalog.pg_roles r ON r.rolname = g.role;
END;
COMMENT ON FUNCTION liveness_regrant() IS 'After an update, gives readers, writers, operators and monitors what is new';

CREATE FUNCTION liveness_revoke(role regrole)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM liveness_internal.liveness_on_other_nodes(format('liveness_internal.liveness_revoke_here(%L)', role), 'REVOKE');
	PERFORM liveness_internal.liveness_revoke_here(role);
END
$$;
COMMENT ON FUNCTION liveness_revoke(regrole) IS 'Takes from a role all privileges on the objects of the extension and its schemas';

-- Functions in PL/pgSQL name the schema in their text.  Were it renamed, whoever made one
-- of the old name would have his functions called.  A superuser's, as the event trigger:
-- it runs as whoever alters a schema.
CREATE FUNCTION liveness_internal.liveness_refuse_rename()
RETURNS event_trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_extension e
		WHERE e.extname = 'liveness' AND (e.extnamespace IS DISTINCT FROM to_regnamespace('@extschema@')::oid
			OR NOT EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = 'pg_namespace'::regclass AND d.objid = to_regnamespace('liveness_internal')
				AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid)))
	THEN
		RAISE EXCEPTION USING
			ERRCODE = 'feature_not_supported',
			MESSAGE = 'the schemas @extschema@ and liveness_internal cannot be renamed while the extension liveness is in them',
			HINT = 'To move the extension, dump the database, and restore it with the extension created in another schema.';
	END IF;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_refuse_rename() IS 'Event trigger: the extension''s schema keeps its name (error 0A000)';
CREATE EVENT TRIGGER liveness_refuse_rename ON ddl_command_end WHEN TAG IN ('ALTER SCHEMA')
	EXECUTE FUNCTION liveness_internal.liveness_refuse_rename();
ALTER EVENT TRIGGER liveness_refuse_rename ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER liveness_refuse_rename IS 'The extension''s schema keeps its name';
DO LANGUAGE plpgsql $do$
DECLARE
	superuser CONSTANT pg_catalog.text := pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(10::pg_catalog.oid)::pg_catalog.text);
BEGIN
	EXECUTE pg_catalog.concat('ALTER FUNCTION liveness_internal.liveness_refuse_rename() OWNER TO ', superuser);
	EXECUTE pg_catalog.concat('ALTER EVENT TRIGGER liveness_refuse_rename OWNER TO ', superuser);
END
$do$;

-- What a script of ours has granted or revoked before stays: another GRANT or REVOKE would
-- make what the site has granted since then the extension's own, which pg_dump leaves out.
DO LANGUAGE plpgsql $do$
DECLARE
	statement text;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	FOR statement IN
		WITH fresh AS (
			SELECT p.kind, p.object, p.privileges, p.roles
			FROM liveness_internal.liveness_privileges p
			CROSS JOIN LATERAL (
				SELECT CASE p.kind WHEN 'ROUTINE' THEN 'pg_proc'::regclass ELSE 'pg_class'::regclass END AS classid,
					CASE p.kind WHEN 'ROUTINE' THEN p.object::regprocedure::oid ELSE p.object::regclass::oid END AS objid
			) o
			WHERE NOT EXISTS (SELECT FROM pg_init_privs i WHERE i.classoid = o.classid AND i.objoid = o.objid AND i.objsubid = 0)
		)
		SELECT s.statement
		FROM (
			SELECT DISTINCT 1 AS step, format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f.object) AS statement FROM fresh f WHERE f.kind = 'ROUTINE'
			UNION ALL
			SELECT 2, format('GRANT %s ON %s %s TO pg_monitor', f.privileges, f.kind, f.object) FROM fresh f WHERE 'pg_monitor' = ANY (f.roles)
		) s
		ORDER BY s.step
	LOOP
		EXECUTE statement;
	END LOOP;
END
$do$;

-- A function or operator that stands in our schema and fits better than the one we
-- mean would be called in its place.  Nothing of ours that is new has run yet.  The tables are
-- not asked: their defaults and indexes leave no choice, and a site may have added its own.
DO LANGUAGE plpgsql $do$
DECLARE
	strangers text;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	WITH members AS (
		SELECT d.classid, d.objid
		FROM pg_depend d
		JOIN pg_extension e ON e.oid = d.refobjid
		WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'liveness'
	), ours AS (
		-- with what belongs to them: rules of views, row types
		SELECT m.classid, m.objid FROM members m
		UNION
		SELECT d.classid, d.objid
		FROM members m
		JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid
		WHERE d.deptype = 'i'
	)
	SELECT string_agg(DISTINCT pg_describe_object(d.refclassid, d.refobjid, 0), ', ')
	INTO strangers
	FROM ours o
	JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid
	WHERE d.classid <> 'pg_class'::regclass
	AND d.refclassid IN ('pg_class'::regclass, 'pg_operator'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass)
	AND d.refobjid >= 16384
	AND (d.refclassid, d.refobjid) NOT IN (SELECT o.classid, o.objid FROM ours o);
	IF strangers IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_object',
			MESSAGE = format('schema %s holds what would take the place of objects of PostgreSQL or of liveness: %s', '@extschema@', strangers),
			HINT = 'Create the extension in another schema, in which nobody else may create objects.';
	END IF;
END
$do$;

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

-- From 15 on a view shows everybody what his own rights and policies let him see, but for
-- the one that tells of the whole fleet.
DO LANGUAGE plpgsql $do$
DECLARE
	view pg_catalog.regclass;
BEGIN
	IF pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.>=) 150000 THEN
		FOR view IN
			SELECT c.oid
			FROM pg_catalog.pg_class c
			JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) c.tableoid AND d.objid OPERATOR(pg_catalog.=) c.oid
			JOIN pg_catalog.pg_extension e ON d.refclassid OPERATOR(pg_catalog.=) e.tableoid AND d.refobjid OPERATOR(pg_catalog.=) e.oid
			WHERE e.extname OPERATOR(pg_catalog.=) 'liveness'::pg_catalog.name
			AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char"
			AND c.relkind OPERATOR(pg_catalog.=) 'v'::pg_catalog."char"
			AND c.relname OPERATOR(pg_catalog.<>) 'liveness_metrics'::pg_catalog.name
		LOOP
			EXECUTE pg_catalog.concat('ALTER VIEW ', view::pg_catalog.text, ' SET (security_invoker = true)');
		END LOOP;
	END IF;
END
$do$;

-- An update has worded views and functions for a plain server.  On other nodes of Citus than the
-- coordinator the question is an error.
DO LANGUAGE plpgsql $do$
BEGIN
	IF NOT liveness_internal.liveness_distributed() THEN
		RETURN;
	END IF;
	PERFORM liveness_internal.liveness_distribute_reads();
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	PERFORM liveness_internal.liveness_distribute_reads();
END
$do$;

-- Last of all
INSERT INTO liveness_internal.liveness_dump_known
	SELECT d.relation, d.phase, d.rank, d.statement, d.undo
	FROM liveness_internal.liveness_table_details() d
	WHERE NOT EXISTS (SELECT FROM liveness_internal.liveness_dump_known k WHERE k.statement OPERATOR(pg_catalog.=) d.statement);
DELETE FROM liveness_internal.liveness_dump_known WHERE phase OPERATOR(pg_catalog.=) 'site';
