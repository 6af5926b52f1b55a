/*-------------------------------------------------------------------------
 *
 * spells.c
 *		Spells: how long a provider is there at a stretch.
 *
 * Sessions end when a coordinator restarts or hands over; a spell ends when the
 * provider does.  Sessions are one spell if they overlap or touch, or if the next
 * begins within resume_within of the spell's end and nothing but censored reasons
 * ended the spell there: the observer was away, and the provider was there again when
 * the observer came back.  docs/definitions.md has examples.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "settings.h"
#include "spells.h"

#define RUNNING_MAGIC		0x4c765231	/* "LvR1" */
#define INITIAL_INTERVALS	4

/* Transition state of liveness_running_since: the sessions of one provider */
typedef struct RunningState
{
	uint32		magic;
	int64		n;
	int64		capacity;
	LivenessInterval *intervals;
	TimestampTz as_of;
	TimestampTz known_at;		/* DT_NOBEGIN: nothing is known */
	uint64		known;			/* the fingerprint of what was open then */
	uint64		found;			/* and of what we see to have been */
} RunningState;

#define ST_SORT SortIntervals
#define ST_ELEMENT_TYPE LivenessInterval
#define ST_COMPARE(a, b) ((a)->start < (b)->start ? -1 : (a)->start > (b)->start)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * Merge sessions into spells, in place; returns how many there are, in order of time.
 *
 * The ending of a spell is that of its latest session, of all of them on a tie.  An
 * open end lies at as_of, which no other end is after, so a spell with an open session
 * in it is open.
 */
int64
liveness_merge_spells(LivenessInterval *intervals, int64 n, int64 resume_within)
{
	int64		last = 0;

	if (n == 0)
		return 0;

	SortIntervals(intervals, n);
	for (int64 i = 1; i < n; i++)
	{
		if (!liveness_join_spell(&intervals[last], &intervals[i], resume_within))
			intervals[++last] = intervals[i];
	}
	return last + 1;
}

/*
 * Merge sessions that overlap, in place; returns how many intervals are left.  Those
 * that touch stay apart: as of the instant at which they touch, the second has not
 * begun.
 */
int64
liveness_merge_overlaps(LivenessInterval *intervals, int64 n)
{
	int64		last = 0;

	if (n == 0)
		return 0;

	SortIntervals(intervals, n);
	for (int64 i = 1; i < n; i++)
	{
		if (intervals[i].start < intervals[last].end)
			liveness_extend_interval(&intervals[last], &intervals[i]);
		else
			intervals[++last] = intervals[i];
	}
	return last + 1;
}

/* A number that differs as sessions differ, to be added up */
static inline uint64
HashBegin(TimestampTz start)
{
	return hash_bytes_extended((const unsigned char *) &start, sizeof(start), 0);
}

/*
 * A fingerprint of the open ones among a provider's sessions, and of the settings that
 * say what a spell is.  Ends do not change; so while the fingerprint is the same, the
 * spells are that were known.
 */
uint64
liveness_hash_open(const LivenessInterval *intervals, int64 n)
{
	uint64		fingerprint = liveness_hash_spell_settings();

	for (int64 i = 0; i < n; i++)
	{
		if (intervals[i].ending & ENDING_OPEN)
			fingerprint += HashBegin(intervals[i].start);
	}
	return fingerprint;
}

static void
AddInterval(RunningState *state, const LivenessInterval *interval)
{
	if (state->n == state->capacity)
	{
		state->capacity *= 2;
		state->intervals = (LivenessInterval *)
			repalloc_huge(state->intervals, state->capacity * sizeof(LivenessInterval));
	}
	state->intervals[state->n++] = *interval;
}

/*
 * liveness_running_since_transfn(internal, connected_at timestamptz,
 *		disconnected_at timestamptz, disconnect_reason text, as_of timestamptz,
 *		known_at timestamptz, spell_since timestamptz, spell_until timestamptz,
 *		spell_failed boolean, fingerprint bigint) -> internal
 *
 * Collects the sessions of a provider that had not ended at known_at, after the spell
 * that was its last then.  known_at NULL: collects all sessions.
 */
PG_FUNCTION_INFO_V1(liveness_running_since_transfn);
Datum
liveness_running_since_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext context = liveness_aggregate_context(fcinfo, "liveness_running_since_transfn");
	RunningState *state = (RunningState *) liveness_state_argument(fcinfo, 0, RUNNING_MAGIC);
	LivenessInterval session = {0, DT_NOEND, ENDING_OPEN};

	if (state == NULL)
	{
		state = (RunningState *) MemoryContextAllocZero(context, sizeof(RunningState));
		state->magic = RUNNING_MAGIC;
		state->capacity = INITIAL_INTERVALS;
		state->intervals = (LivenessInterval *)
			MemoryContextAlloc(context, INITIAL_INTERVALS * sizeof(LivenessInterval));
		state->known_at = PG_ARGISNULL(5) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(5);
		state->as_of = PG_ARGISNULL(4) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(4);
		/* of a provider that was not there yet nothing was open */
		state->found = liveness_hash_spell_settings();
		state->known = PG_ARGISNULL(9) ? state->found : (uint64) PG_GETARG_INT64(9);
		if (!PG_ARGISNULL(6) && !PG_ARGISNULL(7) && !PG_ARGISNULL(8))
		{
			LivenessInterval known = {
				PG_GETARG_TIMESTAMPTZ(6),
				Max(PG_GETARG_TIMESTAMPTZ(6), PG_GETARG_TIMESTAMPTZ(7)),
				PG_GETARG_BOOL(8) ? ENDING_FAILURE : 0
			};

			AddInterval(state, &known);
		}
	}

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	session.start = PG_GETARG_TIMESTAMPTZ(1);
	if (!PG_ARGISNULL(2) && PG_GETARG_TIMESTAMPTZ(2) <= state->as_of)
	{
		text	   *reason = PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3);

		/* what ended at that very instant was known, unless it began there too */
		if (PG_GETARG_TIMESTAMPTZ(2) <= state->known_at && session.start < state->known_at)
			PG_RETURN_POINTER(state);
		session.end = Max(session.start, PG_GETARG_TIMESTAMPTZ(2));
		session.ending = reason != NULL &&
			liveness_reason_is_censored(VARDATA_ANY(reason), VARSIZE_ANY_EXHDR(reason))
			? 0 : ENDING_FAILURE;
	}
	if (session.start < state->known_at)
		state->found += HashBegin(session.start);
	AddInterval(state, &session);
	PG_RETURN_POINTER(state);
}

/*
 * liveness_running_since_final(internal) -> timestamptz
 *
 * When the running spell began; NULL if none is running, or if what was known does not
 * serve: a session that was open then has ended before, one has been added to them, the
 * settings have changed, or it was known of a later instant.
 */
PG_FUNCTION_INFO_V1(liveness_running_since_final);
Datum
liveness_running_since_final(PG_FUNCTION_ARGS)
{
	RunningState *state = (RunningState *) liveness_state_argument(fcinfo, 0, RUNNING_MAGIC);
	LivenessInterval *spells;
	int64		n;

	(void) liveness_aggregate_context(fcinfo, "liveness_running_since_final");
	if (state == NULL || state->n == 0 ||
		state->found != state->known || state->known_at > state->as_of)
		PG_RETURN_NULL();

	/* merging is in place, but more sessions may come to the state */
	spells = (LivenessInterval *)
		MemoryContextAllocHuge(CurrentMemoryContext, state->n * sizeof(LivenessInterval));
	memcpy(spells, state->intervals, state->n * sizeof(LivenessInterval));
	n = liveness_merge_spells(spells, state->n, liveness_resume_within_usecs());
	/* no end is later than an open one */
	if (!(spells[n - 1].ending & ENDING_OPEN))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(spells[n - 1].start);
}
