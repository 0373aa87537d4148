/* The system calls that the library answers instead of the kernel. */
#ifndef PTBOX_SYSCALLS_H
#define PTBOX_SYSCALLS_H

#include <sys/user.h>

#include "guest.h"

/* A guest is about to make one of the calls that the filter selects. Resumes it. */
void syscalls_enter(struct thread *thread);

/* The stop at the exit of a call that was left to run; at the entry too, in a process that reads signals. Resumes it. */
void syscalls_exit(struct thread *thread);

#endif
