//! Inspect: attributes and look-ups. Nothing here changes who is whose child.

use crate::ids::TaskId;
use crate::protocol::{BroodMembers, Call, ready, reaper};
use crate::record::brood::Brood;
use crate::record::pdeathsig;
use crate::record::task::{Stage, Task};
use crate::record::thread_group::ThreadGroup;
use crate::terms::{Attr, AttrKind, Disposition, ListFilter, SigchldPolicy, TaskInfo, TaskState};
use crate::uapi::{Errno, Rusage, Signal, SignalSet};

/// prctl(2), sigaction(2) on SIGCHLD, setuid(2), as far as the family is concerned.
pub fn set_attr(call: &Call, task: TaskId, attr: Attr) -> Result<(), Errno> {
    let found = call.find_visible(task)?;
    match attr {
        Attr::Subreaper(on) => {
            if on {
                ready::expect_broods(call, found.group_index);
            }
            found.group.policy.update(|policy| policy.with_subreaper(on));
        }
        Attr::Sigchld(SigchldPolicy { ignore, no_cld_wait, no_cld_stop }) => found
            .group
            .policy
            .update(|policy| policy.with_ignore(ignore).with_no_cld_wait(no_cld_wait).with_no_cld_stop(no_cld_stop)),
        Attr::Pdeathsig(signal) => {
            let brood = found.group.brood.get();
            let has_asked = (brood != 0).then(|| &call.brood(brood).has_pdeathsig);
            pdeathsig::ask(found.task, signal, has_asked);
        }
        Attr::Cookie(cookie) => found.task.cookie.set(cookie),
        Attr::Uid(uid) => found.group.uid.set(uid),
        Attr::Mask(mask) => found.task.set_mask(mask),
        Attr::Action(signal, _) if SignalSet::UNBLOCKABLE.contains(signal) => return Err(Errno::EINVAL),
        Attr::Action(signal, disposition) => {
            if signal == Signal::SIGCHLD {
                found.group.policy.update(|policy| policy.with_ignore(disposition == Disposition::Ignore));
            }
            found.group.actions.set(signal, disposition);
        }
    }
    Ok(())
}

/// The other way round.
pub fn get_attr(call: &Call, task: TaskId, kind: AttrKind) -> Result<Attr, Errno> {
    let found = call.find_visible(task)?;
    let policy = found.group.policy.get();
    Ok(match kind {
        AttrKind::Subreaper => Attr::Subreaper(policy.is_subreaper()),
        AttrKind::Pdeathsig => Attr::Pdeathsig(found.task.pdeathsig()),
        AttrKind::Sigchld => Attr::Sigchld(SigchldPolicy {
            ignore: policy.ignores_sigchld(),
            no_cld_wait: policy.no_cld_wait(),
            no_cld_stop: policy.no_cld_stop(),
        }),
        AttrKind::Cookie => Attr::Cookie(found.task.cookie.get()),
        AttrKind::Uid => Attr::Uid(found.group.uid.get()),
        AttrKind::Mask => Attr::Mask(found.task.mask()),
        AttrKind::Action(signal) => Attr::Action(signal, found.group.actions.of(signal).unwrap_or_default()),
    })
}

/// The task with this number.
pub fn pid_lookup(call: &Call, pid: u32) -> Result<TaskId, Errno> {
    let index = call.tables.pids.lookup(pid);
    let task = call.tables.tasks.get(call.pin, index).ok_or(Errno::ESRCH)?;
    if task.is_visible() { Ok(call.id(index)) } else { Err(Errno::ESRCH) }
}

/// Everything about one task.
pub fn task_info(call: &Call, id: TaskId) -> Result<TaskInfo, Errno> {
    let found = call.find(id)?;
    let (task, group) = (found.task, found.group);
    let state = match task.stage() {
        Stage::Embryo | Stage::Committing => TaskState::Embryo,
        Stage::Running if group.job.look().has_stopped(task.stopped_at()) => TaskState::Stopped,
        Stage::Running => TaskState::Running,
        Stage::Initiated => TaskState::Initiated,
        Stage::Zombie => TaskState::Zombie,
        Stage::Dead => return Err(Errno::ESRCH),
    };
    Ok(TaskInfo {
        tid: task.tid.get(),
        tgid: group.pid.get(),
        ppid: parent_pid(call, group),
        pgid: call.pgid_of(group),
        sid: call.sid_of(group),
        uid: group.uid.get(),
        state,
        threads: group.word.look().undead(),
        leader: call.id(group.leader.get()),
        cookie: task.cookie.get(),
        status: group.job.status(),
    })
}

/// getppid(2): 0 for a process without a parent.
fn parent_pid(call: &Call, group: &ThreadGroup) -> u32 {
    match group.exit.look().parent() {
        0 => 0,
        parent => call.group(parent).pid.get(),
    }
}

/// Handles of the tasks that `filter` asks for: as many as fit, and how many there are.
pub fn list(call: &Call, filter: ListFilter, tasks: &mut [TaskId]) -> Result<usize, Errno> {
    let mut count = 0;
    let mut add = |index: u32| {
        if let Some(place) = tasks.get_mut(count) {
            *place = call.id(index);
        }
        count += 1;
    };
    match filter {
        ListFilter::Processes => leaders(call).for_each(|(index, _)| add(index)),
        ListFilter::Group(pgid) => leaders(call)
            .filter(|(_, task)| call.pgid_of(call.group_of(task)) == pgid)
            .for_each(|(index, _)| add(index)),
        ListFilter::Threads(task) => call.find_visible(task)?.group.threads.for_each(|index| {
            add(index);
            true
        }),
        ListFilter::Children(task) => children(call, task, add)?,
    }
    Ok(count)
}

/// Every thread-group leader there is.
fn leaders<'c>(call: &'c Call<'c>) -> impl Iterator<Item = (u32, &'c Task)> {
    call.every_task().filter(|&(index, task)| task.is_visible() && call.group_of(task).leader.get() == index)
}

/// The children of a process: those of its leader first, then those of its other threads from the oldest
/// on, each thread's in the order in which they came to it.
fn children(call: &Call, task: TaskId, mut add: impl FnMut(u32)) -> Result<(), Errno> {
    let found = call.find_visible(task)?;
    let rank = |brood: &Brood| {
        let parent = reaper::parent_of(call, brood, found.group_index);
        (parent.map_or(u32::MAX, |thread| call.task(thread).ordinal.get()), brood.seniority.get())
    };
    let mut last = None;
    // One walk for each brood: there are as many as threads that have forked, and families inherited.
    while let Some((rank, brood)) = found
        .group
        .broods
        .walk(call.pin, call.broods())
        .filter(|(_, brood)| brood.group() == found.group_index)
        .inspect(|(_, brood)| brood.arrive(found.group_index))
        .map(|(_, brood)| (rank(brood), brood))
        .filter(|(rank, _)| last.is_none_or(|last| *rank > last))
        .min_by_key(|(rank, _)| *rank)
    {
        last = Some(rank);
        let view = brood.children.view(call.pin.guard());
        view.first_living(&BroodMembers { call, brood, of: found.group_index }, |child, seen| {
            if seen.parent() == found.group_index {
                add(call.group(child).leader.get());
            }
            false
        });
    }
    Ok(())
}

/// What the waited-for children of a process used.
pub fn children_usage(call: &Call, task: TaskId) -> Result<Rusage, Errno> {
    Ok(call.find_visible(task)?.group.children_usage.get())
}
