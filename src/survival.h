/*-------------------------------------------------------------------------
 *
 * survival.h
 *		The Kaplan-Meier estimate of survival.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_SURVIVAL_H
#define LIVENESS_SURVIVAL_H

/*
 * The spells of one provider, each at risk in (entry, exit] of its age.  They are
 * disjoint, so that at most one of them began before the window and enters late.
 *
 * A spell is one number, which sorts: twice its exit, and one more if it is an event.
 */
typedef struct SurvivalSample
{
	uint64	   *exits;
	int64		n;
	int64		late_entry;		/* 0: all enter at 0 */
	int64		last_exit;		/* of those ever at risk; -1: nobody was */
} SurvivalSample;

static inline int64
SurvivalTime(uint64 element)
{
	return (int64) (element >> 1);
}

/* Times are not negative, and no spell leaves before it enters */
static inline void
liveness_observe(SurvivalSample *sample, int64 entry, int64 exit, bool event)
{
	/* what leaves as it enters was never at risk: its event does not count */
	sample->exits[sample->n++] = ((uint64) exit << 1) | (event && entry < exit);
	if (entry < exit)
		sample->last_exit = Max(sample->last_exit, exit);
	if (entry > 0)
	{
		Assert(sample->late_entry == 0);
		sample->late_entry = entry;
	}
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

extern void liveness_sort_sample(SurvivalSample *sample);
extern void liveness_survival_at(const SurvivalSample *sample, const int64 *times,
								 int ntimes, double *survival, bool *isnull);

#endif							/* LIVENESS_SURVIVAL_H */
