/*-------------------------------------------------------------------------
 *
 * survival.c
 *		The Kaplan-Meier (product-limit) estimate of survival.
 *
 * S(t) is the product over event times u <= t of 1 - d(u)/n(u), d(u) events
 * among the n(u) at risk at u: those with entry < u <= exit, so that who is
 * censored at u is still at risk there (Kaplan and Meier 1958; left truncation
 * as in Klein and Moeschberger, Survival Analysis, section 4.6).  Ties are exact:
 * times are integers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "liveness.h"

#define ST_SORT SortTimes
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* In order of time, as liveness_survival_at needs them */
void
liveness_sort_sample(SurvivalSample *sample)
{
	SortTimes(sample->exits, sample->n);
	SortTimes(sample->entries, sample->nentries);
}

/*
 * S at each of the times, which ascend, of a sample that is sorted.  NULL where the
 * curve does not reach: past the last exit unless S is 0 there, and everywhere if
 * nobody was ever at risk.
 */
void
liveness_survival_at(const SurvivalSample *sample, const int64 *times, int ntimes,
					 double *survival, bool *isnull)
{
	int64		i = 0;
	int64		entered = 0;
	KaplanMeier km = {.survival = 1};

	for (int k = 0; k < ntimes; k++)
	{
		while (i < sample->n && SurvivalTime(sample->exits[i]) <= times[k])
		{
			int64		u = SurvivalTime(sample->exits[i]);
			int64		exited = i;
			int64		events = 0;

			for (; i < sample->n && SurvivalTime(sample->exits[i]) == u; i++)
				events += SurvivalFlag(sample->exits[i]);
			if (events == 0)
				continue;
			while (entered < sample->nentries && SurvivalTime(sample->entries[entered]) < u)
				entered++;
			/* who enters as he leaves never was at risk */
			for (int64 j = entered; j < sample->nentries && SurvivalTime(sample->entries[j]) == u; j++)
				events -= SurvivalFlag(sample->entries[j]);
			if (events > 0)
				liveness_kaplan_meier_step(&km, sample->n - exited - (sample->nentries - entered), events);
		}
		survival[k] = km.survival;
		isnull[k] = sample->last_exit < 0 || (km.survival > 0.0 && times[k] > sample->last_exit);
	}
}
