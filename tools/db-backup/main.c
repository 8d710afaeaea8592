/* db-backup save, verify, restore, list, prune, remove, look, where, sweep [-d DIR] - the application's database saved whole, checked, put back */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "diag.h"
#include "verbs.h"

static const char usage[] = "db-backup [-d DIR] [-t SECONDS] [-l LEVEL] save [-c] [NAME] | verify NAME | "
    "restore [-a ASIDE] NAME | list | prune -k KEEP | remove NAME | look | where | sweep";

static const struct verb {
	const char *name, *options; /* of its own */
	int least, most;            /* operands */
	bool store;                 /* it works in a folder of backups */
	int (*run)(const struct options *);
} verbs[] = {
	{ "save", "cl", 0, 1, true, verb_save },
	{ "verify", "", 1, 1, true, verb_verify },
	{ "restore", "a", 1, 1, true, verb_restore },
	{ "list", "", 0, 0, true, verb_list },
	{ "prune", "k", 0, 0, true, verb_prune },
	{ "remove", "", 1, 1, true, verb_remove },
	{ "look", "", 0, 0, false, verb_look },
	{ "sweep", "", 0, 0, false, verb_sweep },
	{ "where", "", 0, 0, false, verb_where },
};

static bool
number(const char *text, long low, long high, const char *what, long *value, struct err *err)
{
	char *end;

	*value = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || *value < low || *value > high)
		return err_set(err, STATUS_USE, "'%s' is no %s from %ld to %ld", text, what, low, high);
	return true;
}

int
main(int argc, char **argv)
{
	AUTO(arena_release) struct arena arena = {0};
	struct options o = { .store = { .dir = getenv("SLIPWAY_BACKUP_DIR"), .wait_ms = 60000, .arena = &arena }, .level = 3 };
	const struct verb *verb = NULL;
	struct err err = {0};
	char given[8] = "";
	long value;
	size_t i;
	int c;

	diag_init("db-backup", usage);
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN); /* a child that ends early tells why by its status */
	/* Options stand before the verb, behind it, or both. */
	do {
		while ((c = getopt(argc, argv, "+d:t:l:a:k:ch")) != -1) {
			bool fit = true;

			switch (c) {
			case 'd': o.store.dir = optarg; break;
			case 'a': o.aside = optarg; break;
			case 'c': o.copy = true; break;
			case 't': fit = number(optarg, 0, 86400, "number of seconds", &value, &err); o.store.wait_ms = value * 1000; break;
			case 'l': fit = number(optarg, 1, 19, "level", &value, &err); o.level = (int)value; break;
			case 'k': fit = number(optarg, 1, 1000000, "number to keep", &o.keep, &err); break;
			case 'h': return diag_help();
			default:  return diag_usage();
			}
			if (!fit)
				return diag_fail(&err);
			if (strchr("lakc", c) && !strchr(given, c))
				given[strlen(given)] = (char)c;
		}
		if (verb)
			break;
		for (i = 0; optind < argc && i < sizeof(verbs) / sizeof(*verbs); i++)
			if (strcmp(argv[optind], verbs[i].name) == 0)
				verb = &verbs[i];
		optind++;
	} while (verb);
	if (!verb || argc - optind < verb->least || argc - optind > verb->most ||
	    strspn(given, verb->options) != strlen(given) || (verb->run == verb_prune && !o.keep))
		return diag_usage();
	o.name = argv[optind];
	if (o.name && !store_name_fit(o.name))
		(void)err_set(&err, STATUS_USE, "'%s' is no name for a backup", o.name);
	else if (verb->store && (!o.store.dir || !*o.store.dir))
		(void)err_set(&err, STATUS_USE, "no folder for backups: give -d or set SLIPWAY_BACKUP_DIR");
	else
		return verb->run(&o);
	return diag_fail(&err);
}
