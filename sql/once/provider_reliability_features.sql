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
