#define _GNU_SOURCE
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads a whole small file; the result ends with a NUL. False if it cannot be opened. */
static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t got = read(fd, text, size - 1);

	close(fd);
	text[got > 0 ? got : 0] = 0;
	return got > 0;
}

/* The number after `key` at the beginning of a line, in the given base. */
static bool number_after(const char *text, const char *key, int base, unsigned long long *number)
{
	const char *at = strstr(text, key);

	if (!at)
		return false;
	*number = strtoull(at + strlen(key), NULL, base);
	return true;
}

static bool status_field(pid_t tid, const char *key, int base, unsigned long long *number)
{
	char path[48], text[4096];

	snprintf(path, sizeof path, "/proc/%d/status", tid);
	return read_text(path, text, sizeof text) && number_after(text, key, base, number);
}

pid_t proc_tgid(pid_t tid)
{
	unsigned long long tgid;

	return status_field(tid, "\nTgid:", 10, &tgid) ? (pid_t)tgid : 0;
}

bool proc_blocked(pid_t tid, uint64_t *mask)
{
	unsigned long long blocked;

	if (!status_field(tid, "\nSigBlk:", 16, &blocked))
		return false;
	*mask = blocked;
	return true;
}

bool proc_uid(pid_t pid, uid_t *uid)
{
	unsigned long long real;

	if (!status_field(pid, "\nUid:", 10, &real))
		return false;
	*uid = (uid_t)real;
	return true;
}

void proc_name(pid_t tid, char *name, size_t size)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/comm", tid);
	if (!read_text(path, name, size))
		name[0] = 0;
	name[strcspn(name, "\n")] = 0;
	for (char *c = name; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?'; /* a guest chose it, and it goes to the user's terminal */
}

bool proc_is_zombie(pid_t pid)
{
	char path[32], text[512];
	const char *end;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (!read_text(path, text, sizeof text))
		return false;
	end = strrchr(text, ')'); /* of the name, which may hold anything */
	return end && strncmp(end, ") Z", 3) == 0;
}

int proc_pidfd(pid_t tid, int fd, pid_t *pid, bool *nonblocking)
{
	char path[64], text[1024];
	unsigned long long number, flags = 0;

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", tid, fd);
	if (!read_text(path, text, sizeof text))
		return -EBADF;
	if (!number_after(text, "\nPid:", 10, &number))
		return -EBADF;
	number_after(text, "flags:", 8, &flags);
	*pid = (pid_t)(long long)number;
	*nonblocking = flags & O_NONBLOCK;
	return *pid > 0 ? 0 : -ECHILD;
}

void proc_each_thread(pid_t pid, void (*visit)(pid_t pid, pid_t tid))
{
	char path[32];
	struct dirent *entry;

	snprintf(path, sizeof path, "/proc/%d/task", pid);

	DIR *tasks = opendir(path);

	if (!tasks)
		return;
	while ((entry = readdir(tasks)))
		if (atoi(entry->d_name) > 0)
			visit(pid, atoi(entry->d_name));
	closedir(tasks);
}
