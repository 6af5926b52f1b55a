/*-------------------------------------------------------------------------
 *
 * excluded.c
 *		Time that counts neither as up nor as down: the observer was away, or the machine
 *		was in agreed maintenance.
 *
 * SQL hands excluded time on as a tstzmultirange.  Here it is an array of spans.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/multirangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "excluded.h"

/* The first instant at or after the lower bound of a range, or after its upper bound */
static TimestampTz
FirstInstant(const RangeBound *bound)
{
	TimestampTz at;

	if (bound->infinite)
		return bound->lower ? DT_NOBEGIN : DT_NOEND;
	at = DatumGetTimestampTz(bound->val);
	/* times are whole microseconds */
	return bound->inclusive == bound->lower || at == DT_NOEND ? at : at + 1;
}

/* Read a tstzmultirange, which must be aligned, into the current memory context */
void
liveness_read_excluded(ExcludedTime *excluded, struct varlena *multirange)
{
	MultirangeType *ranges = (MultirangeType *) multirange;
	TypeCacheEntry *rangetype =
		lookup_type_cache(TSTZMULTIRANGEOID, TYPECACHE_MULTIRANGE_INFO)->rngtype;

	excluded->n = 0;
	excluded->spans = (TimeSpan *)
		MemoryContextAllocHuge(CurrentMemoryContext, Max(ranges->rangeCount, 1) * sizeof(TimeSpan));
	for (uint32 i = 0; i < ranges->rangeCount; i++)
	{
		RangeBound	lower;
		RangeBound	upper;
		TimeSpan	span;

		CHECK_FOR_INTERRUPTS();
		multirange_get_bounds(rangetype, ranges, i, &lower, &upper);
		span.start = FirstInstant(&lower);
		span.end = FirstInstant(&upper);
		/* no microsecond lies between two that follow each other */
		if (span.start < span.end)
			excluded->spans[excluded->n++] = span;
	}
}

/* Are the spans as everything here expects?  A serialized state may be damaged. */
bool
liveness_excluded_in_order(const ExcludedTime *excluded)
{
	for (int64 i = 0; i < excluded->n; i++)
	{
		if (excluded->spans[i].start >= excluded->spans[i].end ||
			(i > 0 && excluded->spans[i].start < excluded->spans[i - 1].end))
			return false;
	}
	return excluded->n >= 0;
}

ExcludedTime
liveness_copy_excluded(MemoryContext context, const ExcludedTime *excluded)
{
	ExcludedTime copy = {excluded->n, NULL};

	if (copy.n > 0)
	{
		copy.spans = (TimeSpan *) MemoryContextAllocHuge(context, copy.n * sizeof(TimeSpan));
		memcpy(copy.spans, excluded->spans, copy.n * sizeof(TimeSpan));
	}
	return copy;
}

bool
liveness_same_excluded(const ExcludedTime *excluded, const ExcludedTime *other)
{
	return excluded->n == other->n &&
		(other->n == 0 || memcmp(excluded->spans, other->spans, other->n * sizeof(TimeSpan)) == 0);
}

/* The number of the first span that ends after an instant */
int64
liveness_first_excluded(const ExcludedTime *excluded, TimestampTz at)
{
	int64		low = 0;
	int64		high = excluded->n;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (excluded->spans[middle].end > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* How much of [start, end), both finite, is not excluded */
int64
liveness_counted_usecs(const ExcludedTime *excluded, TimestampTz start, TimestampTz end)
{
	int64		usecs = 0;
	TimeSpan	part;

	while (liveness_next_counted(excluded, &start, end, &part))
		usecs += part.end - part.start;
	return usecs;
}
