#define _GNU_SOURCE
#include "waits.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"
#include "regs.h"
#include "supervisor.h"

#ifndef __WNOTHREAD
#define __WNOTHREAD 0x20000000
#endif

enum { ERESTARTSYS = 512 }; /* the kernel's own, never seen by programs */

static const unsigned kinship_options = __WNOTHREAD | __WCLONE | __WALL;

/* The part of siginfo_t that waitid fills in. */
struct child_info {
	int signo, error, code, padding;
	int pid;
	unsigned uid;
	int status;
};

/* The last guest that asked for stops, 0 for none; whether some guest has stopped. */
static pid_t wants_stops;
static bool stops_seen;

static void say_what_is_missing(void)
{
	static bool said;

	if (!said)
		log_warn("guest %d waits for children that stop or continue (WUNTRACED, WCONTINUED); waits in the box "
			 "report only those that die", wants_stops);
	said = true;
}

void waits_note_stop(void)
{
	stops_seen = true;
	if (wants_stops)
		say_what_is_missing();
}

/* As long as nobody stops, a wait for the dead and the stopped is one for the dead. */
static void note_options(const struct thread *thread, int options)
{
	if (!(options & (WSTOPPED | WCONTINUED)))
		return;
	wants_stops = thread->tid;
	if (stops_seen || !(options & WEXITED))
		say_what_is_missing();
}

static int parse_wait4(const struct user_regs_struct *regs, struct wait_call *call)
{
	int pid = (int)regs->rdi;
	unsigned options = (unsigned)regs->rdx;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | kinship_options))
		return -EINVAL;
	if (pid == INT_MIN)
		return -ESRCH;
	call->request.options = (int)(options | WEXITED);
	call->request.idtype = pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
	call->request.id = pid > 0 ? pid : pid == -1 ? 0 : -pid;
	call->status_at = regs->rsi;
	call->usage_at = regs->r10;
	return 0;
}

static int parse_waitid(const struct thread *thread, const struct user_regs_struct *regs, struct wait_call *call)
{
	int idtype = (int)regs->rdi, id = (int)regs->rsi;
	unsigned options = (unsigned)regs->r10;

	call->info_at = regs->rdx;
	call->usage_at = regs->r8;
	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | kinship_options))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	call->request = (struct family_wait){.idtype = idtype, .id = id, .options = (int)options};
	switch (idtype) {
	case P_ALL:
		return 0;
	case P_PID:
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		return id >= 0 ? 0 : -EINVAL;
	case P_PIDFD: {
		bool nonblocking;
		int error = id < 0 ? -EINVAL : proc_pidfd(thread->tid, id, &call->request.id, &nonblocking);

		if (error == 0 && nonblocking)
			call->request.options |= WNOHANG;
		call->request.idtype = P_PID;
		return error;
	}
	default:
		return -EINVAL;
	}
}

static struct child_info info_of(const struct family_waited *found)
{
	bool exited = WIFEXITED(found->status);

	return (struct child_info){
		.signo = SIGCHLD,
		.code = exited ? CLD_EXITED : WCOREDUMP(found->status) ? CLD_DUMPED : CLD_KILLED,
		.pid = found->pid,
		.uid = found->uid,
		.status = exited ? WEXITSTATUS(found->status) : WTERMSIG(found->status),
	};
}

/* As the kernel, leaves alone what lies between and behind the members. */
static bool write_info(pid_t tid, uint64_t at, const struct child_info *info)
{
	size_t head = offsetof(struct child_info, padding), tail = offsetof(struct child_info, pid);

	return guest_write(tid, at, info, head) && guest_write(tid, at + tail, &info->pid, sizeof *info - tail);
}

/* Writes to the guest what the wait found; returns what the system call is to return. */
static long deliver(const struct thread *thread, const struct wait_call *call, int error,
		    const struct family_waited *found)
{
	bool is_wait4 = call->nr == SYS_wait4, any = error == 0 && found->pid != 0;
	struct child_info info = {0};

	if (any && call->usage_at && !guest_write(thread->tid, call->usage_at, &found->usage, sizeof found->usage))
		return -EFAULT;
	if (is_wait4) {
		if (any && call->status_at &&
		    !guest_write(thread->tid, call->status_at, &found->status, sizeof found->status))
			return -EFAULT;
		return error < 0 ? error : found->pid;
	}
	/* waitid writes zeros when there is nothing to report, and when it fails. */
	if (any)
		info = info_of(found);
	if (call->info_at && !write_info(thread->tid, call->info_at, &info))
		return -EFAULT;
	return error;
}

/*
 * A guest that sees a pidfd become readable, and then does not wish to block, must find the child: deaths
 * that the supervisor was not told of yet count as well.
 */
static int ask(const struct thread *thread, const struct family_wait *request, struct family_waited *found)
{
	int error = family_wait(thread->id, thread->tid, request, found);

	if (error == 0 && found->pid == 0) {
		supervisor_take_exits(thread->process);
		error = family_wait(thread->id, thread->tid, request, found);
	}
	return error;
}

void waits_enter(struct thread *thread, struct user_regs_struct *regs)
{
	struct wait_call call = {.nr = (long)regs->orig_rax};
	struct family_waited found = {0};
	int error = call.nr == SYS_wait4 ? parse_wait4(regs, &call) : parse_waitid(thread, regs, &call);
	bool nonblocking_pidfd = call.nr == SYS_waitid && (call.request.options & WNOHANG) && !(regs->r10 & WNOHANG);
	bool understood = error == 0;

	if (understood) {
		note_options(thread, call.request.options);
		error = ask(thread, &call.request, &found);
	}
	if (error == -EAGAIN) {
		thread->wait = call;
		thread->wait.active = true;
		regs->orig_rax = SYS_pause;
		regs_set(thread->tid, regs);
	} else {
		if (nonblocking_pidfd && understood && error == 0 && found.pid == 0)
			error = -EAGAIN;
		regs_answer(thread->tid, regs, understood ? deliver(thread, &call, error, &found) : error);
	}
	supervisor_tell();
	guest_continue(thread, 0);
}

void waits_wake(struct thread *thread)
{
	if (thread->wait.active && ptrace(PTRACE_INTERRUPT, thread->tid, 0, 0) < 0 && errno != ESRCH)
		log_warn("cannot wake the wait of guest %d: %m", thread->tid);
}

void waits_settle(struct thread *thread)
{
	struct wait_call *call = &thread->wait;
	struct family_wait request = call->request;
	struct family_waited found = {0};
	struct user_regs_struct regs;

	if (!call->active)
		return;
	call->active = false;
	family_wait_cancel(thread->id, thread->tid);
	if (!regs_get(thread->tid, &regs))
		return; /* killed */
	request.options |= WNOHANG;

	int error = family_wait(thread->id, thread->tid, &request, &found);

	if (error == 0 && found.pid == 0) {
		regs.orig_rax = (unsigned long)call->nr;
		regs.rax = (unsigned long)-ERESTARTSYS;
		regs_set(thread->tid, &regs);
	} else {
		regs_answer(thread->tid, &regs, deliver(thread, call, error, &found));
	}
	supervisor_tell();
}
