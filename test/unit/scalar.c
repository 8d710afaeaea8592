/* scalar.c - plain scalars as JSON tokens (TAP) */
#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "scalar.h"

static const char *const cases[][2] = {
	{"", "null"}, {"~", "null"}, {"null", "null"}, {"Null", "null"}, {"NULL", "null"}, {"nULL", NULL}, {"nil", NULL},
	{"true", "true"}, {"True", "true"}, {"TRUE", "true"}, {"tRUE", NULL}, {"false", "false"}, {"FALSE", "false"},
	{"yes", NULL}, {"no", NULL}, {"on", NULL}, {"off", NULL}, {"y", NULL}, {"n", NULL},
	{"0", "0"}, {"12", "12"}, {"-3", "-3"}, {"+3", "3"}, {"007", "7"}, {"00", "0"}, {"-0", "-0"},
	{"123456789012345678901234567890", "123456789012345678901234567890"},
	{"0o17", "15"}, {"0o8", NULL}, {"0o", NULL}, {"0x1F", "31"}, {"0xg", NULL}, {"0x", NULL}, {"-0x1", NULL}, {"0b1", NULL},
	{"0xffffffffffffffff", "18446744073709551615"}, {"0x10000000000000000", NULL}, {"0x+1", NULL}, {"0x 1", NULL},
	{"1.5", "1.5"}, {".5", "0.5"}, {"1.", "1.0"}, {"-.5", "-0.5"}, {"+1.5", "1.5"}, {"01.50", "1.50"}, {".", NULL},
	{"1e3", "1e3"}, {"1E+3", "1E+3"}, {"1.e-3", "1.0e-3"}, {"1e", NULL}, {"e3", NULL}, {"1e+", NULL}, {"1.5.2", NULL},
	{".inf", NULL}, {"-.inf", NULL}, {".nan", NULL}, {"inf", NULL}, {"1_000", NULL}, {"1 ", NULL}, {" 1", NULL},
	{"1,5", NULL}, {"12:30", NULL}, {"2024-01-01", NULL}, {"5.0s", NULL}, {"-", NULL}, {"+", NULL}, {"--1", NULL},
};

int
main(void)
{
	AUTO(arena_release) struct arena a = {0};
	int count = (int)(sizeof(cases) / sizeof(*cases)), i, failures = 0;

	for (i = 0; i < count; i++) {
		const char *token = scalar_json(&a, cases[i][0]), *want = cases[i][1];
		int good = want ? token && strcmp(token, want) == 0 : !token;

		printf("%sok %d - '%s' is %s%s%s\n", good ? "" : "not ", i + 1, cases[i][0], want ? want : "a string",
		    good ? "" : ", not ", good ? "" : token ? token : "a string");
		failures += !good;
	}
	printf("1..%d\n", count);
	return failures != 0;
}
