/*-------------------------------------------------------------------------
 *
 * joblock.c
 *		Who may run now: one run of a job at a time, and none while a dump is restored.
 *
 * Both are locks on the extension, which always exists where its functions do; a row
 * might be missing.  pg_locks shows a LivenessLock as their objsubid.  Their method is
 * that of advisory locks, because session-level locks of that method outlive an error.
 * Their type is one that no SQL function takes.
 *
 * A restore.  COPY fails at the first row whose key is there already.  So no job may
 * write a row of any table between the first COPY and the last.  A dump sets
 * check_function_bodies off, and one session loads it (pg_restore --jobs has several).
 * So a session that has this off and copies into a table of the extension, or alters
 * one, takes the restore's lock first and keeps it until the session ends.  A job takes
 * that lock in a mode that conflicts, for its transaction, without waiting.  A role that
 * may not write these tables cannot hold up a job: it does not get the lock.
 *
 * The hook needs the library to be preloaded.  Where it is not, pg_restore is known by
 * its application_name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lock.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "compat.h"
#include "joblock.h"

static const char *const lock_names[] = {
	[LOCK_FEATURES] = "features",
	[LOCK_HOURLY] = "hourly",
	[LOCK_RETENTION] = "retention",
	[LOCK_SESSIONS] = "sessions",
	[LOCK_RESTORE] = "restore",
};

static ProcessUtility_hook_type next_utility = NULL;

static void
SetTag(LOCKTAG *tag, Oid extension, LivenessLock name)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, ExtensionRelationId, extension, (uint16) name);
	tag->locktag_lockmethodid = USER_LOCKMETHOD;
}

/* Take the lock of a job until the transaction ends; false if another run has it */
bool
liveness_lock_job(Oid extension, LivenessLock job, bool wait)
{
	LOCKTAG		tag;

	SetTag(&tag, extension, job);
	return LockAcquire(&tag, ExclusiveLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * Keep restores from beginning until the transaction ends; false if one is under way.
 * To be called when all tables are locked: a restore that waits for us may hold them.
 */
bool
liveness_lock_out_restores(Oid extension)
{
	LOCKTAG		tag;

	SetTag(&tag, extension, LOCK_RESTORE);
	return LockAcquire(&tag, RowExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * liveness_lock_job(job text, wait boolean) -> boolean
 *
 * For jobs in SQL.  'restore' is what liveness_lock_out_restores takes.
 */
PG_FUNCTION_INFO_V1(liveness_lock_job_sql);
Datum
liveness_lock_job_sql(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool		wait = PG_GETARG_BOOL(1);
	Oid			extension = getExtensionOfObject(ProcedureRelationId, fcinfo->flinfo->fn_oid);

	/* a standby would refuse the lock itself with an error that does not say what to do */
	PreventCommandIfReadOnly("liveness_lock_job()");
	PreventCommandDuringRecovery("liveness_lock_job()");
	for (int i = LOCK_FEATURES; i < (int) lengthof(lock_names); i++)
	{
		if (strcmp(name, lock_names[i]) == 0)
			PG_RETURN_BOOL(i == LOCK_RESTORE
						   ? liveness_lock_out_restores(extension)
						   : liveness_lock_job(extension, (LivenessLock) i, wait));
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no job \"%s\"", name),
			 errhint("The jobs are features, hourly, retention and sessions.")));
}

/* If the table is one of ours, take the restore's lock */
static void
BeginRestore(const RangeVar *table)
{
	Oid			relid;
	Oid			extension;
	char	   *name;
	LOCKTAG		tag;

	relid = RangeVarGetRelid(table, NoLock, true);
	if (!OidIsValid(relid))
		return;
	extension = getExtensionOfObject(RelationRelationId, relid);
	if (!OidIsValid(extension))
		return;
	name = get_extension_name(extension);
	if (name == NULL || strcmp(name, "liveness") != 0)
		return;
	/* the statement itself will raise the error */
	if (pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) != ACLCHECK_OK)
		return;

	SetTag(&tag, extension, LOCK_RESTORE);
	if (!LockHeldByMe(&tag, ShareLock, false))
		(void) LockAcquire(&tag, ShareLock, true, false);
}

static void
WatchForRestore(PlannedStmt *statement, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	const Node *node = statement->utilityStmt;

	if (!check_function_bodies && !RecoveryInProgress())
	{
		if (IsA(node, CopyStmt) && ((const CopyStmt *) node)->is_from &&
			((const CopyStmt *) node)->relation != NULL)
			BeginRestore(((const CopyStmt *) node)->relation);
		else if (IsA(node, AlterTableStmt))
			BeginRestore(((const AlterTableStmt *) node)->relation);
	}
	if (next_utility)
		next_utility(statement, query, read_only_tree, context, params, environment, dest,
					 completion);
	else
		standard_ProcessUtility(statement, query, read_only_tree, context, params,
								environment, dest, completion);
}

void
liveness_watch_for_restores(void)
{
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = WatchForRestore;
}
