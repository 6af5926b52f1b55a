/*-------------------------------------------------------------------------
 *
 * runs.c
 *		The times of one provider -> its runs: times with no gap longer than a timeout.
 *
 * liveness_runs takes intervals, since a run is one as well: runs that are known can be
 * added to new times.  Times mostly come in order, so that each extends the interval
 * before it.  The others are kept as they come, and sorted and joined when the array is
 * full: memory is in proportion to the runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "timemath.h"

#define RUNS_MAGIC		0x4c764e31	/* "LvN1" */

typedef struct Run
{
	TimestampTz since;
	TimestampTz until;
} Run;

typedef struct RunsState
{
	uint32		magic;
	int64		timeout;		/* usecs */
	int			nruns;
	int			capacity;
	Run		   *runs;
} RunsState;

static int
CompareRuns(const void *a, const void *b)
{
	TimestampTz x = ((const Run *) a)->since;
	TimestampTz y = ((const Run *) b)->since;

	return x < y ? -1 : x > y;
}

/* Are they one run?  No gap is longer than the timeout. */
static inline bool
IsJoined(const Run *run, TimestampTz since, TimestampTz until, int64 timeout)
{
	return liveness_saturating_sub(since, run->until) <= timeout &&
		liveness_saturating_sub(run->since, until) <= timeout;
}

static inline void
Extend(Run *run, TimestampTz since, TimestampTz until)
{
	run->since = Min(run->since, since);
	run->until = Max(run->until, until);
}

/* Sort what was collected, and join what is one run */
static void
Compact(RunsState *state)
{
	int			last = 0;

	if (state->nruns == 0)
		return;
	qsort(state->runs, state->nruns, sizeof(Run), CompareRuns);
	for (int i = 1; i < state->nruns; i++)
	{
		const Run  *run = &state->runs[i];

		if (IsJoined(&state->runs[last], run->since, run->until, state->timeout))
			Extend(&state->runs[last], run->since, run->until);
		else
			state->runs[++last] = *run;
	}
	state->nruns = last + 1;
}

static void
AddRun(RunsState *state, TimestampTz since, TimestampTz until)
{
	if (state->nruns > 0 &&
		IsJoined(&state->runs[state->nruns - 1], since, until, state->timeout))
	{
		Extend(&state->runs[state->nruns - 1], since, until);
		return;
	}
	if (state->nruns == state->capacity)
	{
		CHECK_FOR_INTERRUPTS();
		Compact(state);
		/* a compact array that is half full would soon be full again */
		if (state->nruns > state->capacity / 2)
		{
			state->capacity *= 2;
			state->runs = (Run *) repalloc_huge(state->runs, mul_size(sizeof(Run), state->capacity));
		}
	}
	state->runs[state->nruns].since = since;
	state->runs[state->nruns].until = until;
	state->nruns++;
}

/*
 * liveness_runs_transfn(internal, since timestamptz, until timestamptz, timeout bigint)
 *
 * The timeout is in microseconds, and that of the first call counts.
 */
PG_FUNCTION_INFO_V1(liveness_runs_transfn);
Datum
liveness_runs_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext context = liveness_aggregate_context(fcinfo, "liveness_runs_transfn");
	RunsState  *state = (RunsState *) liveness_state_argument(fcinfo, 0, RUNS_MAGIC);

	if (state == NULL)
	{
		state = (RunsState *) MemoryContextAllocZero(context, sizeof(RunsState));
		state->magic = RUNS_MAGIC;
		state->timeout = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT64(3);
		state->capacity = 4;
		state->runs = (Run *) MemoryContextAlloc(context, sizeof(Run) * state->capacity);
	}
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		TimestampTz since = PG_GETARG_TIMESTAMPTZ(1);
		TimestampTz until = PG_GETARG_TIMESTAMPTZ(2);

		AddRun(state, since, Max(since, until));
	}
	PG_RETURN_POINTER(state);
}

/* The runs in order: beginning and end of the first, of the second, and so on */
PG_FUNCTION_INFO_V1(liveness_runs_final);
Datum
liveness_runs_final(PG_FUNCTION_ARGS)
{
	RunsState  *state = (RunsState *) liveness_state_argument(fcinfo, 0, RUNS_MAGIC);
	Datum	   *bounds;

	if (state == NULL || state->nruns == 0)
		PG_RETURN_NULL();
	Compact(state);
	bounds = (Datum *) palloc(mul_size(2 * sizeof(Datum), state->nruns));
	for (int i = 0; i < state->nruns; i++)
	{
		bounds[2 * i] = TimestampTzGetDatum(state->runs[i].since);
		bounds[2 * i + 1] = TimestampTzGetDatum(state->runs[i].until);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(bounds, 2 * state->nruns, TIMESTAMPTZOID,
										  sizeof(TimestampTz), FLOAT8PASSBYVAL,
										  TYPALIGN_DOUBLE));
}
