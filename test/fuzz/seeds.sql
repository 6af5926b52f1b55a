-- What each target begins with: a good input, as the server makes it.  One statement a line.
CREATE AGGREGATE seed_percentiles (float8, float8[]) (SFUNC = liveness_percentiles_transfn, STYPE = bytea)
CREATE AGGREGATE seed_features (timestamptz, timestamptz, text, timestamptz, int) (SFUNC = liveness_features_transfn, STYPE = internal, FINALFUNC = liveness_features_serialize)
CREATE AGGREGATE seed_hours (timestamptz, real, real, text, real) (SFUNC = liveness_hours_transfn, STYPE = internal, FINALFUNC = liveness_hours_serialize)
CREATE AGGREGATE seed_curve_state (float8, boolean, float8) (SFUNC = survival_agg_entry_transfn, STYPE = bytea)
CREATE TABLE seed AS SELECT 'percentiles' AS target, seed_percentiles(g, '{{0.1,NULL},{0.5,0.9}}') AS input FROM generate_series(1, 9) g
INSERT INTO seed SELECT 'features', seed_features('2026-01-01'::timestamptz + g * interval '7 hours', CASE WHEN g < 8 THEN '2026-01-01'::timestamptz + g * interval '11 hours' END, (ARRAY['read_error', 'coordinator_restart', ''])[1 + g % 3], '2026-01-10', 14) FROM generate_series(1, 9) g
INSERT INTO seed SELECT 'hours', seed_hours('2026-01-01'::timestamptz + g * interval '25 minutes', g, NULL, (ARRAY['warm', 'fair', 'zzz'])[1 + g % 3], g) FROM generate_series(1, 9) g
INSERT INTO seed SELECT 'history', liveness_features_history('2025-01-01'::timestamptz + g * interval '7 hours', '2025-01-01'::timestamptz + g * interval '11 hours', (ARRAY['read_error', 'coordinator_restart'])[1 + g % 2], '2025-01-10', 1) FROM generate_series(1, 9) g
INSERT INTO seed SELECT 'curve_state', seed_curve_state(g, g % 3 > 0, g % 5 - 1) FROM generate_series(1, 9) g
INSERT INTO seed SELECT 'curve_text', convert_to(survival_agg(g, g % 3 > 0, g % 5 - 1)::text, 'UTF8') FROM generate_series(1, 9) g
INSERT INTO seed SELECT 'curve_binary', survival_curve_send(survival_agg(g, g % 3 > 0, g % 5 - 1)) FROM generate_series(1, 9) g
