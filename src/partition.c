/*-------------------------------------------------------------------------
 *
 * partition.c
 *		What partitions of provider_heartbeats need of the server that SQL cannot say.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "compat.h"
#include "liveness.h"

/*
 * liveness_dump_rows_of(member regclass)
 *
 * pg_extension_config_dump() is for an extension's script; partitions are made later.
 * It takes the extension from what CREATE EXTENSION leaves in these two variables.
 */
PG_FUNCTION_INFO_V1(liveness_dump_rows_of);
Datum
liveness_dump_rows_of(PG_FUNCTION_ARGS)
{
	Oid			member = PG_GETARG_OID(0);
	Oid			extension = get_extension_oid("liveness", false);
	bool		was_creating = creating_extension;
	Oid			was_current = CurrentExtensionObject;

	PreventCommandIfReadOnly("liveness_dump_rows_of()");
	if (!object_ownercheck(ExtensionRelationId, extension, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_EXTENSION, "liveness");

	PG_TRY();
	{
		creating_extension = true;
		CurrentExtensionObject = extension;
		(void) DirectFunctionCall2(pg_extension_config_dump, ObjectIdGetDatum(member),
								   PointerGetDatum(cstring_to_text("")));
	}
	PG_FINALLY();
	{
		creating_extension = was_creating;
		CurrentExtensionObject = was_current;
	}
	PG_END_TRY();
	PG_RETURN_VOID();
}
