/*-------------------------------------------------------------------------
 *
 * survival_curve.h
 *		The type survival_curve as C sees it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_SURVIVAL_CURVE_H
#define LIVENESS_SURVIVAL_CURVE_H

#include "survival.h"

typedef struct CurvePoint
{
	double		time;			/* never NaN, nor -0 */
	int64		n_event;
	int64		n_censor;
	int64		n_enter;
} CurvePoint;

typedef struct SurvivalCurve
{
	int32		vl_len_;
	int32		unused;			/* 0 */
	int64		at_start;		/* under observation from before any time */
	CurvePoint	points[FLEXIBLE_ARRAY_MEMBER];	/* by time, each time once */
} SurvivalCurve;

#define CurveSize(n)	(offsetof(SurvivalCurve, points) + (Size) (n) * sizeof(CurvePoint))
#define CurvePoints(c)	((int64) ((VARSIZE(c) - offsetof(SurvivalCurve, points)) / sizeof(CurvePoint)))

/* A walk over the times at which anybody leaves */
typedef struct CurveWalk
{
	const SurvivalCurve *curve;
	int64		next;			/* point */
	int64		at_risk;		/* at the next point */
	double		time;
	int64		n_risk;
	int64		n_event;
	int64		n_censor;
	KaplanMeier km;
} CurveWalk;

extern void liveness_begin_curve_walk(CurveWalk *walk, const SurvivalCurve *curve);
extern bool liveness_peek_curve_walk(CurveWalk *walk, double *time);
extern bool liveness_step_curve_walk(CurveWalk *walk);
extern Datum liveness_make_curve(const double *durations, const bool *observed, int64 n);

#endif							/* LIVENESS_SURVIVAL_CURVE_H */
