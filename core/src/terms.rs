//! What is asked of a tree and what it answers: the arguments and results of its calls.
//!
//! Programs find all of these in [`tree`](crate::tree); they stand apart so that the protocols, which
//! take and return them, need nothing of the interface above them.

use crate::ids::TaskId;
use crate::uapi::{Change, Rusage, Signal, SignalSet, WaitOptions, WaitStatus};

/// Who chooses process IDs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PidPolicy {
    /// Unique and not reused early, from blocks of 64 per calling thread. The fastest.
    #[default]
    Sharded,
    /// The next free number after the last one, as Linux: for determinism.
    Cyclic,
    /// The host names each number in [`CloneArgs::pid`].
    Host,
}

/// How a tree is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Who chooses process IDs.
    pub pid_policy: PidPolicy,
    /// The largest process ID, 1 to 4194304; `/proc/sys/kernel/pid_max` less one.
    pub pid_max: u32,
    /// The largest number of tasks alive or zombie at one time.
    pub max_tasks: u32,
    /// Where the handles' generations start. Trees with different seeds recognise each other's handles as
    /// stale, for as long as neither has recycled a record very often.
    pub generation_seed: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { pid_policy: PidPolicy::Sharded, pid_max: 4_194_304, max_tasks: 4_194_304, generation_seed: 0 }
    }
}

/// What clone(2) makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloneKind {
    /// A new process, child of the caller.
    Process,
    /// A new process, child of the caller's parent (`CLONE_PARENT`). `exit_signal` is taken from the
    /// caller's own process.
    Sibling,
    /// A new thread in the caller's process (`CLONE_THREAD`).
    Thread,
}

/// Arguments of [`Tree::clone_begin`](crate::tree::Tree::clone_begin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloneArgs {
    /// What to make.
    pub kind: CloneKind,
    /// The signal its parent gets when the process dies; `None` for none. Not used for threads.
    pub exit_signal: Option<Signal>,
    /// Its process ID: required with [`PidPolicy::Host`], refused (0) otherwise.
    pub pid: u32,
    /// Any number of the host's; it comes back in events about this task.
    pub cookie: u64,
}

/// Which children a wait is for, waitid(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Any child.
    All,
    /// The child with this process ID.
    Pid(u32),
    /// Any child in this process group; 0 is the caller's own.
    Pgid(u32),
    /// The child whose leader this is (`P_PIDFD`).
    Task(TaskId),
}

/// A wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitRequest {
    /// Which children.
    pub which: WaitFor,
    /// Options; at least one of WEXITED, WSTOPPED, WCONTINUED is needed.
    pub options: WaitOptions,
    /// Comes back in [`Event::Wake`](crate::host::Event::Wake) if the wait is armed.
    pub cookie: u64,
}

/// What a wait found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// A child that is dead, has stopped or goes on. Without WNOWAIT the handle of a dead one is spent.
    Child(WaitResult),
    /// With WNOHANG: there are matching children, none is waitable yet.
    Nothing,
    /// Without WNOHANG: the same, and the task's one waiter is armed. [`Event::Wake`] says when to call again.
    ///
    /// [`Event::Wake`]: crate::host::Event::Wake
    Armed,
}

/// What a wait reports of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitResult {
    /// The child's leader.
    pub task: TaskId,
    /// Its process ID.
    pub pid: u32,
    /// Its real user ID.
    pub uid: u32,
    /// What became of it.
    pub change: Change,
    /// Its host cookie.
    pub cookie: u64,
    /// What it used, its own waited-for children included; wait4(2).
    pub usage: Rusage,
}

/// What a parent does about SIGCHLD, sigaction(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigchldPolicy {
    /// The disposition is `SIG_IGN`: no signal, and dead children reap themselves.
    pub ignore: bool,
    /// `SA_NOCLDWAIT`: dead children reap themselves, the signal is still sent.
    pub no_cld_wait: bool,
    /// `SA_NOCLDSTOP`: no signal when a child stops or continues.
    pub no_cld_stop: bool,
}

/// What a process does about a signal, sigaction(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// `SIG_DFL`.
    #[default]
    Default,
    /// `SIG_IGN`.
    Ignore,
    /// A function of the program's.
    Handler,
}

/// Whom a signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalTarget {
    /// This thread: tgkill(2).
    Thread(TaskId),
    /// The process of this task, which is offered the signal first: kill(2), `pidfd_send_signal(2)`.
    Process(TaskId),
    /// Every member of this process group; 0 is the sender's own.
    Group(u32),
    /// Every process but init and the sender's own: kill(2) with -1.
    Everybody,
}

/// A signal to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalArgs {
    /// Whom it is for.
    pub target: SignalTarget,
    /// Which; `None` only asks whether it could be sent.
    pub signal: Option<Signal>,
    /// `si_code`: [`SI_USER`](crate::uapi::SI_USER), [`SI_TKILL`](crate::uapi::SI_TKILL),
    /// [`SI_KERNEL`](crate::uapi::SI_KERNEL) or another.
    pub code: i32,
}

/// What a task has to do before it runs its guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Run,
    /// To exit, with this status.
    Exit(WaitStatus),
    /// To stop, by this signal, or to stay so.
    Stop(Signal),
}

/// Is the ticket `one` older than `other`? Both count SIGCONTs of one process, and wrap around at 2^14.
pub fn is_older(one: u32, other: u32) -> bool {
    let behind = other.wrapping_sub(one) & 0x3fff;
    behind != 0 && behind < 0x2000
}

/// An attribute that a task can set and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attr {
    /// `PR_SET_CHILD_SUBREAPER`, of the process.
    Subreaper(bool),
    /// `PR_SET_PDEATHSIG`, of the thread.
    Pdeathsig(Option<Signal>),
    /// What the process does about SIGCHLD.
    Sigchld(SigchldPolicy),
    /// The host's cookie of the task.
    Cookie(u64),
    /// The real user ID of the process.
    Uid(u32),
    /// The signals that the thread blocks; sigprocmask(2).
    Mask(SignalSet),
    /// What the process does about one signal; sigaction(2). Of SIGCHLD, this is told beside
    /// [`Sigchld`](Self::Sigchld), and changes `ignore` there. Before the first of these, the library takes no
    /// disposition for known: no signal is dropped or ends the process at once, but SIGKILL.
    Action(Signal, Disposition),
}

/// Which attribute [`Tree::get_attr`](crate::tree::Tree::get_attr) reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttrKind {
    /// See [`Attr::Subreaper`].
    Subreaper,
    /// See [`Attr::Pdeathsig`].
    Pdeathsig,
    /// See [`Attr::Sigchld`].
    Sigchld,
    /// See [`Attr::Cookie`].
    Cookie,
    /// See [`Attr::Uid`].
    Uid,
    /// See [`Attr::Mask`].
    Mask,
    /// See [`Attr::Action`].
    Action(Signal),
}

/// What state a task is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Cloned, not yet committed.
    Embryo,
    /// Alive.
    Running,
    /// Alive, and has stopped with its process.
    Stopped,
    /// Between `exit_begin` and the end of `exit_finish` (`PF_EXITING`).
    Initiated,
    /// Dead; its process still has live threads, or its parent has not waited yet.
    Zombie,
}

/// A snapshot of one task, each field read at its own instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskInfo {
    /// Thread ID.
    pub tid: u32,
    /// Process ID: the leader's thread ID.
    pub tgid: u32,
    /// The parent's process ID; 0 if it has none.
    pub ppid: u32,
    /// Process group.
    pub pgid: u32,
    /// Session.
    pub sid: u32,
    /// Real user ID.
    pub uid: u32,
    /// How far it has come.
    pub state: TaskState,
    /// Threads of its process that have not been released.
    pub threads: u32,
    /// The leader of its process.
    pub leader: TaskId,
    /// The host's cookie.
    pub cookie: u64,
    /// The process's wait status, once that is decided.
    pub status: Option<WaitStatus>,
}

/// Which tasks [`Tree::list`](crate::tree::Tree::list) lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFilter {
    /// Every thread-group leader, zombies included.
    Processes,
    /// The threads of this task's process.
    Threads(TaskId),
    /// The leaders of this process's children, in Linux's order.
    Children(TaskId),
    /// The leaders of the members of this process group.
    Group(u32),
}
