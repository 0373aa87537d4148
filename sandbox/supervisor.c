#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exits.h"
#include "first.h"
#include "fork.h"
#include "guest.h"
#include "log.h"
#include "lost.h"
#include "regs.h"
#include "signals.h"
#include "syscalls.h"
#include "tree_report.h"
#include "waits.h"
#include "watch.h"

/* What epoll reports: one of these, or the pid of a process that has died. */
enum { FROM_KERNEL = 0, FROM_FRONT_END = -1 };

enum { IDLE_CHECK_MS = 1000, SOON_MS = 5, EVENTS = 64 };

void supervisor_take_exits(const struct process *caller)
{
	struct epoll_event events[EVENTS];
	int ready = watch_wait(events, EVENTS, 0);

	for (int i = 0; i < ready; i++) {
		int32_t source = (int32_t)events[i].data.u64;

		if (source > 0 && source != caller->pid)
			exits_process(source);
	}
	watch_take_others(caller->pid);
}

void supervisor_tell(void)
{
	struct family_event event;

	while (family_next_event(&event)) {
		struct thread *thread = guests_find(event.tid);

		switch (event.kind) {
		case FAMILY_SIGNAL:
			signals_send(&event);
			break;
		case FAMILY_WAKE:
			if (thread)
				waits_wake(thread);
			break;
		case FAMILY_EXITED:
			tree_died(event.tid, event.status);
			break;
		case FAMILY_REPARENTED:
			log_trace("%d: adopted by %d", event.tid, event.other);
			tree_adopted(event.tid, event.other);
			break;
		case FAMILY_REAPED:
			tree_reaped(event.tid, event.other, event.status);
			if (thread && thread->process && thread->process->pid == event.tid) {
				if (event.other)
					log_trace("%d: reaped by %d", event.tid, event.other);
				else
					log_trace("%d: leaves no zombie", event.tid);
				exits_reap(thread->process);
			}
			break;
		}
	}
}

static void exec_event(struct thread *leader)
{
	unsigned long former;

	if (ptrace(PTRACE_GETEVENTMSG, leader->tid, 0, &former) < 0)
		return;
	exits_sweep(leader->process);
	if ((pid_t)former != leader->tid)
		exits_take_over(leader, guests_find((pid_t)former));

	int error = family_exec(leader->id);

	if (error < 0)
		log_trace("%d: the library does not follow this execve: %s", leader->tid, strerror(-error));
	signals_exec(leader->process);
	tree_named(leader->tid);
	log_trace("%d: execve", leader->tid);
	supervisor_tell();
	guest_continue(leader, 0);
}

/* A stop by job control lasts until SIGCONT; any other trap of this kind is our own PTRACE_INTERRUPT. */
static void event_stop(struct thread *thread, int signal)
{
	if (!thread->started) {
		fork_newborn(thread);
	} else if (signal == SIGTRAP) {
		guest_continue(thread, 0);
	} else {
		log_trace("%d: stopped by signal %d", thread->tid, signal);
		waits_note_stop();
		guest_listen(thread);
	}
}

static void handle_stop(pid_t tid, int code)
{
	int signal = code & 0xff, event = code >> 8;
	struct thread *thread = guests_find(tid);

	if (!thread)
		thread = guests_add(tid);
	waits_settle(thread);
	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		syscalls_enter(thread);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		fork_event(thread);
		break;
	case PTRACE_EVENT_EXEC:
		exec_event(thread);
		break;
	case PTRACE_EVENT_STOP:
		event_stop(thread, signal);
		break;
	default:
		if (signal == (SIGTRAP | 0x80)) {
			syscalls_exit(thread);
		} else {
			signals_deliver(tid);
			guest_continue(thread, signal);
		}
	}
}

/*
 * Takes every stop there is. Never asks for exits here: waitid would return the oldest zombie, which its
 * virtual parent may want to keep, for ever. ECHILD means that only zombies are left.
 */
static void take_stops(void)
{
	for (;;) {
		siginfo_t info;

		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG | __WALL) < 0 && errno != ECHILD && errno != EINTR)
			die(STATUS_FAILED, "cannot wait for the guests: %m");
		if (info.si_pid == 0)
			return;
		handle_stop(info.si_pid, info.si_status);
	}
}

/* The user has asked for the end of what the program left behind. */
static bool asked_to_end;

static bool is_request_to_end(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == SIGHUP;
}

static void forward_signals(int control, pid_t program)
{
	unsigned char signals[16];
	ssize_t got = read(control, signals, sizeof signals);

	if (got == 0)
		_exit(STATUS_FAILED); /* the front end is gone, and so must be the guests */
	for (ssize_t i = 0; i < got; i++) {
		int signal = signals[i] & ~FROM_TERMINAL;

		if (exits_program(NULL))
			asked_to_end |= is_request_to_end(signal);
		else if (!(signals[i] & FROM_TERMINAL))
			kill(program, signal);
	}
}

static void take_child_signals(int fd)
{
	struct signalfd_siginfo received[8];
	ssize_t got;

	while ((got = read(fd, received, sizeof received)) > 0)
		for (size_t i = 0; i < (size_t)got / sizeof *received; i++)
			if (received[i].ssi_code == CLD_KILLED || received[i].ssi_code == CLD_EXITED)
				lost_hint((pid_t)received[i].ssi_pid);
	exits_sweep_all();
	watch_take_others(0);
}

/* How long to sleep at most: until the next check of what may have been lost, or the end of the time. */
static int milliseconds_to_wait(double timeout)
{
	int check = lost_suspected() ? SOON_MS : IDLE_CHECK_MS;

	if (timeout <= 0)
		return check;

	double left = timeout * 1000 - (double)log_now_ns() / 1e6;

	return left <= 0 ? 0 : left < check ? (int)ceil(left) : check;
}

static bool finished(const struct launch *launch)
{
	return guests_processes() == 0 || (exits_program(NULL) && (asked_to_end || !launch->wait_for_orphans));
}

/* Returns false when the time limit has passed. */
static bool run(const struct launch *launch, int child_signals, pid_t program)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		take_stops();
		if (finished(launch))
			return true;

		int wait_ms = milliseconds_to_wait(launch->timeout);

		if (launch->timeout > 0 && wait_ms == 0)
			return false;

		int ready = watch_wait(events, EVENTS, wait_ms);

		if (ready == 0) {
			lost_search();
			watch_take_others(0);
		}
		for (int i = 0; i < ready; i++) {
			int32_t source = (int32_t)events[i].data.u64;

			if (source == FROM_KERNEL) {
				take_child_signals(child_signals);
			} else if (source == FROM_FRONT_END) {
				forward_signals(launch->control, program);
			} else {
				exits_process(source);
			}
		}
	}
}

static int child_signal_fd(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

int supervise(const struct launch *launch)
{
	family_id init;
	int error = family_open(&init), status = 0;

	if (error < 0)
		die(STATUS_FAILED, "libptexit does not start: %s", strerror(-error));
	signals_open();
	if (launch->tree)
		tree_open();
	watch_open();

	int child_signals = child_signal_fd();

	if (child_signals < 0)
		die(STATUS_FAILED, "cannot set up the supervisor: %m");
	watch_fd(child_signals, FROM_KERNEL);
	watch_fd(launch->control, FROM_FRONT_END);

	pid_t program = first_start(launch);

	exits_open(init, program);
	signals_ignore(fork_first(program, init), launch->ignores[SIGCHLD]);
	first_go();

	bool in_time = run(launch, child_signals, program);

	if (launch->tree)
		tree_print(launch->tree);
	if (!in_time) {
		log_warn("time limit of %g s reached: the guests are killed", launch->timeout);
		return STATUS_TIMED_OUT;
	}
	exits_program(&status);
	family_close();
	return WIFSIGNALED(status) ? STATUS_SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}
