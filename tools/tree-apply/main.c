/* tree-apply -m MANIFEST -b BACKUP ROOT - tar -> files under ROOT, whole or not at all, undone with -u */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "diag.h"
#include "durable.h"
#include "lines.h"
#include "relpath.h"
#include "apply.h"

static const char usage[] = "tree-apply [-a | -i] [-c PATH]... [-k PATHS] -m MANIFEST -b BACKUP ROOT <tar\n"
			    "       tree-apply -n [-a | -i] [-c PATH]... [-k PATHS] -m MANIFEST [-b BACKUP] ROOT <tar\n"
			    "       tree-apply -u -m MANIFEST -b BACKUP ROOT\n"
			    "       tree-apply -l <tar";

enum { MANIFEST_MAX = 512 * 1024 * 1024 };

static bool
read_manifest(struct tree *t, const struct options *o, struct manifest *m, bool *there, struct err *err)
{
	AUTO(mem_release) char *text = NULL;
	size_t length;

	*there = access(t->manifest_name, F_OK) == 0;
	if (!*there) {
		if (errno != ENOENT)
			return err_sys(err, "cannot look at '%s'", t->manifest_name);
		if (o->adopt || o->first)
			return true;
		(void)err_set(err, STATUS_USE, "manifest '%s' does not exist", t->manifest_name);
		return err_hint(err, "-i for a first install, -a to adopt files that are there already");
	}
	text = read_whole(t->manifest_name, MANIFEST_MAX, &length, err);
	return text && manifest_parse(m, &t->arena, text, length, t->manifest_name, err);
}

static bool
read_kept(struct tree *t, struct options *o, struct err *err)
{
	AUTO(file_release) FILE *in = o->kept_name ? fopen(o->kept_name, "re") : NULL;
	AUTO(lines_release) struct lines l = { .in = in, .name = o->kept_name, .separator = '\n' };
	const char *path;
	size_t length;

	if (!o->kept_name)
		return true;
	if (!in)
		return err_sys(err, "cannot open '%s'", o->kept_name);
	while ((path = lines_next(&l, &length, err)) != NULL)
		names_put(&o->kept, &t->arena, path, length)->value = "";
	return !err->status;
}

static bool
decide(struct tree *t, struct options *o, struct plan *p, struct err *err)
{
	struct entries e = {0};
	struct manifest was = {0};

	return read_kept(t, o, err) && read_manifest(t, o, &was, &p->had_manifest, err) &&
	       tar_read(t, STDIN_FILENO, o->dry ? TAR_COMPARE : TAR_STAGE, &was, &e, err) &&
	       plan_make(t, o, &was, &e, p, err);
}

static bool
save_manifests(struct tree *t, const struct plan *p, struct err *err)
{
	AUTO(mem_release) char *before = NULL;
	size_t length;
	char *after = manifest_text(&p->manifest, &t->arena, &length);

	if (!backup_file(t, "manifest.new", after, length, err))
		return false;
	if (!p->had_manifest)
		return true;
	before = read_whole(t->manifest_name, MANIFEST_MAX, &length, err);
	return before && backup_file(t, "manifest.old", before, length, err);
}

/* All that happens before the root is touched. */
static bool
prepare_all(struct tree *t, struct options *o, struct plan *p, struct err *err)
{
	return backup_begin(t, err) && decide(t, o, p, err) && stage_rest(t, p, err) && plan_save(t, p, err) &&
	       save_manifests(t, p, err) && backup_commit(t, p->op_count > 0, err);
}

static bool
go_on(struct tree *t, const struct plan *p, struct err *err)
{
	return act_forward(t, p, err) && act_manifest(t, p, false, err) && backup_turn(t, STATE_APPLIED, err);
}

static bool
go_back(struct tree *t, const struct plan *p, struct err *err)
{
	return act_back(t, p, err) && act_manifest(t, p, true, err) && backup_turn(t, STATE_UNDONE, err);
}

/* A run that fails after it began to act takes itself back; the next run of the same command starts anew. */
static void
take_back(struct tree *t, const struct plan *p, struct err *err)
{
	struct err again = {0};

	if (backup_turn(t, STATE_UNDOING, &again) && go_back(t, p, &again) && backup_clean(t, false, &again))
		return;
	diag_warn("%s", again.text);
	(void)err_hint(err, "the files are not as before: run tree-apply -u when the cause is gone");
}

static bool
fresh_run(struct tree *t, struct options *o, struct plan *p, struct err *err)
{
	struct err ignored = {0};

	if (!prepare_all(t, o, p, err)) {
		(void)backup_clean(t, false, &ignored);
		return false;
	}
	if (go_on(t, p, err))
		return true;
	take_back(t, p, err);
	return false;
}

static bool
apply(struct tree *t, struct options *o, struct plan *p, struct err *err)
{
	enum state state;

	if (!backup_open(t, true, &state, err))
		return false;
	switch (state) {
	case STATE_UNDOING:
		(void)err_set(err, STATUS_USE, "backup '%s' is of a run that is being undone", t->backup_name);
		return err_hint(err, "end that with tree-apply -u");
	case STATE_UNDONE:
		return err_set(err, STATUS_USE, "backup '%s' is of a run that was undone", t->backup_name);
	case STATE_APPLIED:
		return true;
	case STATE_APPLYING:
		t->resumed = true;
		return plan_load(t, p, err) && manifest_ours(t, p, err) && go_on(t, p, err);
	case STATE_STAGING:
		if (!backup_clean(t, false, err))
			return false;
		break;
	case STATE_NONE:
		break;
	}
	return fresh_run(t, o, p, err);
}

static bool
undo(struct tree *t, struct err *err)
{
	struct plan p = {0};
	enum state state;

	if (!backup_open(t, false, &state, err))
		return false;
	switch (state) {
	case STATE_NONE:
		return true;
	case STATE_STAGING:
		return backup_clean(t, false, err);
	case STATE_APPLYING:
	case STATE_APPLIED:
	case STATE_UNDOING:
		if (!plan_load(t, &p, err) || !manifest_ours(t, &p, err) ||
		    (state != STATE_UNDOING && !backup_turn(t, STATE_UNDOING, err)) || !go_back(t, &p, err))
			return false;
		break;
	case STATE_UNDONE:
		break;
	}
	return backup_clean(t, true, err);
}

static bool
list(struct tree *t, struct err *err)
{
	struct entries e = {0};
	struct manifest m = {0};
	size_t length, i;
	char *text;

	if (!tar_read(t, STDIN_FILENO, TAR_LIST, NULL, &e, err))
		return false;
	m.at = arena_get(&t->arena, (e.count + 1) * sizeof(*m.at));
	for (i = 0; i < e.count; i++)
		m.at[m.count++] = e.at[i].is;
	text = manifest_text(&m, &t->arena, &length);
	(void)fwrite(text, 1, length, stdout);
	return true;
}

static bool
run(struct tree *t, struct options *o, bool back, struct err *err)
{
	struct plan p = {0};

	if (!tree_open(t, o->dry, err))
		return false;
	t->manifest_inside = tree_inside(t, t->manifest_name);
	t->backup_inside = t->backup_name ? tree_inside(t, t->backup_name) : NULL;
	if (back)
		return undo(t, err);
	if (!(o->dry ? decide(t, o, &p, err) : apply(t, o, &p, err)))
		return false;
	plan_print(&p, o->dry);
	return true;
}

static bool
add_config(struct tree *t, struct options *o, const char *path, struct err *err)
{
	const char *why;

	if (!relpath_fit(path, &why))
		return err_set(err, STATUS_USE, "-c '%s': %s", path, why);
	names_put(&o->config, &t->arena, path, strlen(path))->value = "";
	return true;
}

int
main(int argc, char **argv)
{
	AUTO(tree_release) struct tree t;
	struct options o = {0};
	struct err err = {0};
	const struct note *n;
	bool back = false, only_list = false;
	int c;

	tree_init(&t);
	diag_init("tree-apply", usage);
	(void)setlocale(LC_CTYPE, "C.UTF-8"); /* libarchive converts names by it */
	(void)umask(0);                       /* modes are given in full */
	while ((c = getopt(argc, argv, "nac:ik:m:b:ulh")) != -1)
		switch (c) {
		case 'n': o.dry = true; break;
		case 'a': o.adopt = true; break;
		case 'c':
			if (!add_config(&t, &o, optarg, &err))
				return diag_fail(&err);
			break;
		case 'i': o.first = true; break;
		case 'k': o.kept_name = optarg; break;
		case 'm': t.manifest_name = optarg; break;
		case 'b': t.backup_name = optarg; break;
		case 'u': back = true; break;
		case 'l': only_list = true; break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	argc -= optind, argv += optind;
	if (only_list && argc == 0 && !t.manifest_name && !t.backup_name && !o.kept_name && !o.config.count && !back &&
	    !(o.dry || o.adopt || o.first))
		return list(&t, &err) ? diag_flush() : diag_fail(&err);
	if (only_list || argc != 1 || !t.manifest_name || (!t.backup_name && !o.dry) || (o.adopt && o.first) ||
	    (back && (o.dry || o.adopt || o.first || o.kept_name || o.config.count)))
		return diag_usage();
	t.root_name = argv[0];
	c = run(&t, &o, back, &err) ? STATUS_OK : err.status;
	for (n = t.notes; n; n = n->next)
		diag_warn("%s", n->text);
	return c == STATUS_OK ? diag_flush() : diag_fail(&err);
}
