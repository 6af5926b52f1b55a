/*
 * The wall clock of a server under test, as Liveness::Clock sets it: preloaded, this
 * shifts the system's, or holds it.  Clocks that nobody can set go on as they are.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Twice the microseconds since 1970 to add, and 1 if to the time, 0 if to nothing */
static const volatile int64_t *setting;

__attribute__((constructor)) static void
OpenSetting(void)
{
	const char *path = getenv("LIVENESS_CLOCK");
	int			fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		abort();
	setting = mmap(NULL, sizeof(*setting), PROT_READ, MAP_SHARED, fd, 0);
	if (setting == MAP_FAILED)
		abort();
	close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int			result = (int) syscall(SYS_clock_gettime, id, t);

	if (result == 0 && id == CLOCK_REALTIME && setting)
	{
		int64_t		set = *setting;
		int64_t		usecs = set >> 1;

		if (set & 1)
			usecs += t->tv_sec * INT64_C(1000000) + t->tv_nsec / 1000;
		t->tv_sec = usecs / 1000000 - (usecs % 1000000 < 0);
		t->tv_nsec = (usecs - t->tv_sec * INT64_C(1000000)) * 1000;
	}
	return result;
}

int
gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;

	(void) zone;
	clock_gettime(CLOCK_REALTIME, &now);
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}
