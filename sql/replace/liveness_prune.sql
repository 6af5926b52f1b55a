-- Every name is qualified, operators too: a SET clause would forbid COMMIT.
CREATE PROCEDURE liveness_prune(retain interval DEFAULT NULL, batch_size int DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
	started_at pg_catalog.timestamptz := pg_catalog.clock_timestamp();
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
	IF liveness_internal.liveness_in_transaction_block() THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_transaction_termination',
			MESSAGE = 'liveness_prune commits after each batch and cannot run inside a transaction block',
			HINT = 'Call it outside of a transaction block, or call liveness_prune_batch() in yours until it returns 0.';
	END IF;

	LOOP
		-- an old snapshot would not show what there is to do
		COMMIT;
		SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
		BEGIN
			SELECT s.parts, s.total, s.more INTO parts, total, more
			FROM liveness_internal.liveness_prune_step(cut, rows, started_at, parts, total) s;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS failure = MESSAGE_TEXT, failure_code = RETURNED_SQLSTATE,
				failure_detail = PG_EXCEPTION_DETAIL, failure_hint = PG_EXCEPTION_HINT;
			PERFORM liveness_internal.liveness_note_error('retention'::pg_catalog.text, failure);
		END;
		IF failure IS NOT NULL THEN
			COMMIT;
			PERFORM liveness_internal.liveness_raise(failure_code, failure, failure_detail, failure_hint);
		END IF;
		EXIT WHEN more IS NOT TRUE;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE liveness_prune(interval, int) IS 'Runs the whole retention, with COMMIT after each batch';
