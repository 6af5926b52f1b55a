/*-------------------------------------------------------------------------
 *
 * settings.c
 *		The settings liveness.*
 *
 * A setting that several SQL functions take as an argument with DEFAULT NULL is
 * resolved in C: a DEFAULT current_setting('liveness.…') would fail in a session that
 * has not loaded the library yet.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "common/hashfn.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "compat.h"
#include "settings.h"

#define SECS_PER_DAY_INT	86400

int			liveness_window_days = 14;
int			liveness_rollup_lookback = 2 * SECS_PER_HOUR;
char	   *liveness_database = NULL;
char	   *liveness_worker_role = NULL;
int			liveness_buffer_size = 16 * 1024;
int			liveness_scheduler = SCHEDULER_WORKER;
int			liveness_batch_size = 500;
double		liveness_flush_interval = 2;
double		liveness_flush_timeout = 5;
int			liveness_rollup_interval = 5 * SECS_PER_MINUTE;
int			liveness_prune_batch_size = 10000;
bool		liveness_track_sessions = false;
bool		liveness_close_stale = false;
int			liveness_sessions_interval = 30;

static const struct config_enum_entry scheduler_options[] = {
	{"worker", SCHEDULER_WORKER, false},
	{"cron", SCHEDULER_CRON, false},
	{"off", SCHEDULER_OFF, false},
	{NULL, 0, false}
};

static char *censored_reasons = NULL;
static int	session_timeout = 90;
int			liveness_hazard_interval = SECS_PER_HOUR;
static int	hazard_history = 180 * SECS_PER_DAY_INT;
static int	resume_within = 10 * SECS_PER_MINUTE;
static double outage_threshold = 1;
static int	heartbeat_retention = 28 * SECS_PER_DAY_INT;
static int	hourly_retention = -1;
static int	session_retention = -1;
static int	prune_budget = 10 * SECS_PER_MINUTE;

/*
 * liveness.censored_reasons, parsed: the strings one after the other, each
 * with its terminating zero.  One allocation, since guc.c frees it whole.
 */
typedef struct CensoredReasons
{
	int			nreasons;
	char		reasons[FLEXIBLE_ARRAY_MEMBER];
} CensoredReasons;

static CensoredReasons *parsed_censored_reasons = NULL;

/* Parse the comma list; blanks around a reason do not belong to it */
static bool
CheckCensoredReasons(char **newval, void **extra,
					 GucSource source pg_attribute_unused())
{
	char	   *rawstring = pstrdup(*newval);
	List	   *reasons;
	ListCell   *lc;
	CensoredReasons *parsed;
	char	   *dst;

	if (!SplitGUCList(rawstring, ',', &reasons))
	{
		GUC_check_errdetail("List syntax is invalid.");
		pfree(rawstring);
		list_free(reasons);
		return false;
	}

	/* Whatever quoting took away, the reasons are no longer than the list */
	parsed = guc_malloc(LOG, offsetof(CensoredReasons, reasons) + strlen(*newval) + 1);
	if (parsed == NULL)
	{
		GUC_check_errcode(ERRCODE_OUT_OF_MEMORY);
		return false;
	}

	parsed->nreasons = 0;
	dst = parsed->reasons;
	foreach(lc, reasons)
	{
		const char *reason = (const char *) lfirst(lc);
		Size		size = strlen(reason) + 1;

		memcpy(dst, reason, size);
		dst += size;
		parsed->nreasons++;
	}

	pfree(rawstring);
	list_free(reasons);
	*extra = parsed;
	return true;
}

static void
AssignCensoredReasons(const char *newval pg_attribute_unused(), void *extra)
{
	parsed_censored_reasons = (CensoredReasons *) extra;
}

/* A duration in whole seconds, whose unit may be given */
static void
DefineDuration(const char *name, const char *what, int *variable, int min,
			   GucContext context)
{
	DefineCustomIntVariable(name, what, NULL, variable, *variable, min, INT_MAX,
							context, GUC_UNIT_S, NULL, NULL, NULL);
}

/* What the figures depend on */
static void
DefineFigureSettings(void)
{
	DefineCustomIntVariable("liveness.window_days",
							"Days of history that the reliability features describe.",
							NULL,
							&liveness_window_days, 14,
							MIN_WINDOW_DAYS, MAX_WINDOW_DAYS,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("liveness.censored_reasons",
							   "Disconnect reasons that say that the observer went away, not the provider.",
							   "A comma list, compared exactly; empty for none.",
							   &censored_reasons, "coordinator_restart, observer_outage",
							   PGC_SUSET, GUC_LIST_INPUT,
							   CheckCensoredReasons, AssignCensoredReasons, NULL);
	DefineDuration("liveness.session_timeout",
				   "Silence after which an open session counts as stale.",
				   &session_timeout, 1, PGC_SUSET);
	DefineDuration("liveness.resume_within",
				   "Gap after a censored end within which a spell goes on; 0 turns that off.",
				   &resume_within, 0, PGC_SUSET);
	DefineCustomRealVariable("liveness.outage_threshold",
							 "Share of a coordinator's sessions that are silent when it is the coordinator that fell silent; 0 turns that off.",
							 NULL,
							 &outage_threshold, 1, 0, 1,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineDuration("liveness.hazard_interval",
				   "How often the fleet's numbers for liveness_candidates are counted anew.",
				   &liveness_hazard_interval, 1, PGC_SUSET);
	DefineDuration("liveness.hazard_history",
				   "Age from which on ended sessions no longer count for liveness_candidates.",
				   &hazard_history, 1, PGC_SUSET);
}

/* What the job sessions does */
static void
DefineSessionSettings(void)
{
	DefineCustomBoolVariable("liveness.track_sessions",
							 "Makes sessions from heartbeats, for coordinators that record nothing else.",
							 NULL,
							 &liveness_track_sessions, false,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("liveness.close_stale",
							 "Closes the stale sessions of all coordinators.",
							 NULL,
							 &liveness_close_stale, false,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
}

/* What is rolled up again, and what is kept */
static void
DefineRetentionSettings(void)
{
	DefineDuration("liveness.rollup_lookback",
				   "Hours this far back are aggregated again, whole, at least once an hour; 0 turns that off.",
				   &liveness_rollup_lookback, 0, PGC_SIGHUP);
	DefineDuration("liveness.heartbeat_retention",
				   "Age at which heartbeats are pruned; 0 or -1 keeps them for ever.",
				   &heartbeat_retention, -1, PGC_SIGHUP);
	DefineDuration("liveness.hourly_retention",
				   "Age at which rows of the hourly rollup are pruned; 0 or -1 keeps them for ever.",
				   &hourly_retention, -1, PGC_SIGHUP);
	DefineDuration("liveness.session_retention",
				   "Age at which closed sessions, and features without any session, are pruned; 0 or -1 keeps them for ever.",
				   &session_retention, -1, PGC_SIGHUP);
	DefineCustomIntVariable("liveness.prune_batch_size",
							"Heartbeats that one batch of the retention deletes at most.",
							NULL,
							&liveness_prune_batch_size, 10000, 1, INT_MAX,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineDuration("liveness.prune_budget",
				   "Time after which liveness_prune starts no further batch; 0 or -1 for no limit.",
				   &prune_budget, -1, PGC_SIGHUP);
}

/*
 * The worker's settings.  PGC_POSTMASTER is for a server that starts; a session that
 * loads the library by itself shows what is configured, though it has no effect there.
 */
static void
DefineWorkerSettings(bool server)
{
	DefineCustomStringVariable("liveness.database",
							   "Database that the liveness worker serves; empty for no worker.",
							   NULL,
							   &liveness_database, "",
							   server ? PGC_POSTMASTER : PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("liveness.worker_role",
							   "Role that the worker writes heartbeats and runs jobs as; empty for the extension's owner.",
							   NULL,
							   &liveness_worker_role, "",
							   PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("liveness.buffer_size",
							"Shared memory for heartbeats that wait to be written.",
							NULL,
							&liveness_buffer_size, 16 * 1024, 64, 4 * 1024 * 1024,
							server ? PGC_POSTMASTER : PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomEnumVariable("liveness.scheduler",
							 "Who runs rollups and retention: the liveness worker, pg_cron, or nobody.",
							 NULL,
							 &liveness_scheduler, SCHEDULER_WORKER, scheduler_options,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("liveness.batch_size",
							"Heartbeats that the worker writes in one transaction at most; so many waiting are written at once.",
							NULL,
							&liveness_batch_size, 500, 1, 100000,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomRealVariable("liveness.flush_interval",
							 "Time after which the worker writes what waits in the buffer.",
							 NULL,
							 &liveness_flush_interval, 2, 0.01, SECS_PER_HOUR,
							 PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomRealVariable("liveness.flush_timeout",
							 "Time after which writing a batch of heartbeats is given up, to be tried again.",
							 NULL,
							 &liveness_flush_timeout, 5, 0.01, SECS_PER_HOUR,
							 PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineDuration("liveness.rollup_interval",
				   "Time between the worker's runs of the features and hourly rollups; 0 or -1 for none.",
				   &liveness_rollup_interval, -1, PGC_SIGHUP);
	DefineDuration("liveness.sessions_interval",
				   "Time between the worker's runs of the job that makes and closes sessions.",
				   &liveness_sessions_interval, 1, PGC_SIGHUP);
}

void
liveness_define_settings(bool server)
{
	DefineFigureSettings();
	DefineSessionSettings();
	DefineRetentionSettings();
	DefineWorkerSettings(server);
	MarkGUCPrefixReserved("liveness");
}

/* Did the observer go away, and not the provider? */
bool
liveness_reason_is_censored(const char *reason, Size len)
{
	const char *candidate;

	if (parsed_censored_reasons == NULL)
		return false;
	candidate = parsed_censored_reasons->reasons;
	for (int i = 0; i < parsed_censored_reasons->nreasons; i++)
	{
		Size		candidate_len = strlen(candidate);

		if (candidate_len == len && memcmp(candidate, reason, len) == 0)
			return true;
		candidate += candidate_len + 1;
	}
	return false;
}

/* liveness.resume_within in microseconds; where it is off, -1, which no gap is within */
int64
liveness_resume_within_usecs(void)
{
	return resume_within > 0 ? resume_within * USECS_PER_SEC : -1;
}

int64
liveness_session_timeout_usecs(void)
{
	return session_timeout * USECS_PER_SEC;
}

/*
 * liveness_wants_sessions() -> boolean
 *
 * Has the job sessions anything to do?  For pg_cron, which runs it whatever is set.
 */
PG_FUNCTION_INFO_V1(liveness_wants_sessions);
Datum
liveness_wants_sessions(PG_FUNCTION_ARGS pg_attribute_unused())
{
	PG_RETURN_BOOL(liveness_track_sessions || liveness_close_stale);
}

/* A number that differs where the settings differ that say what a spell is */
uint64
liveness_hash_spell_settings(void)
{
	return hash_bytes_extended((const unsigned char *) censored_reasons,
							   (int) strlen(censored_reasons), (uint64) resume_within);
}

/* The same for all settings that an aggregate or a view reads where the rows are */
int64
liveness_hash_node_settings(void)
{
	int			values[] = {
		session_timeout, session_retention, liveness_window_days, liveness_hazard_interval, hazard_history
	};

	return (int64) hash_bytes_extended((const unsigned char *) values, (int) sizeof(values),
									   liveness_hash_spell_settings());
}

/*
 * liveness_is_censored(disconnect_reason text) -> boolean
 *
 * Is it one of liveness.censored_reasons?
 */
PG_FUNCTION_INFO_V1(liveness_is_censored);
Datum
liveness_is_censored(PG_FUNCTION_ARGS)
{
	text	   *reason = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(liveness_reason_is_censored(VARDATA_ANY(reason), VARSIZE_ANY_EXHDR(reason)));
}

/* Days and months are 0, so that no time zone matters */
static Interval *
SecondsInterval(int64 seconds)
{
	Interval   *result = (Interval *) palloc0(sizeof(Interval));

	result->time = seconds * USECS_PER_SEC;
	return result;
}

/* A retention never falls below what the window needs */
static int64
AtLeastWindow(int64 retention)
{
	return Max(retention, ((int64) liveness_window_days + 1) * SECS_PER_DAY_INT);
}

/*
 * Seconds before its interval from which on ended sessions count for liveness_candidates.
 * Those that the retention may delete before the interval is over do not: the numbers of
 * an interval would depend on when it runs.
 */
int64
liveness_counted_history(void)
{
	int64		history = hazard_history;

	if (session_retention > 0)
	{
		int64		kept = AtLeastWindow(session_retention) - liveness_hazard_interval;

		history = Min(history, kept);
	}
	return Max(history, 0);
}

/*
 * liveness_setting_interval(name text) -> interval
 *
 * A duration among the settings as an interval; NULL where it is off.  The two
 * retentions of what the window needs never fall below window_days + 1.
 */
PG_FUNCTION_INFO_V1(liveness_setting_interval);
Datum
liveness_setting_interval(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64		seconds;
	bool		needs_window = false;

	if (strcmp(name, "session_timeout") == 0)
		seconds = session_timeout;
	else if (strcmp(name, "resume_within") == 0)
		seconds = resume_within;
	else if (strcmp(name, "heartbeat_retention") == 0)
		seconds = heartbeat_retention;
	else if (strcmp(name, "hourly_retention") == 0)
	{
		seconds = hourly_retention;
		needs_window = true;
	}
	else if (strcmp(name, "session_retention") == 0)
	{
		seconds = session_retention;
		needs_window = true;
	}
	else if (strcmp(name, "prune_budget") == 0)
		seconds = prune_budget;
	else
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("\"%s\" is not a duration among the settings of liveness", name),
				 errhint("These are session_timeout, resume_within, heartbeat_retention, hourly_retention, session_retention and prune_budget.")));

	if (seconds <= 0)
		PG_RETURN_NULL();
	if (needs_window)
		seconds = AtLeastWindow(seconds);
	PG_RETURN_INTERVAL_P(SecondsInterval(seconds));
}

/*
 * liveness_outage_threshold() -> float8
 *
 * liveness.outage_threshold, which a session that has not loaded the library yet cannot
 * ask for by name.
 */
PG_FUNCTION_INFO_V1(liveness_outage_threshold);
Datum
liveness_outage_threshold(PG_FUNCTION_ARGS pg_attribute_unused())
{
	PG_RETURN_FLOAT8(outage_threshold);
}
