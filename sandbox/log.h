/* Messages of ptbox itself, and how it gives up. */
#ifndef PTBOX_LOG_H
#define PTBOX_LOG_H

#include <stdbool.h>

/* The exit statuses of ptbox's own; those of env(1), timeout(1) and the shells. */
enum {
	STATUS_TIMED_OUT = 124,
	STATUS_FAILED = 125,
	STATUS_CANNOT_RUN = 126,
	STATUS_NOT_FOUND = 127,
	STATUS_SIGNALLED = 128, /* plus the signal */
};

/* Moves the messages to a copy of standard error that guests do not get. */
void log_open(bool trace);

void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line of --trace: a lifecycle event, with the time since ptbox began. */
void log_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool log_tracing(void);

/* Says what is wrong and what to do about it, then ends this process with `status`. */
_Noreturn void die(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Nanoseconds on the monotonic clock since log_open(). */
long long log_now_ns(void);

#endif
