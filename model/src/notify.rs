//! Who is told of a death, and whether the dead child reaps itself; `SIGCHLD` in sigaction(2) and the
//! notes of wait(2).

use ptexit_core::uapi::{SigInfo, Signal};

use crate::event::Event;
use crate::state::{Model, ProcessKey, TaskKey};

impl Model {
    /// Tells the parent that this process is dead. Returns whether nobody will wait for it: it then has
    /// to be reaped at once.
    ///
    /// The thread that forked the child, or inherited it, is offered the signal first.
    pub(crate) fn notify_parent(&mut self, process: ProcessKey) -> bool {
        let Some(parent) = self.processes[process].parent else {
            return true;
        };
        let action = self.process_of(parent).sigchld;
        let mut signal = self.exit_signal_now(process, parent);
        let mut reaps_itself = false;
        if signal == Some(Signal::SIGCHLD) && (action.ignore || action.no_cld_wait) {
            reaps_itself = true;
            if action.ignore {
                signal = None;
            }
        }
        if let Some(signal) = signal {
            let info = self.death_info(process, signal);
            self.send_signal(parent, info);
        }
        // Even a child that nobody will wait for: those who were waiting may have to learn that there
        // is no child left.
        self.wake_waiters(process, parent);
        reaps_itself
    }

    /// The exit signal, unless the parent runs another program now than the one that chose it.
    fn exit_signal_now(&self, process: ProcessKey, parent: TaskKey) -> Option<Signal> {
        let process = &self.processes[process];
        if process.parent_exec_id == self.process_of(parent).exec_id {
            process.exit_signal
        } else {
            Some(Signal::SIGCHLD)
        }
    }

    fn death_info(&self, process: ProcessKey, signal: Signal) -> SigInfo {
        let (code, status) = self.status(process).child_code();
        let pid = self.pid(process);
        let process = &self.processes[process];
        SigInfo {
            signal,
            code: code as i32,
            pid,
            uid: process.uid,
            status,
            utime_ns: process.usage.utime_ns,
            stime_ns: process.usage.stime_ns,
        }
    }

    /// A process whose exit status is decided takes no signals any more.
    pub(crate) fn send_signal(&mut self, target: TaskKey, info: SigInfo) {
        if self.process_of(target).group_exit.is_none() {
            self.tell(Event::Signal { target, info });
        }
    }

    /// Wakes those threads of the parent whose wait this child may end.
    fn wake_waiters(&mut self, child: ProcessKey, parent: TaskKey) {
        for thread in self.process_of(parent).threads.clone() {
            let concerned = self.tasks[thread].blocked.is_some_and(|request| {
                self.is_asked_for(request, child) && (thread == parent || !request.only_own_children())
            });
            if concerned {
                self.tell(Event::Wake { task: thread });
            }
        }
    }
}
