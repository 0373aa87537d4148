#define _GNU_SOURCE
#include "first.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "seccomp.h"

static int gate = -1;

/* The program inherits what ptbox was started with, not what ptbox has made of it. */
static void inherit(const struct launch *launch)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	for (int signal = 1; signal <= 64; signal++) {
		action.sa_handler = launch->ignores[signal] ? SIG_IGN : SIG_DFL;
		sigaction(signal, &action, NULL); /* fails for SIGKILL, SIGSTOP and those of the C library */
	}
	sigprocmask(SIG_SETMASK, &launch->mask, NULL);
	setrlimit(RLIMIT_NOFILE, &launch->files);
}

static _Noreturn void run_program(const struct launch *launch, int held)
{
	char go;

	inherit(launch);
	if (read(held, &go, 1) != 1)
		_exit(STATUS_FAILED);
	if (seccomp_install() < 0)
		die(STATUS_FAILED, "cannot install the system-call filter: %m%s",
		    errno == EINVAL ? " (the kernel needs CONFIG_SECCOMP_FILTER)" : "");
	execv(launch->path, launch->arguments);
	die(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN, "cannot run %s: %m", launch->path);
}

static void trace(pid_t program)
{
	unsigned long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK |
				PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

	if (ptrace(PTRACE_SEIZE, program, 0, options) == 0)
		return;
	kill(program, SIGKILL);
	die(STATUS_FAILED,
	    "ptrace is not permitted here: %m\n"
	    "  Look at /proc/sys/kernel/yama/ptrace_scope (3 forbids it to all) and, in a container, allow the\n"
	    "  ptrace system call (docker run --cap-add=SYS_PTRACE).");
}

/* ptbox keeps no end of the program's pipes: their other ends see the program's own closes. */
static void leave_standard_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

pid_t first_start(const struct launch *launch)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		die(STATUS_FAILED, "cannot make a pipe: %m");
	pid_t program = fork();

	if (program < 0)
		die(STATUS_FAILED, "cannot fork the program's process: %m");
	if (program == 0) {
		close(ends[1]);
		run_program(launch, ends[0]);
	}
	close(ends[0]);
	gate = ends[1];
	trace(program);
	leave_standard_streams();
	return program;
}

void first_go(void)
{
	if (write(gate, "", 1) != 1)
		die(STATUS_FAILED, "the program's process is gone: %m");
	close(gate);
}
