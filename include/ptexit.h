/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * libptexit: the process-lifecycle part of a Linux-like kernel, as a library.
 *
 * Generated from ffi/src by `make header`; do not edit.
 *
 * Every function is safe to call with any value in an integer argument: a stale, forged or foreign
 * ptexit_task is an error (PTEXIT_ESRCH), not a crash. Functions that return int return 0 (or what is
 * said) on success and a negative number on failure: a Linux errno, whatever the errno numbers of the
 * platform below, or one of the three library codes <= -4096 that say the program itself is at fault.
 *
 * A task is alive from ptexit_clone_commit() to ptexit_exit_begin(). A task's own calls (clone, wait,
 * exec_commit, exit_begin, exit_finish) come from one host thread at a time; everything else may be called
 * by any thread at any time.
 *
 * On failure nothing is written through any pointer and nothing has changed, except where said.
 * After PTEXIT_E_PANIC the context only accepts ptexit_ctx_free().
 *
 * Structs whose first member is `size` may grow. The caller sets `size` to sizeof of the struct it was
 * compiled with (PTEXIT_INIT does). An input that is longer than the library knows must have a zero
 * tail (else PTEXIT_E2BIG); in one that is shorter the missing members are 0; one that is shorter than
 * it was in the first version is PTEXIT_EINVAL. Of an output as much is written as both sides know, the
 * rest is zeroed, `size` is left as it is.
 */

#ifndef PTEXIT_H
#define PTEXIT_H

#include <stddef.h>
#include <stdint.h>

/** The version this header belongs to; ptexit_version() tells the library's. */
#define PTEXIT_VERSION_MAJOR 0
#define PTEXIT_VERSION_MINOR 1
#define PTEXIT_VERSION_PATCH 0
#define PTEXIT_VERSION 65536u

/** On functions whose result must be looked at. */
#if defined(__GNUC__)
#define PTEXIT_NODISCARD __attribute__((warn_unused_result))
#else
#define PTEXIT_NODISCARD
#endif

/** The wait status of a process that called exit(code); compare W_EXITCODE in <sys/wait.h>. */
#define PTEXIT_EXITED(code) (((uint32_t)(code) & 0xffu) << 8)
/** The wait status of a process killed by a signal. */
#define PTEXIT_KILLED(signo) ((uint32_t)(signo) & 0x7fu)
/** The wait status of a process killed by a signal that dumped core. */
#define PTEXIT_DUMPED(signo) (PTEXIT_KILLED(signo) | 0x80u)

/** The initial value of a struct with a `size`: ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args); */
#ifdef __cplusplus
extern "C++" {
template <typename T> inline T ptexit_init()
{
    T value = T();
    value.size = static_cast<uint32_t>(sizeof(T));
    return value;
}
}
#define PTEXIT_INIT(type) ptexit_init<type>()
#else
#define PTEXIT_INIT(type) { .size = (uint32_t)sizeof(type) }
#endif

/** The caller may not do this. */
#define PTEXIT_EPERM (-1)

/** No such task, or the handle is stale or forged. */
#define PTEXIT_ESRCH (-3)

/** The call was overtaken by a group exit. */
#define PTEXIT_EINTR (-4)

/** A ptrace request that this tracee, attached as it is, does not take. */
#define PTEXIT_EIO (-5)

/** A struct is longer than the library knows, and its tail is not zero. */
#define PTEXIT_E2BIG (-7)

/** No matching child is left to wait for. */
#define PTEXIT_ECHILD (-10)

/** Nothing yet: the wait is armed. Or: a limit on tasks or process IDs was reached. */
#define PTEXIT_EAGAIN (-11)

/** No memory. */
#define PTEXIT_ENOMEM (-12)

/** The child has already performed execve(2). */
#define PTEXIT_EACCES (-13)

/** A pointer is NULL or misaligned, or does not point to a context. */
#define PTEXIT_EFAULT (-14)

/** The process ID is taken, or there is an init already. */
#define PTEXIT_EEXIST (-17)

/** An argument is not one of the documented values. */
#define PTEXIT_EINVAL (-22)

/** This version cannot do that. */
#define PTEXIT_ENOSYS (-38)

/** The program called out of turn for this task. Never to be shown to a guest. */
#define PTEXIT_E_STATE (-4096)

/** Header and library do not fit together, or a mandatory hook is missing. */
#define PTEXIT_E_ABI (-4097)

/** A bug in the library was caught; the context only accepts ptexit_ctx_free(). */
#define PTEXIT_E_PANIC (-4098)

/** Linux's number of SIGKILL. */
#define PTEXIT_SIGKILL 9

/** Linux's number of SIGCHLD. */
#define PTEXIT_SIGCHLD 17

/** Linux's number of SIGCONT. */
#define PTEXIT_SIGCONT 18

/** Linux's number of SIGSTOP. */
#define PTEXIT_SIGSTOP 19

/** `code` of a child that called exit(3); Linux's CLD_EXITED. */
#define PTEXIT_CLD_EXITED 1

/** `code` of a child that a signal killed; Linux's CLD_KILLED. */
#define PTEXIT_CLD_KILLED 2

/** `code` of a child that a signal killed and that dumped core; Linux's CLD_DUMPED. */
#define PTEXIT_CLD_DUMPED 3

/** `code` of a child that has stopped; Linux's CLD_STOPPED. */
#define PTEXIT_CLD_STOPPED 5

/** `code` of a child that goes on; Linux's CLD_CONTINUED. */
#define PTEXIT_CLD_CONTINUED 6

/** `code` of a parent-death signal, and of one sent by kill(2); Linux's SI_USER. */
#define PTEXIT_SI_USER 0

/** `code` of a signal sent by tgkill(2); Linux's SI_TKILL. */
#define PTEXIT_SI_TKILL (-6)

/** `code` of a signal of the kernel's own; Linux's SI_KERNEL. */
#define PTEXIT_SI_KERNEL 128

/** ptexit_wait_args.idtype: any child. */
#define PTEXIT_P_ALL 0

/** ptexit_wait_args.idtype: the child with process ID `id`. */
#define PTEXIT_P_PID 1

/** ptexit_wait_args.idtype: any child in process group `id`; 0 is the caller's own. */
#define PTEXIT_P_PGID 2

/** ptexit_wait_args.idtype: the child whose leader is the ptexit_task `id`; for P_PIDFD. */
#define PTEXIT_P_TASK 3

/** ptexit_wait_args.options: do not arm the wait when nothing is waitable yet. */
#define PTEXIT_WNOHANG 1

/** ptexit_wait_args.options: children that have stopped (WUNTRACED). */
#define PTEXIT_WSTOPPED 2

/** ptexit_wait_args.options: dead children. */
#define PTEXIT_WEXITED 4

/** ptexit_wait_args.options: children that SIGCONT lets go on. */
#define PTEXIT_WCONTINUED 8

/** ptexit_wait_args.options: leave the child waitable. */
#define PTEXIT_WNOWAIT 0x01000000u

/** ptexit_wait_args.options: only children of the calling thread (__WNOTHREAD). */
#define PTEXIT_WNOTHREAD 0x20000000u

/** ptexit_wait_args.options: children of either kind (__WALL). */
#define PTEXIT_WALL 0x40000000u

/** ptexit_wait_args.options: only children whose exit signal is not SIGCHLD (__WCLONE). */
#define PTEXIT_WCLONE 0x80000000u

/** ptexit_ctx_opts.flags: the program chooses every process ID; ptexit_clone_args.pid. */
#define PTEXIT_CTX_PID_HOST 1

/** ptexit_ctx_opts.flags: the next free process ID after the last one, as Linux; the same on every run. */
#define PTEXIT_CTX_PID_CYCLIC 2

/** ptexit_ctx_opts.flags: events queue up for ptexit_next_events(); `on_event` must be NULL. */
#define PTEXIT_CTX_DEFER 4

/**
 * A signal is generated: to be queued for `task` as `info` says. SIGCHLD comes when the child is waitable,
 * before any PTEXIT_EVENT_WAKE of the same change, and before the first wait that reports the child returns:
 * if that wait is faster than the exiting thread, it makes this callback itself. A wait that finds this
 * callback running on another thread for the same child lets it come to its end, for a tenth of a second at most; one made from within the callback does not wait.
 */
#define PTEXIT_EVENT_SIGNAL 1

/** `task`'s armed wait, whose cookie is `cookie`, may now succeed or fail: call ptexit_wait() again. A hint. */
#define PTEXIT_EVENT_WAKE 2

/**
 * `task` must leave its guest, or where it has stopped, and call ptexit_task_poll(): its process is exiting, is to stop,
 * or goes on. If it comes when the task is about to stop, the task must not sleep. Where no signals are sent
 * by ptexit_signal() it means that the process is exiting, and the task may call ptexit_exit_begin() at once.
 */
#define PTEXIT_EVENT_INTERRUPT 4

/** The last thread of the process led by `task` has exited with `status`: its pidfd becomes readable. */
#define PTEXIT_EVENT_EXITED 8

/** `task` is gone, its handle is spent: `pid`, `status` and `usage` are final; `other` waited for it, or 0. */
#define PTEXIT_EVENT_REAPED 16

/** The process led by `task` has a new parent: the thread `other`. */
#define PTEXIT_EVENT_REPARENTED 32

/** No task, process group or session uses the number `pid` any more. */
#define PTEXIT_EVENT_PID_FREE 64

/**
 * Signals are void that are pending for the process led by `task` or for one of its threads: those in `signals`
 * whose ticket is older than `ticket` or, if SIGCONT is in `signals`, as old. Tickets count up and wrap around at
 * 2^14.
 */
#define PTEXIT_EVENT_DISCARD 128

/** The kinds that a program which takes any events must take: whoever misses these cannot work. */
#define PTEXIT_EVENTS_MANDATORY 4

/** ptexit_clone_args.flags: the new process is a child of the caller's parent. CLONE_PARENT in clone(2). */
#define PTEXIT_CLONE_PARENT 32768

/** ptexit_clone_args.flags: a new thread of the calling process. CLONE_THREAD in clone(2). */
#define PTEXIT_CLONE_THREAD 0x00010000u

/** Attribute of the process: the reaper of the orphans among its descendants, 0 or 1; PR_SET_CHILD_SUBREAPER. */
#define PTEXIT_ATTR_SUBREAPER 0

/** Attribute of the thread: the signal it gets when its parent thread dies, or 0; PR_SET_PDEATHSIG. */
#define PTEXIT_ATTR_PDEATHSIG 1

/** Attribute of the process: what it does about SIGCHLD, PTEXIT_SIGCHLD_* added up; sigaction(2). */
#define PTEXIT_ATTR_SIGCHLD 2

/** Attribute of the task: the program's cookie. */
#define PTEXIT_ATTR_COOKIE 3

/** Attribute of the process: its real user ID. */
#define PTEXIT_ATTR_UID 4

/** Attribute of the thread: the signals it blocks, bit 0 for signal 1; sigprocmask(2). Inherited by its clones. */
#define PTEXIT_ATTR_MASK 5

/**
 * Attribute of the process: what it does about one signal, `signo | PTEXIT_ACTION_* << 8`; sigaction(2). Of SIGCHLD it is
 * told beside PTEXIT_ATTR_SIGCHLD, and changes PTEXIT_SIGCHLD_IGNORE there. Before the first of these the
 * library takes no disposition for known: no signal is dropped or ends the process at once, but SIGKILL.
 * ptexit_get_attr() finds the signal in `*value`.
 */
#define PTEXIT_ATTR_ACTION 6

/** PTEXIT_ATTR_ACTION: SIG_DFL. */
#define PTEXIT_ACTION_DEFAULT 0

/** PTEXIT_ATTR_ACTION: SIG_IGN. */
#define PTEXIT_ACTION_IGNORE 1

/** PTEXIT_ATTR_ACTION: a function of the program's. */
#define PTEXIT_ACTION_HANDLER 2

/** PTEXIT_ATTR_SIGCHLD: SIG_IGN. No signal, and dead children are not left as zombies. */
#define PTEXIT_SIGCHLD_IGNORE 1

/** PTEXIT_ATTR_SIGCHLD: SA_NOCLDWAIT. Dead children are not left as zombies. */
#define PTEXIT_SIGCHLD_NOCLDWAIT 2

/** PTEXIT_ATTR_SIGCHLD: SA_NOCLDSTOP. No signal when a child stops or continues. */
#define PTEXIT_SIGCHLD_NOCLDSTOP 4

/** ptexit_task_pid(): the thread ID, gettid(2). */
#define PTEXIT_PID_TID 0

/** ptexit_task_pid(): the process ID, getpid(2). */
#define PTEXIT_PID_TGID 1

/** ptexit_task_pid(): the parent's process ID, getppid(2); 0 if it has none. */
#define PTEXIT_PID_PPID 2

/** ptexit_task_pid(): the process group, getpgrp(2). */
#define PTEXIT_PID_PGID 3

/** ptexit_task_pid(): the session, getsid(2). */
#define PTEXIT_PID_SID 4

/** ptexit_info.state: cloned, not yet committed. */
#define PTEXIT_STATE_EMBRYO 0

/** ptexit_info.state: alive. */
#define PTEXIT_STATE_RUNNING 1

/** ptexit_info.state: between ptexit_exit_begin() and the end of ptexit_exit_finish(). */
#define PTEXIT_STATE_INITIATED 2

/** ptexit_info.state: dead; the process has threads left, or was not waited for yet. */
#define PTEXIT_STATE_ZOMBIE 3

/** ptexit_info.state: alive, and stopped with its process. */
#define PTEXIT_STATE_STOPPED 4

/** ptexit_list(): every process, by its leader; zombies included. `of` is 0. */
#define PTEXIT_LIST_PROCESSES 0

/** ptexit_list(): the threads of the process of task `of`. */
#define PTEXIT_LIST_THREADS 1

/** ptexit_list(): the children of the process of task `of`, in the order in which waits look at them. */
#define PTEXIT_LIST_CHILDREN 2

/** ptexit_list(): the members of process group `of`, by their leaders. */
#define PTEXIT_LIST_GROUP 3

/** ptexit_signal(): to the thread `target`; tgkill(2). */
#define PTEXIT_TO_THREAD 0

/** ptexit_signal(): to the process of `target`, which is offered the signal first; kill(2). */
#define PTEXIT_TO_PROCESS 1

/** ptexit_signal(): to the process group with the ID `target`; 0 is the sender's own. */
#define PTEXIT_TO_GROUP 2

/** ptexit_signal(): to every process but init and the sender's own; `target` is 0. */
#define PTEXIT_TO_EVERYBODY 3

/** A verdict: the task may run its guest. */
#define PTEXIT_RUN 0

/** A verdict: the task has to exit with the wait status in the bits above the lowest eight (`verdict >> 8`). */
#define PTEXIT_EXIT 1

/** A verdict: the task has to stop, or to stay so; the bits above the lowest eight are the signal. */
#define PTEXIT_STOP 2

/** One process tree. Opaque; any number of contexts may live side by side. */
typedef struct ptexit_ctx ptexit_ctx;

/** A task, by value. 0 is no task. A handle is spent once its task is reaped; used again it is an error. */
typedef uint64_t ptexit_task;

/** What travels with a signal; siginfo_t in sigaction(2). This struct does not grow. */
typedef struct ptexit_siginfo {
    /** The signal. */
    uint32_t signo;
    /** si_code: PTEXIT_CLD_*, PTEXIT_SI_USER, PTEXIT_SI_KERNEL. */
    int32_t code;
    /** si_pid: the child, or the process whose death is announced. */
    uint32_t pid;
    /** si_uid: the real user ID of that process. */
    uint32_t uid;
    /** si_status: the exit code with PTEXIT_CLD_EXITED, else a signal. */
    int32_t value;
    /** 1: pending for the whole process, any of its threads may take it. 0: for the one thread only. */
    uint32_t group;
    /** si_utime, in nanoseconds. */
    uint64_t utime_ns;
    /** si_stime, in nanoseconds. */
    uint64_t stime_ns;
} ptexit_siginfo;

/** Resource usage, getrusage(2). This struct does not grow. */
typedef struct ptexit_rusage {
    /** ru_utime, in nanoseconds. */
    uint64_t utime_ns;
    /** ru_stime, in nanoseconds. */
    uint64_t stime_ns;
    /** ru_maxrss, in KiB: the largest of its parts, not their sum. */
    uint64_t maxrss_kib;
    /** ru_minflt. */
    uint64_t minflt;
    /** ru_majflt. */
    uint64_t majflt;
    /** ru_inblock. */
    uint64_t inblock;
    /** ru_oublock. */
    uint64_t oublock;
    /** ru_nvcsw. */
    uint64_t nvcsw;
    /** ru_nivcsw. */
    uint64_t nivcsw;
} ptexit_rusage;

/** Something that happened; see PTEXIT_EVENT_*. Members that a kind does not mention are 0. */
typedef struct ptexit_event {
    /** sizeof(ptexit_event): the library's in on_event, the caller's in ptexit_next_events(). */
    uint32_t size;
    /** One of PTEXIT_EVENT_*. */
    uint32_t kind;
    /** The task it is about. */
    ptexit_task task;
    /** That task's cookie; with PTEXIT_EVENT_WAKE, the cookie of the wait. */
    uint64_t cookie;
    /**
     * PTEXIT_EVENT_REAPED: who waited for it, or 0. PTEXIT_EVENT_REPARENTED: its parent now. PTEXIT_EVENT_SIGNAL:
     * the thread that is to take it and must leave its guest, `task` or another one; 0 if none can at present.
     */
    ptexit_task other;
    /** PTEXIT_EVENT_REAPED, PTEXIT_EVENT_PID_FREE: the process or thread ID. */
    uint32_t pid;
    /** PTEXIT_EVENT_EXITED, PTEXIT_EVENT_REAPED: the wait status. */
    uint32_t status;
    /** PTEXIT_EVENT_SIGNAL: what the receiver sees. */
    struct ptexit_siginfo info;
    /** PTEXIT_EVENT_REAPED: what the process and its waited-for children used; zero for a thread. */
    struct ptexit_rusage usage;
    /** PTEXIT_EVENT_DISCARD: which signals; bit 0 is signal 1. */
    uint64_t signals;
    /** PTEXIT_EVENT_SIGNAL of a stop signal or SIGCONT, PTEXIT_EVENT_DISCARD: when it was sent. */
    uint32_t ticket;
    /** 0. */
    uint32_t reserved;
} ptexit_event;

/** How a context is set up; ptexit_ctx_new(). All zero is a good default. */
typedef struct ptexit_ctx_opts {
    /** sizeof(ptexit_ctx_opts). */
    uint32_t size;
    /** PTEXIT_CTX_* flags. */
    uint32_t flags;
    /** The largest process ID, up to 4194304; 0 for that. */
    uint32_t pid_max;
    /** The largest number of tasks alive or zombie at one time, up to 4194304; 0 for that. */
    uint32_t max_tasks;
    /** The kinds of events the program takes: PTEXIT_EVENT_* added up; 0 for none. Others are not made. */
    uint32_t events;
    /**
     * Those of `events` that the program cannot do without: ptexit_ctx_new() fails if the library has
     * no such events. Kinds only in `events` may be unknown to the library.
     */
    uint32_t events_mandatory;
    /**
     * Called for each event, on the thread whose call caused it, after the change is in effect and in
     * the order of the changes. The library holds nothing meanwhile: the function may call back into
     * the context, except ptexit_ctx_free(). The events of such an inner call are told before it returns, that
     * is, before the rest of those of the call that is being told of. The function must return (no longjmp,
     * no exception) and should soon.
     */
    void (*on_event)(void *host, const struct ptexit_event *event);
    /** Handed to `on_event`; not looked at. */
    void *host;
} ptexit_ctx_opts;

/** What clone(2) is to make; ptexit_clone(), ptexit_init_new(). */
typedef struct ptexit_clone_args {
    /** sizeof(ptexit_clone_args). */
    uint32_t size;
    /** PTEXIT_CLONE_PARENT, PTEXIT_CLONE_THREAD. */
    uint32_t flags;
    /**
     * The signal the parent gets when the process dies, 1 to 64; 0 for none. Usually PTEXIT_SIGCHLD. Not
     * used for threads, nor with PTEXIT_CLONE_PARENT, where it is the calling process's own.
     */
    uint32_t exit_signal;
    /** Its process or thread ID, with PTEXIT_CTX_PID_HOST; else 0. */
    uint32_t pid;
    /** Any number of the program's; it comes back in events and results about this task. */
    uint64_t cookie;
} ptexit_clone_args;

/** A wait; ptexit_wait(). */
typedef struct ptexit_wait_args {
    /** sizeof(ptexit_wait_args). */
    uint32_t size;
    /** PTEXIT_P_*: which children. */
    uint32_t idtype;
    /** A process ID, a process group or a ptexit_task, as `idtype` says; not used with PTEXIT_P_ALL. */
    uint64_t id;
    /** PTEXIT_W*: at least one of WEXITED, WSTOPPED and WCONTINUED is needed. */
    uint32_t options;
    /** 0. */
    uint32_t reserved;
    /** Any number of the program's; it comes back in PTEXIT_EVENT_WAKE. */
    uint64_t cookie;
} ptexit_wait_args;

/** What a wait found; ptexit_wait(), ptexit_wait_many(). */
typedef struct ptexit_wait_result {
    /** sizeof(ptexit_wait_result), set by the caller. */
    uint32_t size;
    /** The child's process ID; 0 if there is no child to report yet (PTEXIT_WNOHANG). */
    uint32_t pid;
    /** The child's leader. Spent, unless the wait was with PTEXIT_WNOWAIT. */
    ptexit_task task;
    /** The leader's cookie. */
    uint64_t cookie;
    /** The child's real user ID. */
    uint32_t uid;
    /** The wait status as wait(2) reports it. */
    uint32_t status;
    /** si_code, as waitid(2) reports it: PTEXIT_CLD_*. */
    int32_t code;
    /** si_status, as waitid(2) reports it: the exit code, or the signal. */
    int32_t value;
    /** What the child used, including its own waited-for children. */
    struct ptexit_rusage usage;
} ptexit_wait_result;

/** A snapshot of a task; ptexit_task_info(). Each member is read at its own instant. */
typedef struct ptexit_info {
    /** sizeof(ptexit_info), set by the caller. */
    uint32_t size;
    /** PTEXIT_STATE_*. */
    uint32_t state;
    /** Thread ID. */
    uint32_t tid;
    /** Process ID: the leader's thread ID. */
    uint32_t tgid;
    /** The parent's process ID; 0 if it has none. */
    uint32_t ppid;
    /** Process group. */
    uint32_t pgid;
    /** Session. */
    uint32_t sid;
    /** Real user ID. */
    uint32_t uid;
    /** Threads of its process that have not been released. */
    uint32_t threads;
    /** 1 if `status` is decided, else 0. */
    uint32_t has_status;
    /** The process's wait status. */
    uint32_t status;
    /** 0. */
    uint32_t reserved;
    /** The leader of its process. */
    ptexit_task leader;
    /** The task's cookie. */
    uint64_t cookie;
} ptexit_info;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library: major << 24 | minor << 16 | patch << 8. Equal to PTEXIT_VERSION if header
 * and library belong together; while the major version is 0 the minor version must be the same.
 *
 * Threads:   any thread may call, at any time.
 * Blocking:  never.
 */
uint32_t ptexit_version(void);

/**
 * The version of the library in words: "0.1.0".
 *
 * Ownership: the string is static.
 * Threads:   any thread may call, at any time.
 * Blocking:  never.
 */
const char *ptexit_version_string(void);

/**
 * What a returned code means, as strerror(3).
 *
 * @param code  What a function of the library returned: 0 or a negative number.
 *
 * @return an English text without a newline; never NULL, "unknown error" for any other number.
 *
 * Ownership: the string is static.
 * Threads:   any thread may call, at any time.
 * Blocking:  never.
 */
const char *ptexit_strerror(int code);

/**
 * Makes a context.
 *
 * @param opts  Read during the call only. NULL for the defaults: no events, all process IDs.
 * @param ctx   Written on success only; to be given to ptexit_ctx_free().
 *
 * @return 0, or
 *   PTEXIT_EINVAL  an unknown flag, flags that exclude each other, or a number out of range
 *   PTEXIT_E2BIG   `opts` is of a newer version and uses something this one does not know
 *   PTEXIT_E_ABI   there is no way to deliver `events`; `events` lacks a kind that no program may miss
 *                  (PTEXIT_EVENTS_MANDATORY); the library lacks a kind in `events_mandatory`
 *   PTEXIT_EFAULT  `ctx` is NULL, or a pointer is misaligned
 *
 * Ownership: the caller's. `opts->host` must be good until ptexit_ctx_free() has returned.
 * Threads:   any thread may call. The context may be used by any number of threads at once.
 * Blocking:  never.
 *
 * # Safety
 * `opts` is NULL or points to `opts->size` readable bytes; `ctx` is NULL or writable. `opts->on_event` may
 * be called by any thread that calls into the context.
 */
PTEXIT_NODISCARD int ptexit_ctx_new(const struct ptexit_ctx_opts *opts, struct ptexit_ctx **ctx);

/**
 * Frees a context and everything in it, whatever state its tasks are in. No events are delivered.
 *
 * @param ctx  NULL is nothing to free.
 *
 * Ownership: handles and undelivered events of the context are gone.
 * Threads:   no other call on the context may be under way, nor its `on_event`.
 * Blocking:  never.
 *
 * # Safety
 * `ctx` is NULL or came from ptexit_ctx_new() and has not been freed.
 */
void ptexit_ctx_free(struct ptexit_ctx *ctx);

/**
 * Takes events off the queue of a context made with PTEXIT_CTX_DEFER, oldest first.
 *
 * @param ctx     Borrowed for the call.
 * @param events  Room for `n` events; events[0].size is the size of each.
 * @param n       How many to take at most.
 * @param got     How many were written; fewer than `n` when the queue is empty.
 *
 * @return 0, or
 *   PTEXIT_E_STATE  the context was not made with PTEXIT_CTX_DEFER
 *   PTEXIT_EINVAL   events[0].size is not the size of such a struct
 *   PTEXIT_E2BIG    events[0].size is absurdly large
 *   PTEXIT_EFAULT   a pointer is NULL (`events` may be if `n` is 0) or misaligned
 *
 * Ownership: an event is taken by one caller only. The events of one call into the context come in order;
 *            those of calls made side by side may interleave. The memory of an event that was taken is used
 *            for the next one; the queue never shrinks below the most events that ever waited in it.
 * Threads:   any thread may call. One that is stopped inside holds up nobody.
 * Blocking:  never.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `events` points to `n * events[0].size` writable bytes;
 * `got` is NULL or writable.
 */
int ptexit_next_events(struct ptexit_ctx *ctx, struct ptexit_event *events, size_t n, size_t *got);

/**
 * Makes the first task: the init of the tree, process ID 1 unless the program chooses, leader of process
 * group and session of that number. Orphans end up with it.
 *
 * @param ctx   Borrowed for the call.
 * @param args  Read during the call only; NULL for the defaults. `flags` must be 0.
 * @param task  Written on success only.
 *
 * @return 0, or
 *   PTEXIT_EEXIST  there has been an init
 *   PTEXIT_EINVAL  an unknown flag or signal, or a process ID that is missing, superfluous or too large
 *   PTEXIT_E2BIG   `args` is of a newer version and uses something this one does not know
 *   PTEXIT_EFAULT  `ctx` or `task` is NULL, or a pointer is misaligned
 *
 * Ownership: the handle is a value; there is nothing to free.
 * Threads:   any thread may call.
 * Blocking:  never.
 * Follows:   the kernel's start of init; pid_namespaces(7).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `args` is NULL or points to `args->size` readable bytes;
 * `task` is NULL or writable.
 */
PTEXIT_NODISCARD
int ptexit_init_new(struct ptexit_ctx *ctx,
                    const struct ptexit_clone_args *args,
                    ptexit_task *task);

/**
 * Begins a clone: reserves a process ID and all memory that the new task's exit and reaping will need.
 * The task is seen by nobody until ptexit_clone_commit(); in between the program makes its thread,
 * address space and so on, and calls ptexit_clone_abort() if that fails.
 *
 * @param ctx     Borrowed for the call.
 * @param parent  The calling task.
 * @param args    Read during the call only; NULL for fork(2): a process whose exit signal is SIGCHLD.
 * @param task    Written on success only.
 *
 * @return 0, or
 *   PTEXIT_EAGAIN   the limit on tasks or process IDs is reached
 *   PTEXIT_ENOMEM   no memory, or the init of the tree is dead
 *   PTEXIT_EINTR    the process of `parent` is exiting
 *   PTEXIT_EINVAL   an unknown flag or signal; PTEXIT_CLONE_PARENT by the init; a process ID that is
 *                   missing, superfluous or too large
 *   PTEXIT_EEXIST   the process ID is taken
 *   PTEXIT_E2BIG    `args` is of a newer version and uses something this one does not know
 *   PTEXIT_ESRCH    `parent` is not alive
 *   PTEXIT_E_STATE  an earlier clone of `parent` is neither committed nor aborted, or another own call of
 *                   it is under way
 *   PTEXIT_EFAULT   `ctx` or `task` is NULL, or a pointer is misaligned
 *
 * Ownership: the reservation must be committed or aborted, before `parent` clones again or exits.
 * Threads:   `parent`'s own calls come from one thread at a time.
 * Blocking:  never.
 * Follows:   clone(2), copy_process() in the kernel.
 *
 * # Safety
 * As ptexit_init_new().
 */
PTEXIT_NODISCARD
int ptexit_clone(struct ptexit_ctx *ctx,
                 ptexit_task parent,
                 const struct ptexit_clone_args *args,
                 ptexit_task *task);

/**
 * Makes a cloned task visible: from here on it can be looked up, waited for and killed, and may run.
 *
 * @param ctx   Borrowed for the call.
 * @param task  From ptexit_clone(), neither committed nor aborted.
 *
 * @return 0, or
 *   PTEXIT_EINTR    the cloning task or its process began to exit meanwhile: the reservation is gone, as
 *                   if aborted
 *   PTEXIT_ENOMEM   the init of the tree died meanwhile: the same
 *   PTEXIT_EAGAIN   the process has more than a million threads: the same
 *   PTEXIT_E_STATE  `task` is not waiting to be committed; or it still is, and a call of its creator is under
 *                   way, such as a report of its death: call again
 *   PTEXIT_ESRCH    there is no such task
 *   PTEXIT_EFAULT   `ctx` is not a context
 *
 * Ownership: on PTEXIT_EINTR, PTEXIT_ENOMEM and PTEXIT_EAGAIN the handle is spent.
 * Threads:   an own call of the task that called ptexit_clone(), by whichever thread.
 * Blocking:  never.
 * Follows:   the end of copy_process() in the kernel.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed.
 */
PTEXIT_NODISCARD int ptexit_clone_commit(struct ptexit_ctx *ctx, ptexit_task task);

/**
 * Takes a clone back that was not committed. Nobody has seen the task; its process ID is free again.
 *
 * @param ctx   Borrowed for the call.
 * @param task  From ptexit_clone(), neither committed nor aborted. Cannot fail for such a task.
 *
 * @return 0, or
 *   PTEXIT_E_STATE  `task` is not waiting to be committed; or it still is, and a call of its creator is under
 *                   way, such as a report of its death: call again
 *   PTEXIT_ESRCH    there is no such task
 *   PTEXIT_EFAULT   `ctx` is not a context
 *
 * Ownership: the handle is spent.
 * Threads:   as ptexit_clone_commit().
 * Blocking:  never.
 * Follows:   the error paths of copy_process() in the kernel.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed.
 */
int ptexit_clone_abort(struct ptexit_ctx *ctx, ptexit_task task);

/**
 * A process of one thread has executed a new program: its exit signal becomes SIGCHLD, and its parent can
 * no longer move it to another process group.
 *
 * @param ctx   Borrowed for the call.
 * @param task  The calling task, the only thread of its process.
 *
 * @return 0, or
 *   PTEXIT_ENOSYS   the process has other threads; this version cannot end them
 *   PTEXIT_EAGAIN   the process is exiting
 *   PTEXIT_ESRCH    `task` is not alive
 *   PTEXIT_E_STATE  another own call of `task` is under way
 *   PTEXIT_EFAULT   `ctx` is not a context
 *
 * Ownership: nothing changes hands; the handle stays good.
 * Threads:   `task`'s own calls come from one thread at a time.
 * Blocking:  never.
 * Follows:   execve(2), begin_new_exec() in the kernel.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed.
 */
int ptexit_exec_commit(struct ptexit_ctx *ctx, ptexit_task task);

/**
 * A task begins to exit (PF_EXITING): from here on it takes no signals and inherits no orphans. The program
 * then frees what the guest held (memory, files, ...) and calls ptexit_exit_finish().
 *
 * @param ctx      Borrowed for the call.
 * @param task     The exiting task.
 * @param status   A wait status: PTEXIT_EXITED(code), PTEXIT_KILLED(signo), PTEXIT_DUMPED(signo).
 * @param decided  The status it exits with: the process's, if a group exit has decided that. May be NULL.
 *
 * @return 0, or
 *   PTEXIT_EINVAL   `status` is not a wait status of a dead process
 *   PTEXIT_E_STATE  `task` has begun to exit already, or another own call of it is under way
 *   PTEXIT_ESRCH    there is no such task
 *   PTEXIT_EFAULT   `ctx` is not a context, or `decided` is misaligned
 *
 * Ownership: the exit must be finished.
 * Threads:   `task`'s own calls come from one thread at a time.
 * Blocking:  never.
 * Follows:   _exit(2) of one thread, do_exit() in the kernel up to exit_signals().
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `decided` is NULL or writable.
 */
int ptexit_exit_begin(struct ptexit_ctx *ctx, ptexit_task task, uint32_t status, uint32_t *decided);

/**
 * A task that has begun to exit is done: its children get a new parent, the process becomes a zombie if
 * this was its last thread, and whoever must know is told. Does not allocate in the tree; cannot fail for
 * such a task.
 *
 * @param ctx    Borrowed for the call.
 * @param task   A task after ptexit_exit_begin().
 * @param usage  What the task itself has used; NULL for nothing.
 *
 * @return 0, or
 *   PTEXIT_E_STATE  `task` has not begun to exit, or has finished, or its last clone is neither committed
 *                   nor aborted
 *   PTEXIT_ESRCH    there is no such task
 *   PTEXIT_EFAULT   `ctx` is not a context, or `usage` is misaligned
 *
 * Ownership: the handle of a thread that is not the leader is spent; that of a leader lasts until the
 *            process is reaped, which may be at once if the parent ignores SIGCHLD.
 * Threads:   `task`'s own calls come from one thread at a time.
 * Blocking:  never.
 * Follows:   exit_notify() in the kernel; PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER in prctl(2).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `usage` is NULL or readable.
 */
int ptexit_exit_finish(struct ptexit_ctx *ctx, ptexit_task task, const struct ptexit_rusage *usage);

/**
 * Makes a whole process exit. The first caller decides the status. The other threads are told by
 * PTEXIT_EVENT_INTERRUPT; each thread, the caller's own included, must then come to ptexit_exit_begin().
 *
 * @param ctx      Borrowed for the call.
 * @param task     Any thread of the process.
 * @param status   A wait status, as for ptexit_exit_begin().
 * @param decided  The status that was decided, by this caller or an earlier one. May be NULL.
 *
 * @return 0, or
 *   PTEXIT_EINVAL   `status` is not a wait status of a dead process
 *   PTEXIT_ESRCH    there is no such task
 *   PTEXIT_EFAULT   `ctx` is not a context, or `decided` is misaligned
 *
 * Ownership: nothing changes hands.
 * Threads:   any thread may call, for a fatal signal as well.
 * Blocking:  never.
 * Follows:   exit_group(2), do_group_exit() in the kernel.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `decided` is NULL or writable.
 */
int ptexit_exit_group(struct ptexit_ctx *ctx, ptexit_task task, uint32_t status, uint32_t *decided);

/**
 * A whole process died somewhere else (another host process, a remote kernel): group exit, then begin and
 * finish for every thread that is left, the leader last.
 *
 * @param ctx     Borrowed for the call.
 * @param task    Any thread of the process.
 * @param status  The wait status it died with.
 * @param usage   What the process has used that was not told before; NULL for nothing.
 *
 * @return 0, or
 *   PTEXIT_EINVAL   `status` is not a wait status of a dead process
 *   PTEXIT_E_STATE  a clone of one of its threads is neither committed nor aborted, or one makes calls of
 *                   its own
 *   PTEXIT_ESRCH    there is no such task, or the process is dead
 *   PTEXIT_EFAULT   `ctx` is not a context, or `usage` is misaligned
 *
 * Ownership: as ptexit_exit_finish(), for each of the threads.
 * Threads:   any thread may call, as long as no thread of the process makes calls of its own.
 * Blocking:  never.
 * Follows:   do_group_exit() in the kernel, seen from outside.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `usage` is NULL or readable.
 */
int ptexit_report_exit(struct ptexit_ctx *ctx,
                       ptexit_task task,
                       uint32_t status,
                       const struct ptexit_rusage *usage);

/**
 * Waits for a child, as waitid(2) and wait4(2), without blocking: if nothing is waitable yet and
 * PTEXIT_WNOHANG is not given, the wait is armed, and PTEXIT_EVENT_WAKE says when to call again. A task has
 * one armed wait. A further ptexit_wait() or ptexit_wait_many() of the task ends it, whatever it returns but
 * PTEXIT_EINVAL, PTEXIT_ESRCH, PTEXIT_E2BIG and PTEXIT_EFAULT.
 *
 * @param ctx     Borrowed for the call.
 * @param waiter  The waiting task.
 * @param args    Read during the call only.
 * @param result  Caller-owned, `size` set. Written if 0 is returned; with PTEXIT_WNOHANG and nothing to
 *                report all of it is 0.
 *
 * @return 0, or
 *   PTEXIT_EAGAIN   the wait is armed: sleep until PTEXIT_EVENT_WAKE with args->cookie, then call again
 *   PTEXIT_ECHILD   no matching child is left to wait for
 *   PTEXIT_EINVAL   an unknown or missing option, `idtype`, an `id` out of its range
 *   PTEXIT_E2BIG    a struct is of a newer version and uses something this one does not know
 *   PTEXIT_ESRCH    `waiter` is not alive
 *   PTEXIT_EFAULT   `ctx`, `args` or `result` is NULL or misaligned
 *
 * Ownership: a reaped child's handle is spent. With PTEXIT_WNOWAIT nothing is reaped.
 * Threads:   `waiter`'s own calls come from one thread at a time. Two waiters never reap the same child.
 * Blocking:  never; the program sleeps.
 * Follows:   waitid(2), do_wait() in the kernel. The oldest waitable child is reported first.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `args` is NULL or points to `args->size` readable bytes;
 * `result` is NULL or points to `result->size` writable bytes.
 */
PTEXIT_NODISCARD
int ptexit_wait(struct ptexit_ctx *ctx,
                ptexit_task waiter,
                const struct ptexit_wait_args *args,
                struct ptexit_wait_result *result);

/**
 * Ends an armed wait, before the program reports EINTR to its guest or the task exits.
 *
 * @param ctx     Borrowed for the call.
 * @param waiter  The task whose wait is armed.
 * @param cookie  The cookie of that wait.
 *
 * @return 0 if the wait was disarmed; 1 if it had fired: a child may be waitable, call ptexit_wait() once
 *   more before reporting EINTR; or
 *   PTEXIT_EINVAL  no wait of `waiter` with this cookie is armed or has fired
 *   PTEXIT_ESRCH   there is no such task
 *   PTEXIT_EFAULT  `ctx` is not a context
 *
 * Ownership: nothing changes hands.
 * Threads:   `waiter`'s own calls come from one thread at a time.
 * Blocking:  never.
 * Follows:   the way out of do_wait() in the kernel with a signal pending.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed.
 */
PTEXIT_NODISCARD int ptexit_wait_cancel(struct ptexit_ctx *ctx, ptexit_task waiter, uint64_t cookie);

/**
 * Reaps up to `n` dead children that match, oldest first, as repeated ptexit_wait() with PTEXIT_WNOHANG.
 * For an init and for event loops. As ptexit_wait(), it ends an armed wait of the task.
 *
 * @param ctx      Borrowed for the call.
 * @param waiter   The waiting task.
 * @param args     Read during the call only. PTEXIT_WNOWAIT is not allowed here, PTEXIT_WNOHANG is implied.
 * @param results  Room for `n` results; results[0].size is the size of each.
 * @param n        How many to reap at most. With 0 the arguments are checked and no child is looked at.
 * @param got      How many were written; 0 if `n` is, or if there are matching children but none is waitable yet.
 *
 * @return 0, or
 *   PTEXIT_ECHILD  nothing was reaped, `n` is not 0, and no matching child is left to wait for
 *   otherwise as ptexit_wait(), except PTEXIT_EAGAIN
 *
 * Ownership: the reaped children's handles are spent.
 * Threads:   as ptexit_wait().
 * Blocking:  never.
 * Follows:   waitid(2), kernel_wait4() in zap_pid_ns_processes().
 *
 * # Safety
 * As ptexit_wait(); `results` points to `n * results[0].size` writable bytes; `got` is NULL or writable.
 */
int ptexit_wait_many(struct ptexit_ctx *ctx,
                     ptexit_task waiter,
                     const struct ptexit_wait_args *args,
                     struct ptexit_wait_result *results,
                     size_t n,
                     size_t *got);

/**
 * Moves a process to a process group, as setpgid(2).
 *
 * @param ctx     Borrowed for the call.
 * @param caller  The calling task.
 * @param pid     The process to move: the caller's own or a child of it; 0 for the caller's own.
 * @param pgid    An existing group of the session, or `pid` for a new one; 0 for `pid`.
 *
 * @return 0, or
 *   PTEXIT_EACCES   the child has executed a new program; ptexit_exec_commit()
 *   PTEXIT_EPERM    a session leader, a child in another session, or no such group in the session
 *   PTEXIT_EINVAL   a number out of range
 *   PTEXIT_ESRCH    `pid` is neither the caller's process nor a child of it, or `caller` is not alive
 *   PTEXIT_EFAULT   `ctx` is not a context
 *
 * Ownership: nothing changes hands.
 * Threads:   any thread may call.
 * Blocking:  never for a guest; for the moment that another setpgid or setsid of the context takes.
 * Follows:   setpgid(2).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed.
 */
int ptexit_setpgid(struct ptexit_ctx *ctx, ptexit_task caller, uint32_t pid, uint32_t pgid);

/**
 * Makes the caller's process the leader of a new session and a new process group, as setsid(2).
 *
 * @param ctx     Borrowed for the call.
 * @param caller  The calling task.
 * @param sid     The number of the new session: the process ID. May be NULL.
 *
 * @return 0, or
 *   PTEXIT_EPERM    the process leads a process group, or a group or session with its number exists
 *   PTEXIT_ESRCH    `caller` is not alive
 *   PTEXIT_EFAULT   `ctx` is not a context, or `sid` is misaligned
 *
 * Ownership: nothing changes hands.
 * Threads:   any thread may call.
 * Blocking:  never for a guest; for the moment that another setpgid or setsid of the context takes.
 * Follows:   setsid(2).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `sid` is NULL or writable.
 */
int ptexit_setsid(struct ptexit_ctx *ctx, ptexit_task caller, uint32_t *sid);

/**
 * Sets an attribute of a task or of its process.
 *
 * @param ctx    Borrowed for the call.
 * @param task   The task.
 * @param which  PTEXIT_ATTR_*.
 * @param value  As said there.
 *
 * @return 0, or
 *   PTEXIT_EINVAL   `which` is not one of the above, or `value` out of range for it
 *   PTEXIT_ESRCH    there is no such task
 *   PTEXIT_EFAULT   `ctx` is not a context
 *
 * Ownership: nothing changes hands.
 * Threads:   any thread may call.
 * Blocking:  never.
 * Follows:   prctl(2), sigaction(2), setuid(2).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed.
 */
int ptexit_set_attr(struct ptexit_ctx *ctx, ptexit_task task, uint32_t which, uint64_t value);

/**
 * Reads an attribute of a task or of its process.
 *
 * @param ctx    Borrowed for the call.
 * @param task   The task.
 * @param which  PTEXIT_ATTR_*.
 * @param value  Written on success only; read with PTEXIT_ATTR_ACTION, for the signal.
 *
 * @return 0, or
 *   PTEXIT_EINVAL  `which` is not one of the above
 *   PTEXIT_ESRCH   there is no such task
 *   PTEXIT_EFAULT  `ctx` or `value` is NULL or misaligned
 *
 * Ownership: nothing changes hands.
 * Threads:   any thread may call.
 * Blocking:  never.
 * Follows:   prctl(2), sigaction(2), getuid(2).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `value` is NULL or writable, and with PTEXIT_ATTR_ACTION readable.
 */
int ptexit_get_attr(struct ptexit_ctx *ctx,
                    ptexit_task task,
                    uint32_t which,
                    uint64_t *value);

/**
 * Finds the task with a process or thread ID; zombies included.
 *
 * @param ctx   Borrowed for the call.
 * @param pid   A process or thread ID.
 * @param task  Written on success only.
 *
 * @return 0, or
 *   PTEXIT_ESRCH   no task has this number
 *   PTEXIT_EFAULT  `ctx` or `task` is NULL or misaligned
 *
 * Ownership: the handle is a value. The task may be gone by the time it is used; that is PTEXIT_ESRCH.
 * Threads:   any thread may call.
 * Blocking:  never.
 * Follows:   find_task_by_vpid() in the kernel.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `task` is NULL or writable.
 */
int ptexit_pid_lookup(struct ptexit_ctx *ctx, uint32_t pid, ptexit_task *task);

/**
 * One of the numbers that a task goes by.
 *
 * @param ctx    Borrowed for the call.
 * @param task   The task; a zombie will do.
 * @param which  PTEXIT_PID_*.
 * @param pid    Written on success only.
 *
 * @return 0, or
 *   PTEXIT_EINVAL  `which` is not one of the above
 *   PTEXIT_ESRCH   there is no such task
 *   PTEXIT_EFAULT  `ctx` or `pid` is NULL or misaligned
 *
 * Ownership: nothing changes hands.
 * Threads:   any thread may call.
 * Blocking:  never.
 * Follows:   getpid(2), getppid(2), getpgid(2), getsid(2), gettid(2).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `pid` is NULL or writable.
 */
int ptexit_task_pid(struct ptexit_ctx *ctx, ptexit_task task, uint32_t which, uint32_t *pid);

/**
 * What is known of a task.
 *
 * @param ctx   Borrowed for the call.
 * @param task  The task; zombies and tasks not yet committed will do.
 * @param info  Caller-owned, `size` set. Written on success only.
 *
 * @return 0, or
 *   PTEXIT_ESRCH   there is no such task
 *   PTEXIT_EINVAL  info->size is not the size of such a struct
 *   PTEXIT_E2BIG   info->size is absurdly large
 *   PTEXIT_EFAULT  `ctx` or `info` is NULL or misaligned
 *
 * Ownership: nothing changes hands.
 * Threads:   any thread may call. Each member is read at its own instant.
 * Blocking:  never.
 * Follows:   /proc/pid/status in proc(5).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `info` is NULL or points to `info->size` writable bytes.
 */
int ptexit_task_info(struct ptexit_ctx *ctx, ptexit_task task, struct ptexit_info *info);

/**
 * Lists tasks.
 *
 * @param ctx     Borrowed for the call.
 * @param filter  PTEXIT_LIST_*.
 * @param of      A ptexit_task or a process group, as `filter` says.
 * @param tasks   Room for `n` handles; NULL if `n` is 0.
 * @param n       How many to write at most.
 * @param got     How many there are in all, which may be more than `n`.
 *
 * @return 0, or
 *   PTEXIT_EINVAL  `filter` is not one of the above, or `of` out of range for it
 *   PTEXIT_ESRCH   there is no such task
 *   PTEXIT_ENOMEM  no memory
 *   PTEXIT_EFAULT  `ctx`, `tasks` or `got` is NULL or misaligned
 *
 * Ownership: handles are values; each task may be gone by the time its handle is used.
 * Threads:   any thread may call. Tasks that come or go meanwhile may be listed or not.
 * Blocking:  never.
 * Follows:   /proc, /proc/pid/task and /proc/pid/task/tid/children in proc(5).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `tasks` is writable for `n` handles; `got` is NULL or
 * writable.
 */
int ptexit_list(struct ptexit_ctx *ctx,
                uint32_t filter,
                uint64_t of,
                ptexit_task *tasks,
                size_t n,
                size_t *got);

/**
 * What the waited-for children of a task's process have used, their own waited-for children included.
 *
 * @param ctx    Borrowed for the call.
 * @param task   Any thread of the process.
 * @param usage  Written on success only.
 *
 * @return 0, or
 *   PTEXIT_ESRCH   there is no such task
 *   PTEXIT_EFAULT  `ctx` or `usage` is NULL or misaligned
 *
 * Ownership: nothing changes hands.
 * Threads:   any thread may call. Each member is read at its own instant.
 * Blocking:  never.
 * Follows:   RUSAGE_CHILDREN in getrusage(2).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `usage` is NULL or writable.
 */
int ptexit_children_usage(struct ptexit_ctx *ctx, ptexit_task task, struct ptexit_rusage *usage);

/**
 * Sends a signal. What is due at once is done: SIGKILL, and any other signal whose default action ends the process
 * without a core dump and that some thread would take, end it as ptexit_exit_group() does; SIGCONT lets the
 * process go on. PTEXIT_EVENT_SIGNAL tells who is to take it, unless it is dropped: the process is
 * exiting, ignores it, or is init and has not asked for it. For that the program tells masks and dispositions
 * (PTEXIT_ATTR_MASK, PTEXIT_ATTR_ACTION). A stop signal stops nobody before a task takes it;
 * see ptexit_begin_stop().
 *
 * @param ctx     Borrowed for the call.
 * @param sender  Who sends; 0 for the kernel that the program is, which may send anything, to init as well.
 * @param how     PTEXIT_TO_*.
 * @param target  As said there.
 * @param signo   The signal; 0 only asks whether one could be sent.
 * @param code    `si_code`: PTEXIT_SI_USER, PTEXIT_SI_TKILL, PTEXIT_SI_KERNEL or another.
 *
 * @return 0, or
 *   PTEXIT_EINVAL  `how` or `signo` is out of range
 *   PTEXIT_EPERM   the sender's real user ID is neither 0 nor the target's, and it is not SIGCONT within a session
 *   PTEXIT_ESRCH   there is nobody, or the sender is not alive
 *   PTEXIT_EFAULT  `ctx` is not a context
 *
 * Ownership: nothing changes hands.
 * Threads:   any thread may call.
 * Blocking:  never.
 * Follows:   kill(2), tgkill(2); send_signal_locked() in the kernel.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed.
 */
int ptexit_signal(struct ptexit_ctx *ctx,
                  ptexit_task sender,
                  uint32_t how,
                  uint64_t target,
                  uint32_t signo,
                  int32_t code);

/**
 * Says what a task has to do before it runs its guest. To be called whenever PTEXIT_EVENT_INTERRUPT has come for the
 * task, before a new thread runs for the first time, and before the task takes signals. If a stop has
 * ended, the first thread of the process that calls tells the parent so.
 *
 * @param ctx      Borrowed for the call.
 * @param task     The task.
 * @param verdict  Written on success only: PTEXIT_RUN, PTEXIT_EXIT or PTEXIT_STOP in the lowest eight bits.
 *
 * @return 0, or
 *   PTEXIT_ESRCH   the task is not alive, or is exiting
 *   PTEXIT_EFAULT  `ctx` or `verdict` is NULL or misaligned
 *
 * Ownership: nothing changes hands.
 * Threads:   `task`'s own calls come from one thread at a time.
 * Blocking:  never.
 * Follows:   get_signal() in the kernel.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `verdict` is NULL or writable.
 */
int ptexit_task_poll(struct ptexit_ctx *ctx,
                     ptexit_task task,
                     uint32_t *verdict);

/**
 * A task that was asked to stop has left its guest: it counts as stopped. With the last thread of its process the
 * stop is in effect, and the parent is told. On PTEXIT_STOP the task sleeps until PTEXIT_EVENT_INTERRUPT
 * comes for it, and then calls ptexit_task_poll(); if the event has come by then, it does not sleep.
 *
 * @param ctx      Borrowed for the call.
 * @param task     The task.
 * @param verdict  Written on success only: PTEXIT_STOP, or what the task has to do after all.
 *
 * @return 0, or
 *   PTEXIT_ESRCH    the task is not alive, or is exiting
 *   PTEXIT_E_STATE  another own call of the task is under way
 *   PTEXIT_EFAULT   `ctx` or `verdict` is NULL or misaligned
 *
 * Ownership: nothing changes hands.
 * Threads:   `task`'s own calls come from one thread at a time.
 * Blocking:  never.
 * Follows:   do_signal_stop() in the kernel.
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `verdict` is NULL or writable.
 */
int ptexit_task_stopped(struct ptexit_ctx *ctx,
                        ptexit_task task,
                        uint32_t *verdict);

/**
 * A task has taken a stop signal from among those that are pending, and its action is the default: its process is to
 * stop. The other threads are told by PTEXIT_EVENT_INTERRUPT; the task itself counts as stopped if the
 * verdict is PTEXIT_STOP, as after ptexit_task_stopped(). If SIGCONT has come since the signal was sent, nobody stops.
 *
 * @param ctx      Borrowed for the call.
 * @param task     The task that took the signal.
 * @param signo    SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU.
 * @param ticket   What PTEXIT_EVENT_SIGNAL said when the signal was sent.
 * @param verdict  Written on success only: PTEXIT_STOP, or what the task has to do after all.
 *
 * @return 0, or
 *   PTEXIT_EINVAL   `signo` is no stop signal
 *   PTEXIT_ESRCH    the task is not alive, or is exiting
 *   PTEXIT_E_STATE  another own call of the task is under way
 *   PTEXIT_EFAULT   `ctx` or `verdict` is NULL or misaligned
 *
 * Ownership: nothing changes hands.
 * Threads:   `task`'s own calls come from one thread at a time.
 * Blocking:  never.
 * Follows:   do_signal_stop() in the kernel; "Signal dispositions" in signal(7).
 *
 * # Safety
 * `ctx` is NULL or a context that is not freed; `verdict` is NULL or writable.
 */
int ptexit_begin_stop(struct ptexit_ctx *ctx,
                      ptexit_task task,
                      uint32_t signo,
                      uint32_t ticket,
                      uint32_t *verdict);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PTEXIT_H */
