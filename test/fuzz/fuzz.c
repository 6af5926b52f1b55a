/*-------------------------------------------------------------------------
 *
 * fuzz.c
 *		libFuzzer on everything that reads bytes which anybody may have written.
 *
 * The harness is a function of the module itself, so that what is fuzzed runs in a
 * real server process (started by postgres --single), with its memory contexts and
 * errors: liveness_fuzz(target, arguments of libFuzzer) never returns.  An error is as
 * good as a result, unless it is an internal one.
 *
 * What deserializes is serialized and read again, combined with its twin, and
 * finished: a state that was accepted has to be good for all of that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/execnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/timestamp.h"

extern int	LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback) (const uint8 *data, size_t size));

static MemoryContext input_context;
static AggState *aggregate;

/* Look a function up by its signature and call it, as an aggregate would */
static Datum
Call(const char *signature, bool *isnull, int nargs, Datum a, Datum b, Datum c)
{
	LOCAL_FCINFO(fcinfo, 3);
	Datum		args[] = {a, b, c};
	Oid			function;
	FmgrInfo   *flinfo = (FmgrInfo *) palloc(sizeof(FmgrInfo));
	Datum		result;

	function = DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(signature)));
	fmgr_info(function, flinfo);
	InitFunctionCallInfoData(*fcinfo, flinfo, nargs, InvalidOid, (Node *) aggregate, NULL);
	for (int i = 0; i < nargs; i++)
	{
		fcinfo->args[i].value = args[i];
		fcinfo->args[i].isnull = false;
	}
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	return result;
}

static bytea *
MakeBytes(const uint8 *data, size_t size)
{
	bytea	   *bytes = (bytea *) palloc(size + VARHDRSZ);

	SET_VARSIZE(bytes, size + VARHDRSZ);
	memcpy(VARDATA(bytes), data, size);
	return bytes;
}

static void
RunState(const uint8 *data, size_t size, const char *deserialize, const char *serialize,
		 const char *combine, const char *final)
{
	Datum		bytes = PointerGetDatum(MakeBytes(data, size));
	Datum		state;
	Datum		twin;
	bool		isnull;

	state = Call(deserialize, &isnull, 2, bytes, (Datum) 0, (Datum) 0);
	twin = Call(deserialize, &isnull, 2, Call(serialize, &isnull, 1, state, (Datum) 0, (Datum) 0), (Datum) 0, (Datum) 0);
	state = Call(combine, &isnull, 2, state, twin, (Datum) 0);
	(void) Call(final, &isnull, 1, state, (Datum) 0, (Datum) 0);
}

/* A state that is bytes: combining adds to one, and reads the other */
static void
RunBytes(const uint8 *data, size_t size, const char *combine, const char *final)
{
	Datum		bytes = PointerGetDatum(MakeBytes(data, size));
	Datum		state;
	bool		isnull;

	state = Call(combine, &isnull, 2, bytes, bytes, (Datum) 0);
	state = Call(combine, &isnull, 2, state, PointerGetDatum(PG_DETOAST_DATUM(state)), (Datum) 0);
	(void) Call(final, &isnull, 1, state, (Datum) 0, (Datum) 0);
}

static void
RunPercentiles(const uint8 *data, size_t size)
{
	RunBytes(data, size, "liveness_percentiles_combine(bytea,bytea)", "liveness_percentiles_final(bytea)");
}

static void
RunFeatures(const uint8 *data, size_t size)
{
	RunState(data, size, "liveness_features_deserialize(bytea,internal)", "liveness_features_serialize(internal)",
			 "liveness_features_combine(internal,internal)", "liveness_features_final(internal)");
	RunState(data, size, "liveness_features_deserialize(bytea,internal)", "liveness_features_serialize(internal)",
			 "liveness_features_combine(internal,internal)", "liveness_features_history_final(internal)");
}

static void
RunHours(const uint8 *data, size_t size)
{
	RunState(data, size, "liveness_hours_deserialize(bytea,internal)", "liveness_hours_serialize(internal)",
			 "liveness_hours_combine(internal,internal)", "liveness_hours_final(internal)");
}

/* A history is stored as well as serialized: what is asked of one takes any bytes too */
static void
RunHistory(const uint8 *data, size_t size)
{
	Datum		history = PointerGetDatum(MakeBytes(data, size));
	Datum		as_of = TimestampTzGetDatum(INT64CONST(800000000000000));
	bool		isnull;

	(void) Call("liveness_history_count(bytea,timestamptz)", &isnull, 2, history, as_of, (Datum) 0);
	(void) Call("liveness_history_curve(bytea,timestamptz)", &isnull, 2, history, as_of, (Datum) 0);
	(void) Call("liveness_history_uptime(bytea,timestamptz,integer)", &isnull, 3, history, as_of, Int32GetDatum(14));
	(void) Call("liveness_history_uptime_since(bytea,timestamptz,timestamptz)", &isnull, 3, history, as_of, TimestampTzGetDatum(INT64CONST(799900000000000)));
	(void) Call("liveness_history_spell_at(bytea,timestamptz,timestamptz)", &isnull, 3, history, as_of, as_of);
}

/* All that can be asked of a curve, which must read what it writes */
static void
RunCurve(Datum curve)
{
	bool		isnull;
	Datum		text = Call("survival_curve_out(survival_curve)", &isnull, 1, curve, (Datum) 0, (Datum) 0);
	Datum		again = Call("survival_curve_in(cstring)", &isnull, 1, text, (Datum) 0, (Datum) 0);

	if (VARSIZE(DatumGetPointer(again)) != VARSIZE(DatumGetPointer(curve)) ||
		memcmp(DatumGetPointer(again), DatumGetPointer(curve), VARSIZE(DatumGetPointer(curve))) != 0)
		elog(ERROR, "the text of a curve says something else");
	(void) Call("survival_curve_send(survival_curve)", &isnull, 1, curve, (Datum) 0, (Datum) 0);
	(void) Call("survival_at(survival_curve,double precision)", &isnull, 2, curve, Float8GetDatum(1), (Datum) 0);
	(void) Call("survival_quantile(survival_curve,double precision)", &isnull, 2, curve, Float8GetDatum(0.5), (Datum) 0);
	(void) Call("survival_rmean(survival_curve,double precision)", &isnull, 2, curve, Float8GetDatum(10), (Datum) 0);
}

static void
RunCurveText(const uint8 *data, size_t size)
{
	bool		isnull;
	char	   *literal = pnstrdup((const char *) data, size);

	/* the server lets no other strings through to an input function */
	if (pg_verify_mbstr(GetDatabaseEncoding(), literal, (int) strlen(literal), true))
		RunCurve(Call("survival_curve_in(cstring)", &isnull, 1, CStringGetDatum(literal), (Datum) 0, (Datum) 0));
}

static void
RunCurveBinary(const uint8 *data, size_t size)
{
	StringInfoData message;
	bool		isnull;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, (const char *) data, (int) size);
	RunCurve(Call("survival_curve_recv(internal)", &isnull, 1, PointerGetDatum(&message), (Datum) 0, (Datum) 0));
}

static void
RunCurveState(const uint8 *data, size_t size)
{
	RunBytes(data, size, "survival_agg_combine(bytea,bytea)", "survival_agg_final(bytea)");
}

static const struct
{
	const char *name;
	void		(*run) (const uint8 *data, size_t size);
}			targets[] = {
	{"percentiles", RunPercentiles},
	{"features", RunFeatures},
	{"hours", RunHours},
	{"history", RunHistory},
	{"curve_state", RunCurveState},
	{"curve_text", RunCurveText},
	{"curve_binary", RunCurveBinary},
};
static int	target = -1;

static int
RunInput(const uint8 *data, size_t size)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(input_context);

	PG_TRY();
	{
		targets[target].run(data, size);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(input_context);
		error = CopyErrorData();
		FlushErrorState();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR))
		{
			fprintf(stderr, "internal error: %s\n", error->message);
			abort();
		}
	}
	PG_END_TRY();
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(input_context);
	ReScanExprContext(aggregate->curaggcontext);
	return 0;
}

PG_FUNCTION_INFO_V1(liveness_fuzz);
Datum
liveness_fuzz(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum	   *arguments;
	int			narguments;
	int			argc;
	char	  **argv;

	for (int i = 0; i < (int) lengthof(targets); i++)
	{
		if (strcmp(targets[i].name, name) == 0)
			target = i;
	}
	if (target < 0)
		elog(ERROR, "there is no target \"%s\"", name);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT,
					  &arguments, NULL, &narguments);
	argc = narguments + 1;
	argv = (char **) palloc((argc + 1) * sizeof(char *));
	argv[0] = name;
	for (int i = 0; i < narguments; i++)
		argv[i + 1] = TextDatumGetCString(arguments[i]);
	argv[argc] = NULL;

	input_context = AllocSetContextCreate(CurrentMemoryContext, "fuzz input", ALLOCSET_DEFAULT_SIZES);
	aggregate = makeNode(AggState);
	aggregate->curaggcontext = CreateStandaloneExprContext();
	(void) LLVMFuzzerRunDriver(&argc, &argv, RunInput);
	PG_RETURN_VOID();
}
