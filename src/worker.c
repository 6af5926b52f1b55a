/*-------------------------------------------------------------------------
 *
 * worker.c
 *		The background worker: empties the heartbeat buffer, and starts the jobs
 *		when they are due.
 *
 * One worker serves the database liveness.database.  It opens the buffer once it is
 * connected, and closes it before it exits.  When it is told to stop, it cancels what it
 * waits for and writes what is in the buffer, once and within liveness.flush_timeout.
 * Then it exits with 1, so that the server starts it again unless the server is stopping
 * too.
 *
 * All times are those of clock.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "buffer.h"
#include "clock.h"
#include "compat.h"
#include "flush.h"
#include "jobs.h"
#include "settings.h"
#include "unit.h"
#include "worker.h"

/* The longest delays between attempts to start, and to write */
#define MAX_START_DELAY_SECONDS	60
#define MAX_FLUSH_DELAY			(60 * USECS_PER_SEC)

/* The delay after the first failure, in flush intervals */
#define TICKS_AFTER_FAILURE		3

PGDLLEXPORT pg_noreturn void liveness_worker_main(Datum main_arg);

static volatile sig_atomic_t stop_requested = false;
static volatile sig_atomic_t connected = false;

typedef struct FlushSchedule
{
	int64		last_attempt;	/* 0: none yet */
	int			failures;		/* in succession */
	FlushResult result;			/* of the last attempt */
	uint64		requests;		/* of liveness_flush that have been served */
} FlushSchedule;

/*
 * SIGTERM.  A cancel ends what the worker waits for now: a lock, or a synchronous
 * standby.  A second signal does not cancel, or it would hit the last flush.  Before the
 * worker is connected it may die at once.
 */
static void
RequestStop(SIGNAL_ARGS)
{
	int			save_errno = errno;

	(void) postgres_signal_arg;
	(void) pg_siginfo;
	if (!connected)
		InterruptPending = ProcDiePending = true;
	else if (!stop_requested)
		InterruptPending = QueryCancelPending = true;
	stop_requested = true;
	SetLatch(MyLatch);
	errno = save_errno;
}

static void
LeaveBuffer(int code, Datum arg pg_attribute_unused())
{
	(void) code;
	liveness_buffer_close();
	/* a worker that was told to stop has not failed to start */
	if (stop_requested)
		liveness_buffer_end_start();
}

static void
Sleep(int64 usecs)
{
	static uint32 wait_event = 0;
	int64		msecs = (usecs + 999) / 1000;

	if (wait_event == 0)
		wait_event = WaitEventExtensionNew("LivenessWorkerMain");
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 (long) Max(0, msecs), wait_event);
	ResetLatch(MyLatch);
}

/* A cancel that arrives here was meant for a unit that has ended */
static void
HandleInterrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	QueryCancelPending = false;

	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* ---------- flushing ---------- */

static int64
FlushDelay(const FlushSchedule *schedule)
{
	int64		tick = (int64) (liveness_flush_interval * USECS_PER_SEC);

	if (schedule->failures == 0)
		return tick;
	tick *= TICKS_AFTER_FAILURE;
	return Min(tick << Min(schedule->failures - 1, 20), Max(tick, MAX_FLUSH_DELAY));
}

/* Write what waits now, and note when and how it went */
static void
Flush(FlushSchedule *schedule)
{
	schedule->requests = liveness_buffer_requests();
	schedule->result = liveness_flush_round(PG_INT64_MAX, &stop_requested);
	schedule->failures = schedule->result == FLUSH_FAILED ? schedule->failures + 1 : 0;
	schedule->last_attempt = liveness_monotonic_usecs();

	/* after a failure, emitters do not wake the worker before the next attempt */
	liveness_buffer_rest(schedule->result == FLUSH_FAILED || schedule->result == FLUSH_NO_EXTENSION,
						 liveness_flush_retry_at() != PG_INT64_MAX);
}

/* When a flush is due next; a time in the past if it is due now */
static int64
FlushDueAt(const FlushSchedule *schedule)
{
	int64		due = schedule->last_attempt + FlushDelay(schedule);
	int64		retry = liveness_flush_retry_at();

	if (schedule->last_attempt == 0 || schedule->result == FLUSH_AGAIN ||
		schedule->requests != liveness_buffer_requests())
		return 0;
	if (schedule->result != FLUSH_FAILED && schedule->result != FLUSH_NO_EXTENSION &&
		liveness_buffer_is_due())
		return 0;
	return Min(due, retry);
}

/*
 * The server may be stopping, so what was accepted is written before the worker exits.
 * It does not wait for a standby, which may be stopping too.
 */
static void
FlushForTheLastTime(void)
{
	int64		deadline;
	FlushResult result;

	liveness_buffer_close();
	QueryCancelPending = false;
	SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_OVERRIDE);
	deadline = liveness_monotonic_usecs() + (int64) (liveness_flush_timeout * USECS_PER_SEC);
	do
		result = liveness_flush_round(deadline, NULL);
	while ((result == FLUSH_DONE || result == FLUSH_AGAIN) &&
		   liveness_buffer_waiting() > 0 && liveness_monotonic_usecs() < deadline);
}

/* ---------- the process ---------- */

/* After starts that failed (the database was dropped, say), wait before the next */
static void
DelayStart(void)
{
	int			failed = liveness_buffer_begin_start();
	int64		until;

	if (failed == 0)
		return;
	until = liveness_monotonic_usecs() +
		Min(MAX_START_DELAY_SECONDS, 1 << Min(failed - 1, 10)) * USECS_PER_SEC;
	while (liveness_monotonic_usecs() < until)
	{
		Sleep(until - liveness_monotonic_usecs());
		HandleInterrupts();
	}
}

void
liveness_worker_main(Datum main_arg)
{
	FlushSchedule flushes = {0};
	bool		started = false;

	(void) main_arg;
	pqsignal(SIGTERM, RequestStop);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();

	before_shmem_exit(LeaveBuffer, (Datum) 0);
	DelayStart();
	BackgroundWorkerInitializeConnection(liveness_database, NULL, 0);
	connected = true;
	/* a stop that came during the connect ends the loop below, and not the process */
	ProcDiePending = false;
	liveness_prepare_units();
	liveness_buffer_open();
	pgstat_report_activity(STATE_IDLE, "liveness: wait for heartbeats");

	for (;;)
	{
		int64		jobs_wait;
		int64		flush_wait;

		HandleInterrupts();
		if (stop_requested)
			break;
		if (FlushDueAt(&flushes) <= liveness_monotonic_usecs())
			Flush(&flushes);
		jobs_wait = liveness_run_due_jobs(liveness_monotonic_usecs());
		if (!started)
			liveness_buffer_end_start();
		started = true;

		/*
		 * A transaction that waited may have taken a wake-up that was meant for this
		 * loop.  So everything is looked at again before the sleep.
		 */
		flush_wait = FlushDueAt(&flushes) - liveness_monotonic_usecs();
		if (!stop_requested && !InterruptPending && !ConfigReloadPending)
			Sleep(Min(jobs_wait, flush_wait));
	}

	FlushForTheLastTime();
	/* after 0 the server would not start the worker again */
	proc_exit(1);
}

void
liveness_register_worker(void)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	/* a standby has no worker until it is promoted */
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 0;
	strlcpy(worker.bgw_library_name, "liveness", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "liveness_worker_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "liveness worker", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "liveness worker", sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}
