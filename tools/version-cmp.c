/* version-cmp [-0ir] or version-cmp A B - sort versions, oldest first, or compare two */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "auto.h"
#include "diag.h"
#include "lines.h"
#include "version.h"

static const char usage[] = "version-cmp [-0ir] <VERSIONS\n       version-cmp A B";

struct record {
	struct version version;
	const char *text;
	unsigned long number;
};

struct list {
	struct record *at;
	size_t count, room;
};

static bool
read_versions(struct lines *in, bool skip, struct arena *arena, struct list *list, struct err *err)
{
	struct record *r;
	size_t length;
	char *text;

	while ((text = lines_next(in, &length, err))) {
		if (list->count == list->room) {
			list->room = list->room ? 2 * list->room : 256;
			list->at = arena_grow(arena, list->at, list->count * sizeof(*r), list->room * sizeof(*r));
		}
		r = list->at + list->count;
		r->text = arena_dup(arena, text, length);
		r->number = in->number;
		if (version_parse(r->text, length, &r->version))
			list->count++;
		else if (!skip)
			return err_set(err, STATUS_USE, "%s:%lu: '%s' is not a version", in->name, in->number, text);
	}
	return !err->status;
}

/* The place in the input decides between equals, so that the order is stable. */
static int
oldest_first(const void *left, const void *right)
{
	const struct record *a = left, *b = right;
	int c = version_compare(&a->version, &b->version);

	return c ? c : (a->number > b->number) - (a->number < b->number);
}

static int
newest_first(const void *left, const void *right)
{
	const struct record *a = left, *b = right;
	int c = version_compare(&b->version, &a->version);

	return c ? c : (a->number > b->number) - (a->number < b->number);
}

static bool
compare(char **operand, struct err *err)
{
	struct version v[2];
	int i, c;

	for (i = 0; i < 2; i++)
		if (!version_parse(operand[i], strlen(operand[i]), v + i))
			return err_set(err, STATUS_USE, "'%s' is not a version", operand[i]);
	c = version_compare(v, v + 1);
	(void)puts(c < 0 ? "<" : c > 0 ? ">" : "=");
	return true;
}

int
main(int argc, char **argv)
{
	AUTO(arena_release) struct arena arena = {0};
	AUTO(lines_release) struct lines in = {.in = stdin, .name = "standard input", .separator = '\n'};
	struct list list = {0};
	struct err err = {0};
	bool reverse = false, skip = false;
	size_t i;
	int c;

	diag_init("version-cmp", usage);
	while ((c = getopt(argc, argv, "0irh")) != -1)
		switch (c) {
		case '0': in.separator = '\0'; break;
		case 'i': skip = true; break;
		case 'r': reverse = true; break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	if (argc - optind == 2 && in.separator == '\n' && !skip && !reverse)
		return compare(argv + optind, &err) ? diag_flush() : diag_fail(&err);
	if (argc != optind)
		return diag_usage();
	if (!read_versions(&in, skip, &arena, &list, &err))
		return diag_fail(&err);
	if (list.count > 1)
		qsort(list.at, list.count, sizeof(*list.at), reverse ? newest_first : oldest_first);
	for (i = 0; i < list.count; i++) {
		(void)fputs(list.at[i].text, stdout);
		(void)putchar(in.separator);
	}
	return diag_flush();
}
