/*-------------------------------------------------------------------------
 *
 * procedure.c
 *		What the procedures of the extension need of the server and PL/pgSQL cannot say.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/builtins.h"

/*
 * liveness_raise(sqlstate text, message text, detail text, hint text)
 *
 * Raises an error again that a procedure caught to note it: as PL/pgSQL's RAISE,
 * which cannot leave out a detail or hint that is empty.
 */
PG_FUNCTION_INFO_V1(liveness_raise);
Datum
liveness_raise(PG_FUNCTION_ARGS)
{
	char	   *sqlstate = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *message = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *detail = text_to_cstring(PG_GETARG_TEXT_PP(2));
	char	   *hint = text_to_cstring(PG_GETARG_TEXT_PP(3));

	if (strlen(sqlstate) != 5 ||
		strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not an SQLSTATE", sqlstate)));
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2],
								   sqlstate[3], sqlstate[4])),
			 errmsg_internal("%s", message),
			 detail[0] ? errdetail_internal("%s", detail) : 0,
			 hint[0] ? errhint("%s", hint) : 0));
}

/*
 * liveness_in_transaction_block() -> boolean
 *
 * Is the caller inside a transaction block, so that a procedure cannot COMMIT?
 */
PG_FUNCTION_INFO_V1(liveness_in_transaction_block);
Datum
liveness_in_transaction_block(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_BOOL(IsTransactionBlock());
}
