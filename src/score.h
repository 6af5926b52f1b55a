/*-------------------------------------------------------------------------
 *
 * score.h
 *		The liveness score.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_SCORE_H
#define LIVENESS_SCORE_H

#include "datatype/timestamp.h"

extern double liveness_score_internal(double uptime_pct, double p_stays_4h,
									  double p_stays_8h, double mtbf_seconds,
									  bool has_disconnect,
									  TimestampTz last_disconnect_at,
									  TimestampTz as_of);

#endif							/* LIVENESS_SCORE_H */
