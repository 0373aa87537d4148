/* fork(2), vfork(2), clone(2), clone3(2): how guests multiply. */
#ifndef PTBOX_FORK_H
#define PTBOX_FORK_H

#include <sys/user.h>

#include "guest.h"

/* At the seccomp stop: makes the child-to-be a child of the supervisor (CLONE_PARENT). Resumes. */
void fork_enter(struct thread *thread, struct user_regs_struct *regs);

/* At the exit stop, which only a failed call reaches. */
void fork_failed(struct thread *thread, struct user_regs_struct *regs);

/* At PTRACE_EVENT_FORK, _VFORK and _CLONE of the parent: enters the child in the tables. Resumes. */
void fork_event(struct thread *parent);

/* The first stop of a newborn, before it has run an instruction. Resumes it if its parent is known. */
void fork_newborn(struct thread *child);

/* The parent died between making a child and telling of it: finds that child a place. */
void fork_orphaned(struct thread *parent);

/* Children whose parent died so are looked for once more when nothing else happens. */
void fork_adopt_lost(void);

/* Enters the first guest, whose parent is the virtual init. */
struct process *fork_first(pid_t pid, family_id init);

#endif
