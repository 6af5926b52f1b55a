/*-------------------------------------------------------------------------
 *
 * joblock.h
 *		The locks that keep runs of a job, and restores, out of each other's way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_JOBLOCK_H
#define LIVENESS_JOBLOCK_H

typedef enum LivenessLock
{
	LOCK_FEATURES = 1,
	LOCK_HOURLY,
	LOCK_RETENTION,
	LOCK_SESSIONS,
	LOCK_RESTORE
} LivenessLock;

extern bool liveness_lock_job(Oid extension, LivenessLock job, bool wait);
extern bool liveness_lock_out_restores(Oid extension);
extern void liveness_watch_for_restores(void);

#endif							/* LIVENESS_JOBLOCK_H */
