/*-------------------------------------------------------------------------
 *
 * reasons.h
 *		Disconnect reasons as small numbers, and tallies of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_REASONS_H
#define LIVENESS_REASONS_H

#include "fmgr.h"
#include "utils/jsonb.h"

/* A group's own reasons are numbered from here on, the shared ones below */
#define MAX_SHARED_REASONS	1024

typedef struct ReasonTable ReasonTable;

/* The reasons of one group */
typedef struct ReasonSet
{
	ReasonTable *shared;		/* of all groups; NULL: all reasons are its own */
	ReasonTable *own;			/* those that are not shared; NULL: none yet */
} ReasonSet;

/*
 * A number for each reason of a set, all 0 between two uses.  A set may hold many more
 * reasons than one group has, so only the numbers that were touched are cleared.
 */
typedef struct ReasonTally
{
	int			capacity;
	int			ntouched;
	int32	   *touched;		/* reasons whose number is not 0 */
	int64	   *numbers;
	bool	   *censored;		/* of those that liveness_count_reason touched */
} ReasonTally;

extern ReasonTable *liveness_shared_reasons(FunctionCallInfo fcinfo);
extern int32 liveness_intern_reason(ReasonSet *set, MemoryContext context,
									const char *text, Size len);
extern int	liveness_reasons_end(const ReasonSet *set);
extern bool liveness_has_reason(const ReasonSet *set, int32 reason);
extern const char *liveness_reason_text(const ReasonSet *set, int32 reason, Size *len);

extern void liveness_prepare_tally(ReasonTally *tally, MemoryContext context,
								   const ReasonSet *set);
extern void liveness_clear_tally(ReasonTally *tally);
extern bool liveness_reason_number_is_censored(const ReasonSet *set, int32 reason);
extern Jsonb *liveness_tally_jsonb(const ReasonSet *set, const ReasonTally *tally);

/* The number of a reason; the caller must make it other than 0 */
static inline int64 *
liveness_touch_reason(ReasonTally *tally, int32 reason)
{
	if (tally->numbers[reason] == 0)
		tally->touched[tally->ntouched++] = reason;
	return &tally->numbers[reason];
}

/* Count a session that a reason ended; returns whether the reason is censored */
static inline bool
liveness_count_reason(const ReasonSet *set, ReasonTally *tally, int32 reason)
{
	int64	   *count = liveness_touch_reason(tally, reason);

	/* the setting is asked once for each reason of a group */
	if (*count == 0)
		tally->censored[reason] = liveness_reason_number_is_censored(set, reason);
	(*count)++;
	return tally->censored[reason];
}

#endif							/* LIVENESS_REASONS_H */
