//! Orphaned process groups: nobody outside the group, but in its session, would continue its stopped
//! jobs; "Orphaned process groups" in credentials(7), `_exit(2)`.

use ptexit_core::uapi::Signal;

use crate::signal::Scope;
use crate::state::{Model, ProcessKey, TaskKey};

impl Model {
    /// No member of the group, but for `leaving`, has a parent in another group of the same session.
    pub(crate) fn is_orphaned(&self, pgid: u32, leaving: Option<ProcessKey>) -> bool {
        !self.members(pgid).into_iter().any(|member| {
            let process = &self.processes[member];
            let parent = process.parent.map(|parent| self.process_of(parent));
            Some(member) != leaving
                && !self.is_dead(member)
                && parent.is_some_and(|parent| parent.pgid != pgid && parent.sid == process.sid)
        })
    }

    /// Whether a process that ends (`is_ending`), or has lost its parent, was the last link between its group
    /// and the rest of the session, and a job there is stopped.
    pub(crate) fn orphans_its_group(&self, process: ProcessKey, parent: TaskKey, is_ending: bool) -> bool {
        let (pgid, sid) = (self.processes[process].pgid, self.processes[process].sid);
        let parent = self.process_of(parent);
        let was_link = parent.pgid != pgid && parent.sid == sid;
        let has_stopped = || self.members(pgid).iter().any(|&member| self.processes[member].stop.in_effect);
        was_link && has_stopped() && self.is_orphaned(pgid, is_ending.then_some(process))
    }

    /// A group with stopped jobs is told that it is alone, and goes on.
    pub(crate) fn send_to_orphaned(&mut self, pgid: u32) {
        for signal in [Signal::SIGHUP, Signal::SIGCONT] {
            for member in self.members(pgid) {
                let leader = self.processes[member].leader;
                self.send(leader, Self::info_from_nobody(signal), Scope::Process, true);
            }
        }
    }

    /// The processes in a group, in the order in which they joined it, youngest first.
    pub(crate) fn members(&self, pgid: u32) -> Vec<ProcessKey> {
        let mut members: Vec<(ProcessKey, u64)> = self
            .processes
            .iter()
            .filter(|(_, process)| process.pgid == pgid)
            .map(|(key, process)| (key, process.joined))
            .collect();
        members.sort_by_key(|&(_, joined)| core::cmp::Reverse(joined));
        members.into_iter().map(|(key, _)| key).collect()
    }
}
