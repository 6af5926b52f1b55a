CREATE PROCEDURE liveness_prune(retain interval DEFAULT NULL, batch_size int DEFAULT NULL)
LANGUAGE plpgsql
AS $$
BEGIN
	IF liveness_internal.liveness_in_transaction_block() THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_transaction_termination',
			MESSAGE = 'liveness_prune commits after each batch and cannot run inside a transaction block',
			HINT = 'Call it outside of a transaction block, or call liveness_prune_batch() in yours until it returns 0.';
	END IF;
	CALL liveness_internal.liveness_run('retention'::pg_catalog.text, retain, batch_size);
END
$$;
COMMENT ON PROCEDURE liveness_prune(interval, int) IS 'Runs the whole retention, with COMMIT after each batch';
