/* The guests as the kernel side knows them: threads, and the processes they belong to. */
#ifndef PTBOX_GUEST_H
#define PTBOX_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "family.h"

/* What is to be done when the running system call comes to its exit stop. */
enum after { AFTER_NOTHING, AFTER_FORK, AFTER_SIGWAIT, AFTER_TIMES };

/* A fork-like call that was rewritten and whose event or exit stop is still to come. */
struct fork_call {
	bool active;
	enum family_kind kind;
	int exit_signal;
	struct user_regs_struct regs; /* the call as the guest made it */
};

/* A wait that blocks: the thread sits in pause(2) meanwhile. */
struct wait_call {
	bool active;
	long nr; /* wait4 or waitid */
	struct family_wait request;
	uint64_t status_at, info_at, usage_at; /* guest addresses of the results, 0 for none */
};

struct thread {
	pid_t tid;
	struct process *process; /* NULL: newborn whose parent's event is still to come */
	family_id id;
	bool started;            /* its first stop is over */
	struct user_regs_struct first_regs; /* registers to put right at its first stop */
	bool first_regs_set;
	enum after after;
	struct fork_call fork;
	struct wait_call wait;
	uint64_t sigwait_set;    /* signals a running rt_sigtimedwait takes, 0 outside of one */
	uint64_t result_at;      /* where the running call (AFTER_*) puts its result */
	struct thread *next_in_process, *next_in_bucket;
};

struct process {
	pid_t pid;
	family_id id; /* of the leader */
	int pidfd;    /* -1 if it has none, or not any more */
	bool dead;    /* all of it is a zombie, as the library knows */
	struct thread *threads;
	bool handles_sigchld; /* a handler is installed */
	bool reads_signals;   /* it has a signalfd: every system call stops, as reads of it are to be corrected */
	struct family_sigchld sigchld;
	struct process *next, *previous;
};

struct thread *guests_find(pid_t tid);
struct thread *guests_add(pid_t tid);
struct process *guests_add_process(struct thread *leader, family_id id);
void guests_join(struct thread *thread, struct process *process);
void guests_remove(struct thread *thread);
void guests_remove_process(struct process *process);

struct process *guests_first(void);
unsigned guests_processes(void); /* alive or zombie */
unsigned guests_workers(void);   /* threads other than leaders */

/* A newborn whose parent is not known yet and that `is_wanted`, if there is one. */
struct thread *guests_unlinked(bool (*is_wanted)(pid_t tid));

#endif
