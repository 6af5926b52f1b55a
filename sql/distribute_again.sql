-- An update has worded views and functions for a plain server.  On other nodes of Citus than the
-- coordinator the question is an error.
DO LANGUAGE plpgsql $do$
BEGIN
	IF NOT liveness_internal.liveness_distributed() THEN
		RETURN;
	END IF;
	PERFORM liveness_internal.liveness_distribute_reads();
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	PERFORM liveness_internal.liveness_distribute_reads();
END
$do$;
