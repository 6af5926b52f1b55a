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
 * Memory: eight bytes a value, in a child of the aggregate's context, grown by doubling.
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
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "aggstate.h"
#include "percentiles.h"

#define PERCENTILES_MAGIC	0x4c765031	/* "LvP1" */
#define INITIAL_CAPACITY	22	/* makes the state a power of two, as the allocator rounds */
#define GROWN_CAPACITY		64
#define SELECT_MIN_SORT		16	/* a range this short is sorted outright */

typedef struct PercentilesState
{
	ExpandedObjectHeader object;
	int64		nvalues;
	int64		capacity;
	int64	   *keys;
	const ArrayType *fractions; /* NULL: the argument was NULL */
	int64		first[FLEXIBLE_ARRAY_MEMBER];	/* keys, until they need more room */
} PercentilesState;

static Size FlatSize(ExpandedObjectHeader *object);
static void Flatten(ExpandedObjectHeader *object, void *result, Size size);

static const ExpandedObjectMethods methods = {FlatSize, Flatten};

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

/* One allocation, so that the first rows of a group touch little memory */
static PercentilesState *
MakeState(MemoryContext context, const ArrayType *fractions, int64 capacity)
{
	PercentilesState *state;

	state = (PercentilesState *) MemoryContextAllocHuge(context, offsetof(PercentilesState, first) +
														capacity * sizeof(int64));
	EOH_init_header(&state->object, &methods, context);
	state->nvalues = 0;
	state->capacity = capacity;
	state->keys = state->first;
	state->fractions = fractions;
	return state;
}

static void
AssertValidState(const PercentilesState *state PG_USED_FOR_ASSERTS_ONLY)
{
	Assert(state->nvalues >= 0 && state->nvalues <= state->capacity);
	Assert(state->fractions == NULL || ARR_ELEMTYPE(state->fractions) == FLOAT8OID);
}

/* Make room for this many more values */
static inline void
Reserve(PercentilesState *state, int64 more)
{
	if (likely(state->capacity - state->nvalues >= more))
		return;
	while (state->capacity - state->nvalues < more)
		state->capacity = Max(2 * state->capacity, GROWN_CAPACITY);
	if (state->keys == state->first)
	{
		state->keys = (int64 *) MemoryContextAllocHuge(state->object.eoh_context,
													   state->capacity * sizeof(int64));
		memcpy(state->keys, state->first, state->nvalues * sizeof(int64));
	}
	else
		state->keys = (int64 *) repalloc_huge(state->keys, state->capacity * sizeof(int64));
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

static const ArrayType *
CopyFractions(MemoryContext context, const ArrayType *fractions)
{
	if (fractions == NULL)
		return NULL;
	return (const ArrayType *) memcpy(MemoryContextAlloc(context, VARSIZE(fractions)),
									  fractions, VARSIZE(fractions));
}

/*
 * A lasting copy of the fractions for a new group.  Nearly all groups have the fractions
 * of the first, whose copy lives as long as the query and serves them all.  The copy of
 * any others lives as long as their group.
 */
static const ArrayType *
KeepFractions(FunctionCallInfo fcinfo, MemoryContext context, const ArrayType *fractions)
{
	const ArrayType *kept = (const ArrayType *) fcinfo->flinfo->fn_extra;

	if (kept != NULL)
		return SameFractions(kept, fractions) ? kept : CopyFractions(context, fractions);
	/* not fn_mcxt: Citus looks the function up for each row */
	kept = CopyFractions(((PlanState *) fcinfo->context)->state->es_query_cxt, fractions);
	fcinfo->flinfo->fn_extra = unconstify(ArrayType *, kept);
	return kept;
}

/* The beginning of a state as bytes; the fractions (if any) and the keys follow */
typedef struct FlatHeader
{
	uint32		magic;
	uint32		fractions_size;
	int64		nvalues;
} FlatHeader;

static uint32
FractionsSize(const PercentilesState *state)
{
	return state->fractions ? VARSIZE(state->fractions) : 0;
}

static Size
FlatSize(ExpandedObjectHeader *object)
{
	PercentilesState *state = (PercentilesState *) object;

	AssertValidState(state);
	liveness_check_serialized_count(state->nvalues, sizeof(int64));
	return VARHDRSZ + sizeof(FlatHeader) + FractionsSize(state) + state->nvalues * sizeof(int64);
}

static void
Flatten(ExpandedObjectHeader *object, void *result, Size size)
{
	PercentilesState *state = (PercentilesState *) object;
	FlatHeader	header = {PERCENTILES_MAGIC, FractionsSize(state), state->nvalues};
	char	   *cur = VARDATA(result);

	SET_VARSIZE(result, size);
	memcpy(cur, &header, sizeof(header));
	cur += sizeof(header);
	if (state->fractions)
		memcpy(cur, state->fractions, header.fractions_size);
	memcpy(cur + header.fractions_size, state->keys, state->nvalues * sizeof(int64));
}

static PercentilesState *
ReadState(MemoryContext context, bytea *bytes)
{
	StateReader reader;
	FlatHeader	header;
	const ArrayType *fractions = NULL;
	PercentilesState *state;

	liveness_read_state(&reader, bytes);
	liveness_read_bytes(&reader, &header, sizeof(header));
	if (header.magic != PERCENTILES_MAGIC || header.nvalues < 0)
		liveness_corrupt_state();
	if (header.fractions_size > 0)
	{
		fractions = liveness_read_float8_array(&reader, header.fractions_size);
		CheckFractions(fractions);
	}
	liveness_check_remaining(&reader, header.nvalues, sizeof(int64));

	state = MakeState(context, CopyFractions(context, fractions), Max(header.nvalues, INITIAL_CAPACITY));
	liveness_read_bytes(&reader, state->keys, header.nvalues * sizeof(int64));
	state->nvalues = header.nvalues;
	liveness_read_end(&reader);
	return state;
}

/* The state that rows are added to; NULL before the first */
static inline PercentilesState *
OwnState(FunctionCallInfo fcinfo, MemoryContext aggcontext)
{
	PercentilesState *state;

	if (PG_ARGISNULL(0))
		return NULL;
	state = (PercentilesState *) liveness_expanded_argument(fcinfo, 0, true, &methods);
	if (unlikely(state == NULL))
		state = ReadState(liveness_expanded_context(aggcontext), PG_GETARG_BYTEA_PP(0));
	return state;
}

/*
 * liveness_percentiles_transfn(bytea, value float8, fractions float8[]) -> bytea
 *
 * A NULL value is left out, as percentile_cont does.
 */
PG_FUNCTION_INFO_V1(liveness_percentiles_transfn);
Datum
liveness_percentiles_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_percentiles_transfn");
	PercentilesState *state = OwnState(fcinfo, aggcontext);
	MemoryContext context;
	ArrayType  *fractions = NULL;

	if (!PG_ARGISNULL(2))
		fractions = PG_GETARG_ARRAYTYPE_P(2);

	if (state == NULL)
	{
		if (fractions)
			CheckFractions(fractions);
		context = liveness_expanded_context(aggcontext);
		state = MakeState(context, KeepFractions(fcinfo, context, fractions), INITIAL_CAPACITY);
	}
	else
		CheckSameFractions(state->fractions, fractions);

	if (!PG_ARGISNULL(1))
	{
		Reserve(state, 1);
		state->keys[state->nvalues++] = KeyOfFloat8(PG_GETARG_FLOAT8(1));
	}

	if (fractions && (Pointer) fractions != DatumGetPointer(PG_GETARG_DATUM(2)))
		pfree(fractions);
	PG_RETURN_DATUM(EOHPGetRWDatum(&state->object));
}

/* liveness_percentiles_combine(bytea, bytea) -> bytea */
PG_FUNCTION_INFO_V1(liveness_percentiles_combine);
Datum
liveness_percentiles_combine(PG_FUNCTION_ARGS)
{
	MemoryContext aggcontext = liveness_aggregate_context(fcinfo, "liveness_percentiles_combine");
	PercentilesState *left = OwnState(fcinfo, aggcontext);
	PercentilesState *right;

	if (!PG_ARGISNULL(1))
	{
		right = (PercentilesState *) liveness_expanded_argument(fcinfo, 1, false, &methods);
		if (right == NULL)
			right = ReadState(CurrentMemoryContext, PG_GETARG_BYTEA_PP(1));
		if (left == NULL)
		{
			MemoryContext context = liveness_expanded_context(aggcontext);

			left = MakeState(context, CopyFractions(context, right->fractions),
							 Max(right->nvalues, INITIAL_CAPACITY));
		}
		else
			CheckSameFractions(left->fractions, right->fractions);
		Reserve(left, right->nvalues);
		memcpy(left->keys + left->nvalues, right->keys, right->nvalues * sizeof(int64));
		left->nvalues += right->nvalues;
		AssertValidState(left);
	}
	if (left == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(EOHPGetRWDatum(&left->object));
}

#define ST_SORT SortRanks
#define ST_ELEMENT_TYPE Rank
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * liveness_percentiles_final(bytea) -> float8[]
 *
 * The array has the shape of the fractions, and a NULL for each NULL fraction.  It is
 * NULL without any value, or for NULL fractions.
 */
PG_FUNCTION_INFO_V1(liveness_percentiles_final);
Datum
liveness_percentiles_final(PG_FUNCTION_ARGS)
{
	PercentilesState *state;
	const ArrayType *fractions;
	Datum	   *values;
	bool	   *nulls;
	int			nfractions;
	Rank	   *ranks;
	int64		nranks = 0;
	uint64		seed = UINT64CONST(0x9e3779b97f4a7c15);

	(void) liveness_aggregate_context(fcinfo, "liveness_percentiles_final");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (PercentilesState *) liveness_expanded_argument(fcinfo, 0, false, &methods);
	if (state == NULL)
		state = ReadState(CurrentMemoryContext, PG_GETARG_BYTEA_PP(0));
	if (state->nvalues == 0 || state->fractions == NULL)
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
