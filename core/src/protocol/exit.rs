//! Exit: a thread, or a whole process, goes.

use crate::host::Event;
use crate::ids::TaskId;
use crate::protocol::notify;
use crate::protocol::orphan::{self, Occasion};
use crate::protocol::{Call, Found, reap, reparent, stop};
use crate::record::exit_word::{ExitSnapshot, ExitState, Refused};
use crate::record::fault::{Fault, left_out};
use crate::record::task::Stage;
use crate::record::thread_group::ThreadGroup;
use crate::uapi::{Errno, Rusage, Signal, WaitStatus};

/// Decides the status of the whole process, if nobody has, and tells its threads to exit; the first
/// half of `do_group_exit`. The caller still has to exit itself.
pub fn exit_group(call: &Call, task: TaskId, status: WaitStatus) -> Result<WaitStatus, Errno> {
    let found = call.find_visible(task)?;
    let (status, first) = found.group.job.exit_group(status, || call.ledger_of(found.group));
    if first {
        interrupt_threads(call, found.group, Some(found.index));
    }
    Ok(status)
}

/// Tells every thread of the process but `except` to look what it has to do: to exit (`zap_other_threads`), to stop or
/// to go on.
pub fn interrupt_threads(call: &Call, group: &ThreadGroup, except: Option<u32>) {
    group.threads.for_each(|index| {
        let task = call.task(index);
        if Some(index) != except && task.stage() == Stage::Running {
            call.outbox.put(Event::Interrupt { task: call.id(index), cookie: task.cookie.get() });
        }
        true
    });
}

/// The thread is past the point of no return (`PF_EXITING`): it inherits no more children and takes no more signals.
/// Returns the status it exits with, which is the group's if that is decided.
pub fn begin(call: &Call, task: TaskId, status: WaitStatus) -> Result<WaitStatus, Errno> {
    let found = call.find_visible(task)?;
    let _turn = found.task.take_turn().ok_or(Errno::E_STATE)?;
    if !found.task.advance(Stage::Running, Stage::Initiated) {
        return Err(Errno::E_STATE);
    }
    found.group.waiters.forget(found.task.place.get());
    found.task.waiter.disarm();
    let begun = found.group.job.begin_exit(status, found.task.stopped_at(), || call.ledger_of(found.group));
    found.task.status.set(begun.status.raw());
    if let Some(signal) = begun.completed_stop {
        stop::tell_of_stop(call, found.group_index, found.group, signal);
    }
    Ok(begun.status)
}

/// The thread's resources are gone. Hands over its children, and releases it or leaves it as a zombie;
/// `exit_notify`. Takes no lock, needs no memory of its own (the epoch's garbage queue may grow) and cannot
/// fail once it has begun.
pub fn finish(call: &Call, task: TaskId, usage: &Rusage) -> Result<(), Errno> {
    let found = call.find_visible(task)?;
    let _turn = found.task.take_turn().ok_or(Errno::E_STATE)?;
    if found.task.stage() != Stage::Initiated || found.task.embryo.get() != 0 {
        return Err(Errno::E_STATE);
    }
    let group = found.group;
    group.usage.add(usage);
    // Before it counts itself off: the last one finds all that the others have left in its final order.
    if !left_out(Fault::LeftBeforeFinished) {
        reparent::leave(call, found);
    }
    let last = group.word.finish();
    if left_out(Fault::LeftBeforeFinished) {
        reparent::leave(call, found);
    }
    if last {
        if found.group_index == call.tables.init() && call.tables.start_dying() {
            kill_namespace(call, found.group_index);
        }
        if !left_out(Fault::BequeathedBeforeZombie) {
            reparent::bequeath(call, found);
        }
        orphan::look_after_group(call, found.group_index, Occasion::Ends);
    }
    let is_leader = group.leader.get() == found.index;
    let emptied = if is_leader {
        if !left_out(Fault::StageBeforeZombie) {
            found.task.go_on(Stage::Zombie);
        }
        group.word.leader_dies()
    } else {
        reap::release_thread(call, found);
        group.word.release_thread()
    };
    if emptied {
        become_zombie(call, found.group_index);
    }
    if left_out(Fault::StageBeforeZombie) && is_leader {
        found.task.go_on(Stage::Zombie);
    }
    if left_out(Fault::BequeathedBeforeZombie) && group.word.look().live() == 0 {
        reparent::bequeath(call, found);
    }
    Ok(())
}

/// Nothing but the dead leader is left: from here on the process is its parent's to wait for.
fn become_zombie(call: &Call, index: u32) {
    let group = call.group(index);
    let die = |seen: ExitSnapshot| {
        let notification = notify::decide(call, group, seen);
        let is_told = notification.signal.is_some();
        group.teller.set(0);
        group.exit.apply_to(seen, |word| word.die(notification.autoreap, is_told)).map(|now| (now, notification))
    };
    // Progress: an exchange fails only when the process was reparented or moved in its brood meanwhile.
    let (now, notification) = loop {
        match die(group.exit.look()) {
            Ok(done) => break done,
            Err(Refused::NotYours) => {}
            // This function is the only one that ends a life, and runs once in each.
            Err(_) => return,
        }
    };
    announce_exit(call, group.leader.get(), notify::status_of(group));
    if now.state() == ExitState::Zombie {
        call.brood(group.brood.get()).children.set_ready(call.pin.guard(), now.slot());
    }
    notify::tell_parent(call, index, group, now, notification);
    if notification.autoreap {
        reap::release_process(call, index, now, None);
    }
}

fn announce_exit(call: &Call, leader: u32, status: WaitStatus) {
    call.outbox.put(Event::Exited { task: call.id(leader), cookie: call.task(leader).cookie.get(), status });
}

/// The namespace's init has died: every other process must go with it, by SIGKILL;
/// `zap_pid_ns_processes`. That init waits for them is not in this version.
fn kill_namespace(call: &Call, init: u32) {
    for (_, task) in call.every_task() {
        if task.stage() == Stage::Running && task.group.get() != init {
            kill(call, call.group_of(task), WaitStatus::signaled(Signal::SIGKILL, false));
        }
    }
}

/// A signal ends a process: its status is decided, and all of its threads are told.
pub fn kill(call: &Call, group: &ThreadGroup, status: WaitStatus) {
    if group.job.exit_group(status, || call.ledger_of(group)).1 {
        interrupt_threads(call, group, None);
    }
}

/// The death of a whole process, seen from outside: every thread that is left exits, the leader last, and
/// the last one carries what all of them used. E_STATE when a call of one of the threads is under way: then
/// some may have exited, nothing is booked, and the report can be made again.
pub fn report(call: &Call, task: TaskId, status: WaitStatus, usage: &Rusage) -> Result<(), Errno> {
    let found = call.find_visible(task)?;
    if found.task.stage() == Stage::Zombie && found.group.exit.look().state() != ExitState::Alive {
        return Err(Errno::ESRCH);
    }
    if has_embryo(call, found) {
        return Err(Errno::E_STATE);
    }
    found.group.job.exit_group(status, || call.ledger_of(found.group));
    let last = last_to_exit(call, found);
    let mut refused = None;
    found.group.threads.for_each(|index| {
        if index != last {
            refused = exit_now(call, index, status, &Rusage::default()).err();
        }
        refused.is_none()
    });
    refused.map_or_else(|| exit_now(call, last, status, usage), Err)
}

/// The thread that exits last of those that are left: the leader, or any if that has exited already.
fn last_to_exit(call: &Call, found: Found) -> u32 {
    let mut last = found.group.leader.get();
    if call.task(last).stage() == Stage::Zombie {
        found.group.threads.for_each(|index| {
            if matches!(call.task(index).stage(), Stage::Running | Stage::Initiated) {
                last = index;
            }
            call.task(last).stage() == Stage::Zombie
        });
    }
    last
}

/// Is one of the threads between the two phases of clone(2)? Then that must be ended first.
fn has_embryo(call: &Call, found: Found) -> bool {
    let mut any = false;
    found.group.threads.for_each(|index| {
        any |= call.task(index).embryo.get() != 0;
        !any
    });
    any
}

/// Both phases for a thread at whatever point it is; a dead leader needs neither.
fn exit_now(call: &Call, index: u32, status: WaitStatus, usage: &Rusage) -> Result<(), Errno> {
    let id = call.id(index);
    match call.task(index).stage() {
        Stage::Running => {
            begin(call, id, status)?;
            finish(call, id, usage)
        }
        Stage::Initiated => finish(call, id, usage),
        Stage::Embryo | Stage::Committing | Stage::Zombie | Stage::Dead => Ok(()),
    }
}
