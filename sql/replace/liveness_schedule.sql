CREATE FUNCTION liveness_schedule()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cron_schema name := liveness_internal.liveness_cron_schema();
BEGIN
	EXECUTE format('SELECT %I.schedule(j.name, j.schedule, j.command)', cron_schema) ||
		' FROM liveness_internal.liveness_cron_jobs() j WHERE j.name <> ''liveness sessions'' OR liveness_internal.liveness_wants_sessions()';
END
$$;
COMMENT ON FUNCTION liveness_schedule() IS 'Has pg_cron run the rollups every 5 minutes and the retention hourly, as the current role';
