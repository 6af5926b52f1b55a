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
