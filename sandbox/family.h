/*
 * What ptbox asks of libptexit. family.c is the only file that calls the library.
 *
 * A task is named by its handle (family_id); the tid rides along as the handle's cookie, so that events
 * name the guest by the number the kernel knows it by. Calls return 0 or a negative errno.
 */
#ifndef PTBOX_FAMILY_H
#define PTBOX_FAMILY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

typedef uint64_t family_id;

/* The pid of the virtual init: the parent of the first guest and of every orphan. */
enum { FAMILY_INIT_PID = 1 };

enum family_kind { FAMILY_PROCESS, FAMILY_SIBLING, FAMILY_THREAD };

enum family_event_kind {
	FAMILY_SIGNAL,     /* a signal is generated for `tid` */
	FAMILY_WAKE,       /* the blocked wait of `tid` is to be asked again */
	FAMILY_EXITED,     /* the last thread of process `tid` has gone */
	FAMILY_REAPED,     /* `tid` is gone; `other` reaped it, 0 if nobody had to */
	FAMILY_REPARENTED, /* process `tid` is now a child of process `other` */
};

struct family_event {
	enum family_event_kind kind;
	pid_t tid;
	pid_t other;
	int status;           /* EXITED, REAPED: wait status; SIGNAL: si_status */
	int signal, code;     /* SIGNAL: si_signo and si_code */
	bool group;           /* SIGNAL: pending for the whole process */
	pid_t from_pid;       /* SIGNAL: si_pid and si_uid */
	uid_t from_uid;
	uint64_t utime_ns, stime_ns; /* SIGNAL: of the dead child */
};

/* What a wait is for; the fields of waitid(2). */
struct family_wait {
	int idtype; /* P_ALL, P_PID, P_PGID; a pidfd is P_PID by now */
	pid_t id;   /* 0 with P_PGID: the caller's own group */
	int options;
};

struct family_waited {
	pid_t pid; /* 0: nothing to report */
	uid_t uid;
	int status;
	struct rusage usage;
};

struct family_sigchld {
	bool ignore, no_cld_wait, no_cld_stop;
};

int family_open(family_id *init);
void family_close(void);

int family_clone(family_id parent, enum family_kind kind, int exit_signal, pid_t tid, family_id *child);
int family_exec(family_id leader);
int family_thread_died(family_id thread, int status);
int family_process_died(family_id leader, int status, const struct rusage *usage);

/* -EAGAIN: armed, FAMILY_WAKE says when to ask again. With WNOHANG, pid 0 instead. */
int family_wait(family_id waiter, pid_t tid, const struct family_wait *request, struct family_waited *found);
void family_wait_cancel(family_id waiter, pid_t tid);

pid_t family_ppid(family_id task);
int family_setpgid(family_id caller, pid_t pid, pid_t pgid);
int family_setsid(family_id caller);
int family_children_usage(family_id task, struct rusage *usage);

int family_set_subreaper(family_id task, bool on);
int family_get_subreaper(family_id task, bool *on);
int family_set_pdeathsig(family_id task, int signal);
int family_get_pdeathsig(family_id task, int *signal);
int family_set_sigchld(family_id task, struct family_sigchld policy);
int family_set_uid(family_id task, uid_t uid);

/* Takes the next event off the queue; false when there is none. */
bool family_next_event(struct family_event *event);

#endif
