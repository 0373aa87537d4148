//! The attributes of a task and of its process.

use std::ffi::c_int;

use ptexit_core::tree::{Attr, AttrKind, Disposition, SigchldPolicy};
use ptexit_core::uapi::{Errno, SignalSet};

use crate::boundary::{Out, enter, read};
use crate::ctx::Ctx;
use crate::structs::{Task, task_id};
use crate::tasks::signal;

/// Attribute of the process: the reaper of the orphans among its descendants, 0 or 1; PR_SET_CHILD_SUBREAPER.
pub const PTEXIT_ATTR_SUBREAPER: u32 = 0;
/// Attribute of the thread: the signal it gets when its parent thread dies, or 0; PR_SET_PDEATHSIG.
pub const PTEXIT_ATTR_PDEATHSIG: u32 = 1;
/// Attribute of the process: what it does about SIGCHLD, PTEXIT_SIGCHLD_* added up; sigaction(2).
pub const PTEXIT_ATTR_SIGCHLD: u32 = 2;
/// Attribute of the task: the program's cookie.
pub const PTEXIT_ATTR_COOKIE: u32 = 3;
/// Attribute of the process: its real user ID.
pub const PTEXIT_ATTR_UID: u32 = 4;
/// Attribute of the thread: the signals it blocks, bit 0 for signal 1; sigprocmask(2). Inherited by its clones.
pub const PTEXIT_ATTR_MASK: u32 = 5;
/// Attribute of the process: what it does about one signal, `signo | PTEXIT_ACTION_* << 8`; sigaction(2). Of SIGCHLD it is
/// told beside PTEXIT_ATTR_SIGCHLD, and changes PTEXIT_SIGCHLD_IGNORE there. Before the first of these the
/// library takes no disposition for known: no signal is dropped or ends the process at once, but SIGKILL.
/// ptexit_get_attr() finds the signal in `*value`.
pub const PTEXIT_ATTR_ACTION: u32 = 6;

/// PTEXIT_ATTR_ACTION: SIG_DFL.
pub const PTEXIT_ACTION_DEFAULT: u32 = 0;
/// PTEXIT_ATTR_ACTION: SIG_IGN.
pub const PTEXIT_ACTION_IGNORE: u32 = 1;
/// PTEXIT_ATTR_ACTION: a function of the program's.
pub const PTEXIT_ACTION_HANDLER: u32 = 2;

/// PTEXIT_ATTR_SIGCHLD: SIG_IGN. No signal, and dead children are not left as zombies.
pub const PTEXIT_SIGCHLD_IGNORE: u32 = 1;
/// PTEXIT_ATTR_SIGCHLD: SA_NOCLDWAIT. Dead children are not left as zombies.
pub const PTEXIT_SIGCHLD_NOCLDWAIT: u32 = 2;
/// PTEXIT_ATTR_SIGCHLD: SA_NOCLDSTOP. No signal when a child stops or continues.
pub const PTEXIT_SIGCHLD_NOCLDSTOP: u32 = 4;

/// Sets an attribute of a task or of its process.
///
/// @param ctx    Borrowed for the call.
/// @param task   The task.
/// @param which  PTEXIT_ATTR_*.
/// @param value  As said there.
///
/// @return 0, or
///   PTEXIT_EINVAL   `which` is not one of the above, or `value` out of range for it
///   PTEXIT_ESRCH    there is no such task
///   PTEXIT_EFAULT   `ctx` is not a context
///
/// Ownership: nothing changes hands.
/// Threads:   any thread may call.
/// Blocking:  never.
/// Follows:   prctl(2), sigaction(2), setuid(2).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_set_attr(ctx: *mut Ctx, task: Task, which: u32, value: u64) -> c_int {
    let call = |ctx: &Ctx| {
        let number = u32::try_from(value).map_err(|_| Errno::EINVAL);
        let attr = match which {
            PTEXIT_ATTR_SUBREAPER if value <= 1 => Attr::Subreaper(value == 1),
            PTEXIT_ATTR_PDEATHSIG => Attr::Pdeathsig(signal(value)?),
            PTEXIT_ATTR_SIGCHLD => Attr::Sigchld(sigchld_policy(number?)?),
            PTEXIT_ATTR_COOKIE => Attr::Cookie(value),
            PTEXIT_ATTR_UID => Attr::Uid(number?),
            PTEXIT_ATTR_MASK => Attr::Mask(SignalSet::from_bits(value)),
            PTEXIT_ATTR_ACTION => {
                let signal = signal(value & 0xff)?.ok_or(Errno::EINVAL)?;
                Attr::Action(signal, disposition(value >> 8)?)
            }
            _ => return Err(Errno::EINVAL),
        };
        ctx.tree().set_attr(task_id(task), attr).map(|()| 0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// Reads an attribute of a task or of its process.
///
/// @param ctx    Borrowed for the call.
/// @param task   The task.
/// @param which  PTEXIT_ATTR_*.
/// @param value  Written on success only; read with PTEXIT_ATTR_ACTION, for the signal.
///
/// @return 0, or
///   PTEXIT_EINVAL  `which` is not one of the above
///   PTEXIT_ESRCH   there is no such task
///   PTEXIT_EFAULT  `ctx` or `value` is NULL or misaligned
///
/// Ownership: nothing changes hands.
/// Threads:   any thread may call.
/// Blocking:  never.
/// Follows:   prctl(2), sigaction(2), getuid(2).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `value` is NULL or writable, and with PTEXIT_ATTR_ACTION readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_get_attr(ctx: *mut Ctx, task: Task, which: u32, value: *mut u64) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::new(value)? };
        let kind = match which {
            PTEXIT_ATTR_SUBREAPER => AttrKind::Subreaper,
            PTEXIT_ATTR_PDEATHSIG => AttrKind::Pdeathsig,
            PTEXIT_ATTR_SIGCHLD => AttrKind::Sigchld,
            PTEXIT_ATTR_COOKIE => AttrKind::Cookie,
            PTEXIT_ATTR_UID => AttrKind::Uid,
            PTEXIT_ATTR_MASK => AttrKind::Mask,
            // SAFETY: readable, says the caller.
            PTEXIT_ATTR_ACTION => AttrKind::Action(signal(unsafe { read(value)? })?.ok_or(Errno::EINVAL)?),
            _ => return Err(Errno::EINVAL),
        };
        out.set(match ctx.tree().get_attr(task_id(task), kind)? {
            Attr::Subreaper(on) => on.into(),
            Attr::Pdeathsig(signal) => signal.map_or(0, |signal| signal.number().into()),
            Attr::Sigchld(policy) => sigchld_bits(policy).into(),
            Attr::Cookie(cookie) => cookie,
            Attr::Uid(uid) => uid.into(),
            Attr::Mask(mask) => mask.bits(),
            Attr::Action(signal, disposition) => (signal.number() | action(disposition) << 8).into(),
        });
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

fn disposition(number: u64) -> Result<Disposition, Errno> {
    match u32::try_from(number) {
        Ok(PTEXIT_ACTION_DEFAULT) => Ok(Disposition::Default),
        Ok(PTEXIT_ACTION_IGNORE) => Ok(Disposition::Ignore),
        Ok(PTEXIT_ACTION_HANDLER) => Ok(Disposition::Handler),
        _ => Err(Errno::EINVAL),
    }
}

fn action(disposition: Disposition) -> u32 {
    match disposition {
        Disposition::Default => PTEXIT_ACTION_DEFAULT,
        Disposition::Ignore => PTEXIT_ACTION_IGNORE,
        Disposition::Handler => PTEXIT_ACTION_HANDLER,
    }
}

fn sigchld_policy(bits: u32) -> Result<SigchldPolicy, Errno> {
    if bits & !(PTEXIT_SIGCHLD_IGNORE | PTEXIT_SIGCHLD_NOCLDWAIT | PTEXIT_SIGCHLD_NOCLDSTOP) != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(SigchldPolicy {
        ignore: bits & PTEXIT_SIGCHLD_IGNORE != 0,
        no_cld_wait: bits & PTEXIT_SIGCHLD_NOCLDWAIT != 0,
        no_cld_stop: bits & PTEXIT_SIGCHLD_NOCLDSTOP != 0,
    })
}

fn sigchld_bits(policy: SigchldPolicy) -> u32 {
    let bit = |on: bool, bit: u32| if on { bit } else { 0 };
    bit(policy.ignore, PTEXIT_SIGCHLD_IGNORE)
        | bit(policy.no_cld_wait, PTEXIT_SIGCHLD_NOCLDWAIT)
        | bit(policy.no_cld_stop, PTEXIT_SIGCHLD_NOCLDSTOP)
}
