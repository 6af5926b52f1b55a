CREATE FUNCTION liveness_internal.liveness_raise(sqlstate text, message text, detail text, hint text)
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_raise(text, text, text, text) IS 'Raises an error, for procedures that catch one to note it';
