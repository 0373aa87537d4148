/* wait4(2) and waitid(2). */
#ifndef PTBOX_WAITS_H
#define PTBOX_WAITS_H

#include <sys/user.h>

#include "guest.h"

/* At the seccomp stop: answers at once, or leaves the guest asleep in pause(2). Resumes it. */
void waits_enter(struct thread *thread, struct user_regs_struct *regs);

/* The library has news for a sleeping wait: brings the guest to a stop. */
void waits_wake(struct thread *thread);

/*
 * At any stop of a guest that sleeps in a wait: puts the result in place, or has the kernel restart the
 * wait. The kernel then decides between EINTR and a restart, as it knows the handlers. Does not resume.
 */
void waits_settle(struct thread *thread);

/* A guest has stopped, or has been continued, by job control. Says once, if guests wait for such things, that
 * their waits do not report them. */
void waits_note_stop(void);

#endif
