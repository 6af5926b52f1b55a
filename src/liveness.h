/*-------------------------------------------------------------------------
 *
 * liveness.h
 *		Declarations shared by the files of the extension.
 *
 * score.c, percentiles.c, intervals.c, survival.c, features.c and hourly.c
 * are pure computation: they know nothing of SPI, tables or shared memory.
 * rollup.c alone writes the rolled-up tables.  buffer.c and stats.c own the
 * shared memory; worker.c, jobs.c and flush.c (see worker.h) run by themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_H
#define LIVENESS_H

#include "datatype/timestamp.h"
#include "fmgr.h"

#include "arguments.h"
#include "compat.h"
#include "extension.h"
#include "settings.h"

#define HOURS_PER_WEEK		168
#define USECS_PER_WEEK		(INT64CONST(7) * USECS_PER_DAY)

/* Name of our lock */
#define LIVENESS_TRANCHE	"liveness"

/* What a session of ours waits for */
typedef enum LivenessWait
{
	WAIT_WORKER,				/* the worker, for something to do */
	WAIT_FLUSH,					/* liveness_flush(), for the worker */
	WAIT_WRITERS				/* the hourly rollup, for transactions to end */
} LivenessWait;

extern uint32 liveness_wait_event(LivenessWait wait);

/* score.c */
extern double liveness_score_internal(double uptime_pct, double p_stays_4h,
									  double p_stays_8h, double mtbf_seconds,
									  bool has_disconnect,
									  TimestampTz last_disconnect_at,
									  TimestampTz as_of);

/* percentiles.c */
extern double liveness_percentile_of_sorted_usecs(const int64 *usecs, int64 n,
												  double fraction);

/* intervals.c */

/* Seconds online by hour of the week; see WeekMatrixAdd */
typedef struct WeekMatrix
{
	int64		weeks;			/* whole weeks: one hour for every cell */
	int64		usecs[HOURS_PER_WEEK];	/* parts of an hour */
	int64		hours[HOURS_PER_WEEK + 1];	/* whole hours, as differences */
} WeekMatrix;

extern TimestampTz liveness_hour_of(TimestampTz t);
extern int	liveness_hour_of_week(TimestampTz t);
extern int64 liveness_saturating_sub(TimestampTz a, TimestampTz b);
extern void liveness_week_matrix_add(WeekMatrix *matrix, TimestampTz start,
									 TimestampTz end);
extern void liveness_week_matrix_cells(WeekMatrix *matrix,
									   int64 cells[HOURS_PER_WEEK]);

/* survival.c */

/*
 * Observations, each at risk in (entry, exit].  Most enter at 0 and are one number
 * then, which sorts: twice the time of exit, and one more if it is an event.  The
 * others have their entry in a second list, with the flag if there is an event that
 * does not count, because they leave as they enter.
 */
typedef struct SurvivalSample
{
	uint64	   *exits;
	uint64	   *entries;
	int64		n;
	int64		nentries;
	int64		last_exit;		/* of those ever at risk; -1: nobody was */
} SurvivalSample;

static inline int64
SurvivalTime(uint64 element)
{
	return (int64) (element >> 1);
}

static inline int
SurvivalFlag(uint64 element)
{
	return (int) (element & 1);
}

/* Times are not negative, and nobody leaves before he enters */
static inline void
liveness_observe(SurvivalSample *sample, int64 entry, int64 exit, bool event)
{
	sample->exits[sample->n++] = ((uint64) exit << 1) | event;
	if (entry < exit)
		sample->last_exit = Max(sample->last_exit, exit);
	if (entry > 0 || exit == 0)
		sample->entries[sample->nentries++] = ((uint64) entry << 1) | (event && entry == exit);
}

/* An estimate after the events so far */
typedef struct KaplanMeier
{
	double		survival;
	double		greenwood;		/* variance of log survival */
} KaplanMeier;

static inline void
liveness_kaplan_meier_step(KaplanMeier *km, int64 n_risk, int64 n_event)
{
	double		n = (double) n_risk;
	double		left = (double) (n_risk - n_event);

	km->survival *= left / n;
	km->greenwood += (double) n_event / (n * left);
}

extern Datum liveness_make_curve(const double *durations, const bool *observed, int64 n);
extern void liveness_sort_sample(SurvivalSample *sample);
extern void liveness_survival_at(const SurvivalSample *sample, const int64 *times,
								 int ntimes, double *survival, bool *isnull);

#endif							/* LIVENESS_H */
