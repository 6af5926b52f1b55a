/*-------------------------------------------------------------------------
 *
 * rowtype.c
 *		Checks the types of the rows that C makes.
 *
 * The SQL of another version, or ALTER TYPE, may have given a type more columns, fewer,
 * or others.  If C formed a row of other columns, its reader would read past the end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/regproc.h"
#include "utils/typcache.h"

#include "extension.h"
#include "rowtype.h"

static void
CheckRowType(TupleDesc tupdesc, Oid function, const RowColumn *columns, int ncolumns)
{
	char	   *name = OidIsValid(function)
		? format_procedure(function) : format_type_be(tupdesc->tdtypeid);
	char	   *detail = NULL;

	if (tupdesc->natts != ncolumns)
		detail = psprintf("It has %d columns, the library knows %d.", tupdesc->natts, ncolumns);
	for (int i = 0; detail == NULL && i < ncolumns; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tupdesc, i);

		if (attribute->attisdropped || attribute->atttypid != columns[i].type ||
			strcmp(NameStr(attribute->attname), columns[i].name) != 0)
			detail = psprintf("Its column %d should be \"%s\" of type %s.", i + 1,
							  columns[i].name, format_type_be(columns[i].type));
	}
	if (detail)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the row of %s is not the one that the library of liveness " LIVENESS_VERSION " makes", name),
				 errdetail_internal("%s", detail),
				 errhint("If the library is newer than the extension, run ALTER EXTENSION liveness UPDATE; if it is older, restart the server; if the type was altered, alter it back.")));
}

/* The row type that the called function returns; an error unless these are its columns */
TupleDesc
liveness_result_row(FunctionCallInfo fcinfo, const RowColumn *columns, int ncolumns)
{
	TupleDesc	tupdesc;
	Oid			type;

	if (get_call_result_type(fcinfo, &type, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "function %u must return a row", fcinfo->flinfo->fn_oid);
	CheckRowType(tupdesc, type == RECORDOID ? fcinfo->flinfo->fn_oid : InvalidOid,
				 columns, ncolumns);
	return BlessTupleDesc(CreateTupleDescCopy(tupdesc));
}

/* A row type by its oid; an error unless these are its columns */
TupleDesc
liveness_row_of_type(Oid type, const RowColumn *columns, int ncolumns)
{
	TupleDesc	tupdesc = lookup_rowtype_tupdesc_copy(type, -1);

	CheckRowType(tupdesc, InvalidOid, columns, ncolumns);
	return tupdesc;
}
