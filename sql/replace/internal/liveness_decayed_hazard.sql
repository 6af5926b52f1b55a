CREATE FUNCTION liveness_internal.liveness_decayed_hazard(hazard real[], counted_at timestamptz, as_of timestamptz)
RETURNS real[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_decayed_hazard(real[], timestamptz, timestamptz) IS 'What liveness_host_hazard counted at an instant, as of a later one';
