/*-------------------------------------------------------------------------
 *
 * buffer.h
 *		The heartbeat buffer in shared memory; see buffer.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_BUFFER_H
#define LIVENESS_BUFFER_H

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
	Datum	   *values[HEARTBEAT_COLUMNS];
	bool	   *nulls[HEARTBEAT_COLUMNS];
} HeartbeatBatch;

/* For everyone */
extern Size liveness_buffer_shmem_size(void);
extern void liveness_buffer_shmem_init(void);
extern void liveness_buffer_lock(void);
extern void liveness_buffer_unlock(void);
extern int64 liveness_buffer_waiting(void);
extern int64 liveness_buffer_bytes(void);
extern int64 liveness_buffer_size_bytes(void);

/* For the worker alone */
extern int	liveness_buffer_begin_start(void);
extern void liveness_buffer_open(void);
extern void liveness_buffer_end_start(void);
extern void liveness_buffer_close(void);
extern uint64 liveness_buffer_accepted(void);
extern uint64 liveness_buffer_left(void);
extern uint64 liveness_buffer_requests(void);
extern void liveness_buffer_hush(bool hush);
extern void liveness_buffer_read(HeartbeatBatch *batch, Oid extension,
								 int max_rows, Size max_bytes);
extern void liveness_buffer_remove(const HeartbeatBatch *batch, int first, int n,
								   bool written);
extern void liveness_buffer_tell(void);

#endif							/* LIVENESS_BUFFER_H */
