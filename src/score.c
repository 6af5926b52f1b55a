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
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "rowtype.h"
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

/* A term of the score; the last is what clamping adds */
typedef struct ScoreTerm
{
	const char *name;
	double		measured;
	bool		is_known;		/* is measured? */
	double		value;
	double		weight;
} ScoreTerm;

#define N_TERMS				5

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

static void
GetTerms(ScoreTerm *terms, double uptime_pct, double p_stays_4h, double p_stays_8h,
		 double mtbf_seconds, bool has_disconnect, TimestampTz last_disconnect_at,
		 TimestampTz as_of)
{
	bool		disconnected = has_disconnect && !TIMESTAMP_IS_NOBEGIN(last_disconnect_at);
	double		age = disconnected ? SECONDS(liveness_saturating_sub(as_of, last_disconnect_at)) : 0.0;

	terms[0] = (ScoreTerm) {"uptime_pct", uptime_pct, true, uptime_pct, WEIGHT_UPTIME};
	terms[1] = (ScoreTerm) {"p_stays_4h", p_stays_4h, true, p_stays_4h, WEIGHT_STAYS_4H};
	terms[2] = (ScoreTerm) {"p_stays_8h", p_stays_8h, true, p_stays_8h, WEIGHT_STAYS_8H};
	terms[3] = (ScoreTerm) {"mtbf_seconds", mtbf_seconds, true,
	Sigmoid((mtbf_seconds - MTBF_MIDPOINT_SECS) / MTBF_SCALE_SECS), WEIGHT_MTBF};
	terms[4] = (ScoreTerm) {"last_disconnect_at", age, disconnected,
	disconnected ? RecencyPenalty(last_disconnect_at, as_of) : 0.0, -WEIGHT_RECENCY};
}

/* The sum of the terms, which is the score before it is clamped */
static double
AddTerms(const ScoreTerm *terms)
{
	double		sum = 0.0;

	for (int i = 0; i < N_TERMS; i++)
		sum += terms[i].weight * terms[i].value;

	/* infinite arguments may give infinity - infinity */
	CheckNotNaN(sum, "the liveness score");
	return sum;
}

static inline double
Clamp(double sum)
{
	return Min(Max(sum, 0.0), 1.0);
}

double
liveness_score_internal(double uptime_pct, double p_stays_4h, double p_stays_8h,
						double mtbf_seconds, bool has_disconnect,
						TimestampTz last_disconnect_at, TimestampTz as_of)
{
	ScoreTerm	terms[N_TERMS];

	GetTerms(terms, uptime_pct, p_stays_4h, p_stays_8h, mtbf_seconds, has_disconnect,
			 last_disconnect_at, as_of);
	return Clamp(AddTerms(terms));
}

/* Terms from the first six arguments of a function; false if a feature is NULL */
static bool
GetTermsOfArguments(ScoreTerm *terms, FunctionCallInfo fcinfo)
{
	static const char *const names[] = {
		"uptime_pct", "p_stays_4h", "p_stays_8h", "mtbf_seconds"
	};
	double		feature[lengthof(names)];
	TimestampTz as_of;

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		if (PG_ARGISNULL(i))
			return false;
		feature[i] = PG_GETARG_FLOAT8(i);
		CheckNotNaN(feature[i], names[i]);
	}
	if (PG_ARGISNULL(5))
		return false;
	as_of = PG_GETARG_TIMESTAMPTZ(5);
	liveness_check_as_of(as_of);
	GetTerms(terms, feature[0], feature[1], feature[2], feature[3], !PG_ARGISNULL(4),
			 PG_ARGISNULL(4) ? 0 : PG_GETARG_TIMESTAMPTZ(4), as_of);
	return true;
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
	ScoreTerm	terms[N_TERMS];

	if (!GetTermsOfArguments(terms, fcinfo))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(Clamp(AddTerms(terms)));
}

/* Columns of the type liveness_score_term */
static const RowColumn term_columns[] = {
	{"term", TEXTOID},
	{"measured", FLOAT8OID},
	{"value", FLOAT8OID},
	{"weight", FLOAT8OID},
	{"points", FLOAT8OID},
};

/*
 * liveness_score_terms(uptime_pct, p_stays_4h, p_stays_8h, mtbf_seconds,
 *						last_disconnect_at, as_of) -> SETOF liveness_score_term
 *
 * The terms of the same score, and what clamping adds to their sum.
 */
PG_FUNCTION_INFO_V1(liveness_score_terms);
Datum
liveness_score_terms(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	ScoreTerm  *terms;
	Datum		values[lengthof(term_columns)] = {0};
	bool		nulls[lengthof(term_columns)] = {false};
	int			i;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext oldcontext;

		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		funcctx->tuple_desc = liveness_result_row(fcinfo, term_columns, lengthof(term_columns));
		terms = (ScoreTerm *) palloc(N_TERMS * sizeof(ScoreTerm));
		if (GetTermsOfArguments(terms, fcinfo))
			funcctx->max_calls = N_TERMS + 1;
		funcctx->user_fctx = terms;
		MemoryContextSwitchTo(oldcontext);
	}

	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);
	terms = (ScoreTerm *) funcctx->user_fctx;
	i = (int) funcctx->call_cntr;
	if (i < N_TERMS)
	{
		values[0] = CStringGetTextDatum(terms[i].name);
		values[1] = Float8GetDatum(terms[i].measured);
		nulls[1] = !terms[i].is_known;
		values[2] = Float8GetDatum(terms[i].value);
		values[3] = Float8GetDatum(terms[i].weight);
		values[4] = Float8GetDatum(terms[i].weight * terms[i].value);
	}
	else
	{
		double		sum = AddTerms(terms);

		values[0] = CStringGetTextDatum("clamp");
		nulls[1] = nulls[2] = nulls[3] = true;
		values[4] = Float8GetDatum(Clamp(sum) - sum);
	}
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc, values, nulls)));
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
