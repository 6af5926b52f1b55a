/*-------------------------------------------------------------------------
 *
 * running.c
 *		What a rollup keeps for liveness_candidates: when that has to be counted anew, and
 *		since when a provider's running spell goes on.
 *
 * The numbers of the fleet are those of the beginning of an interval
 * (liveness.hazard_interval), and those of a provider are kept while its sessions do not
 * change.
 *
 * A rollup keeps the last spell of each provider, and a fingerprint of the sessions
 * that were open then.  An aggregate collects what has not ended since; a function puts
 * both together.  Where they do not fit, the function is asked again about all sessions
 * of the provider.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "arguments.h"
#include "running.h"
#include "settings.h"
#include "spells.h"

#define RECENT_MAGIC		0x4c765231	/* "LvR1" */
#define PACKED_MAGIC		UINT64CONST(0x4c76523254636e65)

/* Nearly every provider has one session that matters, or two */
#define FEW_INTERVALS		4

/* Transition state of liveness_recent_sessions: the sessions of one provider */
typedef struct RecentState
{
	uint32		magic;
	bool		any_open;
	int64		n;
	int64		capacity;
	LivenessInterval *intervals;
	TimestampTz as_of;
	LivenessInterval first;		/* more is not kept here: the states of a fleet fill caches */
} RecentState;

/* The result begins with the magic word; then come the sessions, not aligned */
typedef struct PackedSession
{
	TimestampTz start;
	TimestampTz end;
	int64		ending;
} PackedSession;

static void
AddSession(RecentState *state, MemoryContext context, const LivenessInterval *session)
{
	if (state->n == state->capacity)
	{
		Size		size = 2 * state->capacity * sizeof(LivenessInterval);

		if (state->intervals == &state->first)
		{
			state->intervals = (LivenessInterval *) MemoryContextAlloc(context, size);
			state->intervals[0] = state->first;
		}
		else
			state->intervals = (LivenessInterval *) repalloc_huge(state->intervals, size);
		state->capacity *= 2;
	}
	state->intervals[state->n++] = *session;
	if (session->ending & ENDING_OPEN)
		state->any_open = true;
}

/*
 * liveness_recent_sessions_transfn(internal, connected_at timestamptz,
 *		disconnected_at timestamptz, disconnect_reason text, as_of timestamptz) -> internal
 */
PG_FUNCTION_INFO_V1(liveness_recent_sessions_transfn);
Datum
liveness_recent_sessions_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext context = liveness_aggregate_context(fcinfo, "liveness_recent_sessions_transfn");
	RecentState *state = (RecentState *) liveness_state_argument(fcinfo, 0, RECENT_MAGIC);
	LivenessInterval session = {0, DT_NOEND, ENDING_OPEN};

	if (state == NULL)
	{
		state = (RecentState *) MemoryContextAlloc(context, sizeof(RecentState));
		state->magic = RECENT_MAGIC;
		state->any_open = false;
		state->n = 0;
		state->capacity = 1;
		state->intervals = &state->first;
		state->as_of = PG_ARGISNULL(4) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(4);
	}
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);

	session.start = PG_GETARG_TIMESTAMPTZ(1);
	if (!PG_ARGISNULL(2) && PG_GETARG_TIMESTAMPTZ(2) <= state->as_of)
	{
		text	   *reason = PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3);

		session.end = Max(session.start, PG_GETARG_TIMESTAMPTZ(2));
		session.ending = reason != NULL &&
			liveness_reason_is_censored(VARDATA_ANY(reason), VARSIZE_ANY_EXHDR(reason))
			? 0 : ENDING_FAILURE;
	}
	AddSession(state, context, &session);
	PG_RETURN_POINTER(state);
}

/*
 * liveness_recent_sessions_final(internal) -> bytea
 *
 * The sessions, packed; NULL if none of them is open.
 */
PG_FUNCTION_INFO_V1(liveness_recent_sessions_final);
Datum
liveness_recent_sessions_final(PG_FUNCTION_ARGS)
{
	RecentState *state = (RecentState *) liveness_state_argument(fcinfo, 0, RECENT_MAGIC);
	uint64		magic = PACKED_MAGIC;
	Size		size;
	bytea	   *packed;
	char	   *place;

	(void) liveness_aggregate_context(fcinfo, "liveness_recent_sessions_final");
	if (state == NULL || !state->any_open)
		PG_RETURN_NULL();

	if (state->n > (int64) ((MaxAllocSize - VARHDRSZ - sizeof(magic)) / sizeof(PackedSession)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a provider with " INT64_FORMAT " sessions has too many", state->n),
				 errhint("Prune old sessions: see liveness.session_retention.")));
	size = VARHDRSZ + sizeof(magic) + state->n * sizeof(PackedSession);
	packed = (bytea *) palloc(size);
	SET_VARSIZE(packed, size);
	place = VARDATA(packed);
	memcpy(place, &magic, sizeof(magic));
	place += sizeof(magic);
	for (int64 i = 0; i < state->n; i++)
	{
		const LivenessInterval *interval = &state->intervals[i];
		PackedSession session = {interval->start, interval->end, interval->ending};

		memcpy(place, &session, sizeof(session));
		place += sizeof(session);
	}
	PG_RETURN_BYTEA_P(packed);
}

/* What a rollup knew of a provider */
typedef struct KnownThen
{
	TimestampTz at;				/* DT_NOBEGIN: nothing is known */
	bool		has_spell;
	LivenessInterval spell;		/* the last */
	uint64		fingerprint;	/* of what was open */
} KnownThen;

static KnownThen
KnownOfArguments(FunctionCallInfo fcinfo)
{
	KnownThen	known = {0};

	known.at = PG_ARGISNULL(1) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(1);
	known.has_spell = !PG_ARGISNULL(2) && !PG_ARGISNULL(3) && !PG_ARGISNULL(4);
	if (known.has_spell)
	{
		known.spell.start = PG_GETARG_TIMESTAMPTZ(2);
		known.spell.end = Max(PG_GETARG_TIMESTAMPTZ(2), PG_GETARG_TIMESTAMPTZ(3));
		known.spell.ending = PG_GETARG_BOOL(4) ? ENDING_FAILURE : 0;
	}
	/* of a provider that was not there yet nothing was open */
	known.fingerprint = PG_ARGISNULL(5) ? liveness_hash_spell_settings() : (uint64) PG_GETARG_INT64(5);
	return known;
}

/*
 * liveness_running_since(recent bytea, known_at timestamptz, spell_since timestamptz,
 *		spell_until timestamptz, spell_uncensored boolean, fingerprint bigint) -> timestamptz
 *
 * When the running spell began; NULL if none is running, or if what was known does not
 * serve: a session that was open then has ended before, one has been added to them, or
 * the settings have changed.
 */
PG_FUNCTION_INFO_V1(liveness_running_since);
Datum
liveness_running_since(PG_FUNCTION_ARGS)
{
	KnownThen	known = KnownOfArguments(fcinfo);
	uint64		found = liveness_hash_spell_settings();
	LivenessInterval few[FEW_INTERVALS + 1];
	LivenessInterval *spells = few;
	LivenessInterval last;
	bytea	   *recent;
	const char *place;
	uint64		magic = 0;
	int64		n;
	int64		nspells = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	recent = PG_GETARG_BYTEA_PP(0);
	place = VARDATA_ANY(recent);
	if (VARSIZE_ANY_EXHDR(recent) >= sizeof(magic))
		memcpy(&magic, place, sizeof(magic));
	if (magic != PACKED_MAGIC ||
		(VARSIZE_ANY_EXHDR(recent) - sizeof(magic)) % sizeof(PackedSession) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this bytea does not hold sessions"),
				 errhint("The aggregate liveness_recent_sessions makes what is to be given here.")));
	place += sizeof(magic);
	n = (int64) ((VARSIZE_ANY_EXHDR(recent) - sizeof(magic)) / sizeof(PackedSession));

	if (n > FEW_INTERVALS)
		spells = (LivenessInterval *)
			MemoryContextAllocHuge(CurrentMemoryContext, (n + 1) * sizeof(LivenessInterval));
	if (known.has_spell)
		spells[nspells++] = known.spell;
	for (int64 i = 0; i < n; i++)
	{
		PackedSession session;

		memcpy(&session, place, sizeof(session));
		place += sizeof(session);
		/* what ended at that very instant was known, unless it began there too */
		if (session.ending != ENDING_OPEN && session.end <= known.at && session.start < known.at)
			continue;
		if (session.start < known.at)
			found += liveness_hash_begin(session.start);
		spells[nspells++] = (LivenessInterval) {session.start, session.end, (uint32) session.ending};
	}
	if (nspells == 0 || found != known.fingerprint)
		PG_RETURN_NULL();

	nspells = liveness_merge_spells(spells, nspells, liveness_resume_within_usecs());
	last = spells[nspells - 1];
	if (spells != few)
		pfree(spells);
	/* no end is later than an open one */
	if (!(last.ending & ENDING_OPEN))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(last.start);
}

/* The beginning of the interval that holds an instant; intervals count from 1970 */
TimestampTz
liveness_hazard_instant_of(TimestampTz as_of)
{
	int64		interval = liveness_hazard_interval * USECS_PER_SEC;
	int64		epoch = -((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY);
	int64		rest;

	liveness_check_as_of(as_of);
	/* both remainders are taken alone, because the difference might overflow */
	rest = (as_of % interval - epoch % interval) % interval;
	if (rest < 0)
		rest += interval;
	return Max(as_of - rest, MIN_TIMESTAMP);
}

/* Sessions that ended before this are not counted */
TimestampTz
liveness_hazard_since_of(TimestampTz as_of)
{
	TimestampTz since = liveness_hazard_instant_of(as_of) - liveness_counted_history() * USECS_PER_SEC;

	return Max(since, MIN_TIMESTAMP);
}

/*
 * liveness_hazard_instant(as_of timestamptz) -> timestamptz
 */
PG_FUNCTION_INFO_V1(liveness_hazard_instant);
Datum
liveness_hazard_instant(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(liveness_hazard_instant_of(PG_GETARG_TIMESTAMPTZ(0)));
}

/*
 * liveness_hazard_since(as_of timestamptz) -> timestamptz
 */
PG_FUNCTION_INFO_V1(liveness_hazard_since);
Datum
liveness_hazard_since(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(liveness_hazard_since_of(PG_GETARG_TIMESTAMPTZ(0)));
}
