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
    release_task(call, found.index, None, found.group.word.status(), Rusage::default());
}

/// Releases a process that nobody can wait for any more: it was reaped by `reaper`, or reaped itself.
/// `now` is its last word, which names the slot that it leaves. Called by the thread whose transition
/// made it `Dead`, and by nobody else.
pub fn release_process(call: &Call, index: u32, now: ExitSnapshot, reaper: Option<TaskId>) {
    let group = call.group(index);
    let usage = combined(group.usage.get(), group.children_usage.get());
    let status = status_of(group);
    let brood_index = group.brood.get();
    if brood_index != 0 {
        let brood = call.brood(brood_index);
        brood.children.clear(call.pin, now.slot());
        if brood.is_spent() {
            drop_brood(call, brood_index);
        }
    }
    leave_process_group(call, group.process_group.take(0));
    let leader = group.leader.get();
    group.threads.release(call.task(leader).place.get());
    release_task(call, leader, reaper, Some(status), usage);
    call.tables.groups.retire(call.pin, index);
}

/// The last of a task: its number is free, its handle stale, and its record will be used again.
fn release_task(call: &Call, index: u32, reaper: Option<TaskId>, status: Option<WaitStatus>, usage: Rusage) {
    let task = call.task(index);
    let pid = task.tid.get();
    task.advance(task.stage(), Stage::Dead);
    let event = Event::Reaped {
        task: call.id(index),
        pid,
        cookie: task.cookie.get(),
        reaper,
        status: status.unwrap_or(WaitStatus::exited(0)),
        usage,
    };
    let free = call.tables.release_pid(call.pin, pid, index);
    call.tables.tasks.retire(call.pin, index);
    call.outbox.put(event);
    if free {
        call.outbox.put(Event::PidFree { pid });
    }
}

/// A process is in that process group no more. The last one out frees the group, and its number.
pub fn leave_process_group(call: &Call, process_group: u32) {
    if process_group == 0 {
        return;
    }
    call.tables.process_groups.get(call.pin, process_group).leave(call.pin.stripe());
    call.tables.free_process_group(call.pin, process_group, |pid| call.outbox.put(Event::PidFree { pid }));
}

/// A spent brood leaves the chain it hangs in.
pub fn drop_brood(call: &Call, index: u32) {
    let _ = (call, index);
}
