/*-------------------------------------------------------------------------
 *
 * rowtype.h
 *		Rows that C makes, of types that the SQL of the extension defines.
 *
 *-------------------------------------------------------------------------
 */
#ifndef ROWTYPE_H
#define ROWTYPE_H

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"

typedef struct RowColumn
{
	const char *name;
	Oid			type;
} RowColumn;

extern TupleDesc liveness_result_row(FunctionCallInfo fcinfo, const RowColumn *columns,
									 int ncolumns);
extern TupleDesc liveness_row_of_type(Oid type, const RowColumn *columns, int ncolumns);

#endif							/* ROWTYPE_H */
