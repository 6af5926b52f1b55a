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
#include "rollup.h"

/* The columns of liveness_features_row, each after a comma and the row that it is of */
#define FEATURES_NAME(row, constant, name, type, reset)		", " row #name
#define FEATURES_OF(row)	FEATURES_ROW(FEATURES_NAME, row)

/* Their values in a row that is reset */
#define FEATURES_RESET(none, constant, name, type, reset)	", " reset

/*
 * What liveness_candidates knows of a provider.  OFFSET 0 keeps the planner from computing
 * the spell anew for each of its three fields.
 */
#define PROVIDER_HAZARD \
	"SELECT c.provider_id, liveness_internal.liveness_history_count(c.sessions, $1) AS spells," \
	" liveness_internal.liveness_host_hazard(c.sessions, $2, $1) AS hazard," \
	" liveness_internal.liveness_history_spell_at(c.sessions, $1, $1) AS spell," \
	" liveness_internal.liveness_history_fingerprint(c.sessions) AS fingerprint" \
	" FROM computed c OFFSET 0"

/*
 * Write the hazard of the fleet, from three passes over the packed sessions in "computed".
 * Returns the fleet's hazard; NULL where no provider was ever up.
 */
static Datum
WriteFleetHazard(const Rollup *rollup, TimestampTz as_of, bool *isnull)
{
	Oid			types[] = {TIMESTAMPTZOID, FLOAT8ARRAYOID};
	Datum		values[2] = {TimestampTzGetDatum(as_of)};
	char		nulls[] = "  ";

	liveness_execute(rollup, "SELECT liveness_internal.liveness_fleet_ages(c.sessions, $1) FROM computed c",
					 1, types, values, NULL, SPI_OK_SELECT);
	values[1] = liveness_result(1, isnull);
	if (!*isnull)
	{
		values[1] = SPI_datumTransfer(values[1], false, -1);
		liveness_execute(rollup,
						 "SELECT $2 || liveness_internal.liveness_fleet_hours(c.sessions, $2, $1) FROM computed c",
						 2, types, values, NULL, SPI_OK_SELECT);
		values[1] = SPI_datumTransfer(liveness_result(1, isnull), false, -1);
		liveness_execute(rollup,
						 "SELECT $2 || liveness_internal.liveness_fleet_prior(c.sessions, $2, $1) FROM computed c",
						 2, types, values, NULL, SPI_OK_SELECT);
		values[1] = SPI_datumTransfer(liveness_result(1, isnull), false, -1);
	}
	nulls[1] = *isnull ? 'n' : ' ';
	liveness_execute(rollup,
					 "UPDATE liveness_internal.liveness_fleet_hazard f SET as_of = $1, hazard = $2",
					 2, types, values, nulls, SPI_OK_UPDATE);
	if (SPI_processed != 1)
	{
		liveness_execute(rollup, "DELETE FROM liveness_internal.liveness_fleet_hazard",
						 0, NULL, NULL, NULL, SPI_OK_DELETE);
		liveness_execute(rollup,
						 "INSERT INTO liveness_internal.liveness_fleet_hazard (as_of, hazard) VALUES ($1, $2)",
						 2, types, values, nulls, SPI_OK_INSERT);
	}
	return values[1];
}

/* Write what liveness_candidates will answer from, by one more pass */
static void
PrepareCandidates(const Rollup *rollup, TimestampTz as_of, int64 providers)
{
	Oid			types[] = {TIMESTAMPTZOID, FLOAT8ARRAYOID};
	Datum		values[2] = {TimestampTzGetDatum(as_of)};
	bool		isnull;

	values[1] = WriteFleetHazard(rollup, as_of, &isnull);
	if (isnull)
		providers = 0;
	if (providers > 0)
	{
		liveness_execute(rollup,
						 "UPDATE liveness_internal.liveness_provider_hazard p SET as_of = $1, spells = c.spells,"
						 " hazard = c.hazard, spell_since = (c.spell).since,"
						 " spell_until = (c.spell).until, spell_uncensored = (c.spell).uncensored,"
						 " fingerprint = c.fingerprint"
						 " FROM (" PROVIDER_HAZARD ") c WHERE c.provider_id = p.provider_id",
						 2, types, values, NULL, SPI_OK_UPDATE);
		if ((int64) SPI_processed < providers)
			liveness_execute(rollup,
							 "INSERT INTO liveness_internal.liveness_provider_hazard"
							 "  (provider_id, as_of, spells, hazard, spell_since, spell_until, spell_uncensored, fingerprint)"
							 " SELECT c.provider_id, $1, c.spells, c.hazard, (c.spell).since,"
							 "  (c.spell).until, (c.spell).uncensored, c.fingerprint"
							 " FROM (" PROVIDER_HAZARD ") c"
							 " WHERE NOT EXISTS (SELECT FROM liveness_internal.liveness_provider_hazard p"
							 "  WHERE p.provider_id = c.provider_id)"
							 " ON CONFLICT (provider_id) DO NOTHING",
							 2, types, values, NULL, SPI_OK_INSERT);
	}
	liveness_execute(rollup, "SELECT count(*) FROM liveness_internal.liveness_provider_hazard",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	if (liveness_result_int64(1) > providers)
		liveness_execute(rollup,
						 "DELETE FROM liveness_internal.liveness_provider_hazard p"
						 " WHERE $2 IS NULL"
						 " OR NOT EXISTS (SELECT FROM computed c WHERE c.provider_id = p.provider_id)",
						 2, types, values, isnull ? " n" : "  ", SPI_OK_DELETE);
}

/*
 * Would the sessions of all providers at once be more than a hash table may take?  A
 * hash table spills new groups only, while ours are all there after the first rows and
 * grow; so it has to be decided before.  States take about a quarter of the table's size.
 */
static bool
TooLargeToHash(const Rollup *rollup)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(psprintf("%s.provider_sessions", rollup->schema))};

	/* itself, or its partitions */
	liveness_execute(rollup,
					 "SELECT sum(pg_relation_size(t.relid))::int8"
					 " FROM (SELECT $1::regclass AS relid UNION"
					 "  SELECT p.relid FROM pg_partition_tree($1::regclass) p) t",
					 1, types, values, NULL, SPI_OK_SELECT);
	return (double) liveness_result_int64(1) / 4 > hash_mem_multiplier * work_mem * 1024.0;
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

/*
 * Excluded time: the providers that have any of their own, theirs, and everybody's; false
 * if there is none.  They are read once, and not by each process of a parallel plan.
 */
static bool
ReadExclusions(const Rollup *rollup, Datum excluded[3])
{
	bool		isnull;

	liveness_execute(rollup,
					 "SELECT count(*),"
					 " coalesce(array_agg(e.provider_id) FILTER (WHERE e.provider_id IS NOT NULL), '{}'),"
					 " coalesce(array_agg(e.excluded) FILTER (WHERE e.provider_id IS NOT NULL), '{}'),"
					 " coalesce((array_agg(e.excluded) FILTER (WHERE e.provider_id IS NULL))[1], '{}')"
					 " FROM liveness_internal.liveness_excluded e",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	if (liveness_result_int64(1) == 0)
		return false;
	for (int i = 0; i < 3; i++)
		excluded[i] = SPI_datumTransfer(liveness_result(i + 2, &isnull), false, -1);
	return true;
}

/*
 * Features and histories of all providers.  Excluded time goes into the state that both
 * are made of; where there is none, nothing is joined.
 *
 * With an index that holds all we read (docs/scale.md), each process of a parallel plan
 * takes a range of providers in order, so that one provider's sessions are in memory at
 * a time.  Without that index, a scan for each range would read the whole table.  So the
 * processes share one scan, and the leader puts together what they found.  Sessions that
 * memory does not hold are then sorted, by a hash, since texts take long to compare.
 */
static Tuplestorestate *
ComputeFeatures(const Rollup *rollup, TimestampTz as_of, int window_days)
{
	Oid			types[] = {TIMESTAMPTZOID, INT4OID, TEXTARRAYOID, TEXTARRAYOID, TSTZMULTIRANGEARRAYOID, TSTZMULTIRANGEOID};
	Datum		values[6] = {TimestampTzGetDatum(as_of), Int32GetDatum(window_days)};
	bool		large = TooLargeToHash(rollup);
	bool		covered;
	int			nbounds = SessionBounds(rollup, &values[2], &covered);
	int			guc_nestlevel;
	StringInfoData sql;
	Tuplestorestate *computed;
	bool		any_excluded = ReadExclusions(rollup, &values[3]);
	const char *excluded = any_excluded ? "coalesce(x.excluded, $6)" : "NULL::tstzmultirange";
	const char *join = any_excluded ? " LEFT JOIN unnest($4, $5) x (provider_id, excluded)"
		" ON x.provider_id = s.provider_id" : "";

	if (nbounds == 0)
		values[2] = PointerGetDatum(construct_empty_array(TEXTOID));
	initStringInfo(&sql);
	for (int i = 0; i <= nbounds; i++)
	{
		/* %s is the schema, which liveness_execute and its like put in */
		appendStringInfo(&sql,
						 "SELECT s.provider_id, liveness_internal.liveness_features_all(s.connected_at,"
						 "  s.disconnected_at, s.disconnect_reason, $1, $2, %s) AS features,"
						 " liveness_internal.liveness_features_history(s.connected_at,"
						 "  s.disconnected_at, s.disconnect_reason, $1, $2, %s) AS sessions"
						 " FROM %%s.provider_sessions s%s WHERE s.connected_at < $1",
						 excluded, excluded, join);
		if (i > 0)
			appendStringInfo(&sql, " AND s.provider_id >= ($3)[%d]", i);
		if (i < nbounds)
			appendStringInfo(&sql, " AND s.provider_id < ($3)[%d]", i + 1);
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
	computed = liveness_compute(rollup, "computed", sql.data, any_excluded ? 6 : nbounds > 0 ? 3 : 2, types, values);
	AtEOXact_GUC(true, guc_nestlevel);
	return computed;
}

/*
 * Write the features of the providers with a session in the window.  The others in
 * "computed" have a history only.
 *
 * Nearly every row is there already, so it is updated by a join, which spares the index
 * probe and the row lock that ON CONFLICT DO UPDATE takes for each.
 */
static int64
WriteFeatures(const Rollup *rollup, Oid *types, Datum *values)
{
	int64		rows;

	liveness_execute(rollup,
					 "SELECT count(*) FROM computed c WHERE c.features IS DISTINCT FROM NULL",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	rows = liveness_result_int64(1);
	liveness_execute(rollup,
					 "UPDATE %s.provider_reliability_features f"
					 " SET (updated_at, window_days" FEATURES_OF("") ")"
					 "  = ROW($1, $2" FEATURES_OF("(c.features).") ")"
					 " FROM computed c WHERE c.provider_id = f.provider_id"
					 " AND c.features IS DISTINCT FROM NULL",
					 2, types, values, NULL, SPI_OK_UPDATE);
	if ((int64) SPI_processed < rows)
		liveness_execute(rollup,
						 "INSERT INTO %s.provider_reliability_features"
						 "  (provider_id, updated_at, window_days" FEATURES_OF("") ")"
						 " SELECT c.provider_id, $1, $2" FEATURES_OF("(c.features).") " FROM computed c"
						 " WHERE c.features IS DISTINCT FROM NULL"
						 " AND NOT EXISTS (SELECT FROM %s.provider_reliability_features f"
						 "  WHERE f.provider_id = c.provider_id)"
						 " ON CONFLICT (provider_id) DO NOTHING",
						 2, types, values, NULL, SPI_OK_INSERT);
	return rows;
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
					 " CROSS JOIN (SELECT jsonb_agg(0) AS matrix FROM generate_series(1, 168)) n"
					 " CROSS JOIN LATERAL (SELECT CASE WHEN f.last_disconnect_at <= $1"
					 "  THEN f.last_disconnect_at END AS last_disconnect_at) k"
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
 * liveness_rollup_features(as_of timestamptz, window_days int) -> bigint
 *
 * Writes a row for every provider with a session in the window, and resets the others.
 */
PG_FUNCTION_INFO_V1(liveness_rollup_features);
Datum
liveness_rollup_features(PG_FUNCTION_ARGS)
{
	Rollup		rollup;
	Oid			types[] = {TIMESTAMPTZOID, INT4OID};
	Datum		values[2];
	Tuplestorestate *computed;
	TimestampTz as_of;
	int			window_days;
	int64		rows;

	liveness_check_writable("liveness_rollup_features()");
	as_of = liveness_as_of_argument(fcinfo, 0);
	window_days = liveness_window_days_argument(fcinfo, 1);
	values[0] = TimestampTzGetDatum(as_of);
	values[1] = Int32GetDatum(window_days);

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

	computed = ComputeFeatures(&rollup, as_of, window_days);
	rows = WriteFeatures(&rollup, types, values);
	liveness_execute(&rollup, "SELECT count(*) FROM %s.provider_reliability_features",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	if (liveness_result_int64(1) > rows)
		ResetVanished(&rollup, types, values);
	PrepareCandidates(&rollup, as_of, tuplestore_tuple_count(computed));
	liveness_forget("computed", computed);

	liveness_end_rollup(&rollup, rows);
	PG_RETURN_INT64(rows);
}
