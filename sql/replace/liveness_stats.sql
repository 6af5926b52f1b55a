CREATE VIEW liveness_stats AS
	SELECT c.name, c.value, c.help, c.since
	FROM liveness_internal.liveness_counters() c;
COMMENT ON VIEW liveness_stats IS 'Counters of this server, a row each. They survive a clean restart and begin again after a crash; error 55000 where the library is not preloaded';
COMMENT ON COLUMN liveness_stats.name IS 'liveness_, what is counted, and _total for what only grows; _seconds is a duration, _bytes a size';
COMMENT ON COLUMN liveness_stats.value IS 'Its value now, 0 or more';
COMMENT ON COLUMN liveness_stats.help IS 'What it means';
COMMENT ON COLUMN liveness_stats.since IS 'When the counters began at zero';
