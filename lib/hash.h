/* hash.h - SHA-256 (FIPS 180-4, by OpenSSL) as 64 lower-case hex digits.
 *
 * Contract: struct hash is zero-initialised, made by hash_begin and given back by hash_release (AUTO). hex must
 * have room for HASH_HEX bytes. Failure means that OpenSSL or the file refused. */
#ifndef SLIPWAY_HASH_H
#define SLIPWAY_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { HASH_HEX = 65 };

struct hash {
	void *ctx;
};

bool hash_begin(struct hash *h, struct err *err);  /* also starts a used one anew */
bool hash_add(struct hash *h, const void *data, size_t length, struct err *err);
bool hash_end(struct hash *h, char hex[HASH_HEX], struct err *err);
void hash_release(struct hash *h);

/* From the current offset of fd to its end; *bytes, when not NULL, is how many. name is for the error text. */
bool hash_fd(int fd, const char *name, char hex[HASH_HEX], uint64_t *bytes, struct err *err);
bool hash_bytes(const void *data, size_t length, char hex[HASH_HEX], struct err *err);

#endif
