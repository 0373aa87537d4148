#define _GNU_SOURCE
#include "regs.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "log.h"

bool regs_get(pid_t tid, struct user_regs_struct *regs)
{
	return ptrace(PTRACE_GETREGS, tid, 0, regs) == 0;
}

bool regs_set(pid_t tid, const struct user_regs_struct *regs)
{
	return ptrace(PTRACE_SETREGS, tid, 0, regs) == 0;
}

void regs_answer(pid_t tid, struct user_regs_struct *regs, long result)
{
	regs->orig_rax = (unsigned long)-1;
	regs->rax = (unsigned long)result;
	regs_set(tid, regs);
}

void regs_restore_call(struct user_regs_struct *regs, const struct user_regs_struct *original)
{
	regs->orig_rax = original->orig_rax;
	regs->rdi = original->rdi;
	regs->rsi = original->rsi;
	regs->rdx = original->rdx;
	regs->r10 = original->r10;
	regs->r8 = original->r8;
	regs->r9 = original->r9;
}

bool guest_read(pid_t tid, uint64_t from, void *to, size_t size)
{
	struct iovec local = {to, size};
	struct iovec remote = {(void *)(uintptr_t)from, size};

	return process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

bool guest_write(pid_t tid, uint64_t to, const void *from, size_t size)
{
	struct iovec local = {(void *)(uintptr_t)from, size};
	struct iovec remote = {(void *)(uintptr_t)to, size};

	return process_vm_writev(tid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

static void resume(int how, pid_t tid, int signal)
{
	if (ptrace(how, tid, 0, (void *)(intptr_t)signal) < 0 && errno != ESRCH)
		log_warn("cannot resume guest %d: %m", tid);
}

void guest_continue(struct thread *thread, int signal)
{
	bool each_call = thread->process && thread->process->reads_signals;

	resume(each_call ? PTRACE_SYSCALL : PTRACE_CONT, thread->tid, signal);
}

void guest_continue_to_exit(struct thread *thread)
{
	resume(PTRACE_SYSCALL, thread->tid, 0);
}

void guest_listen(struct thread *thread)
{
	resume(PTRACE_LISTEN, thread->tid, 0);
}
