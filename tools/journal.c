/* journal -a FILE STATE [KEY=VALUE]... or journal [-l] FILE - step records, fsynced -> where a run stands */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auto.h"
#include "diag.h"
#include "durable.h"
#include "percent.h"

static const char usage[] = "journal -a FILE STATE [KEY=VALUE]...\n       journal [-l] FILE";

enum { RECORD_MAX = 1024, ROOM = 64 * 1024, JOURNAL_MAX = 64 * 1024 * 1024 };

struct journal {
	int fd;
	const char *name;
	char *text;
	size_t length;   /* bytes of the file */
	size_t good;     /* bytes of its longest good prefix */
	size_t last;     /* where the last good record begins */
	uint64_t seq;    /* of that record, 0 when there is none */
};

static void
journal_release(struct journal *j)
{
	free(j->text);
	fd_release(&j->fd);
}

/* CRC-32C (Castagnoli), four bits at a time. */
static uint32_t
crc32c(const char *data, size_t length)
{
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	uint32_t crc = 0xffffffff;

	for (; length > 0; length--, data++) {
		crc ^= (unsigned char)*data;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static bool
is_number(const char *p, const char *end, uint64_t *value)
{
	*value = 0;
	if (p == end || end - p > 19 || (*p == '0' && end - p > 1))
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		*value = *value * 10 + (uint64_t)(*p - '0');
	}
	return true;
}

/* The next word of a record; p moves behind the space that ends it. */
static const char *
word(const char **p, const char *end, const char **word_end)
{
	const char *start = *p;
	const char *space = memchr(start, ' ', (size_t)(end - start));

	*word_end = space ? space : end;
	*p = space ? space + 1 : end;
	return start;
}

/* A whole record of length bytes, its LF included: the form is right and the check sum fits. The last word is
 * the sum; it covers all bytes before it. */
static bool
record_good(const char *text, size_t length, uint64_t *seq)
{
	const char *p = text, *end = text + length - 1, *stop, *from;
	char sum[16];
	uint64_t when;

	if (length < 20 || length > RECORD_MAX || *end != '\n' || memchr(text, '\0', length))
		return false;
	(void)snprintf(sum, sizeof(sum), "crc=%08" PRIx32, crc32c(text, length - 13));
	if (memcmp(end - 12, sum, 12) != 0 || end[-13] != ' ')
		return false;
	from = word(&p, end, &stop);
	if (stop - from != 2 || memcmp(from, "v1", 2) != 0)
		return false;
	from = word(&p, end, &stop);
	if (!is_number(from, stop, seq))
		return false;
	(void)word(&p, end, &stop);
	from = word(&p, end, &stop);
	return is_number(from, stop, &when);
}

/* What a single write that was cut can leave: the front of a record, or blocks that never got their data. */
static bool
may_be_torn(const char *text, size_t length)
{
	const size_t n = length < 3 ? length : 3;

	return length <= RECORD_MAX && (*text == '\0' || memcmp(text, "v1 ", n) == 0);
}

/* A good record anywhere behind the good prefix: then something in the middle was damaged, not torn. */
static bool
good_record_in(const char *text, size_t length)
{
	const char *p = text, *end = text + length;

	while ((p = memmem(p, (size_t)(end - p), "v1 ", 3)) != NULL) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		uint64_t seq;

		if (lf && record_good(p, (size_t)(lf - p) + 1, &seq))
			return true;
		p++;
	}
	return false;
}

/* Reads the file and finds its longest good prefix. */
static bool
journal_read(struct journal *j, struct err *err)
{
	struct stat st;
	size_t room;

	if (fstat(j->fd, &st) != 0)
		return err_sys(err, "cannot look at '%s'", j->name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, STATUS_USE, "'%s' is not a plain file", j->name);
	if (st.st_size > JOURNAL_MAX)
		return err_set(err, STATUS_USE, "'%s' is larger than %d bytes, no journal", j->name, JOURNAL_MAX);
	room = (size_t)st.st_size;
	j->text = malloc(room + 1);
	if (!j->text)
		return err_sys(err, "cannot read '%s'", j->name);
	while (j->length < room) {
		ssize_t n = pread(j->fd, j->text + j->length, room - j->length, (off_t)j->length);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "cannot read '%s'", j->name);
		if (n == 0)
			break;
		j->length += n > 0 ? (size_t)n : 0;
	}
	while (j->good < j->length) {
		const char *start = j->text + j->good;
		const char *lf = memchr(start, '\n', j->length - j->good);
		uint64_t seq;

		if (!lf || !record_good(start, (size_t)(lf - start) + 1, &seq) || seq != j->seq + 1)
			break;
		j->last = j->good;
		j->seq = seq;
		j->good += (size_t)(lf - start) + 1;
	}
	if (j->good == j->length || (may_be_torn(j->text + j->good, j->length - j->good) &&
				     !good_record_in(j->text + j->good, j->length - j->good)))
		return true;
	return err_set(err, STATUS_USE, "%s:%" PRIu64 ": damaged record", j->name, j->seq + 1);
}

/* `seq TAB time TAB STATE TAB k=v...` of the good record at text. */
static bool
record_print(const char *text, const char *end, struct err *err)
{
	const char *p = text, *stop, *seq, *seq_end;
	uint64_t when = 0;
	char stamp[32];
	struct tm tm;
	time_t t;

	(void)word(&p, end, &stop);
	seq = word(&p, end, &seq_end);
	(void)word(&p, end, &stop);
	text = word(&p, end, &stop);
	(void)is_number(text, stop, &when);
	t = (time_t)when;
	if (!gmtime_r(&t, &tm) || strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return err_set(err, STATUS_USE, "record %.*s has an impossible time", (int)(seq_end - seq), seq);
	(void)word(&p, end, &stop);
	(void)printf("%.*s\t%s", (int)(seq_end - seq), seq, stamp);
	while (p < end - 12) { /* the last word is the sum */
		text = word(&p, end, &stop);
		(void)printf("\t%.*s", (int)(stop - text), text);
	}
	(void)putchar('\n');
	return true;
}

static bool
journal_print(const struct journal *j, bool last_only, struct err *err)
{
	const char *p = j->text + (last_only ? j->last : 0);

	while (p < j->text + j->good) {
		const char *lf = strchr(p, '\n');

		if (!record_print(p, lf, err))
			return false;
		p = lf + 1;
	}
	return true;
}

static bool
is_word(const char *p, size_t length)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz", more[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	return length > 0 && strspn(p, first) > 0 && strspn(p, more) >= length;
}

/* The folder that holds the file is the transaction: its name goes into each record. */
static bool
folder_name(const char *path, char *folder, char *encoded, struct err *err)
{
	const char *slash = strrchr(path, '/');
	AUTO(mem_release) char *text = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
	const char *base;

	if (!text || !realpath(*text ? text : ".", folder))
		return err_sys(err, "cannot find the folder of '%s'", path);
	base = strrchr(folder, '/') + 1;
	(void)percent_encode(*base ? base : "/", encoded);
	return true;
}

static void
boot_id(char out[9])
{
	AUTO(fd_release) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memcpy(out, "00000000", 9); /* without /proc the order still comes from seq */
	if (fd >= 0 && read(fd, out, 8) != 8)
		memcpy(out, "00000000", 9);
}

/* Formats the record into out; its length, or 0 with err filled. */
static size_t
record_make(char out[RECORD_MAX + 1], uint64_t seq, const char *txn, char *const *word_list, struct err *err)
{
	AUTO(mem_release) char *value = NULL;
	char boot[9];
	size_t used;
	int n, i, k;

	boot_id(boot);
	n = snprintf(out, RECORD_MAX, "v1 %" PRIu64 " %s %lld %s %s", seq, txn, (long long)time(NULL), boot, word_list[0]);
	used = (size_t)n;
	for (i = 1; word_list[i] && used < RECORD_MAX; i++) {
		const char *eq = strchr(word_list[i], '=');
		const size_t key = eq ? (size_t)(eq - word_list[i]) : 0;

		if (!is_word(word_list[i], key) || !strncmp(word_list[i], "crc=", 4))
			return err_set(err, STATUS_USE, "'%s' is not KEY=VALUE", word_list[i]);
		for (k = 1; k < i; k++)
			if (!strncmp(word_list[k], word_list[i], key + 1))
				return err_set(err, STATUS_USE, "key '%.*s' is given twice", (int)key, word_list[i]);
		free(value);
		value = malloc(3 * strlen(eq + 1) + 1);
		if (!value)
			return err_sys(err, "cannot make the record");
		(void)percent_encode(eq + 1, value);
		n = snprintf(out + used, RECORD_MAX - used, " %.*s=%s", (int)key, word_list[i], value);
		used = n < 0 || (size_t)n > RECORD_MAX ? RECORD_MAX : used + (size_t)n;
	}
	if (used + 14 > RECORD_MAX)
		return err_set(err, STATUS_USE, "record '%s' is larger than %d bytes", word_list[0], RECORD_MAX);
	out[used++] = ' ';
	return used + (size_t)snprintf(out + used, 14, "crc=%08" PRIx32 "\n", crc32c(out, used));
}

/* One write and one fsync; what does not arrive whole is cut off again, so that no reader sees half a record
 * and no later writer goes on behind a failed fsync. */
static bool
record_append(const struct journal *j, const char *record, size_t length, struct err *err)
{
	ssize_t n = write(j->fd, record, length);

	if (n == (ssize_t)length && fsync(j->fd) == 0)
		return true;
	if (n >= 0 && n < (ssize_t)length)
		errno = ENOSPC;
	(void)err_sys(err, "cannot append to '%s'", j->name);
	(void)!ftruncate(j->fd, (off_t)j->good);
	return false;
}

static bool
append(struct journal *j, char *const *word_list, struct err *err)
{
	char record[RECORD_MAX + 1], folder[PATH_MAX], txn[3 * NAME_MAX + 1];
	size_t length;

	if (!folder_name(j->name, folder, txn, err))
		return false;
	j->fd = open(j->name, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return err_sys(err, "cannot open '%s'", j->name);
	while (flock(j->fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return err_sys(err, "cannot lock '%s'", j->name);
	if (!journal_read(j, err))
		return false;
	length = record_make(record, j->seq + 1, txn, word_list, err);
	if (length == 0)
		return false;
	if (j->length == 0) {
		/* Room for a whole run, so that its undo can still be recorded on a full disk; not every disk can. */
		(void)fallocate(j->fd, FALLOC_FL_KEEP_SIZE, 0, ROOM);
		/* Before the first record, since an empty file tells the next caller to do it again. */
		if (!sync_folder(folder, err))
			return false;
	}
	if (j->length > j->good && ftruncate(j->fd, (off_t)j->good) != 0)
		return err_sys(err, "cannot cut the torn end of '%s'", j->name);
	return record_append(j, record, length, err);
}

int
main(int argc, char **argv)
{
	AUTO(journal_release) struct journal j = { .fd = -1 };
	struct err err = {0};
	bool add = false, last_only = false;
	int c;

	diag_init("journal", usage);
	while ((c = getopt(argc, argv, "alh")) != -1)
		switch (c) {
		case 'a': add = true; break;
		case 'l': last_only = true; break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	argc -= optind, argv += optind;
	if ((add && (last_only || argc < 2)) || (!add && argc != 1))
		return diag_usage();
	j.name = argv[0];
	if (add) {
		if (!is_word(argv[1], strlen(argv[1])))
			(void)err_set(&err, STATUS_USE, "'%s' is not a state", argv[1]);
		return !err.status && append(&j, argv + 1, &err) ? STATUS_OK : diag_fail(&err);
	}
	j.fd = open(j.name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (j.fd < 0 && errno == ENOENT)
		return STATUS_NO;
	if (j.fd < 0)
		(void)err_sys(&err, "cannot open '%s'", j.name);
	if (err.status || !journal_read(&j, &err))
		return diag_fail(&err);
	if (j.seq == 0)
		return STATUS_NO;
	if (!journal_print(&j, last_only, &err))
		return diag_fail(&err);
	return diag_flush();
}
