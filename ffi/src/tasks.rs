//! Births: init, clone, execve.

use std::ffi::c_int;

use ptexit_core::tree::{CloneArgs as CoreCloneArgs, CloneKind};
use ptexit_core::uapi::{Errno, Signal};

use crate::boundary::{Out, enter, read_struct};
use crate::ctx::Ctx;
use crate::structs::{CloneArgs, Task, task_id};

/// ptexit_clone_args.flags: the new process is a child of the caller's parent. CLONE_PARENT in clone(2).
pub const PTEXIT_CLONE_PARENT: u32 = 0x0000_8000;
/// ptexit_clone_args.flags: a new thread of the calling process. CLONE_THREAD in clone(2).
pub const PTEXIT_CLONE_THREAD: u32 = 0x0001_0000;

/// Makes the first task: the init of the tree, process ID 1 unless the program chooses, leader of process
/// group and session of that number. Orphans end up with it.
///
/// @param ctx   Borrowed for the call.
/// @param args  Read during the call only; NULL for the defaults. `flags` must be 0.
/// @param task  Written on success only.
///
/// @return 0, or
///   PTEXIT_EEXIST  there has been an init
///   PTEXIT_EINVAL  an unknown flag or signal, or a process ID that is missing, superfluous or too large
///   PTEXIT_E2BIG   `args` is of a newer version and uses something this one does not know
///   PTEXIT_EFAULT  `ctx` or `task` is NULL, or a pointer is misaligned
///
/// Ownership: the handle is a value; there is nothing to free.
/// Threads:   any thread may call.
/// Blocking:  never.
/// Follows:   the kernel's start of init; pid_namespaces(7).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `args` is NULL or points to `args->size` readable bytes;
/// `task` is NULL or writable.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn ptexit_init_new(ctx: *mut Ctx, args: *const CloneArgs, task: *mut Task) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable and readable, says the caller.
        let (out, args) = unsafe { (Out::new(task)?, clone_args(args)?) };
        if args.kind != CloneKind::Process {
            return Err(Errno::EINVAL);
        }
        out.set(ctx.tree().init(&args)?.bits());
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// Begins a clone: reserves a process ID and all memory that the new task's exit and reaping will need.
/// The task is seen by nobody until ptexit_clone_commit(); in between the program makes its thread,
/// address space and so on, and calls ptexit_clone_abort() if that fails.
///
/// @param ctx     Borrowed for the call.
/// @param parent  The calling task.
/// @param args    Read during the call only; NULL for fork(2): a process whose exit signal is SIGCHLD.
/// @param task    Written on success only.
///
/// @return 0, or
///   PTEXIT_EAGAIN   the limit on tasks or process IDs is reached
///   PTEXIT_ENOMEM   no memory, or the init of the tree is dead
///   PTEXIT_EINTR    the process of `parent` is exiting
///   PTEXIT_EINVAL   an unknown flag or signal; PTEXIT_CLONE_PARENT by the init; a process ID that is
///                   missing, superfluous or too large
///   PTEXIT_EEXIST   the process ID is taken
///   PTEXIT_E2BIG    `args` is of a newer version and uses something this one does not know
///   PTEXIT_ESRCH    `parent` is not alive
///   PTEXIT_E_STATE  an earlier clone of `parent` is neither committed nor aborted, or another own call of
///                   it is under way
///   PTEXIT_EFAULT   `ctx` or `task` is NULL, or a pointer is misaligned
///
/// Ownership: the reservation must be committed or aborted, before `parent` clones again or exits.
/// Threads:   `parent`'s own calls come from one thread at a time.
/// Blocking:  never.
/// Follows:   clone(2), copy_process() in the kernel.
///
/// # Safety
/// As ptexit_init_new().
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn ptexit_clone(ctx: *mut Ctx, parent: Task, args: *const CloneArgs, task: *mut Task) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable and readable, says the caller.
        let (out, args) = unsafe { (Out::new(task)?, clone_args(args)?) };
        out.set(ctx.tree().clone_begin(task_id(parent), &args)?.bits());
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// Makes a cloned task visible: from here on it can be looked up, waited for and killed, and may run.
///
/// @param ctx   Borrowed for the call.
/// @param task  From ptexit_clone(), neither committed nor aborted.
///
/// @return 0, or
///   PTEXIT_EINTR    the cloning task or its process began to exit meanwhile: the reservation is gone, as
///                   if aborted
///   PTEXIT_ENOMEM   the init of the tree died meanwhile: the same
///   PTEXIT_EAGAIN   the process has more than a million threads: the same
///   PTEXIT_E_STATE  `task` is not waiting to be committed; or it still is, and a call of its creator is under
///                   way, such as a report of its death: call again
///   PTEXIT_ESRCH    there is no such task
///   PTEXIT_EFAULT   `ctx` is not a context
///
/// Ownership: on PTEXIT_EINTR, PTEXIT_ENOMEM and PTEXIT_EAGAIN the handle is spent.
/// Threads:   an own call of the task that called ptexit_clone(), by whichever thread.
/// Blocking:  never.
/// Follows:   the end of copy_process() in the kernel.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn ptexit_clone_commit(ctx: *mut Ctx, task: Task) -> c_int {
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, |ctx| ctx.tree().clone_commit(task_id(task)).map(|()| 0)) }
}

/// Takes a clone back that was not committed. Nobody has seen the task; its process ID is free again.
///
/// @param ctx   Borrowed for the call.
/// @param task  From ptexit_clone(), neither committed nor aborted. Cannot fail for such a task.
///
/// @return 0, or
///   PTEXIT_E_STATE  `task` is not waiting to be committed; or it still is, and a call of its creator is under
///                   way, such as a report of its death: call again
///   PTEXIT_ESRCH    there is no such task
///   PTEXIT_EFAULT   `ctx` is not a context
///
/// Ownership: the handle is spent.
/// Threads:   as ptexit_clone_commit().
/// Blocking:  never.
/// Follows:   the error paths of copy_process() in the kernel.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_clone_abort(ctx: *mut Ctx, task: Task) -> c_int {
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, |ctx| ctx.tree().clone_abort(task_id(task)).map(|()| 0)) }
}

/// A process of one thread has executed a new program: its exit signal becomes SIGCHLD, and its parent can
/// no longer move it to another process group.
///
/// @param ctx   Borrowed for the call.
/// @param task  The calling task, the only thread of its process.
///
/// @return 0, or
///   PTEXIT_ENOSYS   the process has other threads; this version cannot end them
///   PTEXIT_EAGAIN   the process is exiting
///   PTEXIT_ESRCH    `task` is not alive
///   PTEXIT_E_STATE  another own call of `task` is under way
///   PTEXIT_EFAULT   `ctx` is not a context
///
/// Ownership: nothing changes hands; the handle stays good.
/// Threads:   `task`'s own calls come from one thread at a time.
/// Blocking:  never.
/// Follows:   execve(2), begin_new_exec() in the kernel.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_exec_commit(ctx: *mut Ctx, task: Task) -> c_int {
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, |ctx| ctx.tree().exec(task_id(task)).map(|()| 0)) }
}

/// What the arguments of a clone mean; NULL is fork(2).
///
/// # Safety
/// `args` is NULL, or misaligned, or points to `args->size` readable bytes.
unsafe fn clone_args(args: *const CloneArgs) -> Result<CoreCloneArgs, Errno> {
    if args.is_null() {
        let exit_signal = Some(Signal::SIGCHLD);
        return Ok(CoreCloneArgs { kind: CloneKind::Process, exit_signal, pid: 0, cookie: 0 });
    }
    // SAFETY: the caller's promise.
    let args = unsafe { read_struct(args)? };
    let kind = match args.flags {
        0 => CloneKind::Process,
        PTEXIT_CLONE_PARENT => CloneKind::Sibling,
        // A thread's parent is its process's parent in any case.
        _ if args.flags & !PTEXIT_CLONE_PARENT == PTEXIT_CLONE_THREAD => CloneKind::Thread,
        _ => return Err(Errno::EINVAL),
    };
    Ok(CoreCloneArgs { kind, exit_signal: signal(args.exit_signal.into())?, pid: args.pid, cookie: args.cookie })
}

/// A signal from C; 0 is none.
pub(crate) fn signal(number: u64) -> Result<Option<Signal>, Errno> {
    match u32::try_from(number) {
        Ok(0) => Ok(None),
        Ok(number) => Signal::new(number).map(Some).ok_or(Errno::EINVAL),
        Err(_) => Err(Errno::EINVAL),
    }
}
