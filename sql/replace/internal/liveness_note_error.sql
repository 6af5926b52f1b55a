-- What goes wrong here must not hide what went wrong before.
CREATE FUNCTION liveness_internal.liveness_note_error(job text, error text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM liveness_internal.liveness_record_error(job, error);
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING 'the error of job "%" cannot be noted in liveness_jobs: %', job, SQLERRM;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_note_error(text, text) IS 'As liveness_record_error, but with a WARNING where the error cannot be recorded';
