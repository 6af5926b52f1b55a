/*-------------------------------------------------------------------------
 *
 * excluded.h
 *		Time that counts neither as up nor as down.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_EXCLUDED_H
#define LIVENESS_EXCLUDED_H

#include "timemath.h"

typedef struct TimeSpan
{
	TimestampTz start;
	TimestampTz end;			/* the first instant after it */
} TimeSpan;

/* Spans in order, none of which is empty or overlaps another */
typedef struct ExcludedTime
{
	int64		n;
	TimeSpan   *spans;			/* NULL without any */
} ExcludedTime;

extern void liveness_read_excluded(ExcludedTime *excluded, struct varlena *multirange);
extern int64 liveness_first_excluded(const ExcludedTime *excluded, TimestampTz at);

/* Is an instant in excluded time? */
static inline bool
liveness_is_excluded(const ExcludedTime *excluded, TimestampTz at)
{
	int64		i = liveness_first_excluded(excluded, at);

	return excluded->spans != NULL && i < excluded->n && excluded->spans[i].start <= at;
}

/*
 * The next part of [*at, end) that is not excluded; false if there is none.  *at moves to
 * the end of the part.
 */
static inline bool
liveness_next_counted(const ExcludedTime *excluded, TimestampTz *at, TimestampTz end, TimeSpan *part)
{
	int64		i = liveness_first_excluded(excluded, *at);

	/* spans may touch */
	for (; i < excluded->n && excluded->spans[i].start <= *at; i++)
		*at = excluded->spans[i].end;
	if (*at >= end)
		return false;
	part->start = *at;
	part->end = i < excluded->n ? Min(excluded->spans[i].start, end) : end;
	*at = part->end;
	return true;
}

extern bool liveness_excluded_in_order(const ExcludedTime *excluded);
extern ExcludedTime liveness_copy_excluded(MemoryContext context, const ExcludedTime *excluded);
extern bool liveness_same_excluded(const ExcludedTime *excluded, const ExcludedTime *other);
extern int64 liveness_counted_usecs(const ExcludedTime *excluded, TimestampTz start, TimestampTz end);

#endif							/* LIVENESS_EXCLUDED_H */
