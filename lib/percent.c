/* percent.c - see percent.h */
#include "percent.h"

size_t
percent_encode(const char *text, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *start = out;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c > ' ' && c < 0x7f && c != '%') {
			*out++ = *text;
			continue;
		}
		*out++ = '%';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	*out = '\0';
	return (size_t)(out - start);
}
