#define _GNU_SOURCE
#include "lost.h"

#include "exits.h"
#include "fork.h"
#include "guest.h"
#include "proc.h"

static bool suspicion;

void lost_suspect(void)
{
	suspicion = true;
}

bool lost_suspected(void)
{
	return suspicion;
}

static void reap_if_lost(pid_t pid, pid_t tid)
{
	struct thread *thread = guests_find(tid);
	siginfo_t info;

	if (tid == pid || (thread && thread->process))
		return;
	if (exits_take(tid, &info) && thread)
		guests_remove(thread);
}

/* A process whose leader is a zombie, and which is none itself, has a thread left: one that is lost? */
static void search_process(const struct process *process)
{
	if (!process->dead && proc_is_zombie(process->pid))
		proc_each_thread(process->pid, reap_if_lost);
}

void lost_hint(pid_t tid)
{
	struct thread *thread = guests_find(tid);

	if (!thread)
		reap_if_lost(proc_tgid(tid), tid);
	else if (thread->process && thread->process->pid == tid)
		search_process(thread->process);
}

void lost_search(void)
{
	suspicion = false;
	for (const struct process *process = guests_first(); process; process = process->next)
		search_process(process);
	fork_adopt_lost();
}
