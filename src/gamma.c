/*-------------------------------------------------------------------------
 *
 * gamma.c
 *		Quantiles of the gamma distribution.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "gamma.h"

/* P(a, x), the regularized incomplete gamma function, by its series or its fraction */
static double
IncompleteGamma(double a, double x)
{
	double		scale;

	if (x <= 0)
		return 0;
	scale = exp(a * log(x) - x - lgamma(a));
	if (x < a + 1)
	{
		double		term = 1 / a;
		double		sum = term;

		for (int n = 1; n < 10000 && term > sum * 1e-16; n++)
		{
			term *= x / (a + n);
			sum += term;
		}
		return scale * sum;
	}
	else
	{
		double		b = x + 1 - a;
		double		c = 1e300;
		double		d = 1 / b;
		double		h = d;

		/* Lentz's method evaluates the continued fraction */
		for (int n = 1; n < 10000; n++)
		{
			double		an = -n * (n - a);
			double		delta;

			b += 2;
			d = an * d + b;
			d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
			c = b + an / c;
			c = fabs(c) < 1e-300 ? 1e-300 : c;
			delta = d * c;
			h *= delta;
			if (fabs(delta - 1) < 1e-15)
				break;
		}
		return 1 - scale * h;
	}
}

/*
 * The quantile at p of a gamma-distributed number of rate 1; z is the normal quantile at
 * p.  Newton's method begins at the approximation of Wilson and Hilferty (1931), which is
 * close for shapes of 3 and more.
 */
double
liveness_gamma_quantile(double shape, double p, double z)
{
	double		cube_root = 1 - 1 / (9 * shape) + z / (3 * sqrt(shape));
	double		x = shape * cube_root * cube_root * cube_root;

	for (int i = 0; i < 20; i++)
	{
		double		density = exp((shape - 1) * log(x) - x - lgamma(shape));
		double		step = (IncompleteGamma(shape, x) - p) / density;

		x -= Min(step, x / 2);
		if (fabs(step) <= 1e-12 * x)
			break;
	}
	return x;
}
