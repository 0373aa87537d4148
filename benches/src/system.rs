//! What the workloads need of a process tree.

use std::fmt::Debug;

/// Which children a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Any child.
    All,
    /// The child with this process ID.
    Pid(u32),
    /// Any child in this process group.
    Group(u32),
}

/// What a wait with WEXITED and WNOHANG found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A dead child, now reaped.
    Child {
        /// Its process ID.
        pid: u32,
        /// Its exit code.
        code: u8,
    },
    /// Matching children, none of them dead.
    Nothing,
    /// No matching child.
    NoChild,
}

/// A process tree that can be measured. Setting it up wrongly panics: a workload has no use for errors.
pub trait System: Send + Sync + Sized + 'static {
    /// Its column in the table.
    const NAME: &'static str;

    /// A task, by handle.
    type Task: Copy + Send + Sync + Debug;

    /// What one host thread keeps between its calls, if anything.
    type Worker: Send;

    /// An empty tree and its init.
    fn new() -> (Self, Self::Task);

    /// State for one more host thread.
    fn worker(&self) -> Self::Worker;

    /// One more thread of `parent`'s process, whose children both threads can wait for.
    fn thread(&self, worker: &mut Self::Worker, parent: Self::Task) -> Self::Task;

    /// A child process of `parent`.
    fn fork(&self, worker: &mut Self::Worker, parent: Self::Task) -> Self::Task;

    /// The same, with its process ID, as fork(2) returns it.
    fn fork_pid(&self, worker: &mut Self::Worker, parent: Self::Task) -> (Self::Task, u32);

    /// The task calls exit(3).
    fn exit(&self, worker: &mut Self::Worker, task: Self::Task, code: u8);

    /// waitid(2) with WEXITED and WNOHANG.
    fn wait(&self, worker: &mut Self::Worker, parent: Self::Task, which: Which) -> Found;

    /// The task makes itself the leader of a new process group, setpgid(0, 0).
    fn lead_group(&self, worker: &mut Self::Worker, task: Self::Task);
}
