/*-------------------------------------------------------------------------
 *
 * rollup_sessions.c
 *		Sessions from heartbeats alone: provider_heartbeats -> provider_sessions.
 *
 * A session of the coordinator "heartbeats" is a run of heartbeats with no gap longer
 * than the timeout.  Heartbeats inside of a session of another coordinator are left out.
 * While a session is open, last_heartbeat_at is its last heartbeat; liveness_close_stale
 * ends it there.
 *
 * A session that is known stands for its heartbeats: a run takes those that are new,
 * makes runs of them, joins these with the sessions within a timeout of them, and writes
 * what has changed.  So late heartbeats extend, fill or join sessions, nothing is
 * shortened, and the result does not depend on the order in which heartbeats arrived.
 * New are
 *
 *	- the heartbeats since the watermark (watermark.c),
 *	- those whose stamp lay too far ahead until now,
 *	- once an hour, those of the last liveness.rollup_lookback, whatever their ids are, and
 *	- those that a session of another coordinator no longer covers.
 *
 * Other coordinators.  A row that one has written since the last run shows by its xmin,
 * which is not older than the oldest transaction that was running then.  Each run looks
 * at sessions that are open or ended a short time ago, and once an hour a run looks at
 * all that raw heartbeats may lie in.  If such a session overlaps one of ours, ours is
 * cut where it begins, and what follows is read again.  Only there can a session get
 * shorter, and never before the hour up to which raw heartbeats were pruned.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "rollup.h"
#include "settings.h"
#include "timemath.h"
#include "watermark.h"

/* How often heartbeats and sessions are looked at whose age or id hides that they are new */
#define SWEEP_INTERVAL		USECS_PER_HOUR

/* How long ago a session may have ended that each run looks at */
#define RECENT_END			(2 * USECS_PER_DAY)

/* What is the same in all statements of a run */
typedef struct Sessionizing
{
	Rollup		rollup;
	int64		timeout;		/* usecs */
	TimestampTz ahead;			/* a heartbeat stamped later says nothing */
} Sessionizing;

static int64
ExecuteAndCount(const Sessionizing *run, const char *sql, int expected)
{
	liveness_execute(&run->rollup, sql, 0, NULL, NULL, NULL, expected);
	return (int64) SPI_processed;
}

/*
 * Join the heartbeats in the relation "fresh" with the sessions that are there, and
 * write what has changed.  Returns the number of rows that were written or deleted.
 */
static int64
MergeFresh(const Sessionizing *run)
{
	const Rollup *rollup = &run->rollup;
	Oid			since_type[] = {TIMESTAMPTZOID};
	Oid			timeout_type[] = {INT8OID};
	Datum		timeout[] = {Int64GetDatum(run->timeout)};
	Datum		oldest;
	bool		isnull;
	Tuplestorestate *covers;
	Tuplestorestate *runs;
	Tuplestorestate *near;
	Tuplestorestate *joined;
	int64		rows;

	liveness_execute(rollup, "SELECT min(f.at) FROM fresh f", 0, NULL, NULL, NULL, SPI_OK_SELECT);
	oldest = liveness_result(1, &isnull);
	if (isnull)
		return 0;

	covers = liveness_compute(rollup, "covers",
							  "SELECT s.provider_id, range_agg(tstzrange(s.connected_at,"
							  "  COALESCE(s.disconnected_at, 'infinity'), '[]')) AS times"
							  " FROM %s.provider_sessions s"
							  " WHERE s.coordinator_id <> 'heartbeats'"
							  " AND (s.disconnected_at IS NULL"
							  "  OR s.disconnected_at >= $1 AND s.disconnected_at >= s.connected_at)"
							  " GROUP BY s.provider_id",
							  1, since_type, &oldest);
	runs = liveness_compute(rollup, "runs",
							"SELECT f.provider_id, liveness_internal.liveness_runs(f.at, f.at, $1) AS bounds"
							" FROM fresh f LEFT JOIN covers c ON c.provider_id = f.provider_id"
							" WHERE (f.at <@ c.times) IS NOT TRUE"
							" GROUP BY f.provider_id",
							1, timeout_type, timeout);
	/* the last session before the first run, and all from there to a timeout after the last */
	near = liveness_compute(rollup, "near",
							"SELECT r.provider_id, s.id, s.connected_at, s.heard_at, s.disconnected_at, s.disconnect_reason"
							" FROM runs r CROSS JOIN LATERAL ("
							"  (SELECT s.id, s.connected_at, s.disconnected_at, s.disconnect_reason,"
							"    GREATEST(s.connected_at, s.last_heartbeat_at) AS heard_at"
							"   FROM %s.provider_sessions s"
							"   WHERE s.provider_id = r.provider_id AND s.coordinator_id = 'heartbeats'"
							"   AND s.connected_at < r.bounds[1]"
							"   ORDER BY s.connected_at DESC LIMIT 1)"
							"  UNION ALL"
							"  SELECT s.id, s.connected_at, s.disconnected_at, s.disconnect_reason,"
							"   GREATEST(s.connected_at, s.last_heartbeat_at)"
							"  FROM %s.provider_sessions s"
							"  WHERE s.provider_id = r.provider_id AND s.coordinator_id = 'heartbeats'"
							"  AND s.connected_at >= r.bounds[1]"
							"  AND s.connected_at <= r.bounds[cardinality(r.bounds)] + make_interval(secs => $1 / 1e6)"
							" ) s WHERE isfinite(s.connected_at) AND isfinite(s.heard_at)",
							1, timeout_type, timeout);
	joined = liveness_compute(rollup, "joined",
							  "SELECT b.provider_id, b.since, b.until, min(n.id) AS id,"
							  " max(n.disconnected_at) FILTER (WHERE n.heard_at = b.until) AS disconnected_at,"
							  " COALESCE(max(n.disconnect_reason) FILTER (WHERE n.heard_at = b.until"
							  "  AND n.disconnected_at IS NOT NULL), '') AS disconnect_reason"
							  " FROM (SELECT j.provider_id, j.bounds[2 * i - 1] AS since, j.bounds[2 * i] AS until"
							  "  FROM (SELECT t.provider_id, liveness_internal.liveness_runs(t.since, t.until, $1) AS bounds"
							  "   FROM (SELECT r.provider_id, r.bounds[2 * i - 1] AS since, r.bounds[2 * i] AS until"
							  "     FROM runs r CROSS JOIN LATERAL generate_series(1, cardinality(r.bounds) / 2) i"
							  "    UNION ALL"
							  "    SELECT n.provider_id, n.connected_at, n.heard_at FROM near n) t"
							  "   GROUP BY t.provider_id) j"
							  "  CROSS JOIN LATERAL generate_series(1, cardinality(j.bounds) / 2) i) b"
							  " LEFT JOIN near n ON n.provider_id = b.provider_id"
							  "  AND n.connected_at >= b.since AND n.connected_at <= b.until"
							  " GROUP BY b.provider_id, b.since, b.until",
							  1, timeout_type, timeout);

	/* liveness_close_stale may be at them */
	liveness_execute(rollup,
					 "SELECT liveness_internal.liveness_lock_sessions(array_agg(n.id)) FROM near n",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	rows = ExecuteAndCount(run,
						   "DELETE FROM %s.provider_sessions s USING near n"
						   " WHERE s.provider_id = n.provider_id AND s.id = n.id"
						   " AND NOT EXISTS (SELECT FROM joined j WHERE j.id = n.id)",
						   SPI_OK_DELETE);
	rows += ExecuteAndCount(run,
							"UPDATE %s.provider_sessions s SET connected_at = j.since, last_heartbeat_at = j.until,"
							" disconnected_at = j.disconnected_at, disconnect_reason = j.disconnect_reason"
							" FROM joined j WHERE s.provider_id = j.provider_id AND s.id = j.id"
							" AND (s.connected_at <> j.since OR s.last_heartbeat_at IS DISTINCT FROM j.until)",
							SPI_OK_UPDATE);
	rows += ExecuteAndCount(run,
							"INSERT INTO %s.provider_sessions (provider_id, connected_at, last_heartbeat_at, coordinator_id)"
							" SELECT j.provider_id, j.since, j.until, 'heartbeats' FROM joined j WHERE j.id IS NULL"
							" ORDER BY j.since",
							SPI_OK_INSERT);

	liveness_forget("joined", joined);
	liveness_forget("near", near);
	liveness_forget("runs", runs);
	liveness_forget("covers", covers);
	return rows;
}

/* ---------- a range ---------- */

/* The heartbeats of [since, until), a day at a time */
static int64
SessionizeRange(const Sessionizing *run, TimestampTz since, TimestampTz until)
{
	const Rollup *rollup = &run->rollup;
	TimestampTz day = DT_NOBEGIN;
	int64		heartbeats = 0;
	int64		rows = 0;

	for (;;)
	{
		Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
		Datum		values[] = {TimestampTzGetDatum(since), TimestampTzGetDatum(until),
		TimestampTzGetDatum(run->ahead)};
		Datum		first;
		bool		isnull;
		Tuplestorestate *fresh;

		CHECK_FOR_INTERRUPTS();
		liveness_execute(rollup,
						 "SELECT min(h.at) FROM %s.provider_heartbeats h"
						 " WHERE h.at >= $1 AND h.at < $2 AND h.at <= $3 AND h.at > '-infinity'",
						 3, types, values, NULL, SPI_OK_SELECT);
		first = liveness_result(1, &isnull);
		if (isnull)
			return rows;
		/* a single day needs no word */
		if (heartbeats > 0)
			ereport(NOTICE,
					(errmsg("%lld heartbeats from %s on were taken, %lld sessions written so far",
							(long long) heartbeats, timestamptz_to_str(day), (long long) rows)));
		day = liveness_hour_of(DatumGetTimestampTz(first));
		since = day + USECS_PER_DAY;
		values[0] = TimestampTzGetDatum(DatumGetTimestampTz(first));
		values[1] = TimestampTzGetDatum(Min(since, until));
		fresh = liveness_compute(rollup, "fresh",
								 "SELECT h.provider_id, h.at FROM %s.provider_heartbeats h"
								 " WHERE h.at >= $1 AND h.at < $2 AND h.at <= $3",
								 3, types, values);
		heartbeats = tuplestore_tuple_count(fresh);
		rows += MergeFresh(run);
		liveness_forget("fresh", fresh);
		if (since >= until)
			return rows;
	}
}

/* ---------- the routine run ---------- */

/* Raw heartbeats before this hour may be gone */
static TimestampTz
PrunedBefore(const Rollup *rollup)
{
	bool		isnull;
	Datum		pruned;

	liveness_execute(rollup,
					 "SELECT max(s.pruned_before) FROM liveness_internal.liveness_job_state s WHERE s.job = 'hourly'",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	pruned = liveness_result(1, &isnull);
	return isnull ? DT_NOBEGIN : DatumGetTimestampTz(pruned);
}

/* The oldest transaction that runs now, without the part that xmin lacks */
static int64
OldestRunningXid(const Rollup *rollup)
{
	liveness_execute(rollup, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::int8",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	return liveness_result_int64(1);
}

/*
 * Cut our sessions where one begins that another coordinator has written since, in the
 * relation "changed".  What follows is read again by the caller.
 */
static int64
CutSessions(const Sessionizing *run, TimestampTz pruned_before)
{
	const Rollup *rollup = &run->rollup;
	Oid			types[] = {TIMESTAMPTZOID};
	Datum		values[] = {TimestampTzGetDatum(pruned_before)};
	int64		rows;

	liveness_execute(rollup,
					 "DELETE FROM %s.provider_sessions s USING changed c"
					 " WHERE c.is_cut AND s.provider_id = c.provider_id AND s.coordinator_id = 'heartbeats'"
					 " AND s.connected_at >= GREATEST(c.since, $1)",
					 1, types, values, NULL, SPI_OK_DELETE);
	rows = (int64) SPI_processed;
	liveness_execute(rollup,
					 "UPDATE %s.provider_sessions s SET disconnected_at = NULL, disconnect_reason = '',"
					 " last_heartbeat_at = COALESCE("
					 "  (SELECT h.at FROM %s.provider_heartbeats h"
					 "   WHERE h.provider_id = s.provider_id AND h.at >= s.connected_at"
					 "   AND h.at < GREATEST(c.since, $1)"
					 "   AND NOT EXISTS (SELECT FROM %s.provider_sessions o"
					 "    WHERE o.provider_id = s.provider_id AND o.coordinator_id <> 'heartbeats'"
					 "    AND o.connected_at <= h.at AND COALESCE(o.disconnected_at, 'infinity') >= h.at)"
					 "   ORDER BY h.at DESC LIMIT 1), GREATEST(c.since, $1))"
					 " FROM changed c"
					 " WHERE c.is_cut AND s.provider_id = c.provider_id AND s.coordinator_id = 'heartbeats'"
					 " AND s.connected_at < GREATEST(c.since, $1) AND s.last_heartbeat_at >= GREATEST(c.since, $1)",
					 1, types, values, NULL, SPI_OK_UPDATE);
	return rows + (int64) SPI_processed;
}

/*
 * The sessions that other coordinators have written since the last run, as "changed": for
 * each provider from when on its heartbeats are read again, and whether sessions of ours
 * are to be cut there.
 */
static Tuplestorestate *
ComputeChanged(const Sessionizing *run, const Watermark *mark, bool sweep, TimestampTz pruned_before)
{
	Oid			types[] = {INT8OID, TIMESTAMPTZOID};
	TimestampTz recent = run->rollup.started_at - RECENT_END;
	Datum		values[] = {
		Int64GetDatum(sweep ? mark->swept_xid : mark->seen_xid),
		TimestampTzGetDatum(sweep ? pruned_before : Max(recent, pruned_before))
	};

	return liveness_compute(&run->rollup, "changed",
							"SELECT w.provider_id, min(w.since) AS since, bool_or(w.is_cut) AS is_cut"
							" FROM (SELECT s.provider_id, o.is_cut,"
							"   CASE WHEN o.is_cut THEN s.connected_at ELSE s.disconnected_at END AS since"
							"  FROM %s.provider_sessions s CROSS JOIN LATERAL ("
							"   SELECT EXISTS (SELECT FROM %s.provider_sessions e"
							"    WHERE e.provider_id = s.provider_id AND e.coordinator_id = 'heartbeats'"
							"    AND e.connected_at <= COALESCE(s.disconnected_at, 'infinity')"
							"    AND e.last_heartbeat_at >= s.connected_at) AS is_cut) o"
							"  WHERE s.coordinator_id <> 'heartbeats'"
							"  AND (s.disconnected_at IS NULL OR s.disconnected_at >= $2)"
							"  AND age(s.xmin) <= age($1::text::xid8::xid)) w"
							" WHERE w.since IS NOT NULL GROUP BY w.provider_id",
							2, types, values);
}

/* The heartbeats that are new to this run, as "fresh" */
static Tuplestorestate *
ComputeFresh(const Sessionizing *run, const Watermark *mark, bool sweep)
{
	Oid			types[] = {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	TimestampTz lookback = sweep
		? run->rollup.started_at - liveness_rollup_lookback * USECS_PER_SEC : DT_NOEND;
	Datum		values[] = {
		Int64GetDatum(mark->value), TimestampTzGetDatum(mark->heard_until),
		TimestampTzGetDatum(run->ahead), TimestampTzGetDatum(lookback)
	};

	return liveness_compute(&run->rollup, "fresh",
							"SELECT h.provider_id, h.at FROM %s.provider_heartbeats h"
							" WHERE h.id > $1 AND h.at <= $3 AND h.at > '-infinity'"
							" UNION ALL"
							" SELECT h.provider_id, h.at FROM %s.provider_heartbeats h"
							" WHERE h.at > $2 AND h.at <= $3 AND $2 > '-infinity'"
							" UNION ALL"
							" SELECT h.provider_id, h.at FROM %s.provider_heartbeats h"
							" WHERE h.at >= $4 AND h.at <= $3"
							" UNION ALL"
							" SELECT h.provider_id, h.at FROM changed c"
							" JOIN %s.provider_heartbeats h ON h.provider_id = c.provider_id"
							"  AND h.at >= c.since AND h.at <= $3 AND h.at > '-infinity'",
							4, types, values);
}

static int64
SessionizeRoutine(Sessionizing *run)
{
	const Rollup *rollup = &run->rollup;
	Watermark	mark;
	int64		next;
	int64		xid;
	int64		rows;
	bool		sweep;

	liveness_read_watermark(rollup, &mark);
	next = liveness_next_watermark(rollup, &mark);
	xid = OldestRunningXid(rollup);
	/* a clock that was set back must not delay the net */
	sweep = mark.swept_at > rollup->started_at ||
		rollup->started_at - SWEEP_INTERVAL >= mark.swept_at || !liveness_sequence_in_use(rollup);

	if (mark.seen_xid == 0)
	{
		/* without a watermark every heartbeat is new */
		sweep = true;
		rows = SessionizeRange(run, DT_NOBEGIN, DT_NOEND);
	}
	else
	{
		Tuplestorestate *changed = ComputeChanged(run, &mark, sweep, PrunedBefore(rollup));
		Tuplestorestate *fresh;

		rows = CutSessions(run, PrunedBefore(rollup));
		fresh = ComputeFresh(run, &mark, sweep);
		rows += MergeFresh(run);
		liveness_forget("fresh", fresh);
		liveness_forget("changed", changed);
	}

	mark.value = next;
	mark.heard_until = Max(mark.heard_until, run->ahead);
	mark.seen_xid = xid;
	if (sweep)
	{
		mark.swept_at = rollup->started_at;
		mark.swept_xid = xid;
	}
	liveness_write_watermark(rollup, &mark, 0);
	return rows;
}

/* ---------- SQL ---------- */

/* Close those that are silent; of all coordinators, if liveness.close_stale is on */
static int64
CloseStale(const Sessionizing *run, bool tracked)
{
	Oid			types[] = {FLOAT8OID, TEXTOID};
	Datum		values[] = {
		Float8GetDatum(SECONDS(run->timeout)), CStringGetTextDatum("heartbeats")
	};

	if (!tracked && !liveness_close_stale)
		return 0;
	liveness_execute(&run->rollup, "SELECT %s.liveness_close_stale(make_interval(secs => $1), $2)",
					 2, types, values, liveness_close_stale ? " n" : "  ", SPI_OK_SELECT);
	return liveness_result_int64(1);
}

static bool
BeginSessions(Sessionizing *run, bool tracks, FunctionCallInfo fcinfo)
{
	liveness_check_writable("liveness_sessionize()");
	if (!liveness_begin_rollup(&run->rollup, "sessions", LOCK_SESSIONS, "%s.provider_heartbeats",
							   "%s.provider_sessions, liveness_internal.liveness_job_state", fcinfo))
		return false;
	if (run->rollup.distributed && tracks)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("sessions are not made of heartbeats where Citus distributes the tables"),
				 errhint("Turn liveness.track_sessions off, and open sessions by liveness_open_session().")));
	run->timeout = liveness_session_timeout_usecs();
	run->ahead = GetCurrentTransactionStartTimestamp() + run->timeout;
	return true;
}

/*
 * liveness_sessionize(since timestamptz, until timestamptz, timeout interval) -> bigint
 *
 * Makes sessions of the heartbeats of [since, until).  Returns how many were written, or
 * NULL if another run is in progress.
 */
PG_FUNCTION_INFO_V1(liveness_sessionize);
Datum
liveness_sessionize(PG_FUNCTION_ARGS)
{
	Sessionizing run;
	TimestampTz since = PG_ARGISNULL(0) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(0);
	TimestampTz until = PG_ARGISNULL(1) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(1);
	int64		rows;

	if (!BeginSessions(&run, true, fcinfo))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(2))
		run.timeout = liveness_span_argument(fcinfo, 2, "timeout");
	rows = SessionizeRange(&run, since, until);
	(void) CloseStale(&run, true);
	liveness_end_rollup(&run.rollup, rows);
	PG_RETURN_INT64(rows);
}

/*
 * liveness_run_sessions(asked boolean) -> bigint
 *
 * The job: makes sessions where liveness.track_sessions is on, or whoever runs it by hand
 * has asked, and closes silent ones.  Returns how many sessions were written.
 */
PG_FUNCTION_INFO_V1(liveness_run_sessions);
Datum
liveness_run_sessions(PG_FUNCTION_ARGS)
{
	Sessionizing run;
	bool		tracked = PG_GETARG_BOOL(0) || liveness_track_sessions;
	int64		rows = 0;

	if (!BeginSessions(&run, tracked, fcinfo))
		PG_RETURN_NULL();
	if (tracked)
		rows = SessionizeRoutine(&run);
	rows += CloseStale(&run, tracked);
	liveness_end_rollup(&run.rollup, rows);
	PG_RETURN_INT64(rows);
}
