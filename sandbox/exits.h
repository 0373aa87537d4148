/* How guests end: deaths are seen here, told to the library, and their zombies reaped when it says so. */
#ifndef PTBOX_EXITS_H
#define PTBOX_EXITS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "family.h"
#include "guest.h"

/* `init` reaps what nobody else will; `program` is the guest whose status is ptbox's own. */
void exits_open(family_id init, pid_t program);

/* A process may have died as a whole: its pidfd has become readable, or it has none. */
void exits_process(pid_t pid);

/* The library has let go of the process: its number becomes free. */
void exits_reap(struct process *process);

/*
 * Reaps dead threads other than leaders. As long as a traced one is a zombie, its process can neither die
 * nor run another program; SIGCHLD does not say which, so each is asked.
 */
void exits_sweep(struct process *process);
void exits_sweep_all(void);

/* Reaps `tid`, for the kernel, if it is a zombie. */
bool exits_take(pid_t tid, siginfo_t *info);

/* execve(2) by the thread `former`, which has taken over the number and place of its leader. */
void exits_take_over(struct thread *leader, struct thread *former);

/* Whether the program has been reaped, and its wait status. */
bool exits_program(int *status);

#endif
