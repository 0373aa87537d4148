//! Reap: what is dead is let go, and its number and record are free again.

use crate::host::Event;
use crate::ids::TaskId;
use crate::protocol::notify::status_of;
use crate::protocol::{Call, Found};
use crate::record::exit_word::ExitSnapshot;
use crate::record::task::Stage;
use crate::record::usage::combined;
use crate::uapi::{Rusage, WaitStatus};

/// Releases a dead thread that is not the leader; `release_task`.
pub fn release_thread(call: &Call, found: Found) {
    found.group.threads.release(found.task.place.get());
    release_task(call, found.index, None, Rusage::default());
}

/// Releases a process that nobody can wait for any more: it was reaped by `reaper`, or reaped itself.
/// `now` is its last word, which names the slot that it leaves. Called by the thread whose transition
/// made it `Dead`, and by nobody else.
pub fn release_process(call: &Call, index: u32, now: ExitSnapshot, reaper: Option<TaskId>) {
    let group = call.group(index);
    let usage = combined(group.usage.get(), group.children_usage.get());
    let status = status_of(group);
    let brood = group.brood.get();
    if brood != 0 {
        call.brood(brood).children.clear(call.pin.guard(), now.slot(), index);
        call.drop_if_spent(brood);
    }
    call.leave_process_group(group.process_group.take(0));
    let leader = group.leader.get();
    group.threads.release(call.task(leader).place.get());
    call.task(leader).status.set(status.raw());
    release_task(call, leader, reaper, usage);
    call.tables.groups.retire(call.pin, index);
}

/// The last of a task: its number is free, its handle stale, and its record will be used again.
fn release_task(call: &Call, index: u32, reaper: Option<TaskId>, usage: Rusage) {
    let task = call.task(index);
    let pid = task.tid.get();
    task.go_on(Stage::Dead);
    call.outbox.put(Event::Reaped {
        task: call.id(index),
        pid,
        cookie: task.cookie.get(),
        reaper,
        status: WaitStatus::from_raw(task.status.get()).unwrap_or(WaitStatus::exited(0)),
        usage,
    });
    // First the number, then the record: nothing leads to a record that is retired.
    call.release_pid(pid);
    call.tables.tasks.retire(call.pin, index);
}
