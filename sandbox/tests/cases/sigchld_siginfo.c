/* What a SIGCHLD handler sees, and that the child can be waited for when it runs. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static siginfo_t seen;
static volatile sig_atomic_t count, waited;

static void on_chld(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	seen = *info;
	waited = waitpid(info->si_pid, NULL, WNOHANG) == info->si_pid;
	count++;
}

static void one(int how)
{
	sigset_t block, old;

	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, &old);
	count = 0;
	pid_t pid = fork();
	if (pid == 0) {
		if (how < 0)
			raise(-how);
		_exit(how);
	}
	while (!count)
		sigsuspend(&old);
	sigprocmask(SIG_SETMASK, &old, NULL);
	printf("signo %d code %d errno %d pid %d uid %d status %d waited %d\n", seen.si_signo, seen.si_code,
	       seen.si_errno, seen.si_pid == pid, seen.si_uid == getuid(), seen.si_status, waited);
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO};
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	sigaction(SIGCHLD, &action, NULL);
	one(5);
	one(300);
	one(-SIGKILL);
	one(-SIGABRT);
	action.sa_flags |= SA_NOCLDWAIT;
	sigaction(SIGCHLD, &action, NULL);
	one(6);
	return 0;
}
