/*-------------------------------------------------------------------------
 *
 * aggstate.h
 *		What the aggregates with an internal state share.
 *
 * Every internal state begins with a magic word that says whose it is: a superuser
 * may pair the functions of different aggregates, and nothing else would notice.
 *
 * A serialized state is bytes of this machine, which never leave the parallel query that
 * made them.  Arguments of type internal keep SQL from calling a deserialize function
 * directly, but a superuser's own aggregate may pass it any bytea.  So a magic word
 * leads these bytes too, and every read is checked.
 *
 * Under USE_ASSERT_CHECKING each state is looked through whenever it is combined,
 * serialized, read back or finished.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_AGGSTATE_H
#define LIVENESS_AGGSTATE_H

#include "fmgr.h"
#include "utils/array.h"

#include "compat.h"

typedef struct StateReader
{
	const char *cur;
	const char *end;
} StateReader;

extern MemoryContext liveness_aggregate_context(FunctionCallInfo fcinfo,
												const char *function);
pg_noreturn extern void liveness_foreign_state(void);
pg_noreturn extern void liveness_corrupt_state(void);
extern void liveness_check_serialized_count(int64 n, Size size);
extern void liveness_read_state(StateReader *reader, bytea *state);
extern void liveness_read_bytes(StateReader *reader, void *dst, Size size);
extern void liveness_read_magic(StateReader *reader, uint32 expected);
extern void liveness_check_remaining(const StateReader *reader, int64 n, Size size);
extern void liveness_read_end(const StateReader *reader);
extern ArrayType *liveness_read_float8_array(StateReader *reader, Size size);

/* The state in an argument; NULL for NULL */
static inline void *
liveness_state_argument(FunctionCallInfo fcinfo, int arg, uint32 magic)
{
	uint32	   *state;

	if (PG_ARGISNULL(arg))
		return NULL;
	state = (uint32 *) PG_GETARG_POINTER(arg);
	if (unlikely(*state != magic))
		liveness_foreign_state();
	return state;
}

#endif							/* LIVENESS_AGGSTATE_H */
