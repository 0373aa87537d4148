//! Deaths: exit, group exit, and a death that happened elsewhere.

use std::ffi::c_int;

use ptexit_core::uapi::{self, Errno, WaitStatus};

use crate::boundary::{Out, enter, read};
use crate::ctx::Ctx;
use crate::structs::{Rusage, Task, task_id};

/// A task begins to exit (PF_EXITING): from here on it takes no signals and inherits no orphans. The program
/// then frees what the guest held (memory, files, ...) and calls ptexit_exit_finish().
///
/// @param ctx      Borrowed for the call.
/// @param task     The exiting task.
/// @param status   A wait status: PTEXIT_EXITED(code), PTEXIT_KILLED(signo), PTEXIT_DUMPED(signo).
/// @param decided  The status it exits with: the process's, if a group exit has decided that. May be NULL.
///
/// @return 0, or
///   PTEXIT_EINVAL   `status` is not a wait status of a dead process
///   PTEXIT_E_STATE  `task` has begun to exit already, or another own call of it is under way
///   PTEXIT_ESRCH    there is no such task
///   PTEXIT_EFAULT   `ctx` is not a context, or `decided` is misaligned
///
/// Ownership: the exit must be finished.
/// Threads:   `task`'s own calls come from one thread at a time.
/// Blocking:  never.
/// Follows:   _exit(2) of one thread, do_exit() in the kernel up to exit_signals().
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `decided` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_exit_begin(ctx: *mut Ctx, task: Task, status: u32, decided: *mut u32) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::optional(decided)? };
        let decided = ctx.tree().exit_begin(task_id(task), wait_status(status)?)?;
        tell(out, decided)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// A task that has begun to exit is done: its children get a new parent, the process becomes a zombie if
/// this was its last thread, and whoever must know is told. Does not allocate in the tree; cannot fail for
/// such a task.
///
/// @param ctx    Borrowed for the call.
/// @param task   A task after ptexit_exit_begin().
/// @param usage  What the task itself has used; NULL for nothing.
///
/// @return 0, or
///   PTEXIT_E_STATE  `task` has not begun to exit, or has finished, or its last clone is neither committed
///                   nor aborted
///   PTEXIT_ESRCH    there is no such task
///   PTEXIT_EFAULT   `ctx` is not a context, or `usage` is misaligned
///
/// Ownership: the handle of a thread that is not the leader is spent; that of a leader lasts until the
///            process is reaped, which may be at once if the parent ignores SIGCHLD.
/// Threads:   `task`'s own calls come from one thread at a time.
/// Blocking:  never.
/// Follows:   exit_notify() in the kernel; PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER in prctl(2).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `usage` is NULL or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_exit_finish(ctx: *mut Ctx, task: Task, usage: *const Rusage) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: readable, says the caller.
        let usage = unsafe { used(usage)? };
        ctx.tree().exit_finish(task_id(task), &usage).map(|()| 0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// Makes a whole process exit. The first caller decides the status. The other threads are told by
/// PTEXIT_EVENT_INTERRUPT; each thread, the caller's own included, must then come to ptexit_exit_begin().
///
/// @param ctx      Borrowed for the call.
/// @param task     Any thread of the process.
/// @param status   A wait status, as for ptexit_exit_begin().
/// @param decided  The status that was decided, by this caller or an earlier one. May be NULL.
///
/// @return 0, or
///   PTEXIT_EINVAL   `status` is not a wait status of a dead process
///   PTEXIT_ESRCH    there is no such task
///   PTEXIT_EFAULT   `ctx` is not a context, or `decided` is misaligned
///
/// Ownership: nothing changes hands.
/// Threads:   any thread may call, for a fatal signal as well.
/// Blocking:  never.
/// Follows:   exit_group(2), do_group_exit() in the kernel.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `decided` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_exit_group(ctx: *mut Ctx, task: Task, status: u32, decided: *mut u32) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::optional(decided)? };
        let decided = ctx.tree().exit_group(task_id(task), wait_status(status)?)?;
        tell(out, decided)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// A whole process died somewhere else (another host process, a remote kernel): group exit, then begin and
/// finish for every thread that is left, the leader last.
///
/// @param ctx     Borrowed for the call.
/// @param task    Any thread of the process.
/// @param status  The wait status it died with.
/// @param usage   What the process has used that was not told before; NULL for nothing.
///
/// @return 0, or
///   PTEXIT_EINVAL   `status` is not a wait status of a dead process
///   PTEXIT_E_STATE  a clone of one of its threads is neither committed nor aborted, or one makes calls of
///                   its own
///   PTEXIT_ESRCH    there is no such task, or the process is dead
///   PTEXIT_EFAULT   `ctx` is not a context, or `usage` is misaligned
///
/// Ownership: as ptexit_exit_finish(), for each of the threads.
/// Threads:   any thread may call, as long as no thread of the process makes calls of its own.
/// Blocking:  never.
/// Follows:   do_group_exit() in the kernel, seen from outside.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `usage` is NULL or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_report_exit(ctx: *mut Ctx, task: Task, status: u32, usage: *const Rusage) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: readable, says the caller.
        let usage = unsafe { used(usage)? };
        ctx.tree().report_exit(task_id(task), wait_status(status)?, &usage).map(|()| 0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

fn wait_status(raw: u32) -> Result<WaitStatus, Errno> {
    WaitStatus::from_raw(raw).ok_or(Errno::EINVAL)
}

/// Hands the status that was decided to whoever asked for it.
fn tell(out: Option<Out<u32>>, decided: WaitStatus) -> Result<c_int, Errno> {
    if let Some(out) = out {
        out.set(decided.raw());
    }
    Ok(0)
}

/// Resource usage from C; NULL is none.
///
/// # Safety
/// `usage` is NULL, or misaligned, or readable.
unsafe fn used(usage: *const Rusage) -> Result<uapi::Rusage, Errno> {
    if usage.is_null() {
        return Ok(uapi::Rusage::default());
    }
    // SAFETY: the caller's promise.
    unsafe { read(usage) }.map(|usage| (&usage).into())
}
