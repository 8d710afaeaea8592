/* planfile.c - the plan on the disk: all that going on or back needs; see apply.h
 *
 * Lines of TAB-separated words, the path last; the last line is `end`, the number of lines before it, and their
 * SHA-256. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "durable.h"
#include "apply.h"

enum { PLAN_MAX = 1024 * 1024 * 1024, WORDS = 14 };

static const char title[] = "tree-apply-plan\t1\n";

bool
plan_save(struct tree *t, const struct plan *p, struct err *err)
{
	AUTO(mem_release) char *text = NULL;
	char hex[HASH_HEX];
	size_t length = 0, i, lines = 3;
	FILE *f = open_memstream(&text, &length);

	if (!f)
		return err_sys(err, "cannot make the plan file");
	(void)fprintf(f, "%sroot\t%" PRIu64 "\nmanifest\t%d\n", title, p->root_ino, p->had_manifest);
	for (i = 0; i < p->op_count; i++, lines++) {
		const struct op *op = &p->ops[i];

		(void)fprintf(f, "do\t%c\t%lu\t%d\t%d\t%s\t%o\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\t%s\n",
		              (char)op->act, op->number, op->has_old, op->aside, op->is.sha[0] ? op->is.sha : "-", op->is.mode,
		              op->is.size, op->was.ino, op->was.size, op->was.sec, op->was.nsec, op->path);
	}
	for (i = 0; i < p->line_count; i++)
		if (p->lines[i].letter != '=') {
			(void)fprintf(f, "say\t%c\t%s\t%s\n", p->lines[i].letter, p->lines[i].reason, p->lines[i].path);
			lines++;
		}
	if (fflush(f) != 0 || !hash_bytes(text, length, hex, err)) {
		(void)fclose(f);
		return err_sys(err, "cannot make the plan file");
	}
	(void)fprintf(f, "end\t%zu\t%s\n", lines, hex);
	if (fclose(f) != 0)
		return err_sys(err, "cannot make the plan file");
	return backup_file(t, "plan", text, length, err);
}

/* Cuts the line into at most WORDS words; how many there are. */
static size_t
words_of(char *line, char *word[WORDS])
{
	size_t n = 0;
	char *tab;

	for (;;) {
		word[n++] = line;
		tab = strchr(line, '\t');
		if (!tab || n == WORDS)
			return n;
		*tab = '\0';
		line = tab + 1;
	}
}

static bool
line_load(struct plan *p, char *line)
{
	char *w[WORDS];
	const size_t n = words_of(line, w);

	if (n == 2 && !strcmp(w[0], "root")) {
		p->root_ino = strtoull(w[1], NULL, 10);
	} else if (n == 2 && !strcmp(w[0], "manifest")) {
		p->had_manifest = w[1][0] == '1';
	} else if (n == 13 && !strcmp(w[0], "do")) {
		struct op *op = &p->ops[p->op_count++];

		op->act = (enum act)w[1][0];
		op->number = strtoul(w[2], NULL, 10);
		op->has_old = w[3][0] == '1';
		op->aside = w[4][0] == '1';
		if (strlen(w[5]) == HASH_HEX - 1)
			memcpy(op->is.sha, w[5], HASH_HEX);
		op->is.mode = (unsigned)strtoul(w[6], NULL, 8);
		op->is.size = strtoull(w[7], NULL, 10);
		op->was = (struct ident){ .ino = strtoull(w[8], NULL, 10), .size = strtoull(w[9], NULL, 10),
			                  .sec = strtoll(w[10], NULL, 10), .nsec = strtoll(w[11], NULL, 10) };
		op->path = op->is.path = w[12];
		return strchr("drmp", w[1][0]) != NULL;
	} else if (n == 4 && !strcmp(w[0], "say")) {
		p->lines[p->line_count++] = (struct line){ .letter = w[1][0], .path = w[3], .reason = w[2] };
	} else {
		return n == 2 && !strncmp(title, w[0], strlen(w[0]));
	}
	return true;
}

bool
plan_load(struct tree *t, struct plan *p, struct err *err)
{
	AUTO(mem_release) char *raw = NULL;
	char hex[HASH_HEX], footer[128];
	size_t length, body, lines = 0, i;
	char *text, *line, *lf;

	raw = read_whole(backup_path(t, "plan"), PLAN_MAX, &length, err);
	if (!raw)
		return false;
	text = arena_dup(&t->arena, raw, length);
	for (body = length > 1 ? length - 1 : 0; body > 0 && text[body - 1] != '\n'; body--)
		;
	for (i = 0; i < body; i++)
		lines += text[i] == '\n';
	if (!hash_bytes(text, body, hex, err))
		return false;
	(void)snprintf(footer, sizeof(footer), "end\t%zu\t%s\n", lines, hex);
	p->ops = arena_get(&t->arena, (lines + 1) * sizeof(*p->ops));
	p->lines = arena_get(&t->arena, (lines + 1) * sizeof(*p->lines));
	if (strcmp(text + body, footer) != 0 || strncmp(text, title, strlen(title)) != 0)
		return err_set(err, STATUS_USE, "'%s' is damaged", backup_path(t, "plan"));
	for (line = text; line < text + body; line = lf + 1) {
		lf = strchr(line, '\n');
		*lf = '\0';
		if (!line_load(p, line))
			return err_set(err, STATUS_USE, "'%s' holds a line of another version", backup_path(t, "plan"));
	}
	if (p->root_ino == t->root_st.st_ino)
		return true;
	return err_set(err, STATUS_USE, "backup '%s' belongs to another folder than '%s'", t->backup_name, t->root_name);
}
