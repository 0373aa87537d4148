#define _GNU_SOURCE
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int fd = STDERR_FILENO;
static bool tracing;
static struct timespec began;

void log_open(bool trace)
{
	int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 64);

	if (copy >= 0)
		fd = copy;
	tracing = trace;
	clock_gettime(CLOCK_MONOTONIC, &began);
}

long long log_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - began.tv_sec) * 1000000000LL + (now.tv_nsec - began.tv_nsec);
}

/* One write(2) a line, so that lines of ptbox and of its guests do not mix. */
static void print_line(const char *prefix, const char *format, va_list arguments)
{
	char line[1024];
	int saved = errno;
	size_t used = (size_t)snprintf(line, sizeof line, "%s", prefix);

	errno = saved;
	int wanted = vsnprintf(line + used, sizeof line - used - 1, format, arguments);

	if (wanted > 0)
		used += (size_t)wanted < sizeof line - used - 1 ? (size_t)wanted : sizeof line - used - 2;
	line[used++] = '\n';
	if (write(fd, line, used) < 0)
		return; /* nobody is left to tell */
}

void log_warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_line("ptbox: ", format, arguments);
	va_end(arguments);
}

void log_trace(const char *format, ...)
{
	if (!tracing)
		return;

	long long now = log_now_ns();
	char prefix[48];
	va_list arguments;

	snprintf(prefix, sizeof prefix, "[ptbox %3lld.%06lld] ", now / 1000000000, now / 1000 % 1000000);
	va_start(arguments, format);
	print_line(prefix, format, arguments);
	va_end(arguments);
}

bool log_tracing(void)
{
	return tracing;
}

void die(int status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_line("ptbox: ", format, arguments);
	va_end(arguments);
	_exit(status);
}
