/*-------------------------------------------------------------------------
 *
 * features.c
 *		liveness_features: the sessions of one provider -> one features row.
 *
 * The transition function keeps, of each session that belongs to the window,
 * its two ends and the number of its reason; everything else is computed once,
 * by the final function, from sorted copies.  Nothing depends on the order in
 * which sessions arrive, and times are exact integers, so that serial, parallel
 * and spilled plans give the same row to the last bit.
 *
 * Terms: a session is "open" if it has not ended as of as_of; a reason is
 * "censored" if it says that the observer went away (liveness.censored_reasons).
 * The figures are those of spells (liveness_merge_spells), but for the numbers of
 * sessions and of their reasons.
 *
 * Memory: 24 bytes a session, in the aggregate's context, grown by doubling; the
 * final function needs some 60 bytes a session more for a moment.  Much of the time
 * goes into waiting for memory, since sessions arrive in the order of time and not of
 * providers: so a state is one allocation, and the reasons are shared by all states.
 * The shared ones are bounded in number and length.  Where reasons differ each time,
 * the others stand with their group, and go with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "history.h"
#include "liveness.h"
#include "rowtype.h"

#define FEATURES_MAGIC		0x4c764631	/* "LvF1" */
#define INITIAL_SESSIONS	19	/* with the state's head half a kilobyte */
#define INITIAL_REASONS		8
#define INITIAL_REASON_BYTES 256
#define HASH_REASONS_ABOVE	16	/* up to here a look at each is cheaper */
#define MAX_SHARED_REASONS	1024	/* a group's own are numbered from here on */
#define MAX_SHARED_REASON_BYTES 256
#define NOT_ENDED			(-1)

#define SHORT_STAY_USECS	(4 * USECS_PER_HOUR)
#define LONG_STAY_USECS		(8 * USECS_PER_HOUR)

#define UNSPECIFIED_REASON	"unspecified"

/* The matrix has four decimals: a cell is one of these many values */
#define MATRIX_SCALE		10000

typedef struct FeaturesSession
{
	TimestampTz connected_at;
	TimestampTz disconnected_at;	/* as it stands in the row */
	int32		reason;			/* number of the reason, or NOT_ENDED */
} FeaturesSession;

/* A distinct reason: where its bytes stand in ReasonTable.bytes */
typedef struct Reason
{
	Size		offset;
	Size		len;
} Reason;

struct reasonhash_hash;

/*
 * Distinct reasons: those of all the groups that one call site aggregates, for a
 * fleet has the same few, and one table stays in the processor's cache where one for
 * each provider would not; or those of one group that are not among these.
 */
typedef struct ReasonTable
{
	MemoryContext context;
	int			nreasons;
	int			capacity;
	Reason	   *reasons;
	Size		bytes_used;
	Size		bytes_capacity;
	char	   *bytes;
	struct reasonhash_hash *hash;	/* NULL while the reasons are few */
} ReasonTable;

typedef struct FeaturesState
{
	uint32		magic;
	int32		window_days;
	TimestampTz as_of;
	TimestampTz since;
	ReasonTable *shared;		/* NULL: all are its own */
	ReasonTable *own;			/* NULL: none yet */
	int64		nsessions;
	int64		capacity;
	FeaturesSession sessions[FLEXIBLE_ARRAY_MEMBER];
} FeaturesState;

/* Index of the reasons by text.  The key is a reason's number; see InternReason */
typedef struct ReasonHashEntry
{
	int32		reason;
	uint32		hash;
	char		status;
} ReasonHashEntry;

static inline const char *
ReasonText(const ReasonTable *table, int32 reason)
{
	return table->bytes + table->reasons[reason].offset;
}

static inline uint32
HashReason(const ReasonTable *table, int32 reason)
{
	return hash_bytes((const unsigned char *) ReasonText(table, reason),
					  (int) table->reasons[reason].len);
}

static inline bool
ReasonIs(const ReasonTable *table, int32 reason, const char *text, Size len)
{
	return table->reasons[reason].len == len &&
		memcmp(ReasonText(table, reason), text, len) == 0;
}

static inline bool
EqualReasons(const ReasonTable *table, int32 a, int32 b)
{
	return ReasonIs(table, a, ReasonText(table, b), table->reasons[b].len);
}

#define SH_PREFIX reasonhash
#define SH_ELEMENT_TYPE ReasonHashEntry
#define SH_KEY_TYPE int32
#define SH_KEY reason
#define SH_HASH_KEY(tb, key) HashReason((const ReasonTable *) (tb)->private_data, key)
#define SH_EQUAL(tb, a, b) EqualReasons((const ReasonTable *) (tb)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static ReasonTable *
MakeReasonTable(MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	ReasonTable *table = (ReasonTable *) palloc(sizeof(ReasonTable));

	table->context = context;
	table->nreasons = 0;
	table->capacity = INITIAL_REASONS;
	table->reasons = (Reason *) palloc(INITIAL_REASONS * sizeof(Reason));
	table->bytes_used = 0;
	table->bytes_capacity = INITIAL_REASON_BYTES;
	table->bytes = (char *) palloc(INITIAL_REASON_BYTES);
	table->hash = NULL;

	MemoryContextSwitchTo(oldcontext);
	return table;
}

/* The call site's table; it lives as long as the query, longer than any state */
static ReasonTable *
GetReasonTable(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MakeReasonTable(fcinfo->flinfo->fn_mcxt);
	return (ReasonTable *) fcinfo->flinfo->fn_extra;
}

/* Append a reason without looking whether it is there; it is not counted yet */
static void
AppendReason(ReasonTable *table, const char *text, Size len)
{
	if (table->nreasons == table->capacity)
	{
		table->capacity *= 2;
		table->reasons = (Reason *)
			repalloc_huge(table->reasons, table->capacity * sizeof(Reason));
	}
	if (table->bytes_capacity - table->bytes_used < len)
	{
		while (table->bytes_capacity - table->bytes_used < len)
			table->bytes_capacity *= 2;
		table->bytes = (char *) repalloc_huge(table->bytes, table->bytes_capacity);
	}

	memcpy(table->bytes + table->bytes_used, text, len);
	table->reasons[table->nreasons].offset = table->bytes_used;
	table->reasons[table->nreasons].len = len;
}

/* Count the reason that AppendReason left behind the others */
static int32
KeepReason(ReasonTable *table)
{
	if (table->nreasons == PG_INT32_MAX / 4)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many different disconnect reasons"),
				 errhint("A reason is one of a few words: keep what differs each time elsewhere.")));
	table->bytes_used += table->reasons[table->nreasons].len;
	return table->nreasons++;
}

/*
 * The number of a reason in a table, a new one if it was not seen yet; -1 if the table
 * is full by then.
 *
 * While there are few, as in practice there always are, we look at each.  From
 * then on they are hashed: the candidate is appended first, so that the hash
 * table can refer to texts by number alone, and forgotten if it was there.
 */
static int32
InternInTable(ReasonTable *table, const char *text, Size len, int max_reasons)
{
	ReasonHashEntry *entry;
	bool		found;

	if (table->hash == NULL)
	{
		for (int32 i = 0; i < table->nreasons; i++)
		{
			if (ReasonIs(table, i, text, len))
				return i;
		}
		AppendReason(table, text, len);
		if (table->nreasons < HASH_REASONS_ABOVE)
			return KeepReason(table);

		table->hash = reasonhash_create(table->context, 4 * HASH_REASONS_ABOVE, table);
		for (int32 i = 0; i < table->nreasons; i++)
			(void) reasonhash_insert(table->hash, i, &found);
	}
	else
		AppendReason(table, text, len);

	if (table->nreasons >= max_reasons)
	{
		entry = reasonhash_lookup(table->hash, table->nreasons);
		return entry ? entry->reason : -1;
	}
	entry = reasonhash_insert(table->hash, table->nreasons, &found);
	if (found)
		return entry->reason;
	return KeepReason(table);
}

/* The number of a reason in a group: of the shared ones, or else of its own */
static int32
InternReason(FeaturesState *state, MemoryContext context, const char *text, Size len)
{
	if (state->shared && len <= MAX_SHARED_REASON_BYTES)
	{
		int32		reason = InternInTable(state->shared, text, len, MAX_SHARED_REASONS);

		if (reason >= 0)
			return reason;
	}
	if (state->own == NULL)
		state->own = MakeReasonTable(context);
	return MAX_SHARED_REASONS + InternInTable(state->own, text, len, PG_INT32_MAX);
}

/* Numbers of a group's reasons are below this */
static inline int
ReasonsEnd(const FeaturesState *state)
{
	return MAX_SHARED_REASONS + (state->own ? state->own->nreasons : 0);
}

static inline const char *
ReasonOf(const FeaturesState *state, int32 reason, Size *len)
{
	const ReasonTable *table = state->shared;

	if (reason >= MAX_SHARED_REASONS)
	{
		table = state->own;
		reason -= MAX_SHARED_REASONS;
	}
	*len = table->reasons[reason].len;
	return ReasonText(table, reason);
}

static inline bool
ReasonIsCensored(const FeaturesState *state, int32 reason)
{
	Size		len;
	const char *text = ReasonOf(state, reason, &len);

	return liveness_reason_is_censored(text, len);
}

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
	state->shared = shared;
	state->own = NULL;
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
#ifdef USE_ASSERT_CHECKING
	for (int64 i = 0; i < state->nsessions; i++)
	{
		const FeaturesSession *session = &state->sessions[i];

		Assert(session->reason >= NOT_ENDED && session->reason < ReasonsEnd(state));
		Assert(session->reason >= MAX_SHARED_REASONS || session->reason == NOT_ENDED ||
			   session->reason < state->shared->nreasons);
		Assert((session->reason == NOT_ENDED) == (session->disconnected_at > state->as_of));
		Assert(session->connected_at < state->as_of);
	}
#endif
}

/* Make room for this many more sessions; the state may move */
static inline FeaturesState *
ReserveSessions(FeaturesState *state, int64 more)
{
	if (likely(state->capacity - state->nsessions >= more))
		return state;
	while (state->capacity - state->nsessions < more)
		state->capacity *= 2;
	return (FeaturesState *) repalloc_huge(state, StateSize(state->capacity));
}

/*
 * Of the session in the arguments (state, connected_at, disconnected_at,
 * disconnect_reason, as_of, window_days).  A NULL connected_at is no session; a NULL
 * reason counts as ''.
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
	FeaturesSession *session;
	int32		reason = NOT_ENDED;

	/* checked by the first row of a group, and the same for the others */
	as_of = PG_ARGISNULL(4) ? liveness_as_of_argument(fcinfo, 4) : PG_GETARG_TIMESTAMPTZ(4);
	window_days = PG_ARGISNULL(5) ? liveness_window_days : PG_GETARG_INT32(5);

	if (state == NULL)
	{
		liveness_check_as_of(as_of);
		liveness_check_window_days(window_days);
		state = MakeState(aggcontext, GetReasonTable(fcinfo), as_of, window_days,
						  INITIAL_SESSIONS);
	}
	else if (as_of != state->as_of || window_days != state->window_days)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("as_of and window_days of liveness_features must not vary within a group"),
				 errhint("Group by them, or give each row the same.")));

	/* Does the session belong to the window? */
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	connected_at = PG_GETARG_TIMESTAMPTZ(1);
	if (connected_at >= as_of)
		PG_RETURN_POINTER(state);
	disconnected_at = PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2);
	if (disconnected_at < state->since && !whole_history)
		PG_RETURN_POINTER(state);

	if (disconnected_at <= as_of)
	{
		if (PG_ARGISNULL(3))
			reason = InternReason(state, aggcontext, "", 0);
		else
		{
			text	   *t = PG_GETARG_TEXT_PP(3);

			reason = InternReason(state, aggcontext, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
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
 *							 disconnect_reason, as_of, window_days)
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
 * Keeps the others as well, for who needs the history too: the state then serves
 * two aggregates.
 */
PG_FUNCTION_INFO_V1(liveness_features_all_transfn);
Datum
liveness_features_all_transfn(PG_FUNCTION_ARGS)
{
	return AddSession(fcinfo, true);
}

/* liveness_features_combine(internal, internal): never changes the right one */
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
		left = MakeState(aggcontext, GetReasonTable(fcinfo), right->as_of,
						 right->window_days, Max(right->nsessions, INITIAL_SESSIONS));
	else if (left->as_of != right->as_of || left->window_days != right->window_days)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("as_of and window_days of liveness_features must not vary within a group"),
				 errhint("Group by them, or give each row the same.")));

	/* only those of this group, each looked up once; 0: not yet */
	renumbered = (int32 *)
		MemoryContextAllocExtended(CurrentMemoryContext, ReasonsEnd(right) * sizeof(int32),
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

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
				const char *text = ReasonOf(right, session->reason, &len);

				*number = 1 + InternReason(left, aggcontext, text, len);
			}
			session->reason = *number - 1;
		}
	}
	pfree(renumbered);
	AssertValidState(left);
	PG_RETURN_POINTER(left);
}

/*
 * A number for each reason of a table, all 0 between two uses: the table may hold
 * many more reasons than one group has, so that clearing costs what was touched.
 */
typedef struct ReasonTally
{
	int			capacity;
	int			ntouched;
	int32	   *touched;		/* reasons whose number is not 0 */
	int64	   *numbers;
	bool	   *censored;		/* of those touched, if the caller wants to know */
} ReasonTally;

static void
PrepareTally(ReasonTally *tally, MemoryContext context, const FeaturesState *state)
{
	int			capacity = Max(tally->capacity, MAX_SHARED_REASONS);

	Assert(tally->ntouched == 0);
	if (tally->capacity >= ReasonsEnd(state) && tally->capacity > 0)
		return;
	while (capacity < ReasonsEnd(state))
		capacity *= 2;
	if (tally->capacity > 0)
	{
		pfree(tally->touched);
		pfree(tally->numbers);
		pfree(tally->censored);
	}
	tally->touched = (int32 *) MemoryContextAllocHuge(context, capacity * sizeof(int32));
	tally->numbers = (int64 *) MemoryContextAllocHuge(context, capacity * sizeof(int64));
	memset(tally->numbers, 0, capacity * sizeof(int64));
	tally->censored = (bool *) MemoryContextAllocHuge(context, capacity * sizeof(bool));
	tally->capacity = capacity;
}

/* The reason's number, to be made other than 0 by the caller */
static inline int64 *
TouchReason(ReasonTally *tally, int32 reason)
{
	if (tally->numbers[reason] == 0)
		tally->touched[tally->ntouched++] = reason;
	return &tally->numbers[reason];
}

static void
ClearTally(ReasonTally *tally)
{
	for (int i = 0; i < tally->ntouched; i++)
		tally->numbers[tally->touched[i]] = 0;
	tally->ntouched = 0;
}

/* Of a serialized state; the reasons (length, bytes) and the sessions follow */
typedef struct SerializedFeatures
{
	uint32		magic;
	int32		window_days;
	TimestampTz as_of;
	int64		nsessions;
	int64		nreasons;
} SerializedFeatures;

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

	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
														  sizeof(ReasonTally));
	tally = (ReasonTally *) fcinfo->flinfo->fn_extra;
	PrepareTally(tally, fcinfo->flinfo->fn_mcxt, state);

	/* Only the reasons of this group go along, numbered anew from 1 */
	sessions = (FeaturesSession *)
		MemoryContextAllocHuge(CurrentMemoryContext,
							   Max(state->nsessions, 1) * sizeof(FeaturesSession));
	for (int64 i = 0; i < state->nsessions; i++)
	{
		sessions[i] = state->sessions[i];
		if (sessions[i].reason != NOT_ENDED)
		{
			int64	   *number = TouchReason(tally, sessions[i].reason);

			if (*number == 0)
				*number = tally->ntouched;
			sessions[i].reason = (int32) *number - 1;
		}
	}

	header.magic = FEATURES_MAGIC;
	header.window_days = state->window_days;
	header.as_of = state->as_of;
	header.nsessions = state->nsessions;
	header.nreasons = tally->ntouched;

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, (char *) &header, sizeof(header));
	for (int i = 0; i < tally->ntouched; i++)
	{
		Size		len;
		const char *text = ReasonOf(state, tally->touched[i], &len);

		pq_sendbytes(&buf, (char *) &len, sizeof(len));
		pq_sendbytes(&buf, text, (int) len);
	}
	pq_sendbytes(&buf, (char *) sessions, (int) (state->nsessions * sizeof(FeaturesSession)));
	ClearTally(tally);
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
	state->own = MakeReasonTable(CurrentMemoryContext);
	for (int64 i = 0; i < header.nreasons; i++)
	{
		Size		len;

		liveness_read_bytes(&reader, &len, sizeof(len));
		liveness_check_remaining(&reader, (int64) len, 1);
		AppendReason(state->own, reader.cur, len);
		(void) KeepReason(state->own);
		reader.cur += len;
	}
	liveness_read_bytes(&reader, state->sessions,
						header.nsessions * sizeof(FeaturesSession));
	liveness_read_end(&reader);
	state->nsessions = header.nsessions;
	for (int64 i = 0; i < state->nsessions; i++)
	{
		FeaturesSession *session = &state->sessions[i];

		if (session->reason < NOT_ENDED || session->reason >= header.nreasons ||
			(session->reason == NOT_ENDED) != (session->disconnected_at > header.as_of) ||
			session->connected_at >= header.as_of)
			liveness_corrupt_state();
		if (session->reason != NOT_ENDED)
			session->reason += MAX_SHARED_REASONS;
	}
	AssertValidState(state);
	PG_RETURN_POINTER(state);
}

/* liveness_features_row */
static const RowColumn features_row[] = {
	{"uptime_pct", FLOAT4OID},
	{"sessions_count", INT4OID},
	{"mtbf_seconds", INT8OID},
	{"median_session_seconds", INT8OID},
	{"p10_session_seconds", INT8OID},
	{"p90_session_seconds", INT8OID},
	{"hourly_availability", JSONBOID},
	{"disconnect_reasons", JSONBOID},
	{"p_stays_4h", FLOAT4OID},
	{"p_stays_8h", FLOAT4OID},
	{"last_disconnect_at", TIMESTAMPTZOID},
	{"last_session_duration_seconds", INT8OID},
	{"liveness_score", FLOAT4OID},
	{"mttr_seconds", INT8OID},
	{"failures_count", INT4OID},
	{"p_survives_4h", FLOAT4OID},
	{"p_survives_8h", FLOAT4OID},
	{"spells_count", INT4OID}
};

/* Its columns, in order */
enum FeaturesColumn
{
	COL_UPTIME_PCT,
	COL_SESSIONS_COUNT,
	COL_MTBF_SECONDS,
	COL_MEDIAN_SESSION_SECONDS,
	COL_P10_SESSION_SECONDS,
	COL_P90_SESSION_SECONDS,
	COL_HOURLY_AVAILABILITY,
	COL_DISCONNECT_REASONS,
	COL_P_STAYS_4H,
	COL_P_STAYS_8H,
	COL_LAST_DISCONNECT_AT,
	COL_LAST_SESSION_DURATION_SECONDS,
	COL_LIVENESS_SCORE,
	COL_MTTR_SECONDS,
	COL_FAILURES_COUNT,
	COL_P_SURVIVES_4H,
	COL_P_SURVIVES_8H,
	COL_SPELLS_COUNT,
	FEATURES_COLUMNS
};

StaticAssertDecl(lengthof(features_row) == FEATURES_COLUMNS, "each column has a name");

/* A number of the matrix as a numeric, whose four decimals are one of its digits */
typedef struct MatrixCell
{
	uint32		size;			/* 0: not met yet */
	char		bytes[8];
} MatrixCell;

/*
 * What the final function keeps from group to group: the row's descriptor, the
 * matrix of the window itself, and the cells met so far.
 */
typedef struct FinalCache
{
	TupleDesc	tupdesc;
	MemoryContext tmpcontext;	/* for one group, then reset */
	TimestampTz as_of;
	int			window_days;	/* 0: no window yet */
	int64		window_cells[HOURS_PER_WEEK];
	MatrixCell	cells[MATRIX_SCALE + 1];
	ReasonTally tally;
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
	/* a first block that most groups fit into, which a reset keeps */
	cache->tmpcontext = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt,
											  "liveness_features_final",
											  0, 32 * 1024, ALLOCSET_DEFAULT_MAXSIZE);
	MemoryContextSwitchTo(oldcontext);
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

/* n/d of non-negative integers, rounded half away from zero */
static inline int64
DivideRounded(int64 n, int64 d)
{
	return n / d + (n % d >= d - n % d);
}

static inline int64
RoundToSeconds(int64 usecs)
{
	return DivideRounded(usecs, USECS_PER_SEC);
}

/* Most cells are all or nothing, and need no division */
static inline int64
ShareOf(int64 part, int64 whole)
{
	if (part == 0)
		return 0;
	if (part == whole)
		return MATRIX_SCALE;
	return DivideRounded(part * MATRIX_SCALE, whole);
}

/* A cell's share in ten-thousandths, as a numeric without trailing zeros */
static const MatrixCell *
GetCell(FinalCache *cache, int64 share)
{
	MatrixCell *cell = &cache->cells[share];
	Numeric		number;

	Assert(share >= 0 && share <= MATRIX_SCALE);
	if (likely(cell->size > 0))
		return cell;

	/* six decimals: with 0 or 4 it gives a wrong number before 14.7 and 15.2 */
	number = int64_div_fast_to_numeric(share * (1000000 / MATRIX_SCALE), 6);
	number = DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(number)));
	if (VARSIZE(number) > sizeof(cell->bytes))
		elog(ERROR, "the numeric of a cell takes %d bytes", (int) VARSIZE(number));
	memcpy(cell->bytes, number, VARSIZE(number));
	cell->size = VARSIZE(number);
	return cell;
}

/*
 * hourly_availability: 168 shares, NULL where the window holds none of the hour.
 *
 * Written the way that jsonb is stored, from cells that are ready: JsonbValueToJsonb
 * would copy each three times.  An element's length has the bytes before it that
 * align it, and each JB_OFFSET_STRIDE-th tells where it ends instead.
 */
static Jsonb *
BuildMatrix(FinalCache *cache, const FeaturesState *state, WeekMatrix *online)
{
	int64		cells[HOURS_PER_WEEK];
	Jsonb	   *matrix;
	char	   *elements;
	uint32		end = 0;

	if (cache->as_of != state->as_of || cache->window_days != state->window_days)
	{
		WeekMatrix	window = {0};

		liveness_week_matrix_add(&window, state->since, state->as_of);
		liveness_week_matrix_cells(&window, cache->window_cells);
		cache->as_of = state->as_of;
		cache->window_days = state->window_days;
	}

	liveness_week_matrix_cells(online, cells);
	matrix = (Jsonb *) palloc(offsetof(Jsonb, root.children) +
							  HOURS_PER_WEEK * (sizeof(JEntry) + INTALIGN(sizeof(((MatrixCell *) 0)->bytes))));
	matrix->root.header = HOURS_PER_WEEK | JB_FARRAY;
	elements = (char *) &matrix->root.children[HOURS_PER_WEEK];
	for (int i = 0; i < HOURS_PER_WEEK; i++)
	{
		int64		window = cache->window_cells[i];
		uint32		start = end;
		JEntry		type = JENTRY_ISNULL;

		if (window > 0)
		{
			const MatrixCell *cell = GetCell(cache, ShareOf(cells[i], window));

			type = JENTRY_ISNUMERIC;
			while (end < INTALIGN(end))
				elements[end++] = 0;
			memcpy(elements + end, cell->bytes, sizeof(cell->bytes));
			end += cell->size;
		}
		matrix->root.children[i] = type |
			(i % JB_OFFSET_STRIDE == 0 ? JENTRY_HAS_OFF | end : end - start);
	}
	SET_VARSIZE(matrix, (elements - (char *) matrix) + end);
	return matrix;
}

static void
PushReason(JsonbInState *object, const char *text, Size len, int64 count)
{
	JsonbValue	key;
	JsonbValue	value;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, text);
	key.val.string.len = (int) len;
	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(count);
	pushJsonbValue(object, WJB_KEY, &key);
	pushJsonbValue(object, WJB_VALUE, &value);
}

/* disconnect_reasons: how many sessions ended for each */
static Jsonb *
BuildReasons(const FeaturesState *state, ReasonTally *tally)
{
	JsonbInState object = {0};
	bool		nameless = false;
	int64		unspecified = 0;

	pushJsonbValue(&object, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < tally->ntouched; i++)
	{
		int32		reason = tally->touched[i];
		Size		len;
		const char *text = ReasonOf(state, reason, &len);

		/* '' goes by a name that a coordinator may have written as well */
		if (len == 0 || (len == strlen(UNSPECIFIED_REASON) &&
						 memcmp(text, UNSPECIFIED_REASON, len) == 0))
		{
			nameless = true;
			unspecified += tally->numbers[reason];
		}
		else
			PushReason(&object, text, len, tally->numbers[reason]);
	}
	if (nameless)
		PushReason(&object, UNSPECIFIED_REASON, strlen(UNSPECIFIED_REASON), unspecified);
	pushJsonbValue(&object, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object.result);
}

/* Is a reason censored?  Asked once for each reason of a group; counts the session */
static bool
CountEnd(const FeaturesState *state, ReasonTally *tally, int32 reason)
{
	int64	   *count = TouchReason(tally, reason);

	if (*count == 0)
		tally->censored[reason] = ReasonIsCensored(state, reason);
	(*count)++;
	return tally->censored[reason];
}

/*
 * The intervals of the sessions that end at or after "since", an open one's up to
 * open_end; returns how many there are.
 */
static int64
ReadIntervals(const FeaturesState *state, TimestampTz since, TimestampTz open_end,
			  ReasonTally *tally, LivenessInterval *intervals)
{
	LivenessInterval *interval = intervals;
	bool		descending = state->sessions[0].connected_at > state->sessions[state->nsessions - 1].connected_at;

	for (int64 i = 0; i < state->nsessions; i++)
	{
		/* an index gives the newest first: its order, turned round, needs no sort */
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
			interval->ending = CountEnd(state, tally, session->reason) ? 0 : ENDING_FAILURE;
		}
		interval++;
	}
	return interval - intervals;
}

/* What the spells of the window add up to */
typedef struct SpellFigures
{
	int64		uptime;			/* microseconds, as all times here */
	int64		failures;
	int64		gaps;
	int64		gap_total;
	int64		stays_4h;
	int64		stays_8h;
	int64		failed_before_4h;
	int64		failed_before_8h;
	bool		has_disconnect;
	TimestampTz last_disconnect_at;
	int64		last_length;
	WeekMatrix	online;
	SurvivalSample sample;
} SpellFigures;

static void
AddSpells(const FeaturesState *state, const LivenessInterval *spells, int64 n,
		  SpellFigures *figures)
{
	bool		has_previous = false;
	TimestampTz previous_end = 0;

	for (int64 i = 0; i < n; i++)
	{
		const LivenessInterval *spell = &spells[i];
		bool		failed = spell->ending == ENDING_FAILURE;
		int64		length = liveness_saturating_sub(spell->end, spell->start);
		TimestampTz start = Max(spell->start, state->since);

		/* every spell here ends inside the window */
		figures->uptime += Max(spell->end - start, 0);
		liveness_week_matrix_add(&figures->online, start, spell->end);
		liveness_observe(&figures->sample,
						 Max(liveness_saturating_sub(state->since, spell->start), 0),
						 length, failed);

		/* one that is shorter and did not fail might have lasted: it is undecided */
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
			if (has_previous)
			{
				figures->gaps++;
				figures->gap_total += spell->start - previous_end;
			}
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

/* Shares, means, counts, and the score that they give */
static void
PutShares(const FeaturesState *state, const SpellFigures *figures, Datum *values, bool *nulls)
{
	double		uptime_pct = (double) figures->uptime / (double) (state->window_days * USECS_PER_DAY);
	double		p_stays_4h = StayShare(figures->stays_4h, figures->failed_before_4h);
	double		p_stays_8h = StayShare(figures->stays_8h, figures->failed_before_8h);
	int64		mtbf_seconds = DivideRounded(figures->uptime, Max(figures->failures, 1) * USECS_PER_SEC);

	values[COL_UPTIME_PCT] = Float4GetDatum((float4) uptime_pct);
	values[COL_P_STAYS_4H] = Float4GetDatum((float4) p_stays_4h);
	values[COL_P_STAYS_8H] = Float4GetDatum((float4) p_stays_8h);
	values[COL_MTBF_SECONDS] = Int64GetDatum(mtbf_seconds);
	values[COL_MTTR_SECONDS] =
		Int64GetDatum(figures->gaps > 0 ? DivideRounded(figures->gap_total, figures->gaps * USECS_PER_SEC) : 0);
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

/* What the lengths of spells tell: one sort serves survival and percentiles */
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
 * All the sessions as a history: see history.c.
 */
PG_FUNCTION_INFO_V1(liveness_features_history_final);
Datum
liveness_features_history_final(PG_FUNCTION_ARGS)
{
	FeaturesState *state = (FeaturesState *) liveness_state_argument(fcinfo, 0, FEATURES_MAGIC);
	ReasonTally *tally = (ReasonTally *) fcinfo->flinfo->fn_extra;
	LivenessInterval *intervals;
	bytea	   *history;
	int64		n;

	(void) liveness_aggregate_context(fcinfo, "liveness_features_history_final");
	if (state == NULL || state->nsessions == 0)
		PG_RETURN_NULL();
	AssertValidState(state);
	CHECK_FOR_INTERRUPTS();
	if (tally == NULL)
	{
		tally = (ReasonTally *) MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(ReasonTally));
		fcinfo->flinfo->fn_extra = tally;
	}
	PrepareTally(tally, fcinfo->flinfo->fn_mcxt, state);

	intervals = (LivenessInterval *)
		MemoryContextAllocHuge(CurrentMemoryContext, state->nsessions * sizeof(LivenessInterval));
	n = ReadIntervals(state, DT_NOBEGIN, DT_NOEND, tally, intervals);
	ClearTally(tally);
	history = liveness_pack_history(intervals, n, liveness_resume_within_usecs());
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

	/* What we need for one group goes when it is done, not with the query */
	oldcontext = MemoryContextSwitchTo(cache->tmpcontext);

	spells = (LivenessInterval *)
		MemoryContextAllocHuge(cache->tmpcontext, state->nsessions * sizeof(LivenessInterval));
	PrepareTally(&cache->tally, fcinfo->flinfo->fn_mcxt, state);
	nsessions = ReadIntervals(state, state->since, state->as_of, &cache->tally, spells);
	if (nsessions == 0)
	{
		MemoryContextSwitchTo(oldcontext);
		MemoryContextReset(cache->tmpcontext);
		PG_RETURN_NULL();
	}
	nspells = liveness_merge_spells(spells, nsessions, liveness_resume_within_usecs());

	figures.sample.exits = (uint64 *)
		MemoryContextAllocHuge(cache->tmpcontext, nspells * sizeof(uint64));
	figures.sample.entries = (uint64 *)
		MemoryContextAllocHuge(cache->tmpcontext, nspells * sizeof(uint64));
	figures.sample.last_exit = -1;
	AddSpells(state, spells, nspells, &figures);

	values[COL_SESSIONS_COUNT] = Int32GetDatum((int32) Min(nsessions, PG_INT32_MAX));
	values[COL_SPELLS_COUNT] = Int32GetDatum((int32) Min(nspells, PG_INT32_MAX));
	PutShares(state, &figures, values, nulls);
	PutLengths(&figures.sample, values, nulls);
	values[COL_HOURLY_AVAILABILITY] = JsonbPGetDatum(BuildMatrix(cache, state, &figures.online));
	values[COL_DISCONNECT_REASONS] = JsonbPGetDatum(BuildReasons(state, &cache->tally));
	ClearTally(&cache->tally);

	MemoryContextSwitchTo(oldcontext);
	tuple = heap_form_tuple(cache->tupdesc, values, nulls);
	MemoryContextReset(cache->tmpcontext);
	PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}
