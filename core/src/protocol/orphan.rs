//! Orphaned process groups: nobody outside the group, but in its session, would continue its stopped jobs;
//! "Orphaned process groups" in credentials(7), and `_exit(2)`.
//!
//! Whether a group is orphaned is found out when somebody asks, as in Linux, and not counted: parents, groups and
//! sessions change independently of each other. Who asks is a process that ends, or loses its parent, while some process
//! of the tree is stopped, and a thread that takes a stop signal of a terminal. These look at every process.

use crate::protocol::generate::{Scope, Sent, send_signal};
use crate::protocol::{Call, Found};
use crate::record::exit_word::ExitState;
use crate::record::thread_group::ThreadGroup;
use crate::uapi::{SI_KERNEL, SigInfo, Signal};

/// Why a process may have been the last link between its process group and the rest of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// It ends.
    Ends,
    /// It has another parent than this process by now.
    Lost(u32),
}

/// If that leaves the group of the process orphaned, and one of its processes has stopped, all of them are sent
/// SIGHUP and SIGCONT; `kill_orphaned_pgrp`.
pub fn look_after_group(call: &Call, index: u32, occasion: Occasion) {
    if !call.tables.stopped.look().any {
        return;
    }
    let process = call.group(index);
    let (parent, leaving) = match occasion {
        Occasion::Ends => (process.exit.look().parent(), Some(index)),
        Occasion::Lost(parent) => (parent, None),
    };
    let group = process.process_group.get();
    if group == 0 || parent == 0 || !links(call, process, call.group(parent)) {
        return;
    }
    let has_stopped = call.members(group).any(|member| member.group.job.look().is_stopped());
    if !has_stopped || !is_orphaned(call, group, leaving) {
        return;
    }
    for signal in [Signal::SIGHUP, Signal::SIGCONT] {
        call.members(group).for_each(|member| {
            let info = SigInfo { signal, code: SI_KERNEL, pid: 0, uid: 0, status: 0, utime_ns: 0, stime_ns: 0 };
            let Found { group_index, group, index: thread, .. } = member;
            let sent = Sent { group_index, group, thread, scope: Scope::Process, force: true, info };
            send_signal(call, sent).into_iter().for_each(|event| call.outbox.put(event));
        });
    }
}

/// Has no member of the process group but `leaving` a parent in another group of the session?
pub fn is_orphaned(call: &Call, group: u32, leaving: Option<u32>) -> bool {
    !call.members(group).any(|member| {
        let word = member.group.exit.look();
        Some(member.group_index) != leaving
            && word.state() == ExitState::Alive
            && word.parent() != 0
            && links(call, member.group, call.group(word.parent()))
    })
}

/// Would this parent continue that child, if it were stopped: is it in another group of the same session?
fn links(call: &Call, child: &ThreadGroup, parent: &ThreadGroup) -> bool {
    child.process_group.get() != parent.process_group.get() && call.sid_of(child) == call.sid_of(parent)
}

impl<'c> Call<'c> {
    /// Every process, by its leader.
    pub fn every_process(&self) -> impl Iterator<Item = Found<'c>> {
        self.every_task().filter_map(|(index, task)| {
            let group_index = task.group.get();
            let leads = task.is_visible() && self.group(group_index).leader.get() == index;
            leads.then(|| Found { index, id: self.id(index), task, group_index, group: self.group(group_index) })
        })
    }

    /// The processes in a process group, by their leaders.
    pub fn members(&self, process_group: u32) -> impl Iterator<Item = Found<'c>> {
        self.every_process().filter(move |found| found.group.process_group.get() == process_group)
    }
}
