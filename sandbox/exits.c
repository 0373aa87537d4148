#define _GNU_SOURCE
#include "exits.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fork.h"
#include "log.h"
#include "lost.h"
#include "proc.h"
#include "supervisor.h"
#include "tree_report.h"
#include "watch.h"

static family_id init_task;
static pid_t program_pid;
static bool program_ended;
static int program_status;

void exits_open(family_id init, pid_t program)
{
	init_task = init;
	program_pid = program;
}

bool exits_program(int *status)
{
	if (status)
		*status = program_status;
	return program_ended;
}

/* waitid with the kernel's fifth argument. */
static bool ask(pid_t tid, int options, siginfo_t *info, struct rusage *usage)
{
	info->si_pid = 0;
	return syscall(SYS_waitid, P_PID, tid, info, WEXITED | WNOHANG | __WALL | options, usage) == 0 &&
	       info->si_pid == tid;
}

/* Whether `tid` is a zombie, and of what. A tracer is told of stops as well, asked or not: those stay. */
static bool peek_exit(pid_t tid, siginfo_t *info, struct rusage *usage)
{
	return ask(tid, WNOWAIT, info, usage) &&
	       (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED);
}

bool exits_take(pid_t tid, siginfo_t *info)
{
	return peek_exit(tid, info, NULL) && ask(tid, 0, info, NULL);
}

static int wait_status(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return (info->si_status & 0xff) << 8;
	case CLD_DUMPED:
		return info->si_status | 0x80;
	default:
		return info->si_status;
	}
}

/* The virtual init waits for whoever comes; it is the parent of the program and of all orphans. */
static void reap_for_init(void)
{
	struct family_wait any = {.idtype = P_ALL, .options = WEXITED | WNOHANG | __WALL};
	struct family_waited found;

	while (family_wait(init_task, FAMILY_INIT_PID, &any, &found) == 0 && found.pid != 0) {
		if (found.pid == program_pid && !program_ended) {
			program_ended = true;
			program_status = found.status;
		}
		supervisor_tell();
	}
}

static void thread_died(struct thread *thread, int status)
{
	log_trace("%d: thread ends", thread->tid);
	if (thread->process) {
		fork_orphaned(thread);
		family_thread_died(thread->id, status);
		tree_died(thread->tid, status);
	}
	guests_remove(thread);
	supervisor_tell();
}

void exits_sweep(struct process *process)
{
	siginfo_t info;

	for (struct thread *thread = process->threads, *next; thread; thread = next) {
		next = thread->next_in_process;
		if (thread->tid == process->pid || !exits_take(thread->tid, &info))
			continue;
		if (info.si_code != CLD_EXITED)
			lost_suspect();
		thread_died(thread, wait_status(&info));
	}
}

void exits_sweep_all(void)
{
	if (guests_workers() == 0)
		return;
	for (struct process *process = guests_first(); process; process = process->next)
		exits_sweep(process);
}

void exits_process(pid_t pid)
{
	struct thread *leader = guests_find(pid);
	struct process *process = leader ? leader->process : NULL;
	struct rusage usage;
	siginfo_t info;
	uid_t uid;

	if (!process || process->dead || !peek_exit(pid, &info, &usage))
		return;
	watch_end(process);
	process->dead = true;
	exits_sweep(process);
	fork_orphaned(leader);

	int status = wait_status(&info);
	char text[32];

	log_trace("%d: process ends, %s", pid, tree_status_text(status, text, sizeof text));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_warn("guest %d was killed by SIGSYS; 32-bit system calls are not supported in the box", pid);
	if (geteuid() == 0 && proc_uid(pid, &uid))
		family_set_uid(process->id, uid);
	if (family_process_died(process->id, status, &usage) < 0)
		log_warn("the library does not accept the death of guest %d", pid);
	supervisor_tell();
	reap_for_init();
}

void exits_reap(struct process *process)
{
	siginfo_t info;

	if (!exits_take(process->pid, &info))
		log_warn("guest %d was reaped before it died", process->pid);
	guests_remove_process(process);
}

void exits_take_over(struct thread *leader, struct thread *former)
{
	fork_orphaned(leader);
	if (leader->wait.active)
		family_wait_cancel(leader->id, leader->tid);
	leader->wait.active = false;
	leader->sigwait_set = 0;
	if (!former || former->process != leader->process)
		return;
	family_thread_died(former->id, 0);
	tree_died(former->tid, 0);
	guests_remove(former);
}
