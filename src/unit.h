/*-------------------------------------------------------------------------
 *
 * unit.h
 *		Units of a background process's work, each a transaction of its own; see
 *		unit.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_UNIT_H
#define LIVENESS_UNIT_H

#include "utils/elog.h"

#include "extension.h"

typedef enum UnitResult
{
	UNIT_DONE,
	UNIT_FAILED,				/* rolled back; the error was kept */
	UNIT_NO_EXTENSION			/* nothing done, for there is none */
} UnitResult;

typedef void (*Unit) (const InstalledExtension *extension, void *arg);

/* The error of the last unit that failed; valid until the next one fails */
extern ErrorData *liveness_unit_error;

extern void liveness_prepare_units(void);
extern UnitResult liveness_run_unit(const char *activity, Unit unit, void *arg,
									int timeout_ms);

#endif							/* LIVENESS_UNIT_H */
