/*-------------------------------------------------------------------------
 *
 * stats.h
 *		Counters in shared memory; see stats.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_STATS_H
#define LIVENESS_STATS_H

typedef enum LivenessCounter
{
	COUNTER_EMITTED,
	COUNTER_DROPPED,
	COUNTER_FLUSH_ROWS,
	COUNTER_FLUSH_FAILED,
	COUNTER_ROWS_SET_ASIDE,
	COUNTER_ROWS_LOST,
	COUNTER_BUFFER_HIGH_WATER,
	COUNTER_FLUSH_DURATION,
	COUNTER_FEATURES_RUNS,
	COUNTER_FEATURES_PROVIDERS,
	COUNTER_FEATURES_ERRORS,
	COUNTER_FEATURES_DURATION,
	COUNTER_HOURLY_RUNS,
	COUNTER_HOURLY_ROWS,
	COUNTER_HOURLY_ERRORS,
	COUNTER_HOURLY_DURATION,
	COUNTER_HOURLY_LATE,
	COUNTER_RETENTION_RUNS,
	COUNTER_RETENTION_ROWS,
	COUNTER_RETENTION_ERRORS,
	COUNTER_RETENTION_DURATION,
	COUNTER_SESSIONS_RUNS,
	COUNTER_SESSIONS_ROWS,
	COUNTER_SESSIONS_ERRORS,
	COUNTER_SESSIONS_DURATION,
	COUNTER_SESSION_CLOSE_FAILED
} LivenessCounter;

#define NCOUNTERS	(COUNTER_SESSION_CLOSE_FAILED + 1)

extern void liveness_stats_request_shmem(void);
extern void liveness_stats_shmem_init(void);

extern void liveness_count_now(LivenessCounter counter, int64 n);
extern void liveness_count_on_commit(LivenessCounter counter, int64 n);

#endif							/* LIVENESS_STATS_H */
