/*-------------------------------------------------------------------------
 *
 * distribution.c
 *		Are the tables divided among the nodes of Citus?
 *
 * liveness_distribute() divides five tables by provider_id into the same shards, so that
 * what is known of one provider is on one node, and makes copies of three small ones on
 * each node.  The others stay on the coordinator.  Half of that layout would be worse
 * than none: Citus refuses some statements over it, and answers others wrong.  So who
 * asks is told yes or no only where all of it is there, or nothing.
 *
 * Jobs run on the coordinator alone, because the locks of the jobs and the ids of the
 * sequences are there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "distribution.h"
#include "extension.h"
#include "settings.h"

/* What a table is in the layout: Citus calls them 'h', by hash, and 'n', copied */
typedef struct Placed
{
	const char *name;
	bool		internal;		/* in the schema liveness_internal */
	char		method;
} Placed;

static const Placed layout[] = {
	{"provider_heartbeats", false, 'h'},
	{"provider_heartbeats_hourly", false, 'h'},
	{"provider_sessions", false, 'h'},
	{"provider_reliability_features", false, 'h'},
	{"liveness_provider_hazard", true, 'h'},
	{"provider_exclusions", false, 'n'},
	{"provider_groups", false, 'n'},
	{"liveness_fleet_hazard", true, 'n'},
};

static Datum
Column(uint64 row, int column)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
}

static void
Select(const char *sql)
{
	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "unexpected result of statement: %s", sql);
}

/*
 * Is the layout of liveness_distribute() in place?  An error where a part of it is, and on
 * a node that is not the coordinator.  The caller is connected to SPI.
 */
bool
liveness_is_distributed(const InstalledExtension *extension)
{
	Oid			internal = get_namespace_oid("liveness_internal", false);
	int			placed = 0;
	int			misplaced = 0;
	int64		colocation = 0;

	if (!liveness_citus_has("pg_dist_partition"))
		return false;
	Select("SELECT p.logicalrelid::pg_catalog.oid, p.partmethod, p.colocationid::pg_catalog.int8"
		   " FROM pg_catalog.pg_dist_partition p");
	for (int i = 0; i < (int) lengthof(layout); i++)
	{
		Oid			relation = get_relname_relid(layout[i].name,
												 layout[i].internal ? internal : extension->schema);

		for (uint64 row = 0; row < SPI_processed; row++)
		{
			int64		group = DatumGetInt64(Column(row, 3));

			if (DatumGetObjectId(Column(row, 1)) != relation)
				continue;
			if (i == 0)
				colocation = group;
			if (DatumGetChar(Column(row, 2)) == layout[i].method &&
				(layout[i].method != 'h' || group == colocation))
				placed++;
			else
				misplaced++;
		}
	}
	if (placed + misplaced == 0)
		return false;
	if (placed < (int) lengthof(layout))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("Citus distributes some tables of liveness, and others not as they need to be"),
				 errhint("Call %s.liveness_distribute(), which distributes all of them.",
						 extension->schema_name)));
	if (liveness_on_other_node())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("liveness writes through the coordinator of Citus, and this is another node"),
				 errhint("Call the function on the coordinator, and set liveness.database there alone.")));
	return true;
}

/*
 * What the shards compute depends on settings, which each node has for itself.  Are they
 * the same everywhere?  And does each node refuse to draw ids, which a node that was added
 * does only once it was told?  An error where not.  The caller is connected to SPI.
 */
void
liveness_check_nodes(const char *schema)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {
		CStringGetTextDatum(psprintf("%lld", (long long) liveness_hash_node_settings())),
		CStringGetTextDatum(psprintf("SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_attrdef d"
									 " JOIN pg_catalog.pg_depend r ON r.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass"
									 " AND r.objid = d.oid AND r.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass"
									 " AND r.refobjid = 'liveness_internal.liveness_refuse_id()'::pg_catalog.regprocedure"
									 " WHERE d.adrelid = %s::pg_catalog.regclass)"
									 " THEN liveness_internal.liveness_settings_digest()::pg_catalog.text ELSE 'new' END",
									 quote_literal_cstr(psprintf("%s.provider_heartbeats", schema))))
	};
	char	   *found;

	if (!liveness_citus_has("pg_dist_node"))
		return;
	if (SPI_execute_with_args("SELECT pg_catalog.concat(c.nodename, ':', c.nodeport, ' (', c.result, ')')"
							  " FROM pg_catalog.run_command_on_workers($2) c"
							  " WHERE c.result IS DISTINCT FROM $1 LIMIT 1",
							  2, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "nodes could not be asked for their settings");
	if (SPI_processed == 0)
		return;
	found = TextDatumGetCString(Column(0, 1));
	if (strstr(found, " (new)") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("node %s was added and is not prepared", found),
				 errhint("Call %s.liveness_distribute() once more.", schema)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("node %s has other settings of liveness than this session", found),
			 errhint("Set liveness.resume_within, liveness.censored_reasons, liveness.session_timeout, liveness.session_retention, liveness.window_days, liveness.hazard_interval and liveness.hazard_history to the same values in postgresql.conf of all nodes.")));
}

/*
 * liveness_settings_digest() -> bigint
 */
PG_FUNCTION_INFO_V1(liveness_settings_digest);
Datum
liveness_settings_digest(PG_FUNCTION_ARGS pg_attribute_unused())
{
	PG_RETURN_INT64(liveness_hash_node_settings());
}

/*
 * liveness_distributed() -> boolean
 */
PG_FUNCTION_INFO_V1(liveness_distributed);
Datum
liveness_distributed(PG_FUNCTION_ARGS)
{
	InstalledExtension extension;
	bool		distributed;

	liveness_extension_of(fcinfo->flinfo->fn_oid, &extension);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	distributed = liveness_is_distributed(&extension);
	SPI_finish();
	PG_RETURN_BOOL(distributed);
}
