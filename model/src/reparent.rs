//! Who inherits the children of a dead thread; `PR_SET_CHILD_SUBREAPER` and `PR_SET_PDEATHSIG` in
//! prctl(2).

use ptexit_core::uapi::{SI_USER, SigInfo, Signal};

use crate::event::Event;
use crate::state::{Model, ProcessKey, TaskKey};

impl Model {
    /// Each child goes to the end of the new parent's list, oldest first.
    pub(crate) fn give_away_children(&mut self, dying: TaskKey) {
        self.replace_child_reaper(dying);
        let children = core::mem::take(&mut self.tasks[dying].children);
        if children.is_empty() {
            return;
        }
        let heir = self.find_new_parent(dying);
        for child in children.into_values() {
            match heir {
                Some(heir) => self.append_child(heir, child),
                None => self.processes[child].parent = None,
            }
            self.send_pdeathsig(child, dying);
            // To a sibling thread a child moves silently: its parent process is still the same.
            if heir.is_none_or(|heir| !self.same_process(heir, dying)) {
                self.enter_new_family(child);
            }
        }
    }

    /// A thread of the same process; else the nearest ancestor that is a subreaper; else init.
    /// Only threads that have not begun to exit are asked. `None` if the namespace is dead as well.
    fn find_new_parent(&self, dying: TaskKey) -> Option<TaskKey> {
        if let Some(sibling) = self.first_running_thread(self.tasks[dying].process) {
            return Some(sibling);
        }
        let mut ancestor = self.process_of(dying).parent;
        while let Some(thread) = ancestor {
            let process = self.tasks[thread].process;
            if self.processes[process].subreaper
                && let Some(alive) = self.first_running_thread(process)
            {
                return Some(alive);
            }
            ancestor = self.processes[process].parent;
        }
        self.child_reaper
    }

    /// The adopted child is an ordinary one from now on, whatever signal it was to send. If it is a
    /// zombie, the new parent learns of it as if it had died just now.
    fn enter_new_family(&mut self, child: ProcessKey) {
        self.processes[child].exit_signal = Some(Signal::SIGCHLD);
        if let Some(parent) = self.processes[child].parent {
            self.tell(Event::Reparented { task: self.processes[child].leader, parent });
        }
        if self.is_dead(child) && self.notify_parent(child) {
            self.reap(child, None);
        }
    }

    /// Each thread of the child has its own wish. The signal names the process of the dead thread.
    fn send_pdeathsig(&mut self, child: ProcessKey, dying: TaskKey) {
        let (pid, uid) = (self.pid(self.tasks[dying].process), self.process_of(dying).uid);
        for thread in self.processes[child].threads.clone() {
            if let Some(signal) = self.tasks[thread].pdeathsig {
                self.send_signal(
                    thread,
                    SigInfo { signal, code: SI_USER, pid, uid, status: 0, utime_ns: 0, stime_ns: 0 },
                );
            }
        }
    }
}
