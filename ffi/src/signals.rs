//! Signals as they are sent, and what a task has to do before it runs its guest.

use std::ffi::c_int;

use ptexit_core::ids::TaskId;
use ptexit_core::tree::{SignalArgs, SignalTarget, Verdict};
use ptexit_core::uapi::Errno;

use crate::boundary::{Out, enter};
use crate::ctx::Ctx;
use crate::structs::{Task, task_id};
use crate::tasks::signal;

/// ptexit_signal(): to the thread `target`; tgkill(2).
pub const PTEXIT_TO_THREAD: u32 = 0;
/// ptexit_signal(): to the process of `target`, which is offered the signal first; kill(2).
pub const PTEXIT_TO_PROCESS: u32 = 1;
/// ptexit_signal(): to the process group with the ID `target`; 0 is the sender's own.
pub const PTEXIT_TO_GROUP: u32 = 2;
/// ptexit_signal(): to every process but init and the sender's own; `target` is 0.
pub const PTEXIT_TO_EVERYBODY: u32 = 3;

/// A verdict: the task may run its guest.
pub const PTEXIT_RUN: u32 = 0;
/// A verdict: the task has to exit with the wait status in the bits above the lowest eight (`verdict >> 8`).
pub const PTEXIT_EXIT: u32 = 1;
/// A verdict: the task has to stop, or to stay so; the bits above the lowest eight are the signal.
pub const PTEXIT_STOP: u32 = 2;

/// Sends a signal. What is due at once is done: SIGKILL, and any other signal whose default action ends the process
/// without a core dump and that some thread would take, end it as ptexit_exit_group() does; SIGCONT lets the
/// process go on. PTEXIT_EVENT_SIGNAL tells who is to take it, unless it is dropped: the process is
/// exiting, ignores it, or is init and has not asked for it. For that the program tells masks and dispositions
/// (PTEXIT_ATTR_MASK, PTEXIT_ATTR_ACTION). A stop signal stops nobody before a task takes it;
/// see ptexit_begin_stop().
///
/// @param ctx     Borrowed for the call.
/// @param sender  Who sends; 0 for the kernel that the program is, which may send anything, to init as well.
/// @param how     PTEXIT_TO_*.
/// @param target  As said there.
/// @param signo   The signal; 0 only asks whether one could be sent.
/// @param code    `si_code`: PTEXIT_SI_USER, PTEXIT_SI_TKILL, PTEXIT_SI_KERNEL or another.
///
/// @return 0, or
///   PTEXIT_EINVAL  `how` or `signo` is out of range
///   PTEXIT_EPERM   the sender's real user ID is neither 0 nor the target's, and it is not SIGCONT within a session
///   PTEXIT_ESRCH   there is nobody, or the sender is not alive
///   PTEXIT_EFAULT  `ctx` is not a context
///
/// Ownership: nothing changes hands.
/// Threads:   any thread may call.
/// Blocking:  never.
/// Follows:   kill(2), tgkill(2); send_signal_locked() in the kernel.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_signal(
    ctx: *mut Ctx,
    sender: Task,
    how: u32,
    target: u64,
    signo: u32,
    code: i32,
) -> c_int {
    let call = |ctx: &Ctx| {
        let target = match how {
            PTEXIT_TO_THREAD => SignalTarget::Thread(task_id(target)),
            PTEXIT_TO_PROCESS => SignalTarget::Process(task_id(target)),
            PTEXIT_TO_GROUP => SignalTarget::Group(u32::try_from(target).map_err(|_| Errno::ESRCH)?),
            PTEXIT_TO_EVERYBODY if target == 0 => SignalTarget::Everybody,
            _ => return Err(Errno::EINVAL),
        };
        let sender: Option<TaskId> = (sender != 0).then(|| task_id(sender));
        ctx.tree().signal(sender, SignalArgs { target, signal: signal(signo.into())?, code }).map(|()| 0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// Says what a task has to do before it runs its guest. To be called whenever PTEXIT_EVENT_INTERRUPT has come for the
/// task, before a new thread runs for the first time, and before the task takes signals. If a stop has
/// ended, the first thread of the process that calls tells the parent so.
///
/// @param ctx      Borrowed for the call.
/// @param task     The task.
/// @param verdict  Written on success only: PTEXIT_RUN, PTEXIT_EXIT or PTEXIT_STOP in the lowest eight bits.
///
/// @return 0, or
///   PTEXIT_ESRCH   the task is not alive, or is exiting
///   PTEXIT_EFAULT  `ctx` or `verdict` is NULL or misaligned
///
/// Ownership: nothing changes hands.
/// Threads:   `task`'s own calls come from one thread at a time.
/// Blocking:  never.
/// Follows:   get_signal() in the kernel.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `verdict` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_task_poll(ctx: *mut Ctx, task: Task, verdict: *mut u32) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::new(verdict)? };
        out.set(verdict_bits(ctx.tree().task_poll(task_id(task))?));
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// A task that was asked to stop has left its guest: it counts as stopped. With the last thread of its process the
/// stop is in effect, and the parent is told. On PTEXIT_STOP the task sleeps until PTEXIT_EVENT_INTERRUPT
/// comes for it, and then calls ptexit_task_poll(); if the event has come by then, it does not sleep.
///
/// @param ctx      Borrowed for the call.
/// @param task     The task.
/// @param verdict  Written on success only: PTEXIT_STOP, or what the task has to do after all.
///
/// @return 0, or
///   PTEXIT_ESRCH    the task is not alive, or is exiting
///   PTEXIT_E_STATE  another own call of the task is under way
///   PTEXIT_EFAULT   `ctx` or `verdict` is NULL or misaligned
///
/// Ownership: nothing changes hands.
/// Threads:   `task`'s own calls come from one thread at a time.
/// Blocking:  never.
/// Follows:   do_signal_stop() in the kernel.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `verdict` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_task_stopped(ctx: *mut Ctx, task: Task, verdict: *mut u32) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::new(verdict)? };
        out.set(verdict_bits(ctx.tree().task_stopped(task_id(task))?));
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// A task has taken a stop signal from among those that are pending, and its action is the default: its process is to
/// stop. The other threads are told by PTEXIT_EVENT_INTERRUPT; the task itself counts as stopped if the
/// verdict is PTEXIT_STOP, as after ptexit_task_stopped(). If SIGCONT has come since the signal was sent, nobody stops.
///
/// @param ctx      Borrowed for the call.
/// @param task     The task that took the signal.
/// @param signo    SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU.
/// @param ticket   What PTEXIT_EVENT_SIGNAL said when the signal was sent.
/// @param verdict  Written on success only: PTEXIT_STOP, or what the task has to do after all.
///
/// @return 0, or
///   PTEXIT_EINVAL   `signo` is no stop signal
///   PTEXIT_ESRCH    the task is not alive, or is exiting
///   PTEXIT_E_STATE  another own call of the task is under way
///   PTEXIT_EFAULT   `ctx` or `verdict` is NULL or misaligned
///
/// Ownership: nothing changes hands.
/// Threads:   `task`'s own calls come from one thread at a time.
/// Blocking:  never.
/// Follows:   do_signal_stop() in the kernel; "Signal dispositions" in signal(7).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `verdict` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_begin_stop(
    ctx: *mut Ctx,
    task: Task,
    signo: u32,
    ticket: u32,
    verdict: *mut u32,
) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::new(verdict)? };
        let signal = signal(signo.into())?.ok_or(Errno::EINVAL)?;
        out.set(verdict_bits(ctx.tree().begin_stop(task_id(task), signal, ticket)?));
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

fn verdict_bits(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Run => PTEXIT_RUN,
        Verdict::Exit(status) => PTEXIT_EXIT | status.raw() << 8,
        Verdict::Stop(signal) => PTEXIT_STOP | signal.number() << 8,
    }
}
