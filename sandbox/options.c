#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <ptexit.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_TREE, OPTION_TRACE, OPTION_NO_WAIT, OPTION_TIMEOUT };

static const struct option long_options[] = {
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"tree", optional_argument, NULL, OPTION_TREE},
	{"trace", no_argument, NULL, OPTION_TRACE},
	{"no-wait", no_argument, NULL, OPTION_NO_WAIT},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"Usage: ptbox [OPTIONS] [--] PROGRAM [ARGUMENT]...\n"
	"Runs an unmodified x86-64 program, and everything it starts, in a box whose process tree is kept by\n"
	"libptexit: parents, exits, waits, SIGCHLD, orphans. The kernel runs the instructions.\n"
	"\n"
	"  --tree[=FILE]      at the end, draw the tree of all tasks on standard error, or to FILE\n"
	"  --trace            log forks, exits, adoptions and reaps on standard error as they happen\n"
	"  --no-wait          end with PROGRAM and kill what it leaves behind; without this option ptbox ends\n"
	"                     when the last process in the box has ended\n"
	"  --timeout=SECONDS  kill everything after so long\n"
	"  --help, --version\n"
	"\n"
	"Options end at PROGRAM or at --. Whatever ends ptbox, nothing in the box survives it. SIGTERM, SIGINT,\n"
	"SIGQUIT and SIGHUP go to PROGRAM; once that has ended, they end the rest of the box.\n"
	"\n"
	"Exit status: PROGRAM's, or 128+N if signal N killed it; 124 after --timeout; 125 if ptbox itself\n"
	"failed; 126 if PROGRAM cannot be run, 127 if there is no such program.\n";

static FILE *open_tree(const char *path)
{
	FILE *file = path ? fopen(path, "we") : stderr;

	if (!file)
		die(STATUS_FAILED, "--tree: cannot write %s: %m", path);
	return file;
}

static double parse_seconds(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !isfinite(seconds) || seconds <= 0)
		die(STATUS_FAILED, "--timeout=%s: a number of seconds above 0 is wanted, such as 2.5", text);
	return seconds;
}

struct options options_parse(int count, char **arguments)
{
	struct options options = {.wait_for_orphans = true};
	int option;

	/* "+": the program's own options are its own. */
	while ((option = getopt_long(count, arguments, "+", long_options, NULL)) != -1) {
		switch (option) {
		case OPTION_HELP:
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		case OPTION_VERSION:
			printf("ptbox, with libptexit %s\n", ptexit_version_string());
			exit(EXIT_SUCCESS);
		case OPTION_TREE:
			options.tree = open_tree(optarg);
			break;
		case OPTION_TRACE:
			options.trace = true;
			break;
		case OPTION_NO_WAIT:
			options.wait_for_orphans = false;
			break;
		case OPTION_TIMEOUT:
			options.timeout = parse_seconds(optarg);
			break;
		default: /* getopt has said what is wrong */
			fputs("Try: ptbox --help\n", stderr);
			exit(STATUS_FAILED);
		}
	}
	options.program = arguments + optind;
	if (optind == count) {
		fputs("ptbox: which program?\nTry: ptbox --help\n", stderr);
		exit(STATUS_FAILED);
	}
	return options;
}
