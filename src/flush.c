/*-------------------------------------------------------------------------
 *
 * flush.c
 *		Writes heartbeats from the buffer to provider_heartbeats.
 *
 * A batch is one INSERT in a transaction of its own.  A commit callback removes its
 * heartbeats from the buffer, so the worker cannot be stopped between the two and write
 * them twice or never.
 *
 * If an INSERT fails, for whatever reason, smaller batches are tried, down to one row.
 * Each batch that goes in lets the next be twice as large.  A row that fails alone is
 * noted, and the others go on.  From then on the heartbeats of its provider are tried
 * apart, one at a time, in turn with the others.  So a provider each of whose rows takes
 * all the time that a batch has (a trigger that sleeps) delays the others only by that.
 *
 * The fault may be the row's or the table's (a lock, a full disk, a trigger that always
 * fails).  If other rows go in, it is the row's.  If none goes in, it is the table's, and
 * all rows stay and are tried again later; but a few rows that each failed because of
 * their data are judged without others.  A row at fault is set aside at once if its data
 * is the reason.  Any other error may pass, so the row is set aside only after half a
 * minute of failures, or when the buffer is half full.
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
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "buffer.h"
#include "clock.h"
#include "distribution.h"
#include "flush.h"
#include "settings.h"
#include "stats.h"
#include "unit.h"

/* A batch takes little more memory than this, or that of one heartbeat */
#define MAX_BATCH_BYTES		((Size) 16 * 1024 * 1024)

/* The most heartbeats that failed alone and are remembered */
#define MAX_FAILED			1000

/* The most heartbeats with bad data that are judged without others that went in */
#define MAX_FEW				8

/* A heartbeat whose error may pass is tried again after the first, set aside after the second */
#define RETRY_DELAY			(5 * USECS_PER_SEC)
#define PATIENCE			(30 * USECS_PER_SEC)

/* While the failing row is searched for, an attempt has one part of this many of the time */
#define SEARCH_SHARE		8

/* A round in which nothing goes in ends after this many times the time for a batch */
#define ROUND_WITHOUT_SUCCESS	5

/* A provider's name in the log is no longer than this, in bytes */
#define MAX_LOGGED_NAME		100

/* A heartbeat that has failed alone, and whose fault is not yet known */
typedef struct FailedRow
{
	uint64		position;		/* in the buffer */
	uint64		provider;		/* hash of its name */
	uint64		written;		/* written_so_far before it failed */
	int64		since;			/* when its provider's heartbeats began to fail */
	int64		tried;			/* when it failed last */
	bool		of_its_data;	/* it failed because of its data */
	bool		believed;		/* it is at fault, though no other has gone in */
} FailedRow;

/* What one transaction tries */
typedef struct Attempt
{
	HeartbeatBatch batch;
	bool		apart;			/* a heartbeat of a provider with failed ones */
} Attempt;

static MemoryContext flush_context = NULL;

static FailedRow failed_rows[MAX_FAILED];
static int	nfailed = 0;

/* Rows that this worker has written, and how many it had when a batch failed last */
static uint64 written_so_far = 0;
static uint64 written_before_failure = 0;
static uint64 end_of_failure = 0;	/* position of the last row of that batch */

/* Rows of the next batch; 0: liveness.batch_size */
static int	row_limit = 0;

/* Heartbeats that were set aside in this round, and a line about the first */
static int	aside = 0;
static char *first_aside = NULL;

/* What the running transaction inserts, for the commit callback */
static const HeartbeatBatch *inserting = NULL;

static void
RemoveInserted(XactEvent event, void *arg pg_attribute_unused())
{
	if (inserting == NULL)
		return;
	if (event == XACT_EVENT_COMMIT)
	{
		liveness_buffer_remove(inserting, true);
		written_so_far += inserting->nrows;
	}
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		inserting = NULL;
}

/* INSERT ... SELECT from an array for each column works with any storage engine */
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

/* ---------- heartbeats that failed alone ---------- */

static FailedRow *
FindFailed(uint64 position)
{
	for (int i = 0; i < nfailed; i++)
	{
		if (failed_rows[i].position == position)
			return &failed_rows[i];
	}
	return NULL;
}

static FailedRow *
FindFailedOf(uint64 provider)
{
	for (int i = 0; i < nfailed; i++)
	{
		if (failed_rows[i].provider == provider)
			return &failed_rows[i];
	}
	return NULL;
}

static void
Forget(FailedRow *row)
{
	*row = failed_rows[--nfailed];
}

/* Have others gone in where this one did not? */
static bool
OthersWentIn(const FailedRow *row)
{
	return row->believed || written_so_far > row->written;
}

/* When it is tried again.  Without others that went in, the next round tries all. */
static int64
RetryAt(const FailedRow *row)
{
	if (!OthersWentIn(row))
		return PG_INT64_MAX;
	return row->of_its_data ? row->tried : row->tried + RETRY_DELAY;
}

/* HeartbeatFilter: no heartbeat of its provider has failed alone */
static bool
IsFresh(uint64 position, uint64 provider)
{
	(void) position;
	return FindFailedOf(provider) == NULL;
}

/* HeartbeatFilter: one of its provider has, and this one may be tried now */
static bool
IsApart(uint64 position, uint64 provider)
{
	FailedRow  *row = FindFailed(position);

	if (row != NULL)
		return RetryAt(row) <= liveness_monotonic_usecs();
	return FindFailedOf(provider) != NULL;
}

/* When the first of those that failed alone is tried again */
int64
liveness_flush_retry_at(void)
{
	int64		at = PG_INT64_MAX;

	for (int i = 0; i < nfailed; i++)
	{
		int64		row_at = RetryAt(&failed_rows[i]);

		at = Min(at, row_at);
	}
	return at;
}

/* Is the row's data the reason, rather than the table or the moment? */
static bool
IsOfData(int sqlerrcode)
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

/* Remove a heartbeat that cannot be inserted, and keep a line about the first for the log */
static void
SetAside(const HeartbeatBatch *batch, const char *error)
{
	if (aside++ == 0)
	{
		char	   *provider = TextDatumGetCString(batch->values[0][0]);

		first_aside = MemoryContextStrdup(TopMemoryContext,
										  psprintf("The first is of provider \"%.*s\" at %s: %s",
												   pg_mbcliplen(provider, (int) strlen(provider), MAX_LOGGED_NAME),
												   provider,
												   timestamptz_to_str(DatumGetTimestampTz(batch->values[HEARTBEAT_COLUMNS - 1][0])),
												   error));
	}
	liveness_buffer_remove(batch, false);
}

/*
 * A heartbeat has failed alone.  Note it, or set it aside: see the head of this file.
 */
static FlushResult
Judge(const HeartbeatBatch *batch)
{
	uint64		position = batch->positions[0];
	uint64		provider = batch->providers[0];
	int64		now = liveness_monotonic_usecs();
	FailedRow  *row = FindFailed(position);
	FailedRow	judged;

	if (row != NULL)
	{
		judged = *row;
		Forget(row);
	}
	else
	{
		const FailedRow *other = FindFailedOf(provider);

		judged.position = position;
		judged.believed = false;
		judged.provider = provider;
		judged.since = other ? other->since : now;
		judged.written = other ? other->written :
			position <= end_of_failure ? written_before_failure : written_so_far;
	}
	judged.tried = now;
	judged.of_its_data = IsOfData(liveness_unit_error->sqlerrcode);

	if (OthersWentIn(&judged) &&
		(judged.of_its_data || now - judged.since >= PATIENCE || nfailed == MAX_FAILED ||
		 liveness_buffer_bytes() > liveness_buffer_size_bytes() / 2))
	{
		SetAside(batch, liveness_unit_error->message);
		return FLUSH_DONE;
	}
	if (nfailed == MAX_FAILED)
		return FLUSH_FAILED;
	failed_rows[nfailed++] = judged;
	return FLUSH_AGAIN;
}

/* ---------- writing ---------- */

/* A unit: read a batch and insert it */
static void
InsertBatch(const InstalledExtension *extension, void *arg)
{
	Attempt    *attempt = (Attempt *) arg;
	HeartbeatBatch *batch = &attempt->batch;
	Oid			types[HEARTBEAT_COLUMNS];
	Datum		values[HEARTBEAT_COLUMNS];
	MemoryContext oldcontext = MemoryContextSwitchTo(flush_context);

	liveness_buffer_read(batch, extension->oid, attempt->apart ? 1 : row_limit, MAX_BATCH_BYTES,
						 attempt->apart ? IsApart : nfailed > 0 ? IsFresh : NULL);
	MemoryContextSwitchTo(oldcontext);
	if (batch->nrows == 0)
		return;

	for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
	{
		int			dims[] = {batch->nrows};
		int			lower_bounds[] = {1};
		Oid			type = heartbeat_columns[i].type;
		int16		typlen;
		bool		typbyval;
		char		typalign;

		get_typlenbyvalalign(type, &typlen, &typbyval, &typalign);
		types[i] = get_array_type(type);
		values[i] = PointerGetDatum(construct_md_array(batch->values[i], batch->nulls[i],
													   1, dims, lower_bounds,
													   type, typlen, typbyval, typalign));
	}
	/* a batch goes to most shards, and Citus would open a connection for each of them */
	if (liveness_is_distributed(extension))
		(void) set_config_option("citus.multi_shard_modify_mode", "sequential", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	if (SPI_execute_with_args(InsertStatement(extension), HEARTBEAT_COLUMNS, types, values,
							  NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "unexpected result of the INSERT of heartbeats");
	inserting = batch;
}

/* Write a batch, or find out more about what cannot be written */
static FlushResult
TryBatch(bool apart, int64 deadline)
{
	Attempt    *attempt = (Attempt *) MemoryContextAllocZero(flush_context, sizeof(Attempt));
	int			n;
	bool		searching = !apart && row_limit > 1 && row_limit < liveness_batch_size;
	int64		usecs = (int64) (liveness_flush_timeout * USECS_PER_SEC);
	int64		start = liveness_monotonic_usecs();
	UnitResult	result;

	if (searching)
		usecs /= SEARCH_SHARE;
	usecs = Min(usecs, deadline - start) / 1000;
	attempt->apart = apart;
	result = liveness_run_unit("liveness: write heartbeats", InsertBatch, attempt,
							   (int) Max(usecs, 1));
	n = attempt->batch.nrows;
	if (result == UNIT_NO_EXTENSION)
		return FLUSH_NO_EXTENSION;
	if (result == UNIT_DONE)
	{
		FailedRow  *row;

		if (n == 0)
			return FLUSH_NOTHING;
		liveness_count_now(COUNTER_FLUSH_DURATION, liveness_monotonic_usecs() - start);
		if ((row = FindFailed(attempt->batch.positions[0])) != NULL)
			Forget(row);
		if (!apart)
			row_limit = (int) Min((int64) row_limit * 2, liveness_batch_size);
		return FLUSH_DONE;
	}
	if (n == 0)
		return FLUSH_FAILED;
	if (n == 1 && !searching)
		return Judge(&attempt->batch);
	if (n > 1)
	{
		written_before_failure = written_so_far;
		end_of_failure = attempt->batch.positions[n - 1];
	}
	row_limit = Max(n / 2, 1);
	return FLUSH_AGAIN;
}

/* Have heartbeats failed since which no other has gone in? */
static bool
InDoubt(void)
{
	for (int i = 0; i < nfailed; i++)
	{
		if (!OthersWentIn(&failed_rows[i]))
			return true;
	}
	return false;
}

/* A new round tries these again, together with the others */
static void
ForgetDoubtful(void)
{
	for (int i = nfailed - 1; i >= 0; i--)
	{
		if (!OthersWentIn(&failed_rows[i]))
			Forget(&failed_rows[i]);
	}
}

/* Called when nothing else waits: a few heartbeats with bad data are then at fault */
static bool
BelieveFew(void)
{
	if (nfailed == 0 || nfailed > MAX_FEW || !InDoubt())
		return false;
	for (int i = 0; i < nfailed; i++)
	{
		if (!failed_rows[i].of_its_data)
			return false;
	}
	for (int i = 0; i < nfailed; i++)
		failed_rows[i].believed = true;
	return true;
}

/*
 * Try what is next.  While others wait, heartbeats of providers with failed ones take no
 * more than half of the time.
 */
static FlushResult
TryNext(int64 deadline)
{
	static int64 apart_from = 0;
	bool		apart = nfailed > 0 && liveness_monotonic_usecs() >= apart_from;
	FlushResult result = FLUSH_NOTHING;

	for (int i = 0; i < (nfailed > 0 ? 2 : 1) && result == FLUSH_NOTHING; i++)
	{
		int64		start = liveness_monotonic_usecs();
		bool		now_apart = i == 0 ? apart : !apart;

		result = TryBatch(now_apart, deadline);
		if (now_apart)
			apart_from = 2 * liveness_monotonic_usecs() - start;
	}
	if (result == FLUSH_NOTHING && BelieveFew())
		result = FLUSH_AGAIN;
	return result;
}

static void
ReportRound(int64 rows, FlushResult result)
{
	if (aside > 0)
	{
		ereport(WARNING,
				(errmsg("set aside %d of %lld heartbeats, which cannot be inserted",
						aside, (long long) rows),
				 errdetail_internal("%s", first_aside),
				 errhint("Look for a constraint, trigger or index of your own on provider_heartbeats that refuses them.")));
		pfree(first_aside);
		aside = 0;
	}
	if (result == FLUSH_FAILED)
	{
		liveness_count_now(COUNTER_FLUSH_FAILED, 1);
		ereport(WARNING,
				(errcode(liveness_unit_error->sqlerrcode),
				 errmsg("could not write heartbeats from the buffer: %s",
						liveness_unit_error->message),
				 liveness_unit_error->detail ? errdetail_internal("%s", liveness_unit_error->detail) : 0,
				 errhint("They stay in the buffer and are tried again.")));
	}
}

/*
 * Write what waits in the buffer now, until the deadline or until *stop.  What comes
 * meanwhile is left to the next round.
 */
FlushResult
liveness_flush_round(int64 deadline, const volatile sig_atomic_t *stop)
{
	int64		waiting = liveness_buffer_waiting();
	int64		start = liveness_monotonic_usecs();
	int64		patience = ROUND_WITHOUT_SUCCESS * (int64) (liveness_flush_timeout * USECS_PER_SEC);
	uint64		written = written_so_far;
	int64		rows;
	MemoryContext oldcontext;
	FlushResult result;

	if (waiting == 0)
	{
		while (nfailed > 0)
			Forget(&failed_rows[nfailed - 1]);
		return FLUSH_NOTHING;
	}
	if (flush_context == NULL)
	{
		flush_context = AllocSetContextCreate(TopMemoryContext, "liveness flush",
											  ALLOCSET_DEFAULT_SIZES);
		RegisterXactCallback(RemoveInserted, NULL);
	}
	if (row_limit == 0 || row_limit > liveness_batch_size)
		row_limit = liveness_batch_size;
	ForgetDoubtful();
	oldcontext = MemoryContextSwitchTo(flush_context);

	do
	{
		int64		now;

		result = TryNext(deadline);
		if (result == FLUSH_DONE)
			liveness_buffer_tell();
		MemoryContextReset(flush_context);
		rows = (int64) (written_so_far - written) + aside;
		now = liveness_monotonic_usecs();
		if (now >= deadline || rows >= waiting || (stop != NULL && *stop) ||
			(now - start >= patience && (result != FLUSH_DONE || nfailed > 0)))
			break;
	} while (result == FLUSH_DONE || result == FLUSH_AGAIN);

	MemoryContextSwitchTo(oldcontext);

	/* if nothing was written and no row is known to be at fault, the table is */
	if ((result != FLUSH_DONE && InDoubt()) ||
		(result == FLUSH_AGAIN && rows == 0 && nfailed == 0))
		result = FLUSH_FAILED;
	/* a stop cancels the batch, which is no failure */
	if (result == FLUSH_FAILED && stop != NULL && *stop)
		result = FLUSH_AGAIN;
	ReportRound(rows, result);
	return result;
}
