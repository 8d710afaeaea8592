/* sqlsplit.c - where statements and marks begin and end (TAP) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlsplit.h"

static int number, failures;

static void
ok(int good, const char *sentence)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, sentence);
	failures += !good;
}

/* Each part as LINE KIND text, joined by `|`; the text of a statement in one line. */
static const char *
parts(void (*init)(struct sqlsplit *, const char *, size_t), const char *text, size_t length)
{
	static char out[4096];
	struct sqlsplit s;
	struct sqlpart p;
	size_t n = 0;

	out[0] = '\0';
	init(&s, text, length);
	do {
		p = sqlsplit_next(&s);
		if (p.kind == SQLPART_STATEMENT)
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%lu %s %.*s|", p.line, p.word, (int)p.length, p.text);
		else if (p.kind == SQLPART_MARK)
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%lu %s %.*s|", p.line, p.inside ? "inside" : "mark",
			    (int)p.length, p.text);
		else if (p.kind == SQLPART_BAD)
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%lu bad %s|", p.line, p.why);
	} while (p.kind == SQLPART_STATEMENT || p.kind == SQLPART_MARK);
	return out;
}

static const char *const cases[][2] = {
	{"", ""},
	{" \n-- only a comment\n/* and one ; more */", ""},
	{";;;", ""},
	{"SELECT 1;", "1 SELECT SELECT 1;|"},
	{"\xef\xbb\xbfSELECT 1;", "1 SELECT SELECT 1;|"},
	{"select 1;\r\n\r\nselect 2;", "1 SELECT select 1;|3 SELECT select 2;|"},
	{"SELECT ';'';', \"a;\"\"b\", `c;```, [d;];SELECT 2;",
	    "1 SELECT SELECT ';'';', \"a;\"\"b\", `c;```, [d;];|1 SELECT SELECT 2;|"},
	{"SELECT 1 -- one; two\n;", "1 SELECT SELECT 1 -- one; two\n;|"},
	{"SELECT 1 /* ; \n */; SELECT 2;", "1 SELECT SELECT 1 /* ; \n */;|2 SELECT SELECT 2;|"},
	{"SELECT 1-1, 4/2;", "1 SELECT SELECT 1-1, 4/2;|"},
	{"CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT CASE WHEN 1 THEN 2 END; END; SELECT 1;",
	    "1 CREATE CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT CASE WHEN 1 THEN 2 END; END;|1 SELECT SELECT 1;|"},
	{"create temp trigger t after insert on x begin select ';end;'; /* ;end; */ end -- e\n ;",
	    "1 CREATE create temp trigger t after insert on x begin select ';end;'; /* ;end; */ end -- e\n ;|"},
	{"CREATE /* a */ TEMPORARY -- b\n TRIGGER IF NOT EXISTS t BEGIN DELETE FROM x; END;",
	    "1 CREATE CREATE /* a */ TEMPORARY -- b\n TRIGGER IF NOT EXISTS t BEGIN DELETE FROM x; END;|"},
	{"CREATE TABLE trigger_log(a); SELECT 1;", "1 CREATE CREATE TABLE trigger_log(a);|1 SELECT SELECT 1;|"},
	{"CREATE TRIGGER t BEGIN SELECT 1; SELECT 2;", "1 bad trigger does not end with 'END;'|"},
	{"BEGIN; COMMIT;", "1 BEGIN BEGIN;|1 COMMIT COMMIT;|"},
	{"\n\nDELETE FROM t", "3 bad statement does not end with ';'|"},
	{"SELECT 'a;\nb", "1 bad string does not end|"},
	{"SELECT 1;\nSELECT \"a", "1 SELECT SELECT 1;|2 bad quoted name does not end|"},
	{"SELECT [a;", "1 bad quoted name does not end|"},
	{"SELECT 1; /* x", "1 SELECT SELECT 1;|1 bad comment does not end|"},
	{"/*/", "1 bad comment does not end|"},
	{"SELECT 1;\n.read x\n", "1 SELECT SELECT 1;|2 bad a command of the sqlite3 shell is no SQL|"},
	{"SELECT .5;", "1 SELECT SELECT .5;|"},
	{"-- slipway: no-transaction\nVACUUM;", "1 mark no-transaction|2 VACUUM VACUUM;|"},
	{"--slipway:down  \r\n", "1 mark down|"},
	{"SELECT 1; -- slipway: hazard x y; z\n", "1 SELECT SELECT 1;|1 mark hazard x y; z|"},
	{"CREATE TABLE t(\n -- slipway: renamed t.a from b\n a);",
	    "2 inside renamed t.a from b|1 CREATE CREATE TABLE t(\n -- slipway: renamed t.a from b\n a);|"},
	{"SELECT '\n-- slipway: down\n';", "1 SELECT SELECT '\n-- slipway: down\n';|"},
	{"/* \n-- slipway: down\n */", ""},
	{"-- slipway is good\n-- slipways: x\n", ""},
	{"-- Slipway: down\n", "1 bad a mark is written '-- slipway: ...', in small letters|"},
	{"-- slipway : down\n", "1 bad a mark is written '-- slipway: ...', in small letters|"},
	{"-- slipway:", "1 mark |"},
};

static const char *const postgres[][2] = {
	{"SELECT 1; -- c; \nselect 2;", "1 SELECT SELECT 1;|2 SELECT select 2;|"},
	{"DO $$ BEGIN; END; $$; SELECT 1;", "1 DO DO $$ BEGIN; END; $$;|1 SELECT SELECT 1;|"},
	{"DO $a$ ; $$ ; $b$ $a$;", "1 DO DO $a$ ; $$ ; $b$ $a$;|"},
	{"DO $\xc3\xa4_1$;$\xc3\xa4_1$;", "1 DO DO $\xc3\xa4_1$;$\xc3\xa4_1$;|"},
	{"SELECT $1;SELECT a$b$c;SELECT 1;", "1 SELECT SELECT $1;|1 SELECT SELECT a$b$c;|1 SELECT SELECT 1;|"},
	{"DO $a$ ; $b$;", "1 bad dollar quote does not end|"},
	{"SELECT 1 /* a /* ; */ ; */; SELECT 2;", "1 SELECT SELECT 1 /* a /* ; */ ; */;|1 SELECT SELECT 2;|"},
	{"/* a /* */ SELECT 1;", "1 bad comment does not end|"},
	{"SELECT E'a\\';';SELECT 'a\\';SELECT 3;", "1 SELECT SELECT E'a\\';';|1 SELECT SELECT 'a\\';|1 SELECT SELECT 3;|"},
	{"SELECT e'a'\n 'b\\';';SELECT E'a' 'b\\';SELECT 3;",
	    "1 SELECT SELECT e'a'\n 'b\\';';|2 SELECT SELECT E'a' 'b\\';|2 SELECT SELECT 3;|"},
	{"SELECT typ'a\\';", "1 SELECT SELECT typ'a\\';|"},
	{"SELECT 'it''s;', \"a\"\";\" , U&'\\0061;';", "1 SELECT SELECT 'it''s;', \"a\"\";\" , U&'\\0061;';|"},
	{"SELECT a[1;", "1 SELECT SELECT a[1;|"},
	{"SELECT '`;' ` b;", "1 SELECT SELECT '`;' ` b;|"},
	{"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3;",
	    "1 CREATE CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);|1 SELECT SELECT 3;|"},
	{"create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; SELECT 3;",
	    "1 CREATE create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end;|"
	    "1 SELECT SELECT 3;|"},
	{"CREATE FUNCTION f(begin date) RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT 2;",
	    "1 CREATE CREATE FUNCTION f(begin date) RETURNS int LANGUAGE sql AS 'SELECT 1';|1 SELECT SELECT 2;|"},
	{"CREATE TABLE t(a int); BEGIN; END;", "1 CREATE CREATE TABLE t(a int);|1 BEGIN BEGIN;|1 END END;|"},
	{"CREATE TRIGGER t AFTER INSERT ON x EXECUTE FUNCTION begin(); SELECT 1;",
	    "1 CREATE CREATE TRIGGER t AFTER INSERT ON x EXECUTE FUNCTION begin();|1 SELECT SELECT 1;|"},
	{"\n\\connect other\n", "2 bad a command of psql is no SQL|"},
	{"SELECT 1 \\gexec\n", "1 bad a command of psql is no SQL|"},
	{"SELECT 1;\nCOPY t(a, b) FROM stdin;\n1\t2\n", "1 SELECT SELECT 1;|2 bad COPY from or to the client has no place in a migration|"},
	{"COPY t TO\n/* x */ STDOUT;", "1 bad COPY from or to the client has no place in a migration|"},
	{"COPY (SELECT x FROM stdin) TO '/f';", "1 COPY COPY (SELECT x FROM stdin) TO '/f';|"},
	{"SELECT 1", "1 bad statement does not end with ';'|"},
	{"SELECT (1;", "1 bad statement does not end with ';'|"},
	{"-- slipway: no-transaction\nVACUUM;", "1 mark no-transaction|2 VACUUM VACUUM;|"},
	{"DO $$\n-- slipway: down\n$$;", "1 DO DO $$\n-- slipway: down\n$$;|"},
};

static void
postgres_words(void)
{
	static const char *const words[][2] = {
		{"create unique /* a */ index concurrently \"x\" on t(a);", "UNIQUE INDEX CONCURRENTLY ON T A"},
		{"SET session authorization 'a';", "SESSION AUTHORIZATION"}, {"SET ROLE none;", "ROLE NONE"}, {"SELECT 1;", "1"},
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct sqlsplit s;
		struct sqlpart p;

		sqlsplit_init_postgres(&s, words[i][0], strlen(words[i][0]));
		p = sqlsplit_next(&s);
		ok(p.kind == SQLPART_STATEMENT && strcmp(p.name, words[i][1]) == 0, words[i][0]);
	}
}

static void
pragma_names(void)
{
	static const char *const pragmas[][2] = {
		{"PRAGMA user_version = 7;", "user_version"}, {"pragma Main . \"Journal_Mode\" (wal);", "journal_mode"},
		{"PRAGMA [page_size];", "page_size"}, {"PRAGMA table_info(t.x);", "table_info"},
		{"PRAGMA /* a */ main/**/./**/x;", "x"}, {"SELECT a.b;", ""},
	};
	size_t i;

	for (i = 0; i < sizeof(pragmas) / sizeof(*pragmas); i++) {
		struct sqlsplit s;
		struct sqlpart p;

		sqlsplit_init(&s, pragmas[i][0], strlen(pragmas[i][0]));
		p = sqlsplit_next(&s);
		ok(p.kind == SQLPART_STATEMENT && strcmp(p.name, pragmas[i][1]) == 0, pragmas[i][0]);
	}
}

int
main(void)
{
	enum { CASES = sizeof(cases) / sizeof(*cases), POSTGRES = sizeof(postgres) / sizeof(*postgres) };
	size_t i, k;
	int cut = 1;

	printf("1..%d\n", (int)CASES + (int)POSTGRES + 4 + 6 + 1);
	for (i = 0; i < CASES; i++) {
		const char *got = parts(sqlsplit_init, cases[i][0], strlen(cases[i][0]));
		char sentence[64];

		(void)snprintf(sentence, sizeof(sentence), "case %zu", i + 1);
		ok(strcmp(got, cases[i][1]) == 0, sentence);
		if (strcmp(got, cases[i][1]) != 0)
			printf("# %s\n# gave %s\n", cases[i][0], got);
	}
	for (i = 0; i < POSTGRES; i++) {
		const char *got = parts(sqlsplit_init_postgres, postgres[i][0], strlen(postgres[i][0]));
		char sentence[64];

		(void)snprintf(sentence, sizeof(sentence), "case %zu of PostgreSQL", i + 1);
		ok(strcmp(got, postgres[i][1]) == 0, sentence);
		if (strcmp(got, postgres[i][1]) != 0)
			printf("# %s\n# gave %s\n", postgres[i][0], got);
	}
	postgres_words();
	pragma_names();
	/* Every prefix in memory of its own size, for the sanitizer to see a read behind its end. */
	for (i = 0; i < (size_t)CASES + POSTGRES; i++) {
		const char *text = i < CASES ? cases[i][0] : postgres[i - CASES][0];

		for (k = 0; k <= strlen(text); k++) {
			char *copy = malloc(k ? k : 1);

			if (!copy)
				return 1;
			memcpy(copy, text, k);
			(void)parts(sqlsplit_init, copy, k);
			(void)parts(sqlsplit_init_postgres, copy, k);
			free(copy);
			cut++;
		}
	}
	ok(cut > 500, "every prefix of these texts is split without reading behind it");
	return failures != 0;
}
