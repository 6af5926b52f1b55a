CREATE FUNCTION liveness_internal.liveness_hazard_since(as_of timestamptz)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_hazard_since(timestamptz) IS 'The instant before which ended sessions are not counted for an answer';
