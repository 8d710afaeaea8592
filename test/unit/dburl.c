/* dburl.c - which file a database URL names (TAP) */
#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "dburl.h"

static const char *const good[][2] = {
	{"sqlite:///data/app.db", "data/app.db"}, {"sqlite:////var/app.db", "/var/app.db"}, {"sqlite:app.db", "app.db"},
	{"sqlite:/var/app.db", "/var/app.db"}, {"sqlite:///a%20b%25.db", "a b%.db"}, {"sqlite:///a.db?mode=x&y", "a.db"},
	{"sqlite:///a%3Fb", "a?b"}, {"sqlite:///a#b", "a#b"}, {"sqlite+aiosqlite:///a.db", "a.db"},
	{"sqlite:///\xc3\xa4.db", "\xc3\xa4.db"}, {"sqlite:///-x", "-x"}, {"sqlite:///%41%4a%4A", "AJJ"},
};

static const char *const bad[] = {
	"", "sqlite", "sqlite:", "sqlite://", "sqlite:///", "sqlite://host/x", "sqlite:///:memory:", "sqlite::memory:",
	"sqlite:///file:x", "sqlite:///a%", "sqlite:///a%4", "sqlite:///a%zz", "sqlite:///a%00b", "sqlite:///a%0ab",
	"sqlite:///a\nb", "sqlite:///data/", "sqlite:///?x", "postgresql:u:secret@h/d", "mysql://x:secret@h/d", "postgresql://u:secret@h/d\n", "postgresqlx://u:secret@h/d", "sqlitex:///a",
	"SQLITE:///a", "/var/app.db", "sqlite+:x:y:/",
};

int
main(void)
{
	enum { GOOD = sizeof(good) / sizeof(*good), BAD = sizeof(bad) / sizeof(*bad) };
	AUTO(arena_release) struct arena arena = {0};
	int number = 0, failures = 0;
	struct dburl url;
	size_t i;

	printf("1..%d\n", (int)(GOOD + BAD));
	for (i = 0; i < GOOD; i++) {
		struct err err = {0};
		int ok = dburl_parse(&url, good[i][0], &arena, &err) && strcmp(url.path, good[i][1]) == 0;

		printf("%sok %d - %s names a file\n", ok ? "" : "not ", ++number, good[i][0]);
		failures += !ok;
	}
	for (i = 0; i < BAD; i++) {
		struct err err = {0};
		int ok = !dburl_parse(&url, bad[i], &arena, &err) && err.status == STATUS_USE && !strstr(err.text, "secret");

		printf("%sok %d - bad URL %zu is refused\n", ok ? "" : "not ", ++number, i + 1);
		failures += !ok;
	}
	return failures != 0;
}
