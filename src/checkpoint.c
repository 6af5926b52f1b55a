/*-------------------------------------------------------------------------
 *
 * checkpoint.c
 *		How often a job should write a checkpoint.
 *
 * The work W is divided into n equal segments.  Each ends with a checkpoint, which costs
 * C, and so takes d = W/n + C.  If the provider goes, the job goes on from its last
 * checkpoint after the time R, on a provider in the same state as this one was in at the
 * beginning.  With S(t), the probability to hold the time t, and q_j = S(jd) - S((j+1)d),
 * the expected time of k segments is
 *
 *		T_k = [integral of S from 0 to kd + R (1 - S(kd)) + sum over 0 < j < k of q_j T_(k-j)]
 *			  / (1 - q_0),
 *
 * and the best n is the one with the least T_n.  With a constant hazard this is Daly's
 * optimum (2006), but for n being whole.
 *
 * S comes as a curve: an array of pairs of a time and the hazard, integrated up to it.
 * The integrated hazard is linear between two points, and goes on after the last as it
 * did before it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/timestamp.h"

#include "rowtype.h"
#include "timemath.h"

#define MAX_SEGMENTS	10000

/* All numbers of segments up to this one are tried; above, steps of an eighth */
#define SMALL_SEGMENTS	64
#define STEP_FRACTION	8

/* The longest time that is told, in seconds: some 100,000 years */
#define MAX_RUNTIME		3e12

typedef struct HazardPoint
{
	double		time;			/* seconds */
	double		hazard;			/* integrated from 0 to the time */
} HazardPoint;

typedef struct Job
{
	const HazardPoint *curve;
	int			npoints;
	double		work;			/* seconds, as the costs */
	double		cost;
	double		restart;
	double	   *survival;		/* S(kd) */
	double	   *expected;		/* T_k */
} Job;

/* A walk along the curve, forward in time */
typedef struct HazardWalk
{
	const HazardPoint *from;		/* the point at or before the time, but not the last */
	double		time;
	double		hazard;			/* integrated from 0 to the time */
	double		online;			/* integral of S from 0 to the time */
} HazardWalk;

static void
WalkTo(HazardWalk *walk, const Job *job, double time)
{
	const HazardPoint *last_segment = &job->curve[job->npoints - 2];

	while (walk->time < time)
	{
		const HazardPoint *from = walk->from;
		double		until = from < last_segment && from[1].time < time ? from[1].time : time;
		double		slope = (from[1].hazard - from->hazard) / (from[1].time - from->time);
		double		hazard = Max(walk->hazard, from->hazard + slope * (until - from->time));
		double		rise = hazard - walk->hazard;

		walk->online += (until - walk->time) * exp(-walk->hazard) *
			(rise > 0 ? -expm1(-rise) / rise : 1);
		walk->hazard = hazard;
		walk->time = until;
		if (from < last_segment && until >= from[1].time)
			walk->from++;
	}
}

/* T_n for n segments; infinite if that is more than a double can hold */
static double
ExpectedRuntime(const Job *job, int n)
{
	const double *survival = job->survival;
	double		length = job->work / n + job->cost;
	HazardWalk	walk = {.from = job->curve};

	job->survival[0] = 1;
	for (int k = 1; k <= n; k++)
	{
		double		sum;

		CHECK_FOR_INTERRUPTS();
		WalkTo(&walk, job, k * length);
		job->survival[k] = exp(-walk.hazard);
		sum = walk.online + job->restart * -expm1(-walk.hazard);
		for (int j = 1; j < k; j++)
			sum += (survival[j] - survival[j + 1]) * job->expected[k - j];
		job->expected[k] = sum / survival[1];
		if (!(job->expected[k] < get_float8_infinity()))
			return get_float8_infinity();
	}
	return job->expected[n];
}

/* The probability that the job runs through in n segments without an interruption */
static double
Uninterrupted(const Job *job, int n)
{
	HazardWalk	walk = {.from = job->curve};

	WalkTo(&walk, job, job->work + n * job->cost);
	return exp(-walk.hazard);
}

/*
 * The number of segments with the least expected time.  No number can be better if its
 * segments take longer than that without any interruption.
 */
static int
BestSegments(const Job *job, double *expected)
{
	int			best = 1;
	int			step = 1;

	*expected = ExpectedRuntime(job, 1);
	for (int n = 2; n <= MAX_SEGMENTS && job->work + n * job->cost < *expected;
		 n += n < SMALL_SEGMENTS ? 1 : n / STEP_FRACTION)
	{
		double		runtime = ExpectedRuntime(job, n);

		if (runtime < *expected)
		{
			best = n;
			*expected = runtime;
		}
	}

	/* what the steps left out: half a step to either side, a quarter, and so on */
	if (best >= SMALL_SEGMENTS)
		step = best / STEP_FRACTION;
	while (step > 1)
	{
		int			center = best;

		step = (step + 1) / 2;
		for (int n = center - step; n <= center + step; n += 2 * step)
		{
			double		runtime;

			if (n > MAX_SEGMENTS)
				break;
			runtime = ExpectedRuntime(job, n);
			if (runtime < *expected)
			{
				best = n;
				*expected = runtime;
			}
		}
	}
	return best;
}

static void
ReadCurve(Job *job, ArrayType *array)
{
	int			n = ARR_NDIM(array) == 1 ? ARR_DIMS(array)[0] : 0;
	const HazardPoint *curve = (const HazardPoint *) ARR_DATA_PTR(array);
	bool		is_valid = n >= 4 && n % 2 == 0 && !ARR_HASNULL(array) &&
		ARR_ELEMTYPE(array) == FLOAT8OID && curve[0].time == 0 && curve[0].hazard == 0;

	job->curve = curve;
	job->npoints = n / 2;
	for (int i = 1; is_valid && i < job->npoints; i++)
		is_valid = curve[i].time > curve[i - 1].time && !isinf(curve[i].time) &&
			curve[i].hazard >= curve[i - 1].hazard && !isinf(curve[i].hazard);
	if (!is_valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a curve must be an array of times in rising order, each with the hazard up to it"),
				 errhint("liveness_outlook makes such arrays.")));
}

static double
UsecsArgument(FunctionCallInfo fcinfo, int arg, const char *name, int64 min)
{
	if (PG_GETARG_INT64(arg) < min)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be " INT64_FORMAT, name, PG_GETARG_INT64(arg))));
	return SECONDS(PG_GETARG_INT64(arg));
}

static Datum
SecondsInterval(double seconds)
{
	Interval   *interval = (Interval *) palloc0(sizeof(Interval));

	liveness_set_interval(interval, (int64) rint(seconds * USECS_PER_SEC));
	return IntervalPGetDatum(interval);
}

static const RowColumn checkpoint_row[] = {
	{"every", INTERVALOID}, {"segments", INT4OID}, {"expected_runtime", INTERVALOID},
	{"uninterrupted", FLOAT8OID}
};

/*
 * liveness_checkpoint(curve float8[], work_usecs bigint, cost_usecs bigint,
 *					   restart_usecs bigint) -> liveness_checkpoint_row
 */
PG_FUNCTION_INFO_V1(liveness_checkpoint);
Datum
liveness_checkpoint(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc = liveness_result_row(fcinfo, checkpoint_row, lengthof(checkpoint_row));
	Datum		values[lengthof(checkpoint_row)];
	bool		nulls[lengthof(checkpoint_row)] = {false};
	Job			job;
	double		expected;
	int			n;

	ReadCurve(&job, PG_GETARG_ARRAYTYPE_P(0));
	job.work = UsecsArgument(fcinfo, 1, "work_usecs", 1);
	job.cost = UsecsArgument(fcinfo, 2, "cost_usecs", 1);
	job.restart = UsecsArgument(fcinfo, 3, "restart_usecs", 0);
	job.survival = (double *) palloc((MAX_SEGMENTS + 1) * sizeof(double));
	job.expected = (double *) palloc((MAX_SEGMENTS + 1) * sizeof(double));
	n = BestSegments(&job, &expected);

	values[0] = SecondsInterval(job.work / n);
	values[1] = Int32GetDatum(n);
	/* NULL where an interval could not hold it */
	nulls[2] = !(expected < MAX_RUNTIME);
	values[2] = nulls[2] ? (Datum) 0 : SecondsInterval(expected);
	values[3] = Float8GetDatum(Uninterrupted(&job, n));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls)));
}
