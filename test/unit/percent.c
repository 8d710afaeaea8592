/* percent.c - values made fit for records (TAP) */
#include <stdio.h>
#include <string.h>

#include "percent.h"

static const char *const cases[][2] = {
	{"", ""},
	{"plain-text_1.2/a=b:c,d", "plain-text_1.2/a=b:c,d"},
	{"a b", "a%20b"},
	{"100%", "100%25"},
	{"%20", "%2520"},
	{"a\tb\nc\r", "a%09b%0Ac%0D"},
	{"\033[2J\177", "%1B[2J%7F"},
	{"\xc3\xa4\xff", "%C3%A4%FF"},
};

enum { CASES = sizeof(cases) / sizeof(*cases) };

int
main(void)
{
	int failures = 0, i;
	char all[256], out[3 * 255 + 1];

	printf("1..%d\n", CASES + 1);
	for (i = 0; i < CASES; i++) {
		char small[64];
		const size_t n = percent_encode(cases[i][0], small);
		const int good = !strcmp(small, cases[i][1]) && n == strlen(cases[i][1]);

		printf("%sok %d - gives %s\n", good ? "" : "not ", i + 1, cases[i][1]);
		failures += !good;
	}
	for (i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	(void)percent_encode(all, out);
	for (i = 0; out[i] > ' ' && out[i] < 0x7f; i++)
		;
	printf("%sok %d - all bytes give ASCII without space and control bytes\n", out[i] ? "not " : "", CASES + 1);
	return failures + (out[i] != '\0') > 0;
}
