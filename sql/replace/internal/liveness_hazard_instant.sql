CREATE FUNCTION liveness_internal.liveness_hazard_instant(as_of timestamptz)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hazard_instant(timestamptz) IS 'The instant as of which the numbers of the fleet are counted for an answer';
