/*-------------------------------------------------------------------------
 *
 * hourly.c
 *		liveness_hourly: the heartbeats of one provider and hour -> one row.
 *
 * One aggregate instead of a count, three averages and a maximum by severity:
 * one call a row, one state a group.  Sums are double, as those of core's
 * avg(real).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "liveness.h"

#define HOURLY_MAGIC		0x4c764831	/* "LvH1" */

/* Severity of a thermal state; a word that we do not know ranks below nominal */
#define THERMAL_NONE		0
#define THERMAL_UNKNOWN		1

static const char *const thermal_words[] = {"nominal", "fair", "serious", "critical"};

typedef struct HourlyMean
{
	int64		n;
	double		sum;
} HourlyMean;

typedef struct HourlyState
{
	int64		heartbeats;
	HourlyMean	memory_pressure;
	HourlyMean	cpu_usage;
	HourlyMean	memory_available;
	int32		severity;		/* THERMAL_*, or 2 + index of thermal_words */
	int32		unknown_len;	/* of the greatest unknown word */
	char	   *unknown;		/* its bytes */
	int32		unknown_capacity;
} HourlyState;

static int
ThermalSeverity(const char *word, int len)
{
	if (len == 0)
		return THERMAL_NONE;
	for (int i = 0; i < (int) lengthof(thermal_words); i++)
	{
		if (strlen(thermal_words[i]) == (Size) len && memcmp(thermal_words[i], word, len) == 0)
			return THERMAL_UNKNOWN + 1 + i;
	}
	return THERMAL_UNKNOWN;
}

/* Keep a thermal state if it is worse; unknown words compare as in C collation */
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
	mean->n++;
	mean->sum += value;
}

static HourlyState *
MakeState(MemoryContext context)
{
	return (HourlyState *) MemoryContextAllocZero(context, sizeof(HourlyState));
}

/*
 * liveness_hourly_transfn(internal, memory_pressure real, cpu_usage real,
 *						   thermal_state text, memory_available_gb real)
 *
 * Every row is a heartbeat; a NULL is left out of its average.
 */
PG_FUNCTION_INFO_V1(liveness_hourly_transfn);
Datum
liveness_hourly_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_hourly_transfn");
	HourlyState *state;

	state = PG_ARGISNULL(0) ? MakeState(aggcontext) : (HourlyState *) PG_GETARG_POINTER(0);
	state->heartbeats++;
	if (!PG_ARGISNULL(1))
		AddToMean(&state->memory_pressure, PG_GETARG_FLOAT4(1));
	if (!PG_ARGISNULL(2))
		AddToMean(&state->cpu_usage, PG_GETARG_FLOAT4(2));
	if (!PG_ARGISNULL(3))
	{
		text	   *word = PG_GETARG_TEXT_PP(3);

		NoteThermalState(state, aggcontext, VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word));
		PG_FREE_IF_COPY(word, 3);
	}
	if (!PG_ARGISNULL(4))
		AddToMean(&state->memory_available, PG_GETARG_FLOAT4(4));
	PG_RETURN_POINTER(state);
}

static void
CombineMeans(HourlyMean *left, const HourlyMean *right)
{
	left->n += right->n;
	left->sum += right->sum;
}

/* liveness_hourly_combine(internal, internal): never changes the right one */
PG_FUNCTION_INFO_V1(liveness_hourly_combine);
Datum
liveness_hourly_combine(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_hourly_combine");
	HourlyState *left = PG_ARGISNULL(0) ? NULL : (HourlyState *) PG_GETARG_POINTER(0);
	HourlyState *right = PG_ARGISNULL(1) ? NULL : (HourlyState *) PG_GETARG_POINTER(1);

	if (right == NULL)
	{
		if (left == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(left);
	}
	if (left == NULL)
		left = MakeState(aggcontext);

	left->heartbeats += right->heartbeats;
	CombineMeans(&left->memory_pressure, &right->memory_pressure);
	CombineMeans(&left->cpu_usage, &right->cpu_usage);
	CombineMeans(&left->memory_available, &right->memory_available);
	if (right->severity == THERMAL_UNKNOWN)
		NoteThermalState(left, aggcontext, right->unknown, right->unknown_len);
	else
		left->severity = Max(left->severity, right->severity);
	PG_RETURN_POINTER(left);
}

/* Of a serialized state; the bytes of the unknown word follow */
typedef struct SerializedHourly
{
	uint32		magic;
	int32		severity;
	int64		heartbeats;
	HourlyMean	memory_pressure;
	HourlyMean	cpu_usage;
	HourlyMean	memory_available;
	int64		unknown_len;
} SerializedHourly;

PG_FUNCTION_INFO_V1(liveness_hourly_serialize);
Datum
liveness_hourly_serialize(PG_FUNCTION_ARGS)
{
	HourlyState *state;
	SerializedHourly header;
	StringInfoData buf;

	(void) liveness_aggregate_context(fcinfo, "liveness_hourly_serialize");
	state = (HourlyState *) PG_GETARG_POINTER(0);
	header.magic = HOURLY_MAGIC;
	header.severity = state->severity;
	header.heartbeats = state->heartbeats;
	header.memory_pressure = state->memory_pressure;
	header.cpu_usage = state->cpu_usage;
	header.memory_available = state->memory_available;
	header.unknown_len = state->severity == THERMAL_UNKNOWN ? state->unknown_len : 0;

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, (char *) &header, sizeof(header));
	if (header.unknown_len > 0)
		pq_sendbytes(&buf, state->unknown, (int) header.unknown_len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

PG_FUNCTION_INFO_V1(liveness_hourly_deserialize);
Datum
liveness_hourly_deserialize(PG_FUNCTION_ARGS)
{
	StateReader reader;
	SerializedHourly header;
	HourlyState *state;

	(void) liveness_aggregate_context(fcinfo, "liveness_hourly_deserialize");
	liveness_read_state(&reader, PG_GETARG_BYTEA_PP(0));
	liveness_read_bytes(&reader, &header, sizeof(header));
	if (header.magic != HOURLY_MAGIC || header.heartbeats < 0 ||
		header.severity < THERMAL_NONE ||
		header.severity > THERMAL_UNKNOWN + (int32) lengthof(thermal_words) ||
		(header.severity == THERMAL_UNKNOWN) != (header.unknown_len > 0))
		liveness_corrupt_state();
	liveness_check_remaining(&reader, header.unknown_len, 1);

	state = MakeState(CurrentMemoryContext);
	state->severity = header.severity;
	state->heartbeats = header.heartbeats;
	state->memory_pressure = header.memory_pressure;
	state->cpu_usage = header.cpu_usage;
	state->memory_available = header.memory_available;
	if (header.unknown_len > 0)
	{
		state->unknown = (char *) palloc(header.unknown_len);
		state->unknown_len = state->unknown_capacity = (int32) header.unknown_len;
		liveness_read_bytes(&reader, state->unknown, header.unknown_len);
	}
	liveness_read_end(&reader);
	PG_RETURN_POINTER(state);
}

static Datum
MeanDatum(const HourlyMean *mean, bool *isnull)
{
	*isnull = mean->n == 0;
	return Float4GetDatum(mean->n == 0 ? 0 : (float4) (mean->sum / (double) mean->n));
}

/* Attributes of liveness_hourly_row, in order */
enum HourlyColumn
{
	COL_HEARTBEAT_COUNT,
	COL_AVG_MEMORY_PRESSURE,
	COL_AVG_CPU_USAGE,
	COL_MAX_THERMAL_STATE,
	COL_AVG_MEMORY_AVAILABLE_GB,
	HOURLY_COLUMNS
};

/*
 * liveness_hourly_final(internal) -> liveness_hourly_row
 *
 * NULL without any row.
 */
PG_FUNCTION_INFO_V1(liveness_hourly_final);
Datum
liveness_hourly_final(PG_FUNCTION_ARGS)
{
	HourlyState *state = PG_ARGISNULL(0) ? NULL : (HourlyState *) PG_GETARG_POINTER(0);
	TupleDesc	tupdesc = (TupleDesc) fcinfo->flinfo->fn_extra;
	Datum		values[HOURLY_COLUMNS];
	bool		nulls[HOURLY_COLUMNS] = {false};
	text	   *thermal;

	(void) liveness_aggregate_context(fcinfo, "liveness_hourly_final");
	if (state == NULL)
		PG_RETURN_NULL();

	if (tupdesc == NULL)
	{
		MemoryContext oldcontext;

		if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "liveness_hourly_final must return a row");
		oldcontext = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		tupdesc = BlessTupleDesc(CreateTupleDescCopy(tupdesc));
		MemoryContextSwitchTo(oldcontext);
		fcinfo->flinfo->fn_extra = tupdesc;
	}

	if (state->severity == THERMAL_NONE)
		thermal = cstring_to_text("");
	else if (state->severity == THERMAL_UNKNOWN)
		thermal = cstring_to_text_with_len(state->unknown, state->unknown_len);
	else
		thermal = cstring_to_text(thermal_words[state->severity - THERMAL_UNKNOWN - 1]);

	values[COL_HEARTBEAT_COUNT] = Int32GetDatum((int32) Min(state->heartbeats, PG_INT32_MAX));
	values[COL_AVG_MEMORY_PRESSURE] = MeanDatum(&state->memory_pressure,
												&nulls[COL_AVG_MEMORY_PRESSURE]);
	values[COL_AVG_CPU_USAGE] = MeanDatum(&state->cpu_usage, &nulls[COL_AVG_CPU_USAGE]);
	values[COL_MAX_THERMAL_STATE] = PointerGetDatum(thermal);
	values[COL_AVG_MEMORY_AVAILABLE_GB] = MeanDatum(&state->memory_available,
													&nulls[COL_AVG_MEMORY_AVAILABLE_GB]);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls)));
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
