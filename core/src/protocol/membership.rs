//! Membership: process groups and sessions, and the numbers that tasks, groups and sessions hold.

use crate::host::Event;
use crate::ids::TaskId;
use crate::protocol::{Call, Found, inspect};
use crate::record::thread_group::ThreadGroup;
use crate::uapi::Errno;

/// setsid(2): a new session with a new process group in it, both with the caller's ID.
pub fn setsid(call: &Call, caller: TaskId) -> Result<u32, Errno> {
    let me = call.find_running(caller)?;
    let _slow = call.tables.membership_turn();
    let pid = me.group.pid.get();
    if call.process_group_by_id(pid).is_some() {
        return Err(Errno::EPERM);
    }
    move_to_new(call, me, pid)?;
    Ok(pid)
}

/// setpgid(2). `pid` 0 is the caller, `pgid` 0 is the process itself.
pub fn setpgid(call: &Call, caller: TaskId, pid: u32, pgid: u32) -> Result<(), Errno> {
    let me = call.find_running(caller)?;
    let _slow = call.tables.membership_turn();
    let target = find_target(call, me, pid)?;
    let own = target.group.pid.get();
    let pgid = if pgid == 0 { own } else { pgid };
    let (my_sid, sid) = (call.sid_of(me.group), call.sid_of(target.group));
    if target.group_index != me.group_index {
        if sid != my_sid {
            return Err(Errno::EPERM);
        }
        if target.group.policy.get().has_execed() {
            return Err(Errno::EACCES);
        }
    }
    if own == sid {
        return Err(Errno::EPERM);
    }
    match call.process_group_by_id(pgid) {
        _ if call.pgid_of(target.group) == pgid => Ok(()),
        Some(index) if call.process_group(index).sid.get() == sid => move_to(call, target, index),
        None if pgid == own => move_to_new(call, target, sid),
        Some(_) | None => Err(Errno::EPERM),
    }
}

/// The caller, or one of its children, by process ID.
fn find_target<'c>(call: &Call<'c>, me: Found<'c>, pid: u32) -> Result<Found<'c>, Errno> {
    if pid == 0 || pid == me.group.pid.get() {
        return call.find(call.id(me.group.leader.get()));
    }
    inspect::pid_lookup(call, pid)?;
    let group = call.leader_by_pid(pid).ok_or(Errno::EINVAL)?;
    if call.group(group).exit.look().parent() != me.group_index {
        return Err(Errno::ESRCH);
    }
    call.find(call.id(call.group(group).leader.get()))
}

/// Moves a process into a process group of its own, in the session `sid`.
fn move_to_new(call: &Call, target: Found, sid: u32) -> Result<(), Errno> {
    let pid = target.group.pid.get();
    let fresh = call.alloc(&call.tables.process_groups)?;
    fresh.record().begin(pid, sid, call.pin.stripe());
    let index = fresh.index();
    fresh.publish();
    call.name_process_group(pid, index, sid);
    take_place(call, target, index)
}

fn move_to(call: &Call, target: Found, index: u32) -> Result<(), Errno> {
    if !call.process_group(index).join(call.pin.stripe()) {
        return Err(Errno::EPERM);
    }
    take_place(call, target, index)
}

/// The process leaves its group for one that counts it already.
fn take_place(call: &Call, target: Found, index: u32) -> Result<(), Errno> {
    let old = target.group.process_group.get();
    if old == 0 || !target.group.process_group.replace(old, index) {
        // It was reaped in between.
        call.leave_process_group(index);
        return Err(Errno::ESRCH);
    }
    call.leave_process_group(old);
    Ok(())
}

impl Call<'_> {
    /// The session a process is in; 0 once it has been reaped.
    pub fn sid_of(&self, group: &ThreadGroup) -> u32 {
        match group.process_group.get() {
            0 => 0,
            index => self.process_group(index).sid.get(),
        }
    }

    /// The process group with this ID that has members.
    pub fn process_group_by_id(&self, pgid: u32) -> Option<u32> {
        let index = self.tables.pids.entry(pgid)?.pgrp();
        (index != 0 && self.process_group(index).has_members()).then_some(index)
    }

    /// Makes `index` the process group that `pgid` names, in the session `sid`.
    pub fn name_process_group(&self, pgid: u32, index: u32, sid: u32) {
        if let Some(entry) = self.tables.pids.entry(pgid) {
            // What is left there is a group that has become empty, and whose end nobody has seen to yet.
            let left = entry.pgrp();
            if left != 0 {
                self.free_process_group(left);
            }
            let _ = entry.set_pgrp(entry.pgrp(), index);
        }
        if let Some(entry) = self.tables.pids.entry(sid) {
            entry.join_session();
        }
    }

    /// A process is in that process group no more. The last one out frees the group, if the number is
    /// nobody's task any more; a living leader keeps it, and may come back.
    pub fn leave_process_group(&self, index: u32) {
        if index == 0 {
            return;
        }
        let process_group = self.process_group(index);
        let pgid = process_group.pgid.get();
        process_group.leave(self.pin.stripe());
        // Edge `group-empty`: left before looked; `PidTable::leave` takes the task away before it counts.
        if self.tables.pids.entry(pgid).is_some_and(|entry| !entry.has_task()) {
            self.free_process_group(index);
        }
    }

    /// Ends a process group that has no members, and with the last one its session.
    fn free_process_group(&self, index: u32) -> bool {
        let process_group = self.process_group(index);
        let (pgid, sid) = (process_group.pgid.get(), process_group.sid.get());
        if !process_group.close_if_empty() {
            return false;
        }
        if let Some(entry) = self.tables.pids.entry(pgid) {
            let _ = entry.set_pgrp(index, 0);
        }
        if let Some(entry) = self.tables.pids.entry(sid) {
            entry.leave_session();
        }
        self.tables.process_groups.retire(self.pin, index);
        self.announce_if_free(pgid);
        if sid != pgid {
            self.announce_if_free(sid);
        }
        true
    }

    /// A number for a new task: `wanted`, or by policy when that is 0.
    pub fn claim_pid(&self, wanted: u32) -> Result<u32, Errno> {
        let is_over = |index| self.process_group(index).close_if_empty();
        let dispose = |index| {
            let sid = self.process_group(index).sid.get();
            let pgid = self.process_group(index).pgid.get();
            self.tables.pids.entry(sid).inspect(|entry| entry.leave_session());
            self.tables.process_groups.retire(self.pin, index);
            self.announce_if_free(pgid);
            self.announce_if_free(sid);
        };
        self.tables.pids.claim(self.pin, wanted, is_over, dispose)
    }

    /// The number is no task's any more. It is free unless a process group or a session goes by it.
    pub fn release_pid(&self, pid: u32) {
        self.tables.pids.leave(pid);
        let left = self.tables.pids.entry(pid).map_or(0, |entry| entry.pgrp());
        if left == 0 || !self.free_process_group(left) {
            self.announce_if_free(pid);
        }
    }

    fn announce_if_free(&self, pid: u32) {
        if self.tables.pids.entry(pid).is_some_and(|entry| entry.settle()) {
            self.outbox.put(Event::PidFree { pid });
        }
    }
}
