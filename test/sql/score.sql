-- The liveness score and its parts; figures worked out by hand
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(30);

SELECT is(liveness_sigmoid(0), 0.5::float8, 'the sigmoid of 0 is a half');
SELECT is(round(liveness_sigmoid(-4)::numeric, 12), 0.017986209962, 'sigmoid(-4) = 1 / (1 + e^4)');
SELECT is(round(liveness_sigmoid(1)::numeric, 12), 0.731058578630, 'sigmoid(1) = 1 / (1 + 1/e)');
SELECT is(liveness_sigmoid('infinity'), 1::float8, 'the sigmoid of infinity is 1');
SELECT is(liveness_sigmoid('-infinity'), 0::float8, 'the sigmoid of -infinity is 0');
SELECT is(liveness_sigmoid(-1e6), 0::float8, 'far out it is 0, without an error');
SELECT is(liveness_sigmoid(NULL), NULL, 'the sigmoid of NULL is NULL');
SELECT throws_ok($$SELECT liveness_sigmoid('NaN')$$, '22003', 'x must not be NaN', 'NaN is refused');

SELECT is(liveness_recency_penalty('2026-01-02 00:00+00', '2026-01-02 00:00+00'), 1::float8, 'penalty 1 at the disconnect');
SELECT is(liveness_recency_penalty('2026-01-02 00:00+00', '2026-01-02 06:00+00'), 0.75::float8, 'penalty 3/4 after 6 h');
SELECT is(liveness_recency_penalty('2026-01-02 00:00+00', '2026-01-03 00:00+00'), 0::float8, 'penalty 0 after 24 h');
SELECT is(liveness_recency_penalty('2026-01-02 00:00+00', '2027-01-03 00:00+00'), 0::float8, 'and for ever after');
SELECT is(liveness_recency_penalty('2026-01-02 00:00+00', '2026-01-01 00:00+00'), 1::float8, 'a disconnect in the future counts as now');
SELECT is(liveness_recency_penalty('infinity', '2026-01-01 00:00+00'), 1::float8, 'however far in the future');
SELECT is(liveness_recency_penalty('-infinity', '2026-01-01 00:00+00'), 0::float8, '-infinity is no disconnect');
SELECT is(liveness_recency_penalty(NULL, '2026-01-01 00:00+00'), 0::float8, 'NULL is no disconnect');
SELECT is(liveness_recency_penalty('2026-01-02 00:00+00', NULL), NULL, 'a NULL as_of gives NULL');
SELECT is(liveness_recency_penalty('4714-11-24 00:00:00+00 BC', '294276-12-31 23:59:59+00'), 0::float8, 'the ends of the calendar do not wrap');
SELECT throws_ok($$SELECT liveness_recency_penalty(NULL, 'infinity')$$, '22008', 'as_of must be finite, not infinity', 'as_of must be finite');

SELECT is(round(liveness_score(0, 0, 0, 0, NULL)::numeric, 6), 0.004497, 'nothing known: 0.25 sigmoid(-4)');
SELECT is(liveness_score(1, 1, 1, 48 * 3600, NULL), 1::float8, 'the best is 1');
SELECT is(round(liveness_score(0.99, 0.1, 0, 300, now() - interval '1 hour', now())::numeric, 6), 0.280546, 'with a disconnect an hour ago');
SELECT is(round(liveness_score(0.99, 0.1, 0, 300, now() - interval '25 hours', now())::numeric, 6), 0.376380, 'the same a day later');
SELECT is(liveness_score(0, 0, 0, 0, '2026-01-01', '2026-01-01'), 0::float8, 'clamped at 0 from below');
SELECT is(liveness_score(9, 9, 9, 9, NULL), 1::float8, 'clamped at 1 from above');
SELECT is(liveness_score(0, NULL, 0, 0, NULL), NULL, 'NULL for a NULL feature');
SELECT is(liveness_score(0, 0, 0, 0, NULL, NULL), NULL, 'NULL for a NULL as_of');
SELECT throws_ok($$SELECT liveness_score(0, 0, 'NaN', 0, NULL)$$, '22003', 'p_stays_8h must not be NaN', 'NaN is refused by name');
SELECT throws_ok($$SELECT liveness_score('infinity', '-infinity', 0, 0, NULL)$$, '22003', 'the liveness score must not be NaN', 'infinity minus infinity is refused');
SELECT throws_ok($$SELECT liveness_score(0, 0, 0, 0, NULL, '-infinity')$$, '22008', 'as_of must be finite, not -infinity', 'as_of must be finite here too');

SELECT * FROM finish();
ROLLBACK;
