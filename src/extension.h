/*-------------------------------------------------------------------------
 *
 * extension.h
 *		The extension as this database knows it, and the version of the library.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_EXTENSION_H
#define LIVENESS_EXTENSION_H

/* Of the library; the SQL may be of another one for a while */
#define LIVENESS_VERSION	"1.0"

typedef struct InstalledExtension
{
	Oid			oid;
	Oid			owner;
	Oid			schema;
	const char *schema_name;	/* quoted */
	const char *version;
} InstalledExtension;

extern bool liveness_find_extension(InstalledExtension *extension);
extern void liveness_extension_of(Oid function, InstalledExtension *extension);

/* Citus, where it is: has it this table, and is this a node other than the coordinator? */
extern bool liveness_citus_has(const char *table);
extern bool liveness_on_other_node(void);

#endif							/* LIVENESS_EXTENSION_H */
