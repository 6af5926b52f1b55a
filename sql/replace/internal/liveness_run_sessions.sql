CREATE FUNCTION liveness_internal.liveness_run_sessions(asked boolean)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_run_sessions(boolean) IS 'The job sessions, for the jobs: makes them if asked or set so, and closes stale ones';
