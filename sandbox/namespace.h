/* The namespaces that hold the guests: PIDs and mounts, and users where that takes no privilege. */
#ifndef PTBOX_NAMESPACE_H
#define PTBOX_NAMESPACE_H

#include <sys/types.h>

/*
 * Forks into a new PID namespace, whose process 1 is the child. Returns as fork(2), in the child only when
 * all is set up; ends ptbox, saying what is missing, if the system does not permit it. When the caller
 * dies, so does the child, and with it everything in the namespace.
 */
pid_t namespace_fork(void);

#endif
