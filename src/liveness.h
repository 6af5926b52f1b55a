/*-------------------------------------------------------------------------
 *
 * liveness.h
 *		Declarations shared by the files of the extension.
 *
 * score.c, percentiles.c, intervals.c, survival.c, features.c and hourly.c
 * are pure computation: they know nothing of SPI, tables or shared memory.
 * rollup.c alone writes the rolled-up tables.  buffer.c and stats.c own the
 * shared memory; worker.c, jobs.c and flush.c (see worker.h) run by themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_H
#define LIVENESS_H

#include "datatype/timestamp.h"
#include "fmgr.h"

#include "arguments.h"
#include "compat.h"
#include "extension.h"
#include "settings.h"

/* Name of our lock */
#define LIVENESS_TRANCHE	"liveness"

/* What a session of ours waits for */
typedef enum LivenessWait
{
	WAIT_WORKER,				/* the worker, for something to do */
	WAIT_FLUSH,					/* liveness_flush(), for the worker */
	WAIT_WRITERS				/* the hourly rollup, for transactions to end */
} LivenessWait;

extern uint32 liveness_wait_event(LivenessWait wait);

#endif							/* LIVENESS_H */
