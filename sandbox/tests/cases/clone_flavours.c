/* clone3 with another exit signal, __WCLONE, __WALL, CLONE_PARENT, CLONE_PIDFD, and the errors of clone3. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t usr1;

static void on_usr1(int signal)
{
	(void)signal;
	usr1++;
}

static pid_t make(uint64_t flags, uint64_t exit_signal, int *pidfd, int code)
{
	struct clone_args args;

	memset(&args, 0, sizeof args);
	args.flags = flags;
	args.exit_signal = exit_signal;
	args.pidfd = (uintptr_t)pidfd;
	fflush(stdout);

	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);

	if (pid == 0)
		_exit(code);
	return pid;
}

int main(void)
{
	int status = 0, pidfd = -1;
	siginfo_t info;

	signal(SIGUSR1, on_usr1);
	pid_t pid = make(0, SIGUSR1, NULL, 3);
	errno = 0;
	printf("plain wait %d %s\n", waitpid(pid, &status, 0) == pid, strerrorname_np(errno));
	printf("__WCLONE %d", waitpid(pid, &status, __WCLONE) == pid);
	printf(" status %x, SIGUSR1 %d\n", status, usr1);

	pid = make(0, 0, NULL, 4);
	printf("no exit signal: __WALL %d", waitpid(pid, &status, __WALL) == pid);
	printf(" status %x\n", status);

	pid = make(CLONE_PIDFD, SIGCHLD, &pidfd, 5);
	printf("pidfd %d\n", pidfd >= 0);
	int result = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);
	printf("waitid %d %d %d\n", result, info.si_status, info.si_pid == pid);

	errno = 0;
	printf("bad signal %d", make(0, 65, NULL, 0));
	printf(" %s\n", strerrorname_np(errno));
	printf("parent and signal %d", make(CLONE_PARENT, SIGCHLD, NULL, 0));
	printf(" %s\n", strerrorname_np(errno));
	printf("bad flags %d", make(CLONE_SIGHAND, SIGCHLD, NULL, 0));
	printf(" %s\n", strerrorname_np(errno));

	/* A sibling: the child's child is ours. */
	pid = fork();
	if (pid == 0) {
		make(CLONE_PARENT, 0, NULL, 8);
		_exit(7);
	}
	int sum = 0;
	for (int i = 0; i < 2; i++) {
		if (wait(&status) > 0)
			sum += WEXITSTATUS(status);
	}
	printf("sibling %d\n", sum);

	pid = vfork();
	if (pid == 0)
		execl("/bin/sh", "sh", "-c", "exit 9", (char *)NULL);
	waitpid(pid, &status, 0);
	printf("vfork %x\n", status);
	return 0;
}
