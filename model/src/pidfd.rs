//! What a process can learn through a handle of another one; pidfd_open(2).

use ptexit_core::uapi::WaitStatus;

use crate::state::{Model, Stage, TaskKey};

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

impl Model {
    /// poll(2) on a pidfd of the process that the task leads, or with `PIDFD_THREAD` of the task alone.
    ///
    /// A leader that ends before its threads makes neither ready.
    pub fn poll(&self, task: TaskKey) -> Readiness {
        let Some(found) = self.tasks.get(task) else { return Readiness::InHup };
        let has_ended = match self.is_leader(task) {
            true => self.is_dead(found.process),
            false => found.stage == Stage::Zombie,
        };
        if has_ended { Readiness::In } else { Readiness::None }
    }

    /// The status of a process that is dead and not reaped.
    pub fn exit_status(&self, task: TaskKey) -> Option<WaitStatus> {
        let found = self.tasks.get(task)?;
        self.is_dead(found.process).then(|| self.status(task))
    }
}
