/*-------------------------------------------------------------------------
 *
 * stats.c
 *		Counters in shared memory, behind the view liveness_stats.
 *
 * A counter is an atomic of its own: adding to one never waits.  The buffer counts what
 * happens under its lock, and this file adds that in.  What a transaction did (a run of
 * a rollup, say) is added when that transaction has committed or is prepared, and
 * forgotten with a savepoint or transaction that is rolled back.
 *
 * A clean shutdown writes the counters to a file, and the next start reads and
 * removes it.  After a crash they begin again, and "since" says so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "buffer.h"
#include "compat.h"
#include "rowtype.h"
#include "stats.h"

#define STATS_FILE		"pg_stat/liveness.stat"

/* To be changed with the layout of CounterFile */
#define STATS_FILE_MAGIC	0x4c495632

typedef struct CounterDef
{
	const char *name;			/* without the prefix liveness_ */
	const char *help;
} CounterDef;

/* In the order of LivenessCounter */
static const CounterDef counter_defs[] = {
	[COUNTER_EMITTED] = {"emitted_total", "Heartbeats that liveness_emit() took into the buffer"},
	[COUNTER_DROPPED] = {"dropped_total", "Heartbeats that liveness_emit() refused because the buffer was full"},
	[COUNTER_FLUSH_ROWS] = {"flush_rows_total", "Heartbeats written from the buffer to provider_heartbeats"},
	[COUNTER_FLUSH_FAILED] = {"flush_failed_total", "Attempts to write heartbeats that failed and will be made again"},
	[COUNTER_ROWS_SET_ASIDE] = {"rows_set_aside_total", "Heartbeats that left the buffer unwritten, because they cannot be inserted or their extension was dropped"},
	[COUNTER_ROWS_LOST] = {"rows_lost_total", "Heartbeats still in the buffer when the server stopped"},
	[COUNTER_BUFFER_HIGH_WATER] = {"buffer_high_water", "Most heartbeats that were in the buffer at once"},
	[COUNTER_FLUSH_DURATION] = {"flush_last_duration_seconds", "Duration of the last write from the buffer, seconds"},
	[COUNTER_FEATURES_RUNS] = {"features_runs_total", "Runs of the features rollup that completed"},
	[COUNTER_FEATURES_PROVIDERS] = {"features_providers_total", "Providers in the window, summed over the runs of the features rollup"},
	[COUNTER_FEATURES_ERRORS] = {"features_errors_total", "Runs of the features rollup that failed and were recorded"},
	[COUNTER_FEATURES_DURATION] = {"features_last_duration_seconds", "Duration of the last run of the features rollup, seconds"},
	[COUNTER_HOURLY_RUNS] = {"hourly_runs_total", "Runs of the hourly rollup that completed"},
	[COUNTER_HOURLY_ROWS] = {"hourly_rows_total", "Rows that the hourly rollup wrote"},
	[COUNTER_HOURLY_ERRORS] = {"hourly_errors_total", "Runs of the hourly rollup that failed and were recorded"},
	[COUNTER_HOURLY_DURATION] = {"hourly_last_duration_seconds", "Duration of the last run of the hourly rollup, seconds"},
	[COUNTER_HOURLY_LATE] = {"hourly_late_total", "Heartbeats that arrived for an hour whose raw rows may be gone"},
	[COUNTER_RETENTION_RUNS] = {"retention_runs_total", "Runs of the retention that completed"},
	[COUNTER_RETENTION_ROWS] = {"retention_rows_total", "Rows that the retention deleted"},
	[COUNTER_RETENTION_ERRORS] = {"retention_errors_total", "Runs of the retention that failed and were recorded"},
	[COUNTER_RETENTION_DURATION] = {"retention_last_duration_seconds", "Duration of the last run of the retention, seconds"},
	[COUNTER_SESSIONS_RUNS] = {"sessions_runs_total", "Runs of the job that makes and closes sessions that completed"},
	[COUNTER_SESSIONS_ROWS] = {"sessions_rows_total", "Sessions that this job wrote, closed or deleted"},
	[COUNTER_SESSIONS_ERRORS] = {"sessions_errors_total", "Runs of this job that failed and were recorded"},
	[COUNTER_SESSIONS_DURATION] = {"sessions_last_duration_seconds", "Duration of the last run of this job, seconds"},
	[COUNTER_SESSION_CLOSE_FAILED] = {"session_close_failed_total", "Calls of liveness_close_session() for a session that was not open"},
};

StaticAssertDecl(lengthof(counter_defs) == NCOUNTERS, "each counter has a definition");

typedef struct SharedCounters
{
	pg_atomic_uint64 since;		/* TimestampTz */
	pg_atomic_uint64 values[NCOUNTERS]; /* int64; durations in microseconds */
} SharedCounters;

typedef struct CounterFile
{
	uint32		magic;
	uint32		ncounters;
	int64		since;
	int64		values[NCOUNTERS];
} CounterFile;

/*
 * What the current transaction adds once it commits, by subtransaction, so that the end
 * of a subtransaction looks at nothing but what was counted in it.
 */
typedef struct PendingCounts
{
	struct PendingCounts *parent;	/* of a subtransaction that encloses this one */
	SubTransactionId subid;
	int64		values[NCOUNTERS];	/* NOT_SET for gauges that were not set */
} PendingCounts;

#define NOT_SET		(-1)

static SharedCounters *counters = NULL;
static PendingCounts *pending_counts = NULL;	/* in TopTransactionContext */
static bool callbacks_registered = false;

/* Gauges hold the last value given, counters the sum */
static bool
IsGauge(LivenessCounter counter)
{
	return counter == COUNTER_FLUSH_DURATION ||
		counter == COUNTER_FEATURES_DURATION ||
		counter == COUNTER_HOURLY_DURATION ||
		counter == COUNTER_RETENTION_DURATION ||
		counter == COUNTER_SESSIONS_DURATION;
}

/* Add to a counter, or set a gauge, at once.  Does nothing without shared memory. */
void
liveness_count_now(LivenessCounter counter, int64 n)
{
	if (counters == NULL)
		return;
	if (IsGauge(counter))
		pg_atomic_write_u64(&counters->values[counter], (uint64) n);
	else
		pg_atomic_fetch_add_u64(&counters->values[counter], n);
}

static void
AddPending(PendingCounts *counts, LivenessCounter counter, int64 n)
{
	if (IsGauge(counter))
		counts->values[counter] = n;
	else
		counts->values[counter] += n;
}

static void
CountAtXactEnd(XactEvent event, void *arg pg_attribute_unused())
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			/* every subtransaction has ended, so there is one level at most */
			if (pending_counts != NULL)
			{
				for (int i = 0; i < NCOUNTERS; i++)
				{
					if (pending_counts->values[i] != (IsGauge(i) ? NOT_SET : 0))
						liveness_count_now(i, pending_counts->values[i]);
				}
			}
			pending_counts = NULL;
			break;
		case XACT_EVENT_ABORT:
			pending_counts = NULL;
			break;
		default:
			break;
	}
}

static void
CountAtSubXactEnd(SubXactEvent event, SubTransactionId subid,
				  SubTransactionId parent_subid, void *arg pg_attribute_unused())
{
	PendingCounts *ended = pending_counts;

	if (ended == NULL || ended->subid != subid ||
		(event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
		return;
	if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		if (ended->parent == NULL || ended->parent->subid != parent_subid)
		{
			ended->subid = parent_subid;
			return;
		}
		for (int i = 0; i < NCOUNTERS; i++)
		{
			if (ended->values[i] != (IsGauge(i) ? NOT_SET : 0))
				AddPending(ended->parent, i, ended->values[i]);
		}
	}
	pending_counts = ended->parent;
	pfree(ended);
}

/* Count once, and if, the current transaction commits */
void
liveness_count_on_commit(LivenessCounter counter, int64 n)
{
	SubTransactionId subid = GetCurrentSubTransactionId();

	if (counters == NULL || (n == 0 && !IsGauge(counter)))
		return;
	if (!callbacks_registered)
	{
		RegisterXactCallback(CountAtXactEnd, NULL);
		RegisterSubXactCallback(CountAtSubXactEnd, NULL);
		callbacks_registered = true;
	}
	if (pending_counts == NULL || pending_counts->subid != subid)
	{
		PendingCounts *level = (PendingCounts *)
			MemoryContextAllocZero(TopTransactionContext, sizeof(PendingCounts));

		level->parent = pending_counts;
		level->subid = subid;
		for (int i = 0; i < NCOUNTERS; i++)
		{
			if (IsGauge(i))
				level->values[i] = NOT_SET;
		}
		pending_counts = level;
	}
	AddPending(pending_counts, counter, n);
}

void
liveness_stats_request_shmem(void)
{
	RequestAddinShmemSpace(MAXALIGN(sizeof(SharedCounters)));
}

/* What the buffer has counted itself; 0 for what others count */
static int64
BufferTotal(const BufferTotals *totals, LivenessCounter counter)
{
	switch (counter)
	{
		case COUNTER_EMITTED:
			return totals->emitted;
		case COUNTER_DROPPED:
			return totals->dropped;
		case COUNTER_FLUSH_ROWS:
			return totals->written;
		case COUNTER_ROWS_SET_ASIDE:
			return totals->set_aside;
		case COUNTER_BUFFER_HIGH_WATER:
			return totals->high_water;
		default:
			return 0;
	}
}

/*
 * All counters.  The buffer counts from the server's start on: what it had counted
 * until the last shutdown is in ours.
 */
static void
ReadCounters(int64 values[NCOUNTERS])
{
	BufferTotals totals;

	liveness_buffer_totals(&totals);
	for (int i = 0; i < NCOUNTERS; i++)
	{
		int64		ours = (int64) pg_atomic_read_u64(&counters->values[i]);
		int64		buffers = BufferTotal(&totals, i);

		values[i] = i == COUNTER_BUFFER_HIGH_WATER ? Max(ours, buffers) : ours + buffers;
	}
}

/* Read what the last clean shutdown has left, and remove it */
static void
LoadCounters(void)
{
	CounterFile file;
	FILE	   *stream = AllocateFile(STATS_FILE, PG_BINARY_R);

	if (stream == NULL)
	{
		if (errno != ENOENT)
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not open file \"%s\": %m", STATS_FILE)));
		return;
	}
	if (fread(&file, sizeof(file), 1, stream) != 1 || fgetc(stream) != EOF ||
		file.magic != STATS_FILE_MAGIC || file.ncounters != NCOUNTERS)
		ereport(LOG,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("ignoring invalid data in file \"%s\"", STATS_FILE)));
	else
	{
		pg_atomic_write_u64(&counters->since, (uint64) file.since);
		for (int i = 0; i < NCOUNTERS; i++)
			pg_atomic_write_u64(&counters->values[i], (uint64) file.values[i]);
	}
	FreeFile(stream);

	/* what is counted from here on is not in the file, so it must not be read again */
	if (unlink(STATS_FILE) != 0)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", STATS_FILE)));
}

/* After an immediate shutdown the postmaster exits with 0 as well, but it is a crash */
static bool
ShutdownIsClean(void)
{
	bool		crc_ok;
	ControlFileData *control = get_controlfile(DataDir, &crc_ok);
	bool		clean = crc_ok && (control->state == DB_SHUTDOWNED ||
								   control->state == DB_SHUTDOWNED_IN_RECOVERY);

	pfree(control);
	return clean;
}

/* on_shmem_exit callback of the postmaster, when all other processes have gone */
static void
SaveCounters(int code, Datum arg pg_attribute_unused())
{
	CounterFile file = {.magic = STATS_FILE_MAGIC, .ncounters = NCOUNTERS};
	FILE	   *stream;
	bool		written;
	int64		lost;

	if (code != 0 || counters == NULL || !ShutdownIsClean())
		return;

	lost = liveness_buffer_waiting();
	if (lost > 0)
	{
		liveness_count_now(COUNTER_ROWS_LOST, lost);
		ereport(LOG,
				(errmsg("%lld heartbeats were still in the buffer when the server stopped",
						(long long) lost),
				 errhint("They were not written in time: if the log tells of failed flushes, mend their cause; else raise liveness.flush_timeout.")));
	}

	file.since = (int64) pg_atomic_read_u64(&counters->since);
	ReadCounters(file.values);

	stream = AllocateFile(STATS_FILE ".tmp", PG_BINARY_W);
	written = stream != NULL && fwrite(&file, sizeof(file), 1, stream) == 1;
	if (stream != NULL && FreeFile(stream) != 0)
		written = false;
	if (!written)
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", STATS_FILE ".tmp")));
		(void) unlink(STATS_FILE ".tmp");
		return;
	}
	(void) durable_rename(STATS_FILE ".tmp", STATS_FILE, LOG);
}

/* Called with AddinShmemInitLock held */
void
liveness_stats_shmem_init(void)
{
	bool		found;

	counters = (SharedCounters *) ShmemInitStruct("liveness counters", sizeof(SharedCounters),
												  &found);
	if (!found)
	{
		pg_atomic_init_u64(&counters->since, (uint64) GetCurrentTimestamp());
		for (int i = 0; i < NCOUNTERS; i++)
			pg_atomic_init_u64(&counters->values[i], 0);
	}
	if (!IsUnderPostmaster)
	{
		on_shmem_exit(SaveCounters, (Datum) 0);
		if (!found)
			LoadCounters();
	}
}

static void
CheckCountersAvailable(void)
{
	if (counters == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the counters of liveness are not available"),
				 errhint("Add liveness to shared_preload_libraries and restart the server.")));
}

/* Rows after those of the counters, whose values the buffer knows */
static const struct
{
	CounterDef	def;
	int64		(*value) (void);
}			buffer_gauges[] = {
	{{"buffered", "Heartbeats in the buffer now"}, liveness_buffer_waiting},
	{{"buffered_bytes", "Bytes that the heartbeats in the buffer take"}, liveness_buffer_bytes},
	{{"buffer_size_bytes", "Bytes that the buffer holds"}, liveness_buffer_size_bytes},
};

/* The row of liveness_counters() */
static const RowColumn counters_row[] = {
	{"name", TEXTOID},
	{"value", FLOAT8OID},
	{"help", TEXTOID},
	{"since", TIMESTAMPTZOID}
};

/*
 * liveness_counters(missing_ok bool)
 *		-> SETOF (name text, value float8, help text, since timestamptz)
 *
 * Behind the views liveness_stats and liveness_metrics.
 */
PG_FUNCTION_INFO_V1(liveness_counters);
Datum
liveness_counters(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	uint64		row;
	Datum		values[lengthof(counters_row)];
	bool		nulls[lengthof(counters_row)] = {false};
	const CounterDef *def;
	double		value;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext oldcontext;

		if (!PG_GETARG_BOOL(0))
			CheckCountersAvailable();
		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		funcctx->tuple_desc = liveness_result_row(fcinfo, counters_row, lengthof(counters_row));
		if (counters != NULL)
		{
			funcctx->user_fctx = palloc(sizeof(int64) * NCOUNTERS);
			ReadCounters((int64 *) funcctx->user_fctx);
		}
		MemoryContextSwitchTo(oldcontext);
	}

	funcctx = SRF_PERCALL_SETUP();
	row = funcctx->call_cntr;
	if (counters == NULL || row >= NCOUNTERS + lengthof(buffer_gauges))
		SRF_RETURN_DONE(funcctx);
	if (row < NCOUNTERS)
	{
		def = &counter_defs[row];
		value = (double) ((const int64 *) funcctx->user_fctx)[row];
		if (IsGauge(row))
			value /= USECS_PER_SEC;
	}
	else
	{
		def = &buffer_gauges[row - NCOUNTERS].def;
		value = (double) buffer_gauges[row - NCOUNTERS].value();
	}
	values[0] = PointerGetDatum(cstring_to_text(psprintf("liveness_%s", def->name)));
	values[1] = Float8GetDatum(value);
	values[2] = CStringGetTextDatum(def->help);
	values[3] = TimestampTzGetDatum((TimestampTz) pg_atomic_read_u64(&counters->since));
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc, values, nulls)));
}

/*
 * liveness_stats_reset()
 *
 * Every counter begins again at zero.
 */
PG_FUNCTION_INFO_V1(liveness_stats_reset);
Datum
liveness_stats_reset(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	CheckCountersAvailable();

	for (int i = 0; i < NCOUNTERS; i++)
		pg_atomic_write_u64(&counters->values[i], 0);
	liveness_buffer_reset_totals();
	pg_atomic_write_u64(&counters->since, (uint64) GetCurrentTimestamp());
	PG_RETURN_VOID();
}

/*
 * liveness_count(name text, n float8)
 *
 * For the functions of the extension that are written in SQL: adds n to a counter
 * (sets a duration, in seconds) when the transaction commits.
 */
PG_FUNCTION_INFO_V1(liveness_count);
Datum
liveness_count(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	double		n = PG_GETARG_FLOAT8(1);

	for (int i = 0; i < NCOUNTERS; i++)
	{
		if (strcmp(name, counter_defs[i].name) != 0)
			continue;
		if (IsGauge(i))
			n *= USECS_PER_SEC;
		if (!(n >= 0 && n <= (double) (PG_INT64_MAX / 2)))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("cannot count %g in \"%s\"", PG_GETARG_FLOAT8(1), name),
					 errhint("Counters only grow: give 0 or more.")));
		liveness_count_on_commit(i, (int64) rint(n));
		PG_RETURN_VOID();
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("\"%s\" is not a counter of liveness", name),
			 errhint("The view liveness_stats names them, each after liveness_.")));
}

/*
 * liveness_count_failed_close()
 *
 * One more close of a session that was not open.
 */
PG_FUNCTION_INFO_V1(liveness_count_failed_close);
Datum
liveness_count_failed_close(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	liveness_count_on_commit(COUNTER_SESSION_CLOSE_FAILED, 1);
	PG_RETURN_VOID();
}
