/*-------------------------------------------------------------------------
 *
 * percentiles.h
 *		Percentiles of numbers that are sorted already.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_PERCENTILES_H
#define LIVENESS_PERCENTILES_H

extern double liveness_percentile_of_sorted_usecs(const int64 *usecs, int64 n,
												  double fraction);

#endif							/* LIVENESS_PERCENTILES_H */
