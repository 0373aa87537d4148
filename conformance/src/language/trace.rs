//! What comes of a line.

use core::fmt;

use ptexit_core::uapi::{
    Change, ChildCode, Errno, Rusage, SI_KERNEL, SI_TKILL, SI_USER, Signal, SignalSet, WaitStatus,
};

use super::name::Name;
use super::operation::Sigchld;

/// What a call returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Success, with nothing more to say.
    Done,
    /// The status that the exit will have.
    Decided(WaitStatus),
    /// A wait found this child.
    Child(ChildReport),
    /// A wait with WNOHANG found children, none of them dead.
    Nothing,
    /// A wait blocks; what comes of it is reported with a later line.
    Blocks,
    /// The call failed.
    Failed(Errno),
    /// This signal was pending, and is no more.
    Took(Info),
    /// What is seen of a task.
    Seen(Look),
    /// What poll(2) says of a pidfd.
    Ready(Readiness),
    /// What `PTRACE_GETEVENTMSG` gives.
    Message(Message),
    /// What getrusage(2) gives.
    Usage(Rusage),
}

/// What poll(2) says of a pidfd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Nothing yet.
    None,
    /// `POLLIN`: it has exited.
    In,
    /// `POLLIN | POLLHUP`: it has been reaped.
    InHup,
}

/// What `PTRACE_GETEVENTMSG` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A number, and whose it is.
    Task(Name),
    /// A wait status, or anything else that is no task's number.
    Number(u32),
}

/// How a task is held up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Halt {
    /// Not at all.
    #[default]
    None,
    /// By a group stop (`T`).
    Stopped,
    /// By a ptrace-stop (`t`).
    Traced,
    /// In a call that no handler interrupts: vfork(2), execve(2), ptrace(2) (`D`).
    Asleep,
}

/// Signals, stops and tracer of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobSight {
    /// How it is held up.
    pub halt: Halt,
    /// The thread that traces it.
    pub tracer: Option<Name>,
    /// Pending for this thread.
    pub pending: SignalSet,
    /// Pending for the process.
    pub shared: SignalSet,
    /// Blocked by this thread.
    pub blocked: SignalSet,
}

/// What `/proc/PID/status` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Dead or alive.
    pub state: SightState,
    /// Signals, stops and tracer.
    pub job: JobSight,
}

/// What a wait reports of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildReport {
    /// Which.
    pub child: Name,
    /// Its real user ID.
    pub uid: u32,
    /// What became of it.
    pub change: Change,
    /// What it used, its own waited-for children included.
    pub usage: Rusage,
}

/// What travels with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The signal.
    pub signal: Signal,
    /// `si_code`.
    pub code: i32,
    /// Whose number `si_pid` is.
    pub from: Option<Name>,
    /// `si_uid`.
    pub uid: u32,
    /// `si_status`.
    pub status: i32,
    /// `si_utime`.
    pub utime_ns: u64,
    /// `si_stime`.
    pub stime_ns: u64,
}

/// Something the implementation told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A signal for the process of this task, which is offered it first.
    Signal(Name, Info),
    /// This process has no live thread any more.
    Exited(Name, WaitStatus),
    /// This task is gone.
    Reaped {
        /// Which.
        task: Name,
        /// Who waited for it.
        by: Option<Name>,
        /// Its final status.
        status: WaitStatus,
        /// What the process used, its own waited-for children included; nothing for a thread.
        usage: Rusage,
    },
    /// This process has a new parent.
    Reparented(Name, Name),
    /// This task has to exit.
    MustExit(Name),
    /// Nothing uses this task's number any more.
    NumberFree(Name),
    /// The handler of this thread runs.
    Handles(Name, Info),
}

impl Happening {
    /// The task that it is about: what is told of one task is told in an order.
    pub fn subject(&self) -> Name {
        match *self {
            Happening::Signal(task, _)
            | Happening::Handles(task, _)
            | Happening::Exited(task, _)
            | Happening::Reaped { task, .. }
            | Happening::Reparented(task, _)
            | Happening::MustExit(task)
            | Happening::NumberFree(task) => task,
        }
    }
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SightState {
    /// Alive.
    Running,
    /// It has begun to exit.
    Exiting,
    /// Dead.
    Zombie,
}

/// What can be seen of a task between two lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// How far it has come.
    pub state: SightState,
    /// The leader of its process.
    pub leader: Name,
    /// The leader of its parent.
    pub parent: Option<Name>,
    /// Whose number its process group has.
    pub group: Option<Name>,
    /// Whose number its session has.
    pub session: Option<Name>,
    /// Its real user ID.
    pub uid: u32,
    /// How many threads of its process are not released.
    pub threads: u32,
    /// The process's status, if it is decided.
    pub status: Option<WaitStatus>,
    /// The process's children, oldest first.
    pub children: Vec<Name>,
    /// What the children it has waited for used.
    pub children_usage: Rusage,
    /// Whether the process is a subreaper.
    pub subreaper: bool,
    /// The thread's parent-death signal.
    pub pdeathsig: Option<Signal>,
    /// What the process does about SIGCHLD.
    pub sigchld: Sigchld,
    /// Signals, stops and tracer.
    pub job: JobSight,
}

/// Usage, where there is any.
struct Used(Rusage);

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = [
            ("utime_ms", self.0.utime_ns / 1_000_000),
            ("stime_ms", self.0.stime_ns / 1_000_000),
            ("maxrss", self.0.maxrss_kib),
            ("minflt", self.0.minflt),
            ("majflt", self.0.majflt),
            ("inblock", self.0.inblock),
            ("oublock", self.0.oublock),
            ("nvcsw", self.0.nvcsw),
            ("nivcsw", self.0.nivcsw),
        ];
        fields.iter().filter(|(_, value)| *value > 0).try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Done => f.write_str("ok"),
            Reply::Decided(status) => write!(f, "{status:?}"),
            Reply::Child(report) => {
                let ChildReport { child, uid, change, usage } = report;
                write!(f, "{child} {change:?} uid={uid}{}", Used(*usage))
            }
            Reply::Nothing => f.write_str("nothing yet"),
            Reply::Blocks => f.write_str("blocks"),
            Reply::Failed(errno) => f.write_str(errno.name()),
            Reply::Took(info) => write!(f, "takes {info}"),
            Reply::Seen(look) => write!(f, "{look}"),
            Reply::Ready(Readiness::None) => f.write_str("not ready"),
            Reply::Ready(Readiness::In) => f.write_str("POLLIN"),
            Reply::Ready(Readiness::InHup) => f.write_str("POLLIN|POLLHUP"),
            Reply::Message(Message::Task(name)) => write!(f, "message {name}"),
            Reply::Message(Message::Number(number)) => write!(f, "message {number:#x}"),
            Reply::Usage(usage) => write!(f, "used{}", Used(*usage)),
        }
    }
}

/// A name, or what is said where there is none.
pub(super) struct Whom(pub Option<Name>);

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "{name}"),
            None => f.write_str("nobody"),
        }
    }
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = [
            (SI_USER, "SI_USER"),
            (SI_TKILL, "SI_TKILL"),
            (SI_KERNEL, "SI_KERNEL"),
            (ChildCode::Trapped as i32, "CLD_TRAPPED"),
            (ChildCode::Stopped as i32, "CLD_STOPPED"),
            (ChildCode::Continued as i32, "CLD_CONTINUED"),
            (ChildCode::Exited as i32, "CLD_EXITED"),
            (ChildCode::Killed as i32, "CLD_KILLED"),
            (ChildCode::Dumped as i32, "CLD_DUMPED"),
        ];
        let code = code.iter().find(|(number, _)| *number == self.code).map_or("?", |(_, name)| name);
        write!(f, "{} {code} pid={} uid={}", self.signal, Whom(self.from), self.uid)?;
        if ![SI_USER, SI_TKILL, SI_KERNEL].contains(&self.code) {
            write!(f, " status={}", self.status)?;
        }
        let usage = Rusage { utime_ns: self.utime_ns, stime_ns: self.stime_ns, ..Rusage::default() };
        write!(f, "{}", Used(usage))
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Happening::Signal(to, info) => write!(f, "{to} gets {info}"),
            Happening::Exited(task, status) => write!(f, "{task} is dead: {status:?}"),
            Happening::Reaped { task, by: Some(by), status, usage } => {
                write!(f, "{task} is reaped by {by}: {status:?}{}", Used(usage))
            }
            Happening::Reaped { task, by: None, status, usage } => {
                write!(f, "{task} is released: {status:?}{}", Used(usage))
            }
            Happening::Reparented(task, parent) => write!(f, "{task} has a new parent: {parent}"),
            Happening::MustExit(task) => write!(f, "{task} must exit"),
            Happening::NumberFree(task) => write!(f, "the number of {task} is free"),
            Happening::Handles(task, info) => write!(f, "{task} handles {info}"),
        }
    }
}

impl fmt::Display for JobSight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.halt {
            Halt::None => {}
            Halt::Stopped => f.write_str(" stopped")?,
            Halt::Traced => f.write_str(" in a ptrace-stop")?,
            Halt::Asleep => f.write_str(" asleep")?,
        }
        if let Some(tracer) = self.tracer {
            write!(f, " tracer={tracer}")?;
        }
        let sets = [("pending", self.pending), ("shared", self.shared), ("blocked", self.blocked)];
        sets.iter().filter(|(_, set)| !set.is_empty()).try_for_each(|(title, set)| write!(f, " {title}={set}"))
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.state, self.job)
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sight { state, leader, parent, group, session, uid, threads, status, children, .. } = self;
        let (parent, group, session) = (Whom(*parent), Whom(*group), Whom(*session));
        write!(f, "{state:?} leader={leader} parent={parent} group={group} session={session} uid={uid}")?;
        write!(f, " threads={threads} status={status:?} children={children:?}")?;
        let Sight { subreaper, pdeathsig, sigchld, children_usage, .. } = self;
        write!(f, " subreaper={subreaper} pdeathsig={pdeathsig:?} sigchld={sigchld}{}", Used(*children_usage))?;
        write!(f, "{}", self.job)
    }
}
