/*
 * Guests that nobody announced. A thread can be killed before it shows itself, and its maker before it
 * tells of it; as a zombie it would keep its process from dying, for ever.
 */
#ifndef PTBOX_LOST_H
#define PTBOX_LOST_H

#include <stdbool.h>
#include <sys/types.h>

/* A SIGCHLD told of the death of `tid`. It may have stood for others as well, of which nothing is known. */
void lost_hint(pid_t tid);

/* Threads were killed: others may have been lost with them. */
void lost_suspect(void);
bool lost_suspected(void);

/* Looks at every process. For when nothing else happens; soon, if there is a suspicion. */
void lost_search(void);

#endif
