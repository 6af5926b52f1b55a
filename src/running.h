/*-------------------------------------------------------------------------
 *
 * running.h
 *		What a rollup keeps for liveness_candidates, and since when.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_RUNNING_H
#define LIVENESS_RUNNING_H

#include "utils/timestamp.h"

extern TimestampTz liveness_hazard_instant_of(TimestampTz as_of);
extern TimestampTz liveness_hazard_since_of(TimestampTz as_of);

#endif							/* LIVENESS_RUNNING_H */
