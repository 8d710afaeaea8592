/* pack.h - a file compressed with zstd, and back, with the SHA-256 of both sides. */
#ifndef DB_BACKUP_PACK_H
#define DB_BACKUP_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "hash.h"

struct packed {
	uint64_t bytes, stored; /* before and after compression */
	char sha256[HASH_HEX];  /* of the stored file */
	char sha256_raw[HASH_HEX];
};

struct packing {
	int level, threads; /* threads 0: in ours */
	int64_t idle_ms;    /* how long nothing may come from a pipe; 0 = for ever */
};

/* Compresses all that from gives (name is for texts) into the new file stored (mode 0600) and syncs it. */
bool pack(int from, const char *name, const char *stored, const struct packing *how, struct packed *p, struct err *err);

/* Reads all of stored, off the disk where the kernel lets us, and compares it with p. The content goes to
 * the descriptor to, or nowhere when that is -1; a pipe whose reader has enough gets no more. A difference or a
 * broken frame is STATUS_NO with the reason as text. Without both, the hash of the content is left out: that of the
 * file and the frame's own checksum of the content say enough where time counts. */
bool unpack(const char *stored, int to, bool both, const struct packed *p, struct err *err);

#endif
