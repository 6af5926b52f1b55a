/*-------------------------------------------------------------------------
 *
 * flush.c
 *		Writes heartbeats from the buffer to provider_heartbeats.
 *
 * A batch is one INSERT in a transaction of its own.  Its heartbeats leave the buffer
 * in the moment of the commit, by a callback: there is no point at which the worker
 * could be stopped in between, and write them twice or never.
 *
 * If the INSERT fails for a reason that may lie in a row (a user's constraint or
 * trigger), the batch is halved until that row stands alone; it is set aside, and the
 * others go in.  If it fails for any other reason (a lock, a timeout, a full disk),
 * all stay in the buffer and are tried again later.
 *
 * Is it the row's fault, or the table's (a trigger that always fails)?  It is the
 * row's if another one of the batch goes in.  If none does, it is the table's, unless
 * there are few rows and each failed of its data.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "buffer.h"
#include "liveness.h"
#include "stats.h"
#include "worker.h"

/* The worker's memory for a batch: little more than this, or one heartbeat */
#define MAX_BATCH_BYTES		((Size) 16 * 1024 * 1024)

/* After so many rows have failed alone, and none went in, it is not just bisected on */
#define MAX_SUSPECTS		8

/* So many others are tried then, from all over the batch */
#define MAX_PROBES			8

/* A provider's name in the log is no longer than this, in bytes */
#define MAX_LOGGED_NAME		100

typedef struct FlushState
{
	HeartbeatBatch batch;
	bool		has_batch;
	int			committed;		/* rows */
	int			aside;			/* rows */
	char	   *first_aside;	/* what the first of them was, and failed of */
	int			nsuspects;		/* rows that failed alone when none had gone in */
	int			suspects[MAX_SUSPECTS];
	char	   *suspect_errors[MAX_SUSPECTS];
	bool		of_their_data;	/* each of them, to all appearances */
	bool		in_doubt;		/* there were more of them */
} FlushState;

typedef struct RowRange
{
	FlushState *flush;
	int			first;
	int			n;
} RowRange;

static MemoryContext flush_context = NULL;

/* After a timeout smaller batches are tried, down to a row */
static int	row_limit = 0;

/* What the running transaction inserts, for the commit callback */
static const RowRange *inserting = NULL;

static void
RemoveInserted(XactEvent event, void *arg pg_attribute_unused())
{
	if (inserting == NULL)
		return;
	if (event == XACT_EVENT_COMMIT)
	{
		liveness_buffer_remove(&inserting->flush->batch, inserting->first, inserting->n, true);
		inserting->flush->committed += inserting->n;
	}
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		inserting = NULL;
}

/* INSERT ... SELECT from one array a column: any engine that takes an INSERT takes it */
static char *
InsertStatement(const InstalledExtension *extension)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s.provider_heartbeats (", extension->schema_name);
	for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "", heartbeat_columns[i].name);
	appendStringInfoString(&sql, ") SELECT * FROM ROWS FROM (");
	for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
		appendStringInfo(&sql, "%spg_catalog.unnest($%d)", i > 0 ? ", " : "", i + 1);
	appendStringInfoString(&sql, ")");
	return sql.data;
}

/* Unit: insert a range of the batch, which is read first if it is not there yet */
static void
InsertRange(const InstalledExtension *extension, void *arg)
{
	RowRange   *range = (RowRange *) arg;
	HeartbeatBatch *batch = &range->flush->batch;
	Oid			types[HEARTBEAT_COLUMNS];
	Datum		values[HEARTBEAT_COLUMNS];

	if (!range->flush->has_batch)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(flush_context);

		liveness_buffer_read(batch, extension->oid, row_limit, MAX_BATCH_BYTES);
		MemoryContextSwitchTo(oldcontext);
		range->flush->has_batch = true;
		range->n = batch->nrows;
	}
	if (range->n == 0)
		return;

	for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
	{
		int			dims[] = {range->n};
		int			lower_bounds[] = {1};
		Oid			type = heartbeat_columns[i].type;
		int16		typlen;
		bool		typbyval;
		char		typalign;

		get_typlenbyvalalign(type, &typlen, &typbyval, &typalign);
		types[i] = get_array_type(type);
		values[i] = PointerGetDatum(construct_md_array(batch->values[i] + range->first,
													   batch->nulls[i] + range->first,
													   1, dims, lower_bounds,
													   type, typlen, typbyval, typalign));
	}
	if (SPI_execute_with_args(InsertStatement(extension), HEARTBEAT_COLUMNS, types, values,
							  NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "unexpected result of the INSERT of heartbeats");
	inserting = range;
}

/* May an error be the fault of a row, so that other rows could go in? */
static bool
MayBeRowsFault(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_INVALID_TRANSACTION_STATE:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_CONFIG_FILE_ERROR:
		case ERRCODE_FDW_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return true;
	}
}

/* Does an error tell of a row's data, rather than of the table? */
static bool
IsRowsFault(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_WITH_CHECK_OPTION_VIOLATION:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_PLPGSQL_ERROR:
			return true;
		default:
			return false;
	}
}

/* A row that cannot be inserted leaves the buffer without */
static void
SetAside(FlushState *flush, int row, const char *error)
{
	char	   *provider = TextDatumGetCString(flush->batch.values[0][row]);

	if (flush->aside++ == 0)
		flush->first_aside =
			psprintf("The first is of provider \"%.*s\" at %s: %s",
					 pg_mbcliplen(provider, (int) strlen(provider), MAX_LOGGED_NAME), provider,
					 timestamptz_to_str(DatumGetTimestampTz(flush->batch.values[HEARTBEAT_COLUMNS - 1][row])),
					 error);
	liveness_buffer_remove(&flush->batch, row, 1, false);
}

/*
 * Insert a range, taking it apart as needed.  False if the rest of the batch cannot
 * be inserted now; why is in liveness_unit_error.
 */
static bool
InsertRows(FlushState *flush, int first, int n)
{
	RowRange	range = {flush, first, n};
	int			sqlerrcode;
	int			half;

	if (liveness_run_unit("liveness: write heartbeats", InsertRange, &range,
						  liveness_flush_time_left()) != UNIT_FAILED)
		return true;
	sqlerrcode = liveness_unit_error->sqlerrcode;
	if (!flush->has_batch || !MayBeRowsFault(sqlerrcode))
		return false;
	n = range.n;				/* now it is known */

	if (n == 1)
	{
		if (flush->committed > 0)
			SetAside(flush, first, liveness_unit_error->message);
		else if (flush->nsuspects < MAX_SUSPECTS)
		{
			flush->suspects[flush->nsuspects] = first;
			flush->suspect_errors[flush->nsuspects++] = pstrdup(liveness_unit_error->message);
			flush->of_their_data &= IsRowsFault(sqlerrcode);
		}
		else
		{
			flush->in_doubt = true;
			return false;
		}
		return true;
	}
	half = n / 2;
	return InsertRows(flush, first, half) && InsertRows(flush, first + half, n - half);
}

/*
 * Many rows have failed, and none went in.  If one from elsewhere in the batch goes
 * in, the others can be judged by it.
 */
static bool
ProbeBatch(FlushState *flush)
{
	int			n = flush->batch.nrows;

	for (int i = 0; i < MAX_PROBES; i++)
	{
		int			row = n - 1 - (int) ((int64) i * n / MAX_PROBES);
		RowRange	range = {flush, row, 1};

		if (liveness_run_unit("liveness: write heartbeats", InsertRange, &range,
							  liveness_flush_time_left()) != UNIT_FAILED)
		{
			flush->nsuspects = 0;
			return (row == 0 || InsertRows(flush, 0, row)) &&
				(row == n - 1 || InsertRows(flush, row + 1, n - row - 1));
		}
		if (!MayBeRowsFault(liveness_unit_error->sqlerrcode))
			break;
	}
	return false;
}

/*
 * Write one batch of liveness.batch_size heartbeats at most.
 */
FlushResult
liveness_flush_batch(void)
{
	MemoryContext oldcontext;
	FlushState	flush = {.of_their_data = true};
	int64		start = liveness_monotonic_usecs();
	bool		whole;
	FlushResult result;

	if (liveness_buffer_waiting() == 0)
		return FLUSH_NOTHING;
	if (flush_context == NULL)
	{
		flush_context = AllocSetContextCreate(TopMemoryContext, "liveness flush",
											  ALLOCSET_DEFAULT_SIZES);
		RegisterXactCallback(RemoveInserted, NULL);
	}
	if (row_limit == 0 || row_limit > liveness_batch_size)
		row_limit = liveness_batch_size;
	oldcontext = MemoryContextSwitchTo(flush_context);

	whole = InsertRows(&flush, 0, 0);

	if (flush.in_doubt)
		whole = ProbeBatch(&flush);
	if (flush.nsuspects > 0)
	{
		if (flush.committed > 0 || (whole && flush.of_their_data))
		{
			for (int i = 0; i < flush.nsuspects; i++)
				SetAside(&flush, flush.suspects[i], flush.suspect_errors[i]);
		}
		else
			whole = false;
	}

	if (flush.aside > 0)
		ereport(WARNING,
				(errmsg("set aside %d of %d heartbeats, which cannot be inserted",
						flush.aside, flush.batch.nrows),
				 errdetail_internal("%s", flush.first_aside),
				 errhint("Look for a constraint, trigger or index of your own on provider_heartbeats that refuses them.")));
	if (flush.committed + flush.aside > 0)
		liveness_buffer_tell();
	if (!whole)
	{
		liveness_count_now(COUNTER_FLUSH_FAILED, 1);
		ereport(WARNING,
				(errcode(liveness_unit_error->sqlerrcode),
				 errmsg("could not write heartbeats from the buffer: %s",
						liveness_unit_error->message),
				 liveness_unit_error->detail ? errdetail_internal("%s", liveness_unit_error->detail) : 0,
				 errhint("They stay in the buffer and are tried again.")));
		if (liveness_unit_error->sqlerrcode == ERRCODE_QUERY_CANCELED && flush.has_batch)
			row_limit = Max(1, flush.batch.nrows / 2);
		result = FLUSH_FAILED;
	}
	else if (flush.committed + flush.aside > 0)
	{
		liveness_count_now(COUNTER_FLUSH_DURATION, liveness_monotonic_usecs() - start);
		row_limit = (int) Min((int64) row_limit * 2, liveness_batch_size);
		result = FLUSH_DONE;
	}
	else
		result = FLUSH_NOTHING;

	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(flush_context);
	return result;
}
