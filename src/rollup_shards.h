/*-------------------------------------------------------------------------
 *
 * rollup_shards.h
 *		The rollups where Citus distributes the tables; see rollup_shards.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_ROLLUP_SHARDS_H
#define LIVENESS_ROLLUP_SHARDS_H

#include "rollup.h"
#include "watermark.h"

extern int64 liveness_shards_features(const Rollup *rollup, TimestampTz as_of,
										   int window_days);
extern int64 liveness_shards_range(const Rollup *rollup, TimestampTz since,
										TimestampTz until, bool mend);
extern int64 liveness_shards_touched(const Rollup *rollup, const Watermark *progress,
										  int64 next_watermark, TimestampTz sweep_since,
										  TimestampTz sweep_until, int64 *late);

#endif							/* LIVENESS_ROLLUP_SHARDS_H */
