/*-------------------------------------------------------------------------
 *
 * percentiles.c
 *		liveness_percentiles(value, fractions): percentile_cont by selection.
 *
 * percentile_cont sorts all values of a group through tuplesort.  We keep the
 * values in one array and, at the end, only partition it until the few order
 * statistics asked for stand in their places: O(n) for a handful of fractions,
 * O(n log k) for k of them.
 *
 * The values are kept as int64 keys in the order of float8 (-infinity first, NaN
 * last and equal to itself, as core sorts them), so that comparing is one integer
 * comparison without special cases.
 *
 * Memory: eight bytes a value, in the aggregate's context, grown by doubling; the
 * state and its keys are one allocation, so that a row touches little memory.
 * The final function permutes the array but keeps its contents, and no function
 * here depends on its order: the state stays valid for further rows, as window
 * frames need it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "aggstate.h"
#include "percentiles.h"

#define PERCENTILES_MAGIC	0x4c765031	/* "LvP1" */
#define INITIAL_CAPACITY	28	/* makes the state a power of two, as the allocator rounds */
#define SELECT_MIN_SORT		16	/* a range this short is sorted outright */

typedef struct PercentilesState
{
	uint32		magic;
	int64		nvalues;
	int64		capacity;
	const ArrayType *fractions; /* NULL: the argument was NULL */
	int64		keys[FLEXIBLE_ARRAY_MEMBER];
} PercentilesState;

/* An order statistic to bring into place, counted from 0 */
typedef int64 Rank;

#define ST_SORT SortKeys
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* An int64 of the same order: the bits of the float8, inverted if it is negative */
static inline int64
KeyOfFloat8(double value)
{
	union
	{
		double		f;
		int64		i;
	}			u;

	/* all NaNs are one key, above +infinity; the sum turns -0 into 0 */
	if (unlikely(isnan(value)))
		return PG_INT64_MAX;
	u.f = value + 0.0;
	return u.i < 0 ? u.i ^ PG_INT64_MAX : u.i;
}

static inline double
Float8OfKey(int64 key)
{
	union
	{
		double		f;
		int64		i;
	}			u;

	if (key == PG_INT64_MAX)
		return get_float8_nan();
	u.i = key < 0 ? key ^ PG_INT64_MAX : key;
	return u.f;
}

/* The same as core's float8_lerp, even where infinities give NaN */
static inline double
Lerp(double lo, double hi, double proportion)
{
	return lo + proportion * (hi - lo);
}

/*
 * percentile_cont finds a fraction of n values between the ranks *lower and *upper,
 * *proportion of the way from one to the other (setup_pct_info in core).
 */
static inline void
LocateFraction(int64 n, double fraction, Rank *lower, Rank *upper,
			   double *proportion)
{
	double		position = fraction * (double) (n - 1);

	*lower = (Rank) floor(position);
	*upper = (Rank) ceil(position);
	*proportion = position - floor(position);
}

/* A percentile, in seconds, of sorted lengths in microseconds */
double
liveness_percentile_of_sorted_usecs(const int64 *usecs, int64 n, double fraction)
{
	Rank		lower;
	Rank		upper;
	double		proportion;
	double		lo;

	Assert(n > 0);
	LocateFraction(n, fraction, &lower, &upper, &proportion);
	lo = (double) usecs[lower] / USECS_PER_SEC;
	if (upper == lower)
		return lo;
	return Lerp(lo, (double) usecs[upper] / USECS_PER_SEC, proportion);
}

static inline int64
MedianOf3(int64 a, int64 b, int64 c)
{
	if (a < b)
		return b < c ? b : Max(a, c);
	return a < c ? a : Max(b, c);
}

/*
 * A value to partition keys[lo..hi] by: the median of three medians of three,
 * taken at places that *seed scatters, so that no pattern of the input is bad
 * again and again.
 */
static int64
ChoosePivot(const int64 *keys, int64 lo, int64 hi, uint64 *seed)
{
	uint64		n = (uint64) (hi - lo) + 1;
	int64		sample[9];

	for (int i = 0; i < 9; i++)
	{
		/* Knuth's MMIX generator; only its upper bits are any good */
		*seed = *seed * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
		sample[i] = keys[lo + (int64) ((*seed >> 16) % n)];
	}
	return MedianOf3(MedianOf3(sample[0], sample[1], sample[2]),
					 MedianOf3(sample[3], sample[4], sample[5]),
					 MedianOf3(sample[6], sample[7], sample[8]));
}

/*
 * Reorder keys[lo..hi] so that those below the pivot come first; returns where the others
 * begin.  Every element is swapped, because a branch on the comparison would be
 * mispredicted half of the time, and cost more.
 */
static inline int64
PartitionBelow(int64 *keys, int64 lo, int64 hi, int64 pivot)
{
	int64		split = lo;

	for (int64 i = lo; i <= hi; i++)
	{
		int64		key = keys[i];

		keys[i] = keys[split];
		keys[split] = key;
		split += key < pivot;
	}
	return split;
}

/*
 * Bring the ranks[0..nranks), ascending, all within [lo, hi], into their places.
 *
 * Quickselect for many ranks at once: partition, then go on in the parts that a
 * rank lies in.  If nothing is below the pivot it is the smallest value, and we
 * set it aside with its equals, so that every round gets on.  We recurse into
 * the part with fewer elements, so the stack stays logarithmic.
 */
static void
SelectRanks(int64 *keys, int64 lo, int64 hi, const Rank *ranks, int64 nranks,
			uint64 *seed)
{
	while (nranks > 0)
	{
		int64		pivot;
		int64		split;
		int64		nleft = 0;

		CHECK_FOR_INTERRUPTS();

		if (hi - lo < SELECT_MIN_SORT)
		{
			if (hi > lo)
				SortKeys(keys + lo, hi - lo + 1);
			return;
		}

		pivot = ChoosePivot(keys, lo, hi, seed);
		split = PartitionBelow(keys, lo, hi, pivot);
		if (split == lo)
		{
			/* PG_INT64_MAX stands for NaN: nothing is above it */
			if (pivot == PG_INT64_MAX)
				return;
			lo = PartitionBelow(keys, lo, hi, pivot + 1);
			while (nranks > 0 && ranks[0] < lo)
			{
				ranks++;
				nranks--;
			}
			continue;
		}

		while (nleft < nranks && ranks[nleft] < split)
			nleft++;
		if (split - lo < hi - split)
		{
			SelectRanks(keys, lo, split - 1, ranks, nleft, seed);
			lo = split;
			ranks += nleft;
			nranks -= nleft;
		}
		else
		{
			SelectRanks(keys, split, hi, ranks + nleft, nranks - nleft, seed);
			hi = split - 1;
			nranks = nleft;
		}
	}
}

/* percentile_cont refuses the same fractions with the same SQLSTATE */
static void
CheckFractions(const ArrayType *fractions)
{
	int			nitems = ArrayGetNItems(ARR_NDIM(fractions), ARR_DIMS(fractions));
	const char *data = ARR_DATA_PTR(fractions);
	const uint8 *nulls = ARR_NULLBITMAP(fractions);

	Assert(ARR_ELEMTYPE(fractions) == FLOAT8OID);
	for (int i = 0; i < nitems; i++)
	{
		double		fraction;

		if (nulls && !(nulls[i / 8] & (1 << (i % 8))))
			continue;
		memcpy(&fraction, data, sizeof(fraction));
		data += sizeof(fraction);
		if (isnan(fraction) || fraction < 0.0 || fraction > 1.0)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("percentile value %g is not between 0 and 1", fraction),
					 errhint("Give fractions: 0.95 for the 95th percentile.")));
	}
}

static inline Size
StateSize(int64 capacity)
{
	return offsetof(PercentilesState, keys) + capacity * sizeof(int64);
}

static PercentilesState *
MakeState(MemoryContext context, const ArrayType *fractions, int64 capacity)
{
	PercentilesState *state;

	state = (PercentilesState *) MemoryContextAllocHuge(context, StateSize(capacity));
	state->magic = PERCENTILES_MAGIC;
	state->nvalues = 0;
	state->capacity = capacity;
	state->fractions = fractions;
	return state;
}

static void
AssertValidState(const PercentilesState *state PG_USED_FOR_ASSERTS_ONLY)
{
	Assert(state->nvalues >= 0 && state->nvalues <= state->capacity);
	Assert(StateSize(state->capacity) <= GetMemoryChunkSpace(unconstify(PercentilesState *, state)));
	Assert(state->fractions == NULL || ARR_ELEMTYPE(state->fractions) == FLOAT8OID);
}

/* Make room for this many more values; the state may move */
static inline PercentilesState *
Reserve(PercentilesState *state, int64 more)
{
	if (likely(state->capacity - state->nvalues >= more))
		return state;
	while (state->capacity - state->nvalues < more)
		state->capacity *= 2;
	return (PercentilesState *) repalloc_huge(state, StateSize(state->capacity));
}

/* Fractions are compared as bytes, since they are nearly always one constant */
static inline bool
SameFractions(const ArrayType *a, const ArrayType *b)
{
	if (a == b)
		return true;
	return a != NULL && b != NULL &&
		VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

static inline void
CheckSameFractions(const ArrayType *a, const ArrayType *b)
{
	if (!SameFractions(a, b))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the fractions of liveness_percentiles must not vary within a group"),
				 errhint("Give an array that is the same for every row, or add it to GROUP BY.")));
}

/*
 * A lasting copy of the fractions for a new group.  Nearly all groups have the fractions
 * of the first, whose copy lives as long as the query and serves them all.  The copy of
 * any others lives as long as their group.
 */
static const ArrayType *
KeepFractions(FunctionCallInfo fcinfo, MemoryContext aggcontext, const ArrayType *fractions)
{
	const ArrayType *kept = (const ArrayType *) fcinfo->flinfo->fn_extra;
	bool		first = kept == NULL;

	if (fractions == NULL)
		return NULL;
	if (!first && SameFractions(kept, fractions))
		return kept;
	kept = (const ArrayType *) memcpy(MemoryContextAlloc(first ? fcinfo->flinfo->fn_mcxt : aggcontext,
														 VARSIZE(fractions)),
									  fractions, VARSIZE(fractions));
	if (first)
		fcinfo->flinfo->fn_extra = unconstify(ArrayType *, kept);
	return kept;
}

/*
 * liveness_percentiles_transfn(internal, value float8, fractions float8[])
 *
 * A NULL value is left out, as percentile_cont does.
 */
PG_FUNCTION_INFO_V1(liveness_percentiles_transfn);
Datum
liveness_percentiles_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_percentiles_transfn");
	PercentilesState *state = (PercentilesState *) liveness_state_argument(fcinfo, 0, PERCENTILES_MAGIC);
	ArrayType  *fractions = NULL;

	if (!PG_ARGISNULL(2))
		fractions = PG_GETARG_ARRAYTYPE_P(2);

	if (state == NULL)
	{
		if (fractions)
			CheckFractions(fractions);
		state = MakeState(aggcontext, KeepFractions(fcinfo, aggcontext, fractions), INITIAL_CAPACITY);
	}
	else
		CheckSameFractions(state->fractions, fractions);

	if (!PG_ARGISNULL(1))
	{
		state = Reserve(state, 1);
		state->keys[state->nvalues++] = KeyOfFloat8(PG_GETARG_FLOAT8(1));
	}

	if (fractions && (Pointer) fractions != DatumGetPointer(PG_GETARG_DATUM(2)))
		pfree(fractions);
	PG_RETURN_POINTER(state);
}

/* liveness_percentiles_combine(internal, internal) -> internal */
PG_FUNCTION_INFO_V1(liveness_percentiles_combine);
Datum
liveness_percentiles_combine(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_percentiles_combine");
	PercentilesState *left = (PercentilesState *) liveness_state_argument(fcinfo, 0, PERCENTILES_MAGIC);
	PercentilesState *right = (PercentilesState *) liveness_state_argument(fcinfo, 1, PERCENTILES_MAGIC);

	if (right == NULL)
	{
		if (left == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(left);
	}
	if (left == NULL)
		left = MakeState(aggcontext, KeepFractions(fcinfo, aggcontext, right->fractions),
						 Max(right->nvalues, INITIAL_CAPACITY));
	else
		CheckSameFractions(left->fractions, right->fractions);

	left = Reserve(left, right->nvalues);
	memcpy(left->keys + left->nvalues, right->keys, right->nvalues * sizeof(int64));
	left->nvalues += right->nvalues;
	AssertValidState(left);
	PG_RETURN_POINTER(left);
}

/* The beginning of a serialized state; the fractions (if any) and the keys follow */
typedef struct SerializedPercentiles
{
	uint32		magic;
	uint32		fractions_size;
	int64		nvalues;
} SerializedPercentiles;

PG_FUNCTION_INFO_V1(liveness_percentiles_serialize);
Datum
liveness_percentiles_serialize(PG_FUNCTION_ARGS)
{
	PercentilesState *state;
	SerializedPercentiles header;
	StringInfoData buf;

	(void) liveness_aggregate_context(fcinfo, "liveness_percentiles_serialize");
	state = (PercentilesState *) liveness_state_argument(fcinfo, 0, PERCENTILES_MAGIC);
	AssertValidState(state);

	header.magic = PERCENTILES_MAGIC;
	header.fractions_size = state->fractions ? VARSIZE(state->fractions) : 0;
	header.nvalues = state->nvalues;
	liveness_check_serialized_count(state->nvalues, sizeof(int64));

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, (char *) &header, sizeof(header));
	if (state->fractions)
		pq_sendbytes(&buf, (const char *) state->fractions, (int) header.fractions_size);
	pq_sendbytes(&buf, (char *) state->keys, (int) (state->nvalues * sizeof(int64)));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

PG_FUNCTION_INFO_V1(liveness_percentiles_deserialize);
Datum
liveness_percentiles_deserialize(PG_FUNCTION_ARGS)
{
	StateReader reader;
	SerializedPercentiles header;
	ArrayType  *fractions = NULL;
	PercentilesState *state;

	(void) liveness_aggregate_context(fcinfo, "liveness_percentiles_deserialize");
	liveness_read_state(&reader, PG_GETARG_BYTEA_PP(0));
	liveness_read_bytes(&reader, &header, sizeof(header));
	if (header.magic != PERCENTILES_MAGIC || header.nvalues < 0)
		liveness_corrupt_state();
	if (header.fractions_size > 0)
		fractions = liveness_read_float8_array(&reader, header.fractions_size);
	if (fractions)
		CheckFractions(fractions);
	liveness_check_remaining(&reader, header.nvalues, sizeof(int64));

	state = MakeState(CurrentMemoryContext, fractions,
					  Max(header.nvalues, INITIAL_CAPACITY));
	liveness_read_bytes(&reader, state->keys, header.nvalues * sizeof(int64));
	state->nvalues = header.nvalues;
	liveness_read_end(&reader);
	AssertValidState(state);
	PG_RETURN_POINTER(state);
}

#define ST_SORT SortRanks
#define ST_ELEMENT_TYPE Rank
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * liveness_percentiles_final(internal) -> float8[]
 *
 * The array has the shape of the fractions, and a NULL for each NULL fraction.  It is
 * NULL without any value, or for NULL fractions.
 */
PG_FUNCTION_INFO_V1(liveness_percentiles_final);
Datum
liveness_percentiles_final(PG_FUNCTION_ARGS)
{
	PercentilesState *state = (PercentilesState *) liveness_state_argument(fcinfo, 0, PERCENTILES_MAGIC);
	const ArrayType *fractions;
	Datum	   *values;
	bool	   *nulls;
	int			nfractions;
	Rank	   *ranks;
	int64		nranks = 0;
	uint64		seed = UINT64CONST(0x9e3779b97f4a7c15);

	(void) liveness_aggregate_context(fcinfo, "liveness_percentiles_final");
	if (state == NULL || state->nvalues == 0 || state->fractions == NULL)
		PG_RETURN_NULL();

	AssertValidState(state);
	fractions = state->fractions;
	deconstruct_array(unconstify(ArrayType *, fractions), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &values, &nulls, &nfractions);
	if (nfractions == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT8OID));

	ranks = (Rank *) palloc(mul_size(2 * sizeof(Rank), nfractions));
	for (int i = 0; i < nfractions; i++)
	{
		double		proportion;

		if (nulls[i])
			continue;
		LocateFraction(state->nvalues, DatumGetFloat8(values[i]),
					   &ranks[nranks], &ranks[nranks + 1], &proportion);
		nranks += 2;
	}
	SortRanks(ranks, nranks);
	SelectRanks(state->keys, 0, state->nvalues - 1, ranks, nranks, &seed);

	for (int i = 0; i < nfractions; i++)
	{
		Rank		lower;
		Rank		upper;
		double		proportion;
		double		result;

		if (nulls[i])
			continue;
		LocateFraction(state->nvalues, DatumGetFloat8(values[i]),
					   &lower, &upper, &proportion);
		result = Float8OfKey(state->keys[lower]);
		if (upper > lower)
			result = Lerp(result, Float8OfKey(state->keys[upper]), proportion);
		values[i] = Float8GetDatum(result);
	}

	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, ARR_NDIM(fractions),
											 ARR_DIMS(fractions), ARR_LBOUND(fractions),
											 FLOAT8OID, sizeof(float8),
											 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
