CREATE FUNCTION liveness_internal.liveness_settings_digest()
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_settings_digest() IS 'A number that differs where settings differ that figures depend on; nodes of Citus compare it';
