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
	uint64	   *providers;		/* hashes of their names */
	Datum	   *values[HEARTBEAT_COLUMNS];
	bool	   *nulls[HEARTBEAT_COLUMNS];
} HeartbeatBatch;

/* Is a heartbeat wanted, by its position and its provider's hash? */
typedef bool (*HeartbeatFilter) (uint64 position, uint64 provider);

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
extern uint64 liveness_buffer_requests(void);
extern bool liveness_buffer_is_due(void);
extern void liveness_buffer_rest(bool hush, bool pass);
extern void liveness_buffer_read(HeartbeatBatch *batch, Oid extension, int max_rows,
								 Size max_bytes, HeartbeatFilter wanted);
extern void liveness_buffer_remove(const HeartbeatBatch *batch, bool written);
extern void liveness_buffer_tell(void);

#endif							/* LIVENESS_BUFFER_H */
