/*-------------------------------------------------------------------------
 *
 * liveness.c
 *		Module load: defines the settings, asks for shared memory, sets hooks and
 *		registers the worker.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"

#include "buffer.h"
#include "compat.h"
#include "extension.h"
#include "joblock.h"
#include "jobs.h"
#include "settings.h"
#include "stats.h"
#include "worker.h"

PG_MODULE_MAGIC_EXT(
					.name = "liveness",
					.version = LIVENESS_VERSION
);

static shmem_startup_hook_type previous_shmem_startup_hook = NULL;
#if PG_VERSION_NUM >= 150000
static shmem_request_hook_type previous_shmem_request_hook = NULL;
#endif

PGDLLEXPORT void _PG_init(void);

/* Request the memory that buffer, counters and jobs need, after that of other libraries */
static void
RequestSharedMemory(void)
{
#if PG_VERSION_NUM >= 150000
	if (previous_shmem_request_hook)
		previous_shmem_request_hook();
#endif
	liveness_buffer_request_shmem();
	liveness_stats_request_shmem();
	liveness_jobs_request_shmem();
}

static void
SetUpSharedMemory(void)
{
	if (previous_shmem_startup_hook)
		previous_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	liveness_buffer_shmem_init();
	liveness_stats_shmem_init();
	liveness_jobs_shmem_init();
	LWLockRelease(AddinShmemInitLock);
}

/* Hooks and the worker can be set up only while the server starts */
static void
SetUpServer(void)
{
#if PG_VERSION_NUM >= 150000
	previous_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = RequestSharedMemory;
#else
	RequestSharedMemory();
#endif
	previous_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = SetUpSharedMemory;
	liveness_watch_for_restores();

	if (liveness_database[0] != '\0')
		liveness_register_worker();
}

void
_PG_init(void)
{
	/* pg_upgrade starts servers too, and nothing may run in their databases */
	bool		server = process_shared_preload_libraries_in_progress && !IsBinaryUpgrade;

	liveness_define_settings(server);
	if (server)
		SetUpServer();
}
