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
