/* expand.c - ${VAR} in a text (TAP) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "expand.h"

static const char *
lookup(const void *context, const char *name, size_t length)
{
	static const char *const all[][2] = {{"A", "one"}, {"EMPTY", ""}, {"AGAIN", "${A}$$"}, {"_x9", "nine"}};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (strlen(all[i][0]) == length && memcmp(all[i][0], name, length) == 0)
			return all[i][1];
	return length == 4 && memcmp(name, "HUGE", 4) == 0 ? context : NULL;
}

static const struct { const char *text; enum expand_result result; const char *want; } cases[] = {
	{"", EXPAND_SAME, ""},
	{"plain", EXPAND_SAME, "plain"},
	{"${A}", EXPAND_FILLED, "one"},
	{"x${A}y${A}z", EXPAND_FILLED, "xoneyonez"},
	{"${_x9}", EXPAND_FILLED, "nine"},
	{"${EMPTY}", EXPAND_FILLED, ""},
	{"${EMPTY:-d}", EXPAND_FILLED, "d"},
	{"${NO:-d}", EXPAND_FILLED, "d"},
	{"${A:-d}", EXPAND_FILLED, "one"},
	{"${NO:-}", EXPAND_FILLED, ""},
	{"${NO:-a b:-c$}", EXPAND_FILLED, "a b:-c$"},
	{"${NO:-d}}", EXPAND_FILLED, "d}"},
	{"${AGAIN}", EXPAND_FILLED, "${A}$$"},
	{"$$", EXPAND_DONE, "$"},
	{"$$$$", EXPAND_DONE, "$$"},
	{"$${A}", EXPAND_DONE, "${A}"},
	{"$$${A}", EXPAND_FILLED, "$one"},
	{"$", EXPAND_SAME, "$"},
	{"$A $5 $(id) $", EXPAND_SAME, "$A $5 $(id) $"},
	{"${} ${1} ${A ${A-x} ${A:?x} ${A:", EXPAND_SAME, "${} ${1} ${A ${A-x} ${A:?x} ${A:"},
	{"${A:-open", EXPAND_SAME, "${A:-open"},
	{"${NO}", EXPAND_UNSET, "NO"},
	{"${A}${NO}", EXPAND_UNSET, "NO"},
	{"${NO:-${A}}", EXPAND_NESTED, "NO"},
	{"${HUGE}${HUGE}", EXPAND_HUGE, "HUGE"},
};

int
main(void)
{
	AUTO(arena_release) struct arena a = {0};
	AUTO(mem_release) char *huge = malloc(EXPAND_LIMIT);
	int count = (int)(sizeof(cases) / sizeof(*cases)), i, failures = 0;

	if (!huge)
		return 1;
	memset(huge, 'h', EXPAND_LIMIT - 1);
	huge[EXPAND_LIMIT - 1] = '\0';
	for (i = 0; i < count; i++) {
		const char *out = "", *name = "";
		enum expand_result result = expand(&a, cases[i].text, lookup, huge, &out, &name);
		int good = result == cases[i].result && strcmp(result < EXPAND_UNSET ? out : name, cases[i].want) == 0;

		printf("%sok %d - '%s'\n", good ? "" : "not ", i + 1, cases[i].text);
		failures += !good;
	}
	printf("1..%d\n", count);
	return failures != 0;
}
