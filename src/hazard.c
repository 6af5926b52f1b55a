/*-------------------------------------------------------------------------
 *
 * hazard.c
 *		Will a spell of this age last that much longer?
 *
 * The hazard of a spell's end is modelled as a product: the fleet's hazard at that
 * age, a factor of the provider that is local in age (a gamma-Poisson frailty), the
 * fleet's factor for the hour of the week, and the provider's for the hour of the
 * day.  The probability to last is exp(-the hazard, integrated).  What happened long
 * ago counts less: half as much after 30 days in the hazard by age, after 60 days in
 * the factors of the hours.  docs/prediction.md has the formulas and their quality.
 *
 * history.c reads the spells from a provider's sessions, as they were known at an
 * instant.  Steps count them: fleet_ages (hazard by age), fleet_hours (factors of
 * the hours, which need the ages), and the provider's own counts, which need both.
 * prior.c learns how far the factors of a provider are to be believed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "aggstate.h"
#include "arguments.h"
#include "gamma.h"
#include "hazard.h"
#include "timemath.h"

/* What holds longer than the longest job that can be asked about */
#define NEVER_DAYS		3650000

#define FIRST_BOUND		37.5	/* seconds: 300 / 2^3 */

/* Hours older than 40 half-lives are not walked: they would weigh less than 2^-40 */
#define HOURS_MEMORY	((int64) (40 * HOUR_HALF_LIFE) * USECS_PER_SEC)

/* Weights, in events, of what is assumed before any spell was seen */
#define FLEET_DAY_PRIOR		20.0
#define FLEET_WEEK_PRIOR	50.0

/* Steps of the table that Decay() looks into */
#define DECAY_STEPS			1024

/* Normal quantile of 0.975 */
#define Z_975				1.959963984540054

/* Transition state of fleet_ages, a float8[] */
typedef struct AgeCounts
{
	double		events[AGE_BINS];
	double		seconds[AGE_BINS];	/* that spells spent in their last bin */
	double		through[AGE_BINS + 1];	/* weights of the spells by their last bin */
} AgeCounts;

/* Transition state of fleet_hours, a float8[] */
typedef struct HourCounts
{
	double		events[HOURS_PER_WEEK];
	double		expected[HOURS_PER_WEEK];
} HourCounts;

/* What is known of a provider, a float4[] */
typedef struct HostCounts
{
	float4		events[OCTAVES];
	float4		expected[OCTAVES];
	float4		hour_events[HOURS_PER_DAY];
	float4		hour_expected[HOURS_PER_DAY];
} HostCounts;

static double age_bound[AGE_BINS + 1];	/* the last is infinite */
static double growth[AGE_BINS + 1]; /* 2^(bound / half-life) - 1 */
static double hour_growth;		/* of a weight, from an hour to the next */
static double decay_step[DECAY_STEPS];	/* 2^-(i / DECAY_STEPS) */
static double decay_whole[1000];	/* 2^-i */
static bool tables_ready = false;

static void
PrepareTables(void)
{
	if (tables_ready)
		return;
	age_bound[0] = growth[0] = 0;
	for (int j = 1; j < AGE_BINS; j++)
	{
		age_bound[j] = FIRST_BOUND * pow(2.0, (j - 1) / (double) BINS_PER_OCTAVE);
		growth[j] = expm1(age_bound[j] * M_LN2 / AGE_HALF_LIFE);
	}
	age_bound[AGE_BINS] = growth[AGE_BINS] = get_float8_infinity();
	hour_growth = exp2(SECS_PER_HOUR / HOUR_HALF_LIFE);
	for (int i = 0; i < DECAY_STEPS; i++)
		decay_step[i] = exp2(-(double) i / DECAY_STEPS);
	for (int i = 0; i < (int) lengthof(decay_whole); i++)
		decay_whole[i] = ldexp(1.0, -i);
	tables_ready = true;
}

/*
 * The bin j with bound[j] <= age < bound[j + 1].  The exponent of age / FIRST_BOUND tells
 * the octave; 2^(1/4), 2^(1/2) and 2^(3/4) divide its mantissa.
 */
static inline int
AgeBin(double age)
{
	union
	{
		double		f;
		uint64		bits;
	}			ratio;
	uint64		mantissa;
	int			j;

	if (age < FIRST_BOUND)
		return 0;
	ratio.f = age / FIRST_BOUND;
	mantissa = ratio.bits & ((UINT64CONST(1) << 52) - 1);
	j = 1 + BINS_PER_OCTAVE * ((int) (ratio.bits >> 52) - 1023) +
		(mantissa >= UINT64CONST(0x306fe0a31b715)) +
		(mantissa >= UINT64CONST(0x6a09e667f3bcd)) +
		(mantissa >= UINT64CONST(0xae89f995ad3ad));
	j = Min(j, AGE_BINS - 1);
	/* the division may round otherwise than the bounds did */
	while (age < age_bound[j])
		j--;
	while (age >= age_bound[j + 1])
		j++;
	return j;
}

/* The bin of the event that ends a spell: at exactly a bound, the bin before the bound */
static inline int
EventBin(double age, int bin)
{
	return bin > 0 && age == age_bound[bin] ? bin - 1 : bin;
}

static int
Octave(double age)
{
	return AgeBin(age) / BINS_PER_OCTAVE;
}

/* The octave of the event that ends a spell of this length */
int
liveness_event_octave(double length)
{
	PrepareTables();
	return EventBin(length, AgeBin(length)) / BINS_PER_OCTAVE;
}

/*
 * The weight 2^(-age / half-life).  It is needed some times for each spell, so it is looked
 * up and corrected by a second-order series; the result is within 1e-10 of exp2().
 */
static inline double
Decay(double seconds_ago, double half_life)
{
	double		halvings = seconds_ago / half_life;
	double		steps = halvings * DECAY_STEPS;
	int64		whole;
	double		rest;

	if (unlikely(!(halvings >= 0 && halvings < 1000)))
		return exp2(-halvings);
	whole = (int64) steps;
	rest = (steps - (double) whole) * (M_LN2 / DECAY_STEPS);
	return decay_step[whole % DECAY_STEPS] * decay_whole[whole / DECAY_STEPS] *
		(1 - rest * (1 - rest / 2));
}

/*
 * A second at age a of a spell weighs at_start * 2^(a / half-life).  The weighted time
 * that a spell spends in a bin is the difference of the weights at its ends, which are
 * the bounds of the bin, or the end of the spell in its last bin.
 */
static double
SecondsInLastBin(int bin, double at_start, double at_end)
{
	return Max(at_end - at_start * (1 + growth[bin]), 0) * AGE_HALF_LIFE / M_LN2;
}

static double
SecondsInBin(int bin, double at_start)
{
	return at_start * (growth[bin + 1] - growth[bin]) * AGE_HALF_LIFE / M_LN2;
}

/* ---------- arrays of numbers ---------- */

pg_noreturn void
liveness_invalid_numbers(const char *what, int n)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be an array of %d finite numbers, none negative", what, n),
			 errhint("liveness_fleet_ages, liveness_fleet_hours, liveness_fleet_prior and liveness_host_hazard make such arrays.")));
}

/* Where the n numbers of an array stand; the numbers are not looked at */
void *
liveness_place_of_numbers(ArrayType *array, Oid type, int n, const char *what)
{
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != n || ARR_HASNULL(array) ||
		ARR_ELEMTYPE(array) != type)
		liveness_invalid_numbers(what, n);
	return ARR_DATA_PTR(array);
}

/* The n numbers of an array, which must be finite and not negative */
static const void *
NumbersOf(ArrayType *array, Oid type, int n, const char *what)
{
	const void *numbers = liveness_place_of_numbers(array, type, n, what);
	bool		valid = true;

	/* without a way out of the loops: they are compiled to few instructions */
	if (type == FLOAT8OID)
		for (int i = 0; i < n; i++)
			valid &= ((const double *) numbers)[i] >= 0 && ((const double *) numbers)[i] <= DBL_MAX;
	else
		for (int i = 0; i < n; i++)
			valid &= ((const float4 *) numbers)[i] >= 0 && ((const float4 *) numbers)[i] <= FLT_MAX;
	if (!valid)
		liveness_invalid_numbers(what, n);
	return numbers;
}

ArrayType *
liveness_make_numbers(Oid type, Size element_size, int n)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + n * element_size;
	ArrayType  *array = (ArrayType *) palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->elemtype = type;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	return array;
}

/* The transition state of an aggregate: a float8[] that it may write to */
double *
liveness_state_numbers(FunctionCallInfo fcinfo, const char *function, int n, ArrayType **state)
{
	MemoryContext context = liveness_aggregate_context(fcinfo, function);
	MemoryContext oldcontext;

	if (PG_ARGISNULL(0))
	{
		oldcontext = MemoryContextSwitchTo(context);
		*state = liveness_make_numbers(FLOAT8OID, sizeof(double), n);
		MemoryContextSwitchTo(oldcontext);
	}
	else
		*state = PG_GETARG_ARRAYTYPE_P(0);
	/* the final function looks at the numbers */
	return (double *) liveness_place_of_numbers(*state, FLOAT8OID, n, "a transition state");
}

/*
 * liveness_fleet_combine(float8[], float8[]) -> float8[]
 *
 * The states of both fleet aggregates are sums.
 */
PG_FUNCTION_INFO_V1(liveness_fleet_combine);
Datum
liveness_fleet_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *state = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *other = PG_GETARG_ARRAYTYPE_P(1);
	int			n = ARR_NDIM(state) == 1 ? ARR_DIMS(state)[0] : 0;
	double	   *sum;
	const double *added;

	(void) liveness_aggregate_context(fcinfo, "liveness_fleet_combine");
	sum = (double *) NumbersOf(state, FLOAT8OID, n, "a transition state");
	added = (const double *) NumbersOf(other, FLOAT8OID, n, "a transition state");
	for (int i = 0; i < n; i++)
		sum[i] += added[i];
	PG_RETURN_ARRAYTYPE_P(state);
}

/* ---------- the fleet ---------- */

/*
 * liveness_fleet_ages_transfn(float8[], history bytea, as_of timestamptz) -> float8[]
 */
PG_FUNCTION_INFO_V1(liveness_fleet_ages_transfn);
Datum
liveness_fleet_ages_transfn(PG_FUNCTION_ARGS)
{
	ArrayType  *state;
	AgeCounts  *counts;
	HistoryReader reader;
	KnownSpell spell;

	counts = (AgeCounts *) liveness_state_numbers(fcinfo, "liveness_fleet_ages_transfn",
										FLOATS(AgeCounts, double), &state);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_ARRAYTYPE_P(state);
	liveness_check_as_of(PG_GETARG_TIMESTAMPTZ(2));
	liveness_open_history(&reader, PG_GETARG_BYTEA_PP(1), PG_GETARG_TIMESTAMPTZ(2));
	PrepareTables();
	CHECK_FOR_INTERRUPTS();
	while (liveness_next_spell(&reader, &spell))
	{
		double		at_end = Decay(SECONDS(reader.as_of - spell.until), AGE_HALF_LIFE);
		double		at_start = Decay(SECONDS(reader.as_of - spell.start), AGE_HALF_LIFE);
		int			bin = AgeBin(spell.length);

		/* the final function adds the bins before the last, for all spells at once */
		counts->through[bin] += at_start;
		counts->seconds[bin] += SecondsInLastBin(bin, at_start, at_end);
		if (spell.event)
			counts->events[EventBin(spell.length, bin)] += at_end;
	}
	PG_RETURN_ARRAYTYPE_P(state);
}

/*
 * liveness_fleet_ages_final(float8[]) -> float8[]
 *
 * The hazard in each bin of age, events a second; NULL if nobody was ever up.
 */
PG_FUNCTION_INFO_V1(liveness_fleet_ages_final);
Datum
liveness_fleet_ages_final(PG_FUNCTION_ARGS)
{
	const AgeCounts *counts;
	ArrayType  *result;
	double	   *hazard;
	double		seconds[AGE_BINS];
	double		through = 0;
	double		all_events = 0;
	double		all_seconds = 0;
	double		overall;

	counts = (const AgeCounts *) NumbersOf(PG_GETARG_ARRAYTYPE_P(0), FLOAT8OID,
										   FLOATS(AgeCounts, double), "a transition state");
	PrepareTables();
	for (int j = AGE_BINS - 1; j >= 0; j--)
	{
		seconds[j] = counts->seconds[j];
		if (through > 0)
			seconds[j] += SecondsInBin(j, through);
		through += counts->through[j];
		all_events += counts->events[j];
		all_seconds += seconds[j];
	}
	if (!(all_seconds > 0))
		PG_RETURN_NULL();
	overall = (all_events + 0.5) / (all_seconds + all_seconds / (all_events + 1));

	result = liveness_make_numbers(FLOAT8OID, sizeof(double), AGE_BINS);
	hazard = (double *) ARR_DATA_PTR(result);
	for (int j = 0; j < AGE_BINS; j++)
	{
		double		near_events = 1;
		double		near_seconds = 1 / overall;

		/* a bin leans on the octave to either side, and a little on the fleet's mean */
		for (int k = Max(j - BINS_PER_OCTAVE, 0); k <= Min(j + BINS_PER_OCTAVE, AGE_BINS - 1); k++)
		{
			near_events += counts->events[k];
			near_seconds += seconds[k];
		}
		hazard[j] = (counts->events[j] + 2) / (seconds[j] + 2 * near_seconds / near_events);
	}
	PG_RETURN_ARRAYTYPE_P(result);
}

static void
Integrate(CumulativeHazard *cumulative, const double *by_age)
{
	PrepareTables();
	cumulative->by_age = by_age;
	cumulative->to[0] = 0;
	for (int j = 1; j < AGE_BINS; j++)
		cumulative->to[j] = cumulative->to[j - 1] +
			by_age[j - 1] * (age_bound[j] - age_bound[j - 1]);
}

static double
CumulativeAt(const CumulativeHazard *cumulative, double age)
{
	int			j = AgeBin(age);

	return cumulative->to[j] + cumulative->by_age[j] * (age - age_bound[j]);
}

/*
 * A walk through a spell, hour by hour of the clock.  Each slice has the events that the
 * fleet's hazard by age lets expect in it, weighted by the time since.
 */
typedef struct HourWalk
{
	const CumulativeHazard *cumulative;
	TimestampTz start;
	TimestampTz until;
	TimestampTz at;
	TimestampTz hour_end;
	double		to_here;		/* hazard, integrated to the age here */
	int			bin;			/* of the age here */
	double		weight;			/* in the middle of the hour */
	int			hour_of_week;	/* of the slice */
	double		expected;		/* in the slice, weighted */
} HourWalk;

static void
BeginHours(HourWalk *walk, const CumulativeHazard *cumulative, const KnownSpell *spell,
		   TimestampTz as_of)
{
	TimestampTz from = Max(spell->start, as_of - HOURS_MEMORY);
	TimestampTz hour = liveness_hour_of(from);

	walk->cumulative = cumulative;
	walk->start = spell->start;
	walk->at = from;
	walk->until = spell->until;
	walk->hour_end = hour + USECS_PER_HOUR;
	walk->to_here = CumulativeAt(cumulative, SECONDS(from - spell->start));
	walk->bin = AgeBin(SECONDS(from - spell->start));
	walk->weight = Decay(SECONDS(as_of - hour) - SECS_PER_HOUR / 2, HOUR_HALF_LIFE);
	walk->hour_of_week = liveness_hour_of_week(hour);
	walk->expected = 0;
}

static inline bool
NextHour(HourWalk *walk)
{
	const CumulativeHazard *cumulative = walk->cumulative;
	double		age;
	double		to_end;

	if (walk->at >= walk->until)
		return false;
	if (walk->at == walk->hour_end)
	{
		walk->hour_end += USECS_PER_HOUR;
		walk->weight *= hour_growth;
		if (++walk->hour_of_week == HOURS_PER_WEEK)
			walk->hour_of_week = 0;
	}
	walk->at = Min(walk->hour_end, walk->until);
	age = SECONDS(walk->at - walk->start);
	/* an hour lies in one or two bins, but for the first hours of a spell */
	if (age >= age_bound[walk->bin + 1])
		walk->bin = AgeBin(age);
	to_end = cumulative->to[walk->bin] +
		cumulative->by_age[walk->bin] * (age - age_bound[walk->bin]);
	walk->expected = (to_end - walk->to_here) * walk->weight;
	walk->to_here = to_end;
	return true;
}

/* The hour of the week of the event that ended the walk: that of the second before it */
static inline int
EventHour(const HourWalk *walk)
{
	if (walk->until - USECS_PER_SEC >= walk->hour_end - USECS_PER_HOUR)
		return walk->hour_of_week;
	return walk->hour_of_week == 0 ? HOURS_PER_WEEK - 1 : walk->hour_of_week - 1;
}

/*
 * liveness_fleet_hours_transfn(float8[], history bytea, ages float8[],
 *								as_of timestamptz) -> float8[]
 */
PG_FUNCTION_INFO_V1(liveness_fleet_hours_transfn);
Datum
liveness_fleet_hours_transfn(PG_FUNCTION_ARGS)
{
	ArrayType  *state;
	HourCounts *counts;
	CumulativeHazard cumulative;
	HistoryReader reader;
	KnownSpell spell;

	counts = (HourCounts *) liveness_state_numbers(fcinfo, "liveness_fleet_hours_transfn",
										 FLOATS(HourCounts, double), &state);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_ARRAYTYPE_P(state);
	liveness_check_as_of(PG_GETARG_TIMESTAMPTZ(3));
	liveness_open_history(&reader, PG_GETARG_BYTEA_PP(1), PG_GETARG_TIMESTAMPTZ(3));
	Integrate(&cumulative, (const double *) NumbersOf(PG_GETARG_ARRAYTYPE_P(2), FLOAT8OID,
													  AGE_BINS, "hazards by age"));
	while (liveness_next_spell(&reader, &spell))
	{
		HourWalk	walk;

		CHECK_FOR_INTERRUPTS();
		BeginHours(&walk, &cumulative, &spell, reader.as_of);
		while (NextHour(&walk))
			counts->expected[walk.hour_of_week] += walk.expected;
		if (spell.event)
			counts->events[EventHour(&walk)] +=
				Decay(SECONDS(reader.as_of - spell.until), HOUR_HALF_LIFE);
	}
	PG_RETURN_ARRAYTYPE_P(state);
}

/*
 * liveness_fleet_hours_final(float8[]) -> float8[]
 *
 * A factor for each hour of the week, from Sunday 0 h UTC.
 */
PG_FUNCTION_INFO_V1(liveness_fleet_hours_final);
Datum
liveness_fleet_hours_final(PG_FUNCTION_ARGS)
{
	const HourCounts *counts;
	ArrayType  *result;
	double	   *factor;

	counts = (const HourCounts *) NumbersOf(PG_GETARG_ARRAYTYPE_P(0), FLOAT8OID,
											FLOATS(HourCounts, double), "a transition state");
	result = liveness_make_numbers(FLOAT8OID, sizeof(double), HOURS_PER_WEEK);
	factor = (double *) ARR_DATA_PTR(result);
	for (int c = 0; c < HOURS_PER_DAY; c++)
	{
		double		day_events = FLEET_DAY_PRIOR;
		double		day_expected = FLEET_DAY_PRIOR;

		for (int w = c; w < HOURS_PER_WEEK; w += HOURS_PER_DAY)
		{
			day_events += counts->events[w];
			day_expected += counts->expected[w];
		}
		for (int w = c; w < HOURS_PER_WEEK; w += HOURS_PER_DAY)
			factor[w] = (counts->events[w] + FLEET_WEEK_PRIOR * day_events / day_expected) /
				(counts->expected[w] + FLEET_WEEK_PRIOR);
	}
	PG_RETURN_ARRAYTYPE_P(result);
}

/* ---------- a provider ---------- */

/*
 * The first n numbers of a fleet's hazard, all of them or the factors alone.  All providers of
 * a query have the same fleet: the numbers are checked and integrated once.
 */
const FleetCache *
liveness_fleet_of_argument(FunctionCallInfo fcinfo, int arg, int n)
{
	FleetCache *cache = (FleetCache *) fcinfo->flinfo->fn_extra;
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(arg);
	Size		size = n * sizeof(double);
	const void *numbers;

	if (cache != NULL && VARSIZE(array) == ARR_OVERHEAD_NONULLS(1) + size &&
		ARR_NDIM(array) == 1 && ARR_ELEMTYPE(array) == FLOAT8OID && !ARR_HASNULL(array) &&
		/* the same bytes: NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
		memcmp(ARR_DATA_PTR(array), &cache->fleet, size) == 0)
		return cache;
	numbers = NumbersOf(array, FLOAT8OID, n, "a fleet's hazard");
	if (cache == NULL)
	{
		cache = (FleetCache *) MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(FleetCache));
		fcinfo->flinfo->fn_extra = cache;
	}
	memcpy(&cache->fleet, numbers, size);
	if (n == FLEET_NUMBERS && !(cache->fleet.frailty_prior > 0 && cache->fleet.hour_prior > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the last two numbers of a fleet's hazard must be positive"),
				 errhint("They are the weights of the priors, which liveness_fleet_prior makes.")));
	Integrate(&cache->cumulative, cache->fleet.by_age);
	return cache;
}

/* Counts a spell of a provider, but for the bins of age before its last: see below */
void
liveness_add_host_spell(HostSums *sums, const FleetCache *cache, const KnownSpell *spell,
						TimestampTz as_of)
{
	const FleetHazard *fleet = &cache->fleet;
	double		at_end = Decay(SECONDS(as_of - spell->until), AGE_HALF_LIFE);
	double		at_start = Decay(SECONDS(as_of - spell->start), AGE_HALF_LIFE);
	int			bin = AgeBin(spell->length);
	HourWalk	walk;

	sums->through[bin] += at_start;
	sums->expected[bin / BINS_PER_OCTAVE] +=
		fleet->by_age[bin] * SecondsInLastBin(bin, at_start, at_end);
	if (spell->event)
		sums->events[EventBin(spell->length, bin) / BINS_PER_OCTAVE] += at_end;

	BeginHours(&walk, &cache->cumulative, spell, as_of);
	while (NextHour(&walk))
		sums->hour_expected[walk.hour_of_week % HOURS_PER_DAY] +=
			walk.expected * fleet->by_hour[walk.hour_of_week];
	if (spell->event)
		sums->hour_events[EventHour(&walk) % HOURS_PER_DAY] +=
			Decay(SECONDS(as_of - spell->until), HOUR_HALF_LIFE);
}

/* Adds the bins before the last of all spells at once */
void
liveness_finish_host(HostSums *sums, const FleetCache *cache)
{
	double		through = 0;

	for (int j = AGE_BINS - 1; j >= 0; j--)
	{
		if (through > 0)
			sums->expected[j / BINS_PER_OCTAVE] += cache->fleet.by_age[j] * SecondsInBin(j, through);
		through += sums->through[j];
		sums->through[j] = 0;
	}
}

static ArrayType *
MakeHostCounts(const HostSums *sums)
{
	ArrayType  *result = liveness_make_numbers(FLOAT4OID, sizeof(float4), FLOATS(HostCounts, float4));
	HostCounts *counts = (HostCounts *) ARR_DATA_PTR(result);

	for (int o = 0; o < OCTAVES; o++)
	{
		counts->events[o] = (float4) sums->events[o];
		counts->expected[o] = (float4) sums->expected[o];
	}
	for (int c = 0; c < HOURS_PER_DAY; c++)
	{
		counts->hour_events[c] = (float4) sums->hour_events[c];
		counts->hour_expected[c] = (float4) sums->hour_expected[c];
	}
	return result;
}

/*
 * liveness_host_hazard(history bytea, fleet float8[], as_of timestamptz) -> float4[]
 *
 * The provider's events, and the events to be expected if the provider were like the
 * fleet: by octave of age, then by hour of the day.
 */
PG_FUNCTION_INFO_V1(liveness_host_hazard);
Datum
liveness_host_hazard(PG_FUNCTION_ARGS)
{
	const FleetCache *cache = liveness_fleet_of_argument(fcinfo, 1, FLEET_NUMBERS);
	HistoryReader reader;
	KnownSpell	spell;
	HostSums	sums = {0};

	liveness_check_as_of(PG_GETARG_TIMESTAMPTZ(2));
	liveness_open_history(&reader, PG_GETARG_BYTEA_PP(0), PG_GETARG_TIMESTAMPTZ(2));
	while (liveness_next_spell(&reader, &spell))
	{
		CHECK_FOR_INTERRUPTS();
		/* candidates are asked about because they are up: the running spell is no sample */
		if (!spell.running)
			liveness_add_host_spell(&sums, cache, &spell, reader.as_of);
	}
	liveness_finish_host(&sums, cache);
	PG_RETURN_ARRAYTYPE_P(MakeHostCounts(&sums));
}

/*
 * liveness_decayed_hazard(hazard float4[], counted_at timestamptz, as_of timestamptz)
 *		-> float4[]
 *
 * The counts of liveness_host_hazard as of a later instant, for a provider whose sessions
 * have not changed: all of them have become older.  The running spell is not counted, so
 * this is what would be counted anew.
 */
PG_FUNCTION_INFO_V1(liveness_decayed_hazard);
Datum
liveness_decayed_hazard(PG_FUNCTION_ARGS)
{
	const int	n = FLOATS(HostCounts, float4);
	const float4 *counts = (const float4 *)
		liveness_place_of_numbers(PG_GETARG_ARRAYTYPE_P(0), FLOAT4OID, n, "a provider's counts");
	double		seconds = SECONDS(liveness_saturating_sub(PG_GETARG_TIMESTAMPTZ(2),
														  PG_GETARG_TIMESTAMPTZ(1)));
	ArrayType  *result = liveness_make_numbers(FLOAT4OID, sizeof(float4), n);
	float4	   *decayed = (float4 *) ARR_DATA_PTR(result);
	double		by_age;
	double		by_hour;

	PrepareTables();
	by_age = Decay(seconds, AGE_HALF_LIFE);
	by_hour = Decay(seconds, HOUR_HALF_LIFE);
	for (int i = 0; i < 2 * OCTAVES; i++)
		decayed[i] = (float4) Min(counts[i] * by_age, FLT_MAX);
	for (int i = 2 * OCTAVES; i < n; i++)
		decayed[i] = (float4) Min(counts[i] * by_hour, FLT_MAX);
	PG_RETURN_ARRAYTYPE_P(result);
}

/* ---------- the answer ---------- */

/* The provider's factor: gamma-distributed, with mean shape / rate */
typedef struct Frailty
{
	double		shape;
	double		rate;
} Frailty;

/* The provider's outlook: of the jobs that end where its factor changes, and of the job itself */
typedef struct Outlook
{
	int			n;
	double		hazard[OCTAVES + 1];	/* integrated, without the frailty */
	Frailty		frailty[OCTAVES + 1];
} Outlook;

/*
 * The frailty at ages of some octaves.  The provider's events and expectations at other
 * ages count half as much for each octave of distance.
 */
static Frailty
LocalFrailty(const HostCounts *host, double prior, int from, int to)
{
	Frailty		frailty = {prior, prior};
	double		weight = ldexp(1, -from);

	if (host == NULL)
		return frailty;
	for (int o = 0; o < OCTAVES; o++)
	{
		frailty.shape += weight * host->events[o];
		frailty.rate += weight * host->expected[o];
		if (o < from)
			weight *= 2;
		else if (o >= to)
			weight /= 2;
	}
	return frailty;
}

/* The provider's factor at all ages together, which those of the hours of the day multiply */
static double
MeanFactor(const HostCounts *host, const FleetHazard *fleet)
{
	Frailty		overall = {fleet->frailty_prior, fleet->frailty_prior};

	for (int o = 0; host != NULL && o < OCTAVES; o++)
	{
		overall.shape += host->events[o];
		overall.rate += host->expected[o];
	}
	return overall.shape / overall.rate;
}

static double
HourFactor(const HostCounts *host, const FleetHazard *fleet, double mean, int hour)
{
	if (host == NULL)
		return 1;
	return (host->hour_events[hour] + fleet->hour_prior * mean) /
		(host->hour_expected[hour] + fleet->hour_prior) / mean;
}

static void
HourFactors(const HostCounts *host, const FleetHazard *fleet, double factors[HOURS_PER_DAY])
{
	double		mean = MeanFactor(host, fleet);

	for (int c = 0; c < HOURS_PER_DAY; c++)
		factors[c] = HourFactor(host, fleet, mean, c);
}

/* Begins a walk through a stretch of a spell */
void
liveness_begin_pieces(PieceWalk *walk, const FleetCache *fleet, TimestampTz start,
					  TimestampTz from, TimestampTz until)
{
	walk->fleet = fleet;
	walk->start = start;
	walk->at = from;
	walk->until = until;
	walk->to_here = CumulativeAt(&fleet->cumulative, SECONDS(from - start));
	walk->octave = Octave(SECONDS(from - start));
	walk->leaves_octave = false;
	walk->hour_of_week = 0;
	walk->hazard = 0;
}

/* The next piece, which lies in one hour of the clock and in one octave of age */
bool
liveness_next_piece(PieceWalk *walk)
{
	TimestampTz hour = liveness_hour_of(walk->at);
	TimestampTz next = Min(hour + USECS_PER_HOUR, walk->until);
	double		bound;
	double		to_next;

	if (walk->at >= walk->until)
		return false;
	if (walk->leaves_octave)
		walk->octave++;
	bound = age_bound[Min((walk->octave + 1) * BINS_PER_OCTAVE, AGE_BINS)];
	walk->leaves_octave = SECONDS(next - walk->start) >= bound;
	if (walk->leaves_octave)
		next = Min(next, walk->start + (int64) ceil(bound * USECS_PER_SEC));
	to_next = CumulativeAt(&walk->fleet->cumulative, SECONDS(next - walk->start));
	walk->hour_of_week = liveness_hour_of_week(hour);
	walk->hazard = (to_next - walk->to_here) * walk->fleet->fleet.by_hour[walk->hour_of_week];
	walk->to_here = to_next;
	walk->at = next;
	return true;
}

/*
 * What lies before a spell that began at connected_at and runs at as_of.
 *
 * The frailty depends on how far the job reaches, so that a longer job might look
 * likelier than a shorter one.  The answer is the worst of all jobs up to this one, which
 * never rises with the job.  Within an octave the frailty does not change, so that only
 * the jobs that end at the bounds of octaves are looked at.
 */
static Outlook
LookAhead(const FleetCache *cache, const HostCounts *host, TimestampTz connected_at,
		  TimestampTz as_of, int64 job)
{
	double		mean = MeanFactor(host, &cache->fleet);
	double		hour_factor[HOURS_PER_DAY];
	uint32		known_factors = 0;	/* a short job needs few of them */
	int			first_octave = Octave(SECONDS(as_of - connected_at));
	double		hazard = 0;
	PieceWalk	walk;
	Outlook		outlook;

	outlook.n = 0;
	liveness_begin_pieces(&walk, cache, connected_at, as_of, as_of + job);
	while (liveness_next_piece(&walk))
	{
		int			hour;

		CHECK_FOR_INTERRUPTS();
		hour = walk.hour_of_week % HOURS_PER_DAY;
		if ((known_factors & (1U << hour)) == 0)
		{
			hour_factor[hour] = HourFactor(host, &cache->fleet, mean, hour);
			known_factors |= 1U << hour;
		}
		hazard += walk.hazard * hour_factor[hour];
		if (walk.leaves_octave || walk.at >= walk.until)
		{
			outlook.hazard[outlook.n] = hazard;
			outlook.frailty[outlook.n++] =
				LocalFrailty(host, cache->fleet.frailty_prior, first_octave, walk.octave);
		}
	}
	return outlook;
}

/* Arguments (fleet, host, connected_at, as_of) of the functions below */
typedef struct RunningSpell
{
	const FleetCache *fleet;
	const HostCounts *host;		/* NULL: nothing is known */
	TimestampTz start;
	TimestampTz as_of;
} RunningSpell;

static RunningSpell
SpellOfArguments(FunctionCallInfo fcinfo)
{
	RunningSpell spell = {.fleet = liveness_fleet_of_argument(fcinfo, 0, FLEET_NUMBERS)};

	if (!PG_ARGISNULL(1))
		spell.host = (const HostCounts *) NumbersOf(PG_GETARG_ARRAYTYPE_P(1), FLOAT4OID,
													FLOATS(HostCounts, float4), "a provider's counts");
	spell.start = PG_GETARG_TIMESTAMPTZ(2);
	spell.as_of = PG_GETARG_TIMESTAMPTZ(3);
	liveness_check_as_of(spell.as_of);
	/* with a clock ahead of ours, or no beginning, the spell has just begun */
	if (TIMESTAMP_NOT_FINITE(spell.start) || spell.start > spell.as_of)
		spell.start = spell.as_of;
	/* nothing begins before these bounds */
	spell.start = Max(spell.start, spell.as_of - MAX_AGE);
	return spell;
}

/* Nothing lasts beyond the calendar */
static int64
WithinCalendar(const RunningSpell *spell, int64 job)
{
	return spell->as_of > END_TIMESTAMP - 1 - job ? END_TIMESTAMP - 1 - spell->as_of : job;
}

static int64
JobArgument(FunctionCallInfo fcinfo, int arg)
{
	int64		job = PG_GETARG_INT64(arg);

	if (job < 0 || job > MAX_SPAN_DAYS * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("job_usecs " INT64_FORMAT " is out of range", job),
				 errhint("Give between 0 and the microseconds of %d days.", MAX_SPAN_DAYS)));
	return job;
}

static Outlook
OutlookOfArguments(FunctionCallInfo fcinfo)
{
	RunningSpell spell = SpellOfArguments(fcinfo);
	int64		job = JobArgument(fcinfo, 4);

	return LookAhead(spell.fleet, spell.host, spell.start, spell.as_of, WithinCalendar(&spell, job));
}

/* The probability to last: that of the worst of all jobs up to this one */
static double
Holds(const Outlook *outlook)
{
	double		worst = 0;

	for (int i = 0; i < outlook->n; i++)
	{
		double		hazard = outlook->hazard[i] * outlook->frailty[i].shape / outlook->frailty[i].rate;

		worst = Max(worst, hazard);
	}
	return exp(-worst);
}

/*
 * liveness_holds(fleet float8[], host float4[], connected_at timestamptz,
 *				  as_of timestamptz, job_usecs bigint) -> float8
 *
 * The probability that the spell lasts that much longer.  A provider of which nothing
 * is known (NULL) is like the fleet.
 */
PG_FUNCTION_INFO_V1(liveness_holds);
Datum
liveness_holds(PG_FUNCTION_ARGS)
{
	Outlook		outlook;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	outlook = OutlookOfArguments(fcinfo);
	PG_RETURN_FLOAT8(Holds(&outlook));
}

/*
 * liveness_holds_bounds(fleet float8[], host float4[], connected_at timestamptz,
 *						 as_of timestamptz, job_usecs bigint) -> float8[]
 *
 * {lower, upper}: the probability at the bounds of the provider's own factor, which
 * lies between these with 95 % (the posterior of the frailty).  Like the probability,
 * neither rises with the job.
 */
PG_FUNCTION_INFO_V1(liveness_holds_bounds);
Datum
liveness_holds_bounds(PG_FUNCTION_ARGS)
{
	Outlook		outlook;
	ArrayType  *result;
	double	   *bounds;
	double		worst[2] = {0, 0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	outlook = OutlookOfArguments(fcinfo);
	result = liveness_make_numbers(FLOAT8OID, sizeof(double), 2);
	bounds = (double *) ARR_DATA_PTR(result);
	for (int i = 0; i < outlook.n; i++)
	{
		double		scale = outlook.hazard[i] / outlook.frailty[i].rate;
		double		shape = outlook.frailty[i].shape;
		double		lower = scale * liveness_gamma_quantile(shape, 0.975, Z_975);
		double		upper = scale * liveness_gamma_quantile(shape, 0.025, -Z_975);

		worst[0] = Max(worst[0], lower);
		worst[1] = Max(worst[1], upper);
	}
	bounds[0] = exp(-worst[0]);
	bounds[1] = exp(-worst[1]);
	PG_RETURN_ARRAYTYPE_P(result);
}

/* ---------- the answer for all jobs ---------- */

/*
 * Times from as_of on, in seconds, each with the hazard that a job of that length has.  The
 * hazard is linear between two points, and never falls.
 */
typedef struct OutlookCurve
{
	double	   *numbers;		/* time, hazard, time, hazard, ... */
	int			n;				/* points */
	int			size;			/* points that there is room for */
} OutlookCurve;

static void
AddPoint(OutlookCurve *curve, double time, double hazard)
{
	if (curve->n > 0 && time <= curve->numbers[2 * curve->n - 2])
	{
		curve->numbers[2 * curve->n - 1] = hazard;
		return;
	}
	if (curve->n == curve->size)
	{
		curve->size *= 2;
		curve->numbers = (double *) repalloc(curve->numbers, 2 * curve->size * sizeof(double));
	}
	curve->numbers[2 * curve->n] = time;
	curve->numbers[2 * curve->n + 1] = hazard;
	curve->n++;
}

/*
 * The hazard of all jobs up to one, or up to where the hazard is enough.  Where the spell
 * enters another octave of age, its factor changes at once: the hazard jumps within a
 * microsecond, or rests until the new factor has made up for the old.
 */
static void
TraceOutlook(OutlookCurve *curve, const RunningSpell *spell, int64 job, double enough)
{
	const FleetHazard *fleet = &spell->fleet->fleet;
	double		start_age = SECONDS(spell->as_of - spell->start);
	double		hour_factor[HOURS_PER_DAY];
	int			first_octave = Octave(start_age);
	int			octave = -1;
	double		factor = 0;
	double		hazard = 0;		/* without the factor */
	double		worst = 0;
	double		age = start_age;
	PieceWalk	walk;

	curve->n = 0;
	curve->size = 64;
	curve->numbers = (double *) palloc(2 * curve->size * sizeof(double));
	AddPoint(curve, 0, 0);
	HourFactors(spell->host, fleet, hour_factor);
	liveness_begin_pieces(&walk, spell->fleet, spell->start, spell->as_of, spell->as_of + job);
	while (worst <= enough && liveness_next_piece(&walk))
	{
		double		here_factor = hour_factor[walk.hour_of_week % HOURS_PER_DAY];
		double		at_end = hazard + walk.hazard * here_factor;
		double		end_age = SECONDS(walk.at - spell->start);

		CHECK_FOR_INTERRUPTS();
		if (walk.octave != octave)
		{
			Frailty		frailty = LocalFrailty(spell->host, fleet->frailty_prior, first_octave, walk.octave);

			octave = walk.octave;
			factor = frailty.shape / frailty.rate;
			if (hazard * factor > worst)
			{
				worst = hazard * factor;
				AddPoint(curve, age - start_age + 1 / (double) USECS_PER_SEC, worst);
			}
		}
		/* the fleet's hazard is constant in a bin of age */
		while (age < end_age)
		{
			int			bin = AgeBin(age);
			double		next_age = Min(age_bound[bin + 1], end_age);
			double		next = next_age < end_age
				? hazard + fleet->by_age[bin] * (next_age - age) * fleet->by_hour[walk.hour_of_week] * here_factor
				: at_end;

			if (next * factor > worst)
			{
				if (hazard * factor < worst)
					AddPoint(curve, age - start_age + (next_age - age) *
							 (worst - hazard * factor) / ((next - hazard) * factor), worst);
				worst = next * factor;
			}
			AddPoint(curve, next_age - start_age, worst);
			hazard = next;
			age = next_age;
		}
	}
}

/*
 * liveness_outlook(fleet float8[], host float4[], connected_at timestamptz,
 *					as_of timestamptz, job_usecs bigint) -> float8[]
 *
 * The hazard of all jobs up to one: times in rising order, each with the hazard up to it.
 */
PG_FUNCTION_INFO_V1(liveness_outlook);
Datum
liveness_outlook(PG_FUNCTION_ARGS)
{
	RunningSpell spell;
	OutlookCurve curve;
	ArrayType  *result;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	spell = SpellOfArguments(fcinfo);
	/* exp(-1000) is 0 */
	TraceOutlook(&curve, &spell, WithinCalendar(&spell, JobArgument(fcinfo, 4)), 1000);
	result = liveness_make_numbers(FLOAT8OID, sizeof(double), 2 * curve.n);
	memcpy(ARR_DATA_PTR(result), curve.numbers, 2 * curve.n * sizeof(double));
	PG_RETURN_ARRAYTYPE_P(result);
}

/*
 * liveness_longest_job(fleet float8[], host float4[], connected_at timestamptz,
 *						as_of timestamptz, probability float8) -> interval
 *
 * The longest job that liveness_holds says is held with that probability or a higher one.
 */
PG_FUNCTION_INFO_V1(liveness_longest_job);
Datum
liveness_longest_job(PG_FUNCTION_ARGS)
{
	Interval   *result;
	RunningSpell spell;
	OutlookCurve curve;
	double		probability;
	double		enough;
	const double *last;
	int64		job;
	int64		longest;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	spell = SpellOfArguments(fcinfo);
	probability = liveness_probability_argument(fcinfo, 4, "probability");
	enough = -log(probability);
	longest = WithinCalendar(&spell, MAX_SPAN_DAYS * USECS_PER_DAY);
	TraceOutlook(&curve, &spell, longest, enough);
	last = &curve.numbers[2 * (curve.n - 1)];

	result = (Interval *) palloc0(sizeof(Interval));
	if (last[1] <= enough)
	{
		result->day = NEVER_DAYS;
		PG_RETURN_INTERVAL_P(result);
	}
	/* the first point beyond what is enough; a piece may have added several */
	while (last[-1] > enough)
		last -= 2;
	job = (int64) ((last[-2] + (last[0] - last[-2]) * (enough - last[-1]) / (last[1] - last[-1])) * USECS_PER_SEC);
	job = Min(job, longest);
	/* rounding may have gone some microseconds too far */
	for (int64 step = 1; job > 0; step *= 2)
	{
		Outlook		outlook = LookAhead(spell.fleet, spell.host, spell.start, spell.as_of, job);

		if (Holds(&outlook) >= probability)
			break;
		job = Max(job - step, 0);
	}
	liveness_set_interval(result, job);
	PG_RETURN_INTERVAL_P(result);
}
