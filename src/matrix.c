/*-------------------------------------------------------------------------
 *
 * matrix.c
 *		Time online by hour of the week, and the jsonb that shows it as shares.
 *
 * All times are whole microseconds, so that sums are exact.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "matrix.h"

/*
 * Add [start, end) to the matrix, in constant time however long it is: the parts of its
 * first and last hour to their cells; the hours between them as whole weeks, and the
 * rest of these hours as +1 and -1 at the ends of the run of cells that they cover.
 */
void
liveness_week_matrix_add(WeekMatrix *matrix, TimestampTz start, TimestampTz end)
{
	int64		first;
	int64		last;
	int64		whole;
	int			from;
	int			to;

	if (end <= start)
		return;

	first = liveness_hour_number(start);
	last = liveness_hour_number(end);
	if (first == last)
	{
		matrix->usecs[liveness_week_cell(first)] += end - start;
		return;
	}

	matrix->usecs[liveness_week_cell(first)] += (first + 1) * USECS_PER_HOUR - start;
	matrix->usecs[liveness_week_cell(last)] += end - last * USECS_PER_HOUR;

	whole = last - first - 1;
	matrix->weeks += whole / HOURS_PER_WEEK;
	from = liveness_week_cell(first + 1);
	to = from + (int) (whole % HOURS_PER_WEEK);
	matrix->hours[from]++;
	if (to <= HOURS_PER_WEEK)
		matrix->hours[to]--;
	else
	{
		/* the run crosses Saturday's midnight, and goes on from the first cell */
		matrix->hours[HOURS_PER_WEEK]--;
		matrix->hours[0]++;
		matrix->hours[to - HOURS_PER_WEEK]--;
	}
}

/* Microseconds in each cell */
void
liveness_week_matrix_cells(const WeekMatrix *matrix, int64 cells[HOURS_PER_WEEK])
{
	int64		hours = matrix->weeks;

	for (int i = 0; i < HOURS_PER_WEEK; i++)
	{
		hours += matrix->hours[i];
		cells[i] = hours * USECS_PER_HOUR + matrix->usecs[i];
	}
}

/* A share in ten-thousandths.  Most are 0 or 1, and need no division. */
static inline int64
ShareOf(int64 part, int64 whole)
{
	if (part == 0)
		return 0;
	if (part == whole)
		return MATRIX_SCALE;
	return liveness_divide_rounded(part * MATRIX_SCALE, whole);
}

/* A share as a numeric without trailing zeros */
static const MatrixShare *
GetShare(MatrixShares *made, int64 tenthousandths)
{
	MatrixShare *share;
	Numeric		number;

	Assert(tenthousandths >= 0 && tenthousandths <= MATRIX_SCALE);
	share = &made->shares[tenthousandths];
	if (likely(share->size > 0))
		return share;

	/* before 14.7 and 15.2 the function gives a wrong number for 0 or 4 decimals */
	number = int64_div_fast_to_numeric(tenthousandths * (1000000 / MATRIX_SCALE), 6);
	number = DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(number)));
	if (VARSIZE(number) > sizeof(share->bytes))
		elog(ERROR, "the numeric of a share takes %d bytes", (int) VARSIZE(number));
	memcpy(share->bytes, number, VARSIZE(number));
	share->size = VARSIZE(number);
	return share;
}

/* A numeric in ten-thousandths, if it is a share as it is written here; or else -1 */
int64
liveness_matrix_share_of(MatrixShares *made, Numeric number)
{
	const int64 likely_shares[] = {0, MATRIX_SCALE};
	Size		size = VARSIZE(number);
	int16		digit;
	const MatrixShare *share;

	for (int i = 0; i < (int) lengthof(likely_shares); i++)
	{
		share = GetShare(made, likely_shares[i]);
		if (share->size == size && memcmp(share->bytes, number, size) == 0)
			return likely_shares[i];
	}
	if (size <= VARHDRSZ + sizeof(digit) || size > sizeof(share->bytes))
		return -1;
	/* the last digit of a numeric is one of 10,000 */
	memcpy(&digit, (const char *) number + size - sizeof(digit), sizeof(digit));
	if (digit < 0 || digit > MATRIX_SCALE)
		return -1;
	share = GetShare(made, digit);
	return share->size == size && memcmp(share->bytes, number, size) == 0 ? digit : -1;
}

/*
 * A jsonb array of 168 shares: the cells of one matrix of those of another, null where
 * the other has none.
 *
 * The array is written as jsonb is stored, from numerics that are ready:
 * JsonbValueToJsonb would copy each of them three times.  The length of an element
 * includes the bytes before it that align it; every JB_OFFSET_STRIDE-th element says
 * where it ends instead.
 */
Jsonb *
liveness_week_matrix_shares(MatrixShares *made, const WeekMatrix *online,
							const int64 whole[HOURS_PER_WEEK])
{
	int64		cells[HOURS_PER_WEEK];
	Jsonb	   *array;
	char	   *elements;
	uint32		end = 0;

	liveness_week_matrix_cells(online, cells);
	array = (Jsonb *) palloc(offsetof(Jsonb, root.children) +
							 HOURS_PER_WEEK * (sizeof(JEntry) + INTALIGN(sizeof(((MatrixShare *) 0)->bytes))));
	array->root.header = HOURS_PER_WEEK | JB_FARRAY;
	elements = (char *) &array->root.children[HOURS_PER_WEEK];
	for (int i = 0; i < HOURS_PER_WEEK; i++)
	{
		uint32		start = end;
		JEntry		type = JENTRY_ISNULL;

		if (whole[i] > 0)
		{
			const MatrixShare *share = GetShare(made, ShareOf(cells[i], whole[i]));

			type = JENTRY_ISNUMERIC;
			while (end < INTALIGN(end))
				elements[end++] = 0;
			memcpy(elements + end, share->bytes, sizeof(share->bytes));
			end += share->size;
		}
		array->root.children[i] = type |
			(i % JB_OFFSET_STRIDE == 0 ? JENTRY_HAS_OFF | end : end - start);
	}
	SET_VARSIZE(array, (elements - (char *) array) + end);
	return array;
}
