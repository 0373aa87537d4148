#define _GNU_SOURCE
#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

static long read_number(const char *path, long missing)
{
	FILE *file = fopen(path, "re");
	long number = missing;

	if (!file)
		return missing;
	if (fscanf(file, "%ld", &number) != 1)
		number = missing;
	fclose(file);
	return number;
}

static _Noreturn void explain_refusal(int error)
{
	const char *reason;

	if (read_number("/proc/sys/user/max_user_namespaces", 1) == 0)
		reason = "/proc/sys/user/max_user_namespaces is 0: an administrator can raise it";
	else if (read_number("/proc/sys/kernel/unprivileged_userns_clone", 1) == 0)
		reason = "/proc/sys/kernel/unprivileged_userns_clone is 0: an administrator can set it to 1";
	else if (read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) == 1)
		reason = "AppArmor restricts unprivileged user namespaces; see\n"
			 "  /proc/sys/kernel/apparmor_restrict_unprivileged_userns";
	else if (error == ENOSPC || error == EUSERS)
		reason = "the limit on nested or simultaneous namespaces is reached";
	else
		reason = "a container's seccomp profile may forbid it (docker run --security-opt seccomp=...)";
	errno = error;
	die(STATUS_FAILED,
	    "ptbox needs a PID namespace, and neither is this permitted as it is, nor through a user namespace: %m\n"
	    "  %s.\n  Or run ptbox as root, or with CAP_SYS_ADMIN.", reason);
}

static void write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(STATUS_FAILED, "cannot write %s: %m", path);
	close(fd);
}

/* Everybody keeps the number they have outside. */
static void map_ids(uid_t uid, gid_t gid)
{
	char line[64];

	write_map("/proc/self/setgroups", "deny");
	snprintf(line, sizeof line, "%u %u 1", uid, uid);
	write_map("/proc/self/uid_map", line);
	snprintf(line, sizeof line, "%u %u 1", gid, gid);
	write_map("/proc/self/gid_map", line);
}

/* A /proc that shows the guests' numbers. Without it ps(1) and P_PIDFD do not work, most others do. */
static void mount_proc(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		log_warn("cannot mount /proc for the guests: %m; programs that look at it will be misled");
}

/* Process 1: waits until its parent has seen it, so that the parent's death cannot be missed. */
static void enter(int wait_for, bool own_users, uid_t uid, gid_t gid)
{
	char go;

	if (own_users)
		map_ids(uid, gid);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(wait_for, &go, 1) != 1)
		_exit(STATUS_FAILED);
	close(wait_for);
	mount_proc();
	prctl(PR_SET_NAME, "ptbox-init");
}

pid_t namespace_fork(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool own_users = false;
	int ends[2];
	unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | SIGCHLD;

	if (pipe2(ends, O_CLOEXEC) < 0)
		die(STATUS_FAILED, "cannot make a pipe: %m");
	fflush(NULL);

	/* The raw call, as fork(): the C library has no fork with flags. */
	long child = syscall(SYS_clone, flags, 0, 0, 0, 0);

	if (child < 0 && errno == EPERM) {
		own_users = true;
		child = syscall(SYS_clone, flags | CLONE_NEWUSER, 0, 0, 0, 0);
	}
	if (child < 0)
		explain_refusal(errno);
	if (child == 0) {
		close(ends[1]);
		enter(ends[0], own_users, uid, gid);
		return 0;
	}
	close(ends[0]);
	if (write(ends[1], "", 1) != 1)
		log_warn("process 1 of the namespace is gone");
	close(ends[1]);
	return (pid_t)child;
}
