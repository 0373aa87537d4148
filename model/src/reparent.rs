//! Who inherits the children of a dead thread; `PR_SET_CHILD_SUBREAPER` and `PR_SET_PDEATHSIG` in
//! prctl(2).

use ptexit_core::uapi::{SI_USER, Signal};

use crate::event::Event;
use crate::notify::Occasion;
use crate::state::{Model, ProcessKey, Stage, TaskKey};

impl Model {
    /// Each child goes to the end of the new parent's list, oldest first.
    pub(crate) fn give_away_children(&mut self, dying: TaskKey) {
        let children = core::mem::take(&mut self.tasks[dying].children).into_values();
        let process = self.tasks[dying].process;
        if let Some(sibling) = self.first_running_thread(process) {
            // The parent process is still the same: nobody is told but those who asked for it.
            for child in children {
                self.append_child(sibling, child);
                self.send_pdeathsig(child, dying);
            }
        } else if let Some(sibling) = self.first_exiting_thread_but(dying) {
            self.leave_behind(children, process, sibling);
        } else {
            let left_behind = core::mem::take(&mut self.processes[process].left_behind).into_values();
            let reaper = self.find_reaper(process);
            for child in left_behind.chain(children) {
                match reaper {
                    Some(reaper) => self.append_child(reaper, child),
                    None => self.processes[child].parent = None,
                }
                self.send_pdeathsig(child, dying);
                self.enter_new_family(child, dying);
            }
        }
    }

    /// All of the process is on its way out. It hands over its children when its last thread ends, those
    /// of the threads that ended earlier first. Linux does it thread by thread, which to everybody else
    /// looks as if this thread had ended later.
    fn leave_behind(&mut self, children: impl Iterator<Item = ProcessKey>, process: ProcessKey, sibling: TaskKey) {
        children.for_each(|child| self.append_left_behind(process, sibling, child));
        for child in self.processes[process].left_behind.clone().into_values() {
            self.processes[child].parent = Some(sibling);
        }
    }

    fn append_left_behind(&mut self, process: ProcessKey, parent: TaskKey, child: ProcessKey) {
        self.processes[child].parent = Some(parent);
        self.processes[child].place = self.next_place;
        self.processes[process].left_behind.insert(self.next_place, child);
        self.next_place += 1;
    }

    /// A sibling of `elder` is born: it is left behind as well if `elder` is.
    pub(crate) fn append_beside(&mut self, elder: ProcessKey, parent: TaskKey, child: ProcessKey) {
        let process = self.tasks[parent].process;
        if self.processes[process].left_behind.contains_key(&self.processes[elder].place) {
            self.append_left_behind(process, parent, child);
        } else {
            self.append_child(parent, child);
        }
    }

    fn first_exiting_thread_but(&self, dying: TaskKey) -> Option<TaskKey> {
        let mut threads = self.process_of(dying).threads.iter().copied();
        threads.find(|&thread| thread != dying && self.tasks[thread].stage == Stage::Exiting)
    }

    /// The nearest ancestor in the same PID namespace that is a subreaper, else the namespace's init. Only
    /// threads that have not begun to exit are asked, but for those of an init that ends its namespace.
    fn find_reaper(&self, dying: ProcessKey) -> Option<TaskKey> {
        let leader = self.processes[dying].leader;
        let mut ancestor = self.processes[dying].parent;
        while let Some(thread) = ancestor.filter(|&thread| self.level_of(thread) == self.level_of(leader)) {
            let process = self.tasks[thread].process;
            if self.processes[process].subreaper
                && let Some(alive) = self.first_running_thread(process)
            {
                return Some(alive);
            }
            ancestor = self.processes[process].parent;
        }
        let init = self.orphans_go_to(self.tasks[leader].namespace);
        init.filter(|&init| self.tasks[init].process != dying)
    }

    /// The reparented child is an ordinary one from now on, whatever signal it was to send. If it is a
    /// zombie, the new parent learns of it as if it had died just now.
    fn enter_new_family(&mut self, child: ProcessKey, lost: TaskKey) {
        self.processes[child].exit_signal = Some(Signal::SIGCHLD);
        let leader = self.processes[child].leader;
        if let Some(parent) = self.processes[child].parent {
            self.tell(Event::Reparented { task: leader, parent });
        }
        let pgid = self.processes[child].pgid;
        let orphans_group = self.orphans_its_group(child, lost, false);
        if self.is_dead(child) {
            self.tell_of(leader, Occasion::Adopted);
        }
        if orphans_group {
            self.send_to_orphaned(pgid);
        }
    }

    /// Each thread of the child has its own wish. The signal names the process of the dead thread.
    fn send_pdeathsig(&mut self, child: ProcessKey, dying: TaskKey) {
        let process = self.tasks[dying].process;
        for thread in self.processes[child].threads.clone() {
            if let Some(signal) = self.tasks[thread].pdeathsig {
                let info = self.info_from(process, thread, signal, SI_USER);
                self.send_to_process(thread, info);
            }
        }
    }
}
