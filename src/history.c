/*-------------------------------------------------------------------------
 *
 * history.c
 *		A provider's sessions, packed, and the spells that they make as of an instant.
 *
 * A history holds what the model needs of a provider's sessions: the intervals of
 * those that overlap, merged and in order of time, and whether a failure ended each; and
 * the excluded time, in which the end of a spell is no failure.  The same history serves
 * every instant: a back-test asks for hundreds.
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
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "compat.h"
#include "history.h"
#include "rowtype.h"
#include "settings.h"
#include "survival_curve.h"

#define HISTORY_MAGIC		0x4c764834	/* "LvH4" */

/*
 * The intervals follow, then the spans of excluded time, and then a bit for each interval
 * that tells whether an uncensored reason ended it.  They are read by memcpy, because a
 * bytea need not be aligned.
 */
typedef struct HistoryHeader
{
	uint32		magic;
	uint32		n;
	uint32		nexcluded;
	uint32		unused;			/* 0 */
	int64		resume_within;	/* microseconds */
	uint64		fingerprint;	/* of the sessions that were open */
} HistoryHeader;

typedef struct HistoryInterval
{
	TimestampTz start;
	TimestampTz end;			/* DT_NOEND: open */
} HistoryInterval;

#define HistorySize(n, nexcluded) \
	(sizeof(HistoryHeader) + (Size) (n) * sizeof(HistoryInterval) + \
	 (Size) (nexcluded) * sizeof(TimeSpan) + ((Size) (n) + 7) / 8)

static bytea *
MakeHistory(int64 n, int64 nexcluded)
{
	bytea	   *history;

	if (HistorySize(n, nexcluded) > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a history of " INT64_FORMAT " sessions and " INT64_FORMAT " spans of excluded time is too long",
						n, nexcluded),
				 errhint("Prune old sessions: see liveness.session_retention.")));
	history = (bytea *) palloc0(VARHDRSZ + HistorySize(n, nexcluded));
	SET_VARSIZE(history, VARHDRSZ + HistorySize(n, nexcluded));
	return history;
}

static char *
Put(char *place, const void *bytes, Size size)
{
	if (size > 0)
		memcpy(place, bytes, size);
	return place + size;
}

/*
 * The history of sessions.  The intervals, of which those of open sessions end at
 * DT_NOEND, are sorted and merged in place.
 */
bytea *
liveness_pack_history(LivenessInterval *intervals, int64 n, int64 resume_within,
					  const ExcludedTime *excluded)
{
	HistoryHeader header = {HISTORY_MAGIC, 0, 0, 0, resume_within, liveness_hash_open(intervals, n)};
	bytea	   *history;
	char	   *place;
	uint8	   *failures;

	n = liveness_merge_overlaps(intervals, n);
	history = MakeHistory(n, excluded->n);
	header.n = (uint32) n;
	header.nexcluded = (uint32) excluded->n;
	place = Put(VARDATA(history), &header, sizeof(header));
	for (int64 i = 0; i < n; i++)
	{
		HistoryInterval interval = {intervals[i].start, intervals[i].end};

		place = Put(place, &interval, sizeof(interval));
	}
	failures = (uint8 *) Put(place, excluded->spans, excluded->n * sizeof(TimeSpan));
	for (int64 i = 0; i < n; i++)
	{
		if (intervals[i].ending & ENDING_FAILURE)
			failures[i / 8] |= 1 << (i % 8);
	}
	return history;
}

pg_noreturn static void
NoHistory(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this bytea is not a history of sessions"),
			 errhint("Histories are made by the aggregate liveness_features_history.")));
}

static HistoryHeader
HeaderOf(bytea *history)
{
	Size		size = VARSIZE_ANY_EXHDR(history);
	HistoryHeader header = {0};

	if (size >= sizeof(header))
		memcpy(&header, VARDATA_ANY(history), sizeof(header));
	if (header.magic != HISTORY_MAGIC || size != HistorySize(header.n, header.nexcluded))
		NoHistory();
	return header;
}

/* Excluded time is copied to where it is aligned, into the current memory context */
void
liveness_open_history(HistoryReader *reader, bytea *history, TimestampTz as_of)
{
	HistoryHeader header = HeaderOf(history);
	const char *spans;

	reader->intervals = VARDATA_ANY(history) + sizeof(header);
	spans = reader->intervals + header.n * sizeof(HistoryInterval);
	reader->excluded = (ExcludedTime) {header.nexcluded, NULL};
	if (header.nexcluded > 0)
	{
		reader->excluded.spans = (TimeSpan *) palloc(header.nexcluded * sizeof(TimeSpan));
		memcpy(reader->excluded.spans, spans, header.nexcluded * sizeof(TimeSpan));
		if (!liveness_excluded_in_order(&reader->excluded))
			NoHistory();
	}
	reader->failures = (const uint8 *) spans + header.nexcluded * sizeof(TimeSpan);
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
		known->event = spell.ending == ENDING_FAILURE &&
			!liveness_is_excluded(&reader->excluded, spell.end);
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
 * liveness_history_exclude(history bytea, excluded tstzmultirange) -> bytea
 *
 * The same sessions with other excluded time; NULL: with none.
 */
PG_FUNCTION_INFO_V1(liveness_history_exclude);
Datum
liveness_history_exclude(PG_FUNCTION_ARGS)
{
	bytea	   *history;
	HistoryHeader header;
	ExcludedTime excluded = {0, NULL};
	Size		head;			/* of the header and the intervals */
	bytea	   *result;
	char	   *place;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	history = PG_GETARG_BYTEA_PP(0);
	header = HeaderOf(history);
	if (!PG_ARGISNULL(1))
		liveness_read_excluded(&excluded, PG_GETARG_VARLENA_P(1));
	if (header.nexcluded == 0 && excluded.n == 0)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));

	result = MakeHistory(header.n, excluded.n);
	head = sizeof(header) + header.n * sizeof(HistoryInterval);
	place = Put(VARDATA(result), VARDATA_ANY(history), head);
	place = Put(place, excluded.spans, excluded.n * sizeof(TimeSpan));
	(void) Put(place, VARDATA_ANY(history) + head + header.nexcluded * sizeof(TimeSpan),
			   ((Size) header.n + 7) / 8);
	header.nexcluded = (uint32) excluded.n;
	memcpy(VARDATA(result), &header, sizeof(header));
	PG_RETURN_BYTEA_P(result);
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
 * liveness_history_digest(history bytea, as_of timestamptz, since timestamptz) -> bigint
 *
 * A number that differs where what was known of the sessions as of then differs, or the
 * excluded time; 0 where nothing was known.  What was before "since" makes no difference.
 */
PG_FUNCTION_INFO_V1(liveness_history_digest);
Datum
liveness_history_digest(PG_FUNCTION_ARGS)
{
	HistoryReader reader;
	LivenessInterval known;
	TimestampTz since = PG_GETARG_TIMESTAMPTZ(2);
	uint64		digest = 0;

	OpenHistoryOfArguments(&reader, fcinfo);
	for (; PeekInterval(&reader, &known); reader.next++)
	{
		int64		key[3] = {Max(known.start, since), known.end, known.ending};

		if (known.end < since)
			continue;
		if (known.ending & ENDING_OPEN)
			key[1] = DT_NOEND;
		digest = hash_bytes_extended((const unsigned char *) key, sizeof(key), digest);
	}
	if (digest != 0 && reader.excluded.n > 0)
		digest = hash_bytes_extended((const unsigned char *) reader.excluded.spans,
									 (int) (reader.excluded.n * sizeof(TimeSpan)), digest);
	PG_RETURN_INT64((int64) digest);
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
	{"excused", BOOLOID},
	{"uncensored", BOOLOID},
};

static void
PutSpell(const HistoryReader *reader, const LivenessInterval *spell, Datum *values)
{
	bool		running = (spell->ending & ENDING_OPEN) != 0;
	bool		uncensored = spell->ending == ENDING_FAILURE;
	bool		excused = !running && liveness_is_excluded(&reader->excluded, spell->end);

	values[0] = TimestampTzGetDatum(spell->start);
	values[1] = TimestampTzGetDatum(spell->end);
	values[2] = Float8GetDatum(SECONDS(liveness_saturating_sub(spell->end, spell->start)));
	values[3] = BoolGetDatum(running);
	values[4] = BoolGetDatum(uncensored && !excused);
	values[5] = BoolGetDatum(excused);
	values[6] = BoolGetDatum(uncensored);
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
	PutSpell(reader, &spell, values);
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
	PutSpell(&reader, &last, values);
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
 * shorter, that spells cover, excluded time left out; NULL without any spell, and where
 * nothing is left.
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
	int64		whole;

	OpenHistoryOfArguments(&reader, fcinfo);
	earliest = liveness_window_since(as_of, liveness_check_window_days(PG_GETARG_INT32(2)));
	while (liveness_next_spell(&reader, &spell))
	{
		since = Min(since, spell.start);
		if (spell.until > earliest)
			up += liveness_counted_usecs(&reader.excluded, Max(spell.start, earliest), spell.until);
	}
	whole = liveness_counted_usecs(&reader.excluded, Max(since, earliest), as_of);
	if (whole == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) up / (double) whole);
}

/*
 * liveness_history_uptime_since(history bytea, as_of timestamptz, since timestamptz)
 *		-> float8
 *
 * The share of [since, as_of) that spells cover, excluded time left out; 0 where nothing
 * is left.  No more than the longest window is looked at.
 */
PG_FUNCTION_INFO_V1(liveness_history_uptime_since);
Datum
liveness_history_uptime_since(PG_FUNCTION_ARGS)
{
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(1);
	HistoryReader reader;
	LivenessInterval spell;
	TimestampTz since = liveness_window_since(as_of, MAX_WINDOW_DAYS);
	int64		up = 0;
	int64		whole;

	OpenHistoryOfArguments(&reader, fcinfo);
	since = Max(since, PG_GETARG_TIMESTAMPTZ(2));
	while (NextSpell(&reader, &spell))
		up += liveness_counted_usecs(&reader.excluded, Max(spell.start, since), spell.end);
	whole = liveness_counted_usecs(&reader.excluded, since, as_of);
	PG_RETURN_FLOAT8(whole == 0 ? 0 : (double) up / (double) whole);
}
