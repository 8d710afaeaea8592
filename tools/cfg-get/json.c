/* json.c - see json.h */
#include "json.h"

#include <string.h>

#include "scalar.h"
#include "utf8.h"

static void
put_string(FILE *out, const char *s)
{
	static const char special[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *found;

	(void)putc('"', out);
	for (; *s; s++) {
		if ((found = strchr(special, *s)))
			(void)fprintf(out, "\\%c", letter[found - special]);
		else if ((unsigned char)*s < 0x20)
			(void)fprintf(out, "\\u%04x", (unsigned)*s);
		else
			(void)putc(*s, out);
	}
	(void)putc('"', out);
}

static bool
put_scalar(FILE *out, const struct conf *c, const struct conf_place *p, struct err *err)
{
	const char *token = NULL;
	struct conf_value v;

	if (!conf_text(c, p, &v, err))
		return false;
	if (!v.text)
		token = "null";
	else if (!p->node || p->node->plain)
		token = scalar_json(c->arena, v.text);
	if (token && v.given && (strcmp(token, v.text) != 0 || strcmp(token, "null") == 0))
		token = NULL;
	if (token)
		return fputs(token, out) >= 0;
	if (v.given && utf8_prefix(v.text, strlen(v.text)) != strlen(v.text))
		return err_set(err, STATUS_USE, "%s: what a variable gives is not UTF-8", conf_path(c, p));
	put_string(out, v.text);
	return true;
}

bool
json_put(FILE *out, const struct conf *c, const struct conf_place *p, struct err *err)
{
	size_t i, count = conf_count(p);
	bool map;

	if (!p->node || p->node->kind == NODE_SCALAR)
		return put_scalar(out, c, p, err);
	map = p->node->kind == NODE_MAP;
	(void)putc(map ? '{' : '[', out);
	for (i = 0; i < count; i++) {
		struct conf_place child = conf_nth(p, i);

		if (i)
			(void)putc(',', out);
		if (map) {
			put_string(out, child.key);
			(void)putc(':', out);
		}
		if (!json_put(out, c, &child, err))
			return false;
	}
	(void)putc(map ? '}' : ']', out);
	return true;
}
