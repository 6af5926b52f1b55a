CREATE FUNCTION liveness_internal.liveness_setting_interval(name text)
RETURNS interval AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_setting_interval(text) IS 'The value of a setting that is a duration; NULL where the setting is off';
