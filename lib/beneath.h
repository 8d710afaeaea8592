/* beneath.h - opening below a folder that is held open, never through a symlink, a mount point or `..`
 * (openat2 with RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS and NO_XDEV).
 *
 * Contract: both return a close-on-exec descriptor that the caller closes, or -1 with errno: ENOENT, ENOTDIR (a
 * file is in the way), ELOOP (a symlink is), EXDEV (a mount point is), or what openat2 gives besides. */
#ifndef SLIPWAY_BENEATH_H
#define SLIPWAY_BENEATH_H

#include <stdbool.h>
#include <stddef.h>

/* The folder named by the first length bytes of path, below root; length 0 is root itself. With readable false
 * it can only be used by the *at calls and fstat (O_PATH), with true also listed and synced. */
int beneath_folder(int root, const char *path, size_t length, bool readable);
/* The plain file name (one component) in folder, for reading; a FIFO in its place does not block. */
int beneath_file(int folder, const char *name);

#endif
