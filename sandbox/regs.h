/* Registers and memory of a stopped guest. */
#ifndef PTBOX_REGS_H
#define PTBOX_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "guest.h"

bool regs_get(pid_t tid, struct user_regs_struct *regs);
bool regs_set(pid_t tid, const struct user_regs_struct *regs);

/* Skips the system call the thread is about to make: it returns `result` at once. */
void regs_answer(pid_t tid, struct user_regs_struct *regs, long result);

/* Puts back the six arguments and the number of a call that was rewritten. */
void regs_restore_call(struct user_regs_struct *regs, const struct user_regs_struct *original);

bool guest_read(pid_t tid, uint64_t from, void *to, size_t size);
bool guest_write(pid_t tid, uint64_t to, const void *from, size_t size);

/* Lets a stopped guest go on, with a signal or 0. One killed meanwhile is no error: its death is told apart. */
void guest_continue(struct thread *thread, int signal);

/* The same, to the stop at the exit of the system call that it is about to make. */
void guest_continue_to_exit(struct thread *thread);

/* Leaves it stopped by job control, until SIGCONT. */
void guest_listen(struct thread *thread);

#endif
