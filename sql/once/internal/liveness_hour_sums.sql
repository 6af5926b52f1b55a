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
