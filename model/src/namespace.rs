//! What the death of init means; pid_namespaces(7).

use ptexit_core::uapi::{Signal, WaitStatus};

use crate::state::{Model, ProcessKey, TaskKey};

impl Model {
    /// Every other process is killed, nobody is born any more, and orphans have no parent: they reap
    /// themselves.
    pub(crate) fn end_namespace(&mut self, init: ProcessKey) {
        self.init = None;
        self.is_over = true;
        let killed = WaitStatus::signaled(Signal::SIGKILL, false);
        let tasks: Vec<TaskKey> = self.numbers.tasks().collect();
        for task in tasks {
            let process = self.tasks[task].process;
            if process != init && self.processes[process].leader == task {
                self.begin_group_exit(process, killed, None);
            }
        }
    }
}
