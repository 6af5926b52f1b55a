-- Time that an operator excludes: noted, and ended
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO';
SELECT plan(21);
ALTER SEQUENCE provider_exclusions_id_seq RESTART;

SELECT is(liveness_exclude('p', '2026-01-01 00:00+00'), 1::bigint, 'an exclusion that goes on');
SELECT is(liveness_exclude('p', '2026-01-01 00:00+00', '2026-01-02 00:00+00', 'disk'), 2::bigint, 'with an end and a reason');
SELECT is(liveness_exclude(NULL, '-infinity', 'infinity', NULL), 3::bigint, 'of everybody, from the beginning on; a NULL reason is none');
SELECT is(liveness_exclude(until => '2099-01-02 00:00+00', since => '2099-01-01 00:00+00', provider_id => ''), 4::bigint, 'ahead, by name, of a machine whose name is empty');
SELECT results_eq('SELECT * FROM provider_exclusions ORDER BY id', $$VALUES
	(1::bigint, 'p', '2026-01-01 00:00+00'::timestamptz, NULL::timestamptz, '', now()),
	(2, 'p', '2026-01-01 00:00+00', '2026-01-02 00:00+00', 'disk', now()),
	(3, NULL, '-infinity', 'infinity', '', now()),
	(4, '', '2099-01-01 00:00+00', '2099-01-02 00:00+00', '', now())$$, 'they are noted as they were given');
SELECT throws_ok($$SELECT liveness_exclude('p', NULL)$$, '23502', 'since must not be NULL', 'without a beginning');
SELECT throws_ok($$SELECT liveness_exclude('p', '2026-01-02 00:00+00', '2026-01-01 00:00+00')$$, '22023', 'from 2026-01-02 00:00:00+00 until 2026-01-01 00:00:00+00 there is no time to exclude', 'the other way round');
SELECT throws_ok($$SELECT liveness_exclude('p', '2026-01-02 00:00+00', '2026-01-02 00:00+00')$$, '22023', NULL, 'no time at all');
SELECT throws_ok($$SELECT liveness_exclude('p', 'infinity')$$, '22023', 'from infinity until infinity there is no time to exclude', 'never');
SELECT throws_ok($$SELECT liveness_exclude('p', now(), '-infinity')$$, '22023', NULL, 'until the beginning');

SELECT is(liveness_end_exclusion(1), true, 'it ends now');
SELECT is((SELECT until FROM provider_exclusions WHERE id = 1), now(), 'and counts until now');
SELECT is(liveness_end_exclusion(1), false, 'once');
SELECT is(liveness_end_exclusion(1, now() + interval '1 day'), false, 'an exclusion that is over does not go on again');
SELECT is(liveness_end_exclusion(1, now() - interval '1 day'), true, 'but may have been over earlier');
SELECT is(liveness_end_exclusion(3, '2026-02-01 00:00+00'), true, 'an infinite one goes on');
SELECT is(liveness_end_exclusion(4, NULL), true, 'NULL is now: what lies ahead is called off');
SELECT is(liveness_end_exclusion(5), false, 'there is none such');
SELECT is(liveness_end_exclusion(NULL), false, 'nor one of NULL');
SELECT throws_ok($$SELECT liveness_end_exclusion(2, 'infinity')$$, '22008', 'an exclusion cannot end at infinity', 'an end is finite');
SELECT results_eq('SELECT id, until FROM provider_exclusions ORDER BY id', $$VALUES
	(1::bigint, now() - interval '1 day'), (2, '2026-01-02 00:00+00'), (3, '2026-02-01 00:00+00'), (4, now())$$, 'nothing else is changed');

SELECT * FROM finish();
ROLLBACK;
