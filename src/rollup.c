/*-------------------------------------------------------------------------
 *
 * rollup.c
 *		The frame of the rollups: how a run begins, executes its statements and ends.
 *
 * rollup_features.c rolls up provider_sessions, and rollup_hourly.c
 * provider_heartbeats.  Only they add rows to the rolled-up tables, and the retention
 * takes rows away.  Each rollup is one call in the caller's transaction, made of a few
 * set-based statements over the aggregates of features.c, hazard.c and hourly.c.
 *
 * Locking.  A run holds the lock of its job (joblock.c) until its transaction ends.
 * A second run finds it taken, says so and returns NULL; so does a run while a dump is
 * restored.  What a run leaves behind (figures, watermark) stands in liveness_job_state;
 * while a run holds the lock, no other run changes it.
 *
 * Restores.  COPY must never find a key taken, so liveness_job_state and
 * liveness_fleet_hazard have none.  A job has one row there, and one more after a
 * restore, until its next run merges the two (liveness_merge_job_state).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/queryenvironment.h"
#include "utils/timestamp.h"

#include "distribution.h"
#include "extension.h"
#include "rollup.h"

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

/* Find the extension and the table, by the function that was called */
static void
FindObjects(Rollup *rollup, FunctionCallInfo fcinfo)
{
	InstalledExtension extension;

	liveness_extension_of(fcinfo->flinfo->fn_oid, &extension);
	WarnOfOtherVersion(&extension);
	rollup->extension = extension.oid;
	rollup->schema = extension.schema_name;
	rollup->heartbeats = get_relname_relid("provider_heartbeats", extension.schema);
	if (!OidIsValid(rollup->heartbeats))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s.provider_heartbeats does not exist", rollup->schema),
				 errhint("It belongs to the extension; was it renamed?")));
	rollup->distributed = liveness_is_distributed(&extension);
}

void
liveness_set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

static char *
Statement(const Rollup *rollup, const char *format)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (const char *p = format; *p; p++)
	{
		if (p[0] == '%' && p[1] == 's')
		{
			appendStringInfoString(&sql, rollup->schema);
			p++;
		}
		else
			appendStringInfoChar(&sql, *p);
	}
	return sql.data;
}

void
liveness_execute(const Rollup *rollup, const char *format, int nargs, Oid *types,
				 Datum *values, const char *nulls, int expected)
{
	char	   *sql = Statement(rollup, format);
	int			result = SPI_execute_with_args(sql, nargs, types, values, nulls, false, 0);

	if (result != expected)
		elog(ERROR, "unexpected result %d of statement: %s", result, sql);
	pfree(sql);
}

/*
 * Run a SELECT into a tuplestore, which the statements after it see as a table of this
 * name until liveness_forget.  A statement that writes never gets a parallel plan, so
 * what is computed is not a part of it.
 */
Tuplestorestate *
liveness_compute(const Rollup *rollup, const char *name, const char *format, int nargs,
				 Oid *types, const Datum *values)
{
	char	   *sql = Statement(rollup, format);
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

void
liveness_forget(const char *name, Tuplestorestate *store)
{
	(void) SPI_unregister_relation(name);
	tuplestore_end(store);
}

/* A column of the first row of the last result */
Datum
liveness_result(int column, bool *isnull)
{
	if (SPI_processed < 1)
		elog(ERROR, "a statement of the rollup returned no row");
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

int64
liveness_result_int64(int column)
{
	bool		isnull;
	Datum		value = liveness_result(column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/*
 * Lock the table that a rollup reads and those that it writes, before it looks at any:
 * a REINDEX that came between a read and a write of one table would wait for us and we
 * for it.  Whoever locks several of the tables names them in the order in which the
 * extension's script creates them.
 */
static void
LockTables(const Rollup *rollup, const char *read, const char *written)
{
	liveness_execute(rollup, psprintf("LOCK TABLE %s IN ACCESS SHARE MODE", read),
					 0, NULL, NULL, NULL, SPI_OK_UTILITY);
	liveness_execute(rollup, psprintf("LOCK TABLE %s IN ROW EXCLUSIVE MODE", written),
					 0, NULL, NULL, NULL, SPI_OK_UTILITY);
}

/* Where the library is not preloaded, no restore takes its lock */
static bool
PgRestoreIsRunning(const Rollup *rollup)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {
		CStringGetTextDatum(psprintf("%s.provider_heartbeats_hourly", rollup->schema))
	};

	liveness_execute(rollup,
					 "SELECT FROM pg_stat_activity a"
					 " WHERE a.datname = current_database() AND a.application_name = 'pg_restore'"
					 " AND a.pid <> pg_backend_pid()"
					 " AND has_table_privilege(a.usesysid, $1::regclass, 'INSERT') LIMIT 1",
					 1, types, values, NULL, SPI_OK_SELECT);
	return SPI_processed > 0;
}

static bool
GiveUp(const Rollup *rollup, const char *why)
{
	ereport(NOTICE, (errmsg_internal("%s", why)));
	AtEOXact_GUC(true, rollup->guc_nestlevel);
	SPI_finish();
	return false;
}

/*
 * Take the job's lock, and those of its tables; false, after a NOTICE, if another run
 * holds it, or a dump is being restored.
 *
 * Statements of a rollup run with a search_path that no other role can write to, with an
 * error where row-level security would hide rows, and with the memory of maintenance
 * work.  The planner does not know how few groups there are and would sort them, so
 * sorting is off and they are hashed, unless a statement turns it on for itself.  JIT
 * would cost more than it saves: the expressions are few and the work is in the
 * aggregates.
 */
bool
liveness_begin_rollup(Rollup *rollup, const char *name, LivenessLock lock, const char *read,
					  const char *written, FunctionCallInfo fcinfo)
{
	rollup->name = name;
	rollup->started_at = GetCurrentTimestamp();
	INSTR_TIME_SET_CURRENT(rollup->started);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	FindObjects(rollup, fcinfo);
	rollup->guc_nestlevel = NewGUCNestLevel();
	liveness_set_local("search_path", "pg_catalog, pg_temp");
	liveness_set_local("row_security", "off");
	liveness_set_local("jit", "off");
	liveness_set_local("enable_sort", "off");
	if (work_mem < maintenance_work_mem)
	{
		char		value[32];

		snprintf(value, sizeof(value), "%d", maintenance_work_mem);
		liveness_set_local("work_mem", value);
	}

	if (!liveness_lock_job(rollup->extension, lock, false))
		return GiveUp(rollup, psprintf("another run of the %s rollup is in progress, nothing done", name));
	LockTables(rollup, read, written);
	if (rollup->distributed)
		liveness_check_nodes(rollup->schema);
	if (!liveness_lock_out_restores(rollup->extension) || PgRestoreIsRunning(rollup))
		return GiveUp(rollup, psprintf("a dump is being restored, no run of the %s rollup meanwhile", name));
	return true;
}

/* One row for the job, whatever a restore has added */
void
liveness_merge_state(const Rollup *rollup, const char *identity)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(rollup->name),
	identity ? CStringGetTextDatum(identity) : (Datum) 0};

	liveness_execute(rollup, "SELECT liveness_internal.liveness_merge_job_state($1, $2)", 2, types, values,
					 identity ? "  " : " n", SPI_OK_SELECT);
}

/* Record the run and restore the settings */
void
liveness_end_rollup(Rollup *rollup, int64 rows)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, FLOAT8OID, INT8OID};
	Datum		values[4];
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, rollup->started);
	values[0] = CStringGetTextDatum(rollup->name);
	values[1] = TimestampTzGetDatum(rollup->started_at);
	values[2] = Float8GetDatum(INSTR_TIME_GET_DOUBLE(duration));
	values[3] = Int64GetDatum(rows);
	liveness_execute(rollup,
					 "SELECT liveness_internal.liveness_record_run($1, $2, make_interval(secs => $3), $4)",
					 4, types, values, NULL, SPI_OK_SELECT);
	AtEOXact_GUC(true, rollup->guc_nestlevel);
	SPI_finish();
}

/* Without this, a standby would refuse the first lock, and name that as the reason */
void
liveness_check_writable(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
}

