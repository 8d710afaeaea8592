/* yaml-scan FILE - the bare event scan that cfg-get is measured against: libyaml reads all, nobody keeps anything */
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

int
main(int argc, char **argv)
{
	FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
	yaml_parser_t parser;
	yaml_event_t e;
	int more = 1;

	if (!in || !yaml_parser_initialize(&parser))
		return 111;
	yaml_parser_set_input_file(&parser, in);
	while (more) {
		if (!yaml_parser_parse(&parser, &e))
			return 100;
		more = e.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	return fclose(in) == 0 ? 0 : 111;
}
