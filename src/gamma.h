/*-------------------------------------------------------------------------
 *
 * gamma.h
 *		Quantiles of the gamma distribution.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_GAMMA_H
#define LIVENESS_GAMMA_H

extern double liveness_gamma_quantile(double shape, double p, double z);

#endif							/* LIVENESS_GAMMA_H */
