/*-------------------------------------------------------------------------
 *
 * spells.h
 *		Sessions as intervals of time, and the spells that they make.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_SPELLS_H
#define LIVENESS_SPELLS_H

#include "common/hashfn.h"

#include "timemath.h"

/* How the last session of an interval ended; several that end together may differ */
#define ENDING_OPEN			0x01	/* it had not ended as of as_of */
#define ENDING_FAILURE		0x02	/* closed for an uncensored reason */

typedef struct LivenessInterval
{
	TimestampTz start;
	TimestampTz end;			/* never before start */
	uint32		ending;			/* ENDING_* flags */
} LivenessInterval;

/* Add an interval that overlaps another one, touches it or resumes it */
static inline void
liveness_extend_interval(LivenessInterval *interval, const LivenessInterval *other)
{
	if (other->end > interval->end)
	{
		interval->end = other->end;
		interval->ending = other->ending;
	}
	else if (other->end == interval->end)
		interval->ending |= other->ending;
}

/*
 * If the next session, in order of their beginnings, belongs to the spell, add it.
 * A negative resume_within bridges no gap.
 */
static inline bool
liveness_join_spell(LivenessInterval *spell, const LivenessInterval *next, int64 resume_within)
{
	if (next->start > spell->end &&
		(spell->ending != 0 ||
		 liveness_saturating_sub(next->start, spell->end) > resume_within))
		return false;
	liveness_extend_interval(spell, next);
	return true;
}

/* A number that differs as sessions differ, to be added up */
static inline uint64
liveness_hash_begin(TimestampTz start)
{
	return hash_bytes_extended((const unsigned char *) &start, sizeof(start), 0);
}

extern uint64 liveness_hash_open(const LivenessInterval *intervals, int64 n);
extern int64 liveness_merge_spells(LivenessInterval *intervals, int64 n, int64 resume_within);
extern int64 liveness_merge_overlaps(LivenessInterval *intervals, int64 n);

#endif							/* LIVENESS_SPELLS_H */
