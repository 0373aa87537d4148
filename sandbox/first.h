/* The first guest: the program that ptbox was asked to run. */
#ifndef PTBOX_FIRST_H
#define PTBOX_FIRST_H

#include <sys/types.h>

#include "supervisor.h"

/* Forks the program's process, traced, and holds it before its execve. Ends ptbox if that is not permitted. */
pid_t first_start(const struct launch *launch);

/* Lets it go. */
void first_go(void);

#endif
