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
	spells_count int
);
COMMENT ON TYPE liveness_reliability_row IS 'Row of liveness_reliability: the columns of provider_reliability_features, as defined there';
