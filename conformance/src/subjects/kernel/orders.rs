//! What the operations of the language are in system calls, and what comes back.

use std::sync::atomic::Ordering::Relaxed;

use ptexit_core::uapi::{Change, Errno, Rusage, Signal, WaitStatus};

use super::cast::Cast;
use super::layout::{AT_INFO, AT_RESULT, AT_USAGE, SIGNAL_INTERRUPT, SIGNAL_UID, action, order};
use super::settle::Picture;
use super::shared::{Memory, Order};
use crate::language::{
    Action, ChildReport, ChildSpec, Disposition, IdSpec, Info, MaskHow, Message, Name, Operation, Reply, Sigchld,
    Target, Trace, UsageOf,
};

const SYS_RT_SIGPROCMASK: u64 = 14;
const SYS_CLONE: u64 = 56;
pub(super) const SYS_EXECVE: u64 = 59;
const SYS_EXIT: u64 = 60;
const SYS_KILL: u64 = 62;
const SYS_GETRUSAGE: u64 = 98;
const SYS_PTRACE: u64 = 101;
const SYS_RT_SIGTIMEDWAIT: u64 = 128;
const SYS_TGKILL: u64 = 234;
const SYS_PRLIMIT64: u64 = 302;
pub(super) const SYS_WAIT4: u64 = 61;
const SYS_SETPGID: u64 = 109;
const SYS_SETSID: u64 = 112;
const SYS_PRCTL: u64 = 157;
const SYS_EXIT_GROUP: u64 = 231;
pub(super) const SYS_WAITID: u64 = 247;

const PR_SET_PDEATHSIG: u64 = 1;
const PR_SET_CHILD_SUBREAPER: u64 = 36;
const CLONE_VM: u64 = 0x100;
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_PIDFD: u64 = 0x1000;
pub(super) const CLONE_VFORK: u64 = 0x4000;
const CLONE_PARENT: u64 = 0x8000;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_SYSVSEM: u64 = 0x4_0000;
const SA_NOCLDSTOP: u64 = 1;
const SA_NOCLDWAIT: u64 = 2;
const SA_RESTART: u64 = 0x1000_0000;
const RLIMIT_CORE: u64 = 4;
const P_ALL: u64 = 0;
const P_PID: u64 = 1;
const P_PGID: u64 = 2;
const P_PIDFD: u64 = 3;

/// The signals that the puppets need for themselves: nobody may block them.
pub(super) const OWN_SIGNALS: u64 = 1 << (SIGNAL_INTERRUPT - 1) | 1 << (SIGNAL_UID - 1);
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
    /// A signal is taken that is pending already.
    Dequeue(Order),
    /// What is seen of a task.
    Look(Name),
    /// poll(2), by the controller.
    Poll(Name, bool),
    /// `PTRACE_GETEVENTMSG`.
    Message(Order),
    /// getrusage(2).
    Usage(Order),
    /// execve(2), for which the caller may have to wait.
    Exec(Order),
    /// The waits of a pidfd: the order lacks the number of the controller's descriptor of this task.
    WaitPidfd(Name, Order),
}

/// Why the kernel cannot show this, or what to do.
pub(super) fn deed(operation: &Operation, actor_slot: usize, cast: &Cast, memory: &Memory) -> Result<Deed, Errno> {
    let number = |name: Name| cast.get(name).map(|player| u64::from(player.number)).ok_or(Errno::ESRCH);
    let own_or = |name: Option<Name>| name.map_or(Ok(0), number);
    let prctl = |option, value| Deed::Order(Order::call(SYS_PRCTL, [option, value]));
    let signal = |signal: Option<Signal>| u64::from(signal.map_or(0, Signal::number));
    let at = |word| memory.scratch_address(actor_slot, word);
    let scratch = memory.scratch(actor_slot);
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
        Operation::Vfork(name) => Deed::Birth(name, CLONE_VFORK | signal(Some(Signal::SIGCHLD))),
        Operation::Exec => Deed::Exec(Order::of(order::EXEC, SYS_EXECVE, [])),
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
            let what = if ignore { action::IGNORE } else { action::DEFAULT };
            Deed::Order(Order::of(order::ACTION, 0, [signal(Some(Signal::SIGCHLD)), what, wait | stop]))
        }
        Operation::Sigaction(number, Action { disposition, no_cld_wait, no_cld_stop, restart }) => {
            let flags = [(no_cld_wait, SA_NOCLDWAIT), (no_cld_stop, SA_NOCLDSTOP), (restart, SA_RESTART)];
            let flags = flags.iter().filter(|(set, _)| *set).fold(0, |bits, (_, flag)| bits | flag);
            let what = match disposition {
                Disposition::Default => action::DEFAULT,
                Disposition::Ignore => action::IGNORE,
                Disposition::Handle => action::HANDLE,
            };
            Deed::Order(Order::of(order::ACTION, 0, [signal(Some(number)), what, flags]))
        }
        Operation::Mask(how, signals) => {
            let how = match how {
                MaskHow::Block => 0,
                MaskHow::Unblock => 1,
                MaskHow::Set => 2,
            };
            scratch[AT_RESULT].store(signals.bits() & !OWN_SIGNALS, Relaxed);
            Deed::Order(Order::call(SYS_RT_SIGPROCMASK, [how, at(AT_RESULT), 0, 8]))
        }
        Operation::Dequeue(signals) => {
            scratch[AT_RESULT].store(signals.bits() & !OWN_SIGNALS, Relaxed);
            // No time at all.
            scratch[AT_USAGE].store(0, Relaxed);
            scratch[AT_USAGE + 1].store(0, Relaxed);
            Deed::Dequeue(Order::call(SYS_RT_SIGTIMEDWAIT, [at(AT_RESULT), at(AT_INFO), at(AT_USAGE), 8]))
        }
        Operation::Signal(target, sent) => {
            let pid = match target {
                Target::Process(name) => number(name)? as i64,
                Target::Group(name) => -(number(name)? as i64),
                Target::OwnGroup => 0,
                Target::Everybody => -1,
            };
            Deed::Order(Order::call(SYS_KILL, [pid as u64, signal(sent)]))
        }
        Operation::Tgkill(name, sent) => {
            let player = cast.get(name).ok_or(Errno::ESRCH)?;
            Deed::Order(Order::call(SYS_TGKILL, [u64::from(player.tgid), u64::from(player.number), signal(sent)]))
        }
        Operation::Dumpable(on) => {
            // The hard limit stays: the next one may want it.
            scratch[AT_RESULT].store(if on { u64::MAX } else { 0 }, Relaxed);
            scratch[AT_RESULT + 1].store(u64::MAX, Relaxed);
            Deed::Order(Order::call(SYS_PRLIMIT64, [0, RLIMIT_CORE, at(AT_RESULT), 0]))
        }
        Operation::Ptrace(request) => {
            let tracee = request.tracee().map_or(Ok(0), number)?;
            let ptrace = |request: u64, data: u64| Deed::Order(Order::call(SYS_PTRACE, [request, tracee, 0, data]));
            match request {
                Trace::TraceMe => ptrace(0, 0),
                Trace::Cont(_, sent) => ptrace(7, signal(sent)),
                Trace::Attach(_) => ptrace(16, 0),
                Trace::Detach(_, sent) => ptrace(17, signal(sent)),
                Trace::SetOptions(_, options) => ptrace(0x4200, u64::from(options.bits())),
                Trace::Seize(_, options) => ptrace(0x4206, u64::from(options.bits())),
                Trace::Interrupt(_) => ptrace(0x4207, 0),
                Trace::Listen(_) => ptrace(0x4208, 0),
                Trace::Message(_) => Deed::Message(Order::call(SYS_PTRACE, [0x4201, tracee, 0, at(AT_RESULT)])),
            }
        }
        Operation::PidfdPoll(name) => Deed::Poll(name, false),
        Operation::PidfdPollThread(name) => Deed::Poll(name, true),
        Operation::Look(name) => Deed::Look(name),
        Operation::Getrusage(whose) => {
            let who = match whose {
                UsageOf::Process => 0,
                UsageOf::Children => u64::MAX,
            };
            Deed::Usage(Order::call(SYS_GETRUSAGE, [who, at(AT_USAGE)]))
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
    Order::of(order::CLONE, SYS_CLONE, [flags | CLONE_PIDFD, slot as u64, pidfd_at])
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
    let (number, uid, change);
    if memory.number(slot) == SYS_WAIT4 {
        if result == 0 {
            return Ok(Reply::Nothing);
        }
        number = result as u32;
        uid = None;
        change = change_of_raw(word(AT_RESULT) as u32);
    } else {
        let (code, who) = (word(AT_INFO + 1) as u32, word(AT_INFO + 2));
        let child_status = word(AT_INFO + 3) as u32;
        number = who as u32;
        if number == 0 {
            return Ok(Reply::Nothing);
        }
        uid = Some((who >> 32) as u32);
        change = change_of(code as i32, child_status as i32);
        if word(AT_INFO) as u32 != Signal::SIGCHLD.number() {
            return Err(format!("waitid wrote si_signo {}", word(AT_INFO) as u32));
        }
    }
    let child = cast.by_number(number).ok_or_else(|| format!("a wait found number {number}, who is nobody"))?;
    let seen = cast.all().iter().position(|player| player.name == child).and_then(|at| last.get(at)?.as_ref());
    let uid = uid.or_else(|| seen.map(|seen| seen.status.uid)).unwrap_or_default();
    let change = change.ok_or_else(|| format!("a wait found {child} with a status that means nothing"))?;
    let nanoseconds = |at: usize| word(at) * 1_000_000_000 + word(at + 1) * 1000;
    Ok(Reply::Child(ChildReport { child, uid, change, usage: noticeable(nanoseconds(AT_USAGE)) }))
}

/// What `si_code` and `si_status` of waitid(2) describe.
fn change_of(code: i32, status: i32) -> Option<Change> {
    let signal = Signal::new(status as u32);
    match code {
        1 => Some(WaitStatus::exited(status).into()),
        2 => signal.map(|signal| WaitStatus::signaled(signal, false).into()),
        3 => signal.map(|signal| WaitStatus::signaled(signal, true).into()),
        4 => Some(Change::Trapped(status as u32)),
        5 => signal.map(Change::Stopped),
        6 => Some(Change::Continued),
        _ => None,
    }
}

/// What the bits of wait4(2) describe. They do not tell a stop of the process from one of a tracee, except by an event.
fn change_of_raw(raw: u32) -> Option<Change> {
    match raw {
        0xffff => Some(Change::Continued),
        _ if raw & 0xff == 0x7f => {
            let code = raw >> 8;
            Signal::new(code).map(Change::Stopped).or(Some(Change::Trapped(code)))
        }
        _ => WaitStatus::from_raw(raw).map(Change::Died),
    }
}

/// The signal that rt_sigtimedwait(2) took.
pub(super) fn taken(memory: &Memory, slot: usize, cast: &Cast) -> Result<Reply, String> {
    let result = memory.result(slot);
    let Some(signal) = u32::try_from(result).ok().and_then(Signal::new) else { return reply(result) };
    let word = |index: usize| memory.scratch(slot)[AT_INFO + index].load(Relaxed);
    let (code, who) = (word(1) as i32, word(2));
    let of_child = code > 0 && code <= 6;
    Ok(Reply::Took(Info {
        signal,
        code,
        from: cast.by_number(who as u32),
        uid: (who >> 32) as u32,
        status: if of_child { word(3) as i32 } else { 0 },
        utime_ns: 0,
        stime_ns: 0,
    }))
}

/// What `PTRACE_GETEVENTMSG` wrote: somebody's number, if the tracee stopped at an event that has one.
pub(super) fn message(memory: &Memory, slot: usize, cast: &Cast) -> Result<Reply, String> {
    let result = memory.result(slot);
    if result < 0 {
        return reply(result);
    }
    let number = memory.scratch(slot)[AT_RESULT].load(Relaxed) as u32;
    let task = cast.by_number(number).map(Message::Task);
    Ok(Reply::Message(task.unwrap_or(Message::Number(number))))
}

/// What getrusage(2) wrote.
pub(super) fn usage(memory: &Memory, slot: usize) -> Reply {
    let word = |index: usize| memory.scratch(slot)[AT_USAGE + index].load(Relaxed);
    Reply::Usage(noticeable(word(0) * 1_000_000_000 + word(1) * 1000))
}

/// Usage in tens of milliseconds; none if it is no more than what a puppet uses anyway.
pub(super) fn noticeable(utime_ns: u64) -> Rusage {
    let utime_ns = if utime_ns < NOISE_NS { 0 } else { utime_ns / 10_000_000 * 10_000_000 };
    Rusage { utime_ns, ..Rusage::default() }
}
