-- Compiling the statement would take longer than running it.
CREATE FUNCTION liveness_at_risk(within interval DEFAULT '1 hour', probability float8 DEFAULT 0.5)
RETURNS SETOF liveness_at_risk_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	WITH asked AS MATERIALIZED (
		SELECT liveness_internal.liveness_span_usecs($1, 'within') AS usecs,
			liveness_internal.liveness_probability_limit($2, 'probability') AS at_least
	)
	SELECT c.provider_id, c.session_id, c.since, greatest(extract(epoch FROM now()) - extract(epoch FROM c.since), 0)::float8,
		1 - c.probability, g.group_name, c.coordinator_id
	FROM asked a
	CROSS JOIN LATERAL liveness_internal.liveness_connected(a.usecs) c
	LEFT JOIN @extschema@.provider_groups g ON g.provider_id = c.provider_id
	WHERE 1 - c.probability >= a.at_least
	-- gates: they check the arguments, and that there was a rollup, even where nobody is up
	AND EXISTS (SELECT FROM liveness_internal.liveness_prepared_fleet())
	AND liveness_internal.liveness_span_usecs($1, 'within') > 0 AND liveness_internal.liveness_probability_limit($2, 'probability') >= 0
	ORDER BY c.probability, c.provider_id;
END;
COMMENT ON FUNCTION liveness_at_risk(interval, float8) IS 'Spells running now that probably end within that time, the likeliest to end first';
