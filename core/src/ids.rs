//! Handles.

use core::fmt;

/// A task, named so that a stale name is recognised: a slot of the task slab and that slot's generation.
///
/// Zero is never a task.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(u64);

impl TaskId {
    pub(crate) const fn new(index: u32, generation: u32) -> TaskId {
        TaskId((index as u64) << 32 | generation as u64)
    }

    /// The handle with these bits. Any value may be passed in: a wrong one names no task.
    pub const fn from_bits(bits: u64) -> TaskId {
        TaskId(bits)
    }

    /// The bits, for a C program.
    pub const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn index(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) const fn generation(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}.{}", self.index(), self.generation())
    }
}
