/*-------------------------------------------------------------------------
 *
 * shocks.c
 *		How far do providers fall together?
 *
 * A share phi of each provider's hazard comes from shocks that meet the whole fleet, a
 * share psi from those that meet its group or the fleet.  Then two providers hold
 * together with probability p_i p_j exp(phi min(L_i, L_j)), where L = -ln p, so that the
 * variance of how many of a fleet hold tells phi.  With p scaled to be right on average,
 *
 *		sum over cuts of (held - expected)^2 - sum of p (1 - p)
 *			= sum over cuts and ordered pairs of p_i p_j (exp(phi min(L_i, L_j)) - 1)
 *
 * The right side grows with phi, which bisection finds.  The pairs are sorted into bins by
 * their lesser L, and each bin has their sum of p_i p_j and its mean L.  All sums are kept
 * for each of ten blocks of cuts, and the jackknife over these tells the standard error.
 * Pairs of one group, within their group, tell psi in the same way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "aggstate.h"
#include "rowtype.h"

#define SHOCKS_MAGIC	0x4c765368	/* "LvSh" */

#define BLOCKS			10
#define LOAD_BINS		40		/* two to each doubling of L */
#define BISECTIONS		60
#define NO_GROUP		(-1)

/* Providers that liveness_survivors_quantile may be asked about: its time is their square */
#define MOST_SURVIVORS	10000

/* A provider at a cut */
typedef struct ShockCase
{
	double		load;			/* L, as the model says */
	int32		cut;
	int32		group;			/* NO_GROUP: a group by itself */
	int32		block;			/* of the cut */
	bool		held;
} ShockCase;

typedef struct ShockState
{
	uint32		magic;
	int64		n;
	int64		allocated;
	ShockCase  *cases;
} ShockState;

/* The sums of a block of cuts */
typedef struct BlockSums
{
	double		excess;			/* the left side */
	double		weight[LOAD_BINS];	/* of unordered pairs */
	double		load[LOAD_BINS];	/* weighted */
} BlockSums;

typedef struct Share
{
	int64		pairs;
	double		estimate;		/* NaN: not known */
	double		error;			/* NaN: not known */
} Share;

/* Columns of the type liveness_shocks_row */
static const RowColumn shocks_row[] = {
	{"phi_estimate", FLOAT8OID},
	{"phi_error", FLOAT8OID},
	{"psi_estimate", FLOAT8OID},
	{"psi_error", FLOAT8OID},
	{"cuts", INT4OID},
	{"cases", INT8OID},
	{"pairs", INT8OID},
	{"group_pairs", INT8OID},
	{"stated", FLOAT8OID},
	{"held", FLOAT8OID},
};

/*
 * liveness_shocks_transfn(internal, cut int, group_no int, load float8, held boolean)
 *		-> internal
 */
PG_FUNCTION_INFO_V1(liveness_shocks_transfn);
Datum
liveness_shocks_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext context = liveness_aggregate_context(fcinfo, "liveness_shocks_transfn");
	ShockState *state = (ShockState *) liveness_state_argument(fcinfo, 0, SHOCKS_MAGIC);
	ShockCase  *added;
	int32		group = PG_ARGISNULL(2) ? NO_GROUP : PG_GETARG_INT32(2);
	double		load;

	if (state == NULL)
	{
		state = (ShockState *) MemoryContextAllocZero(context, sizeof(ShockState));
		state->magic = SHOCKS_MAGIC;
		state->allocated = 1024;
		state->cases = (ShockCase *) MemoryContextAlloc(context, state->allocated * sizeof(ShockCase));
	}
	if (PG_ARGISNULL(1) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_POINTER(state);
	load = PG_GETARG_FLOAT8(3);
	if (!(load >= 0 && !isinf(load)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("load %g is out of range", load),
				 errhint("Give -ln of a probability, clamped to at least 1e-12.")));
	if (state->n == state->allocated)
	{
		state->allocated *= 2;
		state->cases = (ShockCase *) repalloc_huge(state->cases, state->allocated * sizeof(ShockCase));
	}
	added = &state->cases[state->n++];
	added->load = load;
	added->cut = PG_GETARG_INT32(1);
	added->group = group < 0 ? NO_GROUP : group;
	added->block = 0;
	added->held = PG_GETARG_BOOL(4);
	PG_RETURN_POINTER(state);
}

/* The factor on every L with which as many are expected to hold as did */
static double
FindScale(const ShockState *state, double held)
{
	/* with half a case of either outcome more, there is one */
	double		wanted = (held + 0.5) / ((double) state->n + 1);
	double		low = -30;
	double		high = 30;

	for (int i = 0; i < BISECTIONS; i++)
	{
		double		scale = exp((low + high) / 2);
		double		expected = 0.5;

		for (int64 c = 0; c < state->n; c++)
		{
			if (c % 65536 == 0)
				CHECK_FOR_INTERRUPTS();
			expected += exp(-scale * state->cases[c].load);
		}
		if (expected / ((double) state->n + 1) > wanted)
			low = (low + high) / 2;
		else
			high = (low + high) / 2;
	}
	return exp((low + high) / 2);
}

static int
CompareCases(const void *a, const void *b)
{
	const ShockCase *one = (const ShockCase *) a;
	const ShockCase *two = (const ShockCase *) b;

	CHECK_FOR_INTERRUPTS();
	if (one->cut != two->cut)
		return one->cut < two->cut ? -1 : 1;
	if (one->group != two->group)
		return one->group < two->group ? -1 : 1;
	return one->load < two->load ? -1 : one->load > two->load;
}

static int
CompareLoads(const void *a, const void *b)
{
	const ShockCase *one = (const ShockCase *) a;
	const ShockCase *two = (const ShockCase *) b;

	CHECK_FOR_INTERRUPTS();
	if (one->cut != two->cut)
		return one->cut < two->cut ? -1 : 1;
	return one->load < two->load ? -1 : one->load > two->load;
}

/* Adds the cases from one to another, which may fall together; they are sorted by load */
static void
AddTogether(BlockSums *blocks, const ShockCase *cases, int64 from, int64 to, double scale,
			double greatest)
{
	BlockSums  *sums = &blocks[cases[from].block];
	double		difference = 0;
	double		variance = 0;
	double		rest = 0;		/* p of the cases with a greater load */

	for (int64 c = to - 1; c >= from; c--)
	{
		double		load = scale * cases[c].load;
		double		p = exp(-load);
		int			bin = 0;

		if (load > 0)
		{
			double		halvings = 2 * log2(load / greatest);

			bin = LOAD_BINS - 1 + (int) floor(Max(halvings, -LOAD_BINS));
		}
		bin = Min(Max(bin, 0), LOAD_BINS - 1);
		sums->weight[bin] += p * rest;
		sums->load[bin] += p * rest * load;
		rest += p;
		difference += cases[c].held - p;
		variance += p * (1 - p);
	}
	sums->excess += difference * difference - variance;
}

/* The share that fits the sums of all blocks but one; NaN where no pair tells */
static double
FindShare(const BlockSums *blocks, int without)
{
	BlockSums	sums = {0};
	double		told = 0;
	double		low = -1;
	double		high = 1;

	for (int b = 0; b < BLOCKS; b++)
	{
		if (b == without)
			continue;
		sums.excess += blocks[b].excess;
		for (int i = 0; i < LOAD_BINS; i++)
		{
			sums.weight[i] += blocks[b].weight[i];
			sums.load[i] += blocks[b].load[i];
			told += blocks[b].load[i];
		}
	}
	if (!(told > 0))
		return get_float8_nan();
	for (int i = 0; i < BISECTIONS; i++)
	{
		double		share = (low + high) / 2;
		double		right = 0;

		for (int j = 0; j < LOAD_BINS; j++)
		{
			if (sums.weight[j] > 0)
				right += 2 * sums.weight[j] * expm1(share * sums.load[j] / sums.weight[j]);
		}
		if (right < sums.excess)
			low = share;
		else
			high = share;
	}
	return (low + high) / 2;
}

/* The share with its standard error by the jackknife over blocks */
static void
Estimate(const BlockSums *blocks, int nblocks, Share *share)
{
	double		without[BLOCKS];
	double		mean = 0;
	double		squares = 0;

	share->estimate = FindShare(blocks, -1);
	share->error = get_float8_nan();
	if (nblocks < 2)
		return;
	for (int b = 0; b < nblocks; b++)
	{
		without[b] = FindShare(blocks, b);
		mean += without[b] / nblocks;
	}
	for (int b = 0; b < nblocks; b++)
		squares += (without[b] - mean) * (without[b] - mean);
	share->error = sqrt(squares * (nblocks - 1) / nblocks);
}

/* The share of what falls together at a cut: within a group, or of the whole fleet */
static void
FindTogether(ShockState *state, bool within_group, double scale, int ncuts, Share *share)
{
	ShockCase  *cases = state->cases;
	BlockSums  *blocks = (BlockSums *) palloc0(BLOCKS * sizeof(BlockSums));
	double		greatest = 0;
	int64		to;

	qsort(cases, state->n, sizeof(ShockCase), within_group ? CompareCases : CompareLoads);
	for (int64 c = 0; c < state->n; c++)
		greatest = Max(greatest, scale * cases[c].load);
	share->pairs = 0;
	for (int64 from = 0; from < state->n; from = to)
	{
		CHECK_FOR_INTERRUPTS();
		to = from + 1;
		while (to < state->n && cases[to].cut == cases[from].cut &&
			   (!within_group || cases[to].group == cases[from].group))
			to++;
		if (within_group && cases[from].group == NO_GROUP)
			continue;
		share->pairs += (to - from) * (to - from - 1) / 2;
		AddTogether(blocks, cases, from, to, scale, greatest);
	}
	Estimate(blocks, Min(ncuts, BLOCKS), share);
	pfree(blocks);
}

/* Divides the cuts, in order of time, into blocks of about as many; returns the cuts */
static int
DivideCuts(ShockState *state)
{
	int			ncuts = 0;
	int			cut = 0;

	qsort(state->cases, state->n, sizeof(ShockCase), CompareLoads);
	for (int64 c = 0; c < state->n; c++)
		ncuts += c == 0 || state->cases[c].cut != state->cases[c - 1].cut;
	for (int64 c = 0; c < state->n; c++)
	{
		if (c > 0 && state->cases[c].cut != state->cases[c - 1].cut)
			cut++;
		state->cases[c].block = (int32) ((int64) cut * Min(ncuts, BLOCKS) / ncuts);
	}
	return ncuts;
}

static void
PutNumber(double number, int column, Datum *values, bool *nulls)
{
	values[column] = Float8GetDatum(number);
	nulls[column] = isnan(number);
}

/*
 * liveness_shocks_final(internal) -> liveness_shocks_row
 */
PG_FUNCTION_INFO_V1(liveness_shocks_final);
Datum
liveness_shocks_final(PG_FUNCTION_ARGS)
{
	ShockState *state;
	ShockState	none = {0};
	Share		fleet = {0, get_float8_nan(), get_float8_nan()};
	Share		group = {0, get_float8_nan(), get_float8_nan()};
	double		stated = 0;
	double		held = 0;
	int			ncuts = 0;
	Datum		values[lengthof(shocks_row)];
	bool		nulls[lengthof(shocks_row)] = {false};

	(void) liveness_aggregate_context(fcinfo, "liveness_shocks_final");
	state = (ShockState *) liveness_state_argument(fcinfo, 0, SHOCKS_MAGIC);
	if (state == NULL)
		state = &none;
	if (state->n > 0)
	{
		double		scale;

		for (int64 c = 0; c < state->n; c++)
		{
			stated += exp(-state->cases[c].load);
			held += state->cases[c].held;
		}
		scale = FindScale(state, held);
		ncuts = DivideCuts(state);
		FindTogether(state, false, scale, ncuts, &fleet);
		FindTogether(state, true, scale, ncuts, &group);
	}
	PutNumber(fleet.estimate, 0, values, nulls);
	PutNumber(fleet.error, 1, values, nulls);
	PutNumber(group.estimate, 2, values, nulls);
	PutNumber(group.error, 3, values, nulls);
	values[4] = Int32GetDatum(ncuts);
	values[5] = Int64GetDatum(state->n);
	values[6] = Int64GetDatum(fleet.pairs);
	values[7] = Int64GetDatum(group.pairs);
	PutNumber(state->n > 0 ? stated / (double) state->n : get_float8_nan(), 8, values, nulls);
	PutNumber(state->n > 0 ? held / (double) state->n : get_float8_nan(), 9, values, nulls);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(liveness_result_row(fcinfo, shocks_row, lengthof(shocks_row)),
													  values, nulls)));
}

static int
CompareDescending(const void *a, const void *b)
{
	double		one = *(const double *) a;
	double		two = *(const double *) b;

	return one > two ? -1 : one < two;
}

/*
 * liveness_survivors_quantile(probabilities float8[], phi float8, fraction float8) -> int
 *
 * The least number m such that at most m of the providers hold with this probability or a
 * greater one.  A shock of the fleet spares the first j in order of L with probability
 * exp(-phi L_j) - exp(-phi L_(j+1)); these then hold independently of each other, with
 * probability exp(-(1 - phi) L).  So one walk in this order extends the distribution of how
 * many of the first j hold, and adds it up with that weight.
 */
PG_FUNCTION_INFO_V1(liveness_survivors_quantile);
Datum
liveness_survivors_quantile(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	double		phi = PG_GETARG_FLOAT8(1);
	double		fraction = PG_GETARG_FLOAT8(2);
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	double	   *probability;
	double	   *of_spared;		/* how many of the first j hold */
	double	   *of_all;
	double		below = 0;

	if (ARR_NDIM(array) > 1 || ARR_HASNULL(array) || n > MOST_SURVIVORS ||
		!(phi >= 0 && phi <= 1) || !(fraction >= 0 && fraction <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the probabilities, the share or the fraction are out of range"),
				 errhint("Give at most %d probabilities, and a share and a fraction from 0 to 1.", MOST_SURVIVORS)));
	probability = (double *) palloc(Max(n, 1) * sizeof(double));
	if (n > 0)
		memcpy(probability, ARR_DATA_PTR(array), n * sizeof(double));
	for (int i = 0; i < n; i++)
	{
		if (!(probability[i] >= 0 && probability[i] <= 1))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%g is no probability", probability[i]),
					 errhint("Give numbers from 0 to 1.")));
	}
	qsort(probability, n, sizeof(double), CompareDescending);
	of_spared = (double *) palloc0((n + 1) * sizeof(double));
	of_all = (double *) palloc0((n + 1) * sizeof(double));
	of_spared[0] = 1;
	for (int j = 0; j <= n; j++)
	{
		/* pow() of probabilities, so that one of 0 needs no infinite L */
		double		spares = (j == 0 ? 1 : pow(probability[j - 1], phi)) -
			(j == n ? 0 : pow(probability[j], phi));
		double		holds;

		CHECK_FOR_INTERRUPTS();
		for (int m = 0; m <= j; m++)
			of_all[m] += spares * of_spared[m];
		if (j == n)
			break;
		holds = pow(probability[j], 1 - phi);
		for (int m = j + 1; m > 0; m--)
			of_spared[m] = of_spared[m] * (1 - holds) + of_spared[m - 1] * holds;
		of_spared[0] *= 1 - holds;
	}
	for (int m = 0; m < n; m++)
	{
		below += of_all[m];
		if (below >= fraction)
			PG_RETURN_INT32(m);
	}
	PG_RETURN_INT32(n);
}
