//! Reap: what is dead is let go, and its number and record are free again.

use crate::host::Event;
use crate::ids::TaskId;
use crate::protocol::notify::status_of;
use crate::protocol::{Call, Found};
use crate::record::exit_word::ExitSnapshot;
use crate::record::task::{Stage, Task};
use crate::record::usage::combined;
use crate::uapi::{Rusage, WaitStatus};

/// Releases a dead thread that is not the leader; `release_task`.
pub fn release_thread(call: &Call, found: Found) {
    found.group.threads.release(found.task.place.get());
    let status = WaitStatus::from_raw(found.task.status.get()).unwrap_or(WaitStatus::exited(0));
    release_task(call, found.id, found.task, None, status, Rusage::default());
}

/// Releases a process that nobody can wait for any more: `waiter` reaped it, or reaped itself.
/// `now` is its last word, which names the slot that it leaves. Called by the thread whose transition
/// made it `Dead`, and by nobody else.
pub fn release_process(call: &Call, index: u32, now: ExitSnapshot, waiter: Option<TaskId>) {
    let group = call.group(index);
    let leader = group.leader.get();
    let (id, task) = (call.id(leader), call.task(leader));
    let usage = combined(group.usage.get(), group.children_usage.get());
    let status = status_of(group);
    let brood = group.brood.get();
    if brood != 0 {
        call.brood(brood).children.clear(call.pin.guard(), now.slot(), index);
        call.drop_if_spent(brood);
    }
    call.leave_process_group(group.process_group.take(0));
    group.threads.release(task.place.get());
    release_task(call, id, task, waiter, status, usage);
    call.tables.groups.retire(call.pin, index);
}

/// The last of a task: its number is free, its handle stale, and its record will be used again.
fn release_task(call: &Call, id: TaskId, task: &Task, waiter: Option<TaskId>, status: WaitStatus, usage: Rusage) {
    let pid = task.tid.get();
    task.go_on(Stage::Dead);
    call.outbox.put(Event::Reaped { task: id, pid, cookie: task.cookie.get(), waiter, status, usage });
    // First the number, then the record: nothing leads to a record that is retired.
    call.release_pid(pid);
    call.tables.tasks.retire(call.pin, id.index());
}
