CREATE FUNCTION liveness_unschedule()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cron_schema name := liveness_internal.liveness_cron_schema();
BEGIN
	EXECUTE format('SELECT %1$I.unschedule(c.jobid) FROM %1$I.job c', cron_schema) ||
		' JOIN liveness_internal.liveness_cron_jobs() j ON c.jobname = j.name '
		'WHERE c.username = current_user AND c.database = current_database()';
END
$$;
COMMENT ON FUNCTION liveness_unschedule() IS 'Takes the jobs of liveness_schedule() away from pg_cron, those of the current role';
