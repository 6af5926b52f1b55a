CREATE FUNCTION liveness_stats_reset()
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION liveness_stats_reset() IS 'Sets every counter of liveness_stats to zero';
