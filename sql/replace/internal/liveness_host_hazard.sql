CREATE FUNCTION liveness_internal.liveness_host_hazard(history bytea, fleet float8[], as_of timestamptz)
RETURNS real[] AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_host_hazard(bytea, float8[], timestamptz) IS 'How the hazard of one provider differs from that of the fleet: 96 numbers';
