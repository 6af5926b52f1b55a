/*-------------------------------------------------------------------------
 *
 * watermark.h
 *		Which heartbeats a job has seen; see watermark.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_WATERMARK_H
#define LIVENESS_WATERMARK_H

#include "rollup.h"

/* What a job remembers of the heartbeats from run to run */
typedef struct Watermark
{
	int64		value;			/* every row up to this id was seen */
	char	   *identity;		/* of the table that the ids are of */
	Datum		read_of;		/* watermark_of of the row that was read; 0: NULL or no row */
	bool		has_pending;
	int64		pending;		/* candidate whose writers had not ended */
	Datum		pending_writers;	/* text[] of their virtual transactions */
	TimestampTz swept_at;
	TimestampTz pruned_before;
	TimestampTz heard_until;	/* heartbeats stamped later said nothing then */
	Datum		seen;			/* jsonb, a transaction a node: sessions that older ones wrote were seen; */
	Datum		swept;			/* those that ended long before too; 0: no run was yet */
} Watermark;

extern void liveness_read_watermark(const Rollup *rollup, Watermark *mark);
extern int64 liveness_next_watermark(const Rollup *rollup, Watermark *mark);
extern void liveness_write_watermark(const Rollup *rollup, Watermark *mark, int64 late);
extern bool liveness_sequence_in_use(const Rollup *rollup);

#endif							/* LIVENESS_WATERMARK_H */
