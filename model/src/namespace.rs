//! What the death of init means; pid_namespaces(7).

use ptexit_core::uapi::{Signal, WaitStatus};

use crate::state::{Model, ProcessKey, TaskKey};

impl Model {
    /// The thread of init that adopts orphans dies: another one takes over, or the namespace dies too.
    pub(crate) fn replace_child_reaper(&mut self, dying: TaskKey) {
        if self.child_reaper != Some(dying) {
            return;
        }
        self.child_reaper = self.first_running_thread(self.tasks[dying].process);
        if self.child_reaper.is_none() {
            self.end_namespace(self.tasks[dying].process);
        }
    }

    /// Every other process is killed, nobody is born any more, and orphans have no parent: they reap
    /// themselves.
    fn end_namespace(&mut self, init: ProcessKey) {
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
