/* preset-filter [-0] [-e | -x] [-f CONFIG] [-E ENVFILE] [-o ENVIRONMENT] SECTION - paths -> those that the presets let through */
#define _GNU_SOURCE
#include <unistd.h>

#include "auto.h"
#include "conf.h"
#include "diag.h"
#include "filter.h"

static const char usage[] = "preset-filter [-0] [-e | -x] [-f CONFIG] [-E ENVFILE] [-o ENVIRONMENT] SECTION";

int
main(int argc, char **argv)
{
	AUTO(arena_release) struct arena arena = {0};
	enum filter_show show = SHOW_PASSED;
	struct conf_source source = {0};
	const char *config = NULL;
	struct matcher matcher;
	char separator = '\n';
	struct err err = {0};
	struct rules rules;
	struct conf conf;
	int c;

	diag_init("preset-filter", usage);
	while ((c = getopt(argc, argv, "0exf:E:o:h")) != -1)
		switch (c) {
		case '0': separator = '\0'; break;
		case 'e':
		case 'x':
			if (show != SHOW_PASSED)
				return diag_usage();
			show = c == 'e' ? SHOW_ALL : SHOW_EXCLUDED;
			break;
		case 'f': config = optarg; break;
		case 'E': source.dotenv = optarg; break;
		case 'o': source.environment = optarg; break;
		case 'h': return diag_help();
		default:  return diag_usage();
		}
	if (argc - optind != 1)
		return diag_usage();
	if (!config && !(config = conf_usual())) {
		(void)err_set(&err, STATUS_USE, "no config/slipway.yaml and no tools/deployment/config.yaml here");
		(void)err_hint(&err, "name the configuration with -f");
		return diag_fail(&err);
	}
	source.files = &config;
	source.count = 1;
	if (!conf_open(&conf, &arena, &source, &err) || !rules_read(&rules, &conf, argv[optind], &err))
		return diag_fail(&err);
	matcher_init(&matcher, &arena, &rules, show == SHOW_ALL);
	if (!filter(STDIN_FILENO, STDOUT_FILENO, &matcher, separator, show, &arena, &err))
		return diag_fail(&err);
	return diag_flush();
}
