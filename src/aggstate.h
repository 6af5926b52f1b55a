/*-------------------------------------------------------------------------
 *
 * aggstate.h
 *		What the states of aggregates share.
 *
 * A state of type internal, and every serialized one, begins with a magic word that says
 * whose it is: a superuser may pair the functions of different aggregates, and nothing
 * else would notice.  The functions that take such states also take an argument of type
 * internal, so nobody else can call them.
 *
 * A state of type bytea is an expanded object: rows are added to it in place, and the
 * server makes bytes of it where it leaves the process.  Citus combines such states of
 * many shards, and none of type internal.  Anybody can write bytes of this type, and
 * the methods of an expanded object say whose it is.
 *
 * A serialized state is bytes of machines of one kind: it never leaves the query that
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
#include "utils/expandeddatum.h"

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
extern MemoryContext liveness_expanded_context(MemoryContext aggcontext);
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

/*
 * The expanded state in an argument that is not NULL; NULL for bytes, and for an object of
 * others.  A function that adds to a state asks for one that may be written.
 */
static inline void *
liveness_expanded_argument(FunctionCallInfo fcinfo, int arg, bool writable,
						   const ExpandedObjectMethods *methods)
{
	Datum		datum = PG_GETARG_DATUM(arg);
	ExpandedObjectHeader *object;

	if (!(writable ? VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(datum))
		  : VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum))))
		return NULL;
	object = DatumGetEOHP(datum);
	return object->eoh_methods == methods ? object : NULL;
}

#endif							/* LIVENESS_AGGSTATE_H */
