/* rules.c - see rules.h */
#include "rules.h"

#include <string.h>

#include "scalar.h"

static const char *const built_in[] = {"/.env", ".git", ".slipway/", "config/.version", "docker-compose.override.yml",
    "docker-compose.override.yaml", "compose.override.yml", "compose.override.yaml"};
static const char *const built_in_server[] = {"config/settings.yaml", "config/tenant/"};

bool
rule_includes(const struct rule *r)
{
	return r->level == LEVEL_CUSTOM_INCLUDE || r->level == LEVEL_PRESET_INCLUDE;
}

const char *
rule_shown(const struct rule *r, struct arena *a)
{
	if (r->level == LEVEL_BUILT_IN)
		return arena_fmt(a, "built-in: %s", *r->text == '/' ? r->text + 1 : r->text);
	return arena_fmt(a, "%s: %s (%s:%u)", r->key, r->text, r->node->file, r->node->line);
}

static struct rule *
add(struct rules *r, struct arena *a, enum level level)
{
	struct rule *one;

	if (r->count == r->room) {
		size_t more = r->room ? 2 * r->room : 64;

		r->list = arena_grow(a, r->list, r->room * sizeof(*r->list), more * sizeof(*r->list));
		r->room = more;
	}
	one = &r->list[r->count++];
	one->level = level;
	return one;
}

static bool
add_built_in(struct rules *r, struct arena *a, const char *const *texts, size_t count, struct err *err)
{
	const char *why;
	size_t i;

	for (i = 0; i < count; i++) {
		struct rule *one = add(r, a, LEVEL_BUILT_IN);

		one->text = texts[i];
		if (!pattern_compile(&one->pattern, a, one->text, false, &why))
			return err_set(err, STATUS_SYS, "built-in '%s' %s", one->text, why);
	}
	return true;
}

static bool
bad_kind(const struct conf *c, const struct conf_place *p, const char *wanted, struct err *err)
{
	return err_set(err, STATUS_USE, "%s:%u: '%s' is %s, not %s", p->node->file, p->node->line, conf_path(c, p),
	    node_is_null(p->node) ? "empty" : p->node->kind == NODE_SCALAR ? "one value" : p->node->kind == NODE_LIST ?
	    "a list" : "a mapping", wanted);
}

/* An absent or empty key is a list without items. */
static bool
is_list(const struct conf *c, const struct conf_place *p, struct err *err)
{
	return node_is_null(p->node) || p->node->kind == NODE_LIST || bad_kind(c, p, "a list", err);
}

static bool
item(const struct conf *c, const struct conf_place *list, size_t i, const char *wanted, const char **text, struct err *err)
{
	struct conf_place p = conf_nth(list, i);
	struct conf_value v;

	if (p.node->kind != NODE_SCALAR)
		return bad_kind(c, &p, wanted, err);
	if (!conf_text(c, &p, &v, err))
		return false;
	*text = v.text;
	return v.text ? true : bad_kind(c, &p, wanted, err);
}

static bool
add_list(struct rules *r, const struct conf *c, const struct conf_place *list, enum level level, struct err *err)
{
	const char *key = conf_path(c, list), *why;
	size_t i;

	if (!is_list(c, list, err))
		return false;
	for (i = 0; i < conf_count(list); i++) {
		struct rule *one = add(r, c->arena, level);

		one->key = key;
		one->node = list->node->items[i];
		if (!item(c, list, i, "a pattern", &one->text, err))
			return false;
		if (pattern_compile(&one->pattern, c->arena, one->text, rule_includes(one), &why))
			continue;
		(void)err_set(err, STATUS_USE, "%s:%u: pattern '%s' %s", one->node->file, one->node->line, one->text, why);
		return *one->text == '!' ? err_hint(err, "put what an exclude is not to take into custom_include; "
		    "a name that begins with '!' is written '\\!'") : false;
	}
	return true;
}

static const char *
known_presets(const struct conf *c, const struct conf_place *presets)
{
	const char *names = "";
	size_t i;

	for (i = 0; i < conf_count(presets); i++)
		names = arena_fmt(c->arena, "%s%s%s", names, i ? ", " : "", conf_nth(presets, i).key);
	return *names ? names : "none";
}

/* Adds the include or exclude lists, whichever key names, of the section's presets. */
static bool
add_presets(struct rules *r, const struct conf *c, const struct conf_place *section, const char *key, enum level level,
    struct err *err)
{
	struct conf_place root = {.node = c->root}, all = conf_child(&root, "deployment_presets");
	struct conf_place names = conf_child(section, "presets");
	size_t i;

	if (!node_is_null(all.node) && all.node->kind != NODE_MAP)
		return bad_kind(c, &all, "a mapping", err);
	if (!is_list(c, &names, err))
		return false;
	for (i = 0; i < conf_count(&names); i++) {
		struct conf_place preset, list;
		const char *name;

		if (!item(c, &names, i, "the name of a preset", &name, err))
			return false;
		preset = conf_child(&all, name);
		if (!preset.node)
			return err_set(err, STATUS_USE, "%s:%u: unknown preset '%s' (known: %s)", names.node->items[i]->file,
			    names.node->items[i]->line, name, known_presets(c, &all));
		if (!node_is_null(preset.node) && preset.node->kind != NODE_MAP)
			return bad_kind(c, &preset, "a mapping", err);
		list = conf_child(&preset, key);
		if (!add_list(r, c, &list, level, err))
			return false;
	}
	return true;
}

/* `full_sync: true` is an include of everything. */
static bool
add_full_sync(struct rules *r, const struct conf *c, const struct conf_place *section, struct err *err)
{
	struct conf_place p = conf_child(section, "full_sync");
	const char *token = NULL, *why;
	struct conf_value v;
	struct rule *one;

	if (p.node && p.node->kind != NODE_SCALAR)
		return bad_kind(c, &p, "true or false", err);
	if (!conf_text(c, &p, &v, err))
		return false;
	if (v.text)
		token = scalar_json(c->arena, v.text);
	if (!v.text || (token && strcmp(token, "false") == 0))
		return true;
	if (!token || strcmp(token, "true") != 0)
		return err_set(err, STATUS_USE, "%s:%u: '%s' is neither true nor false", section->node->file,
		    p.node ? p.node->line : section->node->line, conf_path(c, &p));
	one = add(r, c->arena, LEVEL_PRESET_INCLUDE);
	one->key = conf_path(c, &p);
	one->node = p.node ? p.node : section->node;
	one->text = "true";
	return pattern_compile(&one->pattern, c->arena, "**", true, &why);
}

bool
rules_read(struct rules *r, const struct conf *c, const char *section, struct err *err)
{
	const struct conf_place *p = conf_find(c, section, err), *top = p;
	struct conf_place exclude, include;
	size_t i;

	*r = (struct rules){0};
	if (!p)
		return false;
	if (node_is_null(p->node))
		return err_set(err, STATUS_USE, "%s: no '%s' there", c->root->file, section);
	if (p->node->kind != NODE_MAP)
		return bad_kind(c, p, "a mapping", err);
	while (top->up && top->up->up)
		top = top->up;
	exclude = conf_child(p, "custom_exclude");
	include = conf_child(p, "custom_include");
	if (!add_built_in(r, c->arena, built_in, sizeof(built_in) / sizeof(*built_in), err) ||
	    (top->key && strcmp(top->key, "server_update") == 0 &&
	    !add_built_in(r, c->arena, built_in_server, sizeof(built_in_server) / sizeof(*built_in_server), err)) ||
	    !add_list(r, c, &exclude, LEVEL_CUSTOM_EXCLUDE, err) || !add_list(r, c, &include, LEVEL_CUSTOM_INCLUDE, err) ||
	    !add_presets(r, c, p, "exclude", LEVEL_PRESET_EXCLUDE, err) ||
	    !add_presets(r, c, p, "include", LEVEL_PRESET_INCLUDE, err) || !add_full_sync(r, c, p, err))
		return false;
	for (i = 0; i < r->count; i++)
		if (rule_includes(&r->list[i]))
			return true;
	(void)err_set(err, STATUS_USE, "%s:%u: no include in '%s'", p->node->file, p->node->line, conf_path(c, p));
	return err_hint(err, "name a preset that has one, or a custom_include");
}
