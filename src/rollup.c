/*-------------------------------------------------------------------------
 *
 * rollup.c
 *		The rollups: provider_sessions -> provider_reliability_features and what
 *		liveness_candidates answers from, and provider_heartbeats ->
 *		provider_heartbeats_hourly.
 *
 * This file alone writes the rolled-up tables.  Each rollup is one call in the
 * caller's transaction, made of a few set-based statements over the aggregates
 * of features.c, hazard.c and hourly.c.
 *
 * Locking.  A run holds the lock of its job (joblock.c) until its transaction ends.
 * A second run finds it taken, says so and returns NULL; so does a run while a dump is
 * restored.  What a run leaves behind (figures, watermark) stands in liveness_job_state,
 * which only the holder of the lock writes.
 *
 * Restores.  COPY must never find a key taken, so liveness_job_state and
 * liveness_fleet_hazard have none.  A job has one row there, and one more after a
 * restore, until its next run merges the two (liveness_merge_job_state).
 *
 * The watermark of the hourly rollup.  The routine run aggregates the (provider,
 * hour) cells that got a heartbeat since the last run; "since" is an id.  An id
 * is drawn from the sequence before its row can be seen, so the highest id seen
 * may have smaller ones still to come.  But whoever drew one holds ROW EXCLUSIVE
 * on the table, from before the draw to the end of the transaction.  So we
 *
 *	1. read the sequence: no id up to this "candidate" will be drawn again,
 *	2. then read who holds ROW EXCLUSIVE: the writers that may own one of them,
 *	3. once all of these have ended, take a new snapshot: it shows every row with
 *	   an id up to the candidate that there will ever be.
 *
 * A run waits a moment for step 3, as writers are short; if one is not, the
 * candidate and its writers are kept for the next run ("pending"), and the
 * watermark stays, so that some cells are aggregated once more.  Ids that were
 * not drawn this way (explicit ones, a sequence with a cache) are caught by two
 * nets: the hours of liveness.rollup_lookback are aggregated whole at least once
 * an hour, and every hour is aggregated again before its raw rows are pruned.
 * Where no id was ever drawn, as on a subscriber of logical replication, rows come
 * in the order in which they were committed elsewhere: the first net serves every
 * run there.
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

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "storage/shmem.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/wait_event.h"

#include "arguments.h"
#include "compat.h"
#include "extension.h"
#include "joblock.h"
#include "settings.h"
#include "stats.h"
#include "timemath.h"

/* How long a run waits for writers: 1 + 2 + 4 + ... ms */
#define WRITER_WAITS		7

/* The second net's interval */
#define SWEEP_INTERVAL		USECS_PER_HOUR

typedef struct Job
{
	const char *name;
	const char *schema;			/* of the extension, quoted */
	Oid			extension;
	Oid			heartbeats;		/* the table */
	int			guc_nestlevel;
	TimestampTz started_at;
	instr_time	started;
} Job;

/* What the hourly rollup remembers from run to run */
typedef struct HourlyProgress
{
	int64		watermark;		/* every row up to this id was aggregated */
	Datum		read_of;		/* text that the row read was of; 0: none */
	bool		has_pending;
	int64		pending;		/* candidate whose writers had not ended */
	Datum		pending_writers;	/* text[] of their virtual transactions */
	TimestampTz swept_at;
	TimestampTz pruned_before;
} HourlyProgress;

/*
 * The library is older than the SQL from an update of the packages to the next start of
 * the server, and newer until ALTER EXTENSION UPDATE: whoever runs rollups is told.
 */
static void
WarnOfOtherVersion(const InstalledExtension *extension)
{
	if (strcmp(extension->version, LIVENESS_VERSION) != 0)
		ereport(WARNING,
				(errmsg("extension liveness is of version %s, and its library of version %s",
						extension->version, LIVENESS_VERSION),
				 errhint("If the library is newer, run ALTER EXTENSION liveness UPDATE; if it is older, restart the server.")));
}

static void
FindObjects(Job *job, FunctionCallInfo fcinfo)
{
	InstalledExtension extension;

	liveness_extension_of(fcinfo->flinfo->fn_oid, &extension);
	WarnOfOtherVersion(&extension);
	job->extension = extension.oid;
	job->schema = extension.schema_name;
	job->heartbeats = get_relname_relid("provider_heartbeats", extension.schema);
	if (!OidIsValid(job->heartbeats))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s.provider_heartbeats does not exist", job->schema),
				 errhint("It belongs to the extension; was it renamed?")));
}

static void
SetLocal(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* A statement, every %s of which stands for the extension's schema */
static char *
Statement(const Job *job, const char *format)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (const char *p = format; *p; p++)
	{
		if (p[0] == '%' && p[1] == 's')
		{
			appendStringInfoString(&sql, job->schema);
			p++;
		}
		else
			appendStringInfoChar(&sql, *p);
	}
	return sql.data;
}

static void
Execute(const Job *job, const char *format, int nargs, Oid *types, Datum *values,
		const char *nulls, int expected)
{
	char	   *sql = Statement(job, format);
	int			result = SPI_execute_with_args(sql, nargs, types, values, nulls, false, 0);

	if (result != expected)
		elog(ERROR, "unexpected result %d of statement: %s", result, sql);
	pfree(sql);
}

/*
 * Run a SELECT into a tuplestore (at most work_mem, then disk) that the statements
 * after it see as a table of this name, until Forget.  Apart from the statement
 * that writes, because one that writes never gets a parallel plan.
 */
static Tuplestorestate *
Compute(const Job *job, const char *name, const char *format, int nargs, Oid *types,
		const Datum *values)
{
	char	   *sql = Statement(job, format);
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);
	SPIExecuteOptions options = {0};
	SPIPlanPtr	plan;
	CachedPlanSource *source;
	EphemeralNamedRelation relation;

	plan = SPI_prepare_cursor(sql, nargs, types,
							  CURSOR_OPT_PARALLEL_OK | CURSOR_OPT_CUSTOM_PLAN);
	if (plan == NULL)
		elog(ERROR, "cannot prepare statement: %s", sql);
	source = (CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan));

	options.params = makeParamList(nargs);
	for (int i = 0; i < nargs; i++)
	{
		options.params->params[i].value = values[i];
		options.params->params[i].isnull = false;
		options.params->params[i].pflags = PARAM_FLAG_CONST;
		options.params->params[i].ptype = types[i];
	}
	SetTuplestoreDestReceiverParams(dest, store, CurrentMemoryContext, false, NULL, NULL);
	options.dest = dest;
	if (SPI_execute_plan_extended(plan, &options) != SPI_OK_SELECT)
		elog(ERROR, "unexpected result of statement: %s", sql);
	dest->rDestroy(dest);

	relation = (EphemeralNamedRelation) palloc0(sizeof(EphemeralNamedRelationData));
	relation->md.name = pstrdup(name);
	relation->md.reliddesc = InvalidOid;
	relation->md.tupdesc = CreateTupleDescCopy(source->resultDesc);
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = (double) tuplestore_tuple_count(store);
	relation->reldata = store;
	if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "cannot register relation \"%s\"", name);

	SPI_freeplan(plan);
	pfree(sql);
	return store;
}

static void
Forget(const char *name, Tuplestorestate *store)
{
	(void) SPI_unregister_relation(name);
	tuplestore_end(store);
}

/* A column of the first row of the last result */
static Datum
ResultDatum(int column, bool *isnull)
{
	if (SPI_processed < 1)
		elog(ERROR, "a statement of the rollup returned no row");
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

static int64
ResultInt64(int column)
{
	bool		isnull;
	Datum		value = ResultDatum(column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/*
 * Lock the table that a job reads and those that it writes, before its first look at
 * any: a REINDEX that came between a read and a write of one table would wait for us
 * and we for it.  In the order in which the tables were created, for whoever locks
 * several at once, as TRUNCATE does.
 */
static void
LockTables(const Job *job, const char *read, const char *written)
{
	Execute(job, psprintf("LOCK TABLE %s IN ACCESS SHARE MODE", read),
			0, NULL, NULL, NULL, SPI_OK_UTILITY);
	Execute(job, psprintf("LOCK TABLE %s IN ROW EXCLUSIVE MODE", written),
			0, NULL, NULL, NULL, SPI_OK_UTILITY);
}

/* Where the library is not preloaded, no restore takes its lock */
static bool
PgRestoreIsRunning(const Job *job)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {
		CStringGetTextDatum(psprintf("%s.provider_heartbeats_hourly", job->schema))
	};

	Execute(job,
			"SELECT FROM pg_stat_activity a"
			" WHERE a.datname = current_database() AND a.application_name = 'pg_restore'"
			" AND a.pid <> pg_backend_pid()"
			" AND has_table_privilege(a.usesysid, $1::regclass, 'INSERT') LIMIT 1",
			1, types, values, NULL, SPI_OK_SELECT);
	return SPI_processed > 0;
}

static bool
GiveUp(const Job *job, const char *why)
{
	ereport(NOTICE, (errmsg_internal("%s", why)));
	AtEOXact_GUC(true, job->guc_nestlevel);
	SPI_finish();
	return false;
}

/*
 * Take the job's lock, and those of its tables; false, after a NOTICE, if another run
 * holds it, or a dump is being restored.
 *
 * Statements of a job run with a search_path that no other role can write to, with an
 * error where row-level security would hide rows, and with the memory of maintenance
 * work.  Groups are always hashed: the planner cannot
 * know how few they are, and would sort.  JIT would cost more than it saves, for
 * the expressions are few and the work is in the aggregates.
 */
static bool
BeginJob(Job *job, const char *name, LivenessLock lock, const char *read, const char *written,
		 FunctionCallInfo fcinfo)
{
	job->name = name;
	FindObjects(job, fcinfo);
	job->started_at = GetCurrentTimestamp();
	INSTR_TIME_SET_CURRENT(job->started);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	job->guc_nestlevel = NewGUCNestLevel();
	SetLocal("search_path", "pg_catalog, pg_temp");
	SetLocal("row_security", "off");
	SetLocal("jit", "off");
	SetLocal("enable_sort", "off");
	if (work_mem < maintenance_work_mem)
	{
		char		value[32];

		snprintf(value, sizeof(value), "%d", maintenance_work_mem);
		SetLocal("work_mem", value);
	}

	if (!liveness_lock_job(job->extension, lock, false))
		return GiveUp(job, psprintf("another run of the %s rollup is in progress, nothing done", name));
	LockTables(job, read, written);
	if (!liveness_lock_out_restores(job->extension) || PgRestoreIsRunning(job))
		return GiveUp(job, psprintf("a dump is being restored, no run of the %s rollup meanwhile", name));
	return true;
}

/* One row for the job, whatever a restore has added */
static void
MergeState(const Job *job, const char *identity)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(job->name),
	identity ? CStringGetTextDatum(identity) : (Datum) 0};

	Execute(job, "SELECT liveness_internal.liveness_merge_job_state($1, $2)", 2, types, values,
			identity ? "  " : " n", SPI_OK_SELECT);
}

/* Record the run, and leave */
static void
EndJob(Job *job, int64 rows)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, FLOAT8OID, INT8OID};
	Datum		values[4];
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, job->started);
	values[0] = CStringGetTextDatum(job->name);
	values[1] = TimestampTzGetDatum(job->started_at);
	values[2] = Float8GetDatum(INSTR_TIME_GET_DOUBLE(duration));
	values[3] = Int64GetDatum(rows);
	Execute(job,
			"SELECT liveness_internal.liveness_record_run($1, $2, make_interval(secs => $3), $4)",
			4, types, values, NULL, SPI_OK_SELECT);
	AtEOXact_GUC(true, job->guc_nestlevel);
	SPI_finish();
}

/* On a standby, say what stands in the way before the first lock does */
static void
CheckCanWrite(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
}

/* The columns of liveness_features_row, each with what it is a column of before it */
#define FEATURES_OF(row) \
	row "uptime_pct, " row "sessions_count, " row "mtbf_seconds," \
	" " row "median_session_seconds, " row "p10_session_seconds, " row "p90_session_seconds," \
	" " row "hourly_availability, " row "disconnect_reasons, " row "p_stays_4h," \
	" " row "p_stays_8h, " row "last_disconnect_at, " row "last_session_duration_seconds," \
	" " row "liveness_score, " row "mttr_seconds, " row "failures_count," \
	" " row "p_survives_4h, " row "p_survives_8h, " row "spells_count"
#define FEATURES_COLUMNS	FEATURES_OF("")

/* What liveness_candidates knows of a provider; OFFSET 0, for the spell is named thrice */
#define PROVIDER_HAZARD \
	"SELECT c.provider_id, liveness_internal.liveness_history_count(c.sessions, $1) AS spells," \
	" liveness_internal.liveness_host_hazard(c.sessions, $2, $1) AS hazard," \
	" liveness_internal.liveness_history_spell_at(c.sessions, $1, $1) AS spell" \
	" FROM computed c OFFSET 0"

/*
 * What liveness_candidates will answer from: three passes over the sessions of each
 * provider, packed, which are in "computed".
 */
static void
PrepareCandidates(const Job *job, TimestampTz as_of, int64 providers)
{
	Oid			types[] = {TIMESTAMPTZOID, FLOAT8ARRAYOID};
	Datum		values[2] = {TimestampTzGetDatum(as_of)};
	char		nulls[] = "  ";
	bool		isnull;

	Execute(job, "SELECT liveness_internal.liveness_fleet_ages(c.sessions, $1) FROM computed c",
			1, types, values, NULL, SPI_OK_SELECT);
	values[1] = ResultDatum(1, &isnull);
	if (!isnull)
	{
		values[1] = SPI_datumTransfer(values[1], false, -1);
		Execute(job, "SELECT $2 || liveness_internal.liveness_fleet_hours(c.sessions, $2, $1) FROM computed c",
				2, types, values, NULL, SPI_OK_SELECT);
		values[1] = SPI_datumTransfer(ResultDatum(1, &isnull), false, -1);
	}
	/* where nobody was ever up there is nothing to tell */
	nulls[1] = isnull ? 'n' : ' ';
	Execute(job,
			"UPDATE liveness_internal.liveness_fleet_hazard f SET as_of = $1, hazard = $2",
			2, types, values, nulls, SPI_OK_UPDATE);
	if (SPI_processed != 1)
	{
		Execute(job, "DELETE FROM liveness_internal.liveness_fleet_hazard", 0, NULL, NULL, NULL, SPI_OK_DELETE);
		Execute(job, "INSERT INTO liveness_internal.liveness_fleet_hazard (as_of, hazard) VALUES ($1, $2)",
				2, types, values, nulls, SPI_OK_INSERT);
	}

	if (isnull)
		providers = 0;
	if (providers > 0)
	{
		Execute(job,
				"UPDATE liveness_internal.liveness_provider_hazard p SET as_of = $1, spells = c.spells,"
				" hazard = c.hazard, spell_since = (c.spell).since,"
				" spell_until = (c.spell).until, spell_failed = (c.spell).failed"
				" FROM (" PROVIDER_HAZARD ") c WHERE c.provider_id = p.provider_id",
				2, types, values, NULL, SPI_OK_UPDATE);
		if ((int64) SPI_processed < providers)
			Execute(job,
					"INSERT INTO liveness_internal.liveness_provider_hazard"
					"  (provider_id, as_of, spells, hazard, spell_since, spell_until, spell_failed)"
					" SELECT c.provider_id, $1, c.spells, c.hazard, (c.spell).since,"
					"  (c.spell).until, (c.spell).failed"
					" FROM (" PROVIDER_HAZARD ") c"
					" WHERE NOT EXISTS (SELECT FROM liveness_internal.liveness_provider_hazard p"
					"  WHERE p.provider_id = c.provider_id)"
					" ON CONFLICT (provider_id) DO NOTHING",
					2, types, values, NULL, SPI_OK_INSERT);
	}
	Execute(job, "SELECT count(*) FROM liveness_internal.liveness_provider_hazard", 0, NULL, NULL, NULL, SPI_OK_SELECT);
	if (ResultInt64(1) > providers)
		Execute(job,
				"DELETE FROM liveness_internal.liveness_provider_hazard p"
				" WHERE $2 IS NULL"
				" OR NOT EXISTS (SELECT FROM computed c WHERE c.provider_id = p.provider_id)",
				2, types, values, nulls, SPI_OK_DELETE);
}

/*
 * Would the sessions of all providers at once be more than a hash table may take?  It
 * spills new groups only, and ours are all there from the first rows on, and grow: so
 * we have to say before.  States take a quarter of the table, or a little more.
 */
static bool
TooLargeToHash(const Job *job)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(psprintf("%s.provider_sessions", job->schema))};

	/* itself, or its partitions */
	Execute(job,
			"SELECT sum(pg_relation_size(t.relid))::int8"
			" FROM (SELECT $1::regclass AS relid UNION"
			"  SELECT p.relid FROM pg_partition_tree($1::regclass) p) t",
			1, types, values, NULL, SPI_OK_SELECT);
	return (double) ResultInt64(1) / 4 > hash_mem_multiplier * work_mem * 1024.0;
}

/*
 * Features and histories of all providers.
 *
 * With an index that holds all we read (docs/scale.md), each process of a
 * parallel plan takes a range of providers, and all of their sessions; in order, so
 * that one provider's are in memory at a time.  Without, a scan for each range would
 * read the whole table: the processes share one scan, and the leader puts together
 * what they found.  Sessions that memory does not hold are sorted then, by a hash,
 * since texts take long to compare.
 */
static Tuplestorestate *
ComputeFeatures(const Job *job, TimestampTz as_of, int window_days)
{
	Oid			types[] = {TIMESTAMPTZOID, INT4OID, TEXTARRAYOID};
	Datum		values[3] = {TimestampTzGetDatum(as_of), Int32GetDatum(window_days)};
	Oid			parts_type[] = {INT4OID};
	Datum		parts[] = {
		Int32GetDatum(Min(max_parallel_workers_per_gather, max_parallel_workers) + 1)
	};
	bool		large = TooLargeToHash(job);
	StringInfoData sql;
	Tuplestorestate *computed;
	int			guc_nestlevel;
	int			nbounds = 0;
	bool		uncovered;

	Execute(job, "SELECT liveness_internal.liveness_session_bounds($1)", 1, parts_type, parts, NULL,
			SPI_OK_SELECT);
	values[2] = ResultDatum(1, &uncovered);
	if (!uncovered)
	{
		values[2] = SPI_datumTransfer(values[2], false, -1);
		nbounds = ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(values[2])),
								 ARR_DIMS(DatumGetArrayTypeP(values[2])));
	}

	initStringInfo(&sql);
	for (int i = 0; i <= nbounds; i++)
	{
		appendStringInfoString(&sql,
							   "SELECT s.provider_id, liveness_internal.liveness_features_all(s.connected_at,"
							   "  s.disconnected_at, s.disconnect_reason, $1, $2) AS features,"
							   " liveness_internal.liveness_features_history(s.connected_at,"
							   "  s.disconnected_at, s.disconnect_reason, $1, $2) AS sessions"
							   " FROM %s.provider_sessions s WHERE s.connected_at < $1");
		if (i > 0)
			appendStringInfo(&sql, " AND s.provider_id >= ($3)[%d]", i);
		if (i < nbounds)
			appendStringInfo(&sql, " AND s.provider_id < ($3)[%d]", i + 1);
		appendStringInfoString(&sql, large && uncovered
							   ? " GROUP BY hashtext(s.provider_id), s.provider_id"
							   : " GROUP BY s.provider_id");
		if (i < nbounds)
			appendStringInfoString(&sql, " UNION ALL ");
	}

	guc_nestlevel = NewGUCNestLevel();
	if (large)
	{
		SetLocal("enable_hashagg", "off");
		SetLocal("enable_sort", "on");
	}
	computed = Compute(job, "computed", sql.data, nbounds > 0 ? 3 : 2, types, values);
	AtEOXact_GUC(true, guc_nestlevel);
	return computed;
}

/*
 * liveness_rollup_features(as_of timestamptz, window_days int) -> bigint
 *
 * Writes a row for every provider with a session in the window, and resets the
 * others: a provider that vanished must not keep a good score.  A row that is
 * reset already is not written again.
 *
 * Nearly every row is there already, so we update by a join, which spares the
 * index probe and the row lock that ON CONFLICT DO UPDATE takes for each.
 */
PG_FUNCTION_INFO_V1(liveness_rollup_features);
Datum
liveness_rollup_features(PG_FUNCTION_ARGS)
{
	Job			job;
	Oid			types[] = {TIMESTAMPTZOID, INT4OID};
	Datum		values[2];
	Tuplestorestate *computed;
	TimestampTz as_of;
	int			window_days;
	int64		rows;

	CheckCanWrite("liveness_rollup_features()");
	as_of = liveness_as_of_argument(fcinfo, 0);
	window_days = liveness_window_days_argument(fcinfo, 1);

	if (!BeginJob(&job, "features", LOCK_FEATURES, "%s.provider_sessions",
				  "%s.provider_reliability_features, liveness_internal.liveness_fleet_hazard,"
				  " liveness_internal.liveness_provider_hazard, liveness_internal.liveness_job_state", fcinfo))
		PG_RETURN_NULL();
	MergeState(&job, NULL);

	/*
	 * Where the planner takes the features for an empty table, as before the
	 * first run, a nested loop would read what we have inserted so far again
	 * for each provider.
	 */
	SetLocal("enable_nestloop", "off");

	/* We read the same pages every few minutes: they are in memory, in whatever order */
	if (random_page_cost > seq_page_cost)
		SetLocal("random_page_cost", psprintf("%.17g", seq_page_cost));

	values[0] = TimestampTzGetDatum(as_of);
	values[1] = Int32GetDatum(window_days);
	computed = ComputeFeatures(&job, as_of, window_days);
	/* the others have no session in the window, but a history */
	Execute(&job, "SELECT count(*) FROM computed c WHERE c.features IS DISTINCT FROM NULL",
			0, NULL, NULL, NULL, SPI_OK_SELECT);
	rows = ResultInt64(1);
	Execute(&job,
			"UPDATE %s.provider_reliability_features f"
			" SET (updated_at, window_days, " FEATURES_COLUMNS ") = ROW($1, $2, " FEATURES_OF("(c.features).") ")"
			" FROM computed c WHERE c.provider_id = f.provider_id"
			" AND c.features IS DISTINCT FROM NULL",
			2, types, values, NULL, SPI_OK_UPDATE);
	if ((int64) SPI_processed < rows)
		Execute(&job,
				"INSERT INTO %s.provider_reliability_features"
				"  (provider_id, updated_at, window_days, " FEATURES_COLUMNS ")"
				" SELECT c.provider_id, $1, $2, " FEATURES_OF("(c.features).") " FROM computed c"
				" WHERE c.features IS DISTINCT FROM NULL"
				" AND NOT EXISTS (SELECT FROM %s.provider_reliability_features f"
				"  WHERE f.provider_id = c.provider_id)"
				" ON CONFLICT (provider_id) DO NOTHING",
				2, types, values, NULL, SPI_OK_INSERT);

	Execute(&job, "SELECT count(*) FROM %s.provider_reliability_features",
			0, NULL, NULL, NULL, SPI_OK_SELECT);
	if (ResultInt64(1) > rows)
		Execute(&job,
				"WITH present AS MATERIALIZED ("
				" SELECT c.provider_id FROM computed c WHERE c.features IS DISTINCT FROM NULL"
				"), vanished AS ("
				" SELECT f.provider_id, " FEATURES_OF("v.")
				" FROM %s.provider_reliability_features f"
				" CROSS JOIN (SELECT jsonb_agg(0) AS matrix FROM generate_series(1, 168)) n"
				" CROSS JOIN LATERAL (SELECT CASE WHEN f.last_disconnect_at <= $1"
				"  THEN f.last_disconnect_at END AS last_disconnect_at) k"
				" CROSS JOIN LATERAL (VALUES (0::float4, 0, 0::int8, 0::int8, 0::int8, 0::int8,"
				"  n.matrix, '{}'::jsonb, 0::float4, 0::float4, k.last_disconnect_at, 0::int8,"
				"  %s.liveness_score(0::float8, 0::float8, 0::float8, 0::float8,"
				"   k.last_disconnect_at, $1)::float4, 0::int8, 0, NULL::float4,"
				"  NULL::float4, 0)) v (" FEATURES_COLUMNS ")"
				" WHERE NOT EXISTS (SELECT FROM present p WHERE p.provider_id = f.provider_id)"
				" AND ROW(f.window_days, " FEATURES_OF("f.") ")"
				"  IS DISTINCT FROM ROW($2, " FEATURES_OF("v.") ")"
				") UPDATE %s.provider_reliability_features f"
				" SET (updated_at, window_days, " FEATURES_COLUMNS ") = ROW($1, $2, " FEATURES_OF("v.") ")"
				" FROM vanished v WHERE v.provider_id = f.provider_id",
				2, types, values, NULL, SPI_OK_UPDATE);
	PrepareCandidates(&job, as_of, tuplestore_tuple_count(computed));
	Forget("computed", computed);

	EndJob(&job, rows);
	PG_RETURN_INT64(rows);
}

/*
 * Where the hourly rollup stands.
 *
 * The watermark is void in another database or cluster than it was made in
 * (after a restore), or if the sequence was set back: everything again.
 */
static void
ReadProgress(const Job *job, HourlyProgress *progress, const char *identity)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(identity)};
	bool		isnull;
	Datum		value;

	memset(progress, 0, sizeof(*progress));
	progress->swept_at = DT_NOBEGIN;
	progress->pruned_before = DT_NOBEGIN;

	Execute(job,
			"SELECT s.watermark_of = $1, s.watermark, s.pending, s.pending_writers,"
			" s.swept_at, s.pruned_before, s.watermark_of"
			" FROM liveness_internal.liveness_job_state s WHERE s.job = 'hourly'",
			1, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return;

	value = ResultDatum(6, &isnull);
	if (!isnull)
		progress->pruned_before = DatumGetTimestampTz(value);
	value = ResultDatum(7, &isnull);
	if (!isnull)
		progress->read_of = SPI_datumTransfer(value, false, -1);

	value = ResultDatum(1, &isnull);
	if (isnull || !DatumGetBool(value))
		return;
	progress->watermark = ResultInt64(2);
	value = ResultDatum(3, &isnull);
	if (!isnull)
	{
		progress->has_pending = true;
		progress->pending = DatumGetInt64(value);
		value = ResultDatum(4, &isnull);
		progress->pending_writers = isnull
			? PointerGetDatum(construct_empty_array(TEXTOID))
			: SPI_datumTransfer(value, false, -1);
	}
	value = ResultDatum(5, &isnull);
	if (!isnull)
		progress->swept_at = DatumGetTimestampTz(value);
}

static void
WriteProgress(const Job *job, HourlyProgress *progress, const char *identity,
			  int64 late)
{
	Oid			types[] = {TEXTOID, INT8OID, INT8OID, TEXTARRAYOID, TIMESTAMPTZOID,
	TIMESTAMPTZOID, INT8OID, TEXTOID};
	Datum		values[8];
	char		nulls[] = "        ";

	values[0] = CStringGetTextDatum(identity);
	values[1] = Int64GetDatum(progress->watermark);
	values[2] = Int64GetDatum(progress->pending);
	values[3] = progress->pending_writers;
	if (!progress->has_pending)
		nulls[2] = nulls[3] = 'n';
	values[4] = TimestampTzGetDatum(progress->swept_at);
	values[5] = TimestampTzGetDatum(progress->pruned_before);
	values[6] = Int64GetDatum(late);
	values[7] = progress->read_of;
	if (progress->read_of == (Datum) 0)
		nulls[7] = 'n';

	/* the row that was read, and none that a restore has added since */
	Execute(job,
			"UPDATE liveness_internal.liveness_job_state s SET watermark_of = $1, watermark = $2,"
			" pending = $3, pending_writers = $4, swept_at = $5, pruned_before = $6,"
			" late = s.late + $7"
			" WHERE s.job = 'hourly' AND s.watermark_of IS NOT DISTINCT FROM $8",
			8, types, values, nulls, SPI_OK_UPDATE);
	if (SPI_processed == 0)
		Execute(job,
				"INSERT INTO liveness_internal.liveness_job_state (job, watermark_of, watermark, pending,"
				" pending_writers, swept_at, pruned_before, late)"
				" VALUES ('hourly', $1, $2, $3, $4, $5, $6, $7)",
				8, types, values, nulls, SPI_OK_INSERT);
	progress->read_of = values[0];
	liveness_count_on_commit(COUNTER_HOURLY_LATE, late);
}

/*
 * Which table, in which database, of which cluster a watermark belongs to, and which
 * file of the sequence: TRUNCATE ... RESTART IDENTITY and ALTER SEQUENCE ... RESTART
 * give it a new one, and its ids may be past the watermark again before we look.
 */
static char *
WatermarkIdentity(const Job *job)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {
		CStringGetTextDatum(psprintf("%s.provider_heartbeats", job->schema))
	};
	bool		isnull;
	Datum		file;

	Execute(job,
			"SELECT pg_relation_filenode(pg_get_serial_sequence($1, 'id')::regclass)",
			1, types, values, NULL, SPI_OK_SELECT);
	file = ResultDatum(1, &isnull);
	return psprintf(UINT64_FORMAT "/%u/%u/%u", GetSystemIdentifier(), MyDatabaseId,
					job->heartbeats, isnull ? InvalidOid : DatumGetObjectId(file));
}

/*
 * Those of the writers given (or of all there are) that still hold ROW EXCLUSIVE
 * on the heartbeats, or on a partition or chunk of theirs, ourselves left out: text[] of virtual transactions.  One that
 * was prepared since goes by another name, so every prepared transaction counts.
 */
static Datum
RunningWriters(const Job *job, Datum writers, bool all, bool *none)
{
	Oid			types[] = {TEXTARRAYOID, OIDOID, OIDOID};
	Datum		values[] = {writers, ObjectIdGetDatum(job->heartbeats),
	ObjectIdGetDatum(MyDatabaseId)};
	bool		isnull;
	Datum		running;

	Execute(job,
			"WITH RECURSIVE part (relid) AS ("
			" SELECT $2 UNION SELECT i.inhrelid FROM pg_inherits i JOIN part p ON p.relid = i.inhparent)"
			" SELECT array_agg(DISTINCT l.virtualtransaction)"
			" FROM pg_locks l"
			" WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND l.granted"
			" AND l.relation IN (SELECT p.relid FROM part p) AND l.database = $3"
			" AND l.pid IS DISTINCT FROM pg_backend_pid()"
			" AND ($1 IS NULL OR l.pid IS NULL OR l.virtualtransaction = ANY ($1))",
			3, types, values, all ? "n  " : "   ", SPI_OK_SELECT);
	running = ResultDatum(1, &isnull);
	*none = isnull;
	return isnull ? (Datum) 0 : SPI_datumTransfer(running, false, -1);
}

/*
 * How far the watermark may move with the snapshot that is taken next (see the
 * top of the file); keeps what is pending for the run after this one.
 */
static int64
NextWatermark(const Job *job, HourlyProgress *progress)
{
	Oid			types[] = {INT8OID, TEXTOID};
	Datum		values[2];
	int64		candidate;
	int64		next = progress->watermark;
	Datum		writers;
	bool		none;

	/*
	 * A sequence that was never used has a table filled by other means, such as
	 * logical replication: the highest id seen has to do.
	 */
	values[0] = Int64GetDatum(progress->watermark);
	values[1] = CStringGetTextDatum(psprintf("%s.provider_heartbeats", job->schema));
	Execute(job,
			"SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence($2, 'id')::regclass),"
			" (SELECT max(h.id) FROM %s.provider_heartbeats h WHERE h.id > $1), $1)",
			2, types, values, NULL, SPI_OK_SELECT);
	candidate = ResultInt64(1);
	if (candidate < progress->watermark)
	{
		progress->watermark = next = 0;
		progress->has_pending = false;
	}

	writers = RunningWriters(job, (Datum) 0, true, &none);

	/*
	 * A snapshot taken long ago shows nothing new, however long we wait.  But it shows
	 * what the last run has noted, and so all that was committed before: if that run
	 * knew that the writers had ended, it shows their rows.  Else we note who is left.
	 */
	if (IsolationUsesXactSnapshot())
	{
		if (progress->has_pending)
		{
			ArrayType  *noted = DatumGetArrayTypeP(progress->pending_writers);
			bool		ended;
			Datum		left;

			if (ArrayGetNItems(ARR_NDIM(noted), ARR_DIMS(noted)) == 0)
			{
				next = Max(next, progress->pending);
				progress->has_pending = false;
			}
			else
			{
				left = RunningWriters(job, progress->pending_writers, false, &ended);
				progress->pending_writers = ended
					? PointerGetDatum(construct_empty_array(TEXTOID)) : left;
			}
		}
	}
	else
	{
		static uint32 wait_event = 0;

		if (wait_event == 0)
			wait_event = WaitEventExtensionNew("LivenessRollupWriters");
		for (int i = 0; !none && i < WRITER_WAITS; i++)
		{
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							 1L << i, wait_event);
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
			writers = RunningWriters(job, writers, false, &none);
		}
		if (none)
		{
			progress->has_pending = false;
			return candidate;
		}
		if (progress->has_pending)
		{
			bool		ended;

			(void) RunningWriters(job, progress->pending_writers, false, &ended);
			if (ended)
			{
				next = Max(next, progress->pending);
				progress->has_pending = false;
			}
		}
	}

	if (!progress->has_pending)
	{
		progress->has_pending = true;
		progress->pending = candidate;
		progress->pending_writers = none
			? PointerGetDatum(construct_empty_array(TEXTOID)) : writers;
	}
	return next;
}

/* Does the table get its ids from its sequence? */
static bool
SequenceInUse(const Job *job)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(psprintf("%s.provider_heartbeats", job->schema))};
	bool		isnull;

	Execute(job, "SELECT pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass)",
			1, types, values, NULL, SPI_OK_SELECT);
	(void) ResultDatum(1, &isnull);
	return !isnull;
}

/* The columns of liveness_hourly_row, and of liveness_hours_row */
#define CELL_OF(row) \
	row "heartbeat_count, " row "avg_memory_pressure, " row "avg_cpu_usage," \
	" " row "max_thermal_state, " row "avg_memory_available_gb"
#define HOUR_OF(row)		row "hour, " CELL_OF(row)

#define INSERT_CELLS \
	"INSERT INTO %s.provider_heartbeats_hourly AS k (provider_id, " HOUR_OF("") ") "
#define UPSERT_CELLS \
	" ON CONFLICT (provider_id, hour) DO UPDATE SET" \
	"  heartbeat_count = excluded.heartbeat_count," \
	"  avg_memory_pressure = excluded.avg_memory_pressure," \
	"  avg_cpu_usage = excluded.avg_cpu_usage," \
	"  max_thermal_state = excluded.max_thermal_state," \
	"  avg_memory_available_gb = excluded.avg_memory_available_gb" \
	" WHERE $1 OR excluded.heartbeat_count >= k.heartbeat_count"

/*
 * Aggregate the hours in [since, until), both on the hour: every cell of them, or
 * those that stand in the relation "touched".  A cell that counts more heartbeats than
 * are there is written only to mend it.  Returns rows written.
 *
 * A day at a time: one group holds all its provider's hours, which memory would
 * not bound, but for that.
 */
static int64
RollUpHours(const Job *job, TimestampTz since, TimestampTz until, bool touched_only, bool mend)
{
	Oid			mend_type[] = {BOOLOID};
	Datum		mend_value[] = {BoolGetDatum(mend)};
	int64		rows = 0;

	for (; since < until; since += USECS_PER_DAY)
	{
		Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
		Datum		values[] = {
			TimestampTzGetDatum(since), TimestampTzGetDatum(Min(since + USECS_PER_DAY, until))
		};
		Tuplestorestate *cells;

		cells = Compute(job, "cells",
						"SELECT h.provider_id, liveness_internal.liveness_hours(h.at, h.memory_pressure,"
						"  h.cpu_usage, h.thermal_state, h.memory_available_gb) AS hours"
						" FROM %s.provider_heartbeats h WHERE h.at >= $1 AND h.at < $2"
						" GROUP BY h.provider_id",
						2, types, values);
		Execute(job,
				touched_only
				? INSERT_CELLS
				"SELECT p.provider_id, " HOUR_OF("c.") " FROM cells p CROSS JOIN LATERAL unnest(p.hours) c"
				" WHERE EXISTS (SELECT FROM touched t"
				"  WHERE t.provider_id = p.provider_id AND t.hour = c.hour)"
				UPSERT_CELLS
				: INSERT_CELLS
				"SELECT p.provider_id, " HOUR_OF("c.") " FROM cells p CROSS JOIN LATERAL unnest(p.hours) c"
				UPSERT_CELLS,
				1, mend_type, mend_value, NULL, SPI_OK_INSERT);
		rows += (int64) SPI_processed;
		Forget("cells", cells);
	}
	return rows;
}

/*
 * Aggregate every cell of the hours in a range that may have no ends.  From one
 * heartbeat to the next: a single one from a clock that stood at 1970, or at the
 * end of the calendar, must not cost a statement for each day on the way.
 */
static int64
RollUpRange(const Job *job, TimestampTz since, TimestampTz until, bool mend)
{
	int64		rows = 0;

	for (;;)
	{
		Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
		Datum		values[] = {TimestampTzGetDatum(since), TimestampTzGetDatum(until)};
		Datum		first;
		bool		isnull;

		Execute(job,
				"SELECT min(h.at) FROM %s.provider_heartbeats h"
				" WHERE h.at >= $1 AND h.at < $2 AND h.at > '-infinity'",
				2, types, values, NULL, SPI_OK_SELECT);
		first = ResultDatum(1, &isnull);
		if (isnull)
			return rows;
		since = liveness_hour_of(DatumGetTimestampTz(first));
		rows += RollUpHours(job, since, Min(since + USECS_PER_DAY, until), false, mend);
		since += USECS_PER_DAY;
	}
}

/*
 * Aggregate the cells that got a heartbeat after the watermark, and, if given,
 * every cell of the hours in [sweep_since, sweep_until).  Counts in *late the
 * heartbeats up to next_watermark that came too late for their hour.
 *
 * An hour in which at least a quarter of the known cells was touched is read
 * whole, by time, in the order of the heap; in others only the cells touched are
 * read, by key.  A provider that delivers a day's heartbeats at once does not make
 * us read that day of all the others.
 */
static int64
RollUpTouched(const Job *job, const HourlyProgress *progress, int64 next_watermark,
			  TimestampTz sweep_since, TimestampTz sweep_until, int64 *late)
{
	Oid			touched_types[] = {INT8OID, INT8OID};
	Datum		touched_values[] = {
		Int64GetDatum(progress->watermark), Int64GetDatum(next_watermark)
	};
	Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {
		TimestampTzGetDatum(progress->pruned_before),
		TimestampTzGetDatum(sweep_since), TimestampTzGetDatum(sweep_until)
	};
	Tuplestorestate *touched;
	TimestampTz *whole;
	Datum	   *sparse;
	int			nwhole = 0;
	int			nsparse = 0;
	int64		rows;

	touched = Compute(job, "touched",
					  "SELECT h.provider_id, liveness_internal.liveness_utc_hour(h.at) AS hour,"
					  " count(*) FILTER (WHERE h.id <= $2) AS final"
					  " FROM %s.provider_heartbeats h"
					  " WHERE h.id > $1 AND h.at > '-infinity' AND h.at < 'infinity'"
					  " GROUP BY h.provider_id, liveness_internal.liveness_utc_hour(h.at)",
					  2, touched_types, touched_values);
	Execute(job, "SELECT sum(t.final)::int8 FROM touched t WHERE t.hour < $1",
			1, types, values, NULL, SPI_OK_SELECT);
	*late = ResultInt64(1);

	Execute(job,
			"SELECT t.hour, 4 * count(*) >= (SELECT count(*)"
			"  FROM %s.provider_heartbeats_hourly k WHERE k.hour = t.hour)"
			" FROM touched t"
			" WHERE t.hour >= $1 AND NOT (t.hour >= $2 AND t.hour < $3)"
			" GROUP BY t.hour ORDER BY t.hour",
			3, types, values, NULL, SPI_OK_SELECT);
	whole = (TimestampTz *) palloc(mul_size(sizeof(TimestampTz), SPI_processed));
	sparse = (Datum *) palloc(mul_size(sizeof(Datum), SPI_processed));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		bool		isnull;
		Datum		hour = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull);

		if (DatumGetBool(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull)))
			whole[nwhole++] = DatumGetTimestampTz(hour);
		else
			sparse[nsparse++] = hour;
	}

	rows = sweep_since < sweep_until ? RollUpRange(job, sweep_since, sweep_until, false) : 0;

	/* runs of hours that follow one another are read in one go */
	for (int i = 0; i < nwhole;)
	{
		int			first = i;

		do
			i++;
		while (i < nwhole && whole[i] == whole[i - 1] + USECS_PER_HOUR);
		rows += RollUpHours(job, whole[first], whole[i - 1] + USECS_PER_HOUR, true, false);
	}

	if (nsparse > 0)
	{
		Oid			sparse_types[] = {BOOLOID, TIMESTAMPTZARRAYOID};
		Datum		sparse_values[] = {
			BoolGetDatum(false),
			PointerGetDatum(construct_array(sparse, nsparse, TIMESTAMPTZOID,
											sizeof(TimestampTz), FLOAT8PASSBYVAL,
											TYPALIGN_DOUBLE))
		};

		/* not "before the next hour", for after the calendar's last there is none */
		Execute(job,
				INSERT_CELLS
				"SELECT c.provider_id, c.hour, " CELL_OF("(c.cell).") " FROM"
				" (SELECT t.provider_id, t.hour, liveness_internal.liveness_hourly(h.memory_pressure,"
				"   h.cpu_usage, h.thermal_state, h.memory_available_gb) AS cell"
				"  FROM touched t JOIN %s.provider_heartbeats h ON h.provider_id = t.provider_id"
				"   AND h.at >= t.hour"
				"   AND h.at <= t.hour + '59 minutes 59.999999 seconds'::interval"
				"  WHERE t.hour = ANY ($2) GROUP BY t.provider_id, t.hour) c"
				UPSERT_CELLS,
				2, sparse_types, sparse_values, NULL, SPI_OK_INSERT);
		rows += (int64) SPI_processed;
	}

	Forget("touched", touched);
	return rows;
}

/* The routine run: returns rows written */
static int64
RollUpRoutine(const Job *job, HourlyProgress *progress, const char *identity)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz sweep_since = 0;
	TimestampTz sweep_until = 0;
	bool		sweep;
	int64		next_watermark;
	int64		late;
	int64		rows;

	/* a clock that was set back must not put the net off for longer */
	sweep = liveness_rollup_lookback > 0 &&
		(progress->swept_at > now || now - SWEEP_INTERVAL >= progress->swept_at ||
		 !SequenceInUse(job));
	if (sweep)
	{
		sweep_since = Max(liveness_hour_of(now - liveness_rollup_lookback * USECS_PER_SEC),
						  progress->pruned_before);
		sweep_until = Max(liveness_hour_of(now) + USECS_PER_HOUR, sweep_since);
		progress->swept_at = now;
	}

	next_watermark = NextWatermark(job, progress);
	rows = RollUpTouched(job, progress, next_watermark, sweep_since, sweep_until, &late);
	progress->watermark = next_watermark;
	WriteProgress(job, progress, identity, late);
	return rows;
}

static bool
BeginHourly(Job *job, FunctionCallInfo fcinfo, HourlyProgress *progress, char **identity)
{
	if (!BeginJob(job, "hourly", LOCK_HOURLY, "%s.provider_heartbeats",
				  "%s.provider_heartbeats_hourly, liveness_internal.liveness_job_state", fcinfo))
		return false;
	*identity = WatermarkIdentity(job);
	MergeState(job, *identity);
	ReadProgress(job, progress, *identity);
	return true;
}

/*
 * Both NULL: the routine run.  Else every UTC hour that [since, until) touches,
 * whole; a single NULL leaves that side open.
 */
static Datum
RollUp(FunctionCallInfo fcinfo, bool mend)
{
	Job			job;
	HourlyProgress progress;
	char	   *identity;
	int64		rows;

	if (!BeginHourly(&job, fcinfo, &progress, &identity))
		PG_RETURN_NULL();

	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		rows = RollUpRoutine(&job, &progress, identity);
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
		rows = RollUpRange(&job, Max(since, progress.pruned_before), until, mend);
	}

	EndJob(&job, rows);
	PG_RETURN_INT64(rows);
}

/*
 * liveness_rollup_hourly(since timestamptz, until timestamptz) -> bigint
 *
 * A range is asked for to have its cells agree with the heartbeats, if that makes
 * some smaller.
 */
PG_FUNCTION_INFO_V1(liveness_rollup_hourly);
Datum
liveness_rollup_hourly(PG_FUNCTION_ARGS)
{
	CheckCanWrite("liveness_rollup_hourly()");
	return RollUp(fcinfo, true);
}

/*
 * liveness_rollup_to_prune(since timestamptz, until timestamptz) -> bigint
 *
 * The same for the retention, which takes nothing from a cell.
 */
PG_FUNCTION_INFO_V1(liveness_rollup_to_prune);
Datum
liveness_rollup_to_prune(PG_FUNCTION_ARGS)
{
	CheckCanWrite("liveness_rollup_to_prune()");
	return RollUp(fcinfo, false);
}

/* NULL if another hourly rollup is running */
static Datum
CloseHours(FunctionCallInfo fcinfo, bool again)
{
	TimestampTz cut = liveness_hour_of(PG_GETARG_TIMESTAMPTZ(0));
	Job			job;
	HourlyProgress progress;
	char	   *identity;
	Oid			types[] = {TIMESTAMPTZOID};
	Datum		values[1];
	Datum		last;
	bool		isnull;
	int64		rows;

	if (!BeginHourly(&job, fcinfo, &progress, &identity))
		PG_RETURN_NULL();

	rows = RollUpRoutine(&job, &progress, identity);
	values[0] = TimestampTzGetDatum(cut);
	Execute(&job,
			"SELECT max(h.at) FROM %s.provider_heartbeats h WHERE h.at < $1 AND h.at > '-infinity'",
			1, types, values, NULL, SPI_OK_SELECT);
	last = ResultDatum(1, &isnull);
	cut = isnull ? progress.pruned_before
		: Min(cut, liveness_hour_of(DatumGetTimestampTz(last)) + USECS_PER_HOUR);
	/* of the running hour, and those of clocks that run ahead, more is to come */
	cut = Min(cut, liveness_hour_of(GetCurrentTimestamp()));
	if (again)
		rows += RollUpRange(&job, progress.pruned_before, cut, false);
	progress.pruned_before = Max(progress.pruned_before, cut);
	WriteProgress(&job, &progress, identity, 0);

	EndJob(&job, rows);
	PG_RETURN_INT64(rows);
}

/*
 * liveness_close_hours(cut timestamptz) -> bigint
 *
 * For the retention, before it deletes the first raw row older than cut, a full
 * hour: rolls up what is still to be rolled up there and closes these hours to
 * every later rollup.  Rows written; NULL if another hourly rollup is running.
 *
 * Hours after the last that has a heartbeat stay open, as there is nothing to delete in
 * them, and so do the running hour and those to come.
 */
PG_FUNCTION_INFO_V1(liveness_close_hours);
Datum
liveness_close_hours(PG_FUNCTION_ARGS)
{
	CheckCanWrite("liveness_close_hours()");
	return CloseHours(fcinfo, true);
}

/*
 * liveness_close_rolled_up_hours(cut timestamptz) -> bigint
 *
 * The same, without aggregating these hours again: the caller has just done so, and
 * holds a lock that keeps writers out.  So the routine run finds whatever came in
 * between, and moves the watermark past it; to read all would have them wait.
 */
PG_FUNCTION_INFO_V1(liveness_close_rolled_up_hours);
Datum
liveness_close_rolled_up_hours(PG_FUNCTION_ARGS)
{
	CheckCanWrite("liveness_close_rolled_up_hours()");
	return CloseHours(fcinfo, false);
}

/*
 * liveness_raise(sqlstate text, message text, detail text, hint text)
 *
 * Raises an error again that a procedure caught to note it: as PL/pgSQL's RAISE,
 * which cannot leave out a detail or hint that is empty.
 */
PG_FUNCTION_INFO_V1(liveness_raise);
Datum
liveness_raise(PG_FUNCTION_ARGS)
{
	char	   *sqlstate = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *message = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *detail = text_to_cstring(PG_GETARG_TEXT_PP(2));
	char	   *hint = text_to_cstring(PG_GETARG_TEXT_PP(3));

	if (strlen(sqlstate) != 5 ||
		strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not an SQLSTATE", sqlstate)));
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2],
								   sqlstate[3], sqlstate[4])),
			 errmsg_internal("%s", message),
			 detail[0] ? errdetail_internal("%s", detail) : 0,
			 hint[0] ? errhint("%s", hint) : 0));
}

/*
 * liveness_in_transaction_block() -> boolean
 *
 * Is the caller inside a transaction block, so that a procedure cannot COMMIT?
 */
PG_FUNCTION_INFO_V1(liveness_in_transaction_block);
Datum
liveness_in_transaction_block(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_BOOL(IsTransactionBlock());
}
