/*-------------------------------------------------------------------------
 *
 * compat.h
 *		What differs between the PostgreSQL versions we build on (14 to 19).
 *
 * The code uses the newest name everywhere; an old server gets a macro of that
 * name here, so that support for it ends by deleting lines of this file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_COMPAT_H
#define LIVENESS_COMPAT_H

#include "utils/float.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"				/* until 15 a part of postgres.h */
#endif

#if PG_VERSION_NUM < 140000
#error "liveness needs PostgreSQL 14 or later"
#endif

/* 15 reserves a prefix for good, 14 could only warn of names unknown so far */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix)	EmitWarningsOnPlaceholders(prefix)
#endif

/* 16 exports the allocator of what a check hook hands on; it was malloc before */
#if PG_VERSION_NUM < 160000
#define guc_malloc(elevel, size)	malloc(size)
#endif

/* 18 puts it before the declaration, as C11 does */
#ifndef pg_noreturn
#define pg_noreturn		__attribute__((noreturn))
#endif

/* 18 lets a module say its name and version */
#ifndef PG_MODULE_MAGIC_EXT
#define PG_MODULE_MAGIC_EXT(...)	PG_MODULE_MAGIC
#endif

/* 16 can collect errors of input */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#else
#define SOFT_ERROR_OCCURRED(escontext)	((void) (escontext), false)
#define ereturn(context, dummy_value, ...) \
	do { \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#define float8in_internal(num, endptr_p, type_name, orig_string, escontext) \
	float8in_internal(num, endptr_p, type_name, orig_string)
#endif

/* 16 asks for the owner of anything by one function */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(classid, objectid, roleid)	pg_extension_ownercheck(objectid, roleid)
#endif

/* 17 can ask for a lock at least as strong; we ask for each in turn */
#if PG_VERSION_NUM < 170000
#define LockHeldByMe(tag, mode, orstronger)	LockHeldByMe(tag, mode)
#endif

/* 17 lets an extension name what it waits for */
#if PG_VERSION_NUM < 170000
#define WaitEventExtensionNew(name)		((void) (name), PG_WAIT_EXTENSION)
#endif

/* 19 builds jsonb in a state that its callers see */
#if PG_VERSION_NUM < 190000
typedef struct JsonbInState
{
	JsonbValue *result;			/* once it is complete */
	JsonbParseState *parseState;
} JsonbInState;
#define pushJsonbValue(state, token, value) \
	((state)->result = pushJsonbValue(&(state)->parseState, token, value))
#endif

/* 19 tells a signal handler who sent the signal */
#if PG_VERSION_NUM < 190000
#define pg_siginfo		postgres_signal_arg
#endif

#endif							/* LIVENESS_COMPAT_H */
