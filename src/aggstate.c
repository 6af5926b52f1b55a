/*-------------------------------------------------------------------------
 *
 * aggstate.c
 *		What the states of aggregates share.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/memnodes.h"
#include "utils/memutils.h"

#include "aggstate.h"

/* The context in which the state lives; a call outside of an aggregate is an error */
MemoryContext
liveness_aggregate_context(FunctionCallInfo fcinfo, const char *function)
{
	MemoryContext aggcontext;

	if (!AggCheckCallContext(fcinfo, &aggcontext))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s called in non-aggregate context", function)));
	return aggcontext;
}

/*
 * The context of the expanded states in an aggregate's context.  The executor takes a
 * state over without a copy if its context is a child of that.  All groups share one:
 * where groups are hashed, the server looks at all children whenever a group comes.
 */
MemoryContext
liveness_expanded_context(MemoryContext aggcontext)
{
	static const char identifier[] = "expanded";
	MemoryContext child = aggcontext->firstchild;

	if (child == NULL || child->ident != identifier)
	{
		child = AllocSetContextCreate(aggcontext, "liveness states", ALLOCSET_DEFAULT_SIZES);
		MemoryContextSetIdentifier(child, identifier);
	}
	return child;
}

void
liveness_foreign_state(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("this transition state is of another aggregate"),
			 errhint("The support functions of an aggregate belong together.")));
}

void
liveness_corrupt_state(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("serialized aggregate state is not valid")));
}

/*
 * A bytea holds less than 1 GB, and a state may hold more.  The hint helps because
 * nothing is serialized without parallel workers.
 */
void
liveness_check_serialized_count(int64 n, Size size)
{
	if (n > (int64) ((MaxAllocSize / 2) / size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("group of " INT64_FORMAT " rows is too large for a parallel aggregate", n),
				 errhint("Set max_parallel_workers_per_gather to 0 for this query.")));
}

void
liveness_read_state(StateReader *reader, bytea *state)
{
	reader->cur = VARDATA_ANY(state);
	reader->end = reader->cur + VARSIZE_ANY_EXHDR(state);
}

/* memcpy is needed because the contents of a bytea are not aligned */
void
liveness_read_bytes(StateReader *reader, void *dst, Size size)
{
	if (size > (Size) (reader->end - reader->cur))
		liveness_corrupt_state();
	memcpy(dst, reader->cur, size);
	reader->cur += size;
}

/* The word at the beginning of a state says which aggregate made it */
void
liveness_read_magic(StateReader *reader, uint32 expected)
{
	uint32		magic;

	liveness_read_bytes(reader, &magic, sizeof(magic));
	if (magic != expected)
		liveness_corrupt_state();
}

/* Called before an allocation for n elements: the bytes must be there */
void
liveness_check_remaining(const StateReader *reader, int64 n, Size size)
{
	if (n < 0 || (uint64) n > (Size) (reader->end - reader->cur) / size)
		liveness_corrupt_state();
}

void
liveness_read_end(const StateReader *reader)
{
	if (reader->cur != reader->end)
		liveness_corrupt_state();
}

/* A float8[] as it stands in memory; whatever the array functions rely on is checked */
ArrayType *
liveness_read_float8_array(StateReader *reader, Size size)
{
	ArrayType  *array;
	int			nitems;
	int			nvalid;
	Size		data_offset;

	liveness_check_remaining(reader, (int64) size, 1);
	if (size < sizeof(ArrayType))
		liveness_corrupt_state();
	array = (ArrayType *) palloc(size);
	liveness_read_bytes(reader, array, size);

	if (VARATT_IS_EXTENDED(array) || VARSIZE(array) != size ||
		ARR_ELEMTYPE(array) != FLOAT8OID ||
		ARR_NDIM(array) < 0 || ARR_NDIM(array) > MAXDIM ||
		size < ARR_OVERHEAD_NONULLS(ARR_NDIM(array)))
		liveness_corrupt_state();

	nitems = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	data_offset = ARR_HASNULL(array)
		? ARR_OVERHEAD_WITHNULLS(ARR_NDIM(array), nitems)
		: ARR_OVERHEAD_NONULLS(ARR_NDIM(array));
	if ((ARR_HASNULL(array) && (Size) array->dataoffset != data_offset) ||
		size < data_offset)
		liveness_corrupt_state();

	nvalid = nitems;
	if (ARR_HASNULL(array))
	{
		const uint8 *nulls = ARR_NULLBITMAP(array);

		for (int i = 0; i < nitems; i++)
			nvalid -= !(nulls[i / 8] & (1 << (i % 8)));
	}
	if (size != data_offset + (Size) nvalid * sizeof(float8))
		liveness_corrupt_state();
	return array;
}
