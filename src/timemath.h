/*-------------------------------------------------------------------------
 *
 * timemath.h
 *		Arithmetic of timestamps: hours, hours of the week, differences.
 *
 * A timestamptz counts microseconds from a full hour UTC.  Its infinities are the ends
 * of int64, and compare as such.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_TIMEMATH_H
#define LIVENESS_TIMEMATH_H

#include "common/int.h"
#include "utils/timestamp.h"

#define HOURS_PER_WEEK		168

/* The epoch, 2000-01-01, was a Saturday; the week begins on Sunday, 00:00 UTC */
#define EPOCH_HOUR_OF_WEEK	(6 * HOURS_PER_DAY)

#define SECONDS(usecs)		((double) (usecs) / USECS_PER_SEC)

/* The number of the hour that holds an instant.  C's division rounds towards zero. */
static inline int64
liveness_hour_number(TimestampTz t)
{
	return t / USECS_PER_HOUR - (t % USECS_PER_HOUR < 0);
}

/*
 * The beginning of the UTC hour that holds an instant; an infinity is its own.
 * date_trunc would ask the time zone first.
 */
static inline TimestampTz
liveness_hour_of(TimestampTz t)
{
	return TIMESTAMP_NOT_FINITE(t) ? t : liveness_hour_number(t) * USECS_PER_HOUR;
}

/* The hour of the week of the hour with a number */
static inline int
liveness_week_cell(int64 hour_number)
{
	int			cell = (int) ((hour_number + EPOCH_HOUR_OF_WEEK) % HOURS_PER_WEEK);

	return cell < 0 ? cell + HOURS_PER_WEEK : cell;
}

/* The hour of the week that holds an instant: 24 x day + hour, day 0 being Sunday */
static inline int
liveness_hour_of_week(TimestampTz t)
{
	return liveness_week_cell(liveness_hour_number(t));
}

/*
 * a - b, which would wrap even between finite timestamps.  The difference to an
 * infinity is as large as an int64 can be.
 */
static inline int64
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

/* n / d of numbers that are not negative, rounded half away from zero */
static inline int64
liveness_divide_rounded(int64 n, int64 d)
{
	return n / d + (n % d >= d - n % d);
}

/* A length of time in days and the rest, as the difference of two timestamps has them */
static inline void
liveness_set_interval(Interval *interval, int64 usecs)
{
	interval->month = 0;
	interval->day = (int32) (usecs / USECS_PER_DAY);
	interval->time = usecs % USECS_PER_DAY;
}

#endif							/* LIVENESS_TIMEMATH_H */
