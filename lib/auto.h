/* auto.h - foreign handles go back by scope: AUTO(release) struct x *p = NULL;
 *
 * Contract: release takes a pointer to the variable and must accept its zero value. */
#ifndef SLIPWAY_AUTO_H
#define SLIPWAY_AUTO_H

#define AUTO(release) __attribute__((cleanup(release)))

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
fd_release(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void
file_release(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static inline void
mem_release(void *p)
{
	free(*(void **)p);
}

#endif
