/* Signals that the library generates: SIGCHLD and other exit signals, the parent-death signal. */
#ifndef PTBOX_SIGNALS_H
#define PTBOX_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include "family.h"
#include "guest.h"

void signals_open(void);

/* Sends a generated signal to a guest. */
void signals_send(const struct family_event *event);

/* At a signal-delivery stop: gives the signal its true siginfo. Does not resume. */
void signals_deliver(pid_t tid);

/* rt_sigaction(SIGCHLD): decides whether children are waited for and whether the signal is of use. */
void signals_note_action(struct thread *thread, uint64_t action_at, uint64_t set_size);

/* What a process is born with, and what the first one finds. */
void signals_inherit(struct process *child, const struct process *parent);
void signals_ignore(struct process *first, bool ignore);

/* execve(2) puts handlers back to the default. */
void signals_exec(struct process *process);

/* rt_sigtimedwait(2) takes signals without a delivery stop: its result is corrected at its exit. */
void signals_enter_sigwait(struct thread *thread, uint64_t set_at, uint64_t set_size);
void signals_exit_sigwait(struct thread *thread, long result);

/* signalfd(2): so are those of read(2), at the exit of which there are `result` bytes. */
void signals_note_signalfd(struct thread *thread, uint64_t set_at, uint64_t set_size);
void signals_exit_read(struct thread *thread, uint64_t buffer, long result);

#endif
