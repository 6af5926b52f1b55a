-- A function cannot keep a record of its own failure, for its transaction is
-- rolled back; a procedure can.  This is what a scheduler calls.
CREATE PROCEDURE liveness_run(job text)
LANGUAGE plpgsql
AS $$
DECLARE
	failure pg_catalog.text;
	failure_code pg_catalog.text;
	failure_detail pg_catalog.text;
	failure_hint pg_catalog.text;
BEGIN
	IF job OPERATOR(pg_catalog.=) 'retention'::pg_catalog.text THEN
		CALL @extschema@.liveness_prune(NULL::pg_catalog.interval, NULL::pg_catalog.int4);
		RETURN;
	END IF;
	IF job IS NULL OR NOT job OPERATOR(pg_catalog.=) ANY (ARRAY['features', 'hourly']::pg_catalog.text[]) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = pg_catalog.format('there is no job %L', job),
			HINT = 'The jobs are features, hourly and retention.';
	END IF;
	IF liveness_internal.liveness_in_transaction_block() THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_transaction_termination',
			MESSAGE = 'liveness_run commits and cannot run inside a transaction block',
			HINT = 'Call it outside of a transaction block, or call the rollup function in yours.';
	END IF;

	COMMIT;
	SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
	BEGIN
		IF job OPERATOR(pg_catalog.=) 'features'::pg_catalog.text THEN
			PERFORM @extschema@.liveness_rollup_features(pg_catalog.now(), NULL::pg_catalog.int4);
		ELSE
			PERFORM @extschema@.liveness_rollup_hourly(NULL::pg_catalog.timestamptz, NULL::pg_catalog.timestamptz);
		END IF;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS failure = MESSAGE_TEXT, failure_code = RETURNED_SQLSTATE,
			failure_detail = PG_EXCEPTION_DETAIL, failure_hint = PG_EXCEPTION_HINT;
		PERFORM liveness_internal.liveness_note_error(job, failure);
	END;
	IF failure IS NOT NULL THEN
		COMMIT;
		PERFORM liveness_internal.liveness_raise(failure_code, failure, failure_detail, failure_hint);
	END IF;
END
$$;
COMMENT ON PROCEDURE liveness_run(text) IS 'Runs a job (features, hourly or retention) for a scheduler, and notes an error in liveness_jobs';
