CREATE FUNCTION liveness_internal.liveness_utc_hour(at timestamptz)
RETURNS timestamptz AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_utc_hour(timestamptz) IS 'Start of the UTC hour that holds the instant, whatever the time zone; an infinity is its own hour';
