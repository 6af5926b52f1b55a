-- Which providers are connected but silent?  Open sessions of which nobody has heard for longer
-- than liveness.session_timeout.  liveness_close_stale() would close them.

SELECT s.provider_id, s.coordinator_id AS coordinator, s.connected_at, s.silent_for
FROM provider_stale_sessions s
ORDER BY s.silent_for DESC, s.provider_id
LIMIT 20;
