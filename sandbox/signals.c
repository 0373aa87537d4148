#define _GNU_SOURCE
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"
#include "regs.h"

/*
 * The kernel lets nobody send a siginfo with si_code >= 0 to another process. So a signal travels as
 * SI_QUEUE with all its fields in place and its true si_code folded into si_errno, behind a number that
 * guests cannot guess; the code is put right when the signal is about to be seen.
 */
static int travel_mark;
static const int code_bits = 0xff;

/* The kernel's struct sigaction; glibc's has another order. */
struct kernel_action {
	uint64_t handler, flags, restorer, mask;
};

enum { KERNEL_SET_SIZE = 8, KERNEL_INFO_SIZE = 48 };

void signals_open(void)
{
	if (getrandom(&travel_mark, sizeof travel_mark, 0) != sizeof travel_mark)
		travel_mark = getpid() * 2654435761u;
	travel_mark &= ~code_bits;
}

static bool restore_code(siginfo_t *info)
{
	if (info->si_code != SI_QUEUE || (info->si_errno & ~code_bits) != travel_mark)
		return false;
	info->si_code = info->si_errno & code_bits;
	info->si_errno = 0;
	return true;
}

static uint64_t bit(int signal)
{
	return 1ULL << (signal - 1);
}

/* A SIGCHLD that would be ignored at once is not sent: a traced guest would be disturbed by it. */
static bool is_of_use(const struct thread *thread)
{
	uint64_t blocked;

	if (thread->process->handles_sigchld || (thread->sigwait_set & bit(SIGCHLD)))
		return true;
	return !proc_blocked(thread->tid, &blocked) || (blocked & bit(SIGCHLD));
}

void signals_send(const struct family_event *event)
{
	struct thread *thread = guests_find(event->tid);
	siginfo_t info;
	long failed;

	if (!thread || !thread->process || (event->signal == SIGCHLD && !is_of_use(thread)))
		return;
	memset(&info, 0, sizeof info);
	info.si_signo = event->signal;
	info.si_code = SI_QUEUE;
	info.si_errno = travel_mark | event->code;
	info.si_pid = event->from_pid;
	info.si_uid = event->from_uid;
	if (event->code != SI_USER) {
		uint64_t ns_per_tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);

		info.si_status = event->status;
		info.si_utime = (clock_t)(event->utime_ns / ns_per_tick);
		info.si_stime = (clock_t)(event->stime_ns / ns_per_tick);
	}
	if (event->group)
		failed = syscall(SYS_rt_sigqueueinfo, thread->process->pid, event->signal, &info);
	else
		failed = syscall(SYS_rt_tgsigqueueinfo, thread->process->pid, thread->tid, event->signal, &info);
	if (failed && errno != ESRCH)
		log_warn("signal %d does not reach guest %d: %m", event->signal, thread->tid);
	log_trace("%d: gets signal %d about %d", thread->tid, event->signal, event->from_pid);
}

void signals_deliver(pid_t tid)
{
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, tid, 0, &info) == 0 && restore_code(&info))
		ptrace(PTRACE_SETSIGINFO, tid, 0, &info);
}

static void set_policy(struct process *process, struct family_sigchld policy)
{
	process->sigchld = policy;
	family_set_sigchld(process->id, policy);
}

void signals_note_action(struct thread *thread, uint64_t action_at, uint64_t set_size)
{
	struct kernel_action action;

	if (!action_at || set_size != KERNEL_SET_SIZE || !guest_read(thread->tid, action_at, &action, sizeof action))
		return;
	bool ignore = action.handler == (uint64_t)(uintptr_t)SIG_IGN;

	thread->process->handles_sigchld = !ignore && action.handler != (uint64_t)(uintptr_t)SIG_DFL;
	set_policy(thread->process, (struct family_sigchld){
					    .ignore = ignore,
					    .no_cld_wait = action.flags & SA_NOCLDWAIT,
					    .no_cld_stop = action.flags & SA_NOCLDSTOP,
				    });
}

void signals_inherit(struct process *child, const struct process *parent)
{
	child->handles_sigchld = parent->handles_sigchld;
	child->reads_signals = parent->reads_signals;
	set_policy(child, parent->sigchld);
}

void signals_ignore(struct process *first, bool ignore)
{
	set_policy(first, (struct family_sigchld){.ignore = ignore});
}

void signals_exec(struct process *process)
{
	process->handles_sigchld = false;
	process->reads_signals = false;
	set_policy(process, (struct family_sigchld){.ignore = process->sigchld.ignore});
}

void signals_enter_sigwait(struct thread *thread, uint64_t set_at, uint64_t set_size)
{
	uint64_t set;

	/* /proc shows the signals of a running sigtimedwait as not blocked: their use is noted here. */
	if (set_size == KERNEL_SET_SIZE && guest_read(thread->tid, set_at, &set, sizeof set))
		thread->sigwait_set = set;
}

void signals_exit_sigwait(struct thread *thread, long result)
{
	siginfo_t info;

	thread->sigwait_set = 0;
	if (result > 0 && thread->result_at && guest_read(thread->tid, thread->result_at, &info, KERNEL_INFO_SIZE) &&
	    restore_code(&info))
		guest_write(thread->tid, thread->result_at, &info, KERNEL_INFO_SIZE);
}

void signals_note_signalfd(struct thread *thread, uint64_t set_at, uint64_t set_size)
{
	uint64_t set;

	if (set_size == KERNEL_SET_SIZE && guest_read(thread->tid, set_at, &set, sizeof set) && (set & bit(SIGCHLD)))
		thread->process->reads_signals = true;
}

void signals_exit_read(struct thread *thread, uint64_t buffer, long result)
{
	struct signalfd_siginfo info;

	for (long at = 0; at + (long)sizeof info <= result; at += (long)sizeof info) {
		if (result % (long)sizeof info || !guest_read(thread->tid, buffer + (uint64_t)at, &info, sizeof info))
			return;
		if (info.ssi_code != SI_QUEUE || ((int)info.ssi_errno & ~code_bits) != travel_mark)
			continue;
		info.ssi_code = (int)info.ssi_errno & code_bits;
		info.ssi_errno = 0;
		info.ssi_status = info.ssi_int;
		info.ssi_int = 0;
		info.ssi_ptr = 0;
		guest_write(thread->tid, buffer + (uint64_t)at, &info, sizeof info);
	}
}
