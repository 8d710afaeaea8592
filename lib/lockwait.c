/* lockwait.c - see lockwait.h */
#define _GNU_SOURCE
#include "lockwait.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

int64_t
clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
sleep_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

bool
lock_wait(int fd, int64_t wait_ms)
{
	int64_t end = clock_ms() + wait_ms;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		if (clock_ms() >= end) {
			errno = EWOULDBLOCK;
			return false;
		}
		sleep_ms(20);
	}
	return true;
}
