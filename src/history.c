/*-------------------------------------------------------------------------
 *
 * history.c
 *		A provider's sessions, packed, and the spells that they make as of an instant.
 *
 * A history holds what the model needs of a provider's sessions: the intervals of
 * those that overlap, merged and in order of time, and whether a failure ended each.
 * The same history serves every instant: a back-test asks for hundreds.
 *
 * Merging commutes with looking at an earlier instant: inside a merged interval some
 * session is open at every instant.  Where intervals only touch, or where a gap is
 * bridged, this does not hold, so the reader joins those.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "history.h"
#include "rowtype.h"
#include "survival_curve.h"

#define HISTORY_MAGIC		0x4c764833	/* "LvH3" */

/*
 * The intervals follow, and then a bit for each that tells whether a failure ended it.
 * They are read by memcpy, because a bytea need not be aligned.
 */
typedef struct HistoryHeader
{
	uint32		magic;
	uint32		n;
	int64		resume_within;	/* microseconds */
	uint64		fingerprint;	/* of the sessions that were open */
} HistoryHeader;

typedef struct HistoryInterval
{
	TimestampTz start;
	TimestampTz end;			/* DT_NOEND: open */
} HistoryInterval;

#define HistorySize(n) \
	(sizeof(HistoryHeader) + (Size) (n) * sizeof(HistoryInterval) + ((Size) (n) + 7) / 8)

/*
 * The history of sessions.  The intervals, of which those of open sessions end at
 * DT_NOEND, are sorted and merged in place.
 */
bytea *
liveness_pack_history(LivenessInterval *intervals, int64 n, int64 resume_within)
{
	HistoryHeader header = {HISTORY_MAGIC, 0, resume_within, liveness_hash_open(intervals, n)};
	bytea	   *history;
	char	   *place;
	uint8	   *failures;

	n = liveness_merge_overlaps(intervals, n);
	if (n > (int64) ((MaxAllocSize - VARHDRSZ) / (sizeof(HistoryInterval) + 1)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a history of " INT64_FORMAT " sessions is too long", n),
				 errhint("Prune old sessions: see liveness.session_retention.")));

	history = (bytea *) palloc0(VARHDRSZ + HistorySize(n));
	SET_VARSIZE(history, VARHDRSZ + HistorySize(n));
	header.n = (uint32) n;
	place = VARDATA(history);
	memcpy(place, &header, sizeof(header));
	place += sizeof(header);
	failures = (uint8 *) place + n * sizeof(HistoryInterval);
	for (int64 i = 0; i < n; i++)
	{
		HistoryInterval interval = {intervals[i].start, intervals[i].end};

		memcpy(place, &interval, sizeof(interval));
		place += sizeof(interval);
		if (intervals[i].ending & ENDING_FAILURE)
			failures[i / 8] |= 1 << (i % 8);
	}
	return history;
}

void
liveness_open_history(HistoryReader *reader, bytea *history, TimestampTz as_of)
{
	Size		size = VARSIZE_ANY_EXHDR(history);
	HistoryHeader header = {0};

	if (size >= sizeof(header))
		memcpy(&header, VARDATA_ANY(history), sizeof(header));
	if (header.magic != HISTORY_MAGIC || size != HistorySize(header.n))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this bytea is not a history of sessions"),
				 errhint("Histories are made by the aggregate liveness_features_history.")));
	reader->intervals = VARDATA_ANY(history) + sizeof(header);
	reader->failures = (const uint8 *) reader->intervals + header.n * sizeof(HistoryInterval);
	reader->n = header.n;
	reader->next = 0;
	reader->resume_within = header.resume_within;
	reader->fingerprint = header.fingerprint;
	reader->as_of = as_of;
}

/* The next interval as it was known as of as_of; false if there is none */
static inline bool
PeekInterval(const HistoryReader *reader, LivenessInterval *known)
{
	HistoryInterval interval;
	int64		i = reader->next;

	if (i >= reader->n)
		return false;
	memcpy(&interval, reader->intervals + i * sizeof(interval), sizeof(interval));
	if (interval.start >= reader->as_of)
		return false;
	known->start = interval.start;
	known->end = Min(interval.end, reader->as_of);
	if (interval.end > reader->as_of)
		known->ending = ENDING_OPEN;
	else
		known->ending = (reader->failures[i / 8] >> (i % 8)) & 1 ? ENDING_FAILURE : 0;
	return true;
}

/* The next spell; false if there is none */
static bool
NextSpell(HistoryReader *reader, LivenessInterval *spell)
{
	LivenessInterval next;

	if (!PeekInterval(reader, spell))
		return false;
	reader->next++;
	while (PeekInterval(reader, &next) &&
		   liveness_join_spell(spell, &next, reader->resume_within))
		reader->next++;
	return true;
}

/* The next spell, whatever its length and beginning; false if there is none */
bool
liveness_next_any_spell(HistoryReader *reader, LivenessInterval *spell)
{
	return NextSpell(reader, spell);
}

/* The next spell of any length that begins at a finite time; false if there is none */
bool
liveness_next_spell(HistoryReader *reader, KnownSpell *known)
{
	LivenessInterval spell;

	while (NextSpell(reader, &spell))
	{
		if (TIMESTAMP_NOT_FINITE(spell.start))
			continue;
		known->start = Max(spell.start, reader->as_of - MAX_AGE);
		known->until = spell.end;
		if (known->until <= known->start)
			continue;
		known->length = SECONDS(known->until - known->start);
		known->running = (spell.ending & ENDING_OPEN) != 0;
		known->event = spell.ending == ENDING_FAILURE;
		return true;
	}
	return false;
}

/* Arguments (history, as_of) of the functions below */
static void
OpenHistoryOfArguments(HistoryReader *reader, FunctionCallInfo fcinfo)
{
	liveness_check_as_of(PG_GETARG_TIMESTAMPTZ(1));
	liveness_open_history(reader, PG_GETARG_BYTEA_PP(0), PG_GETARG_TIMESTAMPTZ(1));
}

/*
 * liveness_history_count(history bytea, as_of timestamptz) -> int
 *
 * How many spells of any length began before as_of.
 */
PG_FUNCTION_INFO_V1(liveness_history_count);
Datum
liveness_history_count(PG_FUNCTION_ARGS)
{
	HistoryReader reader;
	KnownSpell	spell;
	int64		n = 0;

	OpenHistoryOfArguments(&reader, fcinfo);
	while (liveness_next_spell(&reader, &spell))
		n++;
	PG_RETURN_INT32((int32) Min(n, PG_INT32_MAX));
}

/*
 * liveness_history_fingerprint(history bytea) -> bigint
 *
 * Of the sessions that were open when the history was made: see liveness_running_since.
 */
PG_FUNCTION_INFO_V1(liveness_history_fingerprint);
Datum
liveness_history_fingerprint(PG_FUNCTION_ARGS)
{
	HistoryReader reader;

	liveness_open_history(&reader, PG_GETARG_BYTEA_PP(0), DT_NOEND);
	PG_RETURN_INT64((int64) reader.fingerprint);
}

/* Columns of the type liveness_spell */
static const RowColumn spell_columns[] = {
	{"since", TIMESTAMPTZOID},
	{"until", TIMESTAMPTZOID},
	{"seconds", FLOAT8OID},
	{"running", BOOLOID},
	{"failed", BOOLOID},
};

static void
PutSpell(const LivenessInterval *spell, Datum *values)
{
	values[0] = TimestampTzGetDatum(spell->start);
	values[1] = TimestampTzGetDatum(spell->end);
	values[2] = Float8GetDatum(SECONDS(liveness_saturating_sub(spell->end, spell->start)));
	values[3] = BoolGetDatum((spell->ending & ENDING_OPEN) != 0);
	values[4] = BoolGetDatum(spell->ending == ENDING_FAILURE);
}

/*
 * liveness_history_spells(history bytea, as_of timestamptz) -> SETOF liveness_spell
 *
 * The spells as they were known then, in order of time.
 */
PG_FUNCTION_INFO_V1(liveness_history_spells);
Datum
liveness_history_spells(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	HistoryReader *reader;
	LivenessInterval spell;
	Datum		values[lengthof(spell_columns)];
	bool		nulls[lengthof(spell_columns)] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext oldcontext;

		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		funcctx->tuple_desc = liveness_result_row(fcinfo, spell_columns, lengthof(spell_columns));
		reader = (HistoryReader *) palloc(sizeof(HistoryReader));
		liveness_check_as_of(PG_GETARG_TIMESTAMPTZ(1));
		liveness_open_history(reader, PG_GETARG_BYTEA_P_COPY(0), PG_GETARG_TIMESTAMPTZ(1));
		funcctx->user_fctx = reader;
		MemoryContextSwitchTo(oldcontext);
	}

	funcctx = SRF_PERCALL_SETUP();
	reader = (HistoryReader *) funcctx->user_fctx;
	CHECK_FOR_INTERRUPTS();
	if (!NextSpell(reader, &spell))
		SRF_RETURN_DONE(funcctx);
	PutSpell(&spell, values);
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc, values, nulls)));
}

/*
 * liveness_history_spell_at(history bytea, as_of timestamptz, at timestamptz)
 *		-> liveness_spell
 *
 * Of the spells as they were known as of as_of, the last that had begun at the other
 * instant; NULL if none had.
 */
PG_FUNCTION_INFO_V1(liveness_history_spell_at);
Datum
liveness_history_spell_at(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc = (TupleDesc) fcinfo->flinfo->fn_extra;
	HistoryReader reader;
	LivenessInterval spell;
	LivenessInterval last;
	bool		found = false;
	Datum		values[lengthof(spell_columns)];
	bool		nulls[lengthof(spell_columns)] = {false};

	if (tupdesc == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		tupdesc = liveness_result_row(fcinfo, spell_columns, lengthof(spell_columns));
		MemoryContextSwitchTo(oldcontext);
		fcinfo->flinfo->fn_extra = tupdesc;
	}
	OpenHistoryOfArguments(&reader, fcinfo);
	while (NextSpell(&reader, &spell) && spell.start <= PG_GETARG_TIMESTAMPTZ(2))
	{
		last = spell;
		found = true;
	}
	if (!found)
		PG_RETURN_NULL();
	PutSpell(&last, values);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls)));
}

/*
 * liveness_history_curve(history bytea, as_of timestamptz) -> survival_curve
 *
 * The Kaplan-Meier curve of the spells as they were known then, in seconds; NULL
 * without any.
 */
PG_FUNCTION_INFO_V1(liveness_history_curve);
Datum
liveness_history_curve(PG_FUNCTION_ARGS)
{
	HistoryReader reader;
	KnownSpell	spell;
	double	   *durations;
	bool	   *observed;
	int64		n = 0;

	OpenHistoryOfArguments(&reader, fcinfo);
	durations = (double *) palloc(Max(reader.n, 1) * sizeof(double));
	observed = (bool *) palloc(Max(reader.n, 1) * sizeof(bool));
	while (liveness_next_spell(&reader, &spell))
	{
		durations[n] = spell.length;
		observed[n++] = spell.event;
	}
	if (n == 0)
		PG_RETURN_NULL();
	return liveness_make_curve(durations, observed, n);
}

/*
 * liveness_history_uptime(history bytea, as_of timestamptz, days int) -> float8
 *
 * The share of the last days, or of the time since the first spell began if that is
 * shorter, that spells cover; NULL without any spell.
 */
PG_FUNCTION_INFO_V1(liveness_history_uptime);
Datum
liveness_history_uptime(PG_FUNCTION_ARGS)
{
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz since = as_of;
	TimestampTz earliest;
	HistoryReader reader;
	KnownSpell	spell;
	int64		up = 0;

	OpenHistoryOfArguments(&reader, fcinfo);
	earliest = liveness_window_since(as_of, liveness_check_window_days(PG_GETARG_INT32(2)));
	while (liveness_next_spell(&reader, &spell))
	{
		since = Min(since, spell.start);
		if (spell.until > earliest)
			up += spell.until - Max(spell.start, earliest);
	}
	if (since == as_of)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) up / (double) (as_of - Max(since, earliest)));
}
