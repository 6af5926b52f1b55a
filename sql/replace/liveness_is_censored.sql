CREATE FUNCTION liveness_is_censored(disconnect_reason text)
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_is_censored(text) IS 'Is this one of liveness.censored_reasons, by which the observer went away and not the provider?';
