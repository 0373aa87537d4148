//! Adopt: who is the parent when the parent is dead, and how a family is handed over.

use crate::ids::TaskId;
use crate::protocol::{Call, Found, pdeathsig};
use crate::record::brood::Brood;
use crate::record::task::{Stage, Task};

/// The thread whose children the brood's children are: the one that bore them until it has exited, then
/// the oldest living thread of its process; `real_parent`. `None` when the whole process is on its way out.
pub fn owner_of(call: &Call, brood: &Brood, parent: u32) -> Option<u32> {
    owner_named(call, brood, parent).map(|(id, _)| id.index())
}

/// The same, with its handle and its record.
pub fn owner_named<'c>(call: &Call<'c>, brood: &Brood, parent: u32) -> Option<(TaskId, &'c Task)> {
    let owner = TaskId::from_bits(brood.owner.get());
    if let Some(task) = call.resolve(owner)
        && task.group.get() == parent
        && matches!(task.stage(), Stage::Running | Stage::Exiting)
    {
        return Some((owner, task));
    }
    oldest_thread(call, parent).map(|index| (call.id(index), call.task(index)))
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
pub enum Heir {
    /// A process that adopts: the nearest living subreaper above, or the namespace's init.
    Process {
        /// Its thread group.
        group: u32,
        /// The thread that the children become children of.
        thread: u32,
    },
    /// Nobody is left: the namespace's init is dying itself.
    Nobody,
}

/// Finds the heir of `group`; `find_new_reaper`. The walk rests on the exit words alone: each names a
/// parent that is dying at worst, and a dying one is passed over.
pub fn find_heir(call: &Call, group: u32) -> Heir {
    let init = call.tables.init();
    let mut above = call.group(group).exit.look().parent();
    while above != 0 && above != init {
        let candidate = call.group(above);
        if candidate.policy.get().is_subreaper()
            && let Some(thread) = oldest_thread(call, above)
        {
            return Heir::Process { group: above, thread };
        }
        above = candidate.exit.look().parent();
    }
    match oldest_thread(call, init) {
        Some(thread) if init != group => Heir::Process { group: init, thread },
        _ => Heir::Nobody,
    }
}

/// A thread dies and its process lives on: a sibling becomes the parent of its children, who notice
/// nothing but a new `real_parent`. If all of the siblings are exiting, the children stay with the process
/// until the last of them has ended.
pub fn hand_to_sibling(call: &Call, dying: Found) {
    match oldest_thread(call, dying.group_index) {
        None => leave_behind(call, dying),
        Some(sibling) => {
            let take = |brood: &Brood| pdeathsig::send(call, brood, dying);
            if hand_broods(call, dying, call.id(sibling).bits(), take) {
                call.task(sibling).adoptions.add(1);
            }
        }
    }
}

/// A thread of a process that is on its way out ends. Its children rank behind those of the threads that
/// ended earlier: in Linux they would be the new parent's by now.
pub fn leave_behind(call: &Call, dying: Found) {
    let own = |brood: &Brood| brood.owner.get() == dying.id.bits();
    // What is all its own keeps its order anyway: the usual case, a process of one thread.
    if dying.group.broods.walk(call.pin, call.broods()).any(|(_, brood)| !own(brood)) {
        hand_broods(call, dying, 0, |_| ());
    }
}

/// With more broods than this, their exact order is not worth what it costs: the newest come last, and
/// that is all.
pub const ORDERED: usize = 256;

/// Hands the broods of a dying thread to the thread `to`, behind all that the process has. Says whether
/// there were any.
fn hand_broods(call: &Call, dying: Found, to: u64, told: impl Fn(&Brood)) -> bool {
    let mine = || {
        let chain = dying.group.broods.walk(call.pin, call.broods());
        chain.filter(|(_, brood)| brood.owner.get() == dying.id.bits())
    };
    let hand = |index: u32, brood: &Brood, rank: u64| {
        brood.seal();
        // Refused when the last thread of the process is dying by now and hands everything to an heir.
        if brood.owner.replace(dying.id.bits(), to) {
            brood.seniority.set(rank);
            told(brood);
            call.drop_if_spent(index);
        }
    };
    let count = mine().count();
    let first = dying.group.next_seniority(count as u64);
    if count > ORDERED {
        // Newest first.
        mine()
            .take(count)
            .enumerate()
            .for_each(|(i, (index, brood))| hand(index, brood, first + (count - 1 - i) as u64));
        return true;
    }
    // Oldest first, so that they keep their order. Progress: a brood that has been handed on, by whomever, is
    // not the dying thread's any more.
    for rank in first..first + count as u64 {
        let Some((index, brood)) = mine().min_by_key(|(_, brood)| brood.seniority.get()) else { break };
        hand(index, brood, rank);
    }
    count > 0
}
