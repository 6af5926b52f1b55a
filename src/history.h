/*-------------------------------------------------------------------------
 *
 * history.h
 *		A provider's sessions, packed into a bytea, and the spells that they make.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_HISTORY_H
#define LIVENESS_HISTORY_H

#include "excluded.h"
#include "spells.h"

/* Spells begin at most ten thousand years ago, so that differences of times fit */
#define MAX_AGE			(INT64CONST(3650000) * USECS_PER_DAY)

/* A spell as it was known as of an instant */
typedef struct KnownSpell
{
	TimestampTz start;
	TimestampTz until;			/* end, or as_of */
	double		length;			/* seconds */
	bool		running;
	bool		event;			/* a failure ended it, and not in excluded time */
} KnownSpell;

typedef struct HistoryReader
{
	const char *intervals;
	const uint8 *failures;		/* a bit for each interval */
	ExcludedTime excluded;
	int64		n;
	int64		next;
	int64		resume_within;
	uint64		fingerprint;
	TimestampTz as_of;
} HistoryReader;

extern bytea *liveness_pack_history(LivenessInterval *intervals, int64 n, int64 resume_within,
									const ExcludedTime *excluded);
extern void liveness_open_history(HistoryReader *reader, bytea *history, TimestampTz as_of);
extern bool liveness_next_any_spell(HistoryReader *reader, LivenessInterval *spell);
extern bool liveness_next_spell(HistoryReader *reader, KnownSpell *known);

#endif							/* LIVENESS_HISTORY_H */
