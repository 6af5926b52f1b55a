/*-------------------------------------------------------------------------
 *
 * worker.h
 *		The background worker: worker.c decides when, flush.c and jobs.c do, each
 *		unit of work in a transaction of its own by unit.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_WORKER_H
#define LIVENESS_WORKER_H

#include <signal.h>

#include "utils/elog.h"

#include "clock.h"
#include "extension.h"

/* unit.c */

typedef enum UnitResult
{
	UNIT_DONE,
	UNIT_FAILED,				/* rolled back; the error was kept */
	UNIT_NO_EXTENSION			/* nothing done, for there is none */
} UnitResult;

typedef void (*Unit) (const InstalledExtension *extension, void *arg);

/* What a unit failed of; valid until the next one fails */
extern ErrorData *liveness_unit_error;

extern void liveness_prepare_units(void);
extern UnitResult liveness_run_unit(const char *activity, Unit unit, void *arg,
									int timeout_ms);

/* flush.c */
typedef enum FlushResult
{
	FLUSH_NOTHING,				/* nothing is to be tried now */
	FLUSH_NO_EXTENSION,			/* nowhere to put it */
	FLUSH_DONE,					/* heartbeats have left the buffer */
	FLUSH_AGAIN,				/* others are to be tried at once */
	FLUSH_FAILED				/* none can be written now */
} FlushResult;

extern FlushResult liveness_flush_round(int64 deadline, const volatile sig_atomic_t *stop);
extern int64 liveness_flush_retry_at(void);

/* jobs.c */
typedef enum LivenessJob
{
	JOB_FEATURES,
	JOB_HOURLY,
	JOB_RETENTION
} LivenessJob;

#define NJOBS	(JOB_RETENTION + 1)

extern Size liveness_jobs_shmem_size(void);
extern void liveness_jobs_shmem_init(void);
extern int64 liveness_run_due_jobs(int64 now);

/* worker.c */
extern void liveness_register_worker(void);

#endif							/* LIVENESS_WORKER_H */
