/* The errors of wait4 and waitid, and what they leave in their results. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
}

int main(void)
{
	siginfo_t info;
	int status;

	show("no child", syscall(SYS_wait4, -1, NULL, 0, NULL));
	show("no child, WNOHANG", syscall(SYS_wait4, -1, NULL, WNOHANG, NULL));
	show("bad option", syscall(SYS_wait4, -1, NULL, 0x100, NULL));
	show("INT_MIN", syscall(SYS_wait4, (int)0x80000000, NULL, 0, NULL));
	show("no event", syscall(SYS_waitid, P_ALL, 0, &info, WNOHANG, NULL));
	show("bad idtype", syscall(SYS_waitid, 9, 0, &info, WEXITED, NULL));
	show("P_PID 0", syscall(SYS_waitid, P_PID, 0, &info, WEXITED, NULL));
	show("P_PGID -1", syscall(SYS_waitid, P_PGID, -1, &info, WEXITED, NULL));
	memset(&info, 0xff, sizeof info);
	show("waitid no child", syscall(SYS_waitid, P_ALL, 0, &info, WEXITED, NULL));
	printf("left %d %d\n", info.si_signo, info.si_pid);

	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	memset(&info, 0xff, sizeof info);
	show("nothing yet", syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG, NULL));
	printf("left %d %d\n", info.si_signo, info.si_pid);
	show("somebody else", syscall(SYS_wait4, getpid(), NULL, WNOHANG, NULL));
	show("init", syscall(SYS_wait4, 1, NULL, WNOHANG, NULL));
	kill(pid, SIGKILL);
	show("WNOWAIT", syscall(SYS_waitid, P_PID, pid, &info, WEXITED | WNOWAIT, NULL));
	printf("info %d %d %d\n", info.si_signo, info.si_code, info.si_status);
	show("bad address", syscall(SYS_wait4, pid, 8, 0, NULL));
	show("then gone", syscall(SYS_wait4, pid, &status, 0, NULL));
	return 0;
}
