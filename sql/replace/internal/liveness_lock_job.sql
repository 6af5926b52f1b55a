CREATE FUNCTION liveness_internal.liveness_lock_job(job text, wait boolean)
RETURNS boolean AS 'MODULE_PATHNAME', 'liveness_lock_job_sql' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_lock_job(text, boolean) IS 'Takes the lock of a job until the transaction ends';
