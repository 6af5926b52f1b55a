/*-------------------------------------------------------------------------
 *
 * arguments.h
 *		Checks of arguments that several SQL functions have.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_ARGUMENTS_H
#define LIVENESS_ARGUMENTS_H

#include "datatype/timestamp.h"
#include "fmgr.h"

/* The longest job that can be asked about, and any other length of time */
#define MAX_SPAN_DAYS		3650

extern int	liveness_check_window_days(int window_days);
extern int	liveness_window_days_argument(FunctionCallInfo fcinfo, int arg);
extern TimestampTz liveness_window_since(TimestampTz as_of, int window_days);
extern void liveness_check_as_of(TimestampTz as_of);
extern TimestampTz liveness_as_of_argument(FunctionCallInfo fcinfo, int arg);
extern int64 liveness_span_arguments(FunctionCallInfo fcinfo);
extern double liveness_probability_argument(FunctionCallInfo fcinfo, int arg, const char *name);
extern int64 liveness_span_argument(FunctionCallInfo fcinfo, int arg, const char *name);

#endif							/* LIVENESS_ARGUMENTS_H */
