/*-------------------------------------------------------------------------
 *
 * ranking.c
 *		Checks of the arguments of liveness_reliability.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"

#include "liveness.h"

#define MAX_RELIABILITY_ROWS	500

/*
 * liveness_real_bound(float8) -> real
 *
 * A column of type real holds 0.95 rounded to real, which is below the float8
 * 0.95; a bound must be rounded the same way before it is compared.  One beyond
 * real's range is infinite: it is a bound all the same, not an error.
 */
PG_FUNCTION_INFO_V1(liveness_real_bound);
Datum
liveness_real_bound(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT4((float4) PG_GETARG_FLOAT8(0));
}

/*
 * liveness_reliability_limit(min_uptime, min_stays_4h, min_stays_8h, min_score,
 *							  max_score, max_rows) -> bigint
 *
 * NaN compares above everything in PostgreSQL, so that it would silently match
 * nothing, or everything.
 */
PG_FUNCTION_INFO_V1(liveness_reliability_limit);
Datum
liveness_reliability_limit(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"min_uptime", "min_stays_4h", "min_stays_8h", "min_score", "max_score"
	};
	int			max_rows_arg = lengthof(names);

	for (int i = 0; i < max_rows_arg; i++)
	{
		if (!PG_ARGISNULL(i) && isnan(PG_GETARG_FLOAT8(i)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must not be NaN", names[i]),
					 errhint("Give NULL for no bound.")));
	}
	if (PG_ARGISNULL(max_rows_arg))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows must not be NULL"),
				 errhint("Give between 1 and %d rows.", MAX_RELIABILITY_ROWS)));
	if (PG_GETARG_INT32(max_rows_arg) < 1 ||
		PG_GETARG_INT32(max_rows_arg) > MAX_RELIABILITY_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows %d is out of range", PG_GETARG_INT32(max_rows_arg)),
				 errhint("Give between 1 and %d rows.", MAX_RELIABILITY_ROWS)));
	PG_RETURN_INT64(PG_GETARG_INT32(max_rows_arg));
}
