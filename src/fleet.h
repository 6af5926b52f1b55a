/*-------------------------------------------------------------------------
 *
 * fleet.h
 *		The row of the fleet's numbers; see fleet.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_FLEET_H
#define LIVENESS_FLEET_H

#include "rollup.h"

/* What the numbers of the fleet depend on, besides the sessions */
typedef struct FleetBasis
{
	TimestampTz counted_at;		/* the instant that they describe */
	TimestampTz counted_since;	/* sessions that ended before are left out */
	int64		settings;		/* a fingerprint of settings and excluded time */
} FleetBasis;

extern bool liveness_read_exclusions(const Rollup *rollup, Datum excluded[3]);
extern FleetBasis liveness_fleet_basis(const Rollup *rollup, TimestampTz as_of);
extern Datum liveness_stored_fleet(const Rollup *rollup, const FleetBasis *basis, bool *isnull);
extern void liveness_write_fleet(const Rollup *rollup, TimestampTz as_of,
								 const FleetBasis *basis, Datum hazard, bool isnull);

#endif							/* LIVENESS_FLEET_H */
