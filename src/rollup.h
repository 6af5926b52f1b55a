/*-------------------------------------------------------------------------
 *
 * rollup.h
 *		What a run of a rollup stands in: its locks, settings, statements and record;
 *		see rollup.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_ROLLUP_H
#define LIVENESS_ROLLUP_H

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "portability/instr_time.h"
#include "utils/tuplestore.h"

#include "joblock.h"

/* A run of a rollup */
typedef struct Rollup
{
	const char *name;			/* of its job */
	const char *schema;			/* of the extension, quoted */
	Oid			extension;
	Oid			heartbeats;		/* the table */
	bool		distributed;	/* by Citus */
	int			guc_nestlevel;
	TimestampTz started_at;
	instr_time	started;
} Rollup;

extern void liveness_check_writable(const char *function);
extern bool liveness_begin_rollup(Rollup *rollup, const char *name, LivenessLock lock,
								  const char *read, const char *written,
								  FunctionCallInfo fcinfo);
extern void liveness_merge_state(const Rollup *rollup, const char *identity);
extern void liveness_end_rollup(Rollup *rollup, int64 rows);

/* In statements every %s stands for the extension's schema */
extern void liveness_set_local(const char *name, const char *value);
extern void liveness_execute(const Rollup *rollup, const char *format, int nargs, Oid *types,
							 Datum *values, const char *nulls, int expected);
extern Datum liveness_result(int column, bool *isnull);
extern int64 liveness_result_int64(int column);
extern Tuplestorestate *liveness_compute(const Rollup *rollup, const char *name,
										 const char *format, int nargs, Oid *types,
										 const Datum *values);
extern void liveness_forget(const char *name, Tuplestorestate *store);

#endif							/* LIVENESS_ROLLUP_H */
