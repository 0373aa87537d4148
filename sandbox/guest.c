#include "guest.h"

#include <stdlib.h>
#include <unistd.h>

#include "log.h"

enum { BUCKETS = 1 << 14 };

static struct thread *buckets[BUCKETS];
static struct process *processes;
static unsigned process_count, worker_count, unlinked_count;

static struct thread **bucket_of(pid_t tid)
{
	return &buckets[(unsigned)tid % BUCKETS];
}

static void *new_zeroed(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		die(STATUS_FAILED, "out of memory for the table of guests");
	return memory;
}

struct thread *guests_find(pid_t tid)
{
	struct thread *thread = *bucket_of(tid);

	while (thread && thread->tid != tid)
		thread = thread->next_in_bucket;
	return thread;
}

struct thread *guests_add(pid_t tid)
{
	struct thread *thread = new_zeroed(sizeof *thread);

	thread->tid = tid;
	thread->next_in_bucket = *bucket_of(tid);
	*bucket_of(tid) = thread;
	unlinked_count++;
	return thread;
}

void guests_join(struct thread *thread, struct process *process)
{
	thread->process = process;
	thread->next_in_process = process->threads;
	process->threads = thread;
	unlinked_count--;
	if (thread->tid != process->pid)
		worker_count++;
}

struct process *guests_add_process(struct thread *leader, family_id id)
{
	struct process *process = new_zeroed(sizeof *process);

	process->pid = leader->tid;
	process->id = leader->id = id;
	process->pidfd = -1;
	process->next = processes;
	if (processes)
		processes->previous = process;
	processes = process;
	process_count++;
	guests_join(leader, process);
	return process;
}

static void forget(struct thread *thread)
{
	struct thread **link = bucket_of(thread->tid);

	while (*link != thread)
		link = &(*link)->next_in_bucket;
	*link = thread->next_in_bucket;
	free(thread);
}

static void leave_process(struct thread *thread)
{
	struct thread **link = &thread->process->threads;

	while (*link != thread)
		link = &(*link)->next_in_process;
	*link = thread->next_in_process;
	if (thread->tid != thread->process->pid)
		worker_count--;
}

void guests_remove(struct thread *thread)
{
	if (thread->process)
		leave_process(thread);
	else
		unlinked_count--;
	forget(thread);
}

void guests_remove_process(struct process *process)
{
	while (process->threads)
		guests_remove(process->threads);
	if (process->pidfd >= 0)
		close(process->pidfd);
	if (process->previous)
		process->previous->next = process->next;
	else
		processes = process->next;
	if (process->next)
		process->next->previous = process->previous;
	process_count--;
	free(process);
}

struct process *guests_first(void)
{
	return processes;
}

unsigned guests_processes(void)
{
	return process_count;
}

unsigned guests_workers(void)
{
	return worker_count;
}

struct thread *guests_unlinked(bool (*is_wanted)(pid_t tid))
{
	if (!unlinked_count)
		return NULL;
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct thread *thread = buckets[i]; thread; thread = thread->next_in_bucket)
			if (!thread->process && is_wanted(thread->tid))
				return thread;
	return NULL;
}
