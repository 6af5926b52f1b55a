/*-------------------------------------------------------------------------
 *
 * emit.c
 *		liveness_emit() and liveness_emit_batch(), which put heartbeats into the buffer.
 *
 * Everything that may fail comes before the first heartbeat is put: of a batch with a
 * fault nothing is taken.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "buffer.h"
#include "compat.h"
#include "extension.h"

/* A heartbeat on its way: values of the types of the columns */
typedef struct Heartbeat
{
	int64		place;			/* in its batch, from 0; -1: it comes alone */
	Datum		values[HEARTBEAT_COLUMNS];
	bool		nulls[HEARTBEAT_COLUMNS];
} Heartbeat;

/* The extension that a function belongs to.  A backend calls one such function, as a rule. */
static Oid
ExtensionOf(Oid function)
{
	static Oid	known_function = InvalidOid;
	static Oid	known_extension = InvalidOid;

	if (function != known_function)
	{
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		if (liveness_on_other_node())
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("liveness takes heartbeats on the coordinator of Citus, and this is another node"),
					 errhint("Write through the coordinator.")));
		SPI_finish();
		known_extension = getExtensionOfObject(ProcedureRelationId, function);
		known_function = function;
	}
	return known_extension;
}

/* What messages call a heartbeat: as a subscript of the argument would find it */
static const char *
NameOf(const Heartbeat *heartbeat)
{
	if (heartbeat->place < 0)
		return "a heartbeat";
	return psprintf("heartbeats[%lld]", (long long) heartbeat->place);
}

pg_noreturn static void
OutOfRange(const Heartbeat *heartbeat, int column, const char *value)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%s of %s is out of range: %s", heartbeat_columns[column].name,
					NameOf(heartbeat), value),
			 errhint("The column is a real: give at most %g in either direction.", FLT_MAX)));
}

/*
 * Drivers bind float8, and the table has real.  This is float4(float8), except that a
 * number too small for a real becomes 0: no heartbeat may be lost for that.
 */
static Datum
NarrowToReal(const Heartbeat *heartbeat, int column, float8 value)
{
	float4		real = (float4) value;

	if (isinf(real) && !isinf(value))
		OutOfRange(heartbeat, column, psprintf("%g", value));
	return Float4GetDatum(real == 0 ? 0 : real);
}

/*
 * Drivers send NULL for a value that they do not have.  In a column that is NOT NULL it
 * stands for the column's default.
 */
static void
SetNull(Heartbeat *heartbeat, int column)
{
	heartbeat->nulls[column] = !heartbeat_columns[column].not_null;
	switch (heartbeat_columns[column].type)
	{
		case FLOAT4OID:
			heartbeat->values[column] = Float4GetDatum(0);
			break;
		case TIMESTAMPTZOID:
			heartbeat->values[column] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
			break;
		case TEXTOID:
			if (column == 0)
				ereport(ERROR,
						(errcode(ERRCODE_NOT_NULL_VIOLATION),
						 errmsg("%s of %s must not be NULL", heartbeat_columns[column].name,
								NameOf(heartbeat)),
						 errhint("Say which provider it is of.")));
			heartbeat->values[column] = PointerGetDatum(cstring_to_text(""));
			break;
		default:
			heartbeat->values[column] = (Datum) 0;
	}
}

static void
AppendRecord(StringInfo records, Oid extension, const Heartbeat *heartbeat)
{
	Size		size = liveness_buffer_form_record(records, extension, heartbeat->values,
												   heartbeat->nulls);

	if (size > (Size) liveness_buffer_size_bytes())
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s of %zu bytes does not fit into the buffer of %lld bytes",
						NameOf(heartbeat), size, (long long) liveness_buffer_size_bytes()),
				 errhint("Insert it into provider_heartbeats, or raise liveness.buffer_size.")));
}

/*
 * liveness_emit(provider_id text, status text, memory_pressure float8,
 *				 cpu_usage float8, thermal_state text, memory_available_gb float8,
 *				 gpu_memory_active_gb float8, gpu_memory_cache_gb float8,
 *				 backend_state text, active_model text, capacity jsonb,
 *				 at timestamptz) -> boolean
 *
 * Puts a heartbeat into the buffer; false if there is no room.
 */
PG_FUNCTION_INFO_V1(liveness_emit);
Datum
liveness_emit(PG_FUNCTION_ARGS)
{
	Heartbeat	heartbeat = {.place = -1};
	StringInfoData record;

	liveness_buffer_check_available("liveness_emit()");
	for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
	{
		if (PG_ARGISNULL(i))
			SetNull(&heartbeat, i);
		else if (heartbeat_columns[i].type == FLOAT4OID)
			heartbeat.values[i] = NarrowToReal(&heartbeat, i, PG_GETARG_FLOAT8(i));
		else
			heartbeat.values[i] = PG_GETARG_DATUM(i);
	}
	initStringInfo(&record);
	AppendRecord(&record, ExtensionOf(fcinfo->flinfo->fn_oid), &heartbeat);
	PG_RETURN_BOOL(liveness_buffer_put("liveness_emit()", &record, 1) == 1);
}

/* ---------- batches ---------- */

static int
FindColumn(const Heartbeat *heartbeat, const JsonbValue *key)
{
	for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
	{
		if ((int) strlen(heartbeat_columns[i].name) == key->val.string.len &&
			memcmp(heartbeat_columns[i].name, key->val.string.val, key->val.string.len) == 0)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s has the unknown key \"%.*s\"", NameOf(heartbeat),
					key->val.string.len, key->val.string.val),
			 errhint("The keys are the columns of provider_heartbeats without id.")));
}

/*
 * Read a string by the input function of a type.  What that says of a string that it
 * does not take becomes the detail of our error, which names the place.
 */
static Datum
ReadString(const Heartbeat *heartbeat, int column, PGFunction input, const char *string)
{
	MemoryContext context = CurrentMemoryContext;
	Datum		value = (Datum) 0;

	PG_TRY();
	{
		value = DirectFunctionCall3(input, CStringGetDatum(string),
									ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		if (error->sqlerrcode == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE)
			OutOfRange(heartbeat, column, string);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of %s is malformed: \"%s\"", heartbeat_columns[column].name,
						NameOf(heartbeat), string),
				 errdetail_internal("%s.", error->message)));
	}
	PG_END_TRY();
	return value;
}

pg_noreturn static void
WrongType(const Heartbeat *heartbeat, int column, const char *wanted, JsonbValue *value)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s of %s must be a %s, and is of JSON's type %s",
					heartbeat_columns[column].name, NameOf(heartbeat), wanted,
					JsonbTypeName(value))));
}

/* A number, or a string that holds one: JSON has no NaN and no infinities */
static Datum
RealOfJson(const Heartbeat *heartbeat, int column, JsonbValue *value)
{
	float8		number;

	if (value->type == jbvString)
		number = DatumGetFloat8(ReadString(heartbeat, column, float8in,
										   pnstrdup(value->val.string.val, value->val.string.len)));
	else if (value->type == jbvNumeric)
	{
		number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													NumericGetDatum(value->val.numeric)));
		if (isinf(number))
			OutOfRange(heartbeat, column, numeric_out_sci(value->val.numeric, 0));
	}
	else
		WrongType(heartbeat, column, "number", value);
	return NarrowToReal(heartbeat, column, number);
}

static void
SetFromJson(Heartbeat *heartbeat, int column, JsonbValue *value)
{
	if (value->type == jbvNull)
	{
		SetNull(heartbeat, column);
		return;
	}
	heartbeat->nulls[column] = false;
	switch (heartbeat_columns[column].type)
	{
		case FLOAT4OID:
			heartbeat->values[column] = RealOfJson(heartbeat, column, value);
			break;
		case TIMESTAMPTZOID:
			if (value->type != jbvString)
				WrongType(heartbeat, column, "string", value);
			heartbeat->values[column] =
				ReadString(heartbeat, column, timestamptz_in,
						   pnstrdup(value->val.string.val, value->val.string.len));
			break;
		case TEXTOID:
			if (value->type != jbvString)
				WrongType(heartbeat, column, "string", value);
			heartbeat->values[column] =
				PointerGetDatum(cstring_to_text_with_len(value->val.string.val,
														 value->val.string.len));
			break;
		default:
			heartbeat->values[column] = JsonbPGetDatum(JsonbValueToJsonb(value));
	}
}

/* Reads the object that an iterator has just begun, to its end */
static void
ReadHeartbeat(Heartbeat *heartbeat, JsonbIterator **iterator)
{
	bool		given[HEARTBEAT_COLUMNS] = {0};
	JsonbValue	value;

	while (JsonbIteratorNext(iterator, &value, false) != WJB_END_OBJECT)
	{
		int			column = FindColumn(heartbeat, &value);

		JsonbIteratorNext(iterator, &value, true);
		SetFromJson(heartbeat, column, &value);
		given[column] = true;
	}
	for (int i = 0; i < HEARTBEAT_COLUMNS; i++)
	{
		if (!given[i])
			SetNull(heartbeat, i);
	}
}

/* Appends a record for each heartbeat of the array, and returns their number */
static int64
ReadBatch(Jsonb *batch, Oid extension, StringInfo records)
{
	Heartbeat	heartbeat = {0};
	JsonbIterator *iterator = JsonbIteratorInit(&batch->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "liveness heartbeat",
											   ALLOCSET_SMALL_SIZES);

	if (!JB_ROOT_IS_ARRAY(batch) || JB_ROOT_IS_SCALAR(batch))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("heartbeats must be an array of objects"),
				 errhint("Give one object for each heartbeat, such as [{\"provider_id\": \"m-17\"}].")));
	JsonbIteratorNext(&iterator, &value, false);
	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_END_ARRAY)
	{
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (token != WJB_BEGIN_OBJECT)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must be an object, and is of JSON's type %s",
							NameOf(&heartbeat), JsonbTypeName(&value))));
		old = MemoryContextSwitchTo(each);
		ReadHeartbeat(&heartbeat, &iterator);
		MemoryContextSwitchTo(old);
		AppendRecord(records, extension, &heartbeat);
		MemoryContextReset(each);
		heartbeat.place++;
	}
	return heartbeat.place;
}

/*
 * liveness_emit_batch(heartbeats jsonb) -> bigint
 *
 * Puts heartbeats into the buffer, in their order.  Returns how many were taken: all
 * before the first that found no room.
 */
PG_FUNCTION_INFO_V1(liveness_emit_batch);
Datum
liveness_emit_batch(PG_FUNCTION_ARGS)
{
	StringInfoData records;
	int64		n;

	liveness_buffer_check_available("liveness_emit_batch()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("heartbeats must not be NULL"),
				 errhint("Give an empty array for no heartbeat.")));
	initStringInfo(&records);
	n = ReadBatch(PG_GETARG_JSONB_P(0), ExtensionOf(fcinfo->flinfo->fn_oid), &records);
	PG_RETURN_INT64(liveness_buffer_put("liveness_emit_batch()", &records, n));
}
