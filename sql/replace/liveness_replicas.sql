-- Compiling the statement would take longer than running it.
CREATE FUNCTION liveness_replicas(job interval, target float8 DEFAULT 0.99, max_replicas int DEFAULT 10, exclude text[] DEFAULT '{}')
RETURNS SETOF liveness_replicas_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	SELECT p.replica, p.provider_id, p.group_name, p.probability, p.joint
	FROM liveness_internal.liveness_choose_connected(1, $1, $2, $3, $4, false) p
	ORDER BY p.replica;
END;
COMMENT ON FUNCTION liveness_replicas(interval, float8, int, text[]) IS 'Providers to run a job on at once, so that at least one holds it with the target probability';
