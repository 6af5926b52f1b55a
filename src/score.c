/*-------------------------------------------------------------------------
 *
 * score.c
 *		The liveness score and its parts.
 *
 *	score = 0.35 uptime_pct + 0.25 p_stays_4h + 0.15 p_stays_8h
 *			+ 0.25 sigmoid((mtbf_seconds - 4 h) / 1 h)
 *			- 0.10 recency_penalty(last_disconnect_at)
 *
 * clamped to [0, 1] at the end only.  The weights are constants on purpose: two scores
 * can be compared only if the same formula made them.  A release may change the weights,
 * a setting may not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "score.h"
#include "timemath.h"

#define WEIGHT_UPTIME		0.35
#define WEIGHT_STAYS_4H		0.25
#define WEIGHT_STAYS_8H		0.15
#define WEIGHT_MTBF			0.25
#define WEIGHT_RECENCY		0.10

#define MTBF_MIDPOINT_SECS	(4.0 * SECS_PER_HOUR)	/* where the sigmoid is 1/2 */
#define MTBF_SCALE_SECS		(1.0 * SECS_PER_HOUR)
#define RECENCY_USECS		USECS_PER_DAY	/* the penalty's whole length */

/* For a very negative x, exp() overflows to infinity, whose reciprocal is the right 0 */
static inline double
Sigmoid(double x)
{
	return 1.0 / (1.0 + exp(-x));
}

/*
 * The penalty is 1 at the disconnect and falls linearly to 0 after a day.  A disconnect
 * in the future comes from a skewed clock and counts as now.
 */
static double
RecencyPenalty(TimestampTz last_disconnect_at, TimestampTz as_of)
{
	int64		age;

	if (TIMESTAMP_IS_NOBEGIN(last_disconnect_at))
		return 0.0;
	age = liveness_saturating_sub(as_of, last_disconnect_at);
	if (age <= 0)
		return 1.0;
	if (age >= RECENCY_USECS)
		return 0.0;
	return 1.0 - (double) age / (double) RECENCY_USECS;
}

/* Clamping would turn a NaN into a plausible score, so a NaN is an error */
static void
CheckNotNaN(double value, const char *name)
{
	if (isnan(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s must not be NaN", name),
				 errhint("Give a finite number, or NULL if it is not known.")));
}

double
liveness_score_internal(double uptime_pct, double p_stays_4h, double p_stays_8h,
						double mtbf_seconds, bool has_disconnect,
						TimestampTz last_disconnect_at, TimestampTz as_of)
{
	double		score;

	score = WEIGHT_UPTIME * uptime_pct
		+ WEIGHT_STAYS_4H * p_stays_4h
		+ WEIGHT_STAYS_8H * p_stays_8h
		+ WEIGHT_MTBF * Sigmoid((mtbf_seconds - MTBF_MIDPOINT_SECS) / MTBF_SCALE_SECS);
	if (has_disconnect)
		score -= WEIGHT_RECENCY * RecencyPenalty(last_disconnect_at, as_of);

	/* infinite arguments may give infinity - infinity */
	CheckNotNaN(score, "the liveness score");

	return Min(Max(score, 0.0), 1.0);
}

/*
 * liveness_score(uptime_pct, p_stays_4h, p_stays_8h, mtbf_seconds,
 *				  last_disconnect_at, as_of) -> float8
 *
 * NULL for a NULL feature or as_of; a NULL last_disconnect_at is none.
 */
PG_FUNCTION_INFO_V1(liveness_score);
Datum
liveness_score(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"uptime_pct", "p_stays_4h", "p_stays_8h", "mtbf_seconds"
	};
	double		feature[lengthof(names)];
	TimestampTz as_of;

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
		feature[i] = PG_GETARG_FLOAT8(i);
		CheckNotNaN(feature[i], names[i]);
	}
	if (PG_ARGISNULL(5))
		PG_RETURN_NULL();
	as_of = PG_GETARG_TIMESTAMPTZ(5);
	liveness_check_as_of(as_of);

	PG_RETURN_FLOAT8(liveness_score_internal(feature[0], feature[1],
											 feature[2], feature[3],
											 !PG_ARGISNULL(4),
											 PG_ARGISNULL(4) ? 0 : PG_GETARG_TIMESTAMPTZ(4),
											 as_of));
}

/*
 * liveness_sigmoid(x float8) -> float8
 *
 * The logistic function 1 / (1 + e^-x).
 */
PG_FUNCTION_INFO_V1(liveness_sigmoid);
Datum
liveness_sigmoid(PG_FUNCTION_ARGS)
{
	double		x = PG_GETARG_FLOAT8(0);

	CheckNotNaN(x, "x");
	PG_RETURN_FLOAT8(Sigmoid(x));
}

/*
 * liveness_recency_penalty(last_disconnect_at, as_of) -> float8
 *
 * 0 for no disconnect at all, NULL for a NULL as_of.
 */
PG_FUNCTION_INFO_V1(liveness_recency_penalty);
Datum
liveness_recency_penalty(PG_FUNCTION_ARGS)
{
	TimestampTz as_of;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	as_of = PG_GETARG_TIMESTAMPTZ(1);
	liveness_check_as_of(as_of);
	if (PG_ARGISNULL(0))
		PG_RETURN_FLOAT8(0.0);
	PG_RETURN_FLOAT8(RecencyPenalty(PG_GETARG_TIMESTAMPTZ(0), as_of));
}
