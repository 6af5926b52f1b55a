CREATE FUNCTION liveness_internal.liveness_distributed()
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION liveness_internal.liveness_distributed() IS 'Whether Citus distributes the tables; an error where it distributes some, and on other nodes';
