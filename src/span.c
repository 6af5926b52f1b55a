/*-------------------------------------------------------------------------
 *
 * span.c
 *		How many providers were there, at instants of a span of time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "arguments.h"
#include "history.h"

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
