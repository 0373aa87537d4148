//! Reaper: who is the parent when the parent is dead.

use crate::ids::TaskId;
use crate::protocol::Call;
use crate::record::brood::Brood;
use crate::record::task::{Stage, Task};

/// The thread whose children the brood's children are: the one that bore them until it has exited, then
/// the oldest living thread of its process; `real_parent`. `None` when the whole process is on its way out.
pub fn parent_of(call: &Call, brood: &Brood, group: u32) -> Option<u32> {
    parent_named(call, brood, group).map(|(id, _)| id.index())
}

/// The same, with its handle and its record.
pub fn parent_named<'c>(call: &Call<'c>, brood: &Brood, group: u32) -> Option<(TaskId, &'c Task)> {
    let parent = TaskId::from_bits(brood.parent.get());
    if let Some(task) = call.resolve(parent)
        && task.group.get() == group
        && matches!(task.stage(), Stage::Running | Stage::Initiated)
    {
        return Some((parent, task));
    }
    oldest_thread(call, group).map(|index| (call.id(index), call.task(index)))
}

/// The first thread of the group that is not exiting, in thread-list order; `find_alive_thread`.
pub fn oldest_thread(call: &Call, group: u32) -> Option<u32> {
    let mut oldest: Option<(u32, u32)> = None;
    call.group(group).threads.for_each(|index| {
        let task = call.task(index);
        if task.stage() == Stage::Running && oldest.is_none_or(|(ordinal, _)| task.ordinal.get() < ordinal) {
            oldest = Some((task.ordinal.get(), index));
        }
        true
    });
    oldest.map(|(_, index)| index)
}

/// Who inherits when a whole process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaper {
    /// The nearest living subreaper above, or the namespace's init.
    Process {
        /// Its thread group.
        group: u32,
        /// The thread that the children become children of.
        thread: u32,
    },
    /// Nobody is left: the namespace's init is dying itself.
    Nobody,
}

/// Finds the reaper of `group`; `find_new_reaper`. The walk rests on the exit words alone: each names a
/// parent that is dying at worst, and a dying one is passed over.
pub fn find_reaper(call: &Call, group: u32) -> Reaper {
    let init = call.tables.init();
    let mut above = call.group(group).exit.look().parent();
    while above != 0 && above != init {
        let candidate = call.group(above);
        if candidate.policy.get().is_subreaper()
            && let Some(thread) = oldest_thread(call, above)
        {
            return Reaper::Process { group: above, thread };
        }
        above = candidate.exit.look().parent();
    }
    match oldest_thread(call, init) {
        Some(thread) if init != group => Reaper::Process { group: init, thread },
        _ => Reaper::Nobody,
    }
}
