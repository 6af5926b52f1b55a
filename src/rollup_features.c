/*-------------------------------------------------------------------------
 *
 * rollup_features.c
 *		The features rollup: provider_sessions -> provider_reliability_features, and
 *		what liveness_candidates answers from.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "features_row.h"
#include "fleet.h"
#include "rollup_shards.h"
#include "running.h"
#include "rollup.h"
#include "settings.h"

/* The columns of liveness_features_row, each after a comma and the row that it is of */
#define FEATURES_NAME(row, constant, name, type, reset)		", " row #name
#define FEATURES_OF(row)	FEATURES_ROW(FEATURES_NAME, row)

/*
 * The values that the rollup writes for c, a row of "computed", and e, its row of "earliest".
 * "kept" is what the table knows already: the first is the same in each run from then on.
 */
#define FIRST_SEEN(kept)	"least(" kept "(c.features).first_seen_at, e.first_seen_at)"
#define FEATURES_WRITTEN(kept) \
	FEATURES_BEFORE_SEEN(FEATURES_NAME, "(c.features).") \
	", " FIRST_SEEN(kept) \
	", CASE WHEN " FIRST_SEEN(kept) " <= $3 THEN (c.features).uptime_pct" \
	" ELSE liveness_internal.liveness_history_uptime_since(c.sessions, $1, " FIRST_SEEN(kept) ")::float4 END" \
	FEATURES_AFTER_SEEN(FEATURES_NAME, "(c.features).")

/* Their values in a row that is reset */
#define FEATURES_RESET(none, constant, name, type, reset)	", " reset

/*
 * What liveness_candidates knows of a provider, as of $1, where the fleet is $2 as of $3.  OFFSET 0
 * keeps the planner from computing the spell anew for each of its three fields.
 */
#define PROVIDER_HAZARD \
	"SELECT c.provider_id, liveness_internal.liveness_history_count(c.sessions, $1) AS spells," \
	" liveness_internal.liveness_host_hazard(c.sessions, $2, $1) AS hazard," \
	" liveness_internal.liveness_history_spell_at(c.sessions, $1, $1) AS spell," \
	" liveness_internal.liveness_history_fingerprint(c.sessions) AS fingerprint, w.digest," \
	" liveness_internal.liveness_history_digest(c.sessions, $3, '-infinity') AS counted_digest" \
	" FROM histories c LEFT JOIN computed w ON w.provider_id = c.provider_id OFFSET 0"

/* The features of a provider, and its packed sessions; @ is its excluded time */
#define FEATURES \
	"liveness_internal.liveness_features_all(" \
	"s.connected_at, s.disconnected_at, s.disconnect_reason, $1, $2, @)"
#define SESSIONS \
	"liveness_internal.liveness_features_history(" \
	"s.connected_at, s.disconnected_at, s.disconnect_reason, $1, $2, @)"

/* Share of the sessions from which on a scan of the covering index pays */
#define COVERING_PAYS	0.3

/*
 * What the sessions that we read take, and all that there are.  How many belong to the
 * window the last run has written down; before the first run, all of them might.
 */
typedef struct SessionSizes
{
	double		all_bytes;
	double		window_share;	/* 0 to 1 */
} SessionSizes;

static SessionSizes
MeasureSessions(const Rollup *rollup)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(psprintf("%s.provider_sessions", rollup->schema))};
	SessionSizes sizes;
	double		all;
	double		in_window;

	/*
	 * Itself, its partitions and its chunks.  A compressed chunk is empty; its statistics
	 * tell.  Those of a partitioned table are the sum of its partitions'.
	 */
	liveness_execute(rollup,
					 "WITH RECURSIVE parts (relid) AS (SELECT $1::regclass::oid UNION"
					 "  SELECT i.inhrelid FROM parts p JOIN pg_inherits i ON i.inhparent = p.relid)"
					 " SELECT sum(greatest(pg_relation_size(p.relid), 64 * c.reltuples))::int8,"
					 "  sum(greatest(c.reltuples, 0))::int8"
					 " FROM parts p JOIN pg_class c ON c.oid = p.relid WHERE c.relkind <> 'p'",
					 1, types, values, NULL, SPI_OK_SELECT);
	sizes.all_bytes = (double) liveness_result_int64(1);
	all = (double) liveness_result_int64(2);
	liveness_execute(rollup, "SELECT sum(f.sessions_count)::int8 FROM %s.provider_reliability_features f",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	in_window = (double) liveness_result_int64(1);
	sizes.window_share = all > 0 && in_window > 0 ? Min(in_window / all, 1) : 1;
	return sizes;
}

/*
 * Would the sessions of all providers at once be more than a hash table may take?  A
 * hash table spills new groups only, while ours are all there after the first rows and
 * grow; so it has to be decided before.  States take about a quarter of the sessions' size.
 */
static bool
TooLargeToHash(double bytes)
{
	return bytes / 4 > hash_mem_multiplier * work_mem * 1024.0;
}

/*
 * The first providers of all ranges but the first, if each process of a parallel plan
 * can read one by an index; else none.
 */
static int
SessionBounds(const Rollup *rollup, Datum *bounds, bool *covered)
{
	Oid			types[] = {INT4OID};
	Datum		parts[] = {
		Int32GetDatum(Min(max_parallel_workers_per_gather, max_parallel_workers) + 1)
	};
	bool		isnull;

	liveness_execute(rollup, "SELECT liveness_internal.liveness_session_bounds($1)", 1, types, parts, NULL,
					 SPI_OK_SELECT);
	*bounds = liveness_result(1, &isnull);
	*covered = !isnull;
	if (isnull)
		return 0;
	*bounds = SPI_datumTransfer(*bounds, false, -1);
	return ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(*bounds)),
						  ARR_DIMS(DatumGetArrayTypeP(*bounds)));
}

/* How the sessions of each provider are read */
typedef struct Reading
{
	const char *name;			/* of the result */
	const char *columns;		/* with an @ for excluded time */
	TimestampTz as_of;
	int			window_days;
	TimestampTz since;			/* sessions that ended before are left out */
	TimestampTz digest_since;	/* and make no difference to a digest */
	double		share;			/* of all sessions, about */
	bool		changed_only;	/* of the providers in "changed" */
} Reading;

/*
 * Group the sessions by provider.  Excluded time goes into the state; where there is none,
 * nothing is joined.
 *
 * With an index that holds all we read (docs/scale.md), each process of a parallel plan
 * takes a range of providers in order, so that one provider's sessions are in memory at
 * a time.  That pays where most of the index is read; where most sessions are older,
 * the indexes by time find the others.  Without that index, a scan for each range would
 * read the whole table.  So the processes share one scan, and the leader puts together
 * what they found.  Sessions that memory does not hold are then sorted, by a hash, since
 * texts take long to compare.
 */
static Tuplestorestate *
ReadSessions(const Rollup *rollup, const Reading *reading, const SessionSizes *sizes)
{
	Oid			types[] = {TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTARRAYOID,
	TEXTARRAYOID, TSTZMULTIRANGEARRAYOID, TSTZMULTIRANGEOID};
	Datum		values[8] = {
		TimestampTzGetDatum(reading->as_of),
		Int32GetDatum(reading->window_days),
		TimestampTzGetDatum(reading->since),
		TimestampTzGetDatum(reading->digest_since)
	};
	bool		large = TooLargeToHash(sizes->all_bytes * reading->share);
	bool		covered = false;
	int			nbounds = 0;
	int			guc_nestlevel;
	StringInfoData sql;
	Tuplestorestate *result;
	bool		any_excluded = liveness_read_exclusions(rollup, &values[5]);
	const char *excluded = any_excluded ? "coalesce(x.excluded, $8)" : "NULL::tstzmultirange";
	const char *join = any_excluded ? " LEFT JOIN unnest($6, $7) x (provider_id, excluded)"
		" ON x.provider_id = s.provider_id" : "";

	if (!reading->changed_only && reading->share >= COVERING_PAYS)
		nbounds = SessionBounds(rollup, &values[4], &covered);
	if (nbounds == 0)
		values[4] = PointerGetDatum(construct_empty_array(TEXTOID));
	initStringInfo(&sql);
	for (int i = 0; i <= nbounds; i++)
	{
		/* %s is the schema, which liveness_execute and its like put in */
		appendStringInfoString(&sql, "SELECT s.provider_id");
		for (const char *p = reading->columns; *p; p++)
		{
			if (*p == '@')
				appendStringInfoString(&sql, excluded);
			else
				appendStringInfoChar(&sql, *p);
		}
		appendStringInfo(&sql,
						 " FROM %s%%s.provider_sessions s%s WHERE s.connected_at < $1"
						 " AND (s.disconnected_at IS NULL OR s.disconnected_at >= $3)%s",
						 reading->changed_only ? "changed c CROSS JOIN " : "", join,
						 reading->changed_only ? " AND s.provider_id = c.provider_id" : "");
		if (i > 0)
			appendStringInfo(&sql, " AND s.provider_id >= ($5)[%d]", i);
		if (i < nbounds)
			appendStringInfo(&sql, " AND s.provider_id < ($5)[%d]", i + 1);
		appendStringInfoString(&sql, large && !covered
							   ? " GROUP BY hashtext(s.provider_id), s.provider_id"
							   : " GROUP BY s.provider_id");
		if (i < nbounds)
			appendStringInfoString(&sql, " UNION ALL ");
	}

	guc_nestlevel = NewGUCNestLevel();
	if (large)
	{
		liveness_set_local("enable_hashagg", "off");
		liveness_set_local("enable_sort", "on");
	}
	/* a few providers are looked up by the index, many are joined by a hash table */
	if (reading->changed_only)
		liveness_set_local("enable_nestloop", "on");
	result = liveness_compute(rollup, reading->name, sql.data, any_excluded ? 8 : nbounds > 0 ? 5 : 4, types, values);
	AtEOXact_GUC(true, guc_nestlevel);
	return result;
}

/*
 * The features of all providers with a session in the window, and a digest of these
 * sessions, which tells who has changed.
 */
static Tuplestorestate *
ComputeFeatures(const Rollup *rollup, TimestampTz as_of, int window_days, const SessionSizes *sizes)
{
	TimestampTz counted_at = liveness_hazard_instant_of(as_of);
	TimestampTz window_left = liveness_window_since(counted_at + liveness_hazard_interval * USECS_PER_SEC,
													window_days);
	Reading		reading = {
		.name = "computed",
		.columns = ", " FEATURES " AS features,"
		" liveness_internal.liveness_history_digest(" SESSIONS ", $1, $4)"
		" # liveness_internal.liveness_history_fingerprint(" SESSIONS ") AS digest,"
		/* for those of which the window may show the beginning */
		" CASE WHEN (" FEATURES ").first_seen_at > $3 THEN " SESSIONS " END AS sessions",
		.as_of = as_of,
		.window_days = window_days,
		.since = liveness_window_since(as_of, window_days),
		/* a session that leaves the window before the fleet is counted again is no change */
		.digest_since = Min(window_left, counted_at),
		.share = sizes->window_share,
	};

	return ReadSessions(rollup, &reading, sizes);
}

/* The packed sessions that the model counts, of all providers or of those in "changed" */
static Tuplestorestate *
ComputeHistories(const Rollup *rollup, TimestampTz as_of, TimestampTz since, bool changed_only,
				 const SessionSizes *sizes)
{
	Reading		reading = {
		.name = "histories",
		.columns = ", " SESSIONS " AS sessions",
		.as_of = as_of,
		.window_days = MIN_WINDOW_DAYS,
		.since = since,
		.share = 1,
		.changed_only = changed_only,
	};

	return ReadSessions(rollup, &reading, sizes);
}

/*
 * The numbers of the fleet, from three passes over the packed sessions in "histories";
 * NULL if no provider was up before that instant.
 */
static Datum
CountFleet(const Rollup *rollup, TimestampTz counted_at, bool *isnull)
{
	Oid			types[] = {TIMESTAMPTZOID, FLOAT8ARRAYOID};
	Datum		values[2] = {TimestampTzGetDatum(counted_at)};

	liveness_execute(rollup, "SELECT liveness_internal.liveness_fleet_ages(c.sessions, $1) FROM histories c",
					 1, types, values, NULL, SPI_OK_SELECT);
	values[1] = liveness_result(1, isnull);
	if (*isnull)
		return (Datum) 0;
	values[1] = SPI_datumTransfer(values[1], false, -1);
	liveness_execute(rollup,
					 "SELECT $2 || liveness_internal.liveness_fleet_hours(c.sessions, $2, $1) FROM histories c",
					 2, types, values, NULL, SPI_OK_SELECT);
	values[1] = SPI_datumTransfer(liveness_result(1, isnull), false, -1);
	liveness_execute(rollup,
					 "SELECT $2 || liveness_internal.liveness_fleet_prior(c.sessions, $2, $1) FROM histories c",
					 2, types, values, NULL, SPI_OK_SELECT);
	return SPI_datumTransfer(liveness_result(1, isnull), false, -1);
}

/* Write what is known of the providers in "histories" */
static void
WriteProviders(const Rollup *rollup, TimestampTz as_of, TimestampTz counted_at, Datum hazard,
			   int64 providers)
{
	Oid			types[] = {TIMESTAMPTZOID, FLOAT8ARRAYOID, TIMESTAMPTZOID};
	Datum		values[] = {TimestampTzGetDatum(as_of), hazard, TimestampTzGetDatum(counted_at)};

	if (providers == 0)
		return;
	liveness_execute(rollup,
					 "UPDATE liveness_internal.liveness_provider_hazard p SET as_of = $1, spells = c.spells,"
					 " hazard = c.hazard, spell_since = (c.spell).since,"
					 " spell_until = (c.spell).until, spell_uncensored = (c.spell).uncensored,"
					 " fingerprint = c.fingerprint, digest = c.digest, counted_digest = c.counted_digest"
					 " FROM (" PROVIDER_HAZARD ") c WHERE c.provider_id = p.provider_id",
					 3, types, values, NULL, SPI_OK_UPDATE);
	if ((int64) SPI_processed < providers)
		liveness_execute(rollup,
						 "INSERT INTO liveness_internal.liveness_provider_hazard"
						 "  (provider_id, as_of, spells, hazard, spell_since, spell_until, spell_uncensored,"
						 "  fingerprint, digest, counted_digest)"
						 " SELECT c.provider_id, $1, c.spells, c.hazard, (c.spell).since,"
						 "  (c.spell).until, (c.spell).uncensored, c.fingerprint, c.digest, c.counted_digest"
						 " FROM (" PROVIDER_HAZARD ") c"
						 " WHERE NOT EXISTS (SELECT FROM liveness_internal.liveness_provider_hazard p"
						 "  WHERE p.provider_id = c.provider_id)"
						 " ON CONFLICT (provider_id) DO NOTHING",
						 3, types, values, NULL, SPI_OK_INSERT);
}

/*
 * Everything anew.  This is the place for what is learned once an interval, from
 * "histories", the packed sessions of all providers.
 */
static void
PrepareFleet(const Rollup *rollup, TimestampTz as_of, FleetBasis basis, const SessionSizes *sizes)
{
	Tuplestorestate *histories = ComputeHistories(rollup, as_of, basis.counted_since, false, sizes);
	int64		providers = tuplestore_tuple_count(histories);
	bool		isnull;
	Datum		hazard = CountFleet(rollup, basis.counted_at, &isnull);

	/* in the first interval, as of now: rather a fleet of minutes than none */
	if (isnull && basis.counted_at < as_of)
	{
		basis.counted_at = as_of;
		hazard = CountFleet(rollup, as_of, &isnull);
	}
	if (isnull)
		providers = 0;
	liveness_write_fleet(rollup, as_of, &basis, hazard, isnull);
	WriteProviders(rollup, as_of, basis.counted_at, hazard, providers);
	liveness_execute(rollup, "SELECT count(*) FROM liveness_internal.liveness_provider_hazard",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	if (liveness_result_int64(1) > providers)
		liveness_execute(rollup,
						 isnull ? "DELETE FROM liveness_internal.liveness_provider_hazard"
						 : "DELETE FROM liveness_internal.liveness_provider_hazard p"
						 " WHERE NOT EXISTS (SELECT FROM histories c WHERE c.provider_id = p.provider_id)",
						 0, NULL, NULL, NULL, SPI_OK_DELETE);
	liveness_forget("histories", histories);
}

/*
 * The providers that have changed since they were last computed, with the fleet as it is
 * stored.  What is stored of the others decays in liveness_running.  Returns false, with
 * nothing written, if a change belongs to what the fleet was counted from, because it was
 * noted late.
 */
static bool
PrepareChanged(const Rollup *rollup, TimestampTz as_of, const FleetBasis *basis, Datum hazard,
			   const SessionSizes *sizes)
{
	Oid			types[] = {TIMESTAMPTZOID};
	Datum		values[] = {TimestampTzGetDatum(basis->counted_at)};
	Tuplestorestate *changed;
	Tuplestorestate *histories = NULL;
	bool		holds = true;

	changed = liveness_compute(rollup, "changed",
							   "SELECT coalesce(c.provider_id, p.provider_id) AS provider_id, p.counted_digest"
							   " FROM computed c FULL JOIN liveness_internal.liveness_provider_hazard p"
							   "  ON p.provider_id = c.provider_id"
							   " WHERE c.digest IS DISTINCT FROM p.digest",
							   0, NULL, NULL);
	if (tuplestore_tuple_count(changed) > 0)
	{
		histories = ComputeHistories(rollup, as_of, basis->counted_since, true, sizes);
		liveness_execute(rollup,
						 "SELECT count(*) FROM changed c LEFT JOIN histories h ON h.provider_id = c.provider_id"
						 " WHERE coalesce(liveness_internal.liveness_history_digest(h.sessions, $1, '-infinity'), 0)"
						 "  <> coalesce(c.counted_digest, 0)",
						 1, types, values, NULL, SPI_OK_SELECT);
		holds = liveness_result_int64(1) == 0;
	}
	if (holds)
		liveness_write_fleet(rollup, as_of, basis, hazard, false);
	if (holds && histories != NULL)
	{
		WriteProviders(rollup, as_of, basis->counted_at, hazard, tuplestore_tuple_count(histories));
		liveness_execute(rollup,
						 "DELETE FROM liveness_internal.liveness_provider_hazard p USING changed c"
						 " WHERE c.provider_id = p.provider_id"
						 " AND NOT EXISTS (SELECT FROM histories h WHERE h.provider_id = c.provider_id)",
						 0, NULL, NULL, NULL, SPI_OK_DELETE);
	}
	if (histories != NULL)
		liveness_forget("histories", histories);
	liveness_forget("changed", changed);
	return holds;
}

/* Write what liveness_candidates will answer from */
static void
PrepareCandidates(const Rollup *rollup, TimestampTz as_of, const SessionSizes *sizes)
{
	FleetBasis	basis = liveness_fleet_basis(rollup, as_of);
	bool		isnull;
	Datum		hazard = liveness_stored_fleet(rollup, &basis, &isnull);

	if (isnull || !PrepareChanged(rollup, as_of, &basis, hazard, sizes))
		PrepareFleet(rollup, as_of, basis, sizes);
}

/*
 * The earliest session of each of some providers: one statement over their sessions.
 */
static Tuplestorestate *
ComputeEarliest(const Rollup *rollup, TimestampTz as_of, const char *providers, int64 n)
{
	Oid			types[] = {TIMESTAMPTZOID, INT8OID};
	Datum		values[] = {TimestampTzGetDatum(as_of), Int64GetDatum(n)};
	int			guc_nestlevel = NewGUCNestLevel();
	Tuplestorestate *unseen;
	Tuplestorestate *earliest;

	unseen = liveness_compute(rollup, "unseen", psprintf("%s LIMIT $2", providers), 2, types, values);
	/* a few providers are looked up by the index, many are joined by a hash table */
	liveness_set_local("enable_nestloop", "on");
	earliest = liveness_compute(rollup, "earliest",
								"SELECT s.provider_id, min(s.connected_at) AS first_seen_at"
								" FROM unseen u JOIN %s.provider_sessions s ON s.provider_id = u.provider_id"
								" WHERE s.connected_at < $1 GROUP BY s.provider_id",
								1, types, values);
	AtEOXact_GUC(true, guc_nestlevel);
	liveness_forget("unseen", unseen);
	return earliest;
}

/*
 * Reset the other rows: a provider that vanished must not keep a good score.  A row that
 * is reset already is not written again.
 *
 * n is an empty matrix, and k what is kept of the row.
 */
static void
ResetVanished(const Rollup *rollup, Oid *types, Datum *values)
{
	liveness_execute(rollup,
					 "WITH present AS MATERIALIZED ("
					 " SELECT c.provider_id FROM computed c WHERE c.features IS DISTINCT FROM NULL"
					 "), vanished AS ("
					 " SELECT v.provider_id" FEATURES_OF("v.")
					 " FROM %s.provider_reliability_features f"
					 " LEFT JOIN earliest e ON e.provider_id = f.provider_id"
					 " CROSS JOIN (SELECT jsonb_agg(0) AS matrix FROM generate_series(1, 168)) n"
					 " CROSS JOIN LATERAL (SELECT CASE WHEN f.last_disconnect_at <= $1"
					 "  THEN f.last_disconnect_at END AS last_disconnect_at,"
					 "  coalesce(f.first_seen_at, e.first_seen_at) AS first_seen_at) k"
					 " CROSS JOIN LATERAL (VALUES (f.provider_id" FEATURES_ROW(FEATURES_RESET, ) "))"
					 "  v (provider_id" FEATURES_OF("") ")"
					 " WHERE NOT EXISTS (SELECT FROM present p WHERE p.provider_id = f.provider_id)"
					 " AND ROW(f.window_days" FEATURES_OF("f.") ")"
					 "  IS DISTINCT FROM ROW($2" FEATURES_OF("v.") ")"
					 ") UPDATE %s.provider_reliability_features f"
					 " SET (updated_at, window_days" FEATURES_OF("") ") = ROW($1, $2" FEATURES_OF("v.") ")"
					 " FROM vanished v WHERE v.provider_id = f.provider_id",
					 2, types, values, NULL, SPI_OK_UPDATE);
}

/*
 * Write the features, and reset the rows of providers without any.
 *
 * Nearly every row is there already, so it is updated by a join, which spares the index
 * probe and the row lock that ON CONFLICT DO UPDATE takes for each.
 */
static int64
WriteFeatures(const Rollup *rollup, TimestampTz as_of, int window_days)
{
	Oid			types[] = {TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID};
	Datum		values[] = {
		TimestampTzGetDatum(as_of),
		Int32GetDatum(window_days),
		TimestampTzGetDatum(liveness_window_since(as_of, window_days))
	};
	Tuplestorestate *earliest;
	int64		rows;
	int64		all;
	int64		updated;

	liveness_execute(rollup, "SELECT count(*) FROM computed c WHERE c.features IS DISTINCT FROM NULL",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	rows = liveness_result_int64(1);
	liveness_execute(rollup, "SELECT count(*), count(*) - count(f.first_seen_at) FROM %s.provider_reliability_features f",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	all = liveness_result_int64(1);
	earliest = ComputeEarliest(rollup, as_of,
							   "SELECT f.provider_id FROM %s.provider_reliability_features f"
							   " WHERE f.first_seen_at IS NULL",
							   liveness_result_int64(2));
	liveness_execute(rollup,
					 "UPDATE %s.provider_reliability_features f"
					 " SET (updated_at, window_days" FEATURES_OF("") ")"
					 "  = ROW($1, $2" FEATURES_WRITTEN("f.first_seen_at, ") ")"
					 " FROM computed c LEFT JOIN earliest e ON e.provider_id = c.provider_id"
					 " WHERE c.provider_id = f.provider_id AND c.features IS DISTINCT FROM NULL",
					 3, types, values, NULL, SPI_OK_UPDATE);
	updated = (int64) SPI_processed;
	if (all > updated)
		ResetVanished(rollup, types, values);
	liveness_forget("earliest", earliest);

	if (updated < rows)
	{
		earliest = ComputeEarliest(rollup, as_of,
								   "SELECT c.provider_id FROM computed c WHERE c.features IS DISTINCT FROM NULL"
								   " AND NOT EXISTS (SELECT FROM %s.provider_reliability_features f"
								   "  WHERE f.provider_id = c.provider_id)",
								   rows);
		liveness_execute(rollup,
						 "INSERT INTO %s.provider_reliability_features"
						 "  (provider_id, updated_at, window_days" FEATURES_OF("") ")"
						 " SELECT c.provider_id, $1, $2" FEATURES_WRITTEN("")
						 " FROM computed c JOIN earliest e ON e.provider_id = c.provider_id"
						 " ON CONFLICT (provider_id) DO NOTHING",
						 3, types, values, NULL, SPI_OK_INSERT);
		liveness_forget("earliest", earliest);
	}
	return rows;
}

/*
 * liveness_rollup_features(as_of timestamptz, window_days int) -> bigint
 *
 * Writes a row for every provider with a session in the window, and resets the others.
 */
PG_FUNCTION_INFO_V1(liveness_rollup_features);
Datum
liveness_rollup_features(PG_FUNCTION_ARGS)
{
	Rollup		rollup;
	Tuplestorestate *computed;
	SessionSizes sizes;
	TimestampTz as_of;
	int			window_days;
	int64		rows;

	liveness_check_writable("liveness_rollup_features()");
	as_of = liveness_as_of_argument(fcinfo, 0);
	window_days = liveness_window_days_argument(fcinfo, 1);

	if (!liveness_begin_rollup(&rollup, "features", LOCK_FEATURES, "%s.provider_sessions, %s.provider_exclusions",
							   "%s.provider_reliability_features, liveness_internal.liveness_fleet_hazard,"
							   " liveness_internal.liveness_provider_hazard, liveness_internal.liveness_job_state", fcinfo))
		PG_RETURN_NULL();
	liveness_merge_state(&rollup, NULL);

	/*
	 * Before the first run the planner takes the features for an empty table: a nested
	 * loop would then read what we have inserted so far again for each provider.
	 */
	liveness_set_local("enable_nestloop", "off");

	/* We read the same pages every few minutes: they are in memory, in whatever order */
	if (random_page_cost > seq_page_cost)
		liveness_set_local("random_page_cost", psprintf("%.17g", seq_page_cost));

	if (rollup.distributed)
	{
		rows = liveness_shards_features(&rollup, as_of, window_days);
		liveness_end_rollup(&rollup, rows);
		PG_RETURN_INT64(rows);
	}

	sizes = MeasureSessions(&rollup);
	computed = ComputeFeatures(&rollup, as_of, window_days, &sizes);
	rows = WriteFeatures(&rollup, as_of, window_days);
	PrepareCandidates(&rollup, as_of, &sizes);
	liveness_forget("computed", computed);

	liveness_end_rollup(&rollup, rows);
	PG_RETURN_INT64(rows);
}
