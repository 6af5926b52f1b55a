CREATE FUNCTION liveness_internal.liveness_history_exclude(history bytea, excluded tstzmultirange)
RETURNS bytea AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_history_exclude(bytea, tstzmultirange) IS 'The same history, with other excluded time';
