/*-------------------------------------------------------------------------
 *
 * mean_matrix.c
 *		Matrices of shares -> their mean, cell by cell.
 *
 * The sums are exact.  Shares as matrix.c writes them are added as integers.  Anyone may
 * have written anything into the column: what else there is, is added as a numeric.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "aggstate.h"
#include "matrix.h"

#define MEAN_MAGIC		0x4c764131	/* "LvA1" */

typedef struct MeanState
{
	uint32		magic;
	int64		counts[HOURS_PER_WEEK];
	int64		sums[HOURS_PER_WEEK];	/* ten-thousandths */
	Numeric		others[HOURS_PER_WEEK]; /* NULL: none */
} MeanState;

static inline bool
IsLess(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(a), NumericGetDatum(b)));
}

static inline Numeric
Sum(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a), NumericGetDatum(b)));
}

/* Add a number that is no share of matrix.c, clamped to 0..1 */
static void
AddOther(MeanState *state, int cell, Numeric number)
{
	Numeric		old = state->others[cell];

	if (IsLess(number, int64_to_numeric(0)))
		return;
	if (IsLess(int64_to_numeric(1), number))
		number = int64_to_numeric(1);
	state->others[cell] = Sum(old == NULL ? int64_to_numeric(0) : old, number);
	if (old != NULL)
		pfree(old);
}

/*
 * liveness_mean_matrix_transfn(internal, matrix jsonb) -> internal
 *
 * What is no array of 168 is passed over, and so is an element that is no number.
 */
PG_FUNCTION_INFO_V1(liveness_mean_matrix_transfn);
Datum
liveness_mean_matrix_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext context = liveness_aggregate_context(fcinfo, "liveness_mean_matrix_transfn");
	MeanState  *state = (MeanState *) liveness_state_argument(fcinfo, 0, MEAN_MAGIC);
	MatrixShares *shares = (MatrixShares *) fcinfo->flinfo->fn_extra;
	Jsonb	   *matrix;
	JsonbIterator *elements;
	JsonbValue	element;
	int			cell = 0;

	matrix = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	if (matrix == NULL || !JB_ROOT_IS_ARRAY(matrix) || JB_ROOT_COUNT(matrix) != HOURS_PER_WEEK)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
	{
		state = (MeanState *) MemoryContextAllocZero(context, sizeof(MeanState));
		state->magic = MEAN_MAGIC;
	}
	if (shares == NULL)
	{
		/* for all groups */
		shares = (MatrixShares *) MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MatrixShares));
		fcinfo->flinfo->fn_extra = shares;
	}

	elements = JsonbIteratorInit(&matrix->root);
	(void) JsonbIteratorNext(&elements, &element, true);	/* the array begins */
	while (JsonbIteratorNext(&elements, &element, true) == WJB_ELEM)
	{
		if (element.type == jbvNumeric)
		{
			int64		share = liveness_matrix_share_of(shares, element.val.numeric);

			state->counts[cell]++;
			if (share >= 0)
				state->sums[cell] += share;
			else
			{
				MemoryContext caller = MemoryContextSwitchTo(context);

				AddOther(state, cell, element.val.numeric);
				MemoryContextSwitchTo(caller);
			}
		}
		cell++;
	}
	Assert(cell == HOURS_PER_WEEK);
	PG_FREE_IF_COPY(matrix, 1);
	PG_RETURN_POINTER(state);
}

/*
 * liveness_mean_matrix_final(internal) -> jsonb
 *
 * An array of 168 means, each as avg(numeric) gives it, null where no matrix has a number.
 */
PG_FUNCTION_INFO_V1(liveness_mean_matrix_final);
Datum
liveness_mean_matrix_final(PG_FUNCTION_ARGS)
{
	MeanState  *state = (MeanState *) liveness_state_argument(fcinfo, 0, MEAN_MAGIC);
	JsonbInState array = {0};

	(void) liveness_aggregate_context(fcinfo, "liveness_mean_matrix_final");
	if (state == NULL)
		PG_RETURN_NULL();

	pushJsonbValue(&array, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < HOURS_PER_WEEK; i++)
	{
		JsonbValue	mean;

		mean.type = jbvNull;
		if (state->counts[i] > 0)
		{
			Datum		quotient = DirectFunctionCall2(numeric_div, NumericGetDatum(int64_to_numeric(state->sums[i])),
													   NumericGetDatum(int64_to_numeric(MATRIX_SCALE)));
			/* zeros at the end would give the mean more digits than avg() has */
			Numeric		sum = DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, quotient));

			if (state->others[i] != NULL)
				sum = Sum(sum, state->others[i]);
			mean.type = jbvNumeric;
			mean.val.numeric = DatumGetNumeric(DirectFunctionCall2(numeric_div, NumericGetDatum(sum),
																   NumericGetDatum(int64_to_numeric(state->counts[i]))));
		}
		pushJsonbValue(&array, WJB_ELEM, &mean);
	}
	pushJsonbValue(&array, WJB_END_ARRAY, NULL);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(array.result));
}
