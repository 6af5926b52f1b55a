/*-------------------------------------------------------------------------
 *
 * arguments.c
 *		Checks of arguments of SQL functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "settings.h"
#include "timemath.h"

#define MAX_RELIABILITY_ROWS	500
#define MAX_STEPS				1000000

int
liveness_check_window_days(int window_days)
{
	if (window_days < MIN_WINDOW_DAYS || window_days > MAX_WINDOW_DAYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window_days %d is out of range", window_days),
				 errhint("Give between %d and %d days, or NULL for the setting liveness.window_days.",
						 MIN_WINDOW_DAYS, MAX_WINDOW_DAYS)));
	return window_days;
}

/* An argument window_days, for which NULL stands for the setting */
int
liveness_window_days_argument(FunctionCallInfo fcinfo, int arg)
{
	if (PG_ARGISNULL(arg))
		return liveness_window_days;
	return liveness_check_window_days(PG_GETARG_INT32(arg));
}

/* A rollup describes an instant: infinity is none */
void
liveness_check_as_of(TimestampTz as_of)
{
	if (TIMESTAMP_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("as_of must be finite, not %s",
						TIMESTAMP_IS_NOBEGIN(as_of) ? "-infinity" : "infinity"),
				 errhint("Give the instant to describe, for example now().")));
}

/* An argument as_of, which may not be NULL either */
TimestampTz
liveness_as_of_argument(FunctionCallInfo fcinfo, int arg)
{
	TimestampTz as_of;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("as_of must not be NULL"),
				 errhint("Give the instant to describe, for example now().")));
	as_of = PG_GETARG_TIMESTAMPTZ(arg);
	liveness_check_as_of(as_of);
	return as_of;
}

/*
 * First instant of the window.  One that would begin before the calendar does
 * begins with the calendar.
 */
TimestampTz
liveness_window_since(TimestampTz as_of, int window_days)
{
	return Max(liveness_saturating_sub(as_of, window_days * USECS_PER_DAY), MIN_TIMESTAMP);
}

/* An argument that is a probability */
double
liveness_probability_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	double		probability;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", name),
				 errhint("Give a probability, for example 0.9.")));
	probability = PG_GETARG_FLOAT8(arg);
	if (!(probability >= 0 && probability <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 0 and 1, and is %g", name, probability),
				 errhint("Give a probability, for example 0.9.")));
	return probability;
}

/*
 * liveness_window_start(as_of timestamptz, window_days int) -> timestamptz
 *
 * First instant of the window that ends at as_of.
 */
PG_FUNCTION_INFO_V1(liveness_window_start);
Datum
liveness_window_start(PG_FUNCTION_ARGS)
{
	TimestampTz as_of = liveness_as_of_argument(fcinfo, 0);
	int			window_days = liveness_window_days_argument(fcinfo, 1);

	PG_RETURN_TIMESTAMPTZ(liveness_window_since(as_of, window_days));
}

/*
 * liveness_effective_window_days(window_days int) -> int
 *
 * The argument, checked, or for NULL the setting.
 */
PG_FUNCTION_INFO_V1(liveness_effective_window_days);
Datum
liveness_effective_window_days(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(liveness_window_days_argument(fcinfo, 0));
}

/*
 * liveness_effective_batch_size(batch_size int) -> int
 *
 * The argument, checked, or for NULL the setting.
 */
PG_FUNCTION_INFO_V1(liveness_effective_batch_size);
Datum
liveness_effective_batch_size(PG_FUNCTION_ARGS)
{
	int32		batch_size;

	if (PG_ARGISNULL(0))
		PG_RETURN_INT32(liveness_prune_batch_size);
	batch_size = PG_GETARG_INT32(0);
	if (batch_size < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch_size %d is out of range", batch_size),
				 errhint("Give at least 1, or NULL for the setting liveness.prune_batch_size.")));
	PG_RETURN_INT32(batch_size);
}

/*
 * liveness_real_bound(float8) -> real
 *
 * A column of type real holds 0.95 rounded to real, which is below the float8
 * 0.95; a bound must be rounded the same way before it is compared.  One beyond
 * real's range is infinite: it is a bound all the same, not an error.
 */
PG_FUNCTION_INFO_V1(liveness_real_bound);
Datum
liveness_real_bound(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT4((float4) PG_GETARG_FLOAT8(0));
}

/*
 * liveness_reliability_limit(min_uptime, min_stays_4h, min_stays_8h, min_score,
 *							  max_score, max_rows) -> bigint
 *
 * NaN compares above everything in PostgreSQL, so that it would silently match
 * nothing, or everything.
 */
PG_FUNCTION_INFO_V1(liveness_reliability_limit);
Datum
liveness_reliability_limit(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"min_uptime", "min_stays_4h", "min_stays_8h", "min_score", "max_score"
	};
	int			max_rows_arg = lengthof(names);

	for (int i = 0; i < max_rows_arg; i++)
	{
		if (!PG_ARGISNULL(i) && isnan(PG_GETARG_FLOAT8(i)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must not be NaN", names[i]),
					 errhint("Give NULL for no bound.")));
	}
	if (PG_ARGISNULL(max_rows_arg))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows must not be NULL"),
				 errhint("Give between 1 and %d rows.", MAX_RELIABILITY_ROWS)));
	if (PG_GETARG_INT32(max_rows_arg) < 1 ||
		PG_GETARG_INT32(max_rows_arg) > MAX_RELIABILITY_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows %d is out of range", PG_GETARG_INT32(max_rows_arg)),
				 errhint("Give between 1 and %d rows.", MAX_RELIABILITY_ROWS)));
	PG_RETURN_INT64(PG_GETARG_INT32(max_rows_arg));
}

/* An argument that is a length of time, in microseconds; a month has 30 days */
int64
liveness_span_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	Interval   *span;
	double		days;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", name),
				 errhint("Give a length of time, for example interval '6 hours'.")));
	span = PG_GETARG_INTERVAL_P(arg);
	days = (double) span->month * DAYS_PER_MONTH + span->day + (double) span->time / USECS_PER_DAY;
	if (!(days > 0 && days <= MAX_SPAN_DAYS))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be longer than 0 and at most %d days", name, MAX_SPAN_DAYS),
				 errhint("Give a length of time, for example interval '6 hours'.")));
	return ((int64) span->month * DAYS_PER_MONTH + span->day) * USECS_PER_DAY + span->time;
}

/* liveness_span_usecs(span interval, name text) -> bigint */
PG_FUNCTION_INFO_V1(liveness_span_usecs);
Datum
liveness_span_usecs(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(liveness_span_argument(fcinfo, 0, PG_ARGISNULL(1) ? "span"
										   : text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/* An instant among the arguments, and its name */
static TimestampTz
CheckInstant(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", name),
				 errhint("Give an instant, for example now().")));
	if (TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(arg)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be finite", name),
				 errhint("Give an instant, for example now().")));
	return PG_GETARG_TIMESTAMPTZ(arg);
}

/*
 * liveness_instant(at timestamptz, name text) -> timestamptz
 *
 * An argument that is an instant.
 */
PG_FUNCTION_INFO_V1(liveness_instant);
Datum
liveness_instant(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(CheckInstant(fcinfo, 0, PG_ARGISNULL(1) ? "at" : text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/* The first arguments are since and until; returns the microseconds between them */
int64
liveness_span_arguments(FunctionCallInfo fcinfo)
{
	TimestampTz since = CheckInstant(fcinfo, 0, "since");
	TimestampTz until = CheckInstant(fcinfo, 1, "until");
	int64		usecs = liveness_saturating_sub(until, since);

	if (usecs < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("since must not be later than until"),
				 errhint("Give the earlier instant first.")));
	if (usecs > MAX_SPAN_DAYS * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("since and until must be at most %d days apart", MAX_SPAN_DAYS),
				 errhint("Ask for a shorter span.")));
	return usecs;
}

/*
 * liveness_check_span(since timestamptz, until timestamptz) -> boolean
 *
 * Always true.
 */
PG_FUNCTION_INFO_V1(liveness_check_span);
Datum
liveness_check_span(PG_FUNCTION_ARGS)
{
	(void) liveness_span_arguments(fcinfo);
	PG_RETURN_BOOL(true);
}

/*
 * liveness_check_step(since timestamptz, until timestamptz, step interval) -> boolean
 *
 * Always true.  A step that goes forward in one field and back in another might never
 * arrive: '1 month -30 days' does not.
 */
PG_FUNCTION_INFO_V1(liveness_check_step);
Datum
liveness_check_step(PG_FUNCTION_ARGS)
{
	int64		usecs = liveness_span_arguments(fcinfo);
	Interval   *step;
	double		step_usecs;

	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("step must not be NULL"),
				 errhint("Give a length of time, for example interval '1 hour'.")));
	step = PG_GETARG_INTERVAL_P(2);
	step_usecs = ((double) step->month * DAYS_PER_MONTH + step->day) * USECS_PER_DAY + (double) step->time;
	if (step->month < 0 || step->day < 0 || step->time < 0 || step_usecs == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step must be longer than 0"),
				 errhint("Give a length of time, for example interval '1 hour'.")));
	if ((double) usecs / step_usecs > MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the span has more than %d steps", MAX_STEPS),
				 errhint("Give a longer step, or ask for a shorter span.")));
	PG_RETURN_BOOL(true);
}

/*
 * liveness_candidates_limit(min_probability float8, max_rows int) -> bigint
 *
 * max_rows, once both are checked; NULL for no limit.
 */
PG_FUNCTION_INFO_V1(liveness_candidates_limit);
Datum
liveness_candidates_limit(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0))
	{
		double		min_probability = PG_GETARG_FLOAT8(0);

		if (!(min_probability >= 0 && min_probability <= 1))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("min_probability must be between 0 and 1, and is %g", min_probability),
					 errhint("Give 0, or NULL, for all that are connected.")));
	}
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_GETARG_INT32(1) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows %d is out of range", PG_GETARG_INT32(1)),
				 errhint("Give at least 1, or NULL for no limit.")));
	PG_RETURN_INT64(PG_GETARG_INT32(1));
}

/*
 * liveness_probability_limit(probability float8, name text) -> float8
 *
 * An argument that is a probability.
 */
PG_FUNCTION_INFO_V1(liveness_probability_limit);
Datum
liveness_probability_limit(PG_FUNCTION_ARGS)
{
	const char *name = PG_ARGISNULL(1) ? "probability" : text_to_cstring(PG_GETARG_TEXT_PP(1));

	PG_RETURN_FLOAT8(liveness_probability_argument(fcinfo, 0, name));
}
