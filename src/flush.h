/*-------------------------------------------------------------------------
 *
 * flush.h
 *		Writing heartbeats from the buffer to their table; see flush.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_FLUSH_H
#define LIVENESS_FLUSH_H

#include <signal.h>

typedef enum FlushResult
{
	FLUSH_NOTHING,				/* nothing is to be tried now */
	FLUSH_NO_EXTENSION,			/* there is no table to write to */
	FLUSH_DONE,					/* heartbeats have left the buffer */
	FLUSH_AGAIN,				/* others are to be tried at once */
	FLUSH_FAILED				/* none can be written now */
} FlushResult;

/* Deadlines and times are those of clock.h */
extern FlushResult liveness_flush_round(int64 deadline, const volatile sig_atomic_t *stop);
extern int64 liveness_flush_retry_at(void);

#endif							/* LIVENESS_FLUSH_H */
