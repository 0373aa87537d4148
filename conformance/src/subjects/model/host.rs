//! What a host does: its tasks run, take their signals, and exit when they have to.

use ptexit_core::uapi::{Errno, Rusage};
use ptexit_model::{Reported, Taken, TaskKey, Waited};

use super::OnModel;
use crate::language::{ChildReport, Happening, Name, Reply};

impl OnModel {
    /// Every task that is not held up takes its signals, until there are none to take.
    pub(super) fn let_them_run(&mut self) {
        while let Some((name, task)) = self.next_with_signals() {
            match self.model.take_signal(task) {
                Taken::Nothing | Taken::Halted => {}
                Taken::Handler(info, action) => {
                    let info = self.info(task, info);
                    self.listen();
                    self.happenings.push(Happening::Handles(name, info));
                    self.end_wait_for_handler(name, task, action.restart);
                }
                Taken::Exit(status) => {
                    let process = self.model.process_of_task(task);
                    let whole = self.model.end_all_threads(process);
                    // One that its tracer lets exit alone.
                    if self.model.has_signals(task) {
                        let _ = self.model.exit(task, status, &Rusage::default());
                    }
                    whole.expect("threads that have to exit can");
                }
            }
            self.listen();
        }
    }

    fn next_with_signals(&self) -> Option<(Name, TaskKey)> {
        let tasks = self.order.iter().filter_map(|&name| Some((name, self.names.handle(name)?)));
        let mut ready = tasks.filter(|&(_, task)| self.model.has_signals(task));
        ready.find(|&(_, task)| self.model.view(task).is_some_and(|view| !self.exits_on_its_own(view.tgid)))
    }

    fn exits_on_its_own(&self, tgid: u32) -> bool {
        self.model.find(tgid).is_some_and(|leader| self.on_their_own.contains(&leader))
    }

    /// A wait looks once more, and ends with EINTR; or it begins anew.
    fn end_wait_for_handler(&mut self, name: Name, task: TaskKey, restart: bool) {
        if !self.model.is_blocked(task) {
            return;
        }
        if restart {
            self.woken.push(name);
        } else {
            let waited = self.model.interrupt(task);
            let reply = waited.map_or_else(Reply::Failed, |waited| self.waited(waited));
            self.interrupted.insert(name, reply);
        }
    }

    /// A blocked call is over, or looks again.
    pub(super) fn go_on(&mut self, name: Name) -> Result<Reply, Errno> {
        if let Some(reply) = self.interrupted.remove(&name) {
            return Ok(reply);
        }
        let task = self.key(name)?;
        if self.sleepers.contains(&name) {
            if self.model.is_held_up(task) {
                return Ok(Reply::Blocks);
            }
            self.sleepers.retain(|&other| other != name);
            return Ok(Reply::Done);
        }
        self.model.look_again(task).map(|waited| self.waited(waited))
    }

    pub(super) fn waited(&self, waited: Waited) -> Reply {
        match waited {
            Waited::Nothing => Reply::Nothing,
            Waited::Blocked => Reply::Blocks,
            Waited::Child(Reported { first_pid, uid, change, usage, .. }) => {
                let child = self.names.by_number(first_pid).expect("numbers have names");
                Reply::Child(ChildReport { child, uid, change, usage })
            }
        }
    }
}
