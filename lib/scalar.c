/* scalar.c - see scalar.h */
#include "scalar.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static bool
one_of(const char *text, const char *const words[3])
{
	return strcmp(text, words[0]) == 0 || strcmp(text, words[1]) == 0 || strcmp(text, words[2]) == 0;
}

bool
scalar_is_null(const char *text)
{
	static const char *const words[] = {"null", "Null", "NULL"};

	return !*text || strcmp(text, "~") == 0 || one_of(text, words);
}

static size_t
digits(const char *text)
{
	return strspn(text, "0123456789");
}

static const char *
based(struct arena *a, const char *text)
{
	const char *set = text[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567";
	unsigned long long value;
	char *end;

	if (!text[2] || text[2 + strspn(text + 2, set)])
		return NULL;
	errno = 0;
	value = strtoull(text + 2, &end, text[1] == 'x' ? 16 : 8);
	return errno || *end ? NULL : arena_fmt(a, "%llu", value);
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? rewritten as JSON wants it. */
static const char *
decimal(struct arena *a, const char *text)
{
	const char *sign = "", *whole, *part = "", *power;
	size_t whole_length, part_length = 0;
	bool dot = false;

	if (*text == '-' || *text == '+')
		sign = *text++ == '-' ? "-" : "";
	whole = text;
	text += whole_length = digits(text);
	if (*text == '.') {
		dot = true;
		part = ++text;
		text += part_length = digits(text);
	}
	if (whole_length + part_length == 0)
		return NULL;
	power = text;
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '-' || *text == '+';
		if (!digits(text))
			return NULL;
		text += digits(text);
	}
	if (*text)
		return NULL;
	for (; whole_length > 1 && *whole == '0'; whole_length--)
		whole++;
	return arena_fmt(a, "%s%.*s%s%.*s%s%s", sign, whole_length ? (int)whole_length : 1, whole_length ? whole : "0",
	    dot ? "." : "", (int)part_length, part, dot && !part_length ? "0" : "", power);
}

const char *
scalar_json(struct arena *a, const char *text)
{
	static const char *const yes[] = {"true", "True", "TRUE"}, *const no[] = {"false", "False", "FALSE"};

	if (scalar_is_null(text))
		return "null";
	if (one_of(text, yes))
		return "true";
	if (one_of(text, no))
		return "false";
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'o'))
		return based(a, text);
	return decimal(a, text);
}
