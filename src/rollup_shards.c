/*-------------------------------------------------------------------------
 *
 * rollup_shards.c
 *		The rollups where Citus distributes the tables.
 *
 * On a plain server a rollup keeps what it computes in a tuplestore, which the statements
 * that write take for a table.  No shard sees that table.  So here each statement computes
 * what it writes: Citus sends all of it to the shards, because it groups and joins by
 * provider_id alone, and no row comes to the coordinator.  The plain way takes two fifths
 * of the time on one server, which is why there are both.  The results are the same.
 *
 * What the fleet's numbers are learned from is added up on the shards, by aggregates that
 * have a combine function.
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

#include "arguments.h"
#include "features_row.h"
#include "fleet.h"
#include "rollup_shards.h"
#include "settings.h"
#include "timemath.h"

/* Providers that are looked up by name; if more have changed, all are computed */
#define MAX_CHANGED		10000

/* ---------- features ---------- */

/*
 * The arguments of all statements: $1 as_of, $2 window_days, $3 the window's beginning,
 * $4 what makes no difference to a digest before, $5 to $7 excluded time, $8 the fleet's
 * numbers, $9 the instant that they describe, $10 sessions that ended before are not counted
 * in them, $11 the providers that have changed
 */
#define NARGS 11

enum
{
	AS_OF, WINDOW_DAYS, SINCE, DIGEST_SINCE, EXCLUDED, HAZARD = EXCLUDED + 3, COUNTED_AT,
	COUNTED_SINCE, CHANGED
};

typedef struct Shards
{
	const Rollup *rollup;
	bool		any_excluded;
	Datum		values[NARGS];
	char		nulls[NARGS + 1];
} Shards;

static Oid types[NARGS] = {
	TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTARRAYOID,
	TSTZMULTIRANGEARRAYOID, TSTZMULTIRANGEOID, FLOAT8ARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
	TEXTARRAYOID
};

#define FEATURES_NAME(row, constant, name, type, reset)		", " row #name
#define FEATURES_OF(row)	FEATURES_ROW(FEATURES_NAME, row)
#define FEATURES_SET(none, constant, name, type, reset)		", " #name " = excluded." #name
#define FEATURES_RESET(none, constant, name, type, reset)	", " reset

/* The packed sessions of a provider; @ is its excluded time */
#define DIGEST \
	"liveness_internal.liveness_history_digest(" WINDOW_SESSIONS ", $1, $4)" \
	" # liveness_internal.liveness_history_fingerprint(" WINDOW_SESSIONS ")"
#define WINDOW_SESSIONS \
	"liveness_internal.liveness_features_history(" \
	"s.connected_at, s.disconnected_at, s.disconnect_reason, $1, $2, @)"
#define COUNTED_SESSIONS \
	"liveness_internal.liveness_features_history(" \
	"s.connected_at, s.disconnected_at, s.disconnect_reason, $1, " CppAsString2(MIN_WINDOW_DAYS) ", @)"

/* A provider has sessions that began before as_of, and are open or ended since then */
#define HAS_SESSIONS(provider, since) \
	"EXISTS (SELECT 1 FROM %s.provider_sessions s WHERE s.provider_id = " provider \
	" AND s.connected_at < $1 AND (s.disconnected_at IS NULL OR s.disconnected_at >= " since "))"

/* In a statement, @ stands for excluded time, and ~ for the join that finds it */
static void
Execute(Shards *shards, const char *format, int expected)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (const char *p = format; *p; p++)
	{
		if (*p == '@')
			appendStringInfoString(&sql, shards->any_excluded
								   ? "coalesce(x.excluded, $7)" : "NULL::tstzmultirange");
		else if (*p == '~')
			appendStringInfoString(&sql, shards->any_excluded
								   ? " LEFT JOIN unnest($5, $6) x (provider_id, excluded) ON x.provider_id = s.provider_id"
								   : "");
		else
			appendStringInfoChar(&sql, *p);
	}
	liveness_execute(shards->rollup, sql.data, NARGS, types,
					 shards->values, shards->nulls, expected);
	pfree(sql.data);
}

static void
SetArgument(Shards *shards, int argument, Datum value, bool isnull)
{
	shards->values[argument] = value;
	shards->nulls[argument] = isnull ? 'n' : ' ';
}

/* Sessions by provider, of all or of those that have changed */
#define GROUPED(columns, since, which) \
	"(SELECT s.provider_id, " columns " FROM %s.provider_sessions s~" \
	" WHERE s.connected_at < $1 AND (s.disconnected_at IS NULL OR s.disconnected_at >= " since ")" \
	which " GROUP BY s.provider_id)"
#define ALL			""
#define CHANGED_ONLY " AND s.provider_id = ANY ($11)"

/* When a provider began; only where the table does not know it, the sessions are asked */
#define EARLIEST(provider) \
	"(SELECT min(s.connected_at) FROM %s.provider_sessions s WHERE s.provider_id = " provider \
	" AND s.connected_at < $1)"

#define WINDOW_FEATURES \
	"liveness_internal.liveness_features_all(" \
	"s.connected_at, s.disconnected_at, s.disconnect_reason, $1, $2, @)"

static int64
WriteFeatures(Shards *shards)
{
	Execute(shards,
			"INSERT INTO %s.provider_reliability_features"
			"  (provider_id, updated_at, window_days" FEATURES_OF("") ")"
			" SELECT c.provider_id, $1, $2" FEATURES_BEFORE_SEEN(FEATURES_NAME, "(c.features).")
			", c.first_seen_at, CASE WHEN c.first_seen_at <= $3 THEN (c.features).uptime_pct"
			" ELSE liveness_internal.liveness_history_uptime_since(c.sessions, $1, c.first_seen_at)::float4 END"
			FEATURES_AFTER_SEEN(FEATURES_NAME, "(c.features).")
			" FROM (SELECT c.provider_id, c.features, c.sessions, least(f.first_seen_at,"
			"  (c.features).first_seen_at, CASE WHEN f.first_seen_at IS NULL THEN " EARLIEST("c.provider_id")
			"  END) AS first_seen_at"
			"  FROM " GROUPED(WINDOW_FEATURES " AS features, CASE WHEN (" WINDOW_FEATURES ").first_seen_at > $3"
							  "  THEN " WINDOW_SESSIONS " END AS sessions", "$3", ALL) " c"
			"  LEFT JOIN %s.provider_reliability_features f ON f.provider_id = c.provider_id) c"
			" WHERE c.features IS DISTINCT FROM NULL"
			" ON CONFLICT (provider_id) DO UPDATE SET updated_at = excluded.updated_at,"
			" window_days = excluded.window_days" FEATURES_ROW(FEATURES_SET, ),
			SPI_OK_INSERT);
	return (int64) SPI_processed;
}

/* As ResetVanished of rollup_features.c, whose n and k stand in the statement itself here */
static void
ResetVanished(Shards *shards)
{
	static const char reset[] = FEATURES_ROW(FEATURES_RESET, );
	StringInfoData values;
	StringInfoData sql;

	initStringInfo(&values);
	for (const char *p = reset; *p; p++)
	{
		if (strncmp(p, "n.matrix", 8) == 0)
		{
			appendStringInfoString(&values, "('[0");
			for (int i = 1; i < 168; i++)
				appendStringInfoString(&values, ", 0");
			appendStringInfoString(&values, "]'::jsonb)");
			p += 7;
		}
		else if (strncmp(p, "k.last_disconnect_at", 20) == 0)
		{
			appendStringInfoString(&values,
								   "(CASE WHEN f.last_disconnect_at <= $1 THEN f.last_disconnect_at END)");
			p += 19;
		}
		else if (strncmp(p, "k.first_seen_at", 15) == 0)
		{
			appendStringInfoString(&values, "coalesce(f.first_seen_at, " EARLIEST("f.provider_id") ")");
			p += 14;
		}
		else
			appendStringInfoChar(&values, *p);
	}
	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   "UPDATE %s.provider_reliability_features f"
						   " SET (updated_at, window_days" FEATURES_OF("") ") = ROW($1, $2");
	appendStringInfoString(&sql, values.data);
	appendStringInfoString(&sql,
						   ") WHERE NOT " HAS_SESSIONS("f.provider_id", "$3")
						   " AND ROW(f.window_days" FEATURES_OF("f.") ") IS DISTINCT FROM ROW($2");
	appendStringInfo(&sql, "%s)", values.data);
	Execute(shards, sql.data, SPI_OK_UPDATE);
	pfree(sql.data);
	pfree(values.data);
}

/* One of the passes over the sessions that the fleet's numbers are learned in */
static void
Pass(Shards *shards, const char *numbers, bool *isnull)
{
	StringInfoData sql;
	Datum		value;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM ", numbers);
	appendStringInfoString(&sql, GROUPED(COUNTED_SESSIONS " AS sessions", "$10", ALL) " c");
	Execute(shards, sql.data, SPI_OK_SELECT);
	value = liveness_result(1, isnull);
	if (!*isnull)
		value = SPI_datumTransfer(value, false, -1);
	SetArgument(shards, HAZARD, value, *isnull);
	pfree(sql.data);
}

/* The numbers of the fleet as of an instant; NULL if no provider was up before */
static void
CountFleet(Shards *shards, TimestampTz counted_at, bool *isnull)
{
	SetArgument(shards, COUNTED_AT, TimestampTzGetDatum(counted_at), false);
	Pass(shards, "liveness_internal.liveness_fleet_ages(c.sessions, $9)", isnull);
	if (*isnull)
		return;
	Pass(shards, "$8 || liveness_internal.liveness_fleet_hours(c.sessions, $8, $9)", isnull);
	Pass(shards, "$8 || liveness_internal.liveness_fleet_prior(c.sessions, $8, $9)", isnull);
}

#define WRITE_PROVIDERS(which) \
	"INSERT INTO liveness_internal.liveness_provider_hazard" \
	"  (provider_id, as_of, spells, hazard, spell_since, spell_until, spell_uncensored," \
	"  fingerprint, digest, counted_digest)" \
	" SELECT c.provider_id, $1, liveness_internal.liveness_history_count(c.sessions, $1)," \
	"  liveness_internal.liveness_host_hazard(c.sessions, $8, $1)," \
	"  (liveness_internal.liveness_history_spell_at(c.sessions, $1, $1)).since," \
	"  (liveness_internal.liveness_history_spell_at(c.sessions, $1, $1)).until," \
	"  (liveness_internal.liveness_history_spell_at(c.sessions, $1, $1)).uncensored," \
	"  liveness_internal.liveness_history_fingerprint(c.sessions), w.digest," \
	"  liveness_internal.liveness_history_digest(c.sessions, $9, '-infinity')" \
	" FROM " GROUPED(COUNTED_SESSIONS " AS sessions", "$10", which) " c" \
	" LEFT JOIN " GROUPED(DIGEST " AS digest", "$3", which) " w ON w.provider_id = c.provider_id" \
	" ON CONFLICT (provider_id) DO UPDATE SET as_of = excluded.as_of, spells = excluded.spells," \
	"  hazard = excluded.hazard, spell_since = excluded.spell_since," \
	"  spell_until = excluded.spell_until, spell_uncensored = excluded.spell_uncensored," \
	"  fingerprint = excluded.fingerprint, digest = excluded.digest," \
	"  counted_digest = excluded.counted_digest"

static void
PrepareFleet(Shards *shards, TimestampTz as_of, FleetBasis basis)
{
	bool		isnull;

	CountFleet(shards, basis.counted_at, &isnull);
	/* in the first interval, as of now: rather a fleet of minutes than none */
	if (isnull && basis.counted_at < as_of)
	{
		basis.counted_at = as_of;
		CountFleet(shards, as_of, &isnull);
	}
	liveness_write_fleet(shards->rollup, as_of, &basis, shards->values[HAZARD], isnull);
	if (isnull)
	{
		Execute(shards, "DELETE FROM liveness_internal.liveness_provider_hazard", SPI_OK_DELETE);
		return;
	}
	Execute(shards, WRITE_PROVIDERS(ALL), SPI_OK_INSERT);
	Execute(shards,
			"DELETE FROM liveness_internal.liveness_provider_hazard p"
			" WHERE NOT " HAS_SESSIONS("p.provider_id", "$10"),
			SPI_OK_DELETE);
}

/* Who has changed since he was last computed, as an argument; false if it is most of them */
static bool
FindChanged(Shards *shards)
{
	Datum	   *names;

	Execute(shards,
			"SELECT coalesce(c.provider_id, p.provider_id)"
			" FROM " GROUPED(DIGEST " AS digest", "$3", ALL) " c"
			" FULL JOIN liveness_internal.liveness_provider_hazard p ON p.provider_id = c.provider_id"
			" WHERE c.digest IS DISTINCT FROM p.digest LIMIT " CppAsString2(MAX_CHANGED) " + 1",
			SPI_OK_SELECT);
	if (SPI_processed > MAX_CHANGED)
		return false;
	names = (Datum *) palloc(sizeof(Datum) * (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		names[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
	}
	SetArgument(shards, CHANGED,
				PointerGetDatum(construct_array(names, (int) SPI_processed, TEXTOID, -1, false,
												TYPALIGN_INT)), false);
	return true;
}

/* As PrepareChanged of rollup_features.c */
static bool
PrepareChanged(Shards *shards, TimestampTz as_of, const FleetBasis *basis)
{
	ArrayType  *changed;
	int			nchanged;

	if (!FindChanged(shards))
		return false;
	changed = DatumGetArrayTypeP(shards->values[CHANGED]);
	nchanged = ArrayGetNItems(ARR_NDIM(changed), ARR_DIMS(changed));
	if (nchanged > 0)
	{
		Execute(shards,
				"SELECT count(*)"
				" FROM " GROUPED("liveness_internal.liveness_history_digest(" COUNTED_SESSIONS
								 ", $9, '-infinity') AS digest", "$10", CHANGED_ONLY) " c"
				" FULL JOIN (SELECT h.provider_id, h.counted_digest"
				"  FROM liveness_internal.liveness_provider_hazard h WHERE h.provider_id = ANY ($11)) p"
				"  ON p.provider_id = c.provider_id"
				" WHERE coalesce(c.digest, 0) <> coalesce(p.counted_digest, 0)",
				SPI_OK_SELECT);
		if (liveness_result_int64(1) > 0)
			return false;
	}
	liveness_write_fleet(shards->rollup, as_of, basis, shards->values[HAZARD], false);
	if (nchanged > 0)
	{
		Execute(shards, WRITE_PROVIDERS(CHANGED_ONLY), SPI_OK_INSERT);
		Execute(shards,
				"DELETE FROM liveness_internal.liveness_provider_hazard p"
				" WHERE p.provider_id = ANY ($11) AND NOT " HAS_SESSIONS("p.provider_id", "$10"),
				SPI_OK_DELETE);
	}
	return true;
}

/* The features rollup; returns the number of providers in the window */
int64
liveness_shards_features(const Rollup *rollup, TimestampTz as_of, int window_days)
{
	FleetBasis	basis = liveness_fleet_basis(rollup, as_of);
	TimestampTz window_left = liveness_window_since(basis.counted_at + liveness_hazard_interval * USECS_PER_SEC,
													window_days);
	Shards		shards = {.rollup = rollup};
	bool		isnull;
	Datum		hazard;
	int64		rows;

	memset(shards.nulls, 'n', NARGS);
	shards.any_excluded = liveness_read_exclusions(rollup, &shards.values[EXCLUDED]);
	if (shards.any_excluded)
		memset(&shards.nulls[EXCLUDED], ' ', 3);
	SetArgument(&shards, AS_OF, TimestampTzGetDatum(as_of), false);
	SetArgument(&shards, WINDOW_DAYS, Int32GetDatum(window_days), false);
	SetArgument(&shards, SINCE, TimestampTzGetDatum(liveness_window_since(as_of, window_days)), false);
	SetArgument(&shards, DIGEST_SINCE, TimestampTzGetDatum(Min(window_left, basis.counted_at)), false);
	SetArgument(&shards, COUNTED_AT, TimestampTzGetDatum(basis.counted_at), false);
	SetArgument(&shards, COUNTED_SINCE, TimestampTzGetDatum(basis.counted_since), false);

	rows = WriteFeatures(&shards);
	ResetVanished(&shards);
	hazard = liveness_stored_fleet(rollup, &basis, &isnull);
	SetArgument(&shards, HAZARD, hazard, isnull);
	if (isnull || !PrepareChanged(&shards, as_of, &basis))
		PrepareFleet(&shards, as_of, basis);
	return rows;
}

/* ---------- hours ---------- */

/*
 * Write the cells that a query gives, as provider_id and an array of hours.  $1: may
 * heartbeats be taken from a cell?
 */
#define WRITE_CELLS(cells) \
	"INSERT INTO %s.provider_heartbeats_hourly AS k (provider_id, hour, heartbeat_count," \
	"  avg_memory_pressure, avg_cpu_usage, max_thermal_state, avg_memory_available_gb)" \
	" SELECT p.provider_id, c.hour, c.heartbeat_count, c.avg_memory_pressure, c.avg_cpu_usage," \
	"  c.max_thermal_state, c.avg_memory_available_gb" \
	" FROM (" cells ") p CROSS JOIN LATERAL unnest(p.hours) c" \
	" ON CONFLICT (provider_id, hour) DO UPDATE SET" \
	"  heartbeat_count = excluded.heartbeat_count," \
	"  avg_memory_pressure = excluded.avg_memory_pressure," \
	"  avg_cpu_usage = excluded.avg_cpu_usage," \
	"  max_thermal_state = excluded.max_thermal_state," \
	"  avg_memory_available_gb = excluded.avg_memory_available_gb" \
	" WHERE $1 OR excluded.heartbeat_count >= k.heartbeat_count"

#define HOURS \
	"liveness_internal.liveness_hours(h.at, h.memory_pressure, h.cpu_usage, h.thermal_state," \
	" h.memory_available_gb) AS hours"

/* Every cell of the hours in a range, or those that got a heartbeat with a higher id */
static int64
WriteHours(const Rollup *rollup, TimestampTz since, TimestampTz until, bool mend,
		   const int64 *newer_than)
{
	int64		rows = 0;

	/* a group holds all of its provider's hours, so a statement takes a day */
	for (; since < until; since += USECS_PER_DAY)
	{
		Oid			arguments[] = {BOOLOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID};
		Datum		values[] = {
			BoolGetDatum(mend), TimestampTzGetDatum(since),
			TimestampTzGetDatum(Min(since + USECS_PER_DAY, until)),
			Int64GetDatum(newer_than ? *newer_than : 0)
		};

		CHECK_FOR_INTERRUPTS();
		liveness_execute(rollup,
						 newer_than
						 ? WRITE_CELLS("SELECT h.provider_id, " HOURS " FROM %s.provider_heartbeats h"
									   " WHERE h.at >= $2 AND h.at < $3"
									   " GROUP BY h.provider_id, liveness_internal.liveness_utc_hour(h.at)"
									   " HAVING max(h.id) > $4")
						 : WRITE_CELLS("SELECT h.provider_id, " HOURS " FROM %s.provider_heartbeats h"
									   " WHERE h.at >= $2 AND h.at < $3 GROUP BY h.provider_id"),
						 4, arguments, values, NULL, SPI_OK_INSERT);
		rows += (int64) SPI_processed;
	}
	return rows;
}

/* As RollUpRange of rollup_hourly.c: days without a heartbeat are skipped */
int64
liveness_shards_range(const Rollup *rollup, TimestampTz since, TimestampTz until, bool mend)
{
	int64		rows = 0;

	for (;;)
	{
		Oid			arguments[] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
		Datum		values[] = {TimestampTzGetDatum(since), TimestampTzGetDatum(until)};
		Datum		first;
		bool		isnull;

		liveness_execute(rollup,
						 "SELECT min(h.at) FROM %s.provider_heartbeats h"
						 " WHERE h.at >= $1 AND h.at < $2 AND h.at > '-infinity'",
						 2, arguments, values, NULL, SPI_OK_SELECT);
		first = liveness_result(1, &isnull);
		if (isnull)
			return rows;
		since = liveness_hour_of(DatumGetTimestampTz(first));
		rows += WriteHours(rollup, since, Min(since + USECS_PER_DAY, until), mend, NULL);
		since += USECS_PER_DAY;
	}
}

/*
 * Write the cells that got a heartbeat after the watermark, and every cell of the hours
 * in [sweep_since, sweep_until), which may be empty.  Counts in *late the heartbeats up to
 * next_watermark that came too late for their hour.  An hour is read whole, by time, or
 * only where it was touched, by key: see rollup_hourly.c.
 */
int64
liveness_shards_touched(const Rollup *rollup, const Watermark *progress,
							 int64 next_watermark, TimestampTz sweep_since,
							 TimestampTz sweep_until, int64 *late)
{
	Oid			arguments[] = {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID};
	Datum		values[] = {
		Int64GetDatum(progress->value), TimestampTzGetDatum(progress->pruned_before),
		TimestampTzGetDatum(sweep_since), TimestampTzGetDatum(sweep_until),
		Int64GetDatum(next_watermark)
	};
	SPITupleTable *touched;
	Datum	   *sparse;
	int			nsparse = 0;
	int			nhours;
	TimestampTz whole_since = 0;
	TimestampTz whole_until = 0;
	int64		rows = 0;

	liveness_execute(rollup,
					 "SELECT count(*) FROM %s.provider_heartbeats h WHERE h.id > $1 AND h.id <= $5"
					 " AND h.at > '-infinity' AND liveness_internal.liveness_utc_hour(h.at) < $2",
					 5, arguments, values, NULL, SPI_OK_SELECT);
	*late = liveness_result_int64(1);
	liveness_execute(rollup,
					 "SELECT t.hour, 4 * t.cells >= coalesce(k.cells, 0) FROM"
					 " (SELECT c.hour, count(*) AS cells FROM"
					 "  (SELECT h.provider_id, liveness_internal.liveness_utc_hour(h.at) AS hour"
					 "   FROM %s.provider_heartbeats h"
					 "   WHERE h.id > $1 AND h.at > '-infinity' AND h.at < 'infinity'"
					 "   GROUP BY h.provider_id, liveness_internal.liveness_utc_hour(h.at)) c"
					 "  WHERE c.hour >= $2 AND NOT (c.hour >= $3 AND c.hour < $4) GROUP BY c.hour) t"
					 " LEFT JOIN (SELECT k.hour, count(*) AS cells FROM %s.provider_heartbeats_hourly k"
					 "  GROUP BY k.hour) k ON k.hour = t.hour"
					 " ORDER BY t.hour",
					 5, arguments, values, NULL, SPI_OK_SELECT);
	touched = SPI_tuptable;
	nhours = (int) SPI_processed;
	sparse = (Datum *) palloc(mul_size(sizeof(Datum), nhours + 1));

	if (sweep_since < sweep_until)
		rows += liveness_shards_range(rollup, sweep_since, sweep_until, false);
	for (int i = 0; i < nhours; i++)
	{
		bool		isnull;
		Datum		hour = SPI_getbinval(touched->vals[i], touched->tupdesc, 1, &isnull);
		TimestampTz at = DatumGetTimestampTz(hour);

		if (!DatumGetBool(SPI_getbinval(touched->vals[i], touched->tupdesc, 2, &isnull)))
			sparse[nsparse++] = hour;
		else if (whole_since < whole_until && at == whole_until)
			whole_until += USECS_PER_HOUR;
		else
		{
			/* runs of hours that follow one another are read in one go */
			rows += WriteHours(rollup, whole_since, whole_until, false, &progress->value);
			whole_since = at;
			whole_until = at + USECS_PER_HOUR;
		}
	}
	rows += WriteHours(rollup, whole_since, whole_until, false, &progress->value);
	if (nsparse > 0)
	{
		Oid			sparse_arguments[] = {BOOLOID, INT8OID, TIMESTAMPTZARRAYOID};
		Datum		sparse_values[] = {
			BoolGetDatum(false), Int64GetDatum(progress->value),
			PointerGetDatum(construct_array(sparse, nsparse, TIMESTAMPTZOID, sizeof(TimestampTz),
											FLOAT8PASSBYVAL, TYPALIGN_DOUBLE))
		};

		/* the last hour of the calendar has no next hour to compare with */
		liveness_execute(rollup,
						 WRITE_CELLS("SELECT t.provider_id, " HOURS " FROM"
									 " (SELECT h.provider_id, liveness_internal.liveness_utc_hour(h.at) AS hour"
									 "  FROM %s.provider_heartbeats h"
									 "  WHERE h.id > $2 AND h.at > '-infinity' AND h.at < 'infinity'"
									 "  GROUP BY h.provider_id, liveness_internal.liveness_utc_hour(h.at)) t"
									 " JOIN %s.provider_heartbeats h ON h.provider_id = t.provider_id"
									 "  AND h.at >= t.hour"
									 "  AND h.at <= t.hour + '59 minutes 59.999999 seconds'::interval"
									 " WHERE t.hour = ANY ($3) GROUP BY t.provider_id, t.hour"),
						 3, sparse_arguments, sparse_values, NULL, SPI_OK_INSERT);
		rows += (int64) SPI_processed;
	}
	return rows;
}
