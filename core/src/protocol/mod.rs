//! The verbs: what happens to tasks and processes.
//!
//! Each protocol has three beats: it decides (reads snapshots), commits (one named transition) and
//! tells (puts events into the outbox). No `Ordering` is spelled here.

pub mod exec;
pub mod exit;
pub mod fork;
pub mod generate;
pub mod inspect;
pub mod membership;
pub mod notify;
pub mod orphan;
pub mod outbox;
pub mod pdeathsig;
pub mod ready;
pub mod reap;
pub mod reaper;
pub mod reparent;
pub mod report;
pub mod signal;
pub mod stop;
pub mod wait;

use crate::ids::TaskId;
use crate::lockfree::ready_index::{Life, Members};
use crate::lockfree::seat::Pin;
use crate::lockfree::slab::{Fresh, Record, Slab};
use crate::protocol::outbox::Outbox;
use crate::record::brood::Brood;
use crate::record::exit_word::{ExitSnapshot, ExitState};
use crate::record::fault::{Fault, left_out};
use crate::record::process_group::ProcessGroup;
use crate::record::tables::Tables;
use crate::record::task::{Stage, Task};
use crate::record::thread_group::ThreadGroup;
use crate::uapi::Errno;

/// One call into the tree: where the records are, the seat that keeps them from being recycled, and
/// what the host will be told at the end.
pub struct Call<'c> {
    /// The records.
    pub tables: &'c Tables,
    /// Keeps every record that this call comes across from being recycled.
    pub pin: &'c Pin<'c>,
    /// What the host will be told.
    pub outbox: &'c Outbox<'c>,
}

/// A task that a handle names.
#[derive(Clone, Copy)]
pub struct Found<'c> {
    /// Its number.
    pub index: u32,
    /// Its handle.
    pub id: TaskId,
    /// Its record.
    pub task: &'c Task,
    /// Its thread group's number.
    pub group_index: u32,
    /// Its thread group.
    pub group: &'c ThreadGroup,
}

/// A number that one record holds of another always names a record that was made.
const NAMED: &str = "records name only records that were made";

impl<'c> Call<'c> {
    /// The record that `id` names, whatever its stage.
    #[inline]
    pub fn resolve(&self, id: TaskId) -> Option<&'c Task> {
        self.tables.tasks.resolve(self.pin, id.index(), id.generation())
    }

    /// The task that `id` names, whatever its stage.
    #[inline]
    pub fn find(&self, id: TaskId) -> Result<Found<'c>, Errno> {
        let task = self.resolve(id).ok_or(Errno::ESRCH)?;
        let group_index = task.group.get();
        Ok(Found { index: id.index(), id, task, group_index, group: self.group(group_index) })
    }

    /// The task that `id` names, if it is one that others may know of.
    #[inline]
    pub fn find_visible(&self, id: TaskId) -> Result<Found<'c>, Errno> {
        let found = self.find(id)?;
        if found.task.is_visible() { Ok(found) } else { Err(Errno::ESRCH) }
    }

    /// The task that `id` names, if it is alive and not exiting.
    #[inline]
    pub fn find_running(&self, id: TaskId) -> Result<Found<'c>, Errno> {
        let found = self.find(id)?;
        if found.task.stage() == Stage::Running { Ok(found) } else { Err(Errno::ESRCH) }
    }

    /// The thread group of that number.
    pub fn group(&self, index: u32) -> &'c ThreadGroup {
        self.tables.groups.get(self.pin, index).expect(NAMED)
    }

    /// The task of that number.
    pub fn task(&self, index: u32) -> &'c Task {
        self.tables.tasks.get(self.pin, index).expect(NAMED)
    }

    /// The brood of that number.
    pub fn brood(&self, index: u32) -> &'c Brood {
        self.tables.broods.get(self.pin, index).expect(NAMED)
    }

    /// All broods, for walking a chain of them.
    pub fn broods(&self) -> &'c Slab<Brood> {
        &self.tables.broods
    }

    /// The process group of that number.
    pub fn process_group(&self, index: u32) -> &'c ProcessGroup {
        self.tables.process_groups.get(self.pin, index).expect(NAMED)
    }

    /// The handle of the task of that number. A task that was released meanwhile keeps the one it had: its
    /// record is not used again before this call ends, and what is told of it must name it.
    pub fn id(&self, task: u32) -> TaskId {
        TaskId::new(task, self.tables.tasks.generation(self.pin, task).wrapping_sub(1) | 1)
    }

    /// A record to be filled. EAGAIN when the limit is reached.
    pub fn alloc<T: Record>(&self, slab: &'c Slab<T>) -> Result<Fresh<'c, T>, Errno> {
        slab.alloc(self.pin).map_err(|_| Errno::EAGAIN)
    }

    /// Every task record there has ever been, whatever its stage.
    pub fn every_task(&self) -> impl Iterator<Item = (u32, &'c Task)> {
        (1..=self.tables.tasks.carved()).filter_map(|index| Some((index, self.tables.tasks.get(self.pin, index)?)))
    }

    /// The thread group of a task; of a record that is nobody's, some group.
    pub fn group_of(&self, task: &Task) -> &'c ThreadGroup {
        self.group(task.group.get())
    }

    /// The thread group whose leader has this ID.
    pub fn leader_by_pid(&self, pid: u32) -> Option<u32> {
        let index = self.tables.pids.lookup(pid);
        let task = self.tables.tasks.get(self.pin, index).filter(|task| task.is_visible())?;
        let group = task.group.get();
        (self.group(group).leader.get() == index).then_some(group)
    }

    /// The thread group whose leader this is; other threads are nobody's children.
    pub fn group_led_by(&self, task: TaskId) -> Option<u32> {
        let found = self.find_visible(task).ok()?;
        (found.group.leader.get() == found.index).then_some(found.group_index)
    }

    /// The ID of the process group that a process is in; 0 once it has been reaped.
    pub fn pgid_of(&self, group: &ThreadGroup) -> u32 {
        match group.process_group.get() {
            0 => 0,
            index => self.process_group(index).pgid.get(),
        }
    }

    /// Gives a brood that is in no chain back.
    pub fn retire_brood(&self, index: u32) {
        self.brood(index).children.retire(self.pin.guard());
        self.tables.broods.retire(self.pin, index);
    }

    /// Takes a brood out of its chain if no child is left in it and none will be born into it.
    pub fn drop_if_spent(&self, index: u32) {
        let brood = self.brood(index);
        let parent = brood.group();
        if parent != 0 && brood.is_sealed() && brood.children.is_empty(self.pin.guard(), &Census { call: self }) {
            self.group(parent).broods.remove(self.pin, self.broods(), index);
        }
    }

    /// Closes a brood to further births.
    pub fn seal(&self, index: u32) {
        self.brood(index).seal();
        self.drop_if_spent(index);
    }
}

/// The children of one brood, as the index of them sees their words, looked at for one process.
///
/// Looking at a child settles whether it is that process's: one that is still to be handed over to it is
/// handed over by whoever looks first. Only who has found the brood in the process's own chain may look
/// so: what a parent is told of must be there for it to find.
pub struct BroodMembers<'c> {
    /// The call under way.
    pub call: &'c Call<'c>,
    /// The brood.
    pub brood: &'c Brood,
    /// The process in whose chain the brood is; 0 when nobody inherits it.
    pub of: u32,
}

impl Members for BroodMembers<'_> {
    type Seen = ExitSnapshot;

    fn look(&self, child: u32) -> ExitSnapshot {
        if left_out(Fault::SearchersHelp) {
            return self.call.group(child).exit.look();
        }
        reparent::hand_over(self.call, child, self.brood, self.of)
    }

    fn slot(seen: ExitSnapshot) -> u32 {
        seen.slot()
    }

    fn life(seen: ExitSnapshot) -> Life {
        match seen.state() {
            ExitState::Alive => Life::Pending,
            ExitState::Zombie => Life::Ready,
            ExitState::Dead => Life::Gone,
        }
    }

    fn reslot(&self, child: u32, seen: ExitSnapshot, slot: u32) -> Result<(), ExitSnapshot> {
        self.call.group(child).exit.reslot(seen, slot)
    }
}

/// The children of a brood as they are, without handing any of them over: the brood may be on its way, and
/// not yet in the chain of the process that is to get it.
pub struct Census<'c> {
    /// The call under way.
    pub call: &'c Call<'c>,
}

impl Members for Census<'_> {
    type Seen = ExitSnapshot;

    fn look(&self, child: u32) -> ExitSnapshot {
        self.call.group(child).exit.look()
    }

    fn slot(seen: ExitSnapshot) -> u32 {
        BroodMembers::slot(seen)
    }

    fn life(seen: ExitSnapshot) -> Life {
        BroodMembers::life(seen)
    }

    fn reslot(&self, child: u32, seen: ExitSnapshot, slot: u32) -> Result<(), ExitSnapshot> {
        self.call.group(child).exit.reslot(seen, slot)
    }
}
