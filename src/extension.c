/*-------------------------------------------------------------------------
 *
 * extension.c
 *		The extension in the catalogs of this database: where it lives, whose it is,
 *		and which rows of its tables a dump holds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "extension.h"

/* Read its row of pg_extension; false if it, or its schema, has just been dropped */
static bool
ReadExtension(Oid oid, InstalledExtension *extension)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(oid));
	scan = systable_beginscan(catalog, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_extension form = (Form_pg_extension) GETSTRUCT(tuple);
		char	   *schema_name = get_namespace_name(form->extnamespace);
		bool		isnull;
		Datum		version = heap_getattr(tuple, Anum_pg_extension_extversion,
										   RelationGetDescr(catalog), &isnull);

		extension->oid = oid;
		extension->owner = form->extowner;
		extension->schema = form->extnamespace;
		extension->schema_name = schema_name ? quote_identifier(schema_name) : NULL;
		extension->version = TextDatumGetCString(version);
		found = schema_name != NULL;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/*
 * Find the extension, and keep it from being dropped until the transaction ends.
 * Before CREATE EXTENSION and after DROP EXTENSION there is none.
 */
bool
liveness_find_extension(InstalledExtension *extension)
{
	Oid			oid = get_extension_oid("liveness", true);

	if (!OidIsValid(oid))
		return false;
	LockDatabaseObject(ExtensionRelationId, oid, 0, AccessShareLock);
	return ReadExtension(oid, extension);
}

/* The extension that a function belongs to */
void
liveness_extension_of(Oid function, InstalledExtension *extension)
{
	Oid			oid = getExtensionOfObject(ProcedureRelationId, function);

	if (!OidIsValid(oid) || !ReadExtension(oid, extension))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("function %s does not belong to the extension liveness",
						get_func_name(function)),
				 errhint("Call the functions that CREATE EXTENSION liveness made.")));
}

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

/* Citus keeps its catalogs in pg_catalog; nobody but a superuser puts a table there */
bool
liveness_citus_has(const char *table)
{
	Oid			citus = get_extension_oid("citus", true);
	Oid			relation = get_relname_relid(table, PG_CATALOG_NAMESPACE);

	return OidIsValid(citus) && OidIsValid(relation) &&
		getExtensionOfObject(RelationRelationId, relation) == citus;
}

/* The caller is connected to SPI */
bool
liveness_on_other_node(void)
{
	bool		isnull;

	if (!liveness_citus_has("pg_dist_local_group"))
		return false;
	if (SPI_execute("SELECT g.groupid FROM pg_catalog.pg_dist_local_group g", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "Citus could not be asked which node this is");
	return SPI_processed == 1 &&
		DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) != 0;
}
