//! What the operations of the language are in system calls, and what comes back.

use std::sync::atomic::Ordering::Relaxed;

use ptexit_core::uapi::{Change, Errno, Rusage, Signal, WaitStatus};

use super::cast::Cast;
use super::layout::{AT_INFO, AT_RESULT, AT_USAGE, order};
use super::settle::Picture;
use super::shared::{Memory, Order};
use crate::language::{ChildReport, ChildSpec, IdSpec, Name, Operation, Reply, Sigchld};

const SYS_EXIT: u64 = 60;
const SYS_WAIT4: u64 = 61;
const SYS_SETPGID: u64 = 109;
const SYS_SETSID: u64 = 112;
const SYS_PRCTL: u64 = 157;
const SYS_EXIT_GROUP: u64 = 231;
const SYS_WAITID: u64 = 247;

const PR_SET_PDEATHSIG: u64 = 1;
const PR_SET_CHILD_SUBREAPER: u64 = 36;
const CLONE_VM: u64 = 0x100;
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_PIDFD: u64 = 0x1000;
const CLONE_PARENT: u64 = 0x8000;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_SYSVSEM: u64 = 0x4_0000;
const SA_NOCLDSTOP: u64 = 1;
const SA_NOCLDWAIT: u64 = 2;
const P_ALL: u64 = 0;
const P_PID: u64 = 1;
const P_PGID: u64 = 2;
const P_PIDFD: u64 = 3;

/// A number that no task has: a call that leaves it where it was did not write.
const NOBODY: u64 = 0x5a5a_5a5a;
/// Less usage than this is that of the puppet itself.
const NOISE_NS: u64 = 50_000_000;

/// How an operation is carried out.
pub(super) enum Deed {
    /// The actor is told this, and answers.
    Order(Order),
    /// The same, but the actor may not answer for long: it waits.
    Wait(Order),
    /// The same, and it never answers: it dies.
    Exit(Order),
    /// The same; the actor's new child or thread gets this name.
    Birth(Name, u64),
    /// The process of this task dies by a signal, with a core dump or without.
    Kill(Name, Signal, bool),
    /// This task's wait is interrupted.
    Interrupt(Name),
    /// The threads of the actor's process change their user ID.
    Uid(u32),
    /// The waits of a pidfd: the order lacks the number of the controller's descriptor of this task.
    WaitPidfd(Name, Order),
}

/// Why the kernel cannot show this, or what to do.
pub(super) fn deed(operation: &Operation, actor_slot: usize, cast: &Cast, memory: &Memory) -> Result<Deed, Errno> {
    let number = |name: Name| cast.get(name).map(|player| u64::from(player.tid)).ok_or(Errno::ESRCH);
    let own_or = |name: Option<Name>| name.map_or(Ok(0), number);
    let prctl = |option, value| Deed::Order(Order::call(SYS_PRCTL, [option, value]));
    let signal = |signal: Option<Signal>| u64::from(signal.map_or(0, Signal::number));
    let at = |word| memory.scratch_address(actor_slot, word);
    let wait4 = |pid: i64, options: u32| {
        let arguments = [pid as u64, at(AT_RESULT), u64::from(options), at(AT_USAGE)];
        Deed::Wait(Order::of(order::WAIT, SYS_WAIT4, arguments))
    };
    let waitid = |kind: u64, id: i64, options: u32| {
        let arguments = [kind, id as u64, at(AT_INFO), u64::from(options), at(AT_USAGE)];
        Order::of(order::WAIT, SYS_WAITID, arguments)
    };
    Ok(match *operation {
        Operation::Fork(name, exit_signal) => Deed::Birth(name, signal(exit_signal)),
        // The kernel takes the exit signal of the caller's process, whatever is asked for.
        Operation::Sibling(name) => Deed::Birth(name, CLONE_PARENT | signal(Some(Signal::SIGCHLD))),
        Operation::Thread(name) => {
            Deed::Birth(name, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
        }
        Operation::Exec => Deed::Order(Order::of(order::EXEC, 0, [])),
        Operation::Exit(code) => Deed::Exit(Order::call(SYS_EXIT, [code as u64])),
        Operation::ExitGroup(code) => Deed::Exit(Order::call(SYS_EXIT_GROUP, [code as u64])),
        Operation::Kill(name, signal, core) => Deed::Kill(name, signal, core),
        Operation::Wait4(who, options) => wait4(
            match who {
                ChildSpec::Any => -1,
                ChildSpec::Child(name) => number(name)? as i64,
                ChildSpec::Group(name) => -(number(name)? as i64),
                ChildSpec::Raw(raw) => i64::from(raw),
            },
            options,
        ),
        Operation::Waitid(which, options) => Deed::Wait(match which {
            IdSpec::All => waitid(P_ALL, 0, options),
            IdSpec::Pid(name) => waitid(P_PID, number(name)? as i64, options),
            IdSpec::RawPid(raw) => waitid(P_PID, i64::from(raw), options),
            IdSpec::Pgid(name) => waitid(P_PGID, number(name)? as i64, options),
            IdSpec::RawPgid(raw) => waitid(P_PGID, i64::from(raw), options),
            IdSpec::Pidfd(name) => return Ok(Deed::WaitPidfd(name, waitid(P_PIDFD, 0, options))),
        }),
        Operation::Interrupt(name) => Deed::Interrupt(name),
        Operation::Sigchld(Sigchld { ignore, no_cld_wait, no_cld_stop }) => {
            let wait = if no_cld_wait { SA_NOCLDWAIT } else { 0 };
            let stop = if no_cld_stop { SA_NOCLDSTOP } else { 0 };
            Deed::Order(Order::of(order::ACTION, 0, [signal(Some(Signal::SIGCHLD)), u64::from(ignore), wait | stop]))
        }
        Operation::Subreaper(on) => prctl(PR_SET_CHILD_SUBREAPER, u64::from(on)),
        Operation::Pdeathsig(wish) => prctl(PR_SET_PDEATHSIG, signal(wish)),
        Operation::Setpgid(process, group) => Deed::Order(Order::call(SYS_SETPGID, [own_or(process)?, own_or(group)?])),
        Operation::Setsid => Deed::Order(Order::call(SYS_SETSID, [])),
        Operation::Uid(uid) => Deed::Uid(uid),
        Operation::Burn(ms, kib) => Deed::Order(Order::of(order::BURN, 0, [u64::from(ms), u64::from(kib)])),
        _ => return Err(Errno::ENOSYS),
    })
}

/// The order of a clone.
pub(super) fn birth(flags: u64, slot: usize, pidfd_at: u64) -> Order {
    Order::of(order::CLONE, 0, [flags | CLONE_PIDFD, slot as u64, pidfd_at])
}

/// Whether the clone makes a thread.
pub(super) fn is_thread(flags: u64) -> bool {
    flags & CLONE_THREAD != 0
}

/// What can be read off a call that has returned this.
pub(super) fn reply(result: i64) -> Result<Reply, String> {
    if result >= 0 {
        return Ok(Reply::Done);
    }
    let named = Errno::ALL.iter().find(|&&errno| errno as i64 == -result);
    named.map(|&errno| Reply::Failed(errno)).ok_or_else(|| format!("a call failed with error {}", -result))
}

/// Before a wait: what it does not write shows afterwards.
pub(super) fn before_wait(memory: &Memory, slot: usize) {
    let scratch = memory.scratch(slot);
    scratch[AT_RESULT].store(NOBODY, Relaxed);
    (AT_INFO..AT_INFO + 16).for_each(|word| scratch[word].store(NOBODY << 32 | NOBODY, Relaxed));
    (AT_USAGE..AT_USAGE + 18).for_each(|word| scratch[word].store(0, Relaxed));
}

/// What a wait that has returned says. The user ID of the child, which wait4(2) does not tell, is the one
/// that was seen last.
pub(super) fn waited(memory: &Memory, slot: usize, cast: &Cast, last: &Picture) -> Result<Reply, String> {
    let result = memory.result(slot);
    let scratch = memory.scratch(slot);
    if result < 0 {
        return reply(result);
    }
    let word = |index: usize| scratch[index].load(Relaxed);
    let (number, uid, status);
    if memory.number(slot) == SYS_WAIT4 {
        if result == 0 {
            return Ok(Reply::Nothing);
        }
        number = result as u32;
        uid = None;
        status = WaitStatus::from_raw(word(AT_RESULT) as u32);
    } else {
        let (code, who) = (word(AT_INFO + 1) as u32, word(AT_INFO + 2));
        let child_status = word(AT_INFO + 3) as u32;
        number = who as u32;
        if number == 0 {
            return Ok(Reply::Nothing);
        }
        uid = Some((who >> 32) as u32);
        status = status_of(code as i32, child_status as i32);
        if word(AT_INFO) as u32 != Signal::SIGCHLD.number() {
            return Err(format!("waitid wrote si_signo {}", word(AT_INFO) as u32));
        }
    }
    let child = cast.by_number(number).ok_or_else(|| format!("a wait found number {number}, who is nobody"))?;
    let seen = cast.all().iter().position(|player| player.name == child).and_then(|at| last.get(at)?.as_ref());
    let uid = uid.or_else(|| seen.map(|seen| seen.status.uid)).unwrap_or_default();
    let status = status.ok_or_else(|| format!("a wait found {child} with a status that means nothing"))?;
    let nanoseconds = |at: usize| word(at) * 1_000_000_000 + word(at + 1) * 1000;
    Ok(Reply::Child(ChildReport { child, uid, change: Change::Died(status), usage: noticeable(nanoseconds(AT_USAGE)) }))
}

/// The wait status that `si_code` and `si_status` describe.
pub(super) fn status_of(code: i32, status: i32) -> Option<WaitStatus> {
    let signal = || Signal::new(status as u32);
    match code {
        1 => Some(WaitStatus::exited(status)),
        2 => signal().map(|signal| WaitStatus::signaled(signal, false)),
        3 => signal().map(|signal| WaitStatus::signaled(signal, true)),
        _ => None,
    }
}

/// Usage in tens of milliseconds; none if it is no more than what a puppet uses anyway.
pub(super) fn noticeable(utime_ns: u64) -> Rusage {
    let utime_ns = if utime_ns < NOISE_NS { 0 } else { utime_ns / 10_000_000 * 10_000_000 };
    Rusage { utime_ns, ..Rusage::default() }
}
