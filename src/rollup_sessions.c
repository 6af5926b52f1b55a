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

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
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

/*
 * The arguments of all statements: $1 the timeout; $2 a heartbeat stamped later says
 * nothing; $3 to $5 the marks of the heartbeats that are new; $6 to $8 for each provider
 * whose sessions others have changed: from when on, and are ours cut there; $9 the
 * earliest heartbeat that is new; $10 raw heartbeats before may be gone
 */
enum
{
	TIMEOUT, AHEAD, WATERMARK, HEARD_UNTIL, LOOKBACK, CHANGED, OLDEST = CHANGED + 3,
	PRUNED_BEFORE, NARGS
};

static Oid types[NARGS] = {
	INT8OID, TIMESTAMPTZOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTARRAYOID,
	TIMESTAMPTZARRAYOID, BOOLARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID
};

/* What is the same in all statements of a run */
typedef struct Sessionizing
{
	Rollup		rollup;
	int64		timeout;		/* usecs */
	TimestampTz ahead;
	Datum		values[NARGS];
} Sessionizing;

/* The relations of this run: where Citus distributes the tables, they are queries */
typedef struct Relations
{
	const char *fresh;			/* heartbeats that are new: provider_id, at */
	const char *joined;			/* sessions as they shall be */
} Relations;

/* In a statement, @f and @j stand for the relations */
static char *
Fill(const char *format, const Relations *relations)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (const char *p = format; *p; p++)
	{
		if (p[0] == '@' && (p[1] == 'f' || p[1] == 'j'))
			appendStringInfoString(&sql, *++p == 'f' ? relations->fresh : relations->joined);
		else
			appendStringInfoChar(&sql, *p);
	}
	return sql.data;
}

static int64
Execute(Sessionizing *run, const char *sql, int expected)
{
	liveness_execute(&run->rollup, sql, NARGS, types, run->values, NULL, expected);
	return (int64) SPI_processed;
}

/* Sessions of ours */
#define OURS " s.coordinator_id = 'heartbeats'"

/* Heartbeats that no session of another coordinator covers, as runs of each provider */
#define RUNS \
	"(SELECT f.provider_id, liveness_internal.liveness_runs(f.at, f.at, $1) AS bounds" \
	" FROM @f f LEFT JOIN (SELECT s.provider_id, range_agg(tstzrange(s.connected_at," \
	"   COALESCE(s.disconnected_at, 'infinity'), '[]')) AS times" \
	"  FROM %s.provider_sessions s" \
	"  WHERE s.coordinator_id <> 'heartbeats'" \
	"  AND (s.disconnected_at IS NULL OR s.disconnected_at >= $9 AND s.disconnected_at >= s.connected_at)" \
	"  GROUP BY s.provider_id) c ON c.provider_id = f.provider_id" \
	" WHERE (f.at <@ c.times) IS NOT TRUE" \
	" GROUP BY f.provider_id)"

/* The sessions near them: the last before the first run, and all from there to a timeout after the last */
#define NEAR \
	"(SELECT liveness_internal.liveness_runs(s.connected_at, s.heard_at, $1) AS bounds FROM (" \
	"  (SELECT s.connected_at, GREATEST(s.connected_at, s.last_heartbeat_at) AS heard_at" \
	"   FROM %s.provider_sessions s" \
	"   WHERE s.provider_id = r.provider_id AND" OURS \
	"   AND s.connected_at < r.bounds[1]" \
	"   ORDER BY s.connected_at DESC LIMIT 1)" \
	"  UNION ALL" \
	"  SELECT s.connected_at, GREATEST(s.connected_at, s.last_heartbeat_at)" \
	"  FROM %s.provider_sessions s" \
	"  WHERE s.provider_id = r.provider_id AND" OURS \
	"  AND s.connected_at >= r.bounds[1]" \
	"  AND s.connected_at <= r.bounds[cardinality(r.bounds)] + make_interval(secs => $1 / 1e6)" \
	" ) s WHERE isfinite(s.connected_at) AND isfinite(s.heard_at))"

/* Both joined, with the sessions that are there */
#define JOINED \
	"SELECT b.provider_id, b.since, b.until, n.id, n.ids, n.disconnected_at, n.disconnect_reason" \
	" FROM (SELECT j.provider_id, j.bounds[2 * j.i - 1] AS since, j.bounds[2 * j.i] AS until" \
	"  FROM (SELECT j.provider_id, j.bounds, generate_series(1, cardinality(j.bounds) / 2) AS i" \
	"   FROM (SELECT t.provider_id, liveness_internal.liveness_runs(t.bounds[2 * i - 1], t.bounds[2 * i], $1) AS bounds" \
	"    FROM (SELECT r.provider_id, r.bounds || n.bounds AS bounds" \
	"     FROM " RUNS " r CROSS JOIN LATERAL " NEAR " n) t" \
	"    CROSS JOIN LATERAL generate_series(1, cardinality(t.bounds) / 2) i" \
	"    GROUP BY t.provider_id) j) j) b" \
	" CROSS JOIN LATERAL (SELECT min(s.id) AS id, array_agg(s.id) AS ids," \
	"  max(s.disconnected_at) FILTER (WHERE GREATEST(s.connected_at, s.last_heartbeat_at) = b.until) AS disconnected_at," \
	"  COALESCE(max(s.disconnect_reason) FILTER (WHERE GREATEST(s.connected_at, s.last_heartbeat_at) = b.until" \
	"   AND s.disconnected_at IS NOT NULL), '') AS disconnect_reason" \
	"  FROM %s.provider_sessions s" \
	"  WHERE s.provider_id = b.provider_id AND" OURS \
	"  AND s.connected_at >= b.since AND s.connected_at <= b.until" \
	"  AND isfinite(GREATEST(s.connected_at, s.last_heartbeat_at))) n"

/*
 * Join the heartbeats that the query gives with the sessions that are there, and write
 * what has changed.  Returns the number of rows that were written or deleted, and in
 * *heartbeats how many there were.
 *
 * Where Citus distributes the tables, each statement computes what it writes from what
 * the one before has left, and may see more heartbeats.  So a session is deleted only if
 * an earlier one takes its time in by then.
 */
static int64
MergeFresh(Sessionizing *run, const char *query, int64 *heartbeats)
{
	const Rollup *rollup = &run->rollup;
	Relations	relations = {"fresh", "joined"};
	bool		isnull;
	Tuplestorestate *fresh = NULL;
	Tuplestorestate *joined = NULL;
	int64		rows;

	if (rollup->distributed)
		relations.fresh = psprintf("(%s)", query);
	else
		fresh = liveness_compute(rollup, "fresh", query, NARGS, types, run->values);
	(void) Execute(run, Fill("SELECT min(f.at), count(*) FROM @f f", &relations), SPI_OK_SELECT);
	run->values[OLDEST] = liveness_result(1, &isnull);
	*heartbeats = liveness_result_int64(2);
	if (isnull)
	{
		if (fresh)
			liveness_forget("fresh", fresh);
		return 0;
	}
	if (rollup->distributed)
		relations.joined = Fill("(" JOINED ")", &relations);
	else
	{
		joined = liveness_compute(rollup, "joined", Fill(JOINED, &relations), NARGS, types,
								  run->values);
		/* liveness_close_stale may be at them */
		(void) Execute(run,
					   "SELECT liveness_internal.liveness_lock_sessions(array_agg(i))"
					   " FROM joined j CROSS JOIN LATERAL unnest(j.ids) i", SPI_OK_SELECT);
	}
	rows = Execute(run,
				   Fill("UPDATE %s.provider_sessions s SET connected_at = j.since, last_heartbeat_at = j.until,"
						" disconnected_at = j.disconnected_at, disconnect_reason = j.disconnect_reason"
						" FROM @j j WHERE s.provider_id = j.provider_id AND s.id = j.id"
						" AND (s.connected_at <> j.since OR s.last_heartbeat_at IS DISTINCT FROM j.until)",
						&relations), SPI_OK_UPDATE);
	rows += Execute(run,
					Fill("DELETE FROM %s.provider_sessions s USING @j j"
						 " WHERE s.provider_id = j.provider_id AND s.id = ANY (j.ids) AND s.id <> j.id"
						 " AND EXISTS (SELECT 1 FROM %s.provider_sessions k"
						 "  WHERE k.provider_id = s.provider_id AND k.coordinator_id = 'heartbeats' AND k.id < s.id"
						 "  AND k.connected_at <= s.connected_at"
						 "  AND k.last_heartbeat_at >= GREATEST(s.connected_at, s.last_heartbeat_at))",
						 &relations), SPI_OK_DELETE);
	rows += Execute(run,
					Fill("INSERT INTO %s.provider_sessions (provider_id, connected_at, last_heartbeat_at, coordinator_id)"
						 " SELECT j.provider_id, j.since, j.until, 'heartbeats' FROM @j j WHERE j.id IS NULL"
						 " ORDER BY j.since", &relations), SPI_OK_INSERT);
	if (joined)
		liveness_forget("joined", joined);
	if (fresh)
		liveness_forget("fresh", fresh);
	return rows;
}

/* ---------- a range ---------- */

/* The heartbeats of [since, until), a day at a time */
static int64
SessionizeRange(Sessionizing *run, TimestampTz since, TimestampTz until)
{
	TimestampTz day = DT_NOBEGIN;
	int64		heartbeats = 0;
	int64		rows = 0;

	for (;;)
	{
		Datum		first;
		bool		isnull;
		int64		n;

		CHECK_FOR_INTERRUPTS();
		run->values[HEARD_UNTIL] = TimestampTzGetDatum(since);
		run->values[LOOKBACK] = TimestampTzGetDatum(until);
		(void) Execute(run,
					   "SELECT min(h.at) FROM %s.provider_heartbeats h"
					   " WHERE h.at >= $4 AND h.at < $5 AND h.at <= $2 AND h.at > '-infinity'",
					   SPI_OK_SELECT);
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
		run->values[HEARD_UNTIL] = TimestampTzGetDatum(DatumGetTimestampTz(first));
		run->values[LOOKBACK] = TimestampTzGetDatum(Min(since, until));
		rows += MergeFresh(run,
						   "SELECT h.provider_id, h.at FROM %s.provider_heartbeats h"
						   " WHERE h.at >= $4 AND h.at < $5 AND h.at <= $2", &n);
		heartbeats = n;
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

/*
 * The oldest transaction that runs now, by node: each node of Citus counts transactions
 * for itself
 */
static Datum
OldestRunningXid(const Rollup *rollup)
{
	bool		isnull;

	liveness_execute(rollup,
					 rollup->distributed
					 ? "SELECT jsonb_object_agg(e.key, e.value)"
					 " FROM run_command_on_all_nodes('SELECT liveness_internal.liveness_oldest_running()') n"
					 " CROSS JOIN LATERAL jsonb_each(n.result::jsonb) e"
					 : "SELECT liveness_internal.liveness_oldest_running()",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	return SPI_datumTransfer(liveness_result(1, &isnull), false, -1);
}

/*
 * Cut our sessions where one begins that another coordinator has written since.  What
 * follows is read again by the caller.
 */
static int64
CutSessions(Sessionizing *run)
{
	int64		rows;

	rows = Execute(run,
				   "DELETE FROM %s.provider_sessions s USING unnest($6, $7, $8) c (provider_id, since, is_cut)"
				   " WHERE c.is_cut AND s.provider_id = c.provider_id AND" OURS
				   " AND s.connected_at >= GREATEST(c.since, $10)", SPI_OK_DELETE);
	return rows + Execute(run,
						  "UPDATE %s.provider_sessions s SET disconnected_at = NULL, disconnect_reason = '',"
						  " last_heartbeat_at = x.at"
						  " FROM (SELECT s.provider_id, s.id, COALESCE(h.at, GREATEST(c.since, $10)) AS at"
						  "  FROM unnest($6, $7, $8) c (provider_id, since, is_cut)"
						  "  JOIN %s.provider_sessions s ON s.provider_id = c.provider_id AND" OURS
						  "   AND s.connected_at < GREATEST(c.since, $10) AND s.last_heartbeat_at >= GREATEST(c.since, $10)"
						  "  LEFT JOIN LATERAL (SELECT h.at FROM %s.provider_heartbeats h"
						  "   WHERE h.provider_id = s.provider_id AND h.at >= s.connected_at"
						  "   AND h.at < GREATEST(c.since, $10)"
						  "   AND NOT EXISTS (SELECT 1 FROM %s.provider_sessions o"
						  "    WHERE o.provider_id = h.provider_id AND o.coordinator_id <> 'heartbeats'"
						  "    AND o.connected_at <= h.at AND COALESCE(o.disconnected_at, 'infinity') >= h.at)"
						  "   ORDER BY h.at DESC LIMIT 1) h ON true"
						  "  WHERE c.is_cut) x"
						  " WHERE s.provider_id = x.provider_id AND s.id = x.id", SPI_OK_UPDATE);
}

/*
 * The sessions that other coordinators have written since the last run: for each provider
 * from when on its heartbeats are read again, and whether sessions of ours are to be cut
 * there.
 */
static void
FindChanged(Sessionizing *run, const Watermark *mark, bool sweep)
{
	TimestampTz pruned_before = DatumGetTimestampTz(run->values[PRUNED_BEFORE]);
	TimestampTz recent = run->rollup.started_at - RECENT_END;
	Oid			changed_types[] = {JSONBOID, TIMESTAMPTZOID};
	Datum		values[] = {
		sweep ? mark->swept : mark->seen,
		TimestampTzGetDatum(sweep ? pruned_before : Max(recent, pruned_before))
	};

	liveness_execute(&run->rollup,
					 "SELECT COALESCE(array_agg(w.provider_id), '{}'), COALESCE(array_agg(w.since), '{}'),"
					 " COALESCE(array_agg(w.is_cut), '{}')"
					 " FROM (SELECT s.provider_id, bool_or(o.id IS NOT NULL) AS is_cut,"
					 "   min(CASE WHEN o.id IS NOT NULL THEN s.connected_at ELSE s.disconnected_at END) AS since"
					 "  FROM %s.provider_sessions s LEFT JOIN LATERAL ("
					 "   SELECT e.id FROM %s.provider_sessions e"
					 "   WHERE e.provider_id = s.provider_id AND e.coordinator_id = 'heartbeats'"
					 "   AND e.connected_at <= COALESCE(s.disconnected_at, 'infinity')"
					 "   AND e.last_heartbeat_at >= s.connected_at LIMIT 1) o ON true"
					 "  WHERE s.coordinator_id <> 'heartbeats'"
					 "  AND (s.disconnected_at IS NULL OR s.disconnected_at >= $2)"
					 "  AND liveness_internal.liveness_written_since(s.xmin, $1)"
					 "  GROUP BY s.provider_id) w"
					 " WHERE w.since IS NOT NULL",
					 2, changed_types, values, NULL, SPI_OK_SELECT);
	for (int i = 0; i < 3; i++)
	{
		bool		isnull;

		run->values[CHANGED + i] = SPI_datumTransfer(liveness_result(i + 1, &isnull), false, -1);
	}
}

/* The heartbeats that are new to a run */
#define FRESH \
	"SELECT h.provider_id, h.at FROM %s.provider_heartbeats h" \
	" WHERE h.id > $3 AND h.at <= $2 AND h.at > '-infinity'" \
	" UNION ALL" \
	" SELECT h.provider_id, h.at FROM %s.provider_heartbeats h" \
	" WHERE h.at > $4 AND h.at <= $2 AND $4 > '-infinity'" \
	" UNION ALL" \
	" SELECT h.provider_id, h.at FROM %s.provider_heartbeats h" \
	" WHERE h.at >= $5 AND h.at <= $2" \
	" UNION ALL" \
	" SELECT h.provider_id, h.at FROM unnest($6, $7) c (provider_id, since)" \
	" JOIN %s.provider_heartbeats h ON h.provider_id = c.provider_id" \
	"  AND h.at >= c.since AND h.at <= $2 AND h.at > '-infinity'"

static int64
SessionizeRoutine(Sessionizing *run)
{
	const Rollup *rollup = &run->rollup;
	Watermark	mark;
	int64		next;
	Datum		running;
	int64		rows;
	bool		sweep;

	liveness_read_watermark(rollup, &mark);
	next = liveness_next_watermark(rollup, &mark);
	running = OldestRunningXid(rollup);
	/* a clock that was set back must not delay the net */
	sweep = mark.swept_at > rollup->started_at ||
		rollup->started_at - SWEEP_INTERVAL >= mark.swept_at || !liveness_sequence_in_use(rollup);

	if (mark.seen == (Datum) 0 || mark.swept == (Datum) 0)
	{
		/* without a watermark every heartbeat is new */
		sweep = true;
		rows = SessionizeRange(run, DT_NOBEGIN, DT_NOEND);
	}
	else
	{
		int64		heartbeats;

		run->values[WATERMARK] = Int64GetDatum(mark.value);
		run->values[HEARD_UNTIL] = TimestampTzGetDatum(mark.heard_until);
		run->values[LOOKBACK] = TimestampTzGetDatum(sweep
			? rollup->started_at - liveness_rollup_lookback * USECS_PER_SEC : DT_NOEND);
		run->values[PRUNED_BEFORE] = TimestampTzGetDatum(PrunedBefore(rollup));
		FindChanged(run, &mark, sweep);
		rows = CutSessions(run);
		rows += MergeFresh(run, FRESH, &heartbeats);
	}

	mark.value = next;
	mark.heard_until = Max(mark.heard_until, run->ahead);
	mark.seen = running;
	if (sweep)
	{
		mark.swept_at = rollup->started_at;
		mark.swept = running;
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

/*
 * liveness_written_since(written_by xid, seen jsonb) -> boolean
 */
PG_FUNCTION_INFO_V1(liveness_written_since);
Datum
liveness_written_since(PG_FUNCTION_ARGS)
{
	TransactionId written_by = PG_GETARG_TRANSACTIONID(0);
	Jsonb	   *seen = PG_GETARG_JSONB_P(1);
	char		node[32];
	JsonbValue *oldest;
	int64		xid;

	snprintf(node, sizeof(node), UINT64_FORMAT, GetSystemIdentifier());
	if (!JB_ROOT_IS_OBJECT(seen))
		PG_RETURN_BOOL(true);
	oldest = getKeyJsonValueFromContainer(&seen->root, node, (int) strlen(node), NULL);
	if (oldest == NULL || oldest->type != jbvNumeric)
		PG_RETURN_BOOL(true);
	xid = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(oldest->val.numeric)));
	PG_RETURN_BOOL(TransactionIdIsNormal(written_by) &&
				   !TransactionIdPrecedes(written_by, (TransactionId) xid));
}

static bool
BeginSessions(Sessionizing *run, FunctionCallInfo fcinfo)
{
	liveness_check_writable("liveness_sessionize()");
	if (!liveness_begin_rollup(&run->rollup, "sessions", LOCK_SESSIONS, "%s.provider_heartbeats",
							   "%s.provider_sessions, liveness_internal.liveness_job_state", fcinfo))
		return false;
	run->timeout = liveness_session_timeout_usecs();
	run->ahead = GetCurrentTransactionStartTimestamp() + run->timeout;
	run->values[TIMEOUT] = Int64GetDatum(run->timeout);
	run->values[AHEAD] = TimestampTzGetDatum(run->ahead);
	for (int i = 0; i < 3; i++)
		run->values[CHANGED + i] = PointerGetDatum(construct_empty_array(get_element_type(types[CHANGED + i])));
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
	Sessionizing run = {0};
	TimestampTz since = PG_ARGISNULL(0) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(0);
	TimestampTz until = PG_ARGISNULL(1) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(1);
	int64		rows;

	if (!BeginSessions(&run, fcinfo))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(2))
	{
		run.timeout = liveness_span_argument(fcinfo, 2, "timeout");
		run.values[TIMEOUT] = Int64GetDatum(run.timeout);
	}
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
	Sessionizing run = {0};
	bool		tracked = PG_GETARG_BOOL(0) || liveness_track_sessions;
	int64		rows = 0;

	if (!BeginSessions(&run, fcinfo))
		PG_RETURN_NULL();
	if (tracked)
		rows = SessionizeRoutine(&run);
	rows += CloseStale(&run, tracked);
	liveness_end_rollup(&run.rollup, rows);
	PG_RETURN_INT64(rows);
}
