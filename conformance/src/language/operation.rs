//! What a task can do.

use core::fmt;

use ptexit_core::uapi::{Signal, SignalSet};

use super::arguments::{Action, MaskHow, Signals, Target, Trace, UsageOf};
use super::flags::flags_to_text;
use super::name::Name;

/// The first argument of wait4(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildSpec {
    /// Any child (-1).
    Any,
    /// The child of this name.
    Child(Name),
    /// Any child in the process group of this name (a negative number).
    Group(Name),
    /// A number as it is; 0 is the caller's own process group.
    Raw(i32),
}

/// The first two arguments of waitid(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdSpec {
    /// `P_ALL`.
    All,
    /// `P_PID` and the number of this name.
    Pid(Name),
    /// `P_PID` and a number as it is.
    RawPid(i32),
    /// `P_PGID` and the number of this name.
    Pgid(Name),
    /// `P_PGID` and a number as it is; 0 is the caller's own group.
    RawPgid(i32),
    /// `P_PIDFD` and a handle of this name's task.
    Pidfd(Name),
}

/// What `sigaction(SIGCHLD)` sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sigchld {
    /// `SIG_IGN`.
    pub ignore: bool,
    /// `SA_NOCLDWAIT`.
    pub no_cld_wait: bool,
    /// `SA_NOCLDSTOP`.
    pub no_cld_stop: bool,
}

/// Something a task does. Names that a fork introduces are new; all others were introduced earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A new child process with this exit signal, or with none.
    Fork(Name, Option<Signal>),
    /// A new process beside the caller's (`CLONE_PARENT`).
    Sibling(Name),
    /// A new thread.
    Thread(Name),
    /// execve(2).
    Exec,
    /// `_exit(2)`: this thread ends.
    Exit(i32),
    /// The first half of it: the thread is past the point of no return.
    ExitBegin(i32),
    /// The second half: the children move, the parent is told.
    ExitFinish,
    /// `exit_group(2)`: the whole process ends.
    ExitGroup(i32),
    /// Only the decision: every thread is told to exit and has yet to do so.
    ExitGroupBegin(i32),
    /// The process of that task dies by a signal, with or without a core dump.
    Kill(Name, Signal, bool),
    /// wait4(2) with these options.
    Wait4(ChildSpec, u32),
    /// waitid(2) with these options.
    Waitid(IdSpec, u32),
    /// A signal handler runs in that task: its blocked wait ends with EINTR.
    Interrupt(Name),
    /// sigaction(2).
    Sigchld(Sigchld),
    /// `PR_SET_CHILD_SUBREAPER`.
    Subreaper(bool),
    /// `PR_SET_PDEATHSIG`.
    Pdeathsig(Option<Signal>),
    /// setpgid(2); `None` is 0.
    Setpgid(Option<Name>, Option<Name>),
    /// setsid(2).
    Setsid,
    /// setuid(2).
    Uid(u32),
    /// Uses this much processor time (ms) and, at its peak, this much memory (KiB).
    Burn(u32, u32),
    /// vfork(2): a child, for which the caller sleeps until it executes a program or exits.
    Vfork(Name),
    /// sigaction(2) for this signal.
    Sigaction(Signal, Action),
    /// sigprocmask(2), of the calling thread.
    Mask(MaskHow, SignalSet),
    /// rt_sigtimedwait(2) for these signals, without waiting.
    Dequeue(SignalSet),
    /// kill(2); `None` is signal 0.
    Signal(Target, Option<Signal>),
    /// tgkill(2); `None` is signal 0.
    Tgkill(Name, Option<Signal>),
    /// Whether the process leaves a core dump when a signal asks for it.
    Dumpable(bool),
    /// ptrace(2).
    Ptrace(Trace),
    /// `unshare(CLONE_NEWPID)`: the next child is the init of a new PID namespace.
    UnsharePid,
    /// setns(2) with the PID namespace of that task: further children are born there.
    Setns(Name),
    /// reboot(2) in a PID namespace: init dies by this signal (SIGHUP: restart, SIGINT: halt).
    Reboot(Signal),
    /// poll(2) on a pidfd of that process.
    PidfdPoll(Name),
    /// poll(2) on a `PIDFD_THREAD` pidfd of that task.
    PidfdPollThread(Name),
    /// `PIDFD_GET_INFO`: how that process has exited.
    PidfdInfo(Name),
    /// getrusage(2).
    Getrusage(UsageOf),
    /// What `/proc/PID/status` shows of that task.
    Look(Name),
    /// From outside: every process is killed with this status, and nobody is born any more.
    KillTree(i32),
}

/// How much of the language an implementation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// Births, exits, waits and what belongs to them.
    Core,
    /// Signals, stops, tracers and nested PID namespaces as well.
    Full,
}

impl Operation {
    /// The name this introduces.
    pub fn introduces(&self) -> Option<Name> {
        match *self {
            Operation::Fork(name, _) | Operation::Sibling(name) | Operation::Thread(name) => Some(name),
            Operation::Vfork(name) => Some(name),
            _ => None,
        }
    }

    /// The smallest part of the language that this belongs to.
    pub fn profile(&self) -> Profile {
        use Operation as O;
        match self {
            O::Fork(..) | O::Sibling(_) | O::Thread(_) | O::Exec | O::Exit(_) | O::ExitBegin(_) => Profile::Core,
            O::ExitFinish | O::ExitGroup(_) | O::ExitGroupBegin(_) | O::Kill(..) | O::Wait4(..) => Profile::Core,
            O::Waitid(..) | O::Interrupt(_) | O::Sigchld(_) | O::Subreaper(_) | O::Pdeathsig(_) => Profile::Core,
            O::Setpgid(..) | O::Setsid | O::Uid(_) | O::Burn(..) => Profile::Core,
            _ => Profile::Full,
        }
    }

    /// The names this refers to.
    pub fn refers_to(&self) -> impl Iterator<Item = Name> {
        let names = match *self {
            Operation::Kill(name, ..) | Operation::Interrupt(name) => [Some(name), None],
            Operation::Wait4(ChildSpec::Child(name) | ChildSpec::Group(name), _) => [Some(name), None],
            Operation::Waitid(IdSpec::Pid(name) | IdSpec::Pgid(name) | IdSpec::Pidfd(name), _) => [Some(name), None],
            Operation::Setpgid(process, group) => [process, group],
            Operation::Signal(Target::Process(name) | Target::Group(name), _) => [Some(name), None],
            Operation::Ptrace(request) => [request.tracee(), None],
            Operation::Tgkill(name, _) | Operation::Setns(name) | Operation::Look(name) => [Some(name), None],
            Operation::PidfdPoll(name) | Operation::PidfdPollThread(name) => [Some(name), None],
            Operation::PidfdInfo(name) => [Some(name), None],
            _ => [None, None],
        };
        names.into_iter().flatten()
    }
}

impl fmt::Display for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildSpec::Any => f.write_str("any"),
            ChildSpec::Child(name) => write!(f, "{name}"),
            ChildSpec::Group(name) => write!(f, "-{name}"),
            ChildSpec::Raw(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for IdSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdSpec::All => f.write_str("ALL"),
            IdSpec::Pid(name) => write!(f, "PID {name}"),
            IdSpec::RawPid(number) => write!(f, "PID {number}"),
            IdSpec::Pgid(name) => write!(f, "PGID {name}"),
            IdSpec::RawPgid(number) => write!(f, "PGID {number}"),
            IdSpec::Pidfd(name) => write!(f, "PIDFD {name}"),
        }
    }
}

impl fmt::Display for Sigchld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.ignore { "ign" } else { "dfl" })?;
        f.write_str(if self.no_cld_wait { " nocldwait" } else { "" })?;
        f.write_str(if self.no_cld_stop { " nocldstop" } else { "" })
    }
}

/// A signal, or 0 for none.
struct OrNone(Option<Signal>);

impl fmt::Display for OrNone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(signal) => write!(f, "{signal}"),
            None => f.write_str("0"),
        }
    }
}

/// A name, or 0 for the caller's own.
struct OrOwn(Option<Name>);

impl fmt::Display for OrOwn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "{name}"),
            None => f.write_str("0"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Operation::Fork(name, Some(Signal::SIGCHLD)) => write!(f, "fork {name}"),
            Operation::Fork(name, signal) => write!(f, "fork {name} {}", OrNone(signal)),
            Operation::Sibling(name) => write!(f, "sibling {name}"),
            Operation::Thread(name) => write!(f, "thread {name}"),
            Operation::Exec => f.write_str("exec"),
            Operation::Exit(code) => write!(f, "exit {code}"),
            Operation::ExitBegin(code) => write!(f, "exit_begin {code}"),
            Operation::ExitFinish => f.write_str("exit_finish"),
            Operation::ExitGroup(code) => write!(f, "exit_group {code}"),
            Operation::ExitGroupBegin(code) => write!(f, "exit_group_begin {code}"),
            Operation::Kill(name, signal, core) => {
                write!(f, "kill {name} {signal}{}", if core { " core" } else { "" })
            }
            Operation::Wait4(who, 0) => write!(f, "wait4 {who}"),
            Operation::Wait4(who, options) => write!(f, "wait4 {who} {}", flags_to_text(options)),
            Operation::Waitid(who, 0) => write!(f, "waitid {who}"),
            Operation::Waitid(who, options) => write!(f, "waitid {who} {}", flags_to_text(options)),
            Operation::Interrupt(name) => write!(f, "interrupt {name}"),
            Operation::Sigchld(action) => write!(f, "sigchld {action}"),
            Operation::Subreaper(on) => write!(f, "subreaper {}", u8::from(on)),
            Operation::Pdeathsig(signal) => write!(f, "pdeathsig {}", OrNone(signal)),
            Operation::Setpgid(process, group) => write!(f, "setpgid {} {}", OrOwn(process), OrOwn(group)),
            Operation::Setsid => f.write_str("setsid"),
            Operation::Uid(uid) => write!(f, "uid {uid}"),
            Operation::Burn(ms, 0) => write!(f, "burn {ms}"),
            Operation::Burn(ms, kib) => write!(f, "burn {ms} {kib}"),
            Operation::Vfork(name) => write!(f, "vfork {name}"),
            Operation::Sigaction(signal, action) => write!(f, "sigaction {signal} {action}"),
            Operation::Mask(how, signals) => write!(f, "mask {how} {}", Signals(signals)),
            Operation::Dequeue(signals) => write!(f, "dequeue {}", Signals(signals)),
            Operation::Signal(target, signal) => write!(f, "signal {target} {}", OrNone(signal)),
            Operation::Tgkill(name, signal) => write!(f, "tgkill {name} {}", OrNone(signal)),
            Operation::Dumpable(on) => write!(f, "dumpable {}", u8::from(on)),
            Operation::Ptrace(request) => write!(f, "ptrace {request}"),
            Operation::UnsharePid => f.write_str("unshare_pid"),
            Operation::Setns(name) => write!(f, "setns {name}"),
            Operation::Reboot(signal) => write!(f, "reboot {signal}"),
            Operation::PidfdPoll(name) => write!(f, "pidfd_poll {name}"),
            Operation::PidfdPollThread(name) => write!(f, "pidfd_poll {name} thread"),
            Operation::PidfdInfo(name) => write!(f, "pidfd_info {name}"),
            Operation::Getrusage(whose) => write!(f, "getrusage {whose}"),
            Operation::Look(name) => write!(f, "look {name}"),
            Operation::KillTree(code) => write!(f, "kill_tree {code}"),
        }
    }
}
