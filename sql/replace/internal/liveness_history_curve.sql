CREATE FUNCTION liveness_internal.liveness_history_curve(history bytea, as_of timestamptz)
RETURNS survival_curve AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_curve(bytea, timestamptz) IS 'Kaplan-Meier curve of the spells of a history, in seconds, as they were known then; NULL without any';
