/*-------------------------------------------------------------------------
 *
 * watermark.c
 *		Which heartbeats a job has seen, with writers that commit in any order.
 *
 * A routine run takes the heartbeats that came since the last run; "since" is an id.  An id
 * is drawn from the sequence before its row can be seen, so the highest id seen
 * may have smaller ones still to come.  But whoever drew one holds ROW EXCLUSIVE
 * on the table, from before the draw to the end of the transaction.  So we
 *
 *	1. read the sequence: no id up to this "candidate" will be drawn again,
 *	2. then read who holds ROW EXCLUSIVE: the writers that may own one of them,
 *	3. once all of these have ended, take a new snapshot: it shows every row with
 *	   an id up to the candidate that there will ever be.
 *
 * A run waits a moment for step 3, as writers are short.  If one is not, the
 * candidate and its writers are kept for the next run ("pending"), and the
 * watermark stays, so that some heartbeats are taken once more.  Ids that were
 * not drawn this way (explicit ones, a sequence with a cache) are what each job has
 * nets for.
 *
 * The hourly rollup and the job that makes sessions of heartbeats have one each, in
 * their rows of liveness_job_state.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "watermark.h"

/* How long a run waits for writers: 1 + 2 + 4 + ... ms */
#define WRITER_WAITS		7

/*
 * Which table, in which database, of which cluster a watermark belongs to, and which
 * file of the sequence: TRUNCATE ... RESTART IDENTITY and ALTER SEQUENCE ... RESTART
 * give it a new one, and its ids may be past the watermark again before we look.
 */
static char *
WatermarkIdentity(const Rollup *rollup)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {
		CStringGetTextDatum(psprintf("%s.provider_heartbeats", rollup->schema))
	};
	bool		isnull;
	Datum		file;

	liveness_execute(rollup,
					 "SELECT pg_relation_filenode(pg_get_serial_sequence($1, 'id')::regclass)",
					 1, types, values, NULL, SPI_OK_SELECT);
	file = liveness_result(1, &isnull);
	return psprintf(UINT64_FORMAT "/%u/%u/%u", GetSystemIdentifier(), MyDatabaseId,
					rollup->heartbeats, isnull ? InvalidOid : DatumGetObjectId(file));
}

/*
 * Read where the job stands, from what a restore has left to be one row.
 *
 * A watermark that was made in another database or cluster (before a dump and restore),
 * or before the sequence was set back, is void: every heartbeat is taken again.
 */
void
liveness_read_watermark(const Rollup *rollup, Watermark *mark)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[2];
	bool		isnull;
	Datum		value;

	memset(mark, 0, sizeof(*mark));
	mark->identity = WatermarkIdentity(rollup);
	liveness_merge_state(rollup, mark->identity);
	values[0] = CStringGetTextDatum(mark->identity);
	values[1] = CStringGetTextDatum(rollup->name);
	mark->heard_until = DT_NOBEGIN;
	mark->swept_at = DT_NOBEGIN;
	mark->pruned_before = DT_NOBEGIN;

	liveness_execute(rollup,
					 "SELECT s.watermark_of = $1, s.watermark, s.pending, s.pending_writers,"
					 " s.swept_at, s.pruned_before, s.watermark_of, s.heard_until, s.seen_xid, s.swept_xid"
					 " FROM liveness_internal.liveness_job_state s WHERE s.job = $2",
					 2, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return;

	value = liveness_result(6, &isnull);
	if (!isnull)
		mark->pruned_before = DatumGetTimestampTz(value);
	value = liveness_result(7, &isnull);
	if (!isnull)
		mark->read_of = SPI_datumTransfer(value, false, -1);

	value = liveness_result(1, &isnull);
	if (isnull || !DatumGetBool(value))
		return;
	mark->value = liveness_result_int64(2);
	value = liveness_result(3, &isnull);
	if (!isnull)
	{
		mark->has_pending = true;
		mark->pending = DatumGetInt64(value);
		value = liveness_result(4, &isnull);
		mark->pending_writers = isnull
			? PointerGetDatum(construct_empty_array(TEXTOID))
			: SPI_datumTransfer(value, false, -1);
	}
	value = liveness_result(5, &isnull);
	if (!isnull)
		mark->swept_at = DatumGetTimestampTz(value);
	value = liveness_result(8, &isnull);
	if (!isnull)
		mark->heard_until = DatumGetTimestampTz(value);
	value = liveness_result(9, &isnull);
	if (!isnull)
		mark->seen = SPI_datumTransfer(value, false, -1);
	value = liveness_result(10, &isnull);
	if (!isnull)
		mark->swept = SPI_datumTransfer(value, false, -1);
}

/* Note where the job stands now, and how many heartbeats came too late for it */
void
liveness_write_watermark(const Rollup *rollup, Watermark *mark, int64 late)
{
	Oid			types[] = {TEXTOID, INT8OID, INT8OID, TEXTARRAYOID, TIMESTAMPTZOID,
	TIMESTAMPTZOID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, JSONBOID, JSONBOID};
	Datum		values[12];
	char		nulls[] = "            ";

	values[0] = CStringGetTextDatum(mark->identity);
	values[1] = Int64GetDatum(mark->value);
	values[2] = Int64GetDatum(mark->pending);
	values[3] = mark->pending_writers;
	if (!mark->has_pending)
		nulls[2] = nulls[3] = 'n';
	values[4] = TimestampTzGetDatum(mark->swept_at);
	values[5] = TimestampTzGetDatum(mark->pruned_before);
	values[6] = Int64GetDatum(late);
	values[7] = mark->read_of;
	if (mark->read_of == (Datum) 0)
		nulls[7] = 'n';
	values[8] = CStringGetTextDatum(rollup->name);
	values[9] = TimestampTzGetDatum(mark->heard_until);
	values[10] = mark->seen;
	if (mark->seen == (Datum) 0)
		nulls[10] = 'n';
	values[11] = mark->swept;
	if (mark->swept == (Datum) 0)
		nulls[11] = 'n';

	/* a restore may have added a row since: only the one that was read is updated */
	liveness_execute(rollup,
					 "UPDATE liveness_internal.liveness_job_state s SET watermark_of = $1, watermark = $2,"
					 " pending = $3, pending_writers = $4, swept_at = $5, pruned_before = $6,"
					 " late = s.late + $7, heard_until = $10, seen_xid = $11, swept_xid = $12"
					 " WHERE s.job = $9 AND s.watermark_of IS NOT DISTINCT FROM $8",
					 12, types, values, nulls, SPI_OK_UPDATE);
	if (SPI_processed == 0)
		liveness_execute(rollup,
						 "INSERT INTO liveness_internal.liveness_job_state (job, watermark_of, watermark, pending,"
						 " pending_writers, swept_at, pruned_before, late, heard_until, seen_xid, swept_xid)"
						 " VALUES ($9, $1, $2, $3, $4, $5, $6, $7, $10, $11, $12)",
						 12, types, values, nulls, SPI_OK_INSERT);
	mark->read_of = values[0];
}

/*
 * Those of the writers given (or of all there are) that still hold ROW EXCLUSIVE on the
 * heartbeats, or on a partition or chunk of theirs, as text[] of virtual transactions.
 * We are not one of them.  A transaction that was prepared since goes by another name,
 * so every prepared one counts.
 */
static Datum
RunningWriters(const Rollup *rollup, Datum writers, bool all, bool *none)
{
	Oid			types[] = {TEXTARRAYOID, OIDOID, OIDOID};
	Datum		values[] = {writers, ObjectIdGetDatum(rollup->heartbeats),
	ObjectIdGetDatum(MyDatabaseId)};
	bool		isnull;
	Datum		running;

	liveness_execute(rollup,
					 "WITH RECURSIVE part (relid) AS ("
					 " SELECT $2 UNION SELECT i.inhrelid FROM pg_inherits i JOIN part p ON p.relid = i.inhparent)"
					 " SELECT array_agg(DISTINCT l.virtualtransaction)"
					 " FROM pg_locks l"
					 " WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND l.granted"
					 " AND l.relation IN (SELECT p.relid FROM part p) AND l.database = $3"
					 " AND l.pid IS DISTINCT FROM pg_backend_pid()"
					 " AND ($1 IS NULL OR l.pid IS NULL OR l.virtualtransaction = ANY ($1))",
					 3, types, values, all ? "n  " : "   ", SPI_OK_SELECT);
	running = liveness_result(1, &isnull);
	*none = isnull;
	return isnull ? (Datum) 0 : SPI_datumTransfer(running, false, -1);
}

/*
 * The highest id that was drawn so far.  A sequence that was never used has a table
 * filled by other means, such as logical replication: the highest id seen has to do.
 */
static int64
HighestId(const Rollup *rollup, int64 watermark)
{
	Oid			types[] = {INT8OID, TEXTOID};
	Datum		values[] = {
		Int64GetDatum(watermark),
		CStringGetTextDatum(psprintf("%s.provider_heartbeats", rollup->schema))
	};

	liveness_execute(rollup,
					 "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence($2, 'id')::regclass),"
					 " (SELECT max(h.id) FROM %s.provider_heartbeats h WHERE h.id > $1), $1)",
					 2, types, values, NULL, SPI_OK_SELECT);
	return liveness_result_int64(1);
}

/* Wait a moment for writers to end; returns those that have not */
static Datum
WaitForWriters(const Rollup *rollup, Datum writers, bool *none)
{
	static uint32 wait_event = 0;

	if (wait_event == 0)
		wait_event = WaitEventExtensionNew("LivenessRollupWriters");
	for (int i = 0; !*none && i < WRITER_WAITS; i++)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 1L << i, wait_event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		writers = RunningWriters(rollup, writers, false, none);
	}
	return writers;
}

/*
 * May the watermark move to the candidate of an earlier run?  Notes which of its writers
 * have not ended.
 *
 * A new snapshot shows the rows of writers that have ended.  An old one shows what the
 * last run has noted, and so all that was committed before: if that run knew that the
 * writers had ended, the snapshot shows their rows, and else it may not.
 */
static bool
PendingIsComplete(const Rollup *rollup, Watermark *mark)
{
	ArrayType  *noted;
	bool		ended;
	Datum		left;

	if (!mark->has_pending)
		return false;
	noted = DatumGetArrayTypeP(mark->pending_writers);
	if (ArrayGetNItems(ARR_NDIM(noted), ARR_DIMS(noted)) == 0)
		return true;
	left = RunningWriters(rollup, mark->pending_writers, false, &ended);
	if (!IsolationUsesXactSnapshot())
		return ended;
	mark->pending_writers = ended ? PointerGetDatum(construct_empty_array(TEXTOID)) : left;
	return false;
}

/*
 * How far the watermark may move with the snapshot that is taken next (see the top of
 * the file).  Keeps what is pending for the run after this one.
 */
int64
liveness_next_watermark(const Rollup *rollup, Watermark *mark)
{
	int64		candidate = HighestId(rollup, mark->value);
	int64		next;
	Datum		writers;
	bool		none;

	if (candidate < mark->value)
	{
		mark->value = 0;
		mark->has_pending = false;
	}
	next = mark->value;

	writers = RunningWriters(rollup, (Datum) 0, true, &none);
	/* a snapshot taken long ago shows nothing new, however long we wait */
	if (!IsolationUsesXactSnapshot())
	{
		writers = WaitForWriters(rollup, writers, &none);
		if (none)
		{
			mark->has_pending = false;
			return candidate;
		}
	}
	if (PendingIsComplete(rollup, mark))
	{
		next = Max(next, mark->pending);
		mark->has_pending = false;
	}
	if (!mark->has_pending)
	{
		mark->has_pending = true;
		mark->pending = candidate;
		mark->pending_writers = none
			? PointerGetDatum(construct_empty_array(TEXTOID)) : writers;
	}
	return next;
}

/* Does the table get its ids from its sequence? */
bool
liveness_sequence_in_use(const Rollup *rollup)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(psprintf("%s.provider_heartbeats", rollup->schema))};
	bool		isnull;

	liveness_execute(rollup, "SELECT pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass)",
					 1, types, values, NULL, SPI_OK_SELECT);
	(void) liveness_result(1, &isnull);
	return !isnull;
}

