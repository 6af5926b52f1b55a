CREATE TYPE liveness_fleet_connected_row AS (
	at timestamptz,
	connected bigint
);
COMMENT ON TYPE liveness_fleet_connected_row IS 'Row of liveness_fleet_connected: an instant';
COMMENT ON COLUMN liveness_fleet_connected_row.at IS 'The instant';
COMMENT ON COLUMN liveness_fleet_connected_row.connected IS 'Providers that were in a spell then, 0 or more';
