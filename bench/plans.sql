-- The plans of what people read: docs/plans.md is made of this on a database
-- filled by sql/gen_sessions.sql and sql/gen_heartbeats.sql, rolled up and analyzed.
--   psql -X -f bench/plans.sql
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SELECT min(provider_id) AS provider FROM provider_heartbeats \gset
\echo 'Ranking'
EXPLAIN (COSTS OFF) SELECT provider_id, liveness_score FROM liveness_reliability(min_uptime => 0.95);
\echo
\echo 'One provider'
EXPLAIN (COSTS OFF) SELECT * FROM provider_liveness WHERE provider_id = :'provider';
\echo
\echo 'Its sessions, latest first'
EXPLAIN (COSTS OFF) SELECT * FROM provider_session_history WHERE provider_id = :'provider' ORDER BY connected_at DESC LIMIT 50;
\echo
\echo 'Its heartbeats, latest first'
EXPLAIN (COSTS OFF) SELECT * FROM provider_heartbeat_history WHERE provider_id = :'provider' ORDER BY at DESC LIMIT 100;
\echo
\echo 'Its hours'
EXPLAIN (COSTS OFF) SELECT * FROM provider_heartbeats_hourly WHERE provider_id = :'provider' ORDER BY hour DESC LIMIT 24;
\echo
\echo 'Its matrix'
EXPLAIN (COSTS OFF) SELECT * FROM provider_availability_matrix WHERE provider_id = :'provider';
\echo
\echo 'Its reasons'
EXPLAIN (COSTS OFF) SELECT * FROM provider_disconnect_reasons WHERE provider_id = :'provider';
\echo
\echo 'Is it connected?'
EXPLAIN (COSTS OFF) SELECT provider_id, connected_at FROM provider_session_history WHERE disconnected_at IS NULL AND provider_id = :'provider';
