/* hash.c - see hash.h */
#include "hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "auto.h"

static bool
refused(struct err *err)
{
	return err_set(err, STATUS_SYS, "cannot compute SHA-256");
}

bool
hash_begin(struct hash *h, struct err *err)
{
	const EVP_MD *kind = h->ctx ? NULL : EVP_sha256(); /* a used one knows it: OpenSSL need not look it up again */

	if (!h->ctx)
		h->ctx = EVP_MD_CTX_new();
	return (h->ctx && EVP_DigestInit_ex(h->ctx, kind, NULL) == 1) || refused(err);
}

bool
hash_add(struct hash *h, const void *data, size_t length, struct err *err)
{
	return EVP_DigestUpdate(h->ctx, data, length) == 1 || refused(err);
}

bool
hash_end(struct hash *h, char hex[HASH_HEX], struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned int n = 0, i;

	if (EVP_DigestFinal_ex(h->ctx, raw, &n) != 1 || n != 32)
		return refused(err);
	for (i = 0; i < n; i++) {
		hex[2 * i] = digits[raw[i] >> 4];
		hex[2 * i + 1] = digits[raw[i] & 15];
	}
	hex[64] = '\0';
	return true;
}

void
hash_release(struct hash *h)
{
	EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
}

bool
hash_fd(int fd, const char *name, char hex[HASH_HEX], uint64_t *bytes, struct err *err)
{
	AUTO(hash_release) struct hash h = {0};
	unsigned char buf[64 * 1024];
	uint64_t total = 0;

	if (!hash_begin(&h, err))
		return false;
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read '%s'", name);
		if (n == 0)
			break;
		total += (uint64_t)n;
		if (!hash_add(&h, buf, (size_t)n, err))
			return false;
	}
	if (bytes)
		*bytes = total;
	return hash_end(&h, hex, err);
}

bool
hash_bytes(const void *data, size_t length, char hex[HASH_HEX], struct err *err)
{
	AUTO(hash_release) struct hash h = {0};

	return hash_begin(&h, err) && hash_add(&h, data, length, err) && hash_end(&h, hex, err);
}
