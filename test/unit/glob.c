/* glob.c - patterns against names, and how long the worst of them take (TAP) */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auto.h"
#include "glob.h"

static int number;
static int failures;

static void
ok(int good, const char *what, const char *a, const char *b)
{
	printf("%sok %d - %s: %s %s\n", good ? "" : "not ", ++number, what, a, b);
	failures += !good;
}

static const struct { const char *pattern, *yes[5], *no[6]; } cases[] = {
	{"abc", {"abc"}, {"", "ab", "abcd", "Abc", "xabc"}},
	{"*", {"", "a", ".hidden", "a b"}, {NULL}},
	{"*.pyc", {".pyc", "a.pyc", "a.b.pyc"}, {"pyc", "a.pyc ", "a.pyo"}},
	{"a*", {"a", "ab", "a*"}, {"", "ba"}},
	{"*a*", {"a", "bab", "aa"}, {"", "b"}},
	{"a*b*c", {"abc", "axbxc", "abcbc", "abbc"}, {"ab", "acb", "abcx"}},
	{"postgresql.*.conf", {"postgresql.test.conf", "postgresql..conf"}, {"postgresql.conf", "xpostgresql.a.conf"}},
	{"a**b", {"ab", "axb"}, {"a", "b"}},
	{"?", {"a", "*", "\xff"}, {"", "ab", "\xc3\xa9"}},
	{"*?*", {"a", "ab"}, {""}},
	{"[abc]", {"a", "c"}, {"", "d", "ab", "[abc]"}},
	{"[a-c]x", {"ax", "cx"}, {"dx", "x", "-x"}},
	{"[!a-c]", {"d", "-", "!"}, {"a", "c", ""}},
	{"[^a-c]", {"d", "^"}, {"b"}},
	{"[]a]", {"]", "a"}, {"b"}},
	{"[!]a]", {"b", "["}, {"]", "a"}},
	{"[a-]", {"a", "-"}, {"b"}},
	{"[-a]", {"a", "-"}, {"b"}},
	{"[b-a]", {"b"}, {"a", "-"}},
	{"[\\]x]", {"]", "x"}, {"\\"}},
	{"[a\\-c]", {"a", "-", "c"}, {"b"}},
	{"[[:digit:]x]", {"0", "9", "x"}, {"a", ":", "["}},
	{"[![:space:]]", {"a", "\v"}, {" ", "\n"}},
	{"[[:a]", {"[", ":", "a"}, {"b"}},
	{"[x/y]", {"x", "y"}, {"/"}},
	{"[!x]", {"y"}, {"/", "x"}},
	{"\\*", {"*"}, {"a", "\\*"}},
	{"\\!x", {"!x"}, {"x", "\\!x"}},
	{"a\\bc", {"abc"}, {"a\\bc"}},
	{"\\[a]", {"[a]"}, {"a"}},
	{"a*a*a*a*b", {"aaaab", "aXaXaXaXb"}, {"aaab", "aaaaaaaaaaaaaaaaaaaa"}},
};

static const char *const broken[] = {"a\\", "\\", "[", "[]", "[!]", "[a", "[[:nope:]]", "[[::]]", "[a\\", "x[a-", "[\\]"};

int
main(void)
{
	AUTO(arena_release) struct arena a = {0};
	static char name[1 << 20];
	const char *why;
	struct glob g;
	clock_t began;
	size_t i, j;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *p = cases[i].pattern;
		int good = glob_compile(&g, &a, p, strlen(p), &why);

		for (j = 0; j < 5 && cases[i].yes[j]; j++)
			ok(good && glob_match(&g, cases[i].yes[j], strlen(cases[i].yes[j])), "matches", p, cases[i].yes[j][0] < ' ' ?
			    "-" : cases[i].yes[j]);
		for (j = 0; j < 6 && cases[i].no[j]; j++)
			ok(good && !glob_match(&g, cases[i].no[j], strlen(cases[i].no[j])), "does not match", p,
			    cases[i].no[j][0] < ' ' ? "-" : cases[i].no[j]);
	}
	for (i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		why = NULL;
		ok(!glob_compile(&g, &a, broken[i], strlen(broken[i]), &why) && why, "is refused", broken[i], why ? why : "");
	}
	ok(glob_compile(&g, &a, "a\0*", 3, &why) && glob_match(&g, "a\0b", 3) && !glob_match(&g, "ab", 2), "counts a NUL as a byte",
	    "", "");
	memset(name, 'a', sizeof(name));
	began = clock();
	ok(glob_compile(&g, &a, "a*a*a*a*a*a*a*a*b", 17, &why) && !glob_match(&g, name, sizeof(name)), "no match", "a*a*...b", "");
	ok(clock() - began < CLOCKS_PER_SEC, "is done with a megabyte within a second", "a*a*...b", "");
	printf("1..%d\n", number);
	return failures != 0;
}
