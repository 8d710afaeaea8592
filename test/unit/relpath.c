/* relpath.c - paths and symlink targets, fit and unfit (TAP) */
#include <stdio.h>
#include <string.h>

#include "relpath.h"

#define FILL16(c) c c c c c c c c c c c c c c c c
#define NAME255 FILL16("0123456789abcde") "0123456789abcde"

static int number;
static int failures;

static void
ok(int good, const char *what, const char *detail)
{
	printf("%sok %d - %s: ", good ? "" : "not ", ++number, what);
	for (; *detail; detail++)
		(void)putchar((unsigned char)*detail < 0x20 || *detail == '#' ? '?' : *detail);
	(void)putchar('\n');
	failures += !good;
}

static const char *const fit[] = {
	"a", "a/b", ".hidden", "a/.b", "...", "a..b", "..a", "git", ".gitignore", ".gitattributes", "a.git", "git~10", "git~2",
	".slipway-x", "slipway", "a b", " a", "\xc3\xa9", "\xf0\x9f\x98\x80", "a\\b", "a:b", "~", "-rf", "$(id)", "*", NAME255,
	".g\xc3\xaft", "x/.git~1",
};

static const struct {
	const char *path, *why;
} unfit[] = {
	{"", "empty path"}, {"/", "absolute path"}, {"/a", "absolute path"}, {"a/", "empty component"}, {"a//b", "empty component"},
	{".", "component '.' or '..'"}, {"..", "component '.' or '..'"}, {"a/..", "component '.' or '..'"},
	{"a/./b", "component '.' or '..'"}, {"../a", "component '.' or '..'"},
	{".git", "a spelling of '.git'"}, {"a/.git/config", "a spelling of '.git'"}, {".GiT", "a spelling of '.git'"},
	{"git~1", "a spelling of '.git'"}, {"GIT~1/x", "a spelling of '.git'"}, {".git ", "a spelling of '.git'"},
	{".git.", "a spelling of '.git'"}, {".git . .", "a spelling of '.git'"}, {".git:x", "a spelling of '.git'"},
	{".git::$INDEX_ALLOCATION", "a spelling of '.git'"}, {"git~1.", "a spelling of '.git'"},
	{".g\xe2\x80\x8cit", "a spelling of '.git'"}, {"\xef\xbb\xbf.git", "a spelling of '.git'"},
	{".git\xe2\x80\x8f", "a spelling of '.git'"}, {".gi\xe2\x81\xaft", "a spelling of '.git'"},
	{".\xe2\x80\xaagit", "a spelling of '.git'"},
	{".slipway", "'.slipway' belongs to slipway"}, {"a/.SLIPWAY/x", "'.slipway' belongs to slipway"},
	{".slipway.", "'.slipway' belongs to slipway"},
	{"a\nb", "newline in the name"}, {"a\tb", "control byte in the name"}, {"\x7f", "control byte in the name"},
	{"\x80", "name is not UTF-8"}, {"a\xff", "name is not UTF-8"}, {"\xc0\xaf", "name is not UTF-8"},
	{"\xed\xa0\x80", "name is not UTF-8"}, {"\xf4\x90\x80\x80", "name is not UTF-8"}, {"\xe2\x80", "name is not UTF-8"},
	{"\xe0\x80\x80", "name is not UTF-8"}, {"\xf0\x80\x80\x80", "name is not UTF-8"},
	{NAME255 "x", "component longer than 255 bytes"},
};

static const char *const links[][2] = { /* path, target */
	{"l", "a"}, {"l", "a/b"}, {"d/l", "../a"}, {"d/l", ".."}, {"d/l", "../"}, {"d/e/l", "../.."}, {"d/e/l", "../../a/b"},
	{"l", "..a"}, {"l", "a..b"},
};

static const char *const bad_links[][2] = {
	{"l", ""}, {"l", "/"}, {"l", "/etc/passwd"}, {"l", ".."}, {"l", "../a"}, {"d/l", "../.."}, {"d/l", "../../a"},
	{"d/l", "..//etc"}, {"d/l", "a/../../.."}, {"l", "a/.."}, {"l", "./a"}, {"l", ".git/config"}, {"d/l", "../.git"},
	{"l", "a//b"}, {"l", ".slipway/x"}, {"l", "a\nb"},
};

int
main(void)
{
	const char *why;
	char folded[64], deep[RELPATH_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof(fit) / sizeof(*fit); i++)
		ok(relpath_fit(fit[i], &why), "fit", fit[i]);
	for (i = 0; i < sizeof(unfit) / sizeof(*unfit); i++) {
		why = "fit";
		ok(!relpath_fit(unfit[i].path, &why) && !strcmp(why, unfit[i].why), unfit[i].why, unfit[i].path);
	}
	for (i = 0; i < RELPATH_MAX; i++)
		deep[i] = i % 2 ? '/' : 'x';
	deep[RELPATH_MAX] = '\0';
	ok(relpath_fit(deep, &why), "fit", "4095 bytes");
	deep[RELPATH_MAX - 1] = 'x';
	deep[RELPATH_MAX] = 'x';
	deep[RELPATH_MAX + 1] = '\0';
	ok(!relpath_fit(deep, &why) && !strcmp(why, "path longer than 4095 bytes"), why, "4096 bytes");
	for (i = 0; i < sizeof(links) / sizeof(*links); i++)
		ok(relpath_link_fit(links[i][0], links[i][1], &why), "link stays inside", links[i][1]);
	for (i = 0; i < sizeof(bad_links) / sizeof(*bad_links); i++)
		ok(!relpath_link_fit(bad_links[i][0], bad_links[i][1], &why), "link is refused", bad_links[i][1]);
	relpath_fold("aB/Z\xc3\x89[`@{", folded);
	ok(!strcmp(folded, "ab/z\xc3\x89[`@{"), "only ASCII letters fold", folded);
	printf("1..%d\n", number);
	return failures != 0;
}
