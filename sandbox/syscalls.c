#define _GNU_SOURCE
#include "syscalls.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <unistd.h>

#include "fork.h"
#include "log.h"
#include "proc.h"
#include "regs.h"
#include "signals.h"
#include "supervisor.h"
#include "waits.h"

/* Answers the call and lets the guest go on. */
static void answer(struct thread *thread, struct user_regs_struct *regs, long result)
{
	regs_answer(thread->tid, regs, result);
	guest_continue(thread, 0);
}

/* Lets the kernel make the call and asks for the stop at its end. */
static void run_until_exit(struct thread *thread, enum after after, uint64_t result_at)
{
	thread->after = after;
	thread->result_at = result_at;
	guest_continue_to_exit(thread);
}

/*
 * Process groups are kept on both sides: terminals and kill(2) go by the kernel's, waits by the library's.
 * For a child, the supervisor makes the kernel's call in the guest's place: it is the real parent.
 */
static void enter_setpgid(struct thread *thread, struct user_regs_struct *regs)
{
	pid_t pid = (pid_t)regs->rdi, pgid = (pid_t)regs->rsi;
	int error = family_setpgid(thread->id, pid, pgid);

	if (error < 0) {
		answer(thread, regs, error);
	} else if (pid == 0 || pid == thread->process->pid) {
		guest_continue(thread, 0);
	} else {
		if (setpgid(pid, pgid) < 0)
			log_trace("%d: the kernel refuses setpgid(%d, %d): %m", thread->tid, pid, pgid);
		answer(thread, regs, 0);
	}
}

static void enter_setsid(struct thread *thread, struct user_regs_struct *regs)
{
	int error = family_setsid(thread->id);

	if (error < 0)
		answer(thread, regs, error);
	else
		guest_continue(thread, 0);
}

static long answer_prctl(struct thread *thread, int option, uint64_t argument)
{
	bool on = false;
	int value = 0, error;

	switch (option) {
	case PR_SET_CHILD_SUBREAPER:
		return family_set_subreaper(thread->id, argument != 0);
	case PR_SET_PDEATHSIG:
		return argument > 64 ? -EINVAL : family_set_pdeathsig(thread->id, (int)argument);
	case PR_GET_CHILD_SUBREAPER:
		error = family_get_subreaper(thread->id, &on);
		value = on;
		break;
	default:
		error = family_get_pdeathsig(thread->id, &value);
		break;
	}
	if (error < 0)
		return error;
	return guest_write(thread->tid, argument, &value, sizeof value) ? 0 : -EFAULT;
}

static long answer_children_usage(struct thread *thread, uint64_t to)
{
	struct rusage usage;
	int error = family_children_usage(thread->id, &usage);

	if (error < 0)
		return error;
	return guest_write(thread->tid, to, &usage, sizeof usage) ? 0 : -EFAULT;
}

static clock_t ticks(const struct timeval *time)
{
	return time->tv_sec * sysconf(_SC_CLK_TCK) + time->tv_usec * sysconf(_SC_CLK_TCK) / 1000000;
}

/* times(2): the kernel knows the process's own, the library that of its children. */
static void exit_times(struct thread *thread)
{
	struct rusage usage;

	if (!thread->result_at || family_children_usage(thread->id, &usage) < 0)
		return;
	clock_t children[2] = {ticks(&usage.ru_utime), ticks(&usage.ru_stime)};

	guest_write(thread->tid, thread->result_at + offsetof(struct tms, tms_cutime), children, sizeof children);
}

/* The virtual init has no handlers, and takes no other signals. */
static long answer_kill_init(const struct thread *thread, uint64_t signal)
{
	uid_t uid;

	if (signal > 64)
		return -EINVAL;
	return proc_uid(thread->process->pid, &uid) && uid != 0 ? -EPERM : 0;
}

static void refuse_ptrace(struct thread *thread, struct user_regs_struct *regs)
{
	static bool told;

	if (!told)
		log_warn("guest %d calls ptrace(2): debuggers and tracers cannot run inside the box yet; "
			 "the call fails with EPERM", thread->process->pid);
	told = true;
	answer(thread, regs, -EPERM);
}

void syscalls_enter(struct thread *thread)
{
	struct user_regs_struct regs;

	if (!regs_get(thread->tid, &regs))
		return; /* killed */
	switch (regs.orig_rax) {
	case SYS_wait4:
	case SYS_waitid:
		waits_enter(thread, &regs);
		break;
	case SYS_fork:
	case SYS_vfork:
	case SYS_clone:
	case SYS_clone3:
		fork_enter(thread, &regs);
		break;
	case SYS_getppid:
		answer(thread, &regs, family_ppid(thread->id));
		break;
	case SYS_setpgid:
		enter_setpgid(thread, &regs);
		break;
	case SYS_setsid:
		enter_setsid(thread, &regs);
		break;
	case SYS_prctl:
		answer(thread, &regs, answer_prctl(thread, (int)regs.rdi, regs.rsi));
		break;
	case SYS_getrusage:
		answer(thread, &regs, answer_children_usage(thread, regs.rsi));
		break;
	case SYS_times:
		run_until_exit(thread, AFTER_TIMES, regs.rdi);
		break;
	case SYS_rt_sigaction:
		signals_note_action(thread, regs.rsi, regs.r10);
		guest_continue(thread, 0);
		break;
	case SYS_rt_sigtimedwait:
		signals_enter_sigwait(thread, regs.rdi, regs.r10);
		run_until_exit(thread, AFTER_SIGWAIT, regs.rsi);
		break;
	case SYS_signalfd:
	case SYS_signalfd4:
		signals_note_signalfd(thread, regs.rsi, regs.rdx);
		guest_continue(thread, 0);
		break;
	case SYS_kill:
		answer(thread, &regs, answer_kill_init(thread, regs.rsi));
		break;
	case SYS_ptrace:
		refuse_ptrace(thread, &regs);
		break;
	default: /* another filter, the guest's own, asks for its tracer */
		guest_continue(thread, 0);
	}
}

void syscalls_exit(struct thread *thread)
{
	struct user_regs_struct regs;
	enum after after = thread->after;

	thread->after = AFTER_NOTHING;
	if (!regs_get(thread->tid, &regs))
		return;
	switch (after) {
	case AFTER_FORK:
		fork_failed(thread, &regs);
		break;
	case AFTER_SIGWAIT:
		signals_exit_sigwait(thread, (long)regs.rax);
		break;
	case AFTER_TIMES:
		exit_times(thread);
		break;
	case AFTER_NOTHING:
		if (regs.orig_rax == SYS_read)
			signals_exit_read(thread, regs.rsi, (long)regs.rax);
		break;
	}
	guest_continue(thread, 0);
}
