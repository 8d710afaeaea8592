/* lockwait.h - flock(2) with a deadline, and the clock that deadlines are measured by. */
#ifndef SLIPWAY_LOCKWAIT_H
#define SLIPWAY_LOCKWAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Takes the exclusive lock, trying for wait_ms milliseconds (0: once); false with errno set, EWOULDBLOCK when
 * another held it to the end. Closing fd, or the end of the process, gives it back. */
bool lock_wait(int fd, int64_t wait_ms);

int64_t clock_ms(void); /* monotonic milliseconds */
void sleep_ms(int64_t ms);

#endif
