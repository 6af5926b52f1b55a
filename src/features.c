/*-------------------------------------------------------------------------
 *
 * features.c
 *		liveness_features: the sessions of one provider -> one features row.
 *
 * The transition function keeps the two ends and the number of the reason of each session
 * that belongs to the window.  The final function computes everything else, from sorted
 * copies.  Nothing depends on the order in which sessions arrive, and times are exact
 * integers, so that serial, parallel and spilled plans give the same row to the last bit.
 *
 * A session is "open" if it has not ended as of as_of.  A reason is "censored" if it says
 * that the observer went away (liveness.censored_reasons).  The row describes spells
 * (spells.c), except for the numbers of sessions and of their reasons.  Excluded time
 * (excluded.c) is left out of times, and the end of a spell in it is no failure.
 *
 * Memory: 24 bytes a session, in the aggregate's context, grown by doubling; the final
 * function needs some 60 bytes a session more for a moment.  Sessions arrive in the order
 * of time and not of providers, so that much of the time is spent waiting for memory.
 * That is why a state is one allocation, and why all states share their reasons.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "arguments.h"
#include "excluded.h"
#include "features_row.h"
#include "history.h"
#include "matrix.h"
#include "percentiles.h"
#include "reasons.h"
#include "rowtype.h"
#include "score.h"
#include "settings.h"
#include "spells.h"
#include "survival.h"

#define FEATURES_MAGIC		0x4c764632	/* "LvF2" */
#define INITIAL_SESSIONS	19	/* makes the state half a kilobyte */
#define NOT_ENDED			(-1)

#define SHORT_STAY_USECS	(4 * USECS_PER_HOUR)
#define LONG_STAY_USECS		(8 * USECS_PER_HOUR)

typedef struct FeaturesSession
{
	TimestampTz connected_at;
	TimestampTz disconnected_at;	/* as it stands in the row */
	int32		reason;			/* number of the reason, or NOT_ENDED */
} FeaturesSession;

typedef struct FeaturesState
{
	uint32		magic;
	int32		window_days;
	TimestampTz as_of;
	TimestampTz since;
	ReasonSet	reasons;
	struct varlena *given;		/* the argument excluded, or NULL; not read by combine */
	ExcludedTime excluded;		/* what it says */
	TimestampTz first_seen_at;	/* of all sessions given; DT_NOEND: none yet */
	int64		nsessions;
	int64		capacity;
	FeaturesSession sessions[FLEXIBLE_ARRAY_MEMBER];
} FeaturesState;

static inline Size
StateSize(int64 capacity)
{
	return offsetof(FeaturesState, sessions) + capacity * sizeof(FeaturesSession);
}

static FeaturesState *
MakeState(MemoryContext context, ReasonTable *shared, TimestampTz as_of,
		  int window_days, int64 capacity)
{
	FeaturesState *state;

	state = (FeaturesState *) MemoryContextAllocHuge(context, StateSize(capacity));
	state->magic = FEATURES_MAGIC;
	state->as_of = as_of;
	state->since = as_of - window_days * USECS_PER_DAY;
	state->window_days = window_days;
	state->reasons = (ReasonSet) {shared, NULL};
	state->given = NULL;
	state->excluded = (ExcludedTime) {0, NULL};
	state->first_seen_at = DT_NOEND;
	state->nsessions = 0;
	state->capacity = capacity;
	return state;
}

static void
AssertValidState(const FeaturesState *state PG_USED_FOR_ASSERTS_ONLY)
{
	Assert(state->nsessions >= 0 && state->nsessions <= state->capacity);
	Assert(StateSize(state->capacity) <= GetMemoryChunkSpace(unconstify(FeaturesState *, state)));
	Assert(state->since == state->as_of - state->window_days * USECS_PER_DAY);
	Assert(liveness_excluded_in_order(&state->excluded));
#ifdef USE_ASSERT_CHECKING
	for (int64 i = 0; i < state->nsessions; i++)
	{
		const FeaturesSession *session = &state->sessions[i];

		Assert(session->reason == NOT_ENDED || liveness_has_reason(&state->reasons, session->reason));
		Assert((session->reason == NOT_ENDED) == (session->disconnected_at > state->as_of));
		Assert(session->connected_at < state->as_of);
		Assert(session->connected_at >= state->first_seen_at);
	}
#endif
}

/* Make room for more sessions; the state may move */
static inline FeaturesState *
ReserveSessions(FeaturesState *state, int64 more)
{
	if (likely(state->capacity - state->nsessions >= more))
		return state;
	while (state->capacity - state->nsessions < more)
		state->capacity *= 2;
	return (FeaturesState *) repalloc_huge(state, StateSize(state->capacity));
}

/* Is an argument what the first row gave?  Equal multiranges are of equal bytes. */
static bool
IsGiven(const FeaturesState *state, const struct varlena *excluded)
{
	if (state->given == NULL || excluded == NULL)
		return state->given == excluded;
	return VARSIZE_ANY_EXHDR(excluded) == VARSIZE_ANY_EXHDR(state->given) &&
		memcmp(VARDATA_ANY(excluded), VARDATA_ANY(state->given), VARSIZE_ANY_EXHDR(excluded)) == 0;
}

/* Keep the argument, in the form that is aligned, and what it says */
static void
TakeExcluded(FeaturesState *state, MemoryContext context, const struct varlena *excluded)
{
	Size		size = VARSIZE_ANY_EXHDR(excluded);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);

	state->given = (struct varlena *) palloc(VARHDRSZ + size);
	SET_VARSIZE(state->given, VARHDRSZ + size);
	memcpy(VARDATA(state->given), VARDATA_ANY(excluded), size);
	liveness_read_excluded(&state->excluded, state->given);
	MemoryContextSwitchTo(oldcontext);
}

pg_noreturn static void
VaryingArguments(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("as_of, window_days and excluded of liveness_features must not vary within a group"),
			 errhint("Group by them, or give each row the same.")));
}

/*
 * Add the session in the arguments (state, connected_at, disconnected_at,
 * disconnect_reason, as_of, window_days, and maybe excluded).  A NULL connected_at is no
 * session; a NULL reason counts as ''.
 */
static inline Datum
AddSession(FunctionCallInfo fcinfo, bool whole_history)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_features_transfn");
	FeaturesState *state = (FeaturesState *) liveness_state_argument(fcinfo, 0, FEATURES_MAGIC);
	TimestampTz as_of;
	TimestampTz connected_at;
	TimestampTz disconnected_at;
	int			window_days;
	struct varlena *excluded = NULL;
	FeaturesSession *session;
	int32		reason = NOT_ENDED;

	/* the first row of a group checks both, and the others must have the same */
	as_of = PG_ARGISNULL(4) ? liveness_as_of_argument(fcinfo, 4) : PG_GETARG_TIMESTAMPTZ(4);
	window_days = PG_ARGISNULL(5) ? liveness_window_days : PG_GETARG_INT32(5);
	if (PG_NARGS() > 6 && !PG_ARGISNULL(6))
		excluded = PG_GETARG_VARLENA_PP(6);

	if (state == NULL)
	{
		liveness_check_as_of(as_of);
		liveness_check_window_days(window_days);
		state = MakeState(aggcontext, liveness_shared_reasons(fcinfo), as_of, window_days,
						  INITIAL_SESSIONS);
		if (excluded != NULL)
			TakeExcluded(state, aggcontext, excluded);
	}
	else if (as_of != state->as_of || window_days != state->window_days ||
			 !IsGiven(state, excluded))
		VaryingArguments();

	/* sessions that do not belong to the window are left out */
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	connected_at = PG_GETARG_TIMESTAMPTZ(1);
	if (connected_at >= as_of)
		PG_RETURN_POINTER(state);
	state->first_seen_at = Min(state->first_seen_at, connected_at);
	disconnected_at = PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2);
	if (disconnected_at < state->since && !whole_history)
		PG_RETURN_POINTER(state);

	if (disconnected_at <= as_of)
	{
		if (PG_ARGISNULL(3))
			reason = liveness_intern_reason(&state->reasons, aggcontext, "", 0);
		else
		{
			text	   *t = PG_GETARG_TEXT_PP(3);

			reason = liveness_intern_reason(&state->reasons, aggcontext, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
			PG_FREE_IF_COPY(t, 3);
		}
	}

	state = ReserveSessions(state, 1);
	session = &state->sessions[state->nsessions++];
	session->connected_at = connected_at;
	session->disconnected_at = disconnected_at;
	session->reason = reason;
	PG_RETURN_POINTER(state);
}

/*
 * liveness_features_transfn(internal, connected_at, disconnected_at,
 *							 disconnect_reason, as_of, window_days[, excluded])
 *
 * Keeps the sessions of the window.
 */
PG_FUNCTION_INFO_V1(liveness_features_transfn);
Datum
liveness_features_transfn(PG_FUNCTION_ARGS)
{
	return AddSession(fcinfo, false);
}

/*
 * liveness_features_all_transfn(the same)
 *
 * Keeps the sessions before the window as well: the state then serves the aggregate
 * liveness_features_history, too.
 */
PG_FUNCTION_INFO_V1(liveness_features_all_transfn);
Datum
liveness_features_all_transfn(PG_FUNCTION_ARGS)
{
	return AddSession(fcinfo, true);
}

/* liveness_features_combine(internal, internal) -> internal */
PG_FUNCTION_INFO_V1(liveness_features_combine);
Datum
liveness_features_combine(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_features_combine");
	FeaturesState *left = (FeaturesState *) liveness_state_argument(fcinfo, 0, FEATURES_MAGIC);
	FeaturesState *right = (FeaturesState *) liveness_state_argument(fcinfo, 1, FEATURES_MAGIC);
	int32	   *renumbered;

	if (right == NULL)
	{
		if (left == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(left);
	}
	if (left == NULL)
	{
		left = MakeState(aggcontext, liveness_shared_reasons(fcinfo), right->as_of,
						 right->window_days, Max(right->nsessions, INITIAL_SESSIONS));
		left->excluded = liveness_copy_excluded(aggcontext, &right->excluded);
	}
	else if (left->as_of != right->as_of || left->window_days != right->window_days ||
			 !liveness_same_excluded(&left->excluded, &right->excluded))
		VaryingArguments();

	/* each reason is looked up once; 0 says that it was not yet */
	renumbered = (int32 *)
		MemoryContextAllocExtended(CurrentMemoryContext, liveness_reasons_end(&right->reasons) * sizeof(int32),
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	left->first_seen_at = Min(left->first_seen_at, right->first_seen_at);
	left = ReserveSessions(left, right->nsessions);
	for (int64 i = 0; i < right->nsessions; i++)
	{
		FeaturesSession *session = &left->sessions[left->nsessions++];

		*session = right->sessions[i];
		if (session->reason != NOT_ENDED)
		{
			int32	   *number = &renumbered[session->reason];

			if (*number == 0)
			{
				Size		len;
				const char *text = liveness_reason_text(&right->reasons, session->reason, &len);

				*number = 1 + liveness_intern_reason(&left->reasons, aggcontext, text, len);
			}
			session->reason = *number - 1;
		}
	}
	pfree(renumbered);
	AssertValidState(left);
	PG_RETURN_POINTER(left);
}

/*
 * The beginning of a serialized state; the reasons (length, bytes), the excluded time and
 * the sessions follow
 */
typedef struct SerializedFeatures
{
	uint32		magic;
	int32		window_days;
	TimestampTz as_of;
	TimestampTz first_seen_at;
	int64		nsessions;
	int64		nreasons;
	int64		nexcluded;
} SerializedFeatures;

/* One tally serves all groups of a call site */
static ReasonTally *
GetTally(FunctionCallInfo fcinfo, const ReasonSet *reasons)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
														  sizeof(ReasonTally));
	liveness_prepare_tally((ReasonTally *) fcinfo->flinfo->fn_extra,
						   fcinfo->flinfo->fn_mcxt, reasons);
	return (ReasonTally *) fcinfo->flinfo->fn_extra;
}

PG_FUNCTION_INFO_V1(liveness_features_serialize);
Datum
liveness_features_serialize(PG_FUNCTION_ARGS)
{
	FeaturesState *state;
	SerializedFeatures header;
	StringInfoData buf;
	FeaturesSession *sessions;
	ReasonTally *tally;

	(void) liveness_aggregate_context(fcinfo, "liveness_features_serialize");
	state = (FeaturesState *) liveness_state_argument(fcinfo, 0, FEATURES_MAGIC);
	AssertValidState(state);
	liveness_check_serialized_count(state->nsessions, sizeof(FeaturesSession));
	liveness_check_serialized_count(state->excluded.n, sizeof(TimeSpan));

	tally = GetTally(fcinfo, &state->reasons);

	/* only the reasons of this group go along, numbered anew */
	sessions = (FeaturesSession *)
		MemoryContextAllocHuge(CurrentMemoryContext,
							   Max(state->nsessions, 1) * sizeof(FeaturesSession));
	for (int64 i = 0; i < state->nsessions; i++)
	{
		sessions[i] = state->sessions[i];
		if (sessions[i].reason != NOT_ENDED)
		{
			int64	   *number = liveness_touch_reason(tally, sessions[i].reason);

			if (*number == 0)
				*number = tally->ntouched;
			sessions[i].reason = (int32) *number - 1;
		}
	}

	header.magic = FEATURES_MAGIC;
	header.window_days = state->window_days;
	header.as_of = state->as_of;
	header.first_seen_at = state->first_seen_at;
	header.nsessions = state->nsessions;
	header.nreasons = tally->ntouched;
	header.nexcluded = state->excluded.n;

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, (char *) &header, sizeof(header));
	for (int i = 0; i < tally->ntouched; i++)
	{
		Size		len;
		const char *text = liveness_reason_text(&state->reasons, tally->touched[i], &len);

		pq_sendbytes(&buf, (char *) &len, sizeof(len));
		pq_sendbytes(&buf, text, (int) len);
	}
	pq_sendbytes(&buf, (char *) state->excluded.spans, (int) (header.nexcluded * sizeof(TimeSpan)));
	pq_sendbytes(&buf, (char *) sessions, (int) (state->nsessions * sizeof(FeaturesSession)));
	liveness_clear_tally(tally);
	pfree(sessions);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

PG_FUNCTION_INFO_V1(liveness_features_deserialize);
Datum
liveness_features_deserialize(PG_FUNCTION_ARGS)
{
	StateReader reader;
	SerializedFeatures header;
	FeaturesState *state;

	(void) liveness_aggregate_context(fcinfo, "liveness_features_deserialize");
	liveness_read_state(&reader, PG_GETARG_BYTEA_PP(0));
	liveness_read_bytes(&reader, &header, sizeof(header));
	if (header.magic != FEATURES_MAGIC || TIMESTAMP_NOT_FINITE(header.as_of) ||
		header.window_days < MIN_WINDOW_DAYS || header.window_days > MAX_WINDOW_DAYS ||
		header.nreasons < 0)
		liveness_corrupt_state();

	liveness_check_remaining(&reader, header.nsessions, sizeof(FeaturesSession));

	state = MakeState(CurrentMemoryContext, NULL, header.as_of, header.window_days,
					  Max(header.nsessions, INITIAL_SESSIONS));
	for (int64 i = 0; i < header.nreasons; i++)
	{
		Size		len;

		liveness_read_bytes(&reader, &len, sizeof(len));
		liveness_check_remaining(&reader, (int64) len, 1);
		(void) liveness_intern_reason(&state->reasons, CurrentMemoryContext, reader.cur, len);
		reader.cur += len;
	}
	liveness_check_remaining(&reader, header.nexcluded, sizeof(TimeSpan));
	state->excluded.spans = (TimeSpan *)
		MemoryContextAllocHuge(CurrentMemoryContext, Max(header.nexcluded, 1) * sizeof(TimeSpan));
	state->excluded.n = header.nexcluded;
	liveness_read_bytes(&reader, state->excluded.spans, header.nexcluded * sizeof(TimeSpan));
	if (!liveness_excluded_in_order(&state->excluded))
		liveness_corrupt_state();
	liveness_read_bytes(&reader, state->sessions,
						header.nsessions * sizeof(FeaturesSession));
	liveness_read_end(&reader);
	state->first_seen_at = header.first_seen_at;
	state->nsessions = header.nsessions;
	for (int64 i = 0; i < state->nsessions; i++)
	{
		FeaturesSession *session = &state->sessions[i];

		if (session->reason < NOT_ENDED || session->reason >= header.nreasons ||
			(session->reason == NOT_ENDED) != (session->disconnected_at > header.as_of) ||
			session->connected_at >= header.as_of || session->connected_at < header.first_seen_at)
			liveness_corrupt_state();
		if (session->reason != NOT_ENDED)
		{
			session->reason += MAX_SHARED_REASONS;
			if (!liveness_has_reason(&state->reasons, session->reason))
				liveness_corrupt_state();
		}
	}
	AssertValidState(state);
	PG_RETURN_POINTER(state);
}

#define FEATURES_COLUMN(none, constant, name, type, reset)		{#name, type},
#define FEATURES_CONSTANT(none, constant, name, type, reset)	COL_##constant,

static const RowColumn features_row[] = {
	FEATURES_ROW(FEATURES_COLUMN, )
};

enum FeaturesColumn
{
	FEATURES_ROW(FEATURES_CONSTANT, )
	FEATURES_COLUMNS
};

/* What the final function keeps from group to group */
typedef struct FinalCache
{
	TupleDesc	tupdesc;
	MemoryContext tmpcontext;	/* for one group, then reset */
	ReasonTally tally;
	TimestampTz as_of;
	int			window_days;	/* 0: no window yet, or one of which time is excluded */
	int64		window_usecs;	/* the time of the window that is not excluded */
	int64		window[HOURS_PER_WEEK]; /* and its matrix */
	MatrixShares shares;
} FinalCache;

static FinalCache *
GetFinalCache(FunctionCallInfo fcinfo)
{
	FinalCache *cache = (FinalCache *) fcinfo->flinfo->fn_extra;
	MemoryContext oldcontext;

	if (cache)
		return cache;

	oldcontext = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	cache = (FinalCache *) palloc0(sizeof(FinalCache));
	cache->tupdesc = liveness_result_row(fcinfo, features_row, FEATURES_COLUMNS);
	/* most groups fit into the first block, which a reset keeps */
	cache->tmpcontext = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt,
											  "liveness_features_final",
											  0, 32 * 1024, ALLOCSET_DEFAULT_MAXSIZE);
	MemoryContextSwitchTo(oldcontext);
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

static inline int64
RoundToSeconds(int64 usecs)
{
	return liveness_divide_rounded(usecs, USECS_PER_SEC);
}

/* An amount of time, and by hour of the week */
typedef struct CountedTime
{
	int64		usecs;
	WeekMatrix	matrix;
} CountedTime;

/* Add what is not excluded of [start, end), which is finite */
static void
AddCounted(CountedTime *time, const ExcludedTime *excluded, TimestampTz start, TimestampTz end)
{
	TimeSpan	part;

	while (liveness_next_counted(excluded, &start, end, &part))
	{
		time->usecs += part.end - part.start;
		liveness_week_matrix_add(&time->matrix, part.start, part.end);
	}
}

/* The window of most groups is the same, and has nothing excluded */
static void
CountWindow(FinalCache *cache, const FeaturesState *state)
{
	CountedTime window = {0};

	if (cache->as_of == state->as_of && cache->window_days == state->window_days &&
		state->excluded.n == 0)
		return;
	AddCounted(&window, &state->excluded, state->since, state->as_of);
	liveness_week_matrix_cells(&window.matrix, cache->window);
	cache->window_usecs = window.usecs;
	cache->as_of = state->as_of;
	cache->window_days = state->excluded.n == 0 ? state->window_days : 0;
}

/*
 * The intervals of the sessions that end at or after "since"; those of open sessions end
 * at open_end.  Returns how many there are.
 */
static int64
ReadIntervals(const FeaturesState *state, TimestampTz since, TimestampTz open_end,
			  ReasonTally *tally, LivenessInterval *intervals)
{
	LivenessInterval *interval = intervals;
	bool		descending = state->sessions[0].connected_at > state->sessions[state->nsessions - 1].connected_at;

	for (int64 i = 0; i < state->nsessions; i++)
	{
		/* an index gives the newest first; turned round, its order needs no sort */
		const FeaturesSession *session = &state->sessions[descending ? state->nsessions - 1 - i : i];

		if (session->disconnected_at < since)
			continue;
		interval->start = session->connected_at;
		if (session->reason == NOT_ENDED)
		{
			interval->end = Min(session->disconnected_at, open_end);
			interval->ending = ENDING_OPEN;
		}
		else
		{
			interval->end = Max(session->disconnected_at, session->connected_at);
			interval->ending = liveness_count_reason(&state->reasons, tally, session->reason) ? 0 : ENDING_FAILURE;
		}
		interval++;
	}
	return interval - intervals;
}

/* What the spells of the window add up to */
typedef struct SpellFigures
{
	CountedTime online;
	int64		failures;
	int64		gaps;
	int64		gap_total;		/* microseconds, as all times here */
	int64		bridged;		/* time online between two sessions of a spell */
	int64		stays_4h;
	int64		stays_8h;
	int64		failed_before_4h;
	int64		failed_before_8h;
	bool		has_disconnect;
	TimestampTz last_disconnect_at;
	int64		last_length;
	SurvivalSample sample;
} SpellFigures;

/*
 * Merge sessions into spells, in place, as liveness_merge_spells does; returns how many
 * there are.  What overlaps is merged first, so that the gaps that are bridged show.
 */
static int64
JoinSpells(const FeaturesState *state, LivenessInterval *intervals, int64 n, SpellFigures *figures)
{
	int64		resume_within = liveness_resume_within_usecs();
	int64		last = 0;

	n = liveness_merge_spells(intervals, n, -1);
	for (int64 i = 1; i < n; i++)
	{
		TimestampTz end = intervals[last].end;

		/* as with gaps, both ends are inside the window */
		if (liveness_join_spell(&intervals[last], &intervals[i], resume_within))
			figures->bridged += liveness_counted_usecs(&state->excluded, end, intervals[i].start);
		else
			intervals[++last] = intervals[i];
	}
	return last + 1;
}

static void
AddSpells(const FeaturesState *state, const LivenessInterval *spells, int64 n,
		  SpellFigures *figures)
{
	bool		has_previous = false;
	TimestampTz previous_end = 0;

	for (int64 i = 0; i < n; i++)
	{
		const LivenessInterval *spell = &spells[i];
		bool		failed = spell->ending == ENDING_FAILURE &&
			!liveness_is_excluded(&state->excluded, spell->end);
		int64		length = liveness_saturating_sub(spell->end, spell->start);
		TimestampTz start = Max(spell->start, state->since);

		/* every spell here ends inside the window */
		AddCounted(&figures->online, &state->excluded, start, spell->end);
		liveness_observe(&figures->sample,
						 Max(liveness_saturating_sub(state->since, spell->start), 0),
						 length, failed);

		/* a shorter spell that did not fail is undecided: it might have lasted */
		figures->stays_4h += length >= SHORT_STAY_USECS;
		figures->stays_8h += length >= LONG_STAY_USECS;
		if (failed)
		{
			figures->failures++;
			figures->failed_before_4h += length < SHORT_STAY_USECS;
			figures->failed_before_8h += length < LONG_STAY_USECS;
			figures->has_disconnect = true;
			figures->last_disconnect_at = spell->end;
			figures->last_length = length;
		}

		/*
		 * Gaps lie between spells of positive length.  Both ends of a gap are inside
		 * the window: every spell here ends at or after since and begins before as_of.
		 */
		if (spell->end > spell->start)
		{
			int64		gap = has_previous
				? liveness_counted_usecs(&state->excluded, previous_end, spell->start) : 0;

			figures->gaps += gap > 0;
			figures->gap_total += gap;
			has_previous = true;
			previous_end = spell->end;
		}
	}
}

static double
StayShare(int64 stays, int64 failed_before)
{
	return stays == 0 ? 0 : (double) stays / (double) (stays + failed_before);
}

/* The share of a time that was online; excluded time is left out of both */
static double
OnlineShare(const SpellFigures *figures, int64 usecs)
{
	return usecs == 0 ? 0 : (double) figures->online.usecs / (double) usecs;
}

/* Shares, means, counts, and the score that follows from them */
static void
PutShares(const FeaturesState *state, const SpellFigures *figures, int64 window_usecs,
		  Datum *values, bool *nulls)
{
	double		uptime_pct = OnlineShare(figures, window_usecs);
	double		p_stays_4h = StayShare(figures->stays_4h, figures->failed_before_4h);
	double		p_stays_8h = StayShare(figures->stays_8h, figures->failed_before_8h);
	int64		mtbf_seconds = liveness_divide_rounded(figures->online.usecs, Max(figures->failures, 1) * USECS_PER_SEC);

	values[COL_UPTIME_PCT] = Float4GetDatum((float4) uptime_pct);
	values[COL_FIRST_SEEN_AT] = TimestampTzGetDatum(state->first_seen_at);
	values[COL_OBSERVED_UPTIME_PCT] =
		Float4GetDatum((float4) OnlineShare(figures, state->first_seen_at <= state->since ? window_usecs
											: liveness_counted_usecs(&state->excluded, state->first_seen_at, state->as_of)));
	values[COL_BRIDGED_SECONDS] = Int64GetDatum(RoundToSeconds(figures->bridged));
	values[COL_P_STAYS_4H] = Float4GetDatum((float4) p_stays_4h);
	values[COL_P_STAYS_8H] = Float4GetDatum((float4) p_stays_8h);
	values[COL_MTBF_SECONDS] = Int64GetDatum(mtbf_seconds);
	values[COL_MTTR_SECONDS] =
		Int64GetDatum(figures->gaps > 0 ? liveness_divide_rounded(figures->gap_total, figures->gaps * USECS_PER_SEC) : 0);
	values[COL_FAILURES_COUNT] = Int32GetDatum((int32) Min(figures->failures, PG_INT32_MAX));
	values[COL_LAST_DISCONNECT_AT] = TimestampTzGetDatum(figures->last_disconnect_at);
	nulls[COL_LAST_DISCONNECT_AT] = !figures->has_disconnect;
	values[COL_LAST_SESSION_DURATION_SECONDS] = Int64GetDatum(RoundToSeconds(figures->last_length));
	values[COL_LIVENESS_SCORE] =
		Float4GetDatum((float4) liveness_score_internal(uptime_pct, p_stays_4h, p_stays_8h,
														(double) mtbf_seconds,
														figures->has_disconnect,
														figures->last_disconnect_at,
														state->as_of));
}

/* The columns that need sorted lengths: one sort serves survival and percentiles */
static void
PutLengths(SurvivalSample *sample, Datum *values, bool *nulls)
{
	static const int64 survival_times[] = {SHORT_STAY_USECS, LONG_STAY_USECS};
	double		survival[lengthof(survival_times)];
	bool		isnull[lengthof(survival_times)];
	int64	   *lengths = (int64 *) sample->exits;
	int64		n = sample->n;

	liveness_sort_sample(sample);
	liveness_survival_at(sample, survival_times, lengthof(survival_times), survival, isnull);
	for (int k = 0; k < (int) lengthof(survival_times); k++)
	{
		values[COL_P_SURVIVES_4H + k] = Float4GetDatum((float4) survival[k]);
		nulls[COL_P_SURVIVES_4H + k] = isnull[k];
	}

	for (int64 i = 0; i < n; i++)
		lengths[i] = SurvivalTime(sample->exits[i]);
	values[COL_MEDIAN_SESSION_SECONDS] =
		Int64GetDatum((int64) round(liveness_percentile_of_sorted_usecs(lengths, n, 0.5)));
	values[COL_P10_SESSION_SECONDS] =
		Int64GetDatum((int64) round(liveness_percentile_of_sorted_usecs(lengths, n, 0.1)));
	values[COL_P90_SESSION_SECONDS] =
		Int64GetDatum((int64) round(liveness_percentile_of_sorted_usecs(lengths, n, 0.9)));
}

/*
 * liveness_features_history_final(internal) -> bytea
 *
 * Packs all the sessions as a history (history.c).
 */
PG_FUNCTION_INFO_V1(liveness_features_history_final);
Datum
liveness_features_history_final(PG_FUNCTION_ARGS)
{
	FeaturesState *state = (FeaturesState *) liveness_state_argument(fcinfo, 0, FEATURES_MAGIC);
	ReasonTally *tally;
	LivenessInterval *intervals;
	bytea	   *history;
	int64		n;

	(void) liveness_aggregate_context(fcinfo, "liveness_features_history_final");
	if (state == NULL || state->nsessions == 0)
		PG_RETURN_NULL();
	AssertValidState(state);
	CHECK_FOR_INTERRUPTS();
	tally = GetTally(fcinfo, &state->reasons);
	intervals = (LivenessInterval *)
		MemoryContextAllocHuge(CurrentMemoryContext, state->nsessions * sizeof(LivenessInterval));
	n = ReadIntervals(state, DT_NOBEGIN, DT_NOEND, tally, intervals);
	liveness_clear_tally(tally);
	history = liveness_pack_history(intervals, n, liveness_resume_within_usecs(), &state->excluded);
	pfree(intervals);
	PG_RETURN_BYTEA_P(history);
}

/*
 * liveness_features_final(internal) -> liveness_features_row
 *
 * NULL for a group without a session in the window.
 */
PG_FUNCTION_INFO_V1(liveness_features_final);
Datum
liveness_features_final(PG_FUNCTION_ARGS)
{
	FeaturesState *state = (FeaturesState *) liveness_state_argument(fcinfo, 0, FEATURES_MAGIC);
	MemoryContext oldcontext;
	FinalCache *cache;
	SpellFigures figures = {0};
	LivenessInterval *spells;
	int64		nsessions;
	int64		nspells;
	Datum		values[FEATURES_COLUMNS];
	bool		nulls[FEATURES_COLUMNS] = {false};
	HeapTuple	tuple;

	(void) liveness_aggregate_context(fcinfo, "liveness_features_final");
	if (state == NULL || state->nsessions == 0)
		PG_RETURN_NULL();
	AssertValidState(state);
	CHECK_FOR_INTERRUPTS();

	cache = GetFinalCache(fcinfo);

	/* what one group needs is freed with the group, not with the query */
	oldcontext = MemoryContextSwitchTo(cache->tmpcontext);

	spells = (LivenessInterval *)
		MemoryContextAllocHuge(cache->tmpcontext, state->nsessions * sizeof(LivenessInterval));
	liveness_prepare_tally(&cache->tally, fcinfo->flinfo->fn_mcxt, &state->reasons);
	nsessions = ReadIntervals(state, state->since, state->as_of, &cache->tally, spells);
	if (nsessions == 0)
	{
		MemoryContextSwitchTo(oldcontext);
		MemoryContextReset(cache->tmpcontext);
		PG_RETURN_NULL();
	}
	nspells = JoinSpells(state, spells, nsessions, &figures);

	figures.sample.exits = (uint64 *)
		MemoryContextAllocHuge(cache->tmpcontext, nspells * sizeof(uint64));
	figures.sample.last_exit = -1;
	AddSpells(state, spells, nspells, &figures);

	values[COL_SESSIONS_COUNT] = Int32GetDatum((int32) Min(nsessions, PG_INT32_MAX));
	values[COL_SPELLS_COUNT] = Int32GetDatum((int32) Min(nspells, PG_INT32_MAX));
	CountWindow(cache, state);
	PutShares(state, &figures, cache->window_usecs, values, nulls);
	PutLengths(&figures.sample, values, nulls);
	values[COL_HOURLY_AVAILABILITY] = 
		JsonbPGetDatum(liveness_week_matrix_shares(&cache->shares, &figures.online.matrix, cache->window));
	values[COL_DISCONNECT_REASONS] = JsonbPGetDatum(liveness_tally_jsonb(&state->reasons, &cache->tally));
	liveness_clear_tally(&cache->tally);

	MemoryContextSwitchTo(oldcontext);
	tuple = heap_form_tuple(cache->tupdesc, values, nulls);
	MemoryContextReset(cache->tmpcontext);
	PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}
