/* durable.h - files written whole or not at all: temporary file in the same folder, fsync, rename, fsync of
 * the folder.
 *
 * Contract: until durable_commit returns true the old file stands untouched; after it the new one survives a
 * power cut. A temporary file that a killed process left is named `.NAME.slipway-XXXXXX` and may be removed.
 * An fsync that failed is never retried on the same data (the kernel may have dropped the pages). */
#ifndef SLIPWAY_DURABLE_H
#define SLIPWAY_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct durable {
	int fd;           /* open for writing between begin and commit, else -1 */
	int dir;          /* the folder, held open */
	char name[256];   /* the last component */
	char temp[300];
};

#define DURABLE_INIT { .fd = -1, .dir = -1 }

/* Opens the temporary file beside path with the mode given (umask does not apply). A path whose last
 * component is empty, `.` or `..`, or longer than 230 bytes, is STATUS_USE. */
bool durable_begin(struct durable *d, const char *path, mode_t mode, struct err *err);
/* Writes all of it or fails; short writes and EINTR are handled. */
bool durable_write(struct durable *d, const void *data, size_t length, struct err *err);
bool durable_commit(struct durable *d, struct err *err);
/* Removes the temporary file if there is one; for AUTO(durable_release). */
void durable_release(struct durable *d);

/* write(2) until all is written; false with errno set. */
bool write_all(int fd, const void *data, size_t length);
/* fsync of the folder that is path. */
bool sync_folder(const char *path, struct err *err);
/* Reads the whole file into malloc'ed memory with a NUL behind it; *length without the NUL. More than limit
 * bytes is STATUS_USE. The caller frees. */
char *read_whole(const char *path, size_t limit, size_t *length, struct err *err);
/* The same from the current offset of fd to its end; name is for the error text. fd stays open. */
char *read_all(int fd, const char *name, size_t limit, size_t *length, struct err *err);

#endif
