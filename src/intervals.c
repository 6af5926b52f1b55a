/*-------------------------------------------------------------------------
 *
 * intervals.c
 *		Union of session intervals, clipping, and the hour-of-week matrix.
 *
 * All times are microseconds of timestamptz, so that sums are exact; the
 * infinities are the ends of int64 and compare as such.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "liveness.h"

/* 2000-01-01, the epoch of timestamptz, was a Saturday; cell 0 is Sunday 00:00 UTC */
#define EPOCH_HOUR_OF_WEEK	(6 * HOURS_PER_DAY)

/* Hours since the epoch.  Floor division: times before 2000 are negative */
static inline int64
HourNumber(TimestampTz t)
{
	return t / USECS_PER_HOUR - (t % USECS_PER_HOUR < 0);
}

/*
 * The UTC hour that holds an instant; an infinity is its own.  timestamptz counts
 * from a full hour UTC, so this is one division, where date_trunc has to ask the
 * time zone first.
 */
TimestampTz
liveness_hour_of(TimestampTz t)
{
	return TIMESTAMP_NOT_FINITE(t) ? t : HourNumber(t) * USECS_PER_HOUR;
}

static inline int
CellOf(int64 hour)
{
	int			cell = (int) ((hour + EPOCH_HOUR_OF_WEEK) % HOURS_PER_WEEK);

	return cell < 0 ? cell + HOURS_PER_WEEK : cell;
}

/* The hour of the week, UTC, that holds a finite instant: 24 x day + hour, day 0 is Sunday */
int
liveness_hour_of_week(TimestampTz t)
{
	return CellOf(HourNumber(t));
}

/*
 * a - b, which would wrap even between finite timestamps.  What lies an infinity
 * apart is as far apart as can be said.
 */
int64
liveness_saturating_sub(TimestampTz a, TimestampTz b)
{
	int64		result;

	if (a == b)
		return 0;
	if (TIMESTAMP_NOT_FINITE(a) || TIMESTAMP_NOT_FINITE(b) ||
		pg_sub_s64_overflow(a, b, &result))
		return a > b ? PG_INT64_MAX : PG_INT64_MIN;
	return result;
}

/*
 * Add [start, end) to the matrix, in constant time however long it is: the parts
 * of its first and last hour to their cells, the whole hours between them as
 * whole weeks and, for the rest, as +1 and -1 at the ends of the run of cells
 * that they cover.
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

	first = HourNumber(start);
	last = HourNumber(end);
	if (first == last)
	{
		matrix->usecs[CellOf(first)] += end - start;
		return;
	}

	matrix->usecs[CellOf(first)] += (first + 1) * USECS_PER_HOUR - start;
	matrix->usecs[CellOf(last)] += end - last * USECS_PER_HOUR;

	whole = last - first - 1;
	matrix->weeks += whole / HOURS_PER_WEEK;
	from = CellOf(first + 1);
	to = from + (int) (whole % HOURS_PER_WEEK);
	matrix->hours[from]++;
	if (to <= HOURS_PER_WEEK)
		matrix->hours[to]--;
	else
	{
		/* past Saturday's midnight: to the end, and on from the beginning */
		matrix->hours[HOURS_PER_WEEK]--;
		matrix->hours[0]++;
		matrix->hours[to - HOURS_PER_WEEK]--;
	}
}

/* Microseconds in each cell, 24 x day + hour, day 0 being Sunday */
void
liveness_week_matrix_cells(WeekMatrix *matrix, int64 cells[HOURS_PER_WEEK])
{
	int64		hours = matrix->weeks;

	for (int i = 0; i < HOURS_PER_WEEK; i++)
	{
		hours += matrix->hours[i];
		cells[i] = hours * USECS_PER_HOUR + matrix->usecs[i];
	}
}
