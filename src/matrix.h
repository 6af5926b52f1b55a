/*-------------------------------------------------------------------------
 *
 * matrix.h
 *		Time online by hour of the week, and the jsonb that shows it as shares.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_MATRIX_H
#define LIVENESS_MATRIX_H

#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "timemath.h"

/* See liveness_week_matrix_add */
typedef struct WeekMatrix
{
	int64		weeks;			/* whole weeks: one hour for every cell */
	int64		usecs[HOURS_PER_WEEK];	/* parts of an hour */
	int64		hours[HOURS_PER_WEEK + 1];	/* whole hours, as differences */
} WeekMatrix;

/* A share has four decimals, so that it is one of so many numbers */
#define MATRIX_SCALE		10000

/* A share as a numeric; its four decimals are one digit of the numeric */
typedef struct MatrixShare
{
	uint32		size;			/* 0: not made yet */
	char		bytes[8];
} MatrixShare;

/* The shares made so far, for all matrices of a query */
typedef struct MatrixShares
{
	MatrixShare shares[MATRIX_SCALE + 1];
} MatrixShares;

extern void liveness_week_matrix_add(WeekMatrix *matrix, TimestampTz start,
									 TimestampTz end);
extern void liveness_week_matrix_cells(const WeekMatrix *matrix,
									   int64 cells[HOURS_PER_WEEK]);
extern int64 liveness_matrix_share_of(MatrixShares *made, Numeric number);
extern Jsonb *liveness_week_matrix_shares(MatrixShares *made, const WeekMatrix *online,
										  const int64 whole[HOURS_PER_WEEK]);

#endif							/* LIVENESS_MATRIX_H */
