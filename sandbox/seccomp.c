#define _GNU_SOURCE
#include "seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { X32_SYSCALL_BIT = 0x40000000 };

#define FIELD(name) (unsigned)offsetof(struct seccomp_data, name)
#define LOAD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(name))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define TRACE RETURN(SECCOMP_RET_TRACE)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)
#define REFUSE(error) RETURN(SECCOMP_RET_ERRNO | (error))

/* Skips the next `n` instructions unless the loaded value is `value`, or has one of `bits`. */
#define UNLESS_EQUAL(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(value), 0, (n))
#define UNLESS_HAS(bits, n) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (unsigned)(bits), 0, (n))

/* Every call with this number is traced. */
#define TRACE_CALL(nr) UNLESS_EQUAL(nr, 1), TRACE

/* Calls with this number whose first argument is `value` are traced, the others run. */
#define TRACE_CALL_WITH(nr, value) UNLESS_EQUAL(nr, 4), LOAD(args[0]), UNLESS_EQUAL(value, 1), TRACE, ALLOW

/*
 * The calls the library answers, and those that change what it needs to know. A call of another
 * architecture would carry other numbers past the filter: x32 calls fail as on a kernel without them,
 * 32-bit ones end the process by SIGSYS.
 */
static struct sock_filter program[] = {
	LOAD(arch),
	UNLESS_EQUAL(AUDIT_ARCH_X86_64, 1),
	BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
	RETURN(SECCOMP_RET_KILL_PROCESS),

	LOAD(nr),
	UNLESS_HAS(X32_SYSCALL_BIT, 1),
	REFUSE(ENOSYS),

	TRACE_CALL(SYS_wait4),
	TRACE_CALL(SYS_getppid),
	TRACE_CALL(SYS_clone3),
	TRACE_CALL(SYS_vfork),
	TRACE_CALL(SYS_fork),
	TRACE_CALL(SYS_waitid),
	TRACE_CALL(SYS_setpgid),
	TRACE_CALL(SYS_setsid),
	TRACE_CALL(SYS_rt_sigtimedwait),
	TRACE_CALL(SYS_signalfd),
	TRACE_CALL(SYS_signalfd4),
	TRACE_CALL(SYS_times),
	TRACE_CALL(SYS_ptrace),

	TRACE_CALL_WITH(SYS_rt_sigaction, SIGCHLD),
	TRACE_CALL_WITH(SYS_kill, 1),
	TRACE_CALL_WITH(SYS_getrusage, RUSAGE_CHILDREN),

	/* Threads are none of the parent's business; the supervisor sees them at PTRACE_EVENT_CLONE. */
	UNLESS_EQUAL(SYS_clone, 4),
	LOAD(args[0]),
	UNLESS_HAS(CLONE_THREAD, 1),
	ALLOW,
	TRACE,

	UNLESS_EQUAL(SYS_prctl, 10),
	LOAD(args[0]),
	UNLESS_EQUAL(PR_SET_PDEATHSIG, 1),
	TRACE,
	UNLESS_EQUAL(PR_GET_PDEATHSIG, 1),
	TRACE,
	UNLESS_EQUAL(PR_SET_CHILD_SUBREAPER, 1),
	TRACE,
	UNLESS_EQUAL(PR_GET_CHILD_SUBREAPER, 1),
	TRACE,
	ALLOW,

	/* Nested PID namespaces are not kept. */
	UNLESS_EQUAL(SYS_unshare, 3),
	LOAD(args[0]),
	UNLESS_HAS(CLONE_NEWPID, 1),
	REFUSE(EPERM),

	ALLOW,
};

int seccomp_install(void)
{
	struct sock_fprog filter = {sizeof program / sizeof *program, program};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
}
