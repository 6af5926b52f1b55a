/*-------------------------------------------------------------------------
 *
 * survival_plot.c
 *		A survival_curve drawn in text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "survival_curve.h"

#define MIN_PLOT_WIDTH		20
#define MAX_PLOT_WIDTH		1000
#define DEFAULT_PLOT_WIDTH	72
#define MIN_PLOT_HEIGHT		2
#define MAX_PLOT_HEIGHT		100
#define DEFAULT_PLOT_HEIGHT	16
#define PLOT_MARGIN			5		/* "100%" and the axis */

/* What a plot is drawn with; each block is a cell filled by one step more than the last */
typedef struct PlotGlyphs
{
	const char *mark;			/* the axis at a label */
	const char *axis;			/* the axis elsewhere */
	const char *corner;
	const char *tick;
	const char *line;
	int			steps;
	const char *blocks[9];
} PlotGlyphs;

static const PlotGlyphs unicode_glyphs = {
	"\xe2\x94\xa4", "\xe2\x94\x82", "\xe2\x94\xbc", "\xe2\x94\xac", "\xe2\x94\x80", 8,
	{" ", "\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83", "\xe2\x96\x84", "\xe2\x96\x85",
	"\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88"}
};
static const PlotGlyphs ascii_glyphs = {"+", "|", "+", "+", "-", 3, {" ", ".", ":", "#"}};

typedef struct PlotCall
{
	const PlotGlyphs *glyphs;
	int			height;
	int			columns;
	double		horizon;
	int			row;			/* next, from the top */
	int			reached;		/* columns that the curve reaches */
	int			levels[FLEXIBLE_ARRAY_MEMBER];	/* of the columns, in steps */
} PlotCall;

static int
PlotSizeArgument(FunctionCallInfo fcinfo, int arg, const char *name, int min, int max,
				 int preset)
{
	int			size = PG_ARGISNULL(arg) ? preset : PG_GETARG_INT32(arg);

	if (size < min || size > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %d is out of range", name, size),
				 errhint("Give between %d and %d characters, or NULL for %d.", min, max, preset)));
	return size;
}

/* The last finite time at which anybody leaves; 1 if there is none, or only 0 */
static double
DefaultHorizon(const SurvivalCurve *curve)
{
	for (int64 i = CurvePoints(curve) - 1; i >= 0; i--)
	{
		const CurvePoint *point = &curve->points[i];

		if ((point->n_event > 0 || point->n_censor > 0) && !isinf(point->time))
			return point->time > 0 ? point->time : 1;
	}
	return 1;
}

/* The time of a column: the first is 0, the last the horizon */
static double
PlotTime(const PlotCall *call, int column)
{
	double		time = call->horizon * column / (call->columns - 1);

	return isinf(time) ? call->horizon * ((double) column / (call->columns - 1)) : time;
}

/* S of every column, in steps.  The lowest and the highest level are for exactly 0 and 1. */
static void
PlotLevels(PlotCall *call, const SurvivalCurve *curve)
{
	int			full = call->height * call->glyphs->steps;
	CurveWalk	walk;
	double		time;

	liveness_begin_curve_walk(&walk, curve);
	for (call->reached = 0; call->reached < call->columns; call->reached++)
	{
		double		until = PlotTime(call, call->reached);
		double		s;

		while (liveness_peek_curve_walk(&walk, &time) && time <= until)
		{
			CHECK_FOR_INTERRUPTS();
			(void) liveness_step_curve_walk(&walk);
		}
		s = walk.km.survival;
		/* the curve ends at its last time, unless S is 0 there */
		if (until > walk.time && s > 0 && !liveness_peek_curve_walk(&walk, &time))
			break;
		call->levels[call->reached] = s <= 0 ? 0 : s >= 1 ? full :
			Min(Max((int) rint(s * full), 1), full - 1);
	}
}

static void
AppendGlyphs(StringInfo line, const char *glyph, int n)
{
	while (n-- > 0)
		appendStringInfoString(line, glyph);
}

/* A row of cells; a label stands where a quarter of S begins */
static void
PlotRow(StringInfo line, const PlotCall *call)
{
	const PlotGlyphs *glyphs = call->glyphs;
	int			below = (call->height - 1 - call->row) * glyphs->steps;

	if (4 * call->row % call->height == 0)
		appendStringInfo(line, "%3d%%%s", 100 - 100 * call->row / call->height, glyphs->mark);
	else
		appendStringInfo(line, "%4s%s", "", glyphs->axis);
	/* levels fall from left to right: after the first blank there are only blanks */
	for (int i = 0; i < call->reached && call->levels[i] > below; i++)
		appendStringInfoString(line, glyphs->blocks[Min(call->levels[i] - below, glyphs->steps)]);
	if (below == 0 && call->reached < call->columns)
	{
		for (int i = 0; i < call->reached; i++)
			if (call->levels[i] == 0)
				appendStringInfoChar(line, ' ');
		AppendGlyphs(line, "?", call->columns - call->reached);
	}
}

static void
PlotAxis(StringInfo line, const PlotCall *call)
{
	int			middle = (call->columns - 1) / 2;

	appendStringInfo(line, "  0%%%s", call->glyphs->corner);
	for (int i = 0; i < call->columns; i++)
		appendStringInfoString(line, i == 0 || i == middle || i == call->columns - 1 ?
							   call->glyphs->tick : call->glyphs->line);
}

/* The times of the first and the last column, and of the middle one if there is room */
static void
PlotTimes(StringInfo line, const PlotCall *call)
{
	int			middle = (call->columns - 1) / 2;
	char	   *center = psprintf("%.7g", PlotTime(call, middle));
	char	   *right = psprintf("%.7g", call->horizon);
	int			start = middle - (int) strlen(center) / 2;
	int			end = call->columns - (int) strlen(right);

	appendStringInfo(line, "%*s0", PLOT_MARGIN, "");
	if (start > 1 && start + (int) strlen(center) < end)
		appendStringInfo(line, "%*s%s", start - 1, "", center);
	appendStringInfo(line, "%*s%s", PLOT_MARGIN + end - line->len, "", right);
}

/*
 * survival_plot(curve survival_curve, width int, height int, horizon float8) -> SETOF text
 *
 * A column shows S just after its time.
 */
PG_FUNCTION_INFO_V1(survival_plot);
Datum
survival_plot(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	PlotCall   *call;
	StringInfoData line;

	if (SRF_IS_FIRSTCALL())
	{
		int			columns = PlotSizeArgument(fcinfo, 1, "width", MIN_PLOT_WIDTH,
											   MAX_PLOT_WIDTH, DEFAULT_PLOT_WIDTH) - PLOT_MARGIN;
		int			height = PlotSizeArgument(fcinfo, 2, "height", MIN_PLOT_HEIGHT,
											  MAX_PLOT_HEIGHT, DEFAULT_PLOT_HEIGHT);
		double		horizon = PG_ARGISNULL(3) ? 1 : PG_GETARG_FLOAT8(3);
		SurvivalCurve *curve;

		if (!(horizon > 0) || isinf(horizon))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("horizon must be positive and finite, and is %g", horizon),
					 errhint("Give the time at the right end, or NULL for the curve's last.")));
		funcctx = SRF_FIRSTCALL_INIT();
		call = (PlotCall *) MemoryContextAlloc(funcctx->multi_call_memory_ctx,
											   offsetof(PlotCall, levels) + columns * sizeof(int));
		call->glyphs = GetDatabaseEncoding() == PG_UTF8 ? &unicode_glyphs : &ascii_glyphs;
		call->height = height;
		call->columns = columns;
		call->row = height + 2;
		funcctx->user_fctx = call;
		curve = PG_ARGISNULL(0) ? NULL : (SurvivalCurve *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
		if (curve != NULL && CurvePoints(curve) > 0)
		{
			call->horizon = PG_ARGISNULL(3) ? DefaultHorizon(curve) : horizon;
			call->row = 0;
			PlotLevels(call, curve);
		}
	}

	funcctx = SRF_PERCALL_SETUP();
	call = (PlotCall *) funcctx->user_fctx;
	if (call->row >= call->height + 2)
		SRF_RETURN_DONE(funcctx);

	initStringInfo(&line);
	if (call->row < call->height)
		PlotRow(&line, call);
	else if (call->row == call->height)
		PlotAxis(&line, call);
	else
		PlotTimes(&line, call);
	call->row++;
	SRF_RETURN_NEXT(funcctx, PointerGetDatum(cstring_to_text_with_len(line.data, line.len)));
}
