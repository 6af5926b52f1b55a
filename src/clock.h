/*-------------------------------------------------------------------------
 *
 * clock.h
 *		A clock that is never set, for delays and deadlines.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_CLOCK_H
#define LIVENESS_CLOCK_H

#include "portability/instr_time.h"

static inline int64
liveness_monotonic_usecs(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MICROSEC(now);
}

#endif							/* LIVENESS_CLOCK_H */
