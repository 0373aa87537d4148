//! What the outside is told.

use ptexit_core::uapi::{Rusage, SigInfo, WaitStatus};

use crate::state::{Model, TaskKey};

/// Something that happened, in the order it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A signal is pending for the whole process of `target`, and `target` is offered it first.
    Signal {
        /// The thread that is offered the signal first.
        target: TaskKey,
        /// What the receiver sees; signal(7), sigaction(2).
        info: SigInfo,
    },
    /// The blocked wait of this task must look again ([`Model::look_again`]), or what it slept in is over.
    Wake {
        /// The waiting task.
        task: TaskKey,
    },
    /// The process is exiting as a whole: this thread has to exit.
    Interrupt {
        /// The thread.
        task: TaskKey,
    },
    /// The last thread of a process has exited.
    Exited {
        /// The leader.
        task: TaskKey,
        /// What wait(2) will report.
        status: WaitStatus,
    },
    /// A task is gone, and so is its key.
    Reaped {
        /// The task that was.
        task: TaskKey,
        /// Its number.
        pid: u32,
        /// Who waited for it; `None` for an untraced thread and for a process that reaped itself.
        reaper: Option<TaskKey>,
        /// Its final status.
        status: WaitStatus,
        /// What the process and the children it had waited for used; nothing for a thread.
        usage: Rusage,
    },
    /// A process has a new parent process.
    Reparented {
        /// The leader of the process.
        task: TaskKey,
        /// The thread that is its parent now.
        parent: TaskKey,
    },
    /// A thread that executes a program has taken over its dead leader's number.
    PidChanged {
        /// The thread.
        task: TaskKey,
        /// Its number from now on.
        pid: u32,
    },
    /// No task, process group or session uses this number any more.
    PidFree {
        /// The number.
        pid: u32,
    },
}

impl Model {
    /// Hands over the events since the last call, oldest first.
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push(event);
    }
}
