CREATE FUNCTION liveness_internal.liveness_instant(at timestamptz, name text)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_instant(timestamptz, text) IS 'An argument of that name, once it has been checked to be an instant';
