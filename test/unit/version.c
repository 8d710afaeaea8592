/* version.c - the order of versions, pair by pair (TAP) */
#include <stdio.h>
#include <string.h>

#include "version.h"

static int number;
static int failures;

static void
ok(int good, const char *what, const char *a, const char *b)
{
	printf("%sok %d - %s: %s %s\n", good ? "" : "not ", ++number, what, a, b);
	failures += !good;
}

static int
parse(const char *text, struct version *v)
{
	return version_parse(text, strlen(text), v);
}

/* Each chain ascends; every pair of it is compared both ways. */
static const char *const chains[][12] = {
	{"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
	    "1.0.0-rc.1", "1.0.0", "2.0.0", "2.1.0", "2.1.1"},
	{"1.2.1-rc-1", "1.2.1", "1.2.1b-rc-1", "1.2.1b", "1.2.1g", "1.2.1z", "1.2.1aa", "1.2.2"},
	{"1.9.0", "1.10.0", "1.10.0.1", "1.10.1", "1.99999999999999999999", "1.100000000000000000000"},
	{"0.1-beta-9", "0.1-beta-10", "0.1-beta-10-1", "0.1-beta-x", "0.1-rc", "0.1", "0.1.0.0b", "0.1.1"},
	{"1.0-1", "1.0-2", "1.0-10", "1.0-A", "1.0-a", "1.0-a-0", "1.0-a0", "1.0"},
};

static const char *const equals[][2] = {
	{"1.2", "1.2.0"}, {"v1.2.3", "1.2.3"}, {"V1.2.3", "v1.2.3.0"}, {"1.2.3+a", "1.2.3+b.1-2"}, {"01.002.3", "1.2.3"},
	{"1.2-beta-9", "1.2-beta.9"}, {"1.2-beta-09", "1.2-beta-9"}, {"0.0", "00.000"},
};

static const char *const not_versions[] = {
	"", "v", "1", "v1", "1.", ".1", "1..2", "1.2.", "1.2.3.4.5", "1.2-", "1.2+", "1.2-a..b", "1.2-a--b", "1.2--",
	"1.2-a-", "1.2+a+b", "1.2B", "1.2b1", "1.2 ", " 1.2", "-1.2", "1.-2", "vv1.2", "1.2\n", "$(id)", "--upload-pack=x",
	"1.2rc", "1.2beta", "1.2.3alpha-1", "1.2_3", "1,2", "\303\2511.2", "latest", "1.2-\xc3\xa9",
};

static const char *const versions[] = {
	"1.2", "1.2.3", "1.2.3.4", "1.0.0-0.3.7", "1.0.0-0a", "1.0.0+001", "1.2.1b-rc-1+x", "1.2betas", "0.0",
};

int
main(void)
{
	struct version a, b;
	char long_one[400], out[16];
	size_t c, i, j;

	for (c = 0; c < sizeof(chains) / sizeof(*chains); c++)
		for (i = 0; i < 12 && chains[c][i]; i++)
			for (j = 0; j < 12 && chains[c][j]; j++) {
				int good = parse(chains[c][i], &a) && parse(chains[c][j], &b), r;

				r = good ? version_compare(&a, &b) : 9;
				ok(good && (r > 0) - (r < 0) == (i > j) - (i < j), "ordered", chains[c][i], chains[c][j]);
			}
	for (i = 0; i < sizeof(equals) / sizeof(*equals); i++)
		ok(parse(equals[i][0], &a) && parse(equals[i][1], &b) && version_compare(&a, &b) == 0, "equal precedence",
		    equals[i][0], equals[i][1]);
	for (i = 0; i < sizeof(not_versions) / sizeof(*not_versions); i++)
		ok(!parse(not_versions[i], &a), "no version", i == 27 ? "(LF)" : not_versions[i], "");
	for (i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		ok(parse(versions[i], &a), "a version", versions[i], "");
	ok(!version_parse("1.2\0.3", 6, &a), "no version", "with a NUL inside", "");
	ok(version_parse("1.2.3", 3, &a) && parse("1.2", &b) && !version_compare(&a, &b), "length counts, not the NUL", "1.2", "");
	ok(parse("1.2-rc-1", &a) && version_is_prerelease(&a), "pre-release", "1.2-rc-1", "");
	ok(parse("1.2g", &a) && !version_is_prerelease(&a), "no pre-release", "1.2g", "");
	ok(parse("v1.2.1g-rc-1+b", &a) && version_numbers(&a, out, sizeof(out)) && !strcmp(out, "v1.2.1"), "numbers", out, "");
	ok(!version_numbers(&a, out, 6), "numbers", "that do not fit", "");
	ok(parse("V0.02", &a) && version_numbers(&a, out, sizeof(out)) && !strcmp(out, "v0.02"), "numbers", out, "");
	memset(long_one, '7', sizeof(long_one));
	memcpy(long_one, "v1.", 3);
	long_one[sizeof(long_one) - 1] = '\0';
	ok(parse(long_one, &a) && parse("1.8", &b) && version_compare(&a, &b) > 0, "a number of 396 digits", "> 1.8", "");
	printf("1..%d\n", number);
	return failures != 0;
}
