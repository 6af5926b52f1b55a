/*-------------------------------------------------------------------------
 *
 * fleet.c
 *		The row of the fleet's numbers, and what these depend on besides the sessions.
 *
 * The numbers are learned once an interval of liveness.hazard_interval.  As long as that
 * which they depend on is the same, they stay.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "fleet.h"
#include "rollup.h"
#include "running.h"
#include "settings.h"

/*
 * Excluded time: the providers that have any of their own, theirs, and everybody's; false
 * if there is none.  They are read once, and not by each process of a parallel plan.
 */
bool
liveness_read_exclusions(const Rollup *rollup, Datum excluded[3])
{
	bool		isnull;

	liveness_execute(rollup,
					 "SELECT count(*),"
					 " coalesce(array_agg(e.provider_id) FILTER (WHERE e.provider_id IS NOT NULL), '{}'),"
					 " coalesce(array_agg(e.excluded) FILTER (WHERE e.provider_id IS NOT NULL), '{}'),"
					 " coalesce((array_agg(e.excluded) FILTER (WHERE e.provider_id IS NULL))[1], '{}')"
					 " FROM liveness_internal.liveness_excluded e",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	if (liveness_result_int64(1) == 0)
		return false;
	for (int i = 0; i < 3; i++)
		excluded[i] = SPI_datumTransfer(liveness_result(i + 2, &isnull), false, -1);
	return true;
}

FleetBasis
liveness_fleet_basis(const Rollup *rollup, TimestampTz as_of)
{
	FleetBasis	basis;

	basis.counted_at = liveness_hazard_instant_of(as_of);
	basis.counted_since = liveness_hazard_since_of(as_of);
	liveness_execute(rollup,
					 "SELECT coalesce(bit_xor(hashtextextended(concat_ws('|', e.id, e.provider_id,"
					 "  extract(epoch FROM e.since), extract(epoch FROM e.until)), 0)), 0)"
					 " FROM %s.provider_exclusions e",
					 0, NULL, NULL, NULL, SPI_OK_SELECT);
	basis.settings = (int64) (liveness_hash_spell_settings() ^ (uint64) liveness_result_int64(1));
	return basis;
}

/*
 * The numbers of the fleet that are stored, if they are those of this basis; else NULL.
 */
Datum
liveness_stored_fleet(const Rollup *rollup, const FleetBasis *basis, bool *isnull)
{
	Oid			types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID};
	Datum		values[] = {
		TimestampTzGetDatum(basis->counted_at),
		TimestampTzGetDatum(basis->counted_since),
		Int64GetDatum(basis->settings)
	};
	Datum		hazard;

	/* a restore leaves two rows, which the next run replaces by one */
	liveness_execute(rollup,
					 "SELECT f.hazard FROM liveness_internal.liveness_fleet_hazard f"
					 " WHERE f.counted_at = $1 AND f.counted_since = $2 AND f.settings = $3"
					 " AND (SELECT count(*) FROM liveness_internal.liveness_fleet_hazard) = 1",
					 3, types, values, NULL, SPI_OK_SELECT);
	*isnull = SPI_processed == 0;
	if (*isnull)
		return (Datum) 0;
	hazard = liveness_result(1, isnull);
	return *isnull ? (Datum) 0 : SPI_datumTransfer(hazard, false, -1);
}

/* Whatever the table held, it has one row then */
void
liveness_write_fleet(const Rollup *rollup, TimestampTz as_of, const FleetBasis *basis,
					 Datum hazard, bool isnull)
{
	Oid			types[] = {TIMESTAMPTZOID, FLOAT8ARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID};
	Datum		values[] = {
		TimestampTzGetDatum(as_of),
		hazard,
		TimestampTzGetDatum(basis->counted_at),
		TimestampTzGetDatum(basis->counted_since),
		Int64GetDatum(basis->settings)
	};
	const char *nulls = isnull ? " n   " : "     ";

	liveness_execute(rollup,
					 "UPDATE liveness_internal.liveness_fleet_hazard f SET as_of = $1, hazard = $2,"
					 " counted_at = $3, counted_since = $4, settings = $5",
					 5, types, values, nulls, SPI_OK_UPDATE);
	if (SPI_processed == 1)
		return;
	liveness_execute(rollup, "DELETE FROM liveness_internal.liveness_fleet_hazard",
					 0, NULL, NULL, NULL, SPI_OK_DELETE);
	liveness_execute(rollup,
					 "INSERT INTO liveness_internal.liveness_fleet_hazard"
					 " (as_of, hazard, counted_at, counted_since, settings) VALUES ($1, $2, $3, $4, $5)",
					 5, types, values, nulls, SPI_OK_INSERT);
}
