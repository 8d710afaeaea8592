/* version.c - see version.h */
#include "version.h"

#include <stdio.h>
#include <string.h>

enum { DIGIT = 1, SMALL = 2, CAPITAL = 4, FIELD = DIGIT | SMALL | CAPITAL };

static inline unsigned int
class_of(char c)
{
	return c >= '0' && c <= '9' ? DIGIT : c >= 'a' && c <= 'z' ? SMALL : c >= 'A' && c <= 'Z' ? CAPITAL : 0;
}

/* Cuts the longest run of bytes of these classes from the front of rest. */
static inline struct version_slice
cut(struct version_slice *rest, unsigned int classes)
{
	struct version_slice run = {rest->at, 0};

	while (run.length < rest->length && (class_of(rest->at[run.length]) & classes))
		run.length++;
	rest->at += run.length;
	rest->length -= run.length;
	return run;
}

static bool
cut_byte(struct version_slice *rest, char byte)
{
	if (rest->length == 0 || *rest->at != byte)
		return false;
	rest->at++;
	rest->length--;
	return true;
}

static struct version_slice
without_zeros(struct version_slice s)
{
	while (cut_byte(&s, '0'))
		;
	return s;
}

/* FIELD[.FIELD|-FIELD]...; false when one of them is empty. */
static bool
cut_fields(struct version_slice *rest, struct version_slice *all)
{
	all->at = rest->at;
	do {
		if (cut(rest, FIELD).length == 0)
			return false;
	} while (cut_byte(rest, '.') || cut_byte(rest, '-'));
	all->length = (size_t)(rest->at - all->at);
	return true;
}

static bool
names_prerelease(struct version_slice s)
{
	static const char *const names[] = {"alpha", "beta", "dev", "pre", "preview", "rc", "snapshot"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == s.length && !memcmp(names[i], s.at, s.length))
			return true;
	return false;
}

bool
version_parse(const char *text, size_t length, struct version *v)
{
	struct version_slice rest = {text, length}, number, ignored;
	int n = 0;

	memset(v, 0, sizeof(*v));
	(void)(cut_byte(&rest, 'v') || cut_byte(&rest, 'V'));
	v->text = v->core = rest;
	do {
		number = cut(&rest, DIGIT);
		if (number.length == 0 || n == VERSION_NUMBERS)
			return false;
		v->number[n++] = without_zeros(number);
	} while (cut_byte(&rest, '.'));
	v->core.length -= rest.length;
	v->letters = cut(&rest, SMALL);
	if (n < 2 || names_prerelease(v->letters) || (cut_byte(&rest, '-') && !cut_fields(&rest, &v->pre)) ||
	    (cut_byte(&rest, '+') && !cut_fields(&rest, &ignored)))
		return false;
	return rest.length == 0;
}

static int
compare_bytes(struct version_slice a, struct version_slice b)
{
	size_t n = a.length < b.length ? a.length : b.length;
	int c = n ? memcmp(a.at, b.at, n) : 0;

	return c ? c : (a.length > b.length) - (a.length < b.length);
}

/* Right for numbers without leading zeros, and for letters. */
static int
compare_by_length(struct version_slice a, struct version_slice b)
{
	return a.length != b.length ? (a.length < b.length ? -1 : 1) : compare_bytes(a, b);
}

static bool
is_number(struct version_slice s)
{
	return cut(&s, DIGIT).length > 0 && s.length == 0;
}

static int
compare_field(struct version_slice a, struct version_slice b)
{
	bool a_number = is_number(a), b_number = is_number(b);

	if (a_number && b_number)
		return compare_by_length(without_zeros(a), without_zeros(b));
	if (a_number != b_number)
		return a_number ? -1 : 1;
	return compare_bytes(a, b);
}

static int
compare_pre(struct version_slice a, struct version_slice b)
{
	struct version_slice x, y;
	int c;

	if (a.length == 0 || b.length == 0)
		return (a.length == 0) - (b.length == 0);
	while (a.length > 0 && b.length > 0) {
		x = cut(&a, FIELD);
		y = cut(&b, FIELD);
		c = compare_field(x, y);
		if (c)
			return c;
		(void)(cut_byte(&a, '.') || cut_byte(&a, '-'));
		(void)(cut_byte(&b, '.') || cut_byte(&b, '-'));
	}
	return (a.length > 0) - (b.length > 0);
}

int
version_compare(const struct version *a, const struct version *b)
{
	int i, c;

	for (i = 0; i < VERSION_NUMBERS; i++) {
		c = compare_by_length(a->number[i], b->number[i]);
		if (c)
			return c;
	}
	c = compare_by_length(a->letters, b->letters);
	return c ? c : compare_pre(a->pre, b->pre);
}

bool
version_is_prerelease(const struct version *v)
{
	return v->pre.length > 0;
}

bool
version_numbers(const struct version *v, char *out, size_t room)
{
	int n = snprintf(out, room, "v%.*s", (int)v->core.length, v->core.at);

	return n > 0 && (size_t)n < room;
}
