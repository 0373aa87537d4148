/* What ptbox reads of its guests in /proc. */
#ifndef PTBOX_PROC_H
#define PTBOX_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The process a thread belongs to; 0 if it is gone. */
pid_t proc_tgid(pid_t tid);

/* The signals a thread blocks. False if that cannot be told. */
bool proc_blocked(pid_t tid, uint64_t *mask);

/* The real user of a process, alive or zombie. */
bool proc_uid(pid_t pid, uid_t *uid);

/* Whether the leader of a process is a zombie; other threads may be alive. */
bool proc_is_zombie(pid_t pid);

/* The name of a task, as ps(1) shows it. */
void proc_name(pid_t tid, char *name, size_t size);

/* The process that descriptor `fd` of a guest refers to, and whether the descriptor is non-blocking.
 * -EBADF if it is no open pidfd, -ECHILD if the process is gone. */
int proc_pidfd(pid_t tid, int fd, pid_t *pid, bool *nonblocking);

/* Calls `visit` with each thread of a process. */
void proc_each_thread(pid_t pid, void (*visit)(pid_t pid, pid_t tid));

#endif
