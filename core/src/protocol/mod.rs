//! The verbs: what happens to tasks and processes.
//!
//! Each protocol has three beats: it decides (reads snapshots), commits (one named transition) and
//! tells (puts events into the outbox). No `Ordering` is spelled here.

pub mod adopt;
pub mod exec;
pub mod exit;
pub mod fork;
pub mod inspect;
pub mod membership;
pub mod notify;
pub mod outbox;
pub mod reap;
pub mod reparent;
pub mod wait;

use crate::ids::TaskId;
use crate::lockfree::seat::Pin;
use crate::protocol::outbox::Outbox;
use crate::record::brood::Brood;
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

impl<'c> Call<'c> {
    /// The task that `id` names, whatever its stage.
    pub fn find(&self, id: TaskId) -> Result<Found<'c>, Errno> {
        let task = self.tables.tasks.resolve(self.pin, id.index(), id.generation()).ok_or(Errno::ESRCH)?;
        let group_index = task.group.get();
        Ok(Found { index: id.index(), id, task, group_index, group: self.group(group_index) })
    }

    /// The task that `id` names, if it is one that others may know of.
    pub fn find_visible(&self, id: TaskId) -> Result<Found<'c>, Errno> {
        let found = self.find(id)?;
        match found.task.stage() {
            Stage::Running | Stage::Exiting | Stage::Zombie => Ok(found),
            Stage::Embryo | Stage::Committing | Stage::Dead => Err(Errno::ESRCH),
        }
    }

    /// The task that `id` names, if it is alive and not exiting.
    pub fn find_running(&self, id: TaskId) -> Result<Found<'c>, Errno> {
        let found = self.find(id)?;
        if found.task.stage() == Stage::Running { Ok(found) } else { Err(Errno::ESRCH) }
    }

    /// The thread group of that number.
    pub fn group(&self, index: u32) -> &'c ThreadGroup {
        self.tables.groups.get(self.pin, index)
    }

    /// The task of that number.
    pub fn task(&self, index: u32) -> &'c Task {
        self.tables.tasks.get(self.pin, index)
    }

    /// The brood of that number.
    pub fn brood(&self, index: u32) -> &'c Brood {
        self.tables.broods.get(self.pin, index)
    }

    /// The handle of the task of that number.
    pub fn id(&self, task: u32) -> TaskId {
        TaskId::new(task, self.tables.tasks.generation(self.pin, task))
    }
}
