#define _GNU_SOURCE
#include "tree_report.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "family.h"
#include "log.h"
#include "proc.h"

enum { NAME_SIZE = 16, PID_LIMIT = 4194304 };

/* One task, from birth to reap. Times are nanoseconds since ptbox began, 0 while it has not come to that. */
struct record {
	pid_t tid, parent, leader, adopter, reaper;
	char name[NAME_SIZE];
	bool dead, reaped;
	int status;
	long long born, died, reaped_at;
	uint32_t first_child, last_child, next; /* records; 0 for none */
};

static struct record *records; /* the first is the virtual init */
static uint32_t count, room;
static uint32_t *record_of; /* by number; the latest task that had it */
static int label_width;

static struct record *find(pid_t tid)
{
	return record_of && tid > 0 && tid <= PID_LIMIT ? &records[record_of[tid]] : NULL;
}

static struct record *new_record(pid_t tid)
{
	if (count == room) {
		room = room ? 2 * room : 64;
		records = realloc(records, room * sizeof *records);
		if (!records)
			die(STATUS_FAILED, "out of memory for --tree");
	}

	struct record *record = &records[count];

	memset(record, 0, sizeof *record);
	record->tid = tid;
	record->born = log_now_ns();
	record_of[tid] = count++;
	return record;
}

void tree_open(void)
{
	record_of = calloc(PID_LIMIT + 1, sizeof *record_of); /* pages come as they are used */
	if (!record_of)
		die(STATUS_FAILED, "out of memory for --tree");
	strcpy(new_record(FAMILY_INIT_PID)->name, "init of the box");
}

void tree_born(pid_t tid, pid_t parent, pid_t leader)
{
	if (!record_of)
		return;

	struct record *record = new_record(tid);
	uint32_t index = record_of[tid], at = record_of[parent];

	record->parent = parent;
	record->leader = leader;
	memcpy(record->name, records[at].name, NAME_SIZE);
	if (parent == FAMILY_INIT_PID)
		proc_name(tid, record->name, NAME_SIZE);
	if (records[at].last_child)
		records[records[at].last_child].next = index;
	else
		records[at].first_child = index;
	records[at].last_child = index;
}

void tree_named(pid_t tid)
{
	struct record *record = find(tid);

	if (record)
		proc_name(tid, record->name, NAME_SIZE);
}

void tree_died(pid_t tid, int status)
{
	struct record *record = find(tid);

	if (!record)
		return;
	record->dead = true;
	record->died = log_now_ns();
	record->status = status;
}

void tree_adopted(pid_t tid, pid_t by)
{
	struct record *record = find(tid);

	if (record)
		record->adopter = by;
}

void tree_reaped(pid_t tid, pid_t by, int status)
{
	struct record *record = find(tid);

	if (!record || record->leader)
		return;
	if (!record->dead)
		tree_died(tid, status);
	record->reaped = true;
	record->reaped_at = log_now_ns();
	record->reaper = by;
	record->status = status;
}

char *tree_status_text(int status, char *text, size_t size)
{
	if (WIFEXITED(status)) {
		snprintf(text, size, "exit %d", WEXITSTATUS(status));
		return text;
	}

	const char *name = sigabbrev_np(WTERMSIG(status));
	const char *core = WCOREDUMP(status) ? " (core)" : "";

	if (name)
		snprintf(text, size, "SIG%s%s", name, core);
	else
		snprintf(text, size, "signal %d%s", WTERMSIG(status), core);
	return text;
}

static int label(const struct record *record, char *text, size_t size)
{
	return snprintf(text, size, record->leader ? "{%d} %s" : "%d %s", record->tid, record->name);
}

/* Walks the tree in order of birth, without recursion: guests decide how deep it is. */
static void walk(void (*visit)(const struct record *, const char *prefix, int depth, void *), void *argument)
{
	uint32_t *path = calloc((size_t)count + 1, sizeof *path);
	char *prefix = calloc((size_t)count + 1, sizeof "│  ");
	int depth = 0;

	if (!path || !prefix)
		die(STATUS_FAILED, "out of memory for --tree");
	path[0] = 0;
	for (;;) {
		const struct record *record = &records[path[depth]];

		prefix[0] = 0;

		char *end = prefix;

		for (int level = 1; level <= depth; level++) {
			bool more = records[path[level]].next != 0;

			end = stpcpy(end, level < depth ? (more ? "│  " : "   ") : (more ? "├─ " : "└─ "));
		}
		visit(record, prefix, depth, argument);
		if (record->first_child) {
			path[++depth] = record->first_child;
			continue;
		}
		while (depth > 0 && !records[path[depth]].next)
			depth--;
		if (depth == 0)
			break;
		path[depth] = records[path[depth]].next;
	}
	free(path);
	free(prefix);
}

static void measure(const struct record *record, const char *prefix, int depth, void *argument)
{
	char text[64];
	int width = 3 * depth + label(record, text, sizeof text);

	(void)prefix;
	(void)argument;
	if (width > label_width)
		label_width = width;
}

static void pid_text(char *text, size_t size, pid_t pid)
{
	if (pid)
		snprintf(text, size, "%d", pid);
	else
		snprintf(text, size, "-");
}

static void print_row(const struct record *record, const char *prefix, int depth, void *argument)
{
	FILE *to = argument;
	char text[64], status[32], parent[16], adopter[16], reaper[16], zombie[24] = "-";
	int width = 3 * depth + label(record, text, sizeof text);
	long long now = log_now_ns(), alive = (record->dead ? record->died : now) - record->born;

	if (record->dead)
		tree_status_text(record->status, status, sizeof status);
	pid_text(parent, sizeof parent, record->parent);
	pid_text(adopter, sizeof adopter, record->adopter);
	pid_text(reaper, sizeof reaper, record->reaper);
	if (record->reaped && !record->reaper)
		strcpy(reaper, "itself");
	if (record->dead && !record->leader)
		snprintf(zombie, sizeof zombie, "%.3f s",
			 (double)((record->reaped ? record->reaped_at : now) - record->died) / 1e9);
	fprintf(to, "%s%s%*s  %-15s %7s %10s %9s %10.3f s %10s\n", prefix, text, label_width - width, "",
		record->leader ? "thread" : record->dead ? status : "alive", parent, adopter, reaper,
		(double)alive / 1e9, zombie);
}

void tree_print(FILE *to)
{
	walk(measure, NULL);
	fprintf(to, "%-*s  %-15s %7s %10s %9s %12s %10s\n", label_width, "TASK", "STATUS", "PARENT", "ADOPTED BY",
		"REAPED BY", "ALIVE", "ZOMBIE");
	walk(print_row, to);
	if (fflush(to) || ferror(to))
		fprintf(stderr, "ptbox: cannot write the tree: %s\n", strerror(errno));
}
