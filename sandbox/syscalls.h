/* The system calls that the library answers instead of the kernel. */
#ifndef PTBOX_SYSCALLS_H
#define PTBOX_SYSCALLS_H

#include <sys/user.h>

#include "guest.h"

/* A guest is about to make one of the calls that the filter selects. Resumes it. */
void syscalls_enter(struct thread *thread);

/* The exit stop of a call that was left to run, asked for by guest_resume(PTRACE_SYSCALL). Resumes it. */
void syscalls_exit(struct thread *thread);

#endif
