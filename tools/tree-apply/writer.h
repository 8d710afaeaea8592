/* writer.h - small files of the tar hashed, and laid aside in BACKUP/new, by a thread of its own, while the next ones
 * are read and compared.
 *
 * Contract: made by writer_begin, given back by writer_release (AUTO); that waits for the thread, so that nothing is
 * written any more when BACKUP is cleaned. Of the tree, the thread uses stage_data alone. */
#ifndef TREE_APPLY_WRITER_H
#define TREE_APPLY_WRITER_H

#include "apply.h"

enum { WRITER_ROOM = 1024 * 1024 };

struct writer *writer_begin(struct tree *t, struct err *err);
void writer_release(struct writer **w);
/* WRITER_ROOM bytes to read the next file into; another piece after each writer_put. */
char *writer_room(struct writer *w);
/* Has the first length bytes of the room hashed and, with a number, written. What failed may be told later, here or
 * below. */
bool writer_put(struct writer *w, unsigned long number, unsigned mode, size_t length, struct err *err);
/* Waits for all of that; from then on the thread brings it to the disk. */
bool writer_wait(struct writer *w, struct err *err);
/* Then, the hash of the file that was put as the nth, from 0. */
const char *writer_hash(const struct writer *w, size_t n);
/* Waits until that is done. */
bool writer_end(struct writer *w, struct err *err);

#endif
