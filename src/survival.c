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

#define ST_SORT SortByExit
#define ST_ELEMENT_TYPE SurvivalObservation
#define ST_COMPARE(a, b) ((a)->exit < (b)->exit ? -1 : (a)->exit > (b)->exit)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT SortTimes
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* In order of exit, as liveness_survival_at needs them */
void
liveness_sort_observations(SurvivalObservation *obs, int64 n)
{
	SortByExit(obs, n);
}

/*
 * S at each of the times, which ascend, from observations in order of exit.
 * Those that are never at risk (entry >= exit) are left out.  NULL where the
 * curve does not reach: past the last exit unless S is 0 there, and everywhere if
 * nobody was ever at risk.
 */
void
liveness_survival_at(const SurvivalObservation *obs, int64 n, const int64 *times,
					 int ntimes, double *survival, bool *isnull)
{
	int64	   *entries;
	int64		nentries = 0;
	int64		entered = 0;
	int64		exited = 0;
	int64		last_exit = -1;
	int64		i = 0;
	KaplanMeier km = {.survival = 1};

	entries = (int64 *) MemoryContextAllocHuge(CurrentMemoryContext,
											   Max(n, 1) * sizeof(int64));
	for (int64 j = 0; j < n; j++)
	{
		if (obs[j].entry < obs[j].exit)
		{
			entries[nentries++] = obs[j].entry;
			last_exit = obs[j].exit;
		}
	}
	SortTimes(entries, nentries);

	for (int k = 0; k < ntimes; k++)
	{
		while (i < n && obs[i].exit <= times[k])
		{
			int64		u = obs[i].exit;
			int64		at_risk;
			int64		exits = 0;
			int64		events = 0;

			for (; i < n && obs[i].exit == u; i++)
			{
				if (obs[i].entry < u)
				{
					exits++;
					events += obs[i].event;
				}
			}
			while (entered < nentries && entries[entered] < u)
				entered++;
			at_risk = entered - exited;
			if (events > 0)
				liveness_kaplan_meier_step(&km, at_risk, events);
			exited += exits;
		}
		survival[k] = km.survival;
		isnull[k] = nentries == 0 || (km.survival > 0.0 && times[k] > last_exit);
	}

	pfree(entries);
}
