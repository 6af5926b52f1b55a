-- Compiling the statement would take longer than running it.
CREATE FUNCTION liveness_place(jobs int, job interval, target float8 DEFAULT 0, exclude text[] DEFAULT '{}')
RETURNS SETOF liveness_place_row
LANGUAGE sql STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
	SELECT p.job_no, p.replica, p.provider_id, p.group_name, p.probability, p.joint
	FROM liveness_internal.liveness_choose_connected($1, $2, $3, 12, $4, true) p
	ORDER BY p.job_no, p.replica;
END;
COMMENT ON FUNCTION liveness_place(int, interval, float8, text[]) IS 'Jobs that start now on distinct providers, each with the replicas that its target needs';
