/*-------------------------------------------------------------------------
 *
 * span.c
 *		Uptime and outages of a span of time, and how many providers were there at instants.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "arguments.h"
#include "history.h"
#include "rowtype.h"

#define CONNECTED_MAGIC		0x4c764331	/* "LvC1" */

/* Transition state of liveness_history_connected */
typedef struct ConnectedState
{
	uint32		magic;
	int			n;
	int64	   *instants;		/* in order */
	int64	   *change;			/* of the number of providers, at each instant */
} ConnectedState;

static ConnectedState *
MakeConnectedState(MemoryContext context, ArrayType *instants)
{
	ConnectedState *state;
	MemoryContext oldcontext;
	int			n = ArrayGetNItems(ARR_NDIM(instants), ARR_DIMS(instants));

	if (ARR_ELEMTYPE(instants) != TIMESTAMPTZOID || ARR_NDIM(instants) > 1 || array_contains_nulls(instants))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("instants must be an array of one dimension without NULL")));
	oldcontext = MemoryContextSwitchTo(context);
	state = (ConnectedState *) palloc(sizeof(ConnectedState));
	state->magic = CONNECTED_MAGIC;
	state->n = n;
	state->instants = (int64 *) palloc(Max(n, 1) * sizeof(int64));
	memcpy(state->instants, ARR_DATA_PTR(instants), n * sizeof(int64));
	state->change = (int64 *) palloc0((n + 1) * sizeof(int64));
	MemoryContextSwitchTo(oldcontext);

	for (int i = 1; i < n; i++)
	{
		if (state->instants[i - 1] >= state->instants[i])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("instants must be in order")));
	}
	return state;
}

/* The first of the instants that is not before this one; n if there is none */
static int
FirstInstant(const ConnectedState *state, TimestampTz at)
{
	int			low = 0;
	int			high = state->n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (state->instants[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * liveness_history_connected_transfn(internal, history bytea, as_of timestamptz,
 *									  instants timestamptz[]) -> internal
 *
 * A spell counts from its beginning on, and until before its end.
 */
PG_FUNCTION_INFO_V1(liveness_history_connected_transfn);
Datum
liveness_history_connected_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_history_connected_transfn");
	ConnectedState *state = (ConnectedState *) liveness_state_argument(fcinfo, 0, CONNECTED_MAGIC);
	HistoryReader reader;
	LivenessInterval spell;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = MakeConnectedState(aggcontext, PG_GETARG_ARRAYTYPE_P(3));

	liveness_open_history(&reader, PG_GETARG_BYTEA_PP(1), PG_GETARG_TIMESTAMPTZ(2));
	while (liveness_next_any_spell(&reader, &spell))
	{
		CHECK_FOR_INTERRUPTS();
		state->change[FirstInstant(state, spell.start)]++;
		if (!(spell.ending & ENDING_OPEN))
			state->change[FirstInstant(state, spell.end)]--;
	}
	PG_RETURN_POINTER(state);
}

/*
 * liveness_history_connected_final(internal) -> bigint[]
 *
 * How many providers were in a spell at each instant; NULL without any history.
 */
PG_FUNCTION_INFO_V1(liveness_history_connected_final);
Datum
liveness_history_connected_final(PG_FUNCTION_ARGS)
{
	ConnectedState *state = (ConnectedState *) liveness_state_argument(fcinfo, 0, CONNECTED_MAGIC);
	Datum	   *connected;
	int64		sum = 0;

	(void) liveness_aggregate_context(fcinfo, "liveness_history_connected_final");
	if (state == NULL)
		PG_RETURN_NULL();
	connected = (Datum *) palloc(Max(state->n, 1) * sizeof(Datum));
	for (int i = 0; i < state->n; i++)
	{
		sum += state->change[i];
		connected[i] = Int64GetDatum(sum);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(connected, state->n, INT8OID, sizeof(int64),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Columns of the type liveness_uptime_row */
static const RowColumn uptime_columns[] = {
	{"provider_id", TEXTOID},
	{"online", INTERVALOID},
	{"observed", INTERVALOID},
	{"uptime_pct", FLOAT8OID},
	{"outages", INT8OID},
	{"longest_outage", INTERVALOID},
};

/* What a span of time consists of, excluded time left out, in microseconds */
typedef struct SpanFigures
{
	int64		online;
	int64		offline;
	int64		outages;		/* their number */
	int64		longest_outage;
} SpanFigures;

/* Add the gap [start, end); one of which nothing counts is no outage */
static void
AddGap(SpanFigures *figures, const ExcludedTime *excluded, TimestampTz start, TimestampTz end)
{
	int64		usecs = liveness_counted_usecs(excluded, start, end);

	figures->offline += usecs;
	figures->outages += usecs > 0;
	figures->longest_outage = Max(figures->longest_outage, usecs);
}

/* Add up [since, until), both finite; the spells are those that the reader still has */
static void
AddSpan(SpanFigures *figures, HistoryReader *reader, const ExcludedTime *excluded,
		TimestampTz since, TimestampTz until)
{
	LivenessInterval spell;
	TimestampTz at = since;

	while (liveness_next_any_spell(reader, &spell) && spell.start < until)
	{
		TimestampTz start = Max(spell.start, at);
		TimestampTz end = Min(spell.end, until);

		CHECK_FOR_INTERRUPTS();
		if (end <= start)
			continue;
		AddGap(figures, excluded, at, start);
		figures->online += liveness_counted_usecs(excluded, start, end);
		at = end;
	}
	AddGap(figures, excluded, at, until);
}

static Datum
MakeInterval(int64 usecs)
{
	Interval   *interval = (Interval *) palloc(sizeof(Interval));

	liveness_set_interval(interval, usecs);
	return IntervalPGetDatum(interval);
}

/*
 * liveness_span_uptime(since timestamptz, until timestamptz, provider_id text,
 *						history bytea, as_of timestamptz, excluded tstzmultirange)
 *		-> liveness_uptime_row
 *
 * What the spells, as they were known as of as_of, make of the span.  The provider's name
 * is handed on.  NULL for a history without any session, and for nothing excluded.
 */
PG_FUNCTION_INFO_V1(liveness_span_uptime);
Datum
liveness_span_uptime(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc = (TupleDesc) fcinfo->flinfo->fn_extra;
	TimestampTz since;
	TimestampTz until;
	TimestampTz as_of;
	HistoryReader reader = {0};
	ExcludedTime excluded = {0, NULL};
	SpanFigures figures = {0};
	int64		observed;
	Datum		values[lengthof(uptime_columns)];
	bool		nulls[lengthof(uptime_columns)] = {false};

	if (tupdesc == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		tupdesc = liveness_result_row(fcinfo, uptime_columns, lengthof(uptime_columns));
		MemoryContextSwitchTo(oldcontext);
		fcinfo->flinfo->fn_extra = tupdesc;
	}
	(void) liveness_span_arguments(fcinfo);
	since = PG_GETARG_TIMESTAMPTZ(0);
	until = PG_GETARG_TIMESTAMPTZ(1);
	as_of = liveness_as_of_argument(fcinfo, 4);
	if (!PG_ARGISNULL(3))
		liveness_open_history(&reader, PG_GETARG_BYTEA_PP(3), as_of);
	if (!PG_ARGISNULL(5))
		liveness_read_excluded(&excluded, PG_GETARG_VARLENA_P(5));
	AddSpan(&figures, &reader, &excluded, since, until);

	observed = figures.online + figures.offline;
	nulls[0] = PG_ARGISNULL(2);
	values[0] = nulls[0] ? (Datum) 0 : PG_GETARG_DATUM(2);
	values[1] = MakeInterval(figures.online);
	values[2] = MakeInterval(observed);
	nulls[3] = observed == 0;
	values[3] = Float8GetDatum(observed == 0 ? 0 : (double) figures.online / (double) observed);
	values[4] = Int64GetDatum(figures.outages);
	values[5] = MakeInterval(figures.longest_outage);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls)));
}
