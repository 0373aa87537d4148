//! Fork: clone(2) in two phases. All that can fail, and all memory that the new task's exit and reaping
//! will ever need, is in the first; the second makes the task visible.

use crate::host::Event;
use crate::ids::TaskId;
use crate::lockfree::slab::Fresh;
use crate::protocol::reaper::Reaper;
use crate::protocol::{BroodMembers, Call, Found, exit, ready, reaper};
use crate::record::brood::Brood;
use crate::record::exit_word::ExitSnapshot;
use crate::record::fault::{Fault, left_out};
use crate::record::policy::Policy;
use crate::record::task::{NewTask, Stage, Task, Turn};
use crate::record::thread_group::{NewGroup, ThreadGroup};
use crate::terms::{CloneArgs, CloneKind};
use crate::uapi::{Errno, Signal, SignalSet, WaitStatus};

/// Makes the namespace's init, the one task without a parent. Once only.
pub fn init(call: &Call, args: &CloneArgs) -> Result<TaskId, Errno> {
    if args.kind != CloneKind::Process {
        return Err(Errno::EINVAL);
    }
    if call.tables.init() != 0 {
        return Err(Errno::EEXIST);
    }
    let fresh_task = call.alloc(&call.tables.tasks)?;
    let fresh_group = call.alloc(&call.tables.groups)?;
    let process_group = call.alloc(&call.tables.process_groups)?;
    let (task, group) = (fresh_task.index(), fresh_group.index());
    let pid = call.claim_pid(args.pid)?;
    let record = fresh_group.record();
    let new = NewGroup {
        leader: task,
        pid,
        process_group: process_group.index(),
        uid: 0,
        parent_exec_id: 0,
        policy: Policy::default(),
    };
    record.broods.reset(call.pin, call.broods());
    record.begin(new);
    record.ready_broods.begin(call.pin.guard());
    ready::expect_broods(call, group);
    record.exit.begin(ExitSnapshot::alive(0, 0, None));
    process_group.record().begin(pid, pid, call.pin.stripe());
    let id = begin_task(
        &fresh_task,
        record.admit_leader(),
        group,
        pid,
        (TaskId::from_bits(0), SignalSet::EMPTY),
        args.cookie,
    );
    record.threads.show(fresh_task.record().place.get(), task);
    if !call.tables.claim_init(group) {
        process_group.record().leave(call.pin.stripe());
        call.release_pid(pid);
        return Err(Errno::EEXIST);
    }
    call.name_process_group(pid, process_group.index(), pid);
    process_group.publish();
    fresh_group.publish();
    fresh_task.record().go_on(Stage::Running);
    fresh_task.publish();
    call.tables.pids.publish(pid, task);
    Ok(id)
}

/// Reserves a task and its number: an embryo, which only the caller knows of.
pub fn begin(call: &Call, caller: TaskId, args: &CloneArgs) -> Result<TaskId, Errno> {
    let found = call.find_running(caller)?;
    let _turn = found.task.take_turn().ok_or(Errno::E_STATE)?;
    // A dead namespace comes first, as in Linux: the number is allocated before signals are looked at.
    if call.tables.is_dying() {
        return Err(Errno::ENOMEM);
    }
    if found.group.job.look().is_exiting() {
        return Err(Errno::EINTR);
    }
    if found.task.embryo.get() != 0 {
        return Err(Errno::E_STATE);
    }
    if args.kind == CloneKind::Sibling && found.group_index == call.tables.init() {
        return Err(Errno::EINVAL);
    }
    let fresh_task = call.alloc(&call.tables.tasks)?;
    let creator = (caller, found.task.mask());
    if args.kind == CloneKind::Thread {
        let tid = call.claim_pid(args.pid)?;
        let id = begin_task(&fresh_task, found.group.admit(), found.group_index, tid, creator, args.cookie);
        fresh_task.publish();
        found.task.embryo.set(id.bits());
        return Ok(id);
    }
    let fresh_group = call.alloc(&call.tables.groups)?;
    let brood = match args.kind {
        CloneKind::Sibling => brood_for_sibling(call, found)?,
        CloneKind::Process | CloneKind::Thread => brood_for_child(call, found)?,
    };
    let pid = call.claim_pid(args.pid).inspect_err(|_| give_up_place(call, brood))?;
    let (exit_signal, parent_exec_id) = match args.kind {
        // As Linux: the caller's own, not what was asked for.
        CloneKind::Sibling => (found.group.exit.look().exit_signal(), found.group.parent_exec_id.get()),
        CloneKind::Process | CloneKind::Thread => (args.exit_signal, found.group.exec_id.get()),
    };
    let group = fresh_group.record();
    group.broods.reset(call.pin, call.broods());
    group.begin(NewGroup {
        leader: fresh_task.index(),
        pid,
        process_group: 0,
        uid: found.group.uid.get(),
        parent_exec_id,
        policy: found.group.policy.get().inherited(),
    });
    group.actions.begin_as(&found.group.actions);
    group.ready_broods.begin(call.pin.guard());
    group.exit.begin(ExitSnapshot::alive(0, 0, exit_signal));
    group.brood.set(brood);
    let id = begin_task(&fresh_task, group.admit_leader(), fresh_group.index(), pid, creator, args.cookie);
    fresh_group.publish();
    fresh_task.publish();
    found.task.embryo.set(id.bits());
    Ok(id)
}

fn begin_task(
    fresh: &Fresh<'_, Task>,
    (place, ordinal): (u32, u32),
    group_index: u32,
    tid: u32,
    creator: (TaskId, SignalSet),
    cookie: u64,
) -> TaskId {
    let (creator, mask) = (creator.0.bits(), creator.1);
    fresh.record().begin(NewTask { group: group_index, tid, ordinal, place, creator, cookie, mask });
    TaskId::new(fresh.index(), fresh.generation())
}

/// The brood that takes the caller's next child, with a place reserved in it. A new one is opened when
/// the last was closed by an inheritance: what came in between is older than the child to come.
fn brood_for_child(call: &Call, caller: Found) -> Result<u32, Errno> {
    let task = caller.task;
    let current = task.brood.get();
    let inheritances = task.inheritances.get();
    if current != 0 && call.brood(current).opened_at.get() == inheritances {
        reserve(call, call.brood(current))?;
        return Ok(current);
    }
    let fresh = call.alloc(&call.tables.broods)?;
    let brood = fresh.record();
    brood.begin(caller.id.bits(), caller.group_index, caller.group.next_seniority(1), inheritances);
    reserve(call, brood)?;
    let index = fresh.index();
    fresh.publish();
    if caller.group.broods.push(call.pin, call.broods(), index).is_err() {
        // The process is dying while one of its threads clones: the host has mixed up its threads.
        call.retire_brood(index);
        return Err(Errno::E_STATE);
    }
    ready::make_room(call, caller.group_index, index);
    if current != 0 {
        call.seal(current);
    }
    task.brood.set(index);
    Ok(index)
}

/// A brood for one child of somebody else: it joins the parent's chain when the child is committed, as
/// a reparenting does.
fn brood_for_sibling(call: &Call, caller: Found) -> Result<u32, Errno> {
    let fresh = call.alloc(&call.tables.broods)?;
    fresh.record().begin(0, 0, 0, 0);
    reserve(call, fresh.record())?;
    let index = fresh.index();
    fresh.publish();
    ready::make_room(call, caller.group.exit.look().parent(), index);
    Ok(index)
}

fn reserve(call: &Call, brood: &Brood) -> Result<(), Errno> {
    brood
        .children
        .reserve(call.pin.guard(), &BroodMembers { call, brood, of: brood.group() }, 1)
        .map_err(|_| Errno::ENOMEM)
}

/// Undoes what [`brood_for_child`] or [`brood_for_sibling`] reserved.
fn give_up_place(call: &Call, index: u32) {
    let brood = call.brood(index);
    brood.children.unreserve(call.pin.guard(), 1);
    if brood.group() == 0 {
        call.retire_brood(index);
    }
}

/// Takes an embryo out of the hands of whoever else may have its handle, with its creator and the
/// creator's turn. The creator is there: it cannot finish its exit before its embryo is committed or
/// aborted.
fn claim_embryo<'c>(call: &Call<'c>, child: TaskId) -> Result<(Found<'c>, Found<'c>, Turn<'c>), Errno> {
    let embryo = call.find(child)?;
    if embryo.task.stage() != Stage::Embryo {
        return Err(Errno::E_STATE);
    }
    let creator = call.find(TaskId::from_bits(embryo.task.creator.get()))?;
    let turn = creator.task.take_turn().ok_or(Errno::E_STATE)?;
    if creator.task.embryo.get() != child.bits() || !embryo.task.advance(Stage::Embryo, Stage::Committing) {
        return Err(Errno::E_STATE);
    }
    creator.task.embryo.set(0);
    Ok((embryo, creator, turn))
}

/// Makes the embryo a task. EINTR: its creator, or the creator's whole process, is exiting; the embryo
/// is gone.
pub fn commit(call: &Call, child: TaskId) -> Result<(), Errno> {
    let (embryo, creator, _turn) = claim_embryo(call, child)?;
    let refusal = if call.tables.is_dying() {
        Some(Errno::ENOMEM)
    } else {
        let exits = creator.task.stage() != Stage::Running || creator.group.job.look().is_exiting();
        exits.then_some(Errno::EINTR)
    };
    if let Some(why) = refusal {
        abandon(call, embryo, creator);
        return Err(why);
    }
    if embryo.group_index == creator.group_index {
        return commit_thread(call, embryo, creator);
    }
    join_process_group(call, embryo.group, creator.group);
    embryo.group.threads.show(embryo.task.place.get(), embryo.index);
    let brood = call.brood(embryo.group.brood.get());
    if brood.group() == 0 {
        link_to_parent_of(call, creator, embryo);
    } else {
        append(call, embryo, brood, creator.group_index);
    }
    embryo.task.go_on(Stage::Running);
    call.tables.pids.publish(embryo.task.tid.get(), embryo.index);
    if call.tables.has_died_by_now() {
        // Init has died in between, and its sweep may have passed by: the newborn goes with the others.
        exit::kill(call, embryo.group, WaitStatus::signaled(Signal::SIGKILL, false));
    }
    Ok(())
}

fn append(call: &Call, embryo: Found, brood: &Brood, parent: u32) {
    let exit_signal = embryo.group.exit.look().exit_signal();
    brood.children.append(call.pin.guard(), &BroodMembers { call, brood, of: parent }, embryo.group_index, |slot| {
        embryo.group.exit.begin(ExitSnapshot::alive(parent, slot, exit_signal));
    });
}

/// `CLONE_PARENT`: the child's brood of one joins the chain of the caller's parent, or of that one's
/// reaper if it has closed its chain on its own way out.
fn link_to_parent_of(call: &Call, creator: Found, embryo: Found) {
    let index = embryo.group.brood.get();
    let brood = call.brood(index);
    let mut parent = creator.group.exit.look().parent();
    append(call, embryo, brood, parent);
    // Progress: a closed chain stays closed, and the search for a reaper passes its process over.
    while parent != 0 {
        let thread = reaper::parent_of(call, call.brood(creator.group.brood.get()), parent);
        let thread_id = thread.map_or(0, |thread| call.id(thread).bits());
        brood.begin(thread_id, parent, call.group(parent).next_seniority(1), 0);
        brood.seal();
        // Nobody knows the child before the brood is in a chain: its word may still be written.
        let word = embryo.group.exit.look();
        embryo.group.exit.begin(ExitSnapshot::alive(parent, word.slot(), word.exit_signal()));
        if call.group(parent).broods.push(call.pin, call.broods(), index).is_ok() {
            if let Some(thread) = thread {
                call.task(thread).inheritances.add(1);
            }
            return;
        }
        if left_out(Fault::ReaperAfterClosed) {
            return;
        }
        parent = match reaper::find_reaper(call, parent) {
            Reaper::Process { group, .. } => group,
            Reaper::Nobody => 0,
        };
    }
    let word = embryo.group.exit.look();
    embryo.group.exit.begin(ExitSnapshot::alive(0, word.slot(), word.exit_signal()));
    brood.abandon();
}

/// The child is where its parent is. A parent that moves between the two steps has not been there all
/// the time, so its old group may be gone: then again.
fn join_process_group(call: &Call, child: &ThreadGroup, parent: &ThreadGroup) {
    loop {
        let index = parent.process_group.get();
        let process_group = call.process_group(index);
        process_group.join_beside_member(call.pin.stripe());
        if parent.process_group.get() == index {
            child.process_group.set(index);
            return;
        }
        call.leave_process_group(index);
    }
}

/// The counts take the thread in, or refuse it: the group has no room, or is exiting. Only then it is shown.
fn commit_thread(call: &Call, embryo: Found, creator: Found) -> Result<(), Errno> {
    let group = creator.group;
    if let Err(why) = count_in(group) {
        abandon(call, embryo, creator);
        return Err(why);
    }
    group.threads.show(embryo.task.place.get(), embryo.index);
    embryo.task.go_on(Stage::Running);
    call.tables.pids.publish(embryo.task.tid.get(), embryo.index);
    let job = group.job.look_by_now();
    if job.is_exiting() || job.is_stopping() {
        // A group exit, or a stop, that began in between may have looked through the threads too early.
        call.outbox.put(Event::Interrupt { task: embryo.id, cookie: embryo.task.cookie.get() });
    }
    Ok(())
}

/// The thread is counted as one that is there before it counts as one that runs: whoever begins to exit has been
/// counted in both.
fn count_in(group: &ThreadGroup) -> Result<(), Errno> {
    group.word.join().map_err(|_| Errno::EAGAIN)?;
    group.job.join().map_err(|_| {
        group.word.unjoin();
        Errno::EINTR
    })
}

/// Gives everything back that [`begin`] reserved.
pub fn abort(call: &Call, child: TaskId) -> Result<(), Errno> {
    let (embryo, creator, _turn) = claim_embryo(call, child)?;
    abandon(call, embryo, creator);
    Ok(())
}

/// An embryo is gone: number, place, reservation and records.
fn abandon(call: &Call, embryo: Found, creator: Found) {
    embryo.task.advance(Stage::Committing, Stage::Dead);
    embryo.group.threads.release(embryo.task.place.get());
    call.release_pid(embryo.task.tid.get());
    if embryo.group_index != creator.group_index {
        give_up_place(call, embryo.group.brood.get());
        call.tables.groups.retire(call.pin, embryo.group_index);
    }
    call.tables.tasks.retire(call.pin, embryo.index);
}
