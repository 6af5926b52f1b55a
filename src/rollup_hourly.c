/*-------------------------------------------------------------------------
 *
 * rollup_hourly.c
 *		The hourly rollup: provider_heartbeats -> provider_heartbeats_hourly.
 *
 * The routine run writes the (provider, hour) cells that got a heartbeat since the
 * last run; watermark.c says what "since" means.  Ids that were not drawn from the
 * sequence as there (explicit ones, a sequence with a cache) are caught by two nets: the
 * hours of liveness.rollup_lookback are aggregated whole at least once an hour, and
 * every hour is aggregated again before its raw rows are pruned.  Where no id was ever
 * drawn, as on a subscriber of logical replication, rows come in the order in which they
 * were committed elsewhere: the first net serves every run there.
 *
 * Sums.  Of recent hours liveness_hour_sums keeps what a cell is made of: the sums of its
 * heartbeats up to the watermark.  The routine run adds to them the heartbeats up to the
 * next watermark, which then are settled, and writes the cell from these and from those
 * with higher ids, which it will see again.  So neither the order of heartbeats nor that
 * of commits matters.  The sums are a cache: a cell without them is made from all its raw
 * rows, and whatever reads raw rows writes the sums anew.
 *
 * Pruned hours.  Before the first raw row of an hour is deleted, the hour is
 * closed: pruned_before moves past it, in the same transaction.  No run writes a
 * cell before pruned_before.  A heartbeat that arrives for such an hour is counted
 * as late.  Rows may go by other ways: by hand, or because a restore brought the cells
 * and not yet what says how far they are closed.  So no run takes heartbeats from a
 * cell: one that counts more than the rows that are there is left as it is, unless its
 * hour is asked for by hand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "rollup.h"
#include "rollup_shards.h"
#include "settings.h"
#include "stats.h"
#include "timemath.h"
#include "watermark.h"

/* The second net's interval */
#define SWEEP_INTERVAL		USECS_PER_HOUR

/* A run of the hourly rollup */
typedef struct HourlyRun
{
	Rollup		rollup;
	Watermark	progress;
	int64		settled;		/* heartbeats with an id up to this are all there */
	TimestampTz recent_since;	/* sums are kept of the hours from here */
	TimestampTz recent_until;	/* to here */
	bool		mend;			/* may heartbeats be taken from a cell? */
} HourlyRun;

static void
WriteProgress(HourlyRun *run, int64 late)
{
	liveness_write_watermark(&run->rollup, &run->progress, late);
	liveness_count_on_commit(COUNTER_HOURLY_LATE, late);
}

/* The columns of a cell, those of liveness_hours_row */
#define CELL_OF(row) \
	row "hour, " row "heartbeat_count, " row "avg_memory_pressure, " row "avg_cpu_usage," \
	" " row "max_thermal_state, " row "avg_memory_available_gb"

/* The aggregate of heartbeats */
#define HOURS_OF_HEARTBEATS \
	"liveness_internal.liveness_hours(h.at, h.memory_pressure, h.cpu_usage, h.thermal_state," \
	" h.memory_available_gb)"

/*
 * Write the cells whose sums stand in the relation "parts" (provider_id, settled, hour,
 * sums): all of them, or those that stand in the relation "touched".  A cell that counts
 * more heartbeats than are there is written only to mend it.  The settled sums of recent
 * hours are kept for the next routine run.  Returns cells written.
 */
static int64
WriteCells(const HourlyRun *run, bool touched_only)
{
	Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {
		TimestampTzGetDatum(run->recent_since), TimestampTzGetDatum(run->recent_until)
	};
	Oid			mend_type[] = {BOOLOID};
	Datum		mend_value[] = {BoolGetDatum(run->mend)};
	Oid			settled_type[] = {INT8OID};
	Datum		settled_value[] = {Int64GetDatum(run->settled)};
	Tuplestorestate *cells;
	int64		rows;

#define CELLS_OF_PARTS \
	"SELECT p.provider_id, liveness_internal.liveness_hours(p.hour, p.sums) AS hours," \
	" liveness_internal.liveness_hours(p.hour, p.sums)" \
	"  FILTER (WHERE p.settled AND p.hour >= $1 AND p.hour < $2) AS recent" \
	" FROM parts p "
	cells = liveness_compute(&run->rollup, "cells",
							 touched_only
							 ? CELLS_OF_PARTS
							 "WHERE EXISTS (SELECT FROM touched t"
							 "  WHERE t.provider_id = p.provider_id AND t.hour = p.hour)"
							 " GROUP BY p.provider_id, p.hour"
							 : CELLS_OF_PARTS
							 "GROUP BY p.provider_id, p.hour",
							 2, types, values);
	liveness_execute(&run->rollup,
					 "INSERT INTO %s.provider_heartbeats_hourly AS k (provider_id, " CELL_OF("") ")"
					 " SELECT p.provider_id, " CELL_OF("c.") " FROM cells p CROSS JOIN LATERAL unnest(p.hours) c"
					 " ON CONFLICT (provider_id, hour) DO UPDATE SET"
					 "  heartbeat_count = excluded.heartbeat_count,"
					 "  avg_memory_pressure = excluded.avg_memory_pressure,"
					 "  avg_cpu_usage = excluded.avg_cpu_usage,"
					 "  max_thermal_state = excluded.max_thermal_state,"
					 "  avg_memory_available_gb = excluded.avg_memory_available_gb"
					 " WHERE $1 OR excluded.heartbeat_count >= k.heartbeat_count",
					 1, mend_type, mend_value, NULL, SPI_OK_INSERT);
	rows = (int64) SPI_processed;
	liveness_execute(&run->rollup,
					 "INSERT INTO liveness_internal.liveness_hour_sums (hour, provider_id, settled, sums)"
					 " SELECT c.hour, p.provider_id, $1, c.sums"
					 " FROM cells p CROSS JOIN LATERAL unnest(p.recent) c"
					 " ON CONFLICT (hour, provider_id) DO UPDATE SET"
					 "  settled = excluded.settled, sums = excluded.sums",
					 1, settled_type, settled_value, NULL, SPI_OK_INSERT);
	liveness_forget("cells", cells);
	return rows;
}

/*
 * Aggregate the hours in [since, until), both on the hour, from their heartbeats: every
 * cell of them, or those that stand in the relation "touched".  Returns cells written.
 *
 * One statement takes a day, which bounds the memory: a group holds all of its
 * provider's hours.
 */
static int64
RollUpHours(const HourlyRun *run, TimestampTz since, TimestampTz until, bool touched_only)
{
	int64		rows = 0;

	for (; since < until; since += USECS_PER_DAY)
	{
		Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID};
		Datum		values[] = {
			TimestampTzGetDatum(since), TimestampTzGetDatum(Min(since + USECS_PER_DAY, until)),
			Int64GetDatum(run->settled)
		};
		Tuplestorestate *parts;

		parts = liveness_compute(&run->rollup, "parts",
								 "SELECT p.provider_id, p.settled, c.hour, c.sums FROM"
								 " (SELECT h.provider_id, h.id <= $3 AS settled, " HOURS_OF_HEARTBEATS " AS hours"
								 "  FROM %s.provider_heartbeats h WHERE h.at >= $1 AND h.at < $2"
								 "  GROUP BY h.provider_id, h.id <= $3) p"
								 " CROSS JOIN LATERAL unnest(p.hours) c",
								 3, types, values);
		rows += WriteCells(run, touched_only);
		liveness_forget("parts", parts);
	}
	return rows;
}

/*
 * Aggregate every cell of the hours in a range that may have no ends.  Days without a
 * heartbeat are skipped: a single one from a clock that stood at 1970, or at the end of
 * the calendar, must not cost a statement for each day in between.
 */
static int64
RollUpRange(const HourlyRun *run, TimestampTz since, TimestampTz until)
{
	int64		rows = 0;

	if (run->rollup.distributed)
		return liveness_shards_range(&run->rollup, since, until, run->mend);
	for (;;)
	{
		Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
		Datum		values[] = {TimestampTzGetDatum(since), TimestampTzGetDatum(until)};
		Datum		first;
		bool		isnull;

		liveness_execute(&run->rollup,
						 "SELECT min(h.at) FROM %s.provider_heartbeats h"
						 " WHERE h.at >= $1 AND h.at < $2 AND h.at > '-infinity'",
						 2, types, values, NULL, SPI_OK_SELECT);
		first = liveness_result(1, &isnull);
		if (isnull)
			return rows;
		since = liveness_hour_of(DatumGetTimestampTz(first));
		rows += RollUpHours(run, since, Min(since + USECS_PER_DAY, until), false);
		since += USECS_PER_DAY;
	}
}

/* The hours in which cells were touched, in order */
typedef struct TouchedHours
{
	TimestampTz *whole;			/* to be read by time */
	Datum	   *sparse;			/* to be read by key */
	int			nwhole;
	int			nsparse;
} TouchedHours;

/*
 * Which hours have cells in "touched" that may be written and are not swept anyway?  An
 * hour in which at least a quarter of the known cells was touched is read whole, by
 * time, in the order of the heap; in others only the cells touched are read, by key.  A
 * provider that delivers a day's heartbeats at once does not make us read that day of
 * all the others.
 */
static void
ListTouchedHours(const HourlyRun *run, TimestampTz sweep_since, TimestampTz sweep_until,
				 TouchedHours *hours)
{
	Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {
		TimestampTzGetDatum(run->progress.pruned_before),
		TimestampTzGetDatum(sweep_since), TimestampTzGetDatum(sweep_until)
	};

	liveness_execute(&run->rollup,
					 "SELECT t.hour, 4 * count(*) >= (SELECT count(*)"
					 "  FROM %s.provider_heartbeats_hourly k WHERE k.hour = t.hour)"
					 " FROM touched t"
					 " WHERE t.hour >= $1 AND NOT (t.hour >= $2 AND t.hour < $3)"
					 " GROUP BY t.hour ORDER BY t.hour",
					 3, types, values, NULL, SPI_OK_SELECT);
	hours->nwhole = hours->nsparse = 0;
	hours->whole = (TimestampTz *) palloc(mul_size(sizeof(TimestampTz), SPI_processed));
	hours->sparse = (Datum *) palloc(mul_size(sizeof(Datum), SPI_processed));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		bool		isnull;
		Datum		hour = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull);

		if (DatumGetBool(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull)))
			hours->whole[hours->nwhole++] = DatumGetTimestampTz(hour);
		else
			hours->sparse[hours->nsparse++] = hour;
	}
}

/* Aggregate the cells in "touched" of these hours, each read by its key */
static int64
RollUpSparse(const HourlyRun *run, const TouchedHours *hours)
{
	Oid			types[] = {INT8OID, TIMESTAMPTZARRAYOID};
	Datum		values[] = {
		Int64GetDatum(run->settled),
		PointerGetDatum(construct_array(hours->sparse, hours->nsparse, TIMESTAMPTZOID,
										sizeof(TimestampTz), FLOAT8PASSBYVAL,
										TYPALIGN_DOUBLE))
	};
	Tuplestorestate *parts;
	int64		rows;

	if (hours->nsparse == 0)
		return 0;
	/* the last hour of the calendar has no next hour to compare with */
	parts = liveness_compute(&run->rollup, "parts",
							 "SELECT p.provider_id, p.settled, c.hour, c.sums FROM"
							 " (SELECT t.provider_id, h.id <= $1 AS settled, " HOURS_OF_HEARTBEATS " AS hours"
							 "  FROM touched t JOIN %s.provider_heartbeats h ON h.provider_id = t.provider_id"
							 "   AND h.at >= t.hour"
							 "   AND h.at <= t.hour + '59 minutes 59.999999 seconds'::interval"
							 "  WHERE t.hour = ANY ($2) GROUP BY t.provider_id, t.hour, h.id <= $1) p"
							 " CROSS JOIN LATERAL unnest(p.hours) c",
							 2, types, values);
	rows = WriteCells(run, false);
	liveness_forget("parts", parts);
	return rows;
}

/* Forget sums of hours that are not recent, and those that the watermark is behind */
static void
ForgetSums(const HourlyRun *run)
{
	Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID};
	Datum		values[] = {
		TimestampTzGetDatum(run->recent_since), TimestampTzGetDatum(run->recent_until),
		Int64GetDatum(run->progress.value)
	};

	liveness_execute(&run->rollup,
					 "DELETE FROM liveness_internal.liveness_hour_sums k"
					 " WHERE k.hour < $1 OR k.hour >= $2 OR k.settled > $3",
					 3, types, values, NULL, SPI_OK_DELETE);
}

/* Add the heartbeats in "fresh" to the sums of their cells that are kept */
static int64
AddToSums(const HourlyRun *run)
{
	Tuplestorestate *parts;
	int64		rows;

	parts = liveness_compute(&run->rollup, "parts",
							 "SELECT f.provider_id, f.settled, f.hour, f.sums"
							 " FROM fresh f JOIN liveness_internal.liveness_hour_sums k"
							 "  ON k.hour = f.hour AND k.provider_id = f.provider_id"
							 " UNION ALL"
							 " SELECT k.provider_id, true, k.hour, k.sums FROM liveness_internal.liveness_hour_sums k"
							 " WHERE EXISTS (SELECT FROM fresh f"
							 "  WHERE f.hour = k.hour AND f.provider_id = k.provider_id)",
							 0, NULL, NULL);
	rows = WriteCells(run, false);
	liveness_forget("parts", parts);
	return rows;
}

/*
 * Write the cells that got a heartbeat after the watermark, and every cell of the
 * hours in [sweep_since, sweep_until), which may be empty.  Counts in *late the
 * heartbeats up to the next watermark that came too late for their hour.
 */
static int64
RollUpTouched(const HourlyRun *run, TimestampTz sweep_since, TimestampTz sweep_until,
			  int64 *late)
{
	Oid			types[] = {INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(run->progress.value), Int64GetDatum(run->settled)};
	Oid			late_types[] = {TIMESTAMPTZOID};
	Datum		late_values[] = {TimestampTzGetDatum(run->progress.pruned_before)};
	Tuplestorestate *fresh;
	Tuplestorestate *touched;
	TouchedHours hours;
	int64		rows = 0;

	if (run->rollup.distributed)
		return liveness_shards_touched(&run->rollup, &run->progress, run->settled,
											sweep_since, sweep_until, late);
	fresh = liveness_compute(&run->rollup, "fresh",
							 "SELECT p.provider_id, p.settled, c.hour, c.heartbeat_count, c.sums FROM"
							 " (SELECT h.provider_id, h.id <= $2 AS settled, " HOURS_OF_HEARTBEATS " AS hours"
							 "  FROM %s.provider_heartbeats h"
							 "  WHERE h.id > $1 AND h.at > '-infinity' AND h.at < 'infinity'"
							 "  GROUP BY h.provider_id, h.id <= $2, liveness_internal.liveness_utc_hour(h.at)) p"
							 " CROSS JOIN LATERAL unnest(p.hours) c",
							 2, types, values);
	liveness_execute(&run->rollup,
					 "SELECT sum(f.heartbeat_count)::int8 FROM fresh f WHERE f.settled AND f.hour < $1",
					 1, late_types, late_values, NULL, SPI_OK_SELECT);
	*late = liveness_result_int64(1);
	touched = liveness_compute(&run->rollup, "touched",
							   "SELECT DISTINCT f.provider_id, f.hour FROM fresh f"
							   " WHERE NOT EXISTS (SELECT FROM liveness_internal.liveness_hour_sums k"
							   "  WHERE k.hour = f.hour AND k.provider_id = f.provider_id)",
							   0, NULL, NULL);
	ListTouchedHours(run, sweep_since, sweep_until, &hours);

	/* all that sums are kept of is swept, or else nothing */
	if (sweep_since < sweep_until)
		rows += RollUpRange(run, sweep_since, sweep_until);
	else
		rows += AddToSums(run);
	/* runs of hours that follow one another are read in one go */
	for (int i = 0; i < hours.nwhole;)
	{
		int			first = i;

		do
			i++;
		while (i < hours.nwhole && hours.whole[i] == hours.whole[i - 1] + USECS_PER_HOUR);
		rows += RollUpHours(run, hours.whole[first], hours.whole[i - 1] + USECS_PER_HOUR, true);
	}
	rows += RollUpSparse(run, &hours);

	liveness_forget("touched", touched);
	liveness_forget("fresh", fresh);
	return rows;
}

/* The routine run: returns rows written */
static int64
RollUpRoutine(HourlyRun *run)
{
	Watermark  *progress = &run->progress;
	TimestampTz now = GetCurrentTimestamp();
	bool		sweep;
	int64		late;
	int64		rows;

	/* a clock that was set back must not delay the net */
	sweep = liveness_rollup_lookback > 0 &&
		(progress->swept_at > now || now - SWEEP_INTERVAL >= progress->swept_at ||
		 !liveness_sequence_in_use(&run->rollup));
	if (sweep)
		progress->swept_at = now;

	run->settled = liveness_next_watermark(&run->rollup, progress);
	ForgetSums(run);
	rows = RollUpTouched(run, run->recent_since,
						 sweep ? run->recent_until : run->recent_since, &late);
	progress->value = run->settled;
	WriteProgress(run, late);
	return rows;
}

static bool
BeginHourly(HourlyRun *run, FunctionCallInfo fcinfo)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!liveness_begin_rollup(&run->rollup, "hourly", LOCK_HOURLY, "%s.provider_heartbeats",
							   "%s.provider_heartbeats_hourly, liveness_internal.liveness_job_state,"
							   " liveness_internal.liveness_hour_sums", fcinfo))
		return false;
	liveness_read_watermark(&run->rollup, &run->progress);
	run->settled = run->progress.value;
	run->recent_since = Max(liveness_hour_of(now - liveness_rollup_lookback * USECS_PER_SEC),
							run->progress.pruned_before);
	run->recent_until = Max(liveness_hour_of(now) + USECS_PER_HOUR, run->recent_since);
	run->mend = false;
	return true;
}

/*
 * Both NULL: the routine run.  Else every UTC hour that [since, until) touches,
 * whole; a single NULL leaves that side open.
 */
static Datum
RollUp(FunctionCallInfo fcinfo, bool mend)
{
	HourlyRun	run;
	int64		rows;

	if (!BeginHourly(&run, fcinfo))
		PG_RETURN_NULL();

	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		rows = RollUpRoutine(&run);
	else
	{
		TimestampTz since = PG_ARGISNULL(0) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(0);
		TimestampTz until = PG_ARGISNULL(1) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(1);

		if (since < until)
		{
			since = liveness_hour_of(since);
			if (!TIMESTAMP_NOT_FINITE(until) && liveness_hour_of(until) != until)
				until = liveness_hour_of(until) + USECS_PER_HOUR;
		}
		run.mend = mend;
		rows = RollUpRange(&run, Max(since, run.progress.pruned_before), until);
	}

	liveness_end_rollup(&run.rollup, rows);
	PG_RETURN_INT64(rows);
}

/*
 * liveness_rollup_hourly(since timestamptz, until timestamptz) -> bigint
 *
 * A range that was asked for by hand agrees with the heartbeats afterwards, even where a
 * cell counted more of them.
 */
PG_FUNCTION_INFO_V1(liveness_rollup_hourly);
Datum
liveness_rollup_hourly(PG_FUNCTION_ARGS)
{
	liveness_check_writable("liveness_rollup_hourly()");
	return RollUp(fcinfo, true);
}

/*
 * liveness_rollup_to_prune(since timestamptz, until timestamptz) -> bigint
 *
 * The same for the retention; a cell that counts more heartbeats is left as it is.
 */
PG_FUNCTION_INFO_V1(liveness_rollup_to_prune);
Datum
liveness_rollup_to_prune(PG_FUNCTION_ARGS)
{
	liveness_check_writable("liveness_rollup_to_prune()");
	return RollUp(fcinfo, false);
}

/* NULL if another hourly rollup is running */
static Datum
CloseHours(FunctionCallInfo fcinfo, bool again)
{
	TimestampTz cut = liveness_hour_of(PG_GETARG_TIMESTAMPTZ(0));
	TimestampTz running;
	HourlyRun	run;
	Oid			types[] = {TIMESTAMPTZOID};
	Datum		values[1];
	Datum		last;
	bool		isnull;
	int64		rows;

	if (!BeginHourly(&run, fcinfo))
		PG_RETURN_NULL();

	rows = RollUpRoutine(&run);
	values[0] = TimestampTzGetDatum(cut);
	liveness_execute(&run.rollup,
					 "SELECT max(h.at) FROM %s.provider_heartbeats h WHERE h.at < $1 AND h.at > '-infinity'",
					 1, types, values, NULL, SPI_OK_SELECT);
	last = liveness_result(1, &isnull);
	cut = isnull ? run.progress.pruned_before
		: Min(cut, liveness_hour_of(DatumGetTimestampTz(last)) + USECS_PER_HOUR);
	/* the running hour, and hours that only fast clocks have reached, stay open */
	running = liveness_hour_of(GetCurrentTimestamp());
	cut = Min(cut, running);
	if (again)
		rows += RollUpRange(&run, run.progress.pruned_before, cut);
	run.progress.pruned_before = Max(run.progress.pruned_before, cut);
	WriteProgress(&run, 0);

	liveness_end_rollup(&run.rollup, rows);
	PG_RETURN_INT64(rows);
}

/*
 * liveness_close_hours(cut timestamptz) -> bigint
 *
 * The retention calls this before it deletes the first raw row older than cut, a full
 * hour.  Rolls up what is still to be rolled up there, and closes these hours to every
 * later rollup.  Returns the rows written, or NULL if another hourly rollup is running.
 *
 * Hours after the last one with a heartbeat stay open, because there is nothing to
 * delete in them, and so do the running hour and those to come.
 */
PG_FUNCTION_INFO_V1(liveness_close_hours);
Datum
liveness_close_hours(PG_FUNCTION_ARGS)
{
	liveness_check_writable("liveness_close_hours()");
	return CloseHours(fcinfo, true);
}

/*
 * liveness_close_rolled_up_hours(cut timestamptz) -> bigint
 *
 * The same, without aggregating these hours again: the caller has just done so, and
 * holds a lock that keeps writers out.  The routine run finds whatever came in between
 * and moves the watermark past it.  Reading everything would keep the writers waiting.
 */
PG_FUNCTION_INFO_V1(liveness_close_rolled_up_hours);
Datum
liveness_close_rolled_up_hours(PG_FUNCTION_ARGS)
{
	liveness_check_writable("liveness_close_rolled_up_hours()");
	return CloseHours(fcinfo, false);
}

