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

/* Compresses raw into the new file stored (mode 0600) and syncs it. */
bool pack(const char *raw, const char *stored, int level, struct packed *p, struct err *err);

/* Reads all of stored, off the disk where the kernel lets us, and compares it with p. The content goes to the new
 * file raw, or nowhere when raw is NULL. A difference or a broken frame is STATUS_NO with the reason as text. */
bool unpack(const char *stored, const char *raw, const struct packed *p, struct err *err);

#endif
