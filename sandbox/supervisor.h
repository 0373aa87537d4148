/* The supervisor: process 1 of the guests' PID namespace, tracer and real parent of every guest. */
#ifndef PTBOX_SUPERVISOR_H
#define PTBOX_SUPERVISOR_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>

struct process;

/* In a byte of the control pipe: a key at the terminal, which the program has got by itself. */
enum { FROM_TERMINAL = 0x80 };

/* What the front end has found out and hands over. */
struct launch {
	const char *path; /* the file to run */
	char **arguments;
	FILE *tree;            /* NULL: no report */
	bool wait_for_orphans; /* end with the last guest, not with the program */
	double timeout;        /* seconds, 0 for none */
	int control;           /* signals to forward, one a byte; ends when the front end does */

	/* What the program is to inherit; ptbox itself runs with its own. */
	sigset_t mask;
	struct rlimit files;
	bool ignores[65];
};

/* Runs the guests to their end. Returns ptbox's exit status. */
int supervise(const struct launch *launch);

/* Asks the library for news and acts on it. To be called after everything that may cause some. */
void supervisor_tell(void);

/* Takes the exits there are by now, except that of the process on whose behalf it is called. */
void supervisor_take_exits(const struct process *caller);

#endif
