/* relpath.h - which relative paths and symlink targets of a release are fit for a server.
 *
 * The rules are those of git's own guards (core.protectNTFS, core.protectHFS) and of ../shared/reliability.md
 * section 5; they look at the text alone, never at a disk. */
#ifndef SLIPWAY_RELPATH_H
#define SLIPWAY_RELPATH_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum { RELPATH_MAX = 4095, RELPATH_NAME_MAX = 255 };

/* Refused (false, reason in *why, a constant): empty, absolute, longer than RELPATH_MAX or a component longer
 * than RELPATH_NAME_MAX; a component that is empty, `.` or `..`, or `.git` in any spelling that some file system
 * folds to it (case, `git~1`, trailing dots and spaces, NTFS streams, ignorable code points); a component
 * `.slipway` (ours); an LF, another control byte, or a byte sequence that is no UTF-8. */
bool relpath_fit(const char *path, const char **why);

/* A symlink at path may point at target when it stays below the root by text alone: relative, not empty, `..`
 * only in front, no more of them than path has folders. By induction over the links of a tree none leads out. */
bool relpath_link_fit(const char *path, const char *target, const char **why);

/* Writes the key under which case twins meet: ASCII letters folded, the rest as it is. out has room for
 * strlen(path) + 1. */
void relpath_fold(const char *path, char *out);

#endif
