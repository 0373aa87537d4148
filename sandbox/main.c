/*
 * ptbox runs a program in a box whose process tree is kept by libptexit.
 *
 * This process, the front end, stays outside. It forks the supervisor as process 1 of a new PID namespace,
 * passes on the signals it gets, and reports the program's exit status as its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elfcheck.h"
#include "log.h"
#include "namespace.h"
#include "options.h"
#include "supervisor.h"

static const int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};

static sigset_t handled_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (unsigned i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
		sigaddset(&set, forwarded[i]);
	return set;
}

/* Notes what the program is to inherit, before ptbox changes it for itself. */
static void note_inheritance(struct launch *launch)
{
	struct rlimit files;

	for (int signal = 1; signal <= 64; signal++) {
		struct sigaction action;

		launch->ignores[signal] = sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
	}
	signal(SIGCHLD, SIG_DFL);

	sigset_t handled = handled_signals();

	sigprocmask(SIG_BLOCK, &handled, &launch->mask);

	/* One descriptor for each process in the box. */
	getrlimit(RLIMIT_NOFILE, &launch->files);
	files = launch->files;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static bool same_namespace(pid_t one, pid_t other)
{
	char path[48], links[2][64] = {{0}, {0}};
	pid_t pids[2] = {one, other};

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "/proc/%d/ns/pid", pids[i]);
		if (readlink(path, links[i], sizeof links[i] - 1) < 0)
			return false;
	}
	return strcmp(links[0], links[1]) == 0;
}

/* A key at the terminal: the program got that itself. */
static bool is_from_the_terminal(const siginfo_t *info)
{
	return info->si_code == SI_KERNEL && info->si_signo != SIGHUP;
}

/* A kill of the process group by a guest is none of ptbox's business either. */
static bool is_from_outside(const siginfo_t *info, pid_t supervisor)
{
	return info->si_pid == 0 || !same_namespace(info->si_pid, supervisor);
}

static int status_of(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_warn("the supervisor was killed by signal %d; nothing in the box has survived it", WTERMSIG(status));
	return STATUS_FAILED;
}

static int attend(pid_t supervisor, int control)
{
	sigset_t handled = handled_signals();

	for (;;) {
		siginfo_t info;
		int status, signal = sigwaitinfo(&handled, &info);

		if (signal == SIGCHLD) {
			if (waitpid(supervisor, &status, WNOHANG) == supervisor)
				return status_of(status);
		} else if (signal > 0 && is_from_outside(&info, supervisor)) {
			unsigned char number = (unsigned char)(signal | (is_from_the_terminal(&info) ? FROM_TERMINAL : 0));

			if (write(control, &number, 1) < 0)
				continue; /* the supervisor is ending: SIGCHLD follows */
		}
	}
}

static void leave_standard_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
}

/* Takes the numbers 0 to 2 where they are closed, so that no file of ptbox's own gets one. They close again with
 * the program's execve, which finds them as ptbox did. */
static void hold_standard_numbers(void)
{
	int null;

	do
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (null >= 0 && null <= STDERR_FILENO);
	if (null >= 0)
		close(null);
}

int main(int count, char **arguments)
{
	hold_standard_numbers();

	struct options options = options_parse(count, arguments);
	int ends[2];

	log_open(options.trace);

	struct launch launch = {
		.path = elfcheck_find(options.program[0]),
		.arguments = options.program,
		.tree = options.tree,
		.wait_for_orphans = options.wait_for_orphans,
		.timeout = options.timeout,
	};

	if (pipe2(ends, O_CLOEXEC) < 0)
		die(STATUS_FAILED, "cannot make a pipe: %m");
	note_inheritance(&launch);

	pid_t supervisor = namespace_fork();

	if (supervisor == 0) {
		close(ends[1]);
		launch.control = ends[0];

		int status = supervise(&launch);

		fflush(NULL);
		_exit(status);
	}
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	leave_standard_streams();
	return attend(supervisor, ends[1]);
}
