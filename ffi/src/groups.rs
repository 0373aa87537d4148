//! Process groups and sessions.

use std::ffi::c_int;

use crate::boundary::{Out, enter};
use crate::ctx::Ctx;
use crate::structs::{Task, task_id};

/// Moves a process to a process group, as setpgid(2).
///
/// @param ctx     Borrowed for the call.
/// @param caller  The calling task.
/// @param pid     The process to move: the caller's own or a child of it; 0 for the caller's own.
/// @param pgid    An existing group of the session, or `pid` for a new one; 0 for `pid`.
///
/// @return 0, or
///   PTEXIT_EACCES   the child has executed a new program; ptexit_exec_commit()
///   PTEXIT_EPERM    a session leader, a child in another session, or no such group in the session
///   PTEXIT_EINVAL   a number out of range
///   PTEXIT_ESRCH    `pid` is neither the caller's process nor a child of it, or `caller` is not alive
///   PTEXIT_EFAULT   `ctx` is not a context
///
/// Ownership: nothing changes hands.
/// Threads:   any thread may call.
/// Blocking:  never for a guest; for the moment that another setpgid or setsid of the context takes.
/// Follows:   setpgid(2).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_setpgid(ctx: *mut Ctx, caller: Task, pid: u32, pgid: u32) -> c_int {
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, |ctx| ctx.tree().setpgid(task_id(caller), pid, pgid).map(|()| 0)) }
}

/// Makes the caller's process the leader of a new session and a new process group, as setsid(2).
///
/// @param ctx     Borrowed for the call.
/// @param caller  The calling task.
/// @param sid     The number of the new session: the process ID. May be NULL.
///
/// @return 0, or
///   PTEXIT_EPERM    the process leads a process group, or a group or session with its number exists
///   PTEXIT_ESRCH    `caller` is not alive
///   PTEXIT_EFAULT   `ctx` is not a context, or `sid` is misaligned
///
/// Ownership: nothing changes hands.
/// Threads:   any thread may call.
/// Blocking:  never for a guest; for the moment that another setpgid or setsid of the context takes.
/// Follows:   setsid(2).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `sid` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_setsid(ctx: *mut Ctx, caller: Task, sid: *mut u32) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::optional(sid)? };
        let session = ctx.tree().setsid(task_id(caller))?;
        if let Some(out) = out {
            out.set(session);
        }
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}
