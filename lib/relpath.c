/* relpath.c - see relpath.h */
#define _GNU_SOURCE
#include "relpath.h"

#include <string.h>
#include <strings.h>

/* Length of the UTF-8 sequence at p (RFC 3629: no overlong forms, no surrogates), 0 when it is none. */
static size_t
utf8_length(const unsigned char *p)
{
	size_t n, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* Code points that HFS+ ignores in names: U+200C-U+200F, U+202A-U+202E, U+206A-U+206F, U+FEFF. */
static bool
hfs_ignores(const unsigned char *p, size_t n)
{
	if (n != 3)
		return false;
	if (p[0] == 0xe2 && p[1] == 0x80)
		return (p[2] >= 0x8c && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae);
	if (p[0] == 0xe2 && p[1] == 0x81)
		return p[2] >= 0xaa && p[2] <= 0xaf;
	return p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
}

/* The component as the most forgiving file system sees it: ignorables gone, cut at an NTFS stream, trailing
 * dots and spaces gone. A name that is longer than any forbidden one is cut; that cannot make it equal. */
static void
squash(const char *name, size_t length, char out[16])
{
	size_t i = 0, used = 0, n;

	while (i < length && used < 15) {
		n = utf8_length((const unsigned char *)name + i);
		if (name[i] == ':')
			break;
		if (n == 0 || !hfs_ignores((const unsigned char *)name + i, n))
			out[used++] = name[i];
		else
			i += n - 1;
		i++;
	}
	while (used > 0 && (out[used - 1] == '.' || out[used - 1] == ' '))
		used--;
	out[used] = '\0';
}

static bool
component_fit(const char *name, size_t length, const char **why)
{
	char seen[16];

	if (length == 0)
		return *why = "empty component", false;
	if (length > RELPATH_NAME_MAX)
		return *why = "component longer than 255 bytes", false;
	if ((length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.'))
		return *why = "component '.' or '..'", false;
	squash(name, length, seen);
	if (!strcasecmp(seen, ".git") || !strcasecmp(seen, "git~1"))
		return *why = "a spelling of '.git'", false;
	if (!strcasecmp(seen, ".slipway"))
		return *why = "'.slipway' belongs to slipway", false;
	return true;
}

bool
relpath_fit(const char *path, const char **why)
{
	const unsigned char *p = (const unsigned char *)path;
	const char *start = path, *end;
	size_t n;

	if (!*path)
		return *why = "empty path", false;
	if (*path == '/')
		return *why = "absolute path", false;
	if (strlen(path) > RELPATH_MAX)
		return *why = "path longer than 4095 bytes", false;
	for (; *p; p += n) {
		n = utf8_length(p);
		if (*p == '\n')
			return *why = "newline in the name", false;
		if (n == 0)
			return *why = "name is not UTF-8", false;
		if (*p < 0x20 || *p == 0x7f)
			return *why = "control byte in the name", false;
	}
	do {
		end = strchrnul(start, '/');
		if (!component_fit(start, (size_t)(end - start), why))
			return false;
		start = end + 1;
	} while (*end);
	return true;
}

bool
relpath_link_fit(const char *path, const char *target, const char **why)
{
	size_t folders = 0;
	const char *p;

	for (p = path; *p; p++)
		folders += *p == '/';
	if (!*target)
		return *why = "symlink without a target", false;
	if (*target == '/')
		return *why = "symlink with an absolute target", false;
	while (!strncmp(target, "..", 2) && (target[2] == '/' || !target[2])) {
		if (folders-- == 0)
			return *why = "symlink that leads out of the tree", false;
		if (!target[2])
			return true;
		target += 3;
	}
	return !*target || relpath_fit(target, why);
}

void
relpath_fold(const char *path, char *out)
{
	for (; *path; path++)
		*out++ = *path >= 'A' && *path <= 'Z' ? (char)(*path - 'A' + 'a') : *path;
	*out = '\0';
}
