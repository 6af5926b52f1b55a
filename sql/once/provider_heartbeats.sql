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
