/*-------------------------------------------------------------------------
 *
 * aggstate.h
 *		What the aggregates with an internal state share.
 *
 * A serialized state is bytes of this machine (it never leaves the parallel
 * query that made it), led by a magic word.  Anyone may call a deserialize
 * function with any bytea, though, so every read is checked.
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
pg_noreturn extern void liveness_corrupt_state(void);
extern void liveness_check_serialized_count(int64 n, Size size);
extern void liveness_read_state(StateReader *reader, bytea *state);
extern void liveness_read_bytes(StateReader *reader, void *dst, Size size);
extern void liveness_read_magic(StateReader *reader, uint32 expected);
extern void liveness_check_remaining(const StateReader *reader, int64 n, Size size);
extern void liveness_read_end(const StateReader *reader);
extern ArrayType *liveness_read_float8_array(StateReader *reader, Size size);

#endif							/* LIVENESS_AGGSTATE_H */
