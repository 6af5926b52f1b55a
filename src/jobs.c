/*-------------------------------------------------------------------------
 *
 * jobs.c
 *		Rollups and retention by the worker's clock, while liveness.scheduler is
 *		'worker'.
 *
 * A job runs in a process of its own, which ends with it.  So a rollup that waits for a
 * lock keeps neither heartbeats nor other jobs waiting.  That process tells the worker by
 * shared memory how the run went.
 *
 * pg_cron or an operator may run the same jobs.  So a run that would begin less than half
 * an interval after the last one is left out.  The functions themselves see to it that
 * two runs never happen at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "jobs.h"
#include "settings.h"
#include "stats.h"
#include "unit.h"

/* The delay without an extension or a free process, or with another run under way */
#define LOOK_AGAIN		(10 * USECS_PER_SEC)

#define RETENTION_INTERVAL	((int64) SECS_PER_HOUR * USECS_PER_SEC)

/* The longest delay after failures, unless the interval is longer */
#define MAX_DELAY_AFTER_FAILURE	(30 * SECS_PER_MINUTE * USECS_PER_SEC)

PGDLLEXPORT void liveness_job_main(Datum main_arg);

typedef enum Job
{
	JOB_FEATURES,
	JOB_HOURLY,
	JOB_RETENTION,
	JOB_SESSIONS
} Job;

#define NJOBS	(JOB_SESSIONS + 1)

typedef struct JobDef
{
	const char *name;
	const char *activity;
	const char *statement;		/* NULL: see RunRetentionStep */
	LivenessCounter errors;
} JobDef;

static const JobDef job_defs[] = {
	[JOB_FEATURES] = {"features", "liveness: roll up features",
	"SELECT liveness_internal.liveness_run_features(now(), NULL::int4)", COUNTER_FEATURES_ERRORS},
	[JOB_HOURLY] = {"hourly", "liveness: roll up heartbeats by the hour",
	"SELECT liveness_internal.liveness_run_hourly(NULL::timestamptz, NULL::timestamptz)", COUNTER_HOURLY_ERRORS},
	[JOB_RETENTION] = {"retention", "liveness: prune", NULL, COUNTER_RETENTION_ERRORS},
	[JOB_SESSIONS] = {"sessions", "liveness: make and close sessions",
	"SELECT liveness_internal.liveness_run_sessions(false)", COUNTER_SESSIONS_ERRORS},
};

StaticAssertDecl(lengthof(job_defs) == NJOBS, "each job has a definition");

/* How the last run of a job went */
typedef struct JobOutcome
{
	pg_atomic_uint32 failures;	/* in succession; a run under way counts as one */
	pg_atomic_uint64 delay;		/* usecs to the next; 0: the interval */
} JobOutcome;

static JobOutcome *outcomes = NULL; /* of each job, in shared memory */

/* What the worker knows of the process of a job */
typedef struct JobProcess
{
	BackgroundWorkerHandle *handle; /* NULL: not running */
	int64		started;		/* 0: not yet */
	int64		not_before;		/* set without a free process or the extension */
	bool		no_room;		/* there was no free process */
} JobProcess;

static JobProcess processes[NJOBS];

/* A run in progress, as its units see it */
typedef struct JobRun
{
	Job job;
	int64		interval;		/* usecs; 0: it is off */
	TimestampTz started_at;
	bool		started;		/* the retention has done a step */
	bool		more;			/* and has more to do */
	char	   *parts;			/* what it has still to see to, as an array; NULL: all */
	int64		total;			/* rows that it has deleted */
	int64		delay;			/* see JobOutcome */
	char	   *error;			/* the message of its failure */
} JobRun;

void
liveness_jobs_request_shmem(void)
{
	RequestAddinShmemSpace(MAXALIGN(sizeof(JobOutcome) * NJOBS));
}

/* Called with AddinShmemInitLock held */
void
liveness_jobs_shmem_init(void)
{
	bool		found;

	outcomes = (JobOutcome *) ShmemInitStruct("liveness jobs", sizeof(JobOutcome) * NJOBS,
											  &found);
	if (found)
		return;
	for (int i = 0; i < NJOBS; i++)
	{
		pg_atomic_init_u32(&outcomes[i].failures, 0);
		pg_atomic_init_u64(&outcomes[i].delay, 0);
	}
}

/* Usecs between runs; 0 if there are to be none */
static int64
JobInterval(Job job)
{
	if (liveness_scheduler != SCHEDULER_WORKER)
		return 0;
	if (job == JOB_RETENTION)
		return RETENTION_INTERVAL;
	if (job == JOB_SESSIONS)
		return liveness_track_sessions || liveness_close_stale
			? liveness_sessions_interval * USECS_PER_SEC : 0;
	return Max(0, (int64) liveness_rollup_interval) * USECS_PER_SEC;
}

/* ---------- the process of a job ---------- */

/* A column of the only row, if there is one */
static Datum
Select(const char *sql, int nargs, Oid *types, Datum *values, int column, bool *isnull)
{
	if (SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0) != SPI_OK_SELECT ||
		SPI_processed > 1)
		elog(ERROR, "unexpected result of \"%s\"", sql);
	*isnull = true;
	if (SPI_processed == 0)
		return (Datum) 0;
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

/* Has the job run a short time ago, perhaps by pg_cron?  Then set the delay to the next run. */
static bool
RanRecently(JobRun *run)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(job_defs[run->job].name)};
	bool		isnull;
	TimestampTz last;
	int64		age;

	last = DatumGetTimestampTz(Select("SELECT max(s.last_started_at)"
									  " FROM liveness_internal.liveness_job_state s"
									  " WHERE s.job = $1", 1, types, values, 1, &isnull));
	if (isnull)
		return false;
	/* a start in the future is from before the clock was set back */
	age = GetCurrentTimestamp() - last;
	if (age < 0 || age >= run->interval / 2)
		return false;
	run->delay = run->interval - age;
	return true;
}

/* A unit: a rollup.  Its result is NULL if another run has its lock. */
static void
RunRollup(const InstalledExtension *extension, void *arg)
{
	JobRun	   *run = (JobRun *) arg;
	bool		isnull;

	(void) extension;
	if (RanRecently(run))
		return;
	(void) Select(job_defs[run->job].statement, 0, NULL, NULL, 1, &isnull);
	if (isnull)
		run->delay = Min(LOOK_AGAIN, run->interval);
}

/* A unit: what follows a rollup of features, and does something once a day */
static void
RunShocks(const InstalledExtension *extension, void *arg)
{
	bool		isnull;

	(void) extension;
	(void) arg;
	(void) Select("SELECT liveness_internal.liveness_run_shocks(now())", 0, NULL, NULL, 1, &isnull);
}

/* A unit: a step of the retention.  "more" is NULL if another run is under way. */
static void
RunRetentionStep(const InstalledExtension *extension, void *arg)
{
	JobRun	   *run = (JobRun *) arg;
	Oid			types[] = {TIMESTAMPTZOID, TEXTOID, INT8OID};
	Datum		values[] = {TimestampTzGetDatum(run->started_at),
		CStringGetTextDatum(run->parts ? run->parts : ""), Int64GetDatum(run->total)};
	bool		isnull;
	Datum		parts;

	(void) extension;
	run->more = false;
	if (!run->started && RanRecently(run))
		return;
	run->started = true;
	run->total = DatumGetInt64(Select("SELECT s.total, s.more, s.parts::pg_catalog.text"
									  " FROM liveness_internal.liveness_prune_step("
									  "liveness_internal.liveness_prune_cut(NULL::interval),"
									  " liveness_internal.liveness_effective_batch_size(NULL::int4), $1,"
									  " NULLIF($2, '')::pg_catalog.text[], $3) s",
									  3, types, values, 1, &isnull));
	parts = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull);
	run->parts = MemoryContextStrdup(TopMemoryContext, TextDatumGetCString(parts));
	run->more = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
										   2, &isnull));
	if (isnull)
	{
		run->more = false;
		run->delay = Min(LOOK_AGAIN, run->interval);
	}
}

/* A unit: note for liveness_jobs that a run has failed */
static void
RecordError(const InstalledExtension *extension, void *arg)
{
	JobRun	   *run = (JobRun *) arg;
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(job_defs[run->job].name),
	CStringGetTextDatum(run->error)};
	bool		isnull;

	(void) extension;
	(void) Select("SELECT liveness_internal.liveness_record_error($1, $2)",
				  2, types, values, 1, &isnull);
}

void
liveness_job_main(Datum main_arg)
{
	JobRun		run = {.job = DatumGetInt32(main_arg), .started_at = GetCurrentTimestamp()};
	const JobDef *def = &job_defs[run.job];
	JobOutcome *outcome = &outcomes[run.job];
	Oid			database;
	UnitResult	result;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	memcpy(&database, MyBgworkerEntry->bgw_extra, sizeof(database));
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	liveness_prepare_units();

	/* settings may have changed since the worker found that the job is due */
	run.interval = JobInterval(run.job);
	if (run.interval == 0)
		proc_exit(0);

	do
		result = liveness_run_unit(def->activity,
								   def->statement ? RunRollup : RunRetentionStep,
								   &run, 0);
	while (result == UNIT_DONE && run.more);
	if (result == UNIT_DONE && run.job == JOB_FEATURES)
		result = liveness_run_unit("liveness: estimate how far providers fall together",
								   RunShocks, &run, 0);

	switch (result)
	{
		case UNIT_NO_EXTENSION:
		case UNIT_DONE:
			if (result == UNIT_NO_EXTENSION)
				run.delay = Min(LOOK_AGAIN, run.interval);
			pg_atomic_write_u64(&outcome->delay, (uint64) run.delay);
			pg_atomic_write_u32(&outcome->failures, 0);
			break;
		case UNIT_FAILED:
			run.error = pstrdup(liveness_unit_error->message);
			ereport(LOG,
					(errcode(liveness_unit_error->sqlerrcode),
					 errmsg("job \"%s\" of liveness failed: %s", def->name, run.error),
					 liveness_unit_error->detail ? errdetail_internal("%s", liveness_unit_error->detail) : 0,
					 liveness_unit_error->hint ? errhint("%s", liveness_unit_error->hint) : 0,
					 liveness_unit_error->context ? errcontext("%s", liveness_unit_error->context) : 0));
			/* a role that cannot note the error has it counted all the same */
			if (liveness_run_unit("liveness: note an error", RecordError, &run, 0) == UNIT_FAILED)
				liveness_count_now(def->errors, 1);
			break;
	}
	proc_exit(0);
}

/* ---------- the worker's side ---------- */

static bool
StartJob(Job job)
{
	BackgroundWorker worker = {0};
	bool		started;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "liveness", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "liveness_job_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "liveness job: %s", job_defs[job].name);
	strlcpy(worker.bgw_type, "liveness job", sizeof(worker.bgw_type));
	worker.bgw_main_arg = Int32GetDatum(job);
	memcpy(worker.bgw_extra, &MyDatabaseId, sizeof(MyDatabaseId));
	worker.bgw_notify_pid = MyProcPid;

	/* the run counts as failed until it says otherwise, for it may die without a word */
	pg_atomic_fetch_add_u32(&outcomes[job].failures, 1);
	started = RegisterDynamicBackgroundWorker(&worker, &processes[job].handle);
	if (!started)
		pg_atomic_fetch_sub_u32(&outcomes[job].failures, 1);
	return started;
}

static bool
IsRunning(JobProcess *process)
{
	pid_t		pid;

	if (process->handle == NULL)
		return false;
	if (GetBackgroundWorkerPid(process->handle, &pid) != BGWH_STOPPED)
		return true;
	pfree(process->handle);
	process->handle = NULL;
	return false;
}

static int64
DelayAfter(Job job, int64 interval)
{
	uint32		failures = pg_atomic_read_u32(&outcomes[job].failures);
	int64		delay = (int64) pg_atomic_read_u64(&outcomes[job].delay);

	if (failures > 0)
		return Min(interval << Min(failures - 1, 20), Max(interval, MAX_DELAY_AFTER_FAILURE));
	return delay > 0 ? Min(delay, interval) : interval;
}

static void
DoNothing(const InstalledExtension *extension, void *arg)
{
	(void) extension;
	(void) arg;
}

/* Without the extension, the process of a job would be started for nothing */
static bool
IsExtensionThere(void)
{
	return liveness_run_unit("liveness: look for the extension", DoNothing, NULL,
							 (int) (liveness_flush_timeout * 1000)) != UNIT_NO_EXTENSION;
}

/*
 * Start the jobs that are due; all are when the worker starts.  Returns the time until
 * the next is due, as far as is known: the end of a run sets the worker's latch.
 */
int64
liveness_run_due_jobs(int64 now)
{
	int64		wait = RETENTION_INTERVAL;

	for (int job = 0; job < NJOBS; job++)
	{
		JobProcess *process = &processes[job];
		int64		interval = JobInterval(job);
		int64		due = now;

		if (IsRunning(process) || interval == 0)
			continue;
		if (process->started != 0)
			due = process->started + DelayAfter(job, interval);
		due = Max(due, process->not_before);
		if (due > now)
		{
			wait = Min(wait, due - now);
			continue;
		}

		/* while the unit waits, it may take the wake-up that another job's end has sent */
		wait = 0;
		if (!IsExtensionThere())
		{
			process->not_before = now + LOOK_AGAIN;
			continue;
		}
		if (StartJob(job))
		{
			process->started = now;
			process->no_room = false;
			continue;
		}
		if (!process->no_room)
			ereport(LOG,
					(errmsg("no background process is free for job \"%s\" of liveness, trying again",
							job_defs[job].name),
					 errhint("If this goes on, raise max_worker_processes.")));
		process->no_room = true;
		process->not_before = now + LOOK_AGAIN;
	}
	return wait;
}
