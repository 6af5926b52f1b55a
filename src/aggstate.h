/*-------------------------------------------------------------------------
 *
 * aggstate.h
 *		What the aggregates with an internal state share.
 *
 * Every internal state, and every serialized one, begins with a magic word that says
 * whose it is: a superuser may pair the functions of different aggregates, and nothing
 * else would notice.  The functions that take such states also take an argument of type
 * internal, so nobody else can call them.
 *
 * A serialized state is bytes of this machine: it never leaves the parallel query that
 * made it.  Reading one checks what keeps the reader inside of memory, and no more.
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
