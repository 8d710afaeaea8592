/* utf8.c - see utf8.h */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* The length of the one character that begins here, 0 when it is none. */
static size_t
one(const unsigned char *s, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t need, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		need = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		need = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	if (s[0] == 0xed)
		high = 0x9f;
	if (s[0] == 0xf0)
		low = 0x90;
	if (s[0] == 0xf4)
		high = 0x8f;
	if (left < need || s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < need; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return need;
}

size_t
utf8_prefix(const char *text, size_t length)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t at = 0, step;
	uint64_t word;

	while (at < length) {
		while (length - at >= sizeof(word)) {
			memcpy(&word, s + at, sizeof(word));
			if (word & UINT64_C(0x8080808080808080))
				break;
			at += sizeof(word);
		}
		if (at == length)
			break;
		step = one(s + at, length - at);
		if (!step)
			break;
		at += step;
	}
	return at;
}
