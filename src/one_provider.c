/*-------------------------------------------------------------------------
 *
 * one_provider.c
 *		What a scheduler asks about one provider that is connected now.
 *
 * A scheduler joins these functions with its own table of machines, so that one statement
 * calls them a thousand times.  The fleet's numbers are read once for a snapshot, and what
 * is read of the provider has plans that the backend keeps.  The names in these statements
 * are qualified, so that no search_path can change them: setting one for each call would
 * cost as much as the look-ups.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "compat.h"
#include "hazard.h"

typedef struct Statement
{
	const char *sql;
	int			nargs;
	Oid			types[2];
	SPIPlanPtr	plan;			/* kept until the backend ends */
} Statement;

static Statement fleet_row = {
	.sql = "SELECT f.as_of, f.hazard FROM liveness_internal.liveness_prepared_fleet() f"
};
static Statement running_row = {
	.sql = "SELECT r.since, r.hazard, r.silent_id FROM liveness_internal.liveness_running_one($1, $2) r",
	.nargs = 2, .types = {TEXTOID, TIMESTAMPTZOID}
};
/* where what the rollup knew does not fit, all sessions of the provider tell */
static Statement anew_row = {
	.sql = "SELECT r.since FROM liveness_internal.liveness_running r WHERE r.provider_id OPERATOR(pg_catalog.=) $1",
	.nargs = 1, .types = {TEXTOID}
};
static Statement stale_row = {
	.sql = "SELECT l.is_stale FROM liveness_internal.liveness_live_sessions l"
	" WHERE l.provider_id OPERATOR(pg_catalog.=) $1 AND l.id OPERATOR(pg_catalog.=) $2",
	.nargs = 2, .types = {TEXTOID, INT8OID}
};

/* What tells a snapshot from others: with the same bounds, those in progress only become fewer */
typedef struct SnapshotKey
{
	TimestampTz now;
	TransactionId xmin;
	TransactionId xmax;
	uint32		xcnt;
	int32		subxcnt;
	CommandId	curcid;
} SnapshotKey;

/* What the calls of a statement share */
typedef struct Shared
{
	FmgrInfo	answer;			/* keeps the fleet's integrals from call to call */
	SnapshotKey key;
	bool		is_known;		/* the fleet, as of this snapshot */
	TimestampTz as_of;
	Datum		hazard;
	bool		nobody_was_up;	/* hazard is NULL */
} Shared;

static void
Execute(Statement *statement, Datum *values)
{
	if (statement->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare_cursor(statement->sql, statement->nargs, statement->types,
											  CURSOR_OPT_GENERIC_PLAN);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "cannot prepare statement: %s", statement->sql);
		statement->plan = plan;
	}
	if (SPI_execute_plan(statement->plan, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "unexpected result of statement: %s", statement->sql);
}

static Datum
Column(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

static SnapshotKey
KeyOfSnapshot(void)
{
	Snapshot	snapshot = GetActiveSnapshot();

	return (SnapshotKey) {
		GetCurrentTransactionStartTimestamp(), snapshot->xmin, snapshot->xmax, snapshot->xcnt,
		snapshot->subxcnt, snapshot->curcid
	};
}

static bool
IsSameSnapshot(const SnapshotKey *a, const SnapshotKey *b)
{
	return a->now == b->now && a->xmin == b->xmin && a->xmax == b->xmax && a->xcnt == b->xcnt &&
		a->subxcnt == b->subxcnt && a->curcid == b->curcid;
}

/* The fleet as of the snapshot; without a rollup an error */
static Shared *
SharedOfCall(FunctionCallInfo fcinfo, PGFunction answer)
{
	Shared	   *shared = (Shared *) fcinfo->flinfo->fn_extra;
	SnapshotKey key = KeyOfSnapshot();
	Datum		hazard;
	bool		isnull;

	if (shared == NULL)
	{
		shared = (Shared *) MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Shared));
		shared->answer.fn_addr = answer;
		shared->answer.fn_mcxt = fcinfo->flinfo->fn_mcxt;
		shared->answer.fn_nargs = 5;
		fcinfo->flinfo->fn_extra = shared;
	}
	if (shared->is_known && IsSameSnapshot(&shared->key, &key))
		return shared;

	if (shared->is_known && !shared->nobody_was_up)
		pfree(DatumGetPointer(shared->hazard));
	shared->is_known = false;
	Execute(&fleet_row, NULL);
	shared->as_of = DatumGetTimestampTz(Column(1, &isnull));
	hazard = Column(2, &shared->nobody_was_up);
	if (!shared->nobody_was_up)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		shared->hazard = PointerGetDatum(PG_DETOAST_DATUM_COPY(hazard));
		MemoryContextSwitchTo(oldcontext);
	}
	shared->key = key;
	shared->is_known = true;
	return shared;
}

/*
 * When the running spell of a provider began, and what is known of the provider, as arguments
 * of liveness_holds.  False if the provider is not connected or stale.
 */
static bool
FindRunning(Datum provider_id, TimestampTz fleet_as_of, NullableDatum *since, NullableDatum *known)
{
	Datum		values[2] = {provider_id, TimestampTzGetDatum(fleet_as_of)};
	Datum		silent_id;
	bool		is_alive;
	bool		isnull;

	Execute(&running_row, values);
	if (SPI_processed == 0)
		return false;
	since->value = Column(1, &since->isnull);
	known->value = Column(2, &known->isnull);
	if (!known->isnull)
		known->value = SPI_datumTransfer(known->value, false, -1);
	silent_id = Column(3, &is_alive);
	if (since->isnull)
	{
		Execute(&anew_row, values);
		if (SPI_processed > 0)
			since->value = Column(1, &since->isnull);
	}
	if (is_alive)
		return true;

	values[1] = silent_id;
	Execute(&stale_row, values);
	return SPI_processed == 0 || !DatumGetBool(Column(1, &isnull)) || isnull;
}

/* What liveness_holds or liveness_longest_job answers; NULL if the provider is not connected or stale */
static Datum
Ask(FunctionCallInfo fcinfo, PGFunction answer, Datum question)
{
	LOCAL_FCINFO(call, 5);
	Shared	   *shared;
	bool		found = false;
	Datum		result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	shared = SharedOfCall(fcinfo, answer);
	InitFunctionCallInfoData(*call, &shared->answer, 5, InvalidOid, NULL, NULL);
	call->args[0] = (NullableDatum) {shared->hazard, shared->nobody_was_up};
	call->args[3] = (NullableDatum) {TimestampTzGetDatum(shared->key.now), false};
	call->args[4] = (NullableDatum) {question, false};
	if (!PG_ARGISNULL(0))
		found = FindRunning(PG_GETARG_DATUM(0), shared->as_of, &call->args[2], &call->args[1]);
	SPI_finish();
	if (!found)
		PG_RETURN_NULL();
	result = FunctionCallInvoke(call);
	fcinfo->isnull = call->isnull;
	return result;
}

/*
 * liveness_probability(provider_id text, job interval) -> float8
 */
PG_FUNCTION_INFO_V1(liveness_probability);
Datum
liveness_probability(PG_FUNCTION_ARGS)
{
	int64		job = liveness_span_argument(fcinfo, 1, "job");

	return Ask(fcinfo, liveness_holds, Int64GetDatum(job));
}

/*
 * liveness_remaining(provider_id text, probability float8) -> interval
 */
PG_FUNCTION_INFO_V1(liveness_remaining);
Datum
liveness_remaining(PG_FUNCTION_ARGS)
{
	double		probability = liveness_probability_argument(fcinfo, 1, "probability");

	return Ask(fcinfo, liveness_longest_job, Float8GetDatum(probability));
}
