-- An update has worded views and functions for a plain server
DO LANGUAGE plpgsql $do$
BEGIN
	IF liveness_internal.liveness_distributed() THEN
		PERFORM liveness_internal.liveness_distribute_reads();
	END IF;
END
$do$;
