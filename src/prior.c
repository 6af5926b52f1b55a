/*-------------------------------------------------------------------------
 *
 * prior.c
 *		How far is a provider's own history to be believed?
 *
 * The factors of a provider lean on a prior: that the provider is like the fleet.  A
 * prior that weighs k events suits a fleet whose providers differ little, and hides
 * the differences of a fleet whose providers differ much.  So the fleet's own history
 * chooses the weights, one for the factor by age (frailty) and one for the hours of
 * the day.
 *
 * Four windows of the last days are predicted from what had ended before each of them,
 * with every weight of a grid.  The aggregate adds up the log likelihoods, of which the
 * final function takes the maximum a posteriori.  docs/prediction.md has the formulas.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "arguments.h"
#include "hazard.h"

/* A window begins so many days before as_of, and ends where the next begins */
#define WINDOWS			4
static const int window_begins[WINDOWS + 1] = {8, 4, 2, 1, 0};

/* The grid of weights: (1/8) x 2^(j/2) for the frailty, (1/2) x 2^j for the hours */
#define FRAILTY_WEIGHTS	15
#define FRAILTY_FIRST	0.125
#define FRAILTY_STEP	(M_LN2 / 2)
#define HOUR_WEIGHTS	7
#define HOUR_FIRST		0.5
#define HOUR_STEP		M_LN2

/* What is believed of the weights without data, and the most that they may be */
#define FRAILTY_EXPECTED	2.0
#define FRAILTY_MOST		3.0
#define HOUR_EXPECTED		5.0
#define HOUR_MOST			5.0

/*
 * Providers that fall together, and hours that follow each other, are no independent
 * witnesses: their likelihood counts by a tenth.
 */
#define EVIDENCE			0.1

/* The weight in a provider's mean that the hours of the day are compared with */
#define MEAN_PRIOR			1.5

/* Transition state of fleet_prior, a float8[]: log likelihoods with each weight */
typedef struct PriorScores
{
	double		frailty[FRAILTY_WEIGHTS];
	double		hour[HOUR_WEIGHTS];
} PriorScores;

/* What happened to a provider in a window, and what the fleet let expect */
typedef struct WindowCounts
{
	double		events[OCTAVES];
	double		expected[OCTAVES];
	double		hour_events[HOURS_PER_DAY];
	double		hour_expected[HOURS_PER_DAY];
} WindowCounts;

static double frailty_weight[FRAILTY_WEIGHTS];
static double hour_weight[HOUR_WEIGHTS];

static void
PrepareWeights(void)
{
	if (frailty_weight[0] > 0)
		return;
	for (int j = 0; j < HOUR_WEIGHTS; j++)
		hour_weight[j] = HOUR_FIRST * exp(j * HOUR_STEP);
	for (int j = FRAILTY_WEIGHTS - 1; j >= 0; j--)
		frailty_weight[j] = FRAILTY_FIRST * exp(j * FRAILTY_STEP);
}

static void
CountWindow(WindowCounts *counts, const FleetCache *fleet, const KnownSpell *spell,
			TimestampTz since, TimestampTz until)
{
	PieceWalk	walk;

	if (spell->until <= since || spell->start >= until)
		return;
	liveness_begin_pieces(&walk, fleet, spell->start, Max(spell->start, since),
						  Min(spell->until, until));
	while (liveness_next_piece(&walk))
	{
		counts->expected[walk.octave] += walk.hazard;
		counts->hour_expected[walk.hour_of_week % HOURS_PER_DAY] += walk.hazard;
	}
	if (spell->event && spell->until <= until)
	{
		/* an event belongs to the hour of the second before it */
		int			hour = liveness_hour_of_week(spell->until - USECS_PER_SEC);

		counts->events[liveness_event_octave(spell->length)]++;
		counts->hour_events[hour % HOURS_PER_DAY]++;
	}
}

/*
 * The sums of the octaves around each, which count half for each octave of distance.
 * What lies below an octave and what lies above it are sums of their own.
 */
static void
SumAround(const double *numbers, double *sums)
{
	double		beyond = 0;

	for (int o = 0; o < OCTAVES; o++)
		sums[o] = beyond = beyond / 2 + numbers[o];
	beyond = 0;
	for (int o = OCTAVES - 1; o >= 0; o--)
	{
		sums[o] += beyond / 2;
		beyond = beyond / 2 + numbers[o];
	}
}

/*
 * The log likelihood of a window, given a provider's history and with every weight.
 * Decay turns what the history weighed at as_of into what it weighed when the window began.
 */
static void
ScoreWindow(PriorScores *scores, const HostSums *history, double age_decay, double hour_decay,
			const WindowCounts *window)
{
	double		events[OCTAVES];
	double		expected[OCTAVES];
	double		all_events = MEAN_PRIOR;
	double		all_expected = MEAN_PRIOR;
	double		mean;

	SumAround(history->events, events);
	SumAround(history->expected, expected);
	for (int o = 0; o < OCTAVES; o++)
	{
		all_events += history->events[o] / age_decay;
		all_expected += history->expected[o] / age_decay;
		if (!(window->expected[o] > 0 || window->events[o] > 0))
			continue;
		for (int j = 0; j < FRAILTY_WEIGHTS; j++)
		{
			double		weight = frailty_weight[j];
			double		factor = (weight + events[o] / age_decay) / (weight + expected[o] / age_decay);

			scores->frailty[j] -= factor * window->expected[o];
			if (window->events[o] > 0)
				scores->frailty[j] += window->events[o] * log(factor);
		}
	}
	mean = all_events / all_expected;
	for (int c = 0; c < HOURS_PER_DAY; c++)
	{
		if (!(window->hour_expected[c] > 0 || window->hour_events[c] > 0))
			continue;
		for (int j = 0; j < HOUR_WEIGHTS; j++)
		{
			double		weight = hour_weight[j];
			double		factor = (history->hour_events[c] / hour_decay + weight * mean) /
				(history->hour_expected[c] / hour_decay + weight);

			scores->hour[j] -= factor * window->hour_expected[c];
			if (window->hour_events[c] > 0)
				scores->hour[j] += window->hour_events[c] * log(factor);
		}
	}
}

static void
AddSums(HostSums *sums, const HostSums *added)
{
	for (int o = 0; o < OCTAVES; o++)
	{
		sums->events[o] += added->events[o];
		sums->expected[o] += added->expected[o];
	}
	for (int c = 0; c < HOURS_PER_DAY; c++)
	{
		sums->hour_events[c] += added->hour_events[c];
		sums->hour_expected[c] += added->hour_expected[c];
	}
}

/*
 * liveness_fleet_prior_transfn(float8[], history bytea, factors float8[],
 *								as_of timestamptz) -> float8[]
 *
 * The spells are those known as of as_of.  ended[w] holds those that ended before window
 * w began and not before an earlier window did, so that one walk serves all windows.
 */
PG_FUNCTION_INFO_V1(liveness_fleet_prior_transfn);
Datum
liveness_fleet_prior_transfn(PG_FUNCTION_ARGS)
{
	ArrayType  *state;
	PriorScores *scores;
	const FleetCache *fleet;
	TimestampTz begins[WINDOWS + 1];
	HistoryReader reader;
	KnownSpell	spell;
	HostSums	ended[WINDOWS] = {0};
	WindowCounts windows[WINDOWS] = {0};
	HostSums	history = {0};
	int			with_history = WINDOWS; /* the first window before which a spell ended */

	scores = (PriorScores *) liveness_state_numbers(fcinfo, "liveness_fleet_prior_transfn",
													FLOATS(PriorScores, double), &state);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_ARRAYTYPE_P(state);
	liveness_check_as_of(PG_GETARG_TIMESTAMPTZ(3));
	liveness_open_history(&reader, PG_GETARG_BYTEA_PP(1), PG_GETARG_TIMESTAMPTZ(3));
	fleet = liveness_fleet_of_argument(fcinfo, 2, FLEET_FACTORS);
	PrepareWeights();
	for (int w = 0; w <= WINDOWS; w++)
		begins[w] = reader.as_of - window_begins[w] * USECS_PER_DAY;

	while (liveness_next_spell(&reader, &spell))
	{
		int			first = 0;

		CHECK_FOR_INTERRUPTS();
		while (first < WINDOWS && spell.until > begins[first])
			first++;
		if (first < WINDOWS)
		{
			liveness_add_host_spell(&ended[first], fleet, &spell, reader.as_of);
			with_history = Min(with_history, first);
		}
		for (int w = 0; w < WINDOWS; w++)
			CountWindow(&windows[w], fleet, &spell, begins[w], begins[w + 1]);
	}
	for (int w = with_history; w < WINDOWS; w++)
	{
		double		seconds = window_begins[w] * (double) SECS_PER_DAY;

		liveness_finish_host(&ended[w], fleet);
		AddSums(&history, &ended[w]);
		ScoreWindow(scores, &history, exp2(-seconds / AGE_HALF_LIFE), exp2(-seconds / HOUR_HALF_LIFE),
					&windows[w]);
	}
	PG_RETURN_ARRAYTYPE_P(state);
}

/* The scores of a state, which may be negative */
static PriorScores *
ScoresOf(ArrayType *array)
{
	int			n = FLOATS(PriorScores, double);
	double	   *numbers = (double *) liveness_place_of_numbers(array, FLOAT8OID, n, "a transition state");

	for (int i = 0; i < n; i++)
	{
		if (isnan(numbers[i]) || isinf(numbers[i]))
			liveness_invalid_numbers("a transition state", n);
	}
	return (PriorScores *) numbers;
}

/*
 * liveness_fleet_prior_combine(float8[], float8[]) -> float8[]
 */
PG_FUNCTION_INFO_V1(liveness_fleet_prior_combine);
Datum
liveness_fleet_prior_combine(PG_FUNCTION_ARGS)
{
	PriorScores *scores;
	const PriorScores *added;

	(void) liveness_aggregate_context(fcinfo, "liveness_fleet_prior_combine");
	scores = ScoresOf(PG_GETARG_ARRAYTYPE_P(0));
	added = ScoresOf(PG_GETARG_ARRAYTYPE_P(1));
	for (int j = 0; j < FRAILTY_WEIGHTS; j++)
		scores->frailty[j] += added->frailty[j];
	for (int j = 0; j < HOUR_WEIGHTS; j++)
		scores->hour[j] += added->hour[j];
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/*
 * The weight that the data and what is believed without them speak for.  The grid is
 * equal steps of the logarithm; a parabola through the best and its neighbours refines it.
 */
static double
BestWeight(const double *scores, int n, double first, double step, double expected, double most)
{
	double		posterior[FRAILTY_WEIGHTS];	/* the longer grid */
	double		log_weight;
	double		weight;
	int			best = 0;

	for (int j = 0; j < n; j++)
	{
		double		distance = log(first / expected) + j * step;

		posterior[j] = EVIDENCE * scores[j] - distance * distance / 2;
		if (posterior[j] > posterior[best])
			best = j;
	}
	log_weight = log(first) + best * step;
	if (best > 0 && best < n - 1)
	{
		double		below = posterior[best] - posterior[best - 1];
		double		above = posterior[best] - posterior[best + 1];

		if (below + above > 0)
			log_weight += step * (below - above) / (2 * (below + above));
	}
	weight = exp(log_weight);
	return Min(weight, most);
}

/*
 * liveness_fleet_prior_final(float8[]) -> float8[]
 *
 * The weights of the priors: {frailty, hours of the day}.
 */
PG_FUNCTION_INFO_V1(liveness_fleet_prior_final);
Datum
liveness_fleet_prior_final(PG_FUNCTION_ARGS)
{
	const PriorScores *scores = ScoresOf(PG_GETARG_ARRAYTYPE_P(0));
	ArrayType  *result = liveness_make_numbers(FLOAT8OID, sizeof(double), 2);
	double	   *weights = (double *) ARR_DATA_PTR(result);

	weights[0] = BestWeight(scores->frailty, FRAILTY_WEIGHTS, FRAILTY_FIRST, FRAILTY_STEP,
							FRAILTY_EXPECTED, FRAILTY_MOST);
	weights[1] = BestWeight(scores->hour, HOUR_WEIGHTS, HOUR_FIRST, HOUR_STEP,
							HOUR_EXPECTED, HOUR_MOST);
	PG_RETURN_ARRAYTYPE_P(result);
}
