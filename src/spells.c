/*-------------------------------------------------------------------------
 *
 * spells.c
 *		Spells: how long a provider is there at a stretch.
 *
 * Sessions end when a coordinator restarts or hands over; a spell ends when the
 * provider does.  Sessions are one spell if they overlap or touch, or if the next
 * begins within resume_within of the spell's end and nothing but censored reasons
 * ended the spell there: the observer was away, and the provider was there again when
 * the observer came back.  docs/definitions.md has examples.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "settings.h"
#include "spells.h"

#define ST_SORT SortIntervals
#define ST_ELEMENT_TYPE LivenessInterval
#define ST_COMPARE(a, b) ((a)->start < (b)->start ? -1 : (a)->start > (b)->start)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * Merge sessions into spells, in place; returns how many there are, in order of time.
 *
 * The ending of a spell is that of its latest session, of all of them on a tie.  An
 * open end lies at as_of, which no other end is after, so a spell with an open session
 * in it is open.
 */
int64
liveness_merge_spells(LivenessInterval *intervals, int64 n, int64 resume_within)
{
	int64		last = 0;

	if (n == 0)
		return 0;

	SortIntervals(intervals, n);
	for (int64 i = 1; i < n; i++)
	{
		if (!liveness_join_spell(&intervals[last], &intervals[i], resume_within))
			intervals[++last] = intervals[i];
	}
	return last + 1;
}

/*
 * Merge sessions that overlap, in place; returns how many intervals are left.  Those
 * that touch stay apart: as of the instant at which they touch, the second has not
 * begun.
 */
int64
liveness_merge_overlaps(LivenessInterval *intervals, int64 n)
{
	int64		last = 0;

	if (n == 0)
		return 0;

	SortIntervals(intervals, n);
	for (int64 i = 1; i < n; i++)
	{
		if (intervals[i].start < intervals[last].end)
			liveness_extend_interval(&intervals[last], &intervals[i]);
		else
			intervals[++last] = intervals[i];
	}
	return last + 1;
}

/*
 * A fingerprint of the open ones among a provider's sessions, and of the settings that
 * say what a spell is.  Ends do not change; so while the fingerprint is the same, the
 * spells are that were known.
 */
uint64
liveness_hash_open(const LivenessInterval *intervals, int64 n)
{
	uint64		fingerprint = liveness_hash_spell_settings();

	for (int64 i = 0; i < n; i++)
	{
		if (intervals[i].ending & ENDING_OPEN)
			fingerprint += liveness_hash_begin(intervals[i].start);
	}
	return fingerprint;
}
