/*-------------------------------------------------------------------------
 *
 * worker.h
 *		The background worker: worker.c decides when, flush.c and jobs.c do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_WORKER_H
#define LIVENESS_WORKER_H

extern void liveness_register_worker(void);

#endif							/* LIVENESS_WORKER_H */
