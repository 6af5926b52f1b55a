CREATE PROCEDURE liveness_run(job text)
LANGUAGE plpgsql
AS $$
BEGIN
	IF liveness_internal.liveness_in_transaction_block() THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_transaction_termination',
			MESSAGE = 'liveness_run commits and cannot run inside a transaction block',
			HINT = 'Call it outside of a transaction block, or call the rollup function in yours.';
	END IF;
	CALL liveness_internal.liveness_run(job, NULL::pg_catalog.interval, NULL::pg_catalog.int4);
END
$$;
COMMENT ON PROCEDURE liveness_run(text) IS 'Runs a job (features, hourly, retention, sessions), and notes an error in liveness_jobs';
