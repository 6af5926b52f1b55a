-- What a scheduler calls.  A function cannot keep a record of its own failure, for its
-- transaction is rolled back; a procedure can.
--
-- Every name is qualified, operators too: a SET clause would forbid COMMIT.  With each
-- COMMIT the extension may be dropped, and others may make a schema of this name: a lock on
-- its oldest table holds it, and shows that it is still the same.
CREATE PROCEDURE liveness_internal.liveness_run(job text, retain interval, batch_size int)
LANGUAGE plpgsql
AS $$
DECLARE
	started_at pg_catalog.timestamptz := pg_catalog.clock_timestamp();
	ours pg_catalog.oid := pg_catalog.to_regclass('liveness_internal.liveness_granted_role')::pg_catalog.oid;
	rows pg_catalog.int4 := liveness_internal.liveness_effective_batch_size(batch_size);
	cut pg_catalog.timestamptz := liveness_internal.liveness_prune_cut(retain);
	parts pg_catalog.text[];
	total pg_catalog.int8 := 0;
	more pg_catalog.bool;
	failure pg_catalog.text;
	failure_code pg_catalog.text;
	failure_detail pg_catalog.text;
	failure_hint pg_catalog.text;
BEGIN
	IF job IS NULL OR NOT job OPERATOR(pg_catalog.=) ANY (ARRAY['features', 'hourly', 'retention', 'sessions']::pg_catalog.text[]) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = pg_catalog.format('there is no job %L', job),
			HINT = 'The jobs are features, hourly, retention and sessions.';
	END IF;

	LOOP
		-- an old snapshot would not show what there is to do
		COMMIT;
		SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
		LOCK TABLE liveness_internal.liveness_granted_role IN ACCESS SHARE MODE;
		IF pg_catalog.to_regclass('liveness_internal.liveness_granted_role')::pg_catalog.oid OPERATOR(pg_catalog.<>) ours THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = 'the extension liveness was dropped during the run';
		END IF;
		IF failure IS NOT NULL THEN
			PERFORM liveness_internal.liveness_raise(failure_code, failure, failure_detail, failure_hint);
		END IF;
		BEGIN
			IF job OPERATOR(pg_catalog.=) 'features'::pg_catalog.text THEN
				IF more IS NULL THEN
					PERFORM liveness_internal.liveness_run_features(pg_catalog.now(), NULL::pg_catalog.int4);
				ELSE
					PERFORM liveness_internal.liveness_run_shocks(pg_catalog.now());
				END IF;
				more := more IS NULL;
			ELSIF job OPERATOR(pg_catalog.=) 'hourly'::pg_catalog.text THEN
				PERFORM liveness_internal.liveness_run_hourly(NULL::pg_catalog.timestamptz, NULL::pg_catalog.timestamptz);
			ELSIF job OPERATOR(pg_catalog.=) 'sessions'::pg_catalog.text THEN
				PERFORM liveness_internal.liveness_run_sessions(true);
			ELSE
				SELECT s.parts, s.total, s.more INTO parts, total, more
				FROM liveness_internal.liveness_prune_step(cut, rows, started_at, parts, total) s;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS failure = MESSAGE_TEXT, failure_code = RETURNED_SQLSTATE,
				failure_detail = PG_EXCEPTION_DETAIL, failure_hint = PG_EXCEPTION_HINT;
			PERFORM liveness_internal.liveness_note_error(job, failure);
		END;
		EXIT WHEN failure IS NULL AND more IS NOT TRUE;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE liveness_internal.liveness_run(text, interval, int) IS 'liveness_run, and liveness_prune with its arguments, for pg_cron';
