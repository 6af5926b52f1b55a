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

#define ST_SORT SortIntervals
#define ST_ELEMENT_TYPE LivenessInterval
#define ST_COMPARE(a, b) ((a)->start < (b)->start ? -1 : (a)->start > (b)->start)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

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
 * Merge overlapping or touching intervals in place; returns how many are left,
 * in order of time.  An interval's ending is that of its latest end, of all of
 * them on a tie.  An open end lies at as_of, which no other end is after, so a
 * merged interval with an open session in it is open.
 */
int64
liveness_merge_intervals(LivenessInterval *intervals, int64 n)
{
	int64		last = 0;

	if (n == 0)
		return 0;

	SortIntervals(intervals, n);
	for (int64 i = 1; i < n; i++)
	{
		LivenessInterval *cur = &intervals[last];
		const LivenessInterval *next = &intervals[i];

		if (next->start > cur->end)
			intervals[++last] = *next;
		else if (next->end > cur->end)
		{
			cur->end = next->end;
			cur->ending = next->ending;
		}
		else if (next->end == cur->end)
			cur->ending |= next->ending;
	}
	return last + 1;
}

/* The part of an interval inside [since, until], and its length in microseconds */
int64
liveness_clip_interval(const LivenessInterval *interval, TimestampTz since,
					   TimestampTz until, TimestampTz *start, TimestampTz *end)
{
	*start = Max(interval->start, since);
	*end = Min(interval->end, until);
	return *end > *start ? *end - *start : 0;
}

static inline int
CellOf(int64 hour)
{
	int			cell = (int) ((hour + EPOCH_HOUR_OF_WEEK) % HOURS_PER_WEEK);

	return cell < 0 ? cell + HOURS_PER_WEEK : cell;
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
