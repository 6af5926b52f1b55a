CREATE FUNCTION liveness_internal.liveness_span_uptime(since timestamptz, until timestamptz, provider_id text,
	history bytea, as_of timestamptz, excluded tstzmultirange)
RETURNS liveness_uptime_row AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_span_uptime(timestamptz, timestamptz, text, bytea, timestamptz, tstzmultirange) IS 'Uptime and outages of a span, which the history covers as of then';
