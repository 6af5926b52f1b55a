-- What a coordinator does every few seconds: a heartbeat of each connected provider,
-- put into the buffer by one statement and written by the worker.

\set ON_ERROR_STOP 1
SET client_min_messages = warning;

SELECT clock_timestamp() AS begun \gset
SELECT count(*) AS emitted
FROM (SELECT DISTINCT provider_id FROM provider_sessions WHERE disconnected_at IS NULL) s
WHERE liveness_emit(s.provider_id, status => 'idle', thermal_state => 'nominal', backend_state => 'ready') \gset
SELECT clock_timestamp() AS accepted \gset
SELECT liveness_flush() AS written \gset
SELECT round(1000 * extract(epoch FROM :'accepted'::timestamptz - :'begun')::numeric, 1) AS accepted_ms,
	round(1000 * extract(epoch FROM clock_timestamp() - :'accepted')::numeric, 1) AS written_ms \gset
\echo :emitted accepted in :accepted_ms ms, :written on disk :written_ms ms later
