#define _GNU_SOURCE
#include "fork.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"
#include "regs.h"
#include "signals.h"
#include "supervisor.h"
#include "tree_report.h"
#include "watch.h"

enum { RED_ZONE = 128 };

static family_id virtual_init;

/* Fork calls under way: their children may show before their parents tell of them. */
static unsigned begun;

static void end_call(struct thread *thread)
{
	begun -= thread->fork.active;
	thread->fork.active = false;
	thread->after = AFTER_NOTHING;
}

static int valid_signal(uint64_t number)
{
	return number <= 64 ? (int)number : 0;
}

/* Rewrites fork, vfork and clone, which take their flags in a register, into clone. */
static void rewrite_clone(struct thread *thread, struct user_regs_struct *regs, uint64_t flags)
{
	if (regs->orig_rax != SYS_clone)
		regs->rsi = regs->rdx = regs->r10 = regs->r8 = 0;
	regs->orig_rax = SYS_clone;
	regs->rdi = (flags | CLONE_PARENT) & ~(uint64_t)CLONE_UNTRACED;
	regs_set(thread->tid, regs);
}

/* clone3 takes its flags in memory: it gets a copy, beyond what the stack may be using. */
static bool rewrite_clone3(struct thread *thread, struct user_regs_struct *regs, struct clone_args *args)
{
	uint64_t size = regs->rsi, copy = (regs->rsp - RED_ZONE - size) & ~15UL;
	unsigned char buffer[256];

	if (size > sizeof buffer || !guest_read(thread->tid, regs->rdi, buffer, size))
		return false;
	args->flags = (args->flags | CLONE_PARENT) & ~(uint64_t)CLONE_UNTRACED;
	args->exit_signal = 0; /* with CLONE_PARENT the kernel wants none */
	memcpy(buffer, args, CLONE_ARGS_SIZE_VER0);
	if (!guest_write(thread->tid, copy, buffer, size))
		return false;
	regs->rdi = copy;
	regs_set(thread->tid, regs);
	return true;
}

static bool refused(struct thread *thread, struct user_regs_struct *regs, uint64_t flags)
{
	if (!(flags & CLONE_NEWPID))
		return false;
	log_trace("%d: a nested PID namespace is refused", thread->tid);
	regs_answer(thread->tid, regs, -EPERM);
	guest_continue(thread, 0);
	return true;
}

void fork_enter(struct thread *thread, struct user_regs_struct *regs)
{
	struct user_regs_struct original = *regs;
	struct clone_args args = {0};
	uint64_t flags, exit_signal;

	if (regs->orig_rax == SYS_clone3) {
		bool plausible = regs->rsi >= CLONE_ARGS_SIZE_VER0 &&
				 guest_read(thread->tid, regs->rdi, &args, CLONE_ARGS_SIZE_VER0);

		/* What the kernel will refuse, and threads, are left to it. */
		if (!plausible || args.exit_signal > 64 || (args.flags & CLONE_THREAD) ||
		    ((args.flags & CLONE_PARENT) && args.exit_signal)) {
			guest_continue(thread, 0);
			return;
		}
		flags = args.flags;
		exit_signal = args.exit_signal;
	} else {
		flags = regs->orig_rax == SYS_clone   ? regs->rdi
			: regs->orig_rax == SYS_vfork ? CLONE_VFORK | CLONE_VM | SIGCHLD
						      : SIGCHLD;
		exit_signal = flags & CSIGNAL;
	}
	if (refused(thread, regs, flags))
		return;

	if (regs->orig_rax != SYS_clone3) {
		rewrite_clone(thread, regs, flags);
	} else if (!rewrite_clone3(thread, regs, &args)) {
		regs_answer(thread->tid, regs, -ENOMEM);
		guest_continue(thread, 0);
		return;
	}
	begun++;
	thread->fork = (struct fork_call){
		.active = true,
		.kind = flags & CLONE_PARENT ? FAMILY_SIBLING : FAMILY_PROCESS,
		.exit_signal = valid_signal(exit_signal),
		.regs = original,
	};
	/* Success shows as an event, which comes before the exit stop and cancels it. */
	thread->after = AFTER_FORK;
	guest_continue_to_exit(thread);
}

void fork_failed(struct thread *thread, struct user_regs_struct *regs)
{
	/* With -ERESTARTNOINTR the kernel makes the call once more, as the guest made it. */
	regs_restore_call(regs, &thread->fork.regs);
	regs_set(thread->tid, regs);
	end_call(thread);
}

/* False if the thread is dead and reaped: killed before its maker could tell of it. */
static bool enter_thread(struct thread *child, struct thread *parent)
{
	if (syscall(SYS_tgkill, parent->process->pid, child->tid, 0) < 0 && errno == ESRCH)
		return false;

	int error = family_clone(parent->id, FAMILY_THREAD, 0, child->tid, &child->id);

	if (error < 0)
		log_warn("thread %d is unknown to the library: %s", child->tid, strerror(-error));
	guests_join(child, parent->process);
	tree_born(child->tid, parent->process->pid, parent->process->pid);
	log_trace("%d: new thread %d", parent->tid, child->tid);
	return true;
}

static void enter_process(struct thread *child, struct thread *parent)
{
	const struct fork_call *call = &parent->fork;
	family_id id = 0;
	int error = family_clone(parent->id, call->kind, call->exit_signal, child->tid, &id);

	if (error < 0) {
		log_trace("%d: the library refuses child %d (%s); init takes it", parent->tid, child->tid,
			  strerror(-error));
		error = family_clone(virtual_init, FAMILY_PROCESS, SIGCHLD, child->tid, &id);
	}
	if (error < 0)
		die(STATUS_FAILED, "process %d cannot be entered in the tree: %s", child->tid, strerror(-error));

	watch_process(guests_add_process(child, id));
	tree_born(child->tid, family_ppid(id), 0);
	log_trace("%d: new process %d, child of %d", parent->tid, child->tid, family_ppid(id));
}

static void start(struct thread *child)
{
	struct user_regs_struct regs;

	child->started = true;
	if (child->first_regs_set && regs_get(child->tid, &regs)) {
		regs_restore_call(&regs, &child->first_regs);
		regs_set(child->tid, &regs);
	}
	guest_continue(child, 0);
}

static void link_child(struct thread *child, struct thread *parent)
{
	if (parent->fork.active) {
		enter_process(child, parent);
		signals_inherit(child->process, parent->process);
		child->first_regs = parent->fork.regs;
		child->first_regs_set = true;
	} else if (!enter_thread(child, parent)) {
		guests_remove(child);
		return;
	}
	if (child->started)
		start(child);
}

void fork_event(struct thread *parent)
{
	unsigned long tid;
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETEVENTMSG, parent->tid, 0, &tid) < 0)
		return; /* killed; fork_orphaned() will find the child */

	struct thread *child = guests_find((pid_t)tid);

	if (!child)
		child = guests_add((pid_t)tid);
	link_child(child, parent);
	if (parent->fork.active && regs_get(parent->tid, &regs)) {
		regs_restore_call(&regs, &parent->fork.regs);
		regs_set(parent->tid, &regs);
	}
	end_call(parent);
	guest_continue(parent, 0);
}

/* A child whose parent was killed before it could tell of it goes to init, as any orphan. */
static void adopt(struct thread *child)
{
	struct thread maker = {.tid = FAMILY_INIT_PID, .id = virtual_init};

	maker.fork = (struct fork_call){.active = true, .kind = FAMILY_PROCESS, .exit_signal = SIGCHLD};
	enter_process(child, &maker);
}

static bool is_process(pid_t tid)
{
	return proc_tgid(tid) == tid;
}

void fork_newborn(struct thread *child)
{
	child->started = true;
	if (!child->process && begun == 0 && is_process(child->tid))
		adopt(child);
	if (child->process)
		start(child);
	/* Otherwise it is held until its parent's event. */
}

void fork_adopt_lost(void)
{
	struct thread *child;

	while (begun == 0 && (child = guests_unlinked(is_process))) {
		adopt(child);
		start(child);
	}
}

void fork_orphaned(struct thread *parent)
{
	struct thread *child = parent->fork.active ? guests_unlinked(is_process) : NULL;

	if (child)
		link_child(child, parent);
	end_call(parent);
}

struct process *fork_first(pid_t pid, family_id init)
{
	struct thread maker = {.tid = FAMILY_INIT_PID, .id = init};
	struct thread *child = guests_add(pid);

	virtual_init = init;
	maker.fork = (struct fork_call){.active = true, .kind = FAMILY_PROCESS, .exit_signal = SIGCHLD};
	child->started = true;
	enter_process(child, &maker);
	family_set_uid(child->id, getuid());
	return child->process;
}
