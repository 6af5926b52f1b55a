/*-------------------------------------------------------------------------
 *
 * buffer.h
 *		The heartbeat buffer in shared memory; see buffer.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_BUFFER_H
#define LIVENESS_BUFFER_H

#include "lib/stringinfo.h"

/* Columns of provider_heartbeats that a heartbeat has: all but id */
#define HEARTBEAT_COLUMNS	12

/* In the order of the arguments of liveness_emit */
typedef struct HeartbeatColumn
{
	const char *name;
	Oid			type;
	bool		not_null;
} HeartbeatColumn;

extern const HeartbeatColumn heartbeat_columns[HEARTBEAT_COLUMNS];

/* Heartbeats that the worker has copied from the buffer, oldest first */
typedef struct HeartbeatBatch
{
	int			nrows;
	int			capacity;
	uint64	   *positions;		/* in the buffer */
	uint64	   *providers;		/* hashes of their names */
	Datum	   *values[HEARTBEAT_COLUMNS];
	bool	   *nulls[HEARTBEAT_COLUMNS];
} HeartbeatBatch;

/* Is a heartbeat wanted, by its position and its provider's hash? */
typedef bool (*HeartbeatFilter) (uint64 position, uint64 provider);

/* What the buffer has counted since the server started, or since the last reset */
typedef struct BufferTotals
{
	int64		emitted;		/* heartbeats that were taken */
	int64		dropped;		/* those for which there was no room */
	int64		written;		/* those that a commit has taken away */
	int64		set_aside;		/* those that left unwritten */
	int64		high_water;		/* the most that waited at once */
} BufferTotals;

/* For everyone */
extern void liveness_buffer_request_shmem(void);
extern void liveness_buffer_shmem_init(void);
extern void liveness_buffer_totals(BufferTotals *totals);
extern void liveness_buffer_reset_totals(void);
extern int64 liveness_buffer_waiting(void);
extern int64 liveness_buffer_bytes(void);
extern int64 liveness_buffer_size_bytes(void);

/* For emitters */
extern void liveness_buffer_check_available(const char *function);
extern Size liveness_buffer_form_record(StringInfo records, Oid extension,
										const Datum *values, const bool *nulls);
extern int64 liveness_buffer_put(const char *function, const StringInfoData *records, int64 n);

/* For the worker alone */
extern int	liveness_buffer_begin_start(void);
extern void liveness_buffer_open(void);
extern void liveness_buffer_end_start(void);
extern void liveness_buffer_close(void);
extern uint64 liveness_buffer_requests(void);
extern bool liveness_buffer_is_due(void);
extern void liveness_buffer_rest(bool hush, bool pass);
extern void liveness_buffer_read(HeartbeatBatch *batch, Oid extension, int max_rows,
								 Size max_bytes, HeartbeatFilter wanted);
extern void liveness_buffer_remove(const HeartbeatBatch *batch, bool written);
extern void liveness_buffer_tell(void);

#endif							/* LIVENESS_BUFFER_H */
