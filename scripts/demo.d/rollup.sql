-- The rollups, as a scheduler would run them.  The first of the two describes the
-- fleet at the start of the window: who has vanished since is known from then.
-- Variables: simulated.

\set ON_ERROR_STOP 1
SET client_min_messages = warning;
ANALYZE provider_sessions;
\if :simulated
	ANALYZE provider_heartbeats;
	-- a simulated fleet is looked at as of now
	SELECT now() AS at, 14 AS window_days, now() - interval '14 days' AS before \gset
\else
	SELECT at, window_days, greatest(first, at - window_days * interval '1 day') AS before FROM demo.clock \gset
\endif

CREATE TABLE demo.before AS SELECT * FROM liveness_features_at(:'before', :window_days);
SELECT liveness_rollup_features(:'before', :window_days) \gset
SELECT liveness_rollup_features(:'at', :window_days) AS providers \gset
\if :simulated
	SELECT to_char(liveness_rollup_hourly(), 'FM999,999,999') AS hours \gset
	\echo :providers providers, :hours provider-hours
\else
	SELECT count(DISTINCT provider_id) AS nodes FROM provider_sessions \gset
	\echo :providers of :nodes nodes, as of :at
\endif
ANALYZE provider_reliability_features;
