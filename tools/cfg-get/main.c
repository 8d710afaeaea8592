/* cfg-get [-0j] [-d DEFAULT] [-e ENVIRONMENT] [-E ENVFILE] [-f FILE]... PATH - YAML or JSON -> the value at a dotted path */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "check.h"
#include "conf.h"
#include "diag.h"
#include "json.h"
#include "keys.h"

static const char usage[] = "cfg-get [-0j] [-d DEFAULT] [-e ENVIRONMENT] [-E ENVFILE] [-f FILE]... PATH\n"
    "       cfg-get -k KEYS [-f FILE]...";

struct wanted {
	char separator; /* LF, or NUL with -0 */
	bool json;
	const char *fallback;
};

/* One item or key a line; an item that would read as two is refused. */
static bool
put_line(FILE *out, const struct conf *c, const struct conf_place *p, const char *text, char separator, struct err *err)
{
	if (separator == '\n' && strchr(text, '\n')) {
		(void)err_set(err, STATUS_USE, "%s:%u: '%s' holds a line feed", p->node->file, p->node->line, conf_path(c, p));
		return err_hint(err, "-0 or -j prints it");
	}
	(void)fputs(text, out);
	(void)putc(separator, out);
	return true;
}

static bool
put_lines(FILE *out, const struct conf *c, const struct conf_place *p, char separator, struct err *err)
{
	size_t i, count = conf_count(p);
	struct conf_value v;

	for (i = 0; i < count; i++) {
		struct conf_place child = conf_nth(p, i);

		if (p->node->kind == NODE_MAP)
			v.text = child.key;
		else if (!conf_text(c, &child, &v, err))
			return child.node->kind == NODE_SCALAR ? false : err_hint(err, "-j prints it");
		if (!put_line(out, c, &child, v.text ? v.text : "", separator, err))
			return false;
	}
	return true;
}

/* Everything is in memory before the first byte leaves, so that an error has no half result. */
static int
print(const struct conf *c, const struct conf_place *p, const struct wanted *w, struct err *err)
{
	AUTO(mem_release) char *text = NULL;
	AUTO(file_release) FILE *out = NULL;
	bool many = p->node && p->node->kind != NODE_SCALAR;
	struct conf_value v = {0};
	size_t length;

	if (!many && !conf_text(c, p, &v, err))
		return diag_fail(err);
	if (!many && !v.text && !w->fallback)
		return STATUS_NO; /* absent is an answer: say nothing, let the caller decide */
	out = open_memstream(&text, &length);
	if (!out && !err_sys(err, "cannot get memory"))
		return diag_fail(err);
	if (many && !w->json) {
		if (!put_lines(out, c, p, w->separator, err))
			return diag_fail(err);
	} else {
		if (!many && !v.text)
			(void)fputs(w->fallback, out);
		else if (!w->json)
			(void)fputs(v.text, out);
		else if (!json_put(out, c, p, err))
			return diag_fail(err);
		(void)putc(w->separator, out);
	}
	if ((ferror(out) || fflush(out) != 0) && !err_sys(err, "cannot get memory"))
		return diag_fail(err);
	(void)fwrite(text, 1, length, stdout);
	return diag_flush();
}

static int
check_keys(const struct conf *c, const char *table, struct err *err)
{
	const struct key *keys = keys_load(c->arena, table, err);
	struct faults *faults = arena_get(c->arena, sizeof(*faults));
	size_t i;

	if (!keys)
		return diag_fail(err);
	check(faults, c, keys);
	for (i = 0; i < faults->count && i < FAULTS_TOLD; i++)
		(void)diag_fail(&faults->told[i]);
	if (faults->count > FAULTS_TOLD)
		diag_warn("and %zu more", faults->count - FAULTS_TOLD);
	return faults->count ? STATUS_USE : STATUS_OK;
}

int
main(int argc, char **argv)
{
	AUTO(arena_release) struct arena arena = {0};
	struct wanted wanted = {.separator = '\n'};
	struct conf_source source = {0};
	const struct conf_place *place;
	const char **files, *keys = NULL;
	struct err err = {0};
	struct conf conf;
	int c;

	diag_init("cfg-get", usage);
	source.files = files = arena_get(&arena, (size_t)argc * sizeof(*files));
	while ((c = getopt(argc, argv, "0jd:e:E:f:k:h")) != -1)
		switch (c) {
		case '0': wanted.separator = '\0'; break;
		case 'j': wanted.json = true; break;
		case 'd': wanted.fallback = optarg; break;
		case 'e': source.environment = optarg; break;
		case 'E': source.dotenv = optarg; break;
		case 'f': files[source.count++] = optarg; break;
		case 'k': keys = optarg; break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	if (argc - optind != (keys ? 0 : 1))
		return diag_usage();
	if (keys && (wanted.separator != '\n' || wanted.json || wanted.fallback || source.environment || source.dotenv))
		return diag_usage();
	if (!conf_open(&conf, &arena, &source, &err))
		return diag_fail(&err);
	if (keys)
		return check_keys(&conf, keys, &err);
	if (!(place = conf_find(&conf, argv[optind], &err)))
		return diag_fail(&err);
	return print(&conf, place, &wanted, &err);
}
