/* ptbox's command line. */
#ifndef PTBOX_OPTIONS_H
#define PTBOX_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct options {
	FILE *tree;            /* where the tree goes; NULL: nowhere */
	bool trace;
	bool wait_for_orphans;
	double timeout;        /* seconds, 0 for none */
	char **program;        /* its name and arguments, NULL-terminated */
};

/* Ends ptbox itself for --help, --version and mistakes. */
struct options options_parse(int count, char **arguments);

#endif
