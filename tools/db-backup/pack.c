/* pack.c - see pack.h */
#define _GNU_SOURCE
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "auto.h"
#include "durable.h"

enum { CHUNK = 128 * 1024 };

static void
cctx_release(ZSTD_CCtx **c)
{
	(void)ZSTD_freeCCtx(*c);
}

static void
dctx_release(ZSTD_DCtx **d)
{
	(void)ZSTD_freeDCtx(*d);
}

static ssize_t
read_some(int fd, void *buf, size_t room)
{
	ssize_t n;

	do
		n = read(fd, buf, room);
	while (n < 0 && errno == EINTR);
	return n;
}

static bool
more_comes(int from, const char *name, int64_t idle_ms, struct err *err)
{
	struct pollfd f = { .fd = from, .events = POLLIN };
	int n;

	if (!idle_ms)
		return true;
	while ((n = poll(&f, 1, idle_ms > INT32_MAX ? INT32_MAX : (int)idle_ms)) < 0)
		if (errno != EINTR)
			return err_sys(err, "cannot wait for '%s'", name);
	return n > 0 || err_set(err, STATUS_SYS, "nothing came from '%s' for %" PRId64 " s", name, idle_ms / 1000);
}

bool
pack(int from, const char *name, const char *stored, const struct packing *how, struct packed *p, struct err *err)
{
	static unsigned char in_buf[CHUNK], out_buf[CHUNK];
	AUTO(fd_release) int to = open(stored, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	AUTO(cctx_release) ZSTD_CCtx *ctx = ZSTD_createCCtx();
	AUTO(hash_release) struct hash raw_hash = {0};
	AUTO(hash_release) struct hash stored_hash = {0};
	size_t left = 1;
	ssize_t n;

	if (to < 0)
		return err_sys(err, "cannot create '%s'", stored);
	if (!ctx || ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, how->level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1)))
		return err_set(err, STATUS_SYS, "cannot set up compression");
	/* A libzstd without threads refuses, and compresses in ours. */
	(void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_nbWorkers, how->threads);
	if (!hash_begin(&raw_hash, err) || !hash_begin(&stored_hash, err))
		return false;
	p->bytes = p->stored = 0;
	do {
		ZSTD_inBuffer in = { .src = in_buf };

		if (!more_comes(from, name, how->idle_ms, err))
			return false;
		n = read_some(from, in_buf, sizeof(in_buf));
		if (n < 0)
			return err_sys(err, "cannot read '%s'", name);
		in.size = (size_t)n;
		p->bytes += in.size;
		if (!hash_add(&raw_hash, in_buf, in.size, err))
			return false;
		do {
			ZSTD_outBuffer out = { .dst = out_buf, .size = sizeof(out_buf) };

			left = ZSTD_compressStream2(ctx, &out, &in, n ? ZSTD_e_continue : ZSTD_e_end);
			if (ZSTD_isError(left))
				return err_set(err, STATUS_SYS, "cannot compress '%s': %s", name, ZSTD_getErrorName(left));
			p->stored += out.pos;
			if (!hash_add(&stored_hash, out_buf, out.pos, err))
				return false;
			if (!write_all(to, out_buf, out.pos))
				return err_sys(err, "cannot write '%s'", stored);
		} while (in.pos < in.size || (!n && left));
	} while (n);
	if (fsync(to) != 0)
		return err_sys(err, "cannot sync '%s'", stored);
	return hash_end(&raw_hash, p->sha256_raw, err) && hash_end(&stored_hash, p->sha256, err);
}

/* What the content decompresses to is written (to >= 0), hashed (unless NULL) and counted; more than limit is not. */
static bool
drain(ZSTD_DCtx *ctx, ZSTD_inBuffer *in, int *to, struct hash *hash, uint64_t *bytes, uint64_t limit, size_t *left,
    struct err *err)
{
	static unsigned char out_buf[CHUNK];
	ZSTD_outBuffer out;

	do {
		out = (ZSTD_outBuffer){ .dst = out_buf, .size = sizeof(out_buf) };
		*left = ZSTD_decompressStream(ctx, &out, in);
		if (ZSTD_isError(*left))
			return err_set(err, STATUS_NO, "does not decompress: %s", ZSTD_getErrorName(*left));
		*bytes += out.pos;
		if (*bytes > limit)
			return err_set(err, STATUS_NO, "holds more than %" PRIu64 " bytes", limit);
		if (hash && !hash_add(hash, out_buf, out.pos, err))
			return false;
		if (*to >= 0 && !write_all(*to, out_buf, out.pos)) {
			if (errno != EPIPE)
				return err_sys(err, "cannot write the decompressed copy");
			*to = -1;
		}
		/* Behind the end of the frame a further call would begin a new one. */
	} while (in->pos < in->size || (*left && out.pos == out.size));
	return true;
}

bool
unpack(const char *stored, int to, bool both, const struct packed *p, struct err *err)
{
	static unsigned char in_buf[CHUNK];
	AUTO(fd_release) int from = open(stored, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(dctx_release) ZSTD_DCtx *ctx = ZSTD_createDCtx();
	AUTO(hash_release) struct hash raw_hash = {0};
	AUTO(hash_release) struct hash stored_hash = {0};
	char hex[HASH_HEX];
	uint64_t bytes = 0;
	size_t left = 1;
	struct stat st;
	ssize_t n;

	if (from < 0 && (errno == ENOENT || errno == ELOOP))
		return err_set(err, STATUS_NO, "its file is missing");
	if (from < 0 || fstat(from, &st) != 0)
		return err_sys(err, "cannot open '%s'", stored);
	if ((uint64_t)st.st_size != p->stored)
		return err_set(err, STATUS_NO, "has %jd bytes, not %" PRIu64, (intmax_t)st.st_size, p->stored);
	if (!ctx)
		return err_set(err, STATUS_SYS, "cannot set up decompression");
	if (!hash_begin(&raw_hash, err) || !hash_begin(&stored_hash, err))
		return false;
	/* What was just written is to be read from the disk, not from memory. */
	(void)posix_fadvise(from, 0, 0, POSIX_FADV_DONTNEED);
	while ((n = read_some(from, in_buf, sizeof(in_buf))) > 0) {
		ZSTD_inBuffer in = { .src = in_buf, .size = (size_t)n };

		if (!hash_add(&stored_hash, in_buf, in.size, err) ||
		    !drain(ctx, &in, &to, both ? &raw_hash : NULL, &bytes, p->bytes, &left, err))
			return false;
	}
	if (n < 0)
		return err_sys(err, "cannot read '%s'", stored);
	if (!hash_end(&stored_hash, hex, err))
		return false;
	if (strcmp(hex, p->sha256) != 0)
		return err_set(err, STATUS_NO, "its SHA-256 differs");
	if (!hash_end(&raw_hash, hex, err))
		return false;
	if (left != 0 || bytes != p->bytes || (both && strcmp(hex, p->sha256_raw) != 0))
		return err_set(err, STATUS_NO, "its content differs");
	return true;
}
