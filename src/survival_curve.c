/*-------------------------------------------------------------------------
 *
 * survival_curve.c
 *		The type survival_curve, its aggregates, and what can be asked of it.
 *
 * A curve is its sufficient statistics: at each distinct time, how many had the event,
 * were censored, or came under observation.  Everything else follows from these whole
 * numbers, so that curves merge in any order with the same result, to the last bit.
 *
 * Conventions are those of R's survfit: at a tie the censored are still at risk when
 * the events happen; S(t) is the value just after t; who comes under observation at a
 * time is not yet at risk at that time.  Times are compared exactly.
 *
 * Sources: Kaplan and Meier 1958; Greenwood 1926; Klein and Moeschberger, Survival
 * Analysis, 4.2 to 4.6 (bounds, mean, quantiles, left truncation).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "aggstate.h"
#include "compat.h"
#include "rowtype.h"
#include "survival_curve.h"

#define CURVE_STATE_MAGIC	0x4c765331	/* "LvS1" */
#define CURVE_FORMAT		1		/* of the binary protocol */
#define INITIAL_CAPACITY	15

/* R's quantile() takes a curve that is this close to the level for one on it */
#define QUANTILE_TOLERANCE	1.4901161193847656e-8

/* The bytes of a literal that an error shows */
#define MAX_SHOWN			100

#define MAX_POINTS		((int64) ((MaxAllocSize - offsetof(SurvivalCurve, points)) / sizeof(CurvePoint)))

/* The points so far; they are in no order, and times repeat */
typedef struct CurveState
{
	ExpandedObjectHeader object;
	int64		npoints;
	int64		capacity;
	CurvePoint *points;
} CurveState;

static Size FlatSize(ExpandedObjectHeader *object);
static void Flatten(ExpandedObjectHeader *object, void *result, Size size);

static const ExpandedObjectMethods methods = {FlatSize, Flatten};

#define ST_SORT SortPoints
#define ST_ELEMENT_TYPE CurvePoint
#define ST_COMPARE(a, b) ((a)->time < (b)->time ? -1 : (a)->time > (b)->time)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* ---------- points ---------- */

/* A sum that overflows is an error; where escontext collects errors, it returns false */
static bool
AddCount(int64 *sum, int64 n, Node *escontext)
{
	if (pg_add_s64_overflow(*sum, n, sum))
		ereturn(escontext, false,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a survival curve cannot count so many observations")));
	return true;
}

/* Sort points, and add up those of the same time; returns how many are left */
static int64
CompactPoints(CurvePoint *points, int64 n)
{
	int64		last = 0;

	if (n == 0)
		return 0;
	SortPoints(points, n);
	for (int64 i = 1; i < n; i++)
	{
		if (points[i].time == points[last].time)
		{
			(void) AddCount(&points[last].n_event, points[i].n_event, NULL);
			(void) AddCount(&points[last].n_censor, points[i].n_censor, NULL);
			(void) AddCount(&points[last].n_enter, points[i].n_enter, NULL);
		}
		else
			points[++last] = points[i];
	}
	return last + 1;
}

/*
 * Does a set of compacted points describe observations that can be?  Sets at_start;
 * otherwise returns what is wrong, or "" where escontext has collected it.
 */
static const char *
CheckPoints(const CurvePoint *points, int64 n, int64 *at_start, Node *escontext)
{
	int64		exits = 0;
	int64		entries = 0;
	int64		at_risk;

	for (int64 i = 0; i < n; i++)
	{
		const CurvePoint *point = &points[i];

		if (isnan(point->time) || point->time == -get_float8_infinity())
			return "A time is not a number, or -Infinity.";
		if (i > 0 && !(points[i - 1].time < point->time))
			return "Times do not ascend.";
		if (point->n_event < 0 || point->n_censor < 0 || point->n_enter < 0)
			return "A count is negative.";
		if (point->n_event == 0 && point->n_censor == 0 && point->n_enter == 0)
			return "Nothing happens at a time.";
		if (point->time < 0 && (point->n_event > 0 || point->n_censor > 0))
			return "A duration is negative.";
		if (!AddCount(&exits, point->n_event, escontext) ||
			!AddCount(&exits, point->n_censor, escontext) ||
			!AddCount(&entries, point->n_enter, escontext))
			return "";
	}
	*at_start = exits - entries;
	at_risk = *at_start;
	for (int64 i = 0; i < n && at_risk >= 0; i++)
	{
		at_risk -= points[i].n_event + points[i].n_censor;
		if (at_risk >= 0)
			at_risk += points[i].n_enter;
	}
	if (at_risk < 0)
		return "More leave than are at risk.";
	return NULL;
}

static SurvivalCurve *
MakeCurve(const CurvePoint *points, int64 n, int64 at_start, Node *escontext)
{
	SurvivalCurve *curve;

	if (n > MAX_POINTS)
		ereturn(escontext, NULL,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a survival curve cannot have " INT64_FORMAT " distinct times", n),
				 errhint("Round the durations, to whole seconds perhaps.")));
	curve = (SurvivalCurve *) palloc(CurveSize(n));
	SET_VARSIZE(curve, CurveSize(n));
	curve->unused = 0;
	curve->at_start = at_start;
	memcpy(curve->points, points, n * sizeof(CurvePoint));
	return curve;
}

/* A survival_curve of n durations */
Datum
liveness_make_curve(const double *durations, const bool *observed, int64 n)
{
	CurvePoint *points;
	int64		at_start;

	points = (CurvePoint *) palloc_extended(n * sizeof(CurvePoint), MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < n; i++)
		points[i] = (CurvePoint) {durations[i] + 0.0, observed[i], !observed[i], 0};
	n = CompactPoints(points, n);
	if (CheckPoints(points, n, &at_start, NULL) != NULL)
		elog(ERROR, "durations of a survival curve are not valid");
	return PointerGetDatum(MakeCurve(points, n, at_start, NULL));
}

/* ---------- input and output ---------- */

/* Raises the error, or returns false where escontext collects errors */
static bool
InvalidLiteral(const char *literal, const char *detail, Node *escontext)
{
	ereturn(escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%.*s\"", "survival_curve",
					pg_mbcliplen(literal, (int) strnlen(literal, 2 * MAX_SHOWN), MAX_SHOWN), literal),
			 errdetail_internal("%s", detail),
			 errhint("A curve is written {time:events:censored, ...}, a fourth number for those that come under observation then.")));
}

static char *
SkipBlanks(char *s)
{
	while (isspace((unsigned char) *s))
		s++;
	return s;
}

/* Parses :count */
static bool
ParseCount(char **s, const char *literal, int64 *n, Node *escontext)
{
	char	   *end;

	if (**s != ':')
		return InvalidLiteral(literal, "A colon is missing.", escontext);
	*s = SkipBlanks(*s + 1);
	if (!isdigit((unsigned char) **s))
		return InvalidLiteral(literal, "A count is missing.", escontext);
	errno = 0;
	*n = strtoll(*s, &end, 10);
	if (errno != 0)
		return InvalidLiteral(literal, "A count is out of range.", escontext);
	*s = SkipBlanks(end);
	return true;
}

/* Parses time:events:censored[:entered] */
static bool
ParsePoint(char **s, char *literal, CurvePoint *point, Node *escontext)
{
	memset(point, 0, sizeof(CurvePoint));
	if (**s == '\0' || !strchr("0123456789+-.iInN", **s))
		return InvalidLiteral(literal, "A time is missing.", escontext);
	point->time = float8in_internal(*s, s, "survival_curve", literal, escontext) + 0.0;
	if (SOFT_ERROR_OCCURRED(escontext))
		return false;
	*s = SkipBlanks(*s);
	return ParseCount(s, literal, &point->n_event, escontext) &&
		ParseCount(s, literal, &point->n_censor, escontext) &&
		(**s != ':' || ParseCount(s, literal, &point->n_enter, escontext));
}

/*
 * survival_curve_in(cstring) -> survival_curve
 *
 * {time:events:censored[:entered], ...}
 */
PG_FUNCTION_INFO_V1(survival_curve_in);
Datum
survival_curve_in(PG_FUNCTION_ARGS)
{
	char	   *literal = PG_GETARG_CSTRING(0);
	Node	   *escontext = fcinfo->context;
	char	   *s = SkipBlanks(literal);
	CurvePoint *points;
	SurvivalCurve *curve;
	int64		n = 0;
	int64		capacity = INITIAL_CAPACITY;
	int64		at_start;
	const char *wrong = NULL;

	points = (CurvePoint *) palloc(capacity * sizeof(CurvePoint));
	if (*s != '{')
		wrong = "It does not begin with {.";
	else
		s = SkipBlanks(s + 1);
	while (wrong == NULL && *s != '}')
	{
		CHECK_FOR_INTERRUPTS();
		if (n > 0 && *s != ',')
		{
			wrong = "A comma or } is missing.";
			break;
		}
		if (n > 0)
			s = SkipBlanks(s + 1);
		if (n == capacity)
		{
			capacity *= 2;
			points = (CurvePoint *) repalloc_huge(points, capacity * sizeof(CurvePoint));
		}
		if (!ParsePoint(&s, literal, &points[n++], escontext))
			PG_RETURN_NULL();
	}
	if (wrong == NULL && *SkipBlanks(s + 1) != '\0')
		wrong = "Something follows after }.";
	if (wrong == NULL)
		wrong = CheckPoints(points, n, &at_start, escontext);
	if (SOFT_ERROR_OCCURRED(escontext))
		PG_RETURN_NULL();
	if (wrong != NULL)
	{
		(void) InvalidLiteral(literal, wrong, escontext);
		PG_RETURN_NULL();
	}
	curve = MakeCurve(points, n, at_start, escontext);
	if (curve == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(curve);
}

/*
 * survival_curve_out(survival_curve) -> cstring
 *
 * As survival_curve_in takes it, and exact.
 */
PG_FUNCTION_INFO_V1(survival_curve_out);
Datum
survival_curve_out(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = (SurvivalCurve *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int64 i = 0; i < CurvePoints(curve); i++)
	{
		const CurvePoint *point = &curve->points[i];
		char		time[DOUBLE_SHORTEST_DECIMAL_LEN];

		CHECK_FOR_INTERRUPTS();
		double_to_shortest_decimal_buf(point->time, time);
		appendStringInfo(&out, "%s%s:" INT64_FORMAT ":" INT64_FORMAT, i > 0 ? "," : "",
						 time, point->n_event, point->n_censor);
		if (point->n_enter > 0)
			appendStringInfo(&out, ":" INT64_FORMAT, point->n_enter);
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/*
 * survival_curve_recv(internal) -> survival_curve
 *
 * int32 format (1), int32 points, and for each point float8 time, and int8 events,
 * censored, entered.
 */
PG_FUNCTION_INFO_V1(survival_curve_recv);
Datum
survival_curve_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		format = (int32) pq_getmsgint(buf, sizeof(int32));
	int64		n = (int32) pq_getmsgint(buf, sizeof(int32));
	CurvePoint *points;
	int64		at_start;
	const char *wrong;

	if (format != CURVE_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported format %d of a survival_curve", format)));
	if (n < 0 || n > (buf->len - buf->cursor) / (int64) sizeof(CurvePoint))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid number of points of a survival_curve: " INT64_FORMAT, n)));
	points = (CurvePoint *) palloc(Max(n, 1) * sizeof(CurvePoint));
	for (int64 i = 0; i < n; i++)
	{
		points[i].time = pq_getmsgfloat8(buf) + 0.0;
		points[i].n_event = pq_getmsgint64(buf);
		points[i].n_censor = pq_getmsgint64(buf);
		points[i].n_enter = pq_getmsgint64(buf);
	}
	wrong = CheckPoints(points, n, &at_start, NULL);
	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid survival_curve"),
				 errdetail_internal("%s", wrong)));
	PG_RETURN_POINTER(MakeCurve(points, n, at_start, NULL));
}

/*
 * survival_curve_send(survival_curve) -> bytea
 */
PG_FUNCTION_INFO_V1(survival_curve_send);
Datum
survival_curve_send(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = (SurvivalCurve *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint32(&buf, CURVE_FORMAT);
	pq_sendint32(&buf, (int32) CurvePoints(curve));
	for (int64 i = 0; i < CurvePoints(curve); i++)
	{
		pq_sendfloat8(&buf, curve->points[i].time);
		pq_sendint64(&buf, curve->points[i].n_event);
		pq_sendint64(&buf, curve->points[i].n_censor);
		pq_sendint64(&buf, curve->points[i].n_enter);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* ---------- aggregates ---------- */

static CurveState *
MakeState(MemoryContext context, int64 capacity)
{
	CurveState *state;

	state = (CurveState *) MemoryContextAlloc(context, sizeof(CurveState));
	EOH_init_header(&state->object, &methods, context);
	state->npoints = 0;
	state->capacity = capacity;
	state->points = (CurvePoint *) MemoryContextAllocHuge(context, capacity * sizeof(CurvePoint));
	return state;
}

/* The points themselves are checked when a curve is made of them */
static void
AssertValidState(const CurveState *state PG_USED_FOR_ASSERTS_ONLY)
{
	Assert(state->npoints >= 0 && state->npoints <= state->capacity);
	Assert(state->capacity * sizeof(CurvePoint) <= GetMemoryChunkSpace(state->points));
}

/* Make room for n more points.  Compacting first keeps few distinct times in little memory. */
static void
ReserveState(CurveState *state, int64 n)
{
	if (state->npoints + n <= state->capacity)
		return;
	state->npoints = CompactPoints(state->points, state->npoints);
	if (state->npoints + n > state->capacity / 2)
	{
		state->capacity = Max(2 * state->capacity + 1, state->npoints + n);
		state->points = (CurvePoint *) repalloc_huge(state->points, state->capacity * sizeof(CurvePoint));
	}
}

/* A state as bytes: the magic word, the number of points, and the points */
static Size
FlatSize(ExpandedObjectHeader *object)
{
	CurveState *state = (CurveState *) object;

	AssertValidState(state);
	state->npoints = CompactPoints(state->points, state->npoints);
	liveness_check_serialized_count(state->npoints, sizeof(CurvePoint));
	return VARHDRSZ + sizeof(uint32) + sizeof(int64) + state->npoints * sizeof(CurvePoint);
}

static void
Flatten(ExpandedObjectHeader *object, void *result, Size size)
{
	CurveState *state = (CurveState *) object;
	char	   *cur = VARDATA(result);

	SET_VARSIZE(result, size);
	memcpy(cur, &(uint32) {CURVE_STATE_MAGIC}, sizeof(uint32));
	memcpy(cur + sizeof(uint32), &state->npoints, sizeof(int64));
	memcpy(cur + sizeof(uint32) + sizeof(int64), state->points, state->npoints * sizeof(CurvePoint));
}

/* What the points say is checked when a curve is made of them */
static CurveState *
ReadState(MemoryContext context, bytea *bytes)
{
	StateReader reader;
	CurveState *state;
	int64		n;

	liveness_read_state(&reader, bytes);
	liveness_read_magic(&reader, CURVE_STATE_MAGIC);
	liveness_read_bytes(&reader, &n, sizeof(n));
	liveness_check_remaining(&reader, n, sizeof(CurvePoint));
	state = MakeState(context, Max(n, INITIAL_CAPACITY));
	state->npoints = n;
	liveness_read_bytes(&reader, state->points, n * sizeof(CurvePoint));
	liveness_read_end(&reader);
	return state;
}

/* The state that observations are added to; NULL before the first */
static inline CurveState *
OwnState(FunctionCallInfo fcinfo, MemoryContext aggcontext)
{
	CurveState *state;

	if (PG_ARGISNULL(0))
		return NULL;
	state = (CurveState *) liveness_expanded_argument(fcinfo, 0, true, &methods);
	if (unlikely(state == NULL))
		state = ReadState(liveness_expanded_context(aggcontext), PG_GETARG_BYTEA_PP(0));
	return state;
}

static Datum
ReturnState(FunctionCallInfo fcinfo, CurveState *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(EOHPGetRWDatum(&state->object));
}

static void
AddPoint(CurveState *state, double time, int64 n_event, int64 n_censor, int64 n_enter)
{
	CurvePoint *point = &state->points[state->npoints++];

	/* the sum turns -0 into 0 */
	point->time = time + 0.0;
	point->n_event = n_event;
	point->n_censor = n_censor;
	point->n_enter = n_enter;
}

/* The transition of survival_agg(duration, observed[, entry]) */
static Datum
AggregateDuration(FunctionCallInfo fcinfo, const char *function, bool has_entry)
{
	MemoryContext context = liveness_aggregate_context(fcinfo, function);
	CurveState *state = OwnState(fcinfo, context);
	double		duration;
	double		entry = -get_float8_infinity();
	bool		observed;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || (has_entry && PG_ARGISNULL(3)))
		return ReturnState(fcinfo, state);
	duration = PG_GETARG_FLOAT8(1);
	observed = PG_GETARG_BOOL(2);
	if (has_entry)
		entry = PG_GETARG_FLOAT8(3);
	if (isnan(duration) || duration < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("duration must not be %s", isnan(duration) ? "NaN" : "negative"),
				 errhint("Leave the row out, or give NULL, if the duration is not known.")));
	if (isnan(entry))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("entry must not be NaN"),
				 errhint("Give the age at which the observation began; 0, or two arguments, if it was the beginning.")));

	/* who leaves before he enters is never at risk */
	if (has_entry && entry >= duration)
		return ReturnState(fcinfo, state);
	if (state == NULL)
		state = MakeState(liveness_expanded_context(context), INITIAL_CAPACITY);
	ReserveState(state, 2);
	AddPoint(state, duration, observed, !observed, 0);
	if (!isinf(entry))
		AddPoint(state, entry, 0, 0, 1);
	return ReturnState(fcinfo, state);
}

/*
 * survival_agg_transfn(bytea, duration float8, observed boolean) -> bytea
 */
PG_FUNCTION_INFO_V1(survival_agg_transfn);
Datum
survival_agg_transfn(PG_FUNCTION_ARGS)
{
	return AggregateDuration(fcinfo, "survival_agg_transfn", false);
}

/*
 * survival_agg_entry_transfn(bytea, duration float8, observed boolean, entry float8)
 *		-> bytea
 */
PG_FUNCTION_INFO_V1(survival_agg_entry_transfn);
Datum
survival_agg_entry_transfn(PG_FUNCTION_ARGS)
{
	return AggregateDuration(fcinfo, "survival_agg_entry_transfn", true);
}

static CurveState *
AddPoints(MemoryContext context, CurveState *state, const CurvePoint *points, int64 n)
{
	if (state == NULL)
		state = MakeState(liveness_expanded_context(context), Max(n, INITIAL_CAPACITY));
	ReserveState(state, n);
	memcpy(state->points + state->npoints, points, n * sizeof(CurvePoint));
	state->npoints += n;
	AssertValidState(state);
	return state;
}

/*
 * survival_merge_transfn(bytea, survival_curve) -> bytea
 */
PG_FUNCTION_INFO_V1(survival_merge_transfn);
Datum
survival_merge_transfn(PG_FUNCTION_ARGS)
{
	MemoryContext context = liveness_aggregate_context(fcinfo, "survival_merge_transfn");
	CurveState *state = OwnState(fcinfo, context);
	SurvivalCurve *curve;

	if (!PG_ARGISNULL(1))
	{
		curve = (SurvivalCurve *) PG_DETOAST_DATUM(PG_GETARG_DATUM(1));
		state = AddPoints(context, state, curve->points, CurvePoints(curve));
		if ((Pointer) curve != PG_GETARG_POINTER(1))
			pfree(curve);
	}
	return ReturnState(fcinfo, state);
}

/*
 * survival_agg_combine(bytea, bytea) -> bytea
 */
PG_FUNCTION_INFO_V1(survival_agg_combine);
Datum
survival_agg_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = liveness_aggregate_context(fcinfo, "survival_agg_combine");
	CurveState *state = OwnState(fcinfo, context);
	CurveState *other;

	if (!PG_ARGISNULL(1))
	{
		other = (CurveState *) liveness_expanded_argument(fcinfo, 1, false, &methods);
		if (other == NULL)
			other = ReadState(CurrentMemoryContext, PG_GETARG_BYTEA_PP(1));
		state = AddPoints(context, state, other->points, other->npoints);
	}
	return ReturnState(fcinfo, state);
}

/*
 * survival_agg_final(bytea) -> survival_curve
 *
 * NULL if there was no observation.
 */
PG_FUNCTION_INFO_V1(survival_agg_final);
Datum
survival_agg_final(PG_FUNCTION_ARGS)
{
	CurveState *state;
	int64		at_start;

	(void) liveness_aggregate_context(fcinfo, "survival_agg_final");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (CurveState *) liveness_expanded_argument(fcinfo, 0, false, &methods);
	if (state == NULL)
		state = ReadState(CurrentMemoryContext, PG_GETARG_BYTEA_PP(0));
	/* compacting keeps what the state says: a window may ask again */
	state->npoints = CompactPoints(state->points, state->npoints);
	if (CheckPoints(state->points, state->npoints, &at_start, NULL) != NULL)
		liveness_corrupt_state();
	PG_RETURN_POINTER(MakeCurve(state->points, state->npoints, at_start, NULL));
}

/* ---------- what can be asked ---------- */

void
liveness_begin_curve_walk(CurveWalk *walk, const SurvivalCurve *curve)
{
	memset(walk, 0, sizeof(*walk));
	walk->curve = curve;
	walk->at_risk = curve->at_start;
	walk->km.survival = 1;
}

/* Time of the next exit; false if there is none */
bool
liveness_peek_curve_walk(CurveWalk *walk, double *time)
{
	int64		n = CurvePoints(walk->curve);

	for (; walk->next < n; walk->next++)
	{
		const CurvePoint *point = &walk->curve->points[walk->next];

		if (point->n_event > 0 || point->n_censor > 0)
		{
			*time = point->time;
			return true;
		}
		walk->at_risk += point->n_enter;
	}
	return false;
}

bool
liveness_step_curve_walk(CurveWalk *walk)
{
	const CurvePoint *point;

	if (!liveness_peek_curve_walk(walk, &walk->time))
		return false;
	point = &walk->curve->points[walk->next++];
	walk->n_risk = walk->at_risk;
	walk->n_event = point->n_event;
	walk->n_censor = point->n_censor;
	if (point->n_event > 0)
		liveness_kaplan_meier_step(&walk->km, walk->n_risk, point->n_event);
	walk->at_risk += point->n_enter - point->n_event - point->n_censor;
	return true;
}

/* S(t); false where the curve does not reach */
static bool
SurvivalAt(const SurvivalCurve *curve, double t, double *survival)
{
	CurveWalk	walk;
	double		time;

	liveness_begin_curve_walk(&walk, curve);
	if (!liveness_peek_curve_walk(&walk, &time))
		return false;
	while (liveness_peek_curve_walk(&walk, &time) && time <= t)
		(void) liveness_step_curve_walk(&walk);
	*survival = walk.km.survival;
	return t <= walk.time || walk.km.survival == 0 || liveness_peek_curve_walk(&walk, &time);
}

static void
CheckNumber(const char *name, double value, double min)
{
	if (isnan(value) || value < min)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be %s", name, isnan(value) ? "NaN" : "negative"),
				 errhint("Give a time in the unit of the durations that the curve was made of.")));
}

/*
 * survival_at(curve survival_curve, t float8) -> float8
 */
PG_FUNCTION_INFO_V1(survival_at);
Datum
survival_at(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = (SurvivalCurve *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	double		t = PG_GETARG_FLOAT8(1);
	double		survival;

	CheckNumber("t", t, -get_float8_infinity());
	if (!SurvivalAt(curve, t, &survival))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(survival);
}

/*
 * survival_conditional(curve survival_curve, age float8, more float8) -> float8
 *
 * S(age + more) / S(age): of those that have reached this age, the share that lasts that
 * much longer.
 */
PG_FUNCTION_INFO_V1(survival_conditional);
Datum
survival_conditional(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = (SurvivalCurve *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	double		age = PG_GETARG_FLOAT8(1);
	double		more = PG_GETARG_FLOAT8(2);
	double		reached;
	double		survival;

	CheckNumber("age", age, 0);
	CheckNumber("more", more, 0);
	if (!SurvivalAt(curve, age, &reached) || reached == 0 ||
		!SurvivalAt(curve, age + more, &survival))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(survival / reached);
}

typedef struct AskedTime
{
	double		time;
	int			index;			/* of an age; the ends follow the n ages */
} AskedTime;

#define ST_SORT SortAskedTimes
#define ST_ELEMENT_TYPE AskedTime
#define ST_COMPARE(a, b) ((a)->time < (b)->time ? -1 : (a)->time > (b)->time)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * survival_conditionals(curve survival_curve, ages float8[], more float8) -> float8[]
 *
 * survival_conditional at many ages, by one walk.  Past its last time the curve is taken
 * to stay as it ended, since the caller needs a number.  NULL where S(age) is 0.
 */
PG_FUNCTION_INFO_V1(survival_conditionals);
Datum
survival_conditionals(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = (SurvivalCurve *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	double		more = PG_GETARG_FLOAT8(2);
	Datum	   *ages;
	bool	   *nulls;
	int			n;
	int			dims[1];
	int			lower_bounds[1] = {1};
	AskedTime  *asked;
	double	   *survival;
	CurveWalk	walk;
	double		time;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &ages, &nulls, &n);
	CheckNumber("more", more, 0);
	asked = (AskedTime *) palloc(Max(2 * n, 1) * sizeof(AskedTime));
	survival = (double *) palloc(Max(2 * n, 1) * sizeof(double));
	for (int i = 0; i < n; i++)
	{
		double		age = nulls[i] ? 0 : DatumGetFloat8(ages[i]);

		CheckNumber("age", age, 0);
		asked[i] = (AskedTime) {age, i};
		asked[n + i] = (AskedTime) {age + more, n + i};
	}
	SortAskedTimes(asked, 2 * n);
	liveness_begin_curve_walk(&walk, curve);
	for (int i = 0; i < 2 * n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		while (liveness_peek_curve_walk(&walk, &time) && time <= asked[i].time)
			(void) liveness_step_curve_walk(&walk);
		survival[asked[i].index] = walk.km.survival;
	}
	for (int i = 0; i < n; i++)
	{
		nulls[i] = nulls[i] || survival[i] == 0;
		ages[i] = Float8GetDatum(nulls[i] ? 0 : survival[n + i] / survival[i]);
	}
	dims[0] = n;
	if (n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT8OID));
	PG_RETURN_ARRAYTYPE_P(construct_md_array(ages, nulls, 1, dims, lower_bounds, FLOAT8OID,
											 sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * survival_quantile(curve survival_curve, p float8) -> float8
 *
 * The first time at which S <= 1 - p; where the curve is flat at 1 - p, the middle of
 * the flat.
 */
PG_FUNCTION_INFO_V1(survival_quantile);
Datum
survival_quantile(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = (SurvivalCurve *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	double		p = PG_GETARG_FLOAT8(1);
	CurveWalk	walk;
	double		first = 0;
	bool		reached = false;

	if (!(p >= 0 && p <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("p must be between 0 and 1, and is %g", p),
				 errhint("p is the probability of the event: 0.5 asks for the median.")));
	liveness_begin_curve_walk(&walk, curve);
	if (p == 0 && CurvePoints(curve) > 0)
		PG_RETURN_FLOAT8(0);
	while (liveness_step_curve_walk(&walk))
	{
		double		failed = 1 - walk.km.survival;

		if (!reached && failed >= p - QUANTILE_TOLERANCE)
		{
			first = walk.time;
			reached = true;
		}
		if (failed >= p + QUANTILE_TOLERANCE)
			break;
	}
	if (!reached)
		PG_RETURN_NULL();
	/* without a further event, the flat ends with the last observation */
	PG_RETURN_FLOAT8(first == walk.time ? first : first / 2 + walk.time / 2);
}

/*
 * survival_rmean(curve survival_curve, horizon float8) -> float8
 *
 * The mean time until the event or the horizon, whichever comes first: the area
 * under the curve up to there.
 */
PG_FUNCTION_INFO_V1(survival_rmean);
Datum
survival_rmean(PG_FUNCTION_ARGS)
{
	SurvivalCurve *curve = (SurvivalCurve *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	double		horizon = PG_GETARG_FLOAT8(1);
	CurveWalk	walk;
	double		survival;
	double		time;
	double		since = 0;
	double		area = 0;

	CheckNumber("horizon", horizon, 0);
	if (!SurvivalAt(curve, horizon, &survival))
		PG_RETURN_NULL();
	liveness_begin_curve_walk(&walk, curve);
	while (liveness_peek_curve_walk(&walk, &time) && time < horizon && walk.km.survival > 0)
	{
		area += walk.km.survival * (time - since);
		since = time;
		(void) liveness_step_curve_walk(&walk);
	}
	if (walk.km.survival > 0)
		area += walk.km.survival * (horizon - since);
	PG_RETURN_FLOAT8(area);
}

/* Returns the z with P(|normal| <= z) = level */
static double
NormalBound(double level)
{
	double		low = 0;
	double		high = 40;

	for (int i = 0; i < 100; i++)
	{
		double		z = (low + high) / 2;

		if (erfc(z / M_SQRT2) > 1 - level)
			low = z;
		else
			high = z;
	}
	return (low + high) / 2;
}

typedef enum ConfidenceType
{
	CONFIDENCE_PLAIN,
	CONFIDENCE_LOG,
	CONFIDENCE_LOG_LOG
} ConfidenceType;

static ConfidenceType
ParseConfidenceType(const char *name)
{
	if (strcmp(name, "plain") == 0)
		return CONFIDENCE_PLAIN;
	if (strcmp(name, "log") == 0)
		return CONFIDENCE_LOG;
	if (strcmp(name, "log-log") == 0)
		return CONFIDENCE_LOG_LOG;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("conf_type \"%s\" is not known", name),
			 errhint("It is plain, log or log-log.")));
}

/* The bounds of an S that is neither 0 nor 1 */
static void
ConfidenceBounds(ConfidenceType type, double z, const KaplanMeier *km, double *lower,
				 double *upper)
{
	double		s = km->survival;
	double		width = z * sqrt(km->greenwood);	/* on the scale of log S */

	switch (type)
	{
		case CONFIDENCE_PLAIN:
			*lower = Max(s - width * s, 0);
			*upper = Min(s + width * s, 1);
			break;
		case CONFIDENCE_LOG:
			*lower = s * exp(-width);
			*upper = Min(s * exp(width), 1);
			break;
		case CONFIDENCE_LOG_LOG:
			*lower = exp(log(s) * exp(-width / log(s)));
			*upper = exp(log(s) * exp(width / log(s)));
			break;
	}
}

/* The row of survival_table() */
static const RowColumn table_row[] = {
	{"time", FLOAT8OID},
	{"n_risk", INT8OID},
	{"n_event", INT8OID},
	{"n_censor", INT8OID},
	{"survival", FLOAT8OID},
	{"std_err", FLOAT8OID},
	{"lower", FLOAT8OID},
	{"upper", FLOAT8OID}
};

typedef struct TableCall
{
	CurveWalk	walk;
	ConfidenceType type;
	double		z;
} TableCall;

/*
 * survival_table(curve survival_curve, conf_level float8, conf_type text)
 *		-> SETOF (time float8, n_risk int8, n_event int8, n_censor int8,
 *				  survival float8, std_err float8, lower float8, upper float8)
 *
 * As summary(survfit(...), censored = TRUE) in R.
 */
PG_FUNCTION_INFO_V1(survival_table);
Datum
survival_table(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	TableCall  *call;
	const KaplanMeier *km;
	Datum		values[8];
	bool		nulls[8] = {false};
	double		lower = 1;
	double		upper = 1;

	if (SRF_IS_FIRSTCALL())
	{
		double		conf_level = PG_GETARG_FLOAT8(1);
		MemoryContext oldcontext;

		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		if (!(conf_level > 0 && conf_level < 1))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("conf_level must be between 0 and 1, and is %g", conf_level),
					 errhint("Give 0.95 for bounds of 95 %%.")));
		call = (TableCall *) palloc(sizeof(TableCall));
		call->type = ParseConfidenceType(text_to_cstring(PG_GETARG_TEXT_PP(2)));
		call->z = NormalBound(conf_level);
		liveness_begin_curve_walk(&call->walk,
				  (SurvivalCurve *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0)));
		funcctx->tuple_desc = liveness_result_row(fcinfo, table_row, lengthof(table_row));
		funcctx->user_fctx = call;
		MemoryContextSwitchTo(oldcontext);
	}

	funcctx = SRF_PERCALL_SETUP();
	call = (TableCall *) funcctx->user_fctx;
	if (!liveness_step_curve_walk(&call->walk))
		SRF_RETURN_DONE(funcctx);

	km = &call->walk.km;
	values[0] = Float8GetDatum(call->walk.time);
	values[1] = Int64GetDatum(call->walk.n_risk);
	values[2] = Int64GetDatum(call->walk.n_event);
	values[3] = Int64GetDatum(call->walk.n_censor);
	values[4] = Float8GetDatum(km->survival);
	/* S = 0 has no variance, and the log-log scale has no place for S = 1 */
	nulls[5] = km->survival == 0;
	nulls[6] = nulls[7] = km->survival == 0 ||
		(km->survival == 1 && call->type == CONFIDENCE_LOG_LOG);
	values[5] = Float8GetDatum(km->survival * sqrt(km->greenwood));
	if (km->survival > 0 && km->survival < 1)
		ConfidenceBounds(call->type, call->z, km, &lower, &upper);
	values[6] = Float8GetDatum(lower);
	values[7] = Float8GetDatum(upper);
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc, values, nulls)));
}
