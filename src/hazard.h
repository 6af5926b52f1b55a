/*-------------------------------------------------------------------------
 *
 * hazard.h
 *		The model of hazard.c, for what learns from it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_HAZARD_H
#define LIVENESS_HAZARD_H

#include "fmgr.h"
#include "utils/array.h"

#include "history.h"
#include "timemath.h"

/* Bins of age, four to an octave, which is a factor of two; the last has no end */
#define AGE_BINS		96
#define BINS_PER_OCTAVE	4
#define OCTAVES			(AGE_BINS / BINS_PER_OCTAVE)

#define AGE_HALF_LIFE	(30.0 * SECS_PER_DAY)
#define HOUR_HALF_LIFE	(60.0 * SECS_PER_DAY)

#define FLOATS(type, element)	((int) (sizeof(type) / sizeof(element)))

/* What is known of the fleet, a float8[]: first the factors, then the weights of priors */
typedef struct FleetHazard
{
	double		by_age[AGE_BINS];	/* events a second */
	double		by_hour[HOURS_PER_WEEK];	/* a factor */
	double		frailty_prior;	/* in events */
	double		hour_prior;		/* in events */
} FleetHazard;

#define FLEET_FACTORS	(AGE_BINS + HOURS_PER_WEEK)
#define FLEET_NUMBERS	FLOATS(FleetHazard, double)

/* The hazard by age, integrated from 0 to the bounds */
typedef struct CumulativeHazard
{
	const double *by_age;
	double		to[AGE_BINS];
} CumulativeHazard;

typedef struct FleetCache
{
	FleetHazard fleet;
	CumulativeHazard cumulative;
} FleetCache;

/* A provider's events, and those to be expected if the provider were like the fleet */
typedef struct HostSums
{
	double		events[OCTAVES];
	double		expected[OCTAVES];
	double		through[AGE_BINS];	/* weights of the spells by their last bin */
	double		hour_events[HOURS_PER_DAY];
	double		hour_expected[HOURS_PER_DAY];
} HostSums;

/* A walk through a stretch of a spell, without weights */
typedef struct PieceWalk
{
	const FleetCache *fleet;
	TimestampTz start;			/* of the spell */
	TimestampTz at;				/* end of the piece */
	TimestampTz until;			/* end of the stretch */
	double		to_here;		/* hazard, integrated to the age here */
	int			octave;			/* of the piece */
	bool		leaves_octave;	/* at its end */
	int			hour_of_week;	/* of the piece */
	double		hazard;			/* of the fleet, over the piece */
} PieceWalk;

pg_noreturn extern void liveness_invalid_numbers(const char *what, int n);
extern void *liveness_place_of_numbers(ArrayType *array, Oid type, int n, const char *what);
extern ArrayType *liveness_make_numbers(Oid type, Size element_size, int n);
extern double *liveness_state_numbers(FunctionCallInfo fcinfo, const char *function, int n,
									  ArrayType **state);
extern const FleetCache *liveness_fleet_of_argument(FunctionCallInfo fcinfo, int arg, int n);
extern int	liveness_event_octave(double length);
extern void liveness_add_host_spell(HostSums *sums, const FleetCache *cache,
									const KnownSpell *spell, TimestampTz as_of);
extern void liveness_finish_host(HostSums *sums, const FleetCache *cache);
extern void liveness_begin_pieces(PieceWalk *walk, const FleetCache *fleet, TimestampTz start,
								  TimestampTz from, TimestampTz until);
extern bool liveness_next_piece(PieceWalk *walk);
extern Datum liveness_holds(PG_FUNCTION_ARGS);
extern Datum liveness_longest_job(PG_FUNCTION_ARGS);

#endif							/* LIVENESS_HAZARD_H */
