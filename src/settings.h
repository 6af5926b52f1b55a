/*-------------------------------------------------------------------------
 *
 * settings.h
 *		The settings liveness.*, and what C makes of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_SETTINGS_H
#define LIVENESS_SETTINGS_H

/* Bounds of liveness.window_days and of every window_days argument */
#define MIN_WINDOW_DAYS		1
#define MAX_WINDOW_DAYS		3650

typedef enum LivenessScheduler
{
	SCHEDULER_WORKER,
	SCHEDULER_CRON,
	SCHEDULER_OFF
} LivenessScheduler;

extern PGDLLIMPORT int liveness_window_days;
extern PGDLLIMPORT int liveness_hazard_interval;	/* seconds */
extern PGDLLIMPORT int liveness_rollup_lookback;	/* seconds */
extern PGDLLIMPORT char *liveness_database;
extern PGDLLIMPORT char *liveness_worker_role;
extern PGDLLIMPORT int liveness_buffer_size;	/* kB */
extern PGDLLIMPORT int liveness_scheduler;	/* LivenessScheduler */
extern PGDLLIMPORT int liveness_batch_size;
extern PGDLLIMPORT double liveness_flush_interval;	/* seconds */
extern PGDLLIMPORT double liveness_flush_timeout;	/* seconds */
extern PGDLLIMPORT int liveness_rollup_interval;	/* seconds; 0 or -1: off */
extern PGDLLIMPORT int liveness_prune_batch_size;
extern PGDLLIMPORT bool liveness_track_sessions;
extern PGDLLIMPORT bool liveness_close_stale;
extern PGDLLIMPORT int liveness_sessions_interval;	/* seconds */

extern void liveness_define_settings(bool server);
extern int64 liveness_resume_within_usecs(void);
extern int64 liveness_session_timeout_usecs(void);
extern int64 liveness_counted_history(void);
extern uint64 liveness_hash_spell_settings(void);
extern int64 liveness_hash_node_settings(void);
extern bool liveness_reason_is_censored(const char *reason, Size len);

#endif							/* LIVENESS_SETTINGS_H */
