//! Waiting for children.

use std::ffi::c_int;

use ptexit_core::tree::{WaitFor, WaitRequest, WaitResult as CoreWaitResult, Waited};
use ptexit_core::uapi::{self, Change, Errno, WaitOptions, WaitStatus};

use crate::boundary::{Out, OutStructs, enter, read_struct};
use crate::codes::{PTEXIT_P_ALL, PTEXIT_P_PGID, PTEXIT_P_PID, PTEXIT_P_TASK};
use crate::ctx::Ctx;
use crate::structs::{Task, WaitArgs, WaitResult, task_id};

/// Waits for a child, as waitid(2) and wait4(2), without blocking: if nothing is waitable yet and
/// PTEXIT_WNOHANG is not given, the wait is armed, and PTEXIT_EVENT_WAKE says when to call again. A task has
/// one armed wait. A further ptexit_wait() or ptexit_wait_many() of the task ends it, whatever it returns but
/// PTEXIT_EINVAL, PTEXIT_ESRCH, PTEXIT_E2BIG and PTEXIT_EFAULT.
///
/// @param ctx     Borrowed for the call.
/// @param waiter  The waiting task.
/// @param args    Read during the call only.
/// @param result  Caller-owned, `size` set. Written if 0 is returned; with PTEXIT_WNOHANG and nothing to
///                report all of it is 0.
///
/// @return 0, or
///   PTEXIT_EAGAIN   the wait is armed: sleep until PTEXIT_EVENT_WAKE with args->cookie, then call again
///   PTEXIT_ECHILD   no matching child is left to wait for
///   PTEXIT_EINVAL   an unknown or missing option, `idtype`, an `id` out of its range
///   PTEXIT_E2BIG    a struct is of a newer version and uses something this one does not know
///   PTEXIT_ESRCH    `waiter` is not alive
///   PTEXIT_EFAULT   `ctx`, `args` or `result` is NULL or misaligned
///
/// Ownership: a reaped child's handle is spent. With PTEXIT_WNOWAIT nothing is reaped.
/// Threads:   `waiter`'s own calls come from one thread at a time. Two waiters never reap the same child.
/// Blocking:  never; the program sleeps.
/// Follows:   waitid(2), do_wait() in the kernel. The oldest waitable child is reported first.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `args` is NULL or points to `args->size` readable bytes;
/// `result` is NULL or points to `result->size` writable bytes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn ptexit_wait(
    ctx: *mut Ctx,
    waiter: Task,
    args: *const WaitArgs,
    result: *mut WaitResult,
) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable and readable, says the caller.
        let (out, request) = unsafe { (OutStructs::new(result, 1)?, request(args)?) };
        match ctx.tree().wait(task_id(waiter), &request)? {
            Waited::Child(child) => out.set(0, child.into()),
            Waited::Nothing => out.set(0, WaitResult::nothing()),
            Waited::Armed => return Err(Errno::EAGAIN),
        }
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// Ends an armed wait, before the program reports EINTR to its guest or the task exits.
///
/// @param ctx     Borrowed for the call.
/// @param waiter  The task whose wait is armed.
/// @param cookie  The cookie of that wait.
///
/// @return 0 if the wait was disarmed; 1 if it had fired: a child may be waitable, call ptexit_wait() once
///   more before reporting EINTR; or
///   PTEXIT_EINVAL  no wait of `waiter` with this cookie is armed or has fired
///   PTEXIT_ESRCH   there is no such task
///   PTEXIT_EFAULT  `ctx` is not a context
///
/// Ownership: nothing changes hands.
/// Threads:   `waiter`'s own calls come from one thread at a time.
/// Blocking:  never.
/// Follows:   the way out of do_wait() in the kernel with a signal pending.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn ptexit_wait_cancel(ctx: *mut Ctx, waiter: Task, cookie: u64) -> c_int {
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, |ctx| ctx.tree().wait_cancel(task_id(waiter), cookie).map(c_int::from)) }
}

/// Reaps up to `n` dead children that match, oldest first, as repeated ptexit_wait() with PTEXIT_WNOHANG.
/// For an init and for event loops. As ptexit_wait(), it ends an armed wait of the task.
///
/// @param ctx      Borrowed for the call.
/// @param waiter   The waiting task.
/// @param args     Read during the call only. PTEXIT_WNOWAIT is not allowed here, PTEXIT_WNOHANG is implied.
/// @param results  Room for `n` results; results[0].size is the size of each.
/// @param n        How many to reap at most. With 0 the arguments are checked and no child is looked at.
/// @param got      How many were written; 0 if `n` is, or if there are matching children but none is waitable yet.
///
/// @return 0, or
///   PTEXIT_ECHILD  nothing was reaped, `n` is not 0, and no matching child is left to wait for
///   otherwise as ptexit_wait(), except PTEXIT_EAGAIN
///
/// Ownership: the reaped children's handles are spent.
/// Threads:   as ptexit_wait().
/// Blocking:  never.
/// Follows:   waitid(2), kernel_wait4() in zap_pid_ns_processes().
///
/// # Safety
/// As ptexit_wait(); `results` points to `n * results[0].size` writable bytes; `got` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_wait_many(
    ctx: *mut Ctx,
    waiter: Task,
    args: *const WaitArgs,
    results: *mut WaitResult,
    n: usize,
    got: *mut usize,
) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable and readable, says the caller.
        let (out, got, request) = unsafe { (OutStructs::new(results, n)?, Out::new(got)?, request(args)?) };
        let mut batch = [BLANK; 8];
        let mut reaped = 0;
        loop {
            let room = (out.room() - reaped).min(batch.len());
            match ctx.tree().wait_many(task_id(waiter), &request, &mut batch[..room]) {
                Ok(found) => {
                    batch[..found].iter().enumerate().for_each(|(at, child)| out.set(reaped + at, (*child).into()));
                    reaped += found;
                    if found < batch.len() || reaped == out.room() {
                        break;
                    }
                }
                // What was reaped before is reported, the error comes back with the next call.
                Err(_) if reaped > 0 => break,
                // A name that is nobody's child is no mistake of those who ask for none.
                Err(Errno::ECHILD) if out.room() == 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        got.set(reaped);
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// A place for a result.
const BLANK: CoreWaitResult = CoreWaitResult {
    task: ptexit_core::ids::TaskId::from_bits(0),
    pid: 0,
    uid: 0,
    change: Change::Died(WaitStatus::exited(0)),
    cookie: 0,
    usage: uapi::Rusage {
        utime_ns: 0,
        stime_ns: 0,
        maxrss_kib: 0,
        minflt: 0,
        majflt: 0,
        inblock: 0,
        oublock: 0,
        nvcsw: 0,
        nivcsw: 0,
    },
};

/// What the arguments of a wait mean.
///
/// # Safety
/// `args` is NULL, or misaligned, or points to `args->size` readable bytes.
unsafe fn request(args: *const WaitArgs) -> Result<WaitRequest, Errno> {
    // SAFETY: the caller's promise.
    let args = unsafe { read_struct(args)? };
    let number = || u32::try_from(args.id).map_err(|_| Errno::EINVAL);
    let which = match args.idtype {
        PTEXIT_P_ALL => WaitFor::All,
        PTEXIT_P_PID => WaitFor::Pid(number()?),
        PTEXIT_P_PGID => WaitFor::Pgid(number()?),
        PTEXIT_P_TASK => WaitFor::Task(task_id(args.id)),
        _ => return Err(Errno::EINVAL),
    };
    let options = WaitOptions::from_bits(args.options).ok_or(Errno::EINVAL)?;
    if args.reserved != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(WaitRequest { which, options, cookie: args.cookie })
}
