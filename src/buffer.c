/*-------------------------------------------------------------------------
 *
 * buffer.c
 *		The heartbeat buffer: a ring of bytes in shared memory that backends fill
 *		by the functions of emit.c, and the worker empties.
 *
 * Positions.  head and tail count bytes since the server started.  A position modulo the
 * size of the ring is a place in the ring, and the records in [tail, head) wait.  The
 * length of a record is a multiple of 8 bytes, so that its first word never wraps around
 * the end; the rest may.
 *
 * Locking.  One LWLock protects head, tail and all other fields.  An emitter holds
 * it while it copies its record in: a fraction of a microsecond.  The worker needs
 * it to read head and to move tail, but not to read records, since nobody else
 * touches [tail, head).
 *
 * Removal.  A record may go once the transaction that inserted it has committed.  The
 * oldest go first as a rule, but where one cannot be inserted, later records are written
 * before it.  So each is marked, and then tail moves past all that are marked.  The marks
 * are in shared memory, because a worker that is started anew must not write a record
 * twice.
 *
 * A crash of any server process clears shared memory, and the buffer with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "buffer.h"
#include "compat.h"
#include "settings.h"

#define LIVENESS_TRANCHE	"liveness"

/* The log mentions the first heartbeat that is dropped, and then one of this many */
#define DROPS_PER_LOG	1024

/* An emitter of many heartbeats lets others have the lock after this many */
#define PUTS_PER_LOCK	256

/* How long liveness_flush waits for a worker to come back */
#define WORKER_PATIENCE_SECONDS	10

/*
 * The worker wakes when one part of this many has filled.  The rest of the ring is for
 * what comes while it writes.
 */
#define WAKE_SHARE		8

#define RECORD_WAITING	0
#define RECORD_WRITTEN	1
#define RECORD_ASIDE	2

typedef struct HeartbeatRecord
{
	uint32		units;			/* length in units of 8 bytes */
	uint32		state;			/* RECORD_*; set by the worker */
	Oid			extension;		/* whose function took it */
	uint32		nulls;			/* one bit for each column */
	int64		slots[HEARTBEAT_COLUMNS];	/* lengths of texts and jsonb; values
											 * of the others */
	/* followed by the bytes of texts and jsonb, in order */
} HeartbeatRecord;

typedef struct HeartbeatBuffer
{
	Size		size;			/* of the ring; a multiple of 8 */
	uint64		head;			/* where the next record goes */
	uint64		tail;			/* the oldest record */
	uint64		accepted;		/* records that came in */
	uint64		left;			/* records that left: those before tail */
	uint64		written;		/* records that were written */
	BufferTotals totals;

	bool		open;			/* there is a worker that will empty it */
	bool		hushed;			/* the worker knows that it is due */
	bool		dropped;		/* one found no room since the worker read last */
	int64		passed_rows;	/* what the worker cannot write for now: */
	int64		passed_bytes;	/* no reason to wake it */
	Oid			database;		/* of the worker */
	pid_t		worker_pid;
	Latch	   *worker_latch;
	int			starts;			/* of the worker, without success */
	uint64		requests;		/* calls of liveness_flush */
	ConditionVariable left_cv;	/* some have left, or the worker has */

	uint64		ring[FLEXIBLE_ARRAY_MEMBER];	/* aligned as records are */
} HeartbeatBuffer;

const HeartbeatColumn heartbeat_columns[HEARTBEAT_COLUMNS] = {
	{"provider_id", TEXTOID, true},
	{"status", TEXTOID, true},
	{"memory_pressure", FLOAT4OID, true},
	{"cpu_usage", FLOAT4OID, true},
	{"thermal_state", TEXTOID, true},
	{"memory_available_gb", FLOAT4OID, false},
	{"gpu_memory_active_gb", FLOAT4OID, false},
	{"gpu_memory_cache_gb", FLOAT4OID, false},
	{"backend_state", TEXTOID, true},
	{"active_model", TEXTOID, true},
	{"capacity", JSONBOID, false},
	{"at", TIMESTAMPTZOID, true},
};

static HeartbeatBuffer *buffer = NULL;
static LWLock *buffer_lock = NULL;

/* ---------- shared memory ---------- */

static Size
RingSize(void)
{
	return (Size) liveness_buffer_size * 1024;
}

static Size
BufferSize(void)
{
	return add_size(MAXALIGN(offsetof(HeartbeatBuffer, ring)), RingSize());
}

void
liveness_buffer_request_shmem(void)
{
	RequestAddinShmemSpace(BufferSize());
	RequestNamedLWLockTranche(LIVENESS_TRANCHE, 1);
}

/* Called with AddinShmemInitLock held */
void
liveness_buffer_shmem_init(void)
{
	bool		found;

	buffer_lock = &(GetNamedLWLockTranche(LIVENESS_TRANCHE))->lock;
	buffer = (HeartbeatBuffer *) ShmemInitStruct("liveness buffer", BufferSize(), &found);
	if (!found)
	{
		memset(buffer, 0, offsetof(HeartbeatBuffer, ring));
		buffer->size = RingSize();
		ConditionVariableInit(&buffer->left_cv);
	}
}

static void
LockBuffer(void)
{
	LWLockAcquire(buffer_lock, LW_EXCLUSIVE);
}

static void
UnlockBuffer(void)
{
	LWLockRelease(buffer_lock);
}

/* Heartbeats in the buffer.  With the lock the number would not be true for longer. */
int64
liveness_buffer_waiting(void)
{
	int64		waiting;

	if (buffer == NULL)
		return 0;
	waiting = (int64) (buffer->accepted - buffer->left);
	return Max(0, waiting);
}

/* Bytes of the ring that waiting heartbeats take */
int64
liveness_buffer_bytes(void)
{
	int64		bytes;

	LWLockAcquire(buffer_lock, LW_SHARED);
	bytes = (int64) (buffer->head - buffer->tail);
	UnlockBuffer();
	return bytes;
}

int64
liveness_buffer_size_bytes(void)
{
	return (int64) buffer->size;
}

void
liveness_buffer_totals(BufferTotals *totals)
{
	LWLockAcquire(buffer_lock, LW_SHARED);
	*totals = buffer->totals;
	UnlockBuffer();
}

/* Count anew; what waits now is the most that has waited since */
void
liveness_buffer_reset_totals(void)
{
	LockBuffer();
	memset(&buffer->totals, 0, sizeof(buffer->totals));
	buffer->totals.high_water = liveness_buffer_waiting();
	UnlockBuffer();
}

/* Bytes of the ring from a position on */
static void
RingPut(uint64 position, const void *bytes, Size n)
{
	Size		offset = position % buffer->size;
	Size		before_end = Min(n, buffer->size - offset);

	memcpy((char *) buffer->ring + offset, bytes, before_end);
	memcpy(buffer->ring, (const char *) bytes + before_end, n - before_end);
}

static void
RingGet(uint64 position, void *bytes, Size n)
{
	Size		offset = position % buffer->size;
	Size		before_end = Min(n, buffer->size - offset);

	memcpy(bytes, (char *) buffer->ring + offset, before_end);
	memcpy((char *) bytes + before_end, buffer->ring, n - before_end);
}

/* The first word of a record, which never wraps */
static HeartbeatRecord *
RingRecord(uint64 position)
{
	return (HeartbeatRecord *) ((char *) buffer->ring + position % buffer->size);
}

/* Checks that whole records wait, as many as were counted.  The caller holds the lock. */
static void
AssertRing(void)
{
#ifdef USE_ASSERT_CHECKING
	uint64		position = buffer->tail;
	uint64		n = 0;

	Assert(buffer->head - buffer->tail <= buffer->size);
	for (; position < buffer->head; n++)
	{
		HeartbeatRecord record;
		Size		size = sizeof(HeartbeatRecord);

		RingGet(position, &record, sizeof(record));
		Assert(record.state <= RECORD_ASIDE);
		for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
		{
			bool		varies = heartbeat_columns[i].type == TEXTOID || heartbeat_columns[i].type == JSONBOID;

			Assert(!(record.nulls & (1U << i)) || !heartbeat_columns[i].not_null);
			if (varies && !(record.nulls & (1U << i)))
				size += record.slots[i];
		}
		Assert((Size) record.units * 8 == TYPEALIGN64(8, size));
		position += (uint64) record.units * 8;
	}
	Assert(position == buffer->head);
	Assert(n == buffer->accepted - buffer->left);
#endif
}

/* Does so much wait that it is to be written at once?  The caller holds the lock. */
static bool
IsDue(void)
{
	int64		rows = (int64) (buffer->accepted - buffer->left) - buffer->passed_rows;
	int64		bytes = (int64) (buffer->head - buffer->tail) - buffer->passed_bytes;

	return buffer->dropped || rows >= liveness_batch_size ||
		bytes >= (int64) (buffer->size / WAKE_SHARE);
}

/* The latch to set after the lock is released; NULL if the worker needs no call */
static Latch *
WorkerToWake(void)
{
	if (buffer->hushed || !IsDue())
		return NULL;
	buffer->hushed = true;
	return buffer->worker_latch;
}

/* ---------- emitters ---------- */

/* Report why this session has no worker, and what to do */
pg_noreturn static void
BufferUnavailable(const char *function)
{
	char	   *database = get_database_name(MyDatabaseId);

	if (buffer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s needs the heartbeat buffer, which is not there", function),
				 errhint("Add liveness to shared_preload_libraries, set liveness.database, and restart the server. Until then, insert into provider_heartbeats.")));
	if (liveness_database[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s needs the liveness worker, and liveness.database is not set", function),
				 errhint("Set liveness.database = '%s' and restart the server. Until then, insert into provider_heartbeats.",
						 database ? database : "")));
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be used on a standby", function),
				 errhint("Connect to the primary.")));
	if (database == NULL || strcmp(database, liveness_database) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be used in database \"%s\"", function, database ? database : ""),
				 errdetail("The liveness worker serves database \"%s\" (liveness.database).",
						   liveness_database),
				 errhint("Connect to that database, or insert into provider_heartbeats.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s needs the liveness worker, which is not running", function),
			 errhint("It may be stopping or starting: try again. If it stays away, the server's log says why; max_worker_processes must leave room for it.")));
}

/* May this session use the buffer at all?  Whether there is a worker shows under the lock. */
void
liveness_buffer_check_available(const char *function)
{
	/* a standby is read-only as well, and that would not say what to do */
	if (buffer == NULL || RecoveryInProgress())
		BufferUnavailable(function);
	PreventCommandIfReadOnly(function);
}

/* Of those that found no room so far, the last n are new */
static void
LogDrops(int64 dropped, int64 n)
{
	if ((dropped + DROPS_PER_LOG - 1) / DROPS_PER_LOG != (dropped - n + DROPS_PER_LOG - 1) / DROPS_PER_LOG)
		ereport(LOG,
				(errmsg("heartbeat buffer is full, %lld heartbeats were dropped so far",
						(long long) dropped),
				 errhint("If the log tells of failed flushes, mend their cause; else raise liveness.buffer_size (now %d kB).",
						 liveness_buffer_size)));
}

/*
 * Append a heartbeat to records, as liveness_buffer_put() takes them.  The values are of
 * the types of the columns.  Returns the length of the record.
 */
Size
liveness_buffer_form_record(StringInfo records, Oid extension, const Datum *values,
							const bool *nulls)
{
	static const char padding[8] = {0};
	HeartbeatRecord record = {0};
	int			start = records->len;
	Size		size;

	record.extension = extension;
	appendBinaryStringInfo(records, (const char *) &record, sizeof(record));
	for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
	{
		if (nulls[i])
		{
			Assert(!heartbeat_columns[i].not_null);
			record.nulls |= 1U << i;
			continue;
		}
		switch (heartbeat_columns[i].type)
		{
			case FLOAT4OID:
				{
					float4		value = DatumGetFloat4(values[i]);

					memcpy(&record.slots[i], &value, sizeof(value));
					break;
				}
			case TIMESTAMPTZOID:
				record.slots[i] = DatumGetTimestampTz(values[i]);
				break;
			default:
				{
					struct varlena *value = PG_DETOAST_DATUM_PACKED(values[i]);

					record.slots[i] = VARSIZE_ANY_EXHDR(value);
					appendBinaryStringInfo(records, VARDATA_ANY(value),
										   (int) record.slots[i]);
				}
		}
	}
	size = records->len - start;
	appendBinaryStringInfo(records, padding, (int) (TYPEALIGN64(8, size) - size));
	size = records->len - start;
	record.units = size / 8;
	memcpy(records->data + start, &record, sizeof(record));
	return size;
}

/* Append a record to the ring.  The caller holds the lock and has made sure that there is room. */
static void
PutRecord(const HeartbeatRecord *record)
{
	int64		waiting;

	RingPut(buffer->head, record, (Size) record->units * 8);
	buffer->head += (uint64) record->units * 8;
	buffer->accepted++;
	buffer->totals.emitted++;
	waiting = liveness_buffer_waiting();
	buffer->totals.high_water = Max(buffer->totals.high_water, waiting);
}

/*
 * Put n records into the buffer, in their order.  From the first on that finds no room,
 * all are dropped, so that the caller knows which were taken.  Returns their number.
 * The lock is released now and then, for other emitters.
 */
int64
liveness_buffer_put(const char *function, const StringInfoData *records, int64 n)
{
	const char *next = records->data;
	int64		taken = 0;
	int64		dropped = 0;
	bool		fits = true;

	do
	{
		int64		last = Min(n, taken + PUTS_PER_LOCK);
		Latch	   *wake;

		LockBuffer();
		if (!buffer->open || buffer->database != MyDatabaseId)
		{
			if (taken == 0)
			{
				UnlockBuffer();
				BufferUnavailable(function);
			}
			fits = false;
		}
		for (; fits && taken < last; taken += fits)
		{
			const HeartbeatRecord *record = (const HeartbeatRecord *) next;
			Size		size = (Size) record->units * 8;

			fits = size <= buffer->size - (buffer->head - buffer->tail);
			if (fits)
				PutRecord(record);
			next += size;
		}
		if (!fits)
		{
			buffer->dropped = true;
			buffer->totals.dropped += n - taken;
			dropped = buffer->totals.dropped;
		}
		wake = WorkerToWake();
		UnlockBuffer();
		if (wake != NULL)
			SetLatch(wake);
	} while (fits && taken < n);

	if (!fits)
		LogDrops(dropped, n - taken);
	return taken;
}

pg_noreturn static void
WouldWaitForItself(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("liveness_flush() would wait for %s that this transaction holds", what),
			 errhint("Flush before the table is locked.")));
}

/*
 * The worker could not insert while this session holds a lock on the table or on a
 * partition, and the session would wait for the worker.
 */
static void
CheckTableNotLocked(FunctionCallInfo fcinfo)
{
	Oid			heartbeats;
	ListCell   *lc;

	heartbeats = get_relname_relid("provider_heartbeats",
								   get_func_namespace(fcinfo->flinfo->fn_oid));
	foreach(lc, find_all_inheritors(heartbeats, NoLock, NULL))
	{
		LOCKTAG		tag;

		SET_LOCKTAG_RELATION(tag, MyDatabaseId, lfirst_oid(lc));
		for (LOCKMODE mode = ShareLock; mode <= AccessExclusiveLock; mode++)
		{
			if (LockHeldByMe(&tag, mode, false))
				WouldWaitForItself(psprintf("a lock on %s", get_rel_name(lfirst_oid(lc))));
		}
	}
}

/*
 * Does the worker wait for this session?  The lock may be on something else that an
 * INSERT needs (a sequence, an index, the extension), or a key that this session inserts.
 */
static void
CheckWorkerNotBlocked(pid_t worker)
{
	ArrayType  *blockers = DatumGetArrayTypeP(DirectFunctionCall1(pg_blocking_pids,
																  Int32GetDatum(worker)));
	const int32 *pids = (const int32 *) ARR_DATA_PTR(blockers);

	for (int i = 0; i < ArrayGetNItems(ARR_NDIM(blockers), ARR_DIMS(blockers)); i++)
	{
		if (pids[i] == MyProcPid)
		{
			ConditionVariableCancelSleep();
			WouldWaitForItself("a lock");
		}
	}
	pfree(blockers);
}

/* What liveness_flush sees of the buffer */
typedef struct FlushView
{
	bool		reached;		/* all that it waits for has left */
	bool		open;
	uint64		written;
	pid_t		worker_pid;
} FlushView;

/* Look at the buffer, and ask the worker to write unless it has been asked already */
static FlushView
LookForFlush(uint64 target, bool asked)
{
	FlushView	view;
	Latch	   *worker = NULL;

	LockBuffer();
	view.reached = buffer->left >= target;
	view.open = buffer->open;
	view.written = buffer->written;
	view.worker_pid = buffer->worker_pid;
	if (view.open && !view.reached && !asked)
	{
		buffer->requests++;
		worker = buffer->worker_latch;
	}
	UnlockBuffer();
	if (worker != NULL)
		SetLatch(worker);
	return view;
}

/* Wait until all heartbeats before the target have left; returns the count of those written */
static uint64
WaitForFlush(uint64 target)
{
	static uint32 wait_event = 0;
	FlushView	view;
	bool		asked = false;
	int			closed_for = 0;

	if (wait_event == 0)
		wait_event = WaitEventExtensionNew("LivenessFlush");
	ConditionVariablePrepareToSleep(&buffer->left_cv);
	for (;;)
	{
		view = LookForFlush(target, asked);
		if (view.reached)
			break;
		/* a worker that comes back must be asked again */
		asked = view.open;
		closed_for = view.open ? 0 : closed_for + 1;
		if (closed_for > WORKER_PATIENCE_SECONDS)
		{
			ConditionVariableCancelSleep();
			BufferUnavailable("liveness_flush()");
		}
		if (ConditionVariableTimedSleep(&buffer->left_cv, 1000, wait_event) && view.open)
			CheckWorkerNotBlocked(view.worker_pid);
	}
	ConditionVariableCancelSleep();
	return view.written;
}

/*
 * liveness_flush() -> bigint
 *
 * Asks the worker to write, and waits until all that was emitted before has left
 * the buffer.  Returns how many were written meanwhile, but no more than were waiting.
 */
PG_FUNCTION_INFO_V1(liveness_flush);
Datum
liveness_flush(PG_FUNCTION_ARGS)
{
	uint64		target;
	uint64		waiting;
	uint64		written;

	liveness_buffer_check_available("liveness_flush()");
	CheckTableNotLocked(fcinfo);

	LockBuffer();
	if (liveness_database[0] == '\0' ||
		(OidIsValid(buffer->database) && buffer->database != MyDatabaseId))
	{
		UnlockBuffer();
		BufferUnavailable("liveness_flush()");
	}
	target = buffer->accepted;
	waiting = target - buffer->left;
	written = buffer->written;
	UnlockBuffer();

	written = WaitForFlush(target) - written;
	PG_RETURN_INT64((int64) Min(written, waiting));
}

/* ---------- the worker ---------- */

/* The worker begins to start.  Returns how often it has done so without success. */
int
liveness_buffer_begin_start(void)
{
	int			starts;

	LockBuffer();
	starts = buffer->starts++;
	UnlockBuffer();
	return starts;
}

/* The buffer takes heartbeats from now on */
void
liveness_buffer_open(void)
{
	LockBuffer();
	buffer->open = true;
	buffer->hushed = false;
	buffer->database = MyDatabaseId;
	buffer->worker_pid = MyProcPid;
	buffer->worker_latch = MyLatch;
	UnlockBuffer();
}

/* The start has not failed: the worker runs, or was told to stop */
void
liveness_buffer_end_start(void)
{
	LockBuffer();
	buffer->starts = 0;
	UnlockBuffer();
}

/* The buffer takes no heartbeat after this returns */
void
liveness_buffer_close(void)
{
	LockBuffer();
	if (buffer->worker_pid == MyProcPid)
	{
		buffer->open = false;
		buffer->worker_pid = 0;
		buffer->worker_latch = NULL;
	}
	UnlockBuffer();
	ConditionVariableBroadcast(&buffer->left_cv);
}

uint64
liveness_buffer_requests(void)
{
	uint64		requests;

	LockBuffer();
	requests = buffer->requests;
	UnlockBuffer();
	return requests;
}

/* Is there a reason to write at once? */
bool
liveness_buffer_is_due(void)
{
	bool		due;

	LockBuffer();
	due = IsDue();
	UnlockBuffer();
	return due;
}

/*
 * The worker has written what it can.  With "hush", emitters do not wake it before it
 * reads again.  With "pass", what waits now is no reason to wake it.
 */
void
liveness_buffer_rest(bool hush, bool pass)
{
	LockBuffer();
	buffer->hushed = hush;
	buffer->dropped = false;
	buffer->passed_rows = pass ? (int64) (buffer->accepted - buffer->left) : 0;
	buffer->passed_bytes = pass ? (int64) (buffer->head - buffer->tail) : 0;
	UnlockBuffer();
}

/* A text or jsonb of the ring, as a Datum in the current memory context */
static Datum
RingVarlena(uint64 position, Size length)
{
	struct varlena *value = (struct varlena *) palloc(add_size(length, VARHDRSZ));

	SET_VARSIZE(value, length + VARHDRSZ);
	RingGet(position, VARDATA(value), length);
	return PointerGetDatum(value);
}

/*
 * Move tail past every record that is marked, and count those that were marked just now
 * under the same lock: whoever sees that they have left also sees them counted.
 */
static void
AdvanceTail(int written, int set_aside)
{
	uint64		tail = buffer->tail;
	uint64		left = buffer->left;
	uint64		head;

	/* only the worker changes tail and left, so it reads them without the lock */
	LockBuffer();
	head = buffer->head;
	UnlockBuffer();
	while (tail < head && RingRecord(tail)->state != RECORD_WAITING)
	{
		left++;
		tail += (uint64) RingRecord(tail)->units * 8;
	}
	LockBuffer();
	buffer->tail = tail;
	buffer->left = left;
	buffer->written += written;
	buffer->totals.written += written;
	buffer->totals.set_aside += set_aside;
	AssertRing();
	UnlockBuffer();
}

static void
MakeBatch(HeartbeatBatch *batch, int capacity)
{
	batch->nrows = 0;
	batch->capacity = capacity;
	batch->positions = (uint64 *) palloc(mul_size(sizeof(uint64), capacity));
	batch->providers = (uint64 *) palloc(mul_size(sizeof(uint64), capacity));
	for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
	{
		batch->values[i] = (Datum *) palloc(mul_size(sizeof(Datum), capacity));
		batch->nulls[i] = (bool *) palloc(mul_size(sizeof(bool), capacity));
	}
}

/* A hash of the provider's name, by which flush.c compares providers */
static uint64
ProviderHash(const HeartbeatRecord *record, uint64 position)
{
	Datum		provider = RingVarlena(position + sizeof(HeartbeatRecord), record->slots[0]);
	uint64		hash = hash_bytes_extended((unsigned char *) VARDATA(DatumGetPointer(provider)),
										   (int) record->slots[0], 0);

	pfree(DatumGetPointer(provider));
	return hash;
}

static void
CopyRecord(HeartbeatBatch *batch, const HeartbeatRecord *record, uint64 position)
{
	int			row = batch->nrows++;

	batch->positions[row] = position;
	position += sizeof(HeartbeatRecord);
	for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
	{
		Datum		value = (Datum) 0;

		batch->nulls[i][row] = (record->nulls & (1U << i)) != 0;
		if (!batch->nulls[i][row])
		{
			switch (heartbeat_columns[i].type)
			{
				case FLOAT4OID:
					{
						float4		real;

						memcpy(&real, &record->slots[i], sizeof(real));
						value = Float4GetDatum(real);
						break;
					}
				case TIMESTAMPTZOID:
					value = TimestampTzGetDatum(record->slots[i]);
					break;
				default:
					value = RingVarlena(position, record->slots[i]);
					position += record->slots[i];
			}
		}
		batch->values[i][row] = value;
	}
}

/* The extension that took it was dropped with its table, and another one has its own */
static void
SetOrphanAside(HeartbeatRecord *stored)
{
	stored->state = RECORD_ASIDE;
	LockBuffer();
	buffer->totals.set_aside++;
	UnlockBuffer();
}

/* Copy a record if it is wanted.  Returns its length, or 0. */
static Size
ReadRecord(HeartbeatBatch *batch, const HeartbeatRecord *record, uint64 position,
		   HeartbeatFilter wanted)
{
	uint64		provider = ProviderHash(record, position);

	if (wanted != NULL && !wanted(position, provider))
		return 0;
	batch->providers[batch->nrows] = provider;
	CopyRecord(batch, record, position);
	return (Size) record->units * 8;
}

/*
 * Copy the oldest heartbeats that wait into the current memory context: max_rows at most,
 * and not much more than max_bytes.  If "wanted" is given, only those that it wants are
 * copied.  Heartbeats of an extension that was dropped since are set aside.
 */
void
liveness_buffer_read(HeartbeatBatch *batch, Oid extension, int max_rows, Size max_bytes,
					 HeartbeatFilter wanted)
{
	static int	orphans = 0;	/* includes those of a read that was broken off */
	uint64		position;
	uint64		head;
	uint64		waiting;
	Size		bytes = 0;

	/* a read that was broken off may have left marks behind */
	AdvanceTail(0, 0);
	position = buffer->tail;
	/* smaller batches make room sooner */
	max_bytes = Min(max_bytes, buffer->size / 4);

	LockBuffer();
	head = buffer->head;
	waiting = buffer->accepted - buffer->left;
	AssertRing();
	buffer->hushed = false;
	buffer->dropped = false;
	UnlockBuffer();

	MakeBatch(batch, (int) Min((uint64) max_rows, waiting));
	while (position < head && batch->nrows < batch->capacity && bytes < max_bytes)
	{
		HeartbeatRecord *stored = RingRecord(position);
		HeartbeatRecord record;

		CHECK_FOR_INTERRUPTS();
		RingGet(position, &record, sizeof(record));
		if (record.state == RECORD_WAITING)
		{
			if (record.extension == extension)
				bytes += ReadRecord(batch, &record, position, wanted);
			else
			{
				SetOrphanAside(stored);
				orphans++;
			}
		}
		position += (uint64) record.units * 8;
	}
	if (orphans > 0)
	{
		AdvanceTail(0, 0);
		liveness_buffer_tell();
		ereport(LOG,
				(errmsg("%d heartbeats of an extension that was dropped were set aside",
						orphans)));
		orphans = 0;
	}
}

/*
 * The rows of a batch were written, or are set aside.  A commit callback calls this, so
 * nothing here may fail.
 */
void
liveness_buffer_remove(const HeartbeatBatch *batch, bool written)
{
	for (int i = 0; i < batch->nrows; i++)
		RingRecord(batch->positions[i])->state = written ? RECORD_WRITTEN : RECORD_ASIDE;
	AdvanceTail(written ? batch->nrows : 0, written ? 0 : batch->nrows);
}

/* Tell those who wait in liveness_flush that something has left */
void
liveness_buffer_tell(void)
{
	ConditionVariableBroadcast(&buffer->left_cv);
}
