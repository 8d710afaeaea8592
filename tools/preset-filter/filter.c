/* filter.c - see filter.h */
#define _GNU_SOURCE
#include "filter.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "durable.h"

enum { CHUNK = 256 * 1024, ROOM = MATCH_PATH + 1 + CHUNK };

struct filter {
	struct matcher *m;
	char separator;
	enum filter_show show;
	struct arena *arena;
	const char **shown;      /* the text of each rule; the last one is that of none */
	int out;
	char *buffer, *pending;  /* input; output that waits */
	size_t waiting;
	const char *run, *run_end; /* records of the buffer that leave as they are, side by side */
	unsigned long long number;
	bool has_nul;
	struct err *err;
};

static bool
write_out(struct filter *f, const char *data, size_t length)
{
	return write_all(f->out, data, length) || err_sys(f->err, "cannot write to standard output");
}

static bool
put(struct filter *f, const char *data, size_t length)
{
	if (f->waiting + length > CHUNK) {
		if (!write_out(f, f->pending, f->waiting))
			return false;
		f->waiting = 0;
	}
	if (length > CHUNK)
		return write_out(f, data, length);
	memcpy(f->pending + f->waiting, data, length);
	f->waiting += length;
	return true;
}

static bool
put_run(struct filter *f)
{
	const char *run = f->run;

	f->run = NULL;
	return !run || put(f, run, (size_t)(f->run_end - run));
}

static bool
bad(struct filter *f, const char *what)
{
	return err_set(f->err, STATUS_USE, "standard input:%llu: %s", f->number, what);
}

static bool
explain(struct filter *f, const char *path, const char *end, int rule)
{
	const char **text = &f->shown[rule < 0 ? (int)f->m->rules->count : rule];

	if (!*text)
		*text = rule < 0 ? "no include matches" : rule_shown(&f->m->rules->list[rule], f->arena);
	return put(f, matcher_lets(f->m, rule) ? "+\t" : "-\t", 2) && put(f, path, (size_t)(end - path)) && put(f, "\t", 1) &&
	    put(f, *text, strlen(*text)) && put(f, &f->separator, 1);
}

/* One record; the byte at end is the separator. name is where the last component begins, in the folder entered. */
static bool
decide(struct filter *f, const char *path, const char *name, const char *end)
{
	size_t length = (size_t)(end - name);
	int rule;

	if (!length || (*name == '.' && (length == 1 || (length == 2 && name[1] == '.'))))
		return bad(f, path == end ? "the path is empty" : "the path has an empty, '.' or '..' component");
	rule = matcher_file(f->m, name, length);
	if (f->show == SHOW_ALL)
		return explain(f, path, end, rule);
	if (matcher_lets(f->m, rule) != (f->show == SHOW_PASSED))
		return put_run(f);
	if (!f->run)
		f->run = path;
	f->run_end = end + 1;
	return true;
}

static bool
enter(struct filter *f, const char *path, const char *end)
{
	const char *slash = memrchr(path, '/', (size_t)(end - path));

	if ((size_t)(end - path) > MATCH_PATH)
		return bad(f, "the path is longer than 1 MiB");
	if (*path == '/')
		return bad(f, "the path is absolute");
	return matcher_enter(f->m, path, slash ? (size_t)(slash - path) + 1 : 0) ||
	    bad(f, "the path has an empty, '.' or '..' component");
}

/* All whole records between path and end; gives where the rest begins, NULL on failure. */
static const char *
take(struct filter *f, const char *path, const char *end)
{
	const struct matcher *m = f->m;

	while (path < end) {
		const char *name = path, *stop;

		if ((size_t)(end - path) > m->folder_length && memcmp(path, m->folder, m->folder_length) == 0)
			name += m->folder_length;
		stop = memchr(name, f->separator, (size_t)(end - name));
		if (!stop)
			break;
		f->number++;
		if (f->has_nul && f->separator && memchr(path, '\0', (size_t)(stop - path)) && !bad(f, "a NUL byte"))
			return NULL;
		if (name != path + m->folder_length || memchr(name, '/', (size_t)(stop - name)) || stop - path > MATCH_PATH) {
			if (!enter(f, path, stop))
				return NULL;
			name = path + m->folder_length;
		}
		if (!decide(f, path, name, stop))
			return NULL;
		path = stop + 1;
	}
	return path;
}

bool
filter(int in, int out, struct matcher *m, char separator, enum filter_show show, struct arena *a, struct err *err)
{
	struct filter f = {.m = m, .separator = separator, .show = show, .arena = a, .out = out, .err = err};
	size_t used = 0;
	ssize_t n;

	f.shown = arena_get(a, (m->rules->count + 1) * sizeof(*f.shown));
	f.buffer = (char *)arena_get(a, MATCH_PAD + ROOM + 1 + MATCH_PAD) + MATCH_PAD;
	f.pending = arena_get(a, CHUNK);
	for (;;) {
		const char *rest;

		n = read(in, f.buffer + used, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read standard input");
		f.has_nul |= memchr(f.buffer + used, '\0', (size_t)n) != NULL;
		used += (size_t)n;
		if (!n && used) /* the last record may lack its separator */
			f.buffer[used++] = separator;
		rest = take(&f, f.buffer, f.buffer + used);
		if (!rest || !put_run(&f))
			return false;
		used -= (size_t)(rest - f.buffer);
		memmove(f.buffer, rest, used);
		if (!n)
			return write_out(&f, f.pending, f.waiting);
		if (used > MATCH_PATH) {
			f.number++;
			return bad(&f, "the path is longer than 1 MiB");
		}
	}
}
