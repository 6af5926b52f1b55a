/*-------------------------------------------------------------------------
 *
 * survival.c
 *		The Kaplan-Meier (product-limit) estimate of survival.
 *
 * S(t) is the product over event times u <= t of 1 - d(u)/n(u), d(u) being the events
 * among the n(u) at risk at u: those with entry < u <= exit (Kaplan and Meier 1958; left
 * truncation as in Klein and Moeschberger, Survival Analysis, section 4.6).  Who is
 * censored at u is still at risk there.  Times are integers, so that ties are exact.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "survival.h"

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
	KaplanMeier km = {.survival = 1};

	for (int k = 0; k < ntimes; k++)
	{
		while (i < sample->n && SurvivalTime(sample->exits[i]) <= times[k])
		{
			int64		u = SurvivalTime(sample->exits[i]);
			int64		n_risk = sample->n - i - (sample->late_entry >= u);
			int64		n_event = 0;

			for (; i < sample->n && SurvivalTime(sample->exits[i]) == u; i++)
				n_event += (int64) (sample->exits[i] & 1);
			if (n_event > 0)
				liveness_kaplan_meier_step(&km, n_risk, n_event);
		}
		survival[k] = km.survival;
		isnull[k] = sample->last_exit < 0 || (km.survival > 0.0 && times[k] > sample->last_exit);
	}
}
