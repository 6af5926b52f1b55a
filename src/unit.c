/*-------------------------------------------------------------------------
 *
 * unit.c
 *		A unit of the worker's work: a transaction that runs as a role of its own and
 *		whose failure harms nobody else.
 *
 * The worker connects as the bootstrap superuser.  Statements on the tables may run
 * code of others (triggers, defaults, CHECKs).  So a unit runs as liveness.worker_role,
 * or else as the extension's owner, in a security-restricted operation, and settings
 * that such code changes are put back at the end.  Deferred triggers would fire after
 * that, at commit.  So constraints are immediate, and the restricted operation refuses
 * to defer them.
 *
 * Memory: an error is kept in TopMemoryContext, everything else goes with the
 * transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#include "settings.h"
#include "unit.h"

ErrorData  *liveness_unit_error = NULL;

/*
 * Settings that a database, a role or postgresql.conf may have for everybody, and that
 * would keep a unit from its work or change what it does.  Like autovacuum, we set them.
 */
static const struct
{
	const char *name;
	const char *value;
}			pinned_settings[] = {
	{"search_path", "pg_catalog, pg_temp"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
	{"statement_timeout", "0"},
	{"lock_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
#if PG_VERSION_NUM >= 170000
	{"transaction_timeout", "0"},
	{"restrict_nonsystem_relation_kind", ""},
#endif
	{"session_replication_role", "origin"},
	/* a policy raises an error instead of hiding rows */
	{"row_security", "off"},
	{"zero_damaged_pages", "off"},
	{"check_function_bodies", "on"},
	{"standard_conforming_strings", "on"},
	{"transform_null_equals", "off"},
	{"array_nulls", "on"},
	{"quote_all_identifiers", "off"},
	{"bytea_output", "hex"},
	{"DateStyle", "ISO"},
	{"IntervalStyle", "postgres"},
	{"extra_float_digits", "1"},
};

/*
 * Prepare a process that runs units, once it is connected.  A cancel is held back until
 * a unit runs, because outside of one it would end the process.
 */
void
liveness_prepare_units(void)
{
	HOLD_CANCEL_INTERRUPTS();
	for (int i = 0; i < (int) lengthof(pinned_settings); i++)
		SetConfigOption(pinned_settings[i].name, pinned_settings[i].value,
						PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("application_name", MyBgworkerEntry->bgw_name, PGC_USERSET, PGC_S_OVERRIDE);
}

/* If the role is missing, the owner is no substitute: the owner may do more */
static Oid
UnitRole(const InstalledExtension *extension)
{
	Oid			role;

	if (liveness_worker_role[0] == '\0')
		return extension->owner;
	role = get_role_oid(liveness_worker_role, true);
	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" of liveness.worker_role does not exist", liveness_worker_role),
				 errhint("Create it, and call liveness_grant_operator() and liveness_grant_writer() for it; or change the setting and reload the configuration.")));
	return role;
}

static void
ExecuteUnit(const InstalledExtension *extension, Unit unit, void *arg)
{
	Oid			userid;
	int			sec_context;
	int			guc_nestlevel = NewGUCNestLevel();

	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(UnitRole(extension),
						   sec_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PushActiveSnapshot(GetTransactionSnapshot());
	if (SPI_execute("SET CONSTRAINTS ALL IMMEDIATE", false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "SET CONSTRAINTS failed");

	unit(extension, arg);

	PopActiveSnapshot();
	SPI_finish();
	AtEOXact_GUC(false, guc_nestlevel);
	SetUserIdAndSecContext(userid, sec_context);
}

static void
KeepError(void)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(TopMemoryContext);

	if (liveness_unit_error != NULL)
		FreeErrorData(liveness_unit_error);
	liveness_unit_error = NULL;
	liveness_unit_error = CopyErrorData();
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Run a unit, commit, and show its activity in pg_stat_activity meanwhile.  An error
 * rolls back and is kept in liveness_unit_error.
 */
UnitResult
liveness_run_unit(const char *activity, Unit unit, void *arg, int timeout_ms)
{
	MemoryContext context = CurrentMemoryContext;
	volatile UnitResult result = UNIT_NO_EXTENSION;

	PG_TRY();
	{
		InstalledExtension extension;

		RESUME_CANCEL_INTERRUPTS();
		CHECK_FOR_INTERRUPTS();
		pgstat_report_activity(STATE_RUNNING, activity);
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		if (timeout_ms > 0)
			enable_timeout_after(STATEMENT_TIMEOUT, timeout_ms);
		PushActiveSnapshot(GetTransactionSnapshot());
		if (liveness_find_extension(&extension))
		{
			ExecuteUnit(&extension, unit, arg);
			result = UNIT_DONE;
		}
		PopActiveSnapshot();
		CommitTransactionCommand();
		if (timeout_ms > 0)
			disable_timeout(STATEMENT_TIMEOUT, false);
		HOLD_CANCEL_INTERRUPTS();
		/* a timeout that came too late must not cancel the next unit */
		if (get_timeout_indicator(STATEMENT_TIMEOUT, true))
			QueryCancelPending = false;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		/* the error has reset both of the counters that hold interrupts back */
		HOLD_CANCEL_INTERRUPTS();
		HOLD_INTERRUPTS();
		disable_all_timeouts(false);
		QueryCancelPending = false;
		KeepError();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
		/* a cancel is raised before other requests are served: look for these again */
		InterruptPending = true;
		result = UNIT_FAILED;
	}
	PG_END_TRY();

	/* session-level advisory locks, which code of others may take, outlive the transaction */
	LockReleaseAll(USER_LOCKMETHOD, true);
	MemoryContextSwitchTo(context);
	(void) pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return result;
}
