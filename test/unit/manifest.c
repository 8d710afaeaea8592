/* manifest.c - reading, finding and writing manifests (TAP) */
#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "manifest.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int number;
static int failures;

static void
ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
	failures += !good;
}

static const struct {
	const char *text, *error;
} bad[] = {
	{SHA "\t644\t1\ta", "m:1: manifest ends early"},
	{"\n", "m:1: no SHA-256 in front"},
	{SHA "0\t644\t1\ta\n", "m:1: no SHA-256 in front"},
	{"X" SHA "\t644\t1\ta\n", "m:1: no SHA-256 in front"},
	{SHA "\n", "m:1: no SHA-256 in front"},
	{SHA "\t600\t1\ta\n", "m:1: mode is not 644, 755 or 120000"},
	{SHA "\t644\n", "m:1: mode is not 644, 755 or 120000"},
	{SHA "\t644\t\ta\n", "m:1: size is not a number"},
	{SHA "\t644\t-1\ta\n", "m:1: size is not a number"},
	{SHA "\t644\t 1\ta\n", "m:1: size is not a number"},
	{SHA "\t644\t99999999999999999999\ta\n", "m:1: size is not a number"},
	{SHA "\t644\t1\n", "m:1: size is not a number"},
	{SHA "\t644\t1\t\n", "m:1: empty path"},
	{SHA "\t644\t1\t/a\n", "m:1: absolute path"},
	{SHA "\t644\t1\tb\n" SHA "\t644\t1\ta\n", "m:2: path is not in order"},
	{SHA "\t644\t1\ta\n" SHA "\t644\t1\ta\n", "m:2: path is not in order"},
	{SHA "\t644\t1\ta\r\n", "m:1: control byte in the name"},
};

int
main(void)
{
	static const char text[] = SHA "\t644\t1\ta b\n" SHA "\t755\t22\ta/b\n" SHA "\t120000\t3\t\xc3\xa4\n";
	AUTO(arena_release) struct arena arena = {0};
	struct manifest m = {0};
	struct err err = {0};
	size_t length, i;
	char *again;

	printf("1..%zu\n", 8 + sizeof(bad) / sizeof(*bad));
	ok(manifest_parse(&m, &arena, text, strlen(text), "m", &err) && m.count == 3, "reads three entries");
	ok(m.at[1].mode == MANIFEST_EXEC && m.at[1].size == 22 && !strcmp(m.at[1].sha, SHA), "with mode, size and hash");
	ok(manifest_find(&m, "a/b") == &m.at[1] && manifest_find(&m, "\xc3\xa4")->mode == MANIFEST_LINK, "finds paths");
	ok(!manifest_find(&m, "a"), "does not find what is not there");
	again = manifest_text(&m, &arena, &length);
	ok(length == strlen(text) && !memcmp(again, text, length), "writes what it read");
	ok(manifest_parse(&m, &arena, "", 0, "m", &err) && m.count == 0 && !manifest_find(&m, "a"), "an empty one holds nothing");
	ok(!manifest_parse(&m, &arena, SHA "\t644\t1\ta\0b\n", 64 + 11, "m", &err) &&
	       !strcmp(err.text, "m:1: line holds a NUL byte"), "a NUL byte is refused");
	(void)manifest_text(&(struct manifest){0}, &arena, &length);
	ok(length == 0, "writes nothing for an empty one");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = {0};

		ok(!manifest_parse(&m, &arena, bad[i].text, strlen(bad[i].text), "m", &e) && e.status == STATUS_USE &&
		       !strcmp(e.text, bad[i].error), bad[i].error);
	}
	return failures > 0;
}
