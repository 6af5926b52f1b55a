/*-------------------------------------------------------------------------
 *
 * hourly.c
 *		The heartbeats of one provider -> what the hourly rollup keeps of them.
 *
 * liveness_hours is one call for each heartbeat and one state for each provider, instead
 * of a count, three averages and a maximum by severity for each provider and hour.  It
 * sorts heartbeats by hour itself, so that the rollup of many hours groups by provider
 * alone, and has half as many keys to hash and compare.  Sums are double, as those of
 * core's avg(real).
 *
 * Each hour comes with its sums as bytes, to which the aggregate's other form adds those
 * of the same hour: the routine run keeps them, and reads new heartbeats only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "rowtype.h"
#include "timemath.h"

#define HOURS_MAGIC			0x4c764d31	/* "LvM1" */
#define SUMS_MAGIC			0x4c764831	/* "LvH1" */

/* More heartbeats than an hour can have, and few enough to be added up */
#define MAX_HEARTBEATS		(INT64CONST(1) << 40)

/* Severity of a thermal state; a word that we do not know ranks below nominal */
#define THERMAL_NONE		0
#define THERMAL_UNKNOWN		1

static const struct
{
	const char *word;
	int			len;
}			thermal_words[] = {
	{"nominal", 7}, {"fair", 4}, {"serious", 7}, {"critical", 8}
};

/* The finite values of a column.  A sum of NaN with n = 0 says that there were only others. */
typedef struct HourlyMean
{
	int64		n;
	double		sum;
} HourlyMean;

/* The heartbeats of one hour, or of none */
typedef struct HourlyState
{
	int32		unknown_capacity;
	int64		heartbeats;
	HourlyMean	memory_pressure;
	HourlyMean	cpu_usage;
	HourlyMean	memory_available;
	int32		severity;		/* THERMAL_*, or 2 + index of thermal_words */
	int32		unknown_len;	/* of the greatest unknown word */
	char	   *unknown;		/* its bytes */
} HourlyState;

static int
ThermalSeverity(const char *word, int len)
{
	if (len == 0)
		return THERMAL_NONE;
	for (int i = 0; i < (int) lengthof(thermal_words); i++)
	{
		if (thermal_words[i].len == len && memcmp(thermal_words[i].word, word, len) == 0)
			return THERMAL_UNKNOWN + 1 + i;
	}
	return THERMAL_UNKNOWN;
}

/* Keep a thermal state if it is worse.  Unknown words compare as in C collation. */
static void
NoteThermalState(HourlyState *state, MemoryContext context, const char *word, int len)
{
	int			severity = ThermalSeverity(word, len);

	if (severity < state->severity)
		return;
	if (severity == THERMAL_UNKNOWN)
	{
		if (state->severity == THERMAL_UNKNOWN)
		{
			int			cmp = memcmp(word, state->unknown, Min(len, state->unknown_len));

			if (cmp < 0 || (cmp == 0 && len <= state->unknown_len))
				return;
		}
		if (len > state->unknown_capacity)
		{
			if (state->unknown)
				pfree(state->unknown);
			state->unknown = (char *) MemoryContextAlloc(context, len);
			state->unknown_capacity = len;
		}
		memcpy(state->unknown, word, len);
		state->unknown_len = len;
	}
	state->severity = severity;
}

static inline void
AddToMean(HourlyMean *mean, double value)
{
	if (!isfinite(value))
	{
		if (mean->n == 0)
			mean->sum = get_float8_nan();
		return;
	}
	mean->sum = mean->n == 0 ? value : mean->sum + value;
	mean->n++;
}

/* Count a heartbeat, whose four figures are the arguments from "arg" on */
static inline void
NoteHeartbeat(HourlyState *state, MemoryContext context, FunctionCallInfo fcinfo, int arg)
{
	state->heartbeats++;
	if (!PG_ARGISNULL(arg))
		AddToMean(&state->memory_pressure, PG_GETARG_FLOAT4(arg));
	if (!PG_ARGISNULL(arg + 1))
		AddToMean(&state->cpu_usage, PG_GETARG_FLOAT4(arg + 1));
	if (!PG_ARGISNULL(arg + 2))
	{
		text	   *word = PG_GETARG_TEXT_PP(arg + 2);

		NoteThermalState(state, context, VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word));
		PG_FREE_IF_COPY(word, arg + 2);
	}
	if (!PG_ARGISNULL(arg + 3))
		AddToMean(&state->memory_available, PG_GETARG_FLOAT4(arg + 3));
}

static void
CombineMeans(HourlyMean *left, const HourlyMean *right)
{
	if (left->n == 0 && (right->n > 0 || isnan(right->sum)))
		left->sum = right->sum;
	else if (right->n > 0)
		left->sum += right->sum;
	left->n += right->n;
}

static void
CombineHourly(HourlyState *left, MemoryContext context, const HourlyState *right)
{
	left->heartbeats += right->heartbeats;
	CombineMeans(&left->memory_pressure, &right->memory_pressure);
	CombineMeans(&left->cpu_usage, &right->cpu_usage);
	CombineMeans(&left->memory_available, &right->memory_available);
	if (right->severity == THERMAL_UNKNOWN)
		NoteThermalState(left, context, right->unknown, right->unknown_len);
	else
		left->severity = Max(left->severity, right->severity);
}

/* The beginning of a serialized hour; the bytes of the unknown word follow */
typedef struct SerializedHourly
{
	int32		severity;
	int32		unknown_len;
	int64		heartbeats;
	HourlyMean	memory_pressure;
	HourlyMean	cpu_usage;
	HourlyMean	memory_available;
} SerializedHourly;

static void
SendHourly(StringInfo buf, const HourlyState *state)
{
	SerializedHourly header;

	header.severity = state->severity;
	header.heartbeats = state->heartbeats;
	header.memory_pressure = state->memory_pressure;
	header.cpu_usage = state->cpu_usage;
	header.memory_available = state->memory_available;
	header.unknown_len = state->severity == THERMAL_UNKNOWN ? state->unknown_len : 0;

	pq_sendbytes(buf, (char *) &header, sizeof(header));
	if (header.unknown_len > 0)
		pq_sendbytes(buf, state->unknown, header.unknown_len);
}

static bool
MeanIsValid(const HourlyMean *mean, int64 heartbeats)
{
	return mean->n >= 0 && mean->n <= heartbeats &&
		(mean->n > 0 ? isfinite(mean->sum) : mean->sum == 0 || isnan(mean->sum));
}

/* The bytes may come from a table, so that everything is checked */
static void
ReadHourly(StateReader *reader, HourlyState *state)
{
	SerializedHourly header;

	liveness_read_bytes(reader, &header, sizeof(header));
	if (header.severity < THERMAL_NONE ||
		header.severity > THERMAL_UNKNOWN + (int32) lengthof(thermal_words) ||
		(header.severity == THERMAL_UNKNOWN) != (header.unknown_len > 0) ||
		header.heartbeats < 0 || header.heartbeats > MAX_HEARTBEATS ||
		!MeanIsValid(&header.memory_pressure, header.heartbeats) ||
		!MeanIsValid(&header.cpu_usage, header.heartbeats) ||
		!MeanIsValid(&header.memory_available, header.heartbeats))
		liveness_corrupt_state();
	liveness_check_remaining(reader, header.unknown_len, 1);

	memset(state, 0, sizeof(HourlyState));
	state->severity = header.severity;
	state->heartbeats = header.heartbeats;
	state->memory_pressure = header.memory_pressure;
	state->cpu_usage = header.cpu_usage;
	state->memory_available = header.memory_available;
	if (header.unknown_len > 0)
	{
		state->unknown = (char *) palloc(header.unknown_len);
		state->unknown_len = state->unknown_capacity = header.unknown_len;
		liveness_read_bytes(reader, state->unknown, header.unknown_len);
	}
}

static Datum
MeanDatum(const HourlyMean *mean, bool *isnull)
{
	*isnull = mean->n == 0 && mean->sum == 0;
	return Float4GetDatum((float4) (mean->n == 0 ? mean->sum : mean->sum / (double) mean->n));
}

/* liveness_hours_row */
static const RowColumn hours_row[] = {
	{"hour", TIMESTAMPTZOID},
	{"heartbeat_count", INT4OID},
	{"avg_memory_pressure", FLOAT4OID},
	{"avg_cpu_usage", FLOAT4OID},
	{"max_thermal_state", TEXTOID},
	{"avg_memory_available_gb", FLOAT4OID},
	{"sums", BYTEAOID}
};

/* Its columns, in order */
enum HoursColumn
{
	COL_HOUR,
	COL_HEARTBEAT_COUNT,
	COL_AVG_MEMORY_PRESSURE,
	COL_AVG_CPU_USAGE,
	COL_MAX_THERMAL_STATE,
	COL_AVG_MEMORY_AVAILABLE_GB,
	COL_SUMS,
	HOURS_COLUMNS
};

StaticAssertDecl(lengthof(hours_row) == HOURS_COLUMNS, "each column has a name");

/* The sums of an hour as bytes: the magic word and the hour's state */
static Datum
SumsDatum(const HourlyState *state)
{
	uint32		magic = SUMS_MAGIC;
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, (char *) &magic, sizeof(magic));
	SendHourly(&buf, state);
	return PointerGetDatum(pq_endtypsend(&buf));
}

static void
FillHourlyRow(const HourlyState *state, Datum *values, bool *nulls)
{
	text	   *thermal;

	if (state->severity == THERMAL_NONE)
		thermal = cstring_to_text("");
	else if (state->severity == THERMAL_UNKNOWN)
		thermal = cstring_to_text_with_len(state->unknown, state->unknown_len);
	else
		thermal = cstring_to_text(thermal_words[state->severity - THERMAL_UNKNOWN - 1].word);

	values[COL_HEARTBEAT_COUNT] = Int32GetDatum((int32) Min(state->heartbeats, PG_INT32_MAX));
	values[COL_AVG_MEMORY_PRESSURE] = MeanDatum(&state->memory_pressure,
												&nulls[COL_AVG_MEMORY_PRESSURE]);
	values[COL_AVG_CPU_USAGE] = MeanDatum(&state->cpu_usage, &nulls[COL_AVG_CPU_USAGE]);
	values[COL_MAX_THERMAL_STATE] = PointerGetDatum(thermal);
	values[COL_AVG_MEMORY_AVAILABLE_GB] = MeanDatum(&state->memory_available,
													&nulls[COL_AVG_MEMORY_AVAILABLE_GB]);
	values[COL_SUMS] = SumsDatum(state);
}

/* One hour of a provider */
typedef struct Hour
{
	TimestampTz hour;
	HourlyState state;
} Hour;

/*
 * The hours of a provider.  The first nsorted are in order of time, each hour once; where
 * heartbeats come in order, this is all of them.  Other hours are appended, and sorted in
 * when there is no room left: to insert them one by one would be quadratic.
 */
typedef struct HoursState
{
	uint32		magic;
	int64		nhours;
	int64		nsorted;
	int64		capacity;
	int64		last;			/* the hour of the last heartbeat, and mostly of the next */
	Hour		hours[FLEXIBLE_ARRAY_MEMBER];
} HoursState;

#define ST_SORT SortHours
#define ST_ELEMENT_TYPE Hour
#define ST_COMPARE(a, b) ((a)->hour < (b)->hour ? -1 : (a)->hour > (b)->hour)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

static HoursState *
MakeHours(MemoryContext context, int64 capacity)
{
	HoursState *state;

	state = (HoursState *) MemoryContextAllocHuge(context,
												  offsetof(HoursState, hours) + capacity * sizeof(Hour));
	state->magic = HOURS_MAGIC;
	state->nhours = 0;
	state->nsorted = 0;
	state->capacity = capacity;
	state->last = 0;
	return state;
}

#ifdef USE_ASSERT_CHECKING
static void
AssertHourly(const HourlyState *state)
{
	Assert(state->heartbeats >= 0);
	Assert(MeanIsValid(&state->memory_pressure, state->heartbeats));
	Assert(MeanIsValid(&state->cpu_usage, state->heartbeats));
	Assert(MeanIsValid(&state->memory_available, state->heartbeats));
	Assert(state->severity >= THERMAL_NONE &&
		   state->severity <= THERMAL_UNKNOWN + (int32) lengthof(thermal_words));
	Assert(state->unknown_len >= 0 && state->unknown_len <= state->unknown_capacity);
	Assert(state->severity != THERMAL_UNKNOWN ||
		   ThermalSeverity(state->unknown, state->unknown_len) == THERMAL_UNKNOWN);
}
#endif

static void
AssertHours(const HoursState *state PG_USED_FOR_ASSERTS_ONLY)
{
#ifdef USE_ASSERT_CHECKING
	Assert(state->nsorted >= 0 && state->nsorted <= state->nhours);
	Assert(state->nhours <= state->capacity);
	Assert(state->last >= 0 && state->last < Max(state->nhours, 1));
	for (int64 i = 0; i < state->nhours; i++)
	{
		Assert(state->hours[i].hour == liveness_hour_of(state->hours[i].hour));
		Assert(i == 0 || i >= state->nsorted ||
			   state->hours[i].hour > state->hours[i - 1].hour);
		AssertHourly(&state->hours[i].state);
	}
#endif
}

/* Sort, and combine the states of the same hour */
static void
PutHoursInOrder(HoursState *state, MemoryContext context)
{
	int64		n = 0;

	if (state->nsorted == state->nhours)
		return;
	SortHours(state->hours, state->nhours);
	for (int64 i = 1; i < state->nhours; i++)
	{
		Hour	   *hour = &state->hours[i];

		if (hour->hour == state->hours[n].hour)
		{
			CombineHourly(&state->hours[n].state, context, &hour->state);
			if (hour->state.unknown)
				pfree(hour->state.unknown);
		}
		else if (++n < i)
			state->hours[n] = *hour;
	}
	state->nhours = state->nsorted = n + 1;
	state->last = n;
}

/* The state of an hour, made if there is none yet; the whole may move */
static HourlyState *
FindHour(HoursState **state, MemoryContext context, TimestampTz hour)
{
	HoursState *hours = *state;
	int64		lo = 0;
	int64		hi = hours->nsorted;

	while (lo < hi)
	{
		int64		mid = lo + (hi - lo) / 2;

		if (hours->hours[mid].hour < hour)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < hours->nsorted && hours->hours[lo].hour == hour)
	{
		hours->last = lo;
		return &hours->hours[lo].state;
	}

	if (hours->nhours == hours->capacity)
	{
		PutHoursInOrder(hours, context);
		if (hours->nhours > hours->capacity / 2)
		{
			hours->capacity *= 2;
			*state = hours = (HoursState *)
				repalloc_huge(hours, offsetof(HoursState, hours) + hours->capacity * sizeof(Hour));
		}
	}
	hours->last = hours->nhours++;
	if (hours->nsorted == hours->last &&
		(hours->last == 0 || hours->hours[hours->last - 1].hour < hour))
		hours->nsorted++;
	memset(&hours->hours[hours->last], 0, sizeof(Hour));
	hours->hours[hours->last].hour = hour;
	return &hours->hours[hours->last].state;
}

/*
 * liveness_hours_transfn(internal, at timestamptz, memory_pressure real,
 *						  cpu_usage real, thermal_state text,
 *						  memory_available_gb real)
 *
 * A heartbeat at NULL or at an infinity is in no hour, and left out.
 */
PG_FUNCTION_INFO_V1(liveness_hours_transfn);
Datum
liveness_hours_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_hours_transfn");
	HoursState *state = (HoursState *) liveness_state_argument(fcinfo, 0, HOURS_MAGIC);
	TimestampTz at;
	HourlyState *hour;

	if (PG_ARGISNULL(1) || TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(1)))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	at = PG_GETARG_TIMESTAMPTZ(1);

	if (state == NULL)
		state = MakeHours(aggcontext, 2);
	if (state->nhours > 0 && at >= state->hours[state->last].hour &&
		at - state->hours[state->last].hour < USECS_PER_HOUR)
		hour = &state->hours[state->last].state;
	else
		hour = FindHour(&state, aggcontext, liveness_hour_of(at));
	NoteHeartbeat(hour, aggcontext, fcinfo, 2);
	PG_RETURN_POINTER(state);
}

/*
 * liveness_hours_add_transfn(internal, hour timestamptz, sums bytea)
 *
 * Adds the sums of an hour, as they stand in liveness_hours_row.
 */
PG_FUNCTION_INFO_V1(liveness_hours_add_transfn);
Datum
liveness_hours_add_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_hours_add_transfn");
	HoursState *state = (HoursState *) liveness_state_argument(fcinfo, 0, HOURS_MAGIC);

	if (!PG_ARGISNULL(1) && !TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(1)) && !PG_ARGISNULL(2))
	{
		HourlyState sums;
		StateReader reader;

		liveness_read_state(&reader, PG_GETARG_BYTEA_PP(2));
		liveness_read_magic(&reader, SUMS_MAGIC);
		ReadHourly(&reader, &sums);
		liveness_read_end(&reader);
		/* anybody may call this, and the word becomes a text */
		if (sums.unknown_len > 0)
			pg_verifymbstr(sums.unknown, sums.unknown_len, false);
		if (state == NULL)
			state = MakeHours(aggcontext, 2);
		CombineHourly(FindHour(&state, aggcontext, liveness_hour_of(PG_GETARG_TIMESTAMPTZ(1))),
					  aggcontext, &sums);
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* liveness_hours_combine(internal, internal) -> internal */
PG_FUNCTION_INFO_V1(liveness_hours_combine);
Datum
liveness_hours_combine(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_hours_combine");
	HoursState *left = (HoursState *) liveness_state_argument(fcinfo, 0, HOURS_MAGIC);
	HoursState *right = (HoursState *) liveness_state_argument(fcinfo, 1, HOURS_MAGIC);

	if (right == NULL)
	{
		if (left == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(left);
	}
	if (left == NULL)
		left = MakeHours(aggcontext, Max(right->nhours, 2));
	for (int64 i = 0; i < right->nhours; i++)
		CombineHourly(FindHour(&left, aggcontext, right->hours[i].hour), aggcontext,
					  &right->hours[i].state);
	AssertHours(left);
	PG_RETURN_POINTER(left);
}

/* The bytes are the magic word, the number of hours, and each hour with its state */
PG_FUNCTION_INFO_V1(liveness_hours_serialize);
Datum
liveness_hours_serialize(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext;
	HoursState *state;
	uint32		magic = HOURS_MAGIC;
	StringInfoData buf;

	aggcontext = liveness_aggregate_context(fcinfo, "liveness_hours_serialize");
	state = (HoursState *) liveness_state_argument(fcinfo, 0, HOURS_MAGIC);
	PutHoursInOrder(state, aggcontext);
	AssertHours(state);
	liveness_check_serialized_count(state->nhours, sizeof(Hour));

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, (char *) &magic, sizeof(magic));
	pq_sendbytes(&buf, (char *) &state->nhours, sizeof(state->nhours));
	for (int64 i = 0; i < state->nhours; i++)
	{
		pq_sendbytes(&buf, (char *) &state->hours[i].hour, sizeof(TimestampTz));
		SendHourly(&buf, &state->hours[i].state);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

PG_FUNCTION_INFO_V1(liveness_hours_deserialize);
Datum
liveness_hours_deserialize(PG_FUNCTION_ARGS)
{
	StateReader reader;
	HoursState *state;
	int64		nhours;

	(void) liveness_aggregate_context(fcinfo, "liveness_hours_deserialize");
	liveness_read_state(&reader, PG_GETARG_BYTEA_PP(0));
	liveness_read_magic(&reader, HOURS_MAGIC);
	liveness_read_bytes(&reader, &nhours, sizeof(nhours));
	liveness_check_remaining(&reader, nhours, sizeof(TimestampTz) + sizeof(SerializedHourly));

	state = MakeHours(CurrentMemoryContext, Max(nhours, 2));
	for (int64 i = 0; i < nhours; i++)
	{
		Hour	   *hour = &state->hours[i];

		liveness_read_bytes(&reader, &hour->hour, sizeof(TimestampTz));
		ReadHourly(&reader, &hour->state);
	}
	state->nhours = state->nsorted = nhours;
	liveness_read_end(&reader);
	AssertHours(state);
	PG_RETURN_POINTER(state);
}

/* What the final function keeps from group to group */
typedef struct HoursFinalCache
{
	Oid			element_type;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	TupleDesc	tupdesc;
} HoursFinalCache;

static HoursFinalCache *
GetHoursFinalCache(FunctionCallInfo fcinfo)
{
	HoursFinalCache *cache = (HoursFinalCache *) fcinfo->flinfo->fn_extra;
	MemoryContext oldcontext;
	Oid			array_type;

	if (cache)
		return cache;

	(void) get_call_result_type(fcinfo, &array_type, NULL);
	oldcontext = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	cache = (HoursFinalCache *) palloc(sizeof(HoursFinalCache));
	cache->element_type = get_element_type(array_type);
	get_typlenbyvalalign(cache->element_type, &cache->typlen, &cache->typbyval,
						 &cache->typalign);
	cache->tupdesc = liveness_row_of_type(cache->element_type, hours_row, lengthof(hours_row));
	MemoryContextSwitchTo(oldcontext);
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

/*
 * liveness_hours_final(internal) -> liveness_hours_row[]
 *
 * In order of time; NULL without any heartbeat in an hour.
 */
PG_FUNCTION_INFO_V1(liveness_hours_final);
Datum
liveness_hours_final(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_hours_final");
	HoursState *state = (HoursState *) liveness_state_argument(fcinfo, 0, HOURS_MAGIC);
	HoursFinalCache *cache;
	Datum	   *rows;

	if (state == NULL || state->nhours == 0)
		PG_RETURN_NULL();
	PutHoursInOrder(state, aggcontext);
	AssertHours(state);
	cache = GetHoursFinalCache(fcinfo);
	if (state->nhours > (int64) (MaxAllocSize / sizeof(Datum)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many hours in one group: " INT64_FORMAT, state->nhours),
				 errhint("Group by provider, or take a shorter span of time.")));

	rows = (Datum *) palloc(state->nhours * sizeof(Datum));
	for (int64 i = 0; i < state->nhours; i++)
	{
		Datum		values[HOURS_COLUMNS];
		bool		nulls[HOURS_COLUMNS] = {false};

		values[COL_HOUR] = TimestampTzGetDatum(state->hours[i].hour);
		FillHourlyRow(&state->hours[i].state, values, nulls);
		rows[i] = HeapTupleGetDatum(heap_form_tuple(cache->tupdesc, values, nulls));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(rows, (int) state->nhours, cache->element_type,
										  cache->typlen, cache->typbyval, cache->typalign));
}

/*
 * liveness_utc_hour(timestamptz) -> timestamptz
 *
 * The UTC hour that holds an instant, whatever the session's time zone.
 */
PG_FUNCTION_INFO_V1(liveness_utc_hour);
Datum
liveness_utc_hour(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(liveness_hour_of(PG_GETARG_TIMESTAMPTZ(0)));
}
