/*-------------------------------------------------------------------------
 *
 * jobs.h
 *		Rollups and retention in processes of their own; see jobs.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_JOBS_H
#define LIVENESS_JOBS_H

extern void liveness_jobs_request_shmem(void);
extern void liveness_jobs_shmem_init(void);
extern int64 liveness_run_due_jobs(int64 now);

#endif							/* LIVENESS_JOBS_H */
