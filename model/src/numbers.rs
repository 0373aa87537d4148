//! Process IDs: one number names a task, a process group and a session, and is taken while any of
//! the three is there.
//!
//! What is inside a nested PID namespace has a number there and in each namespace around it. The one in the
//! first namespace stands for all of them here (Linux `struct pid`).

use std::collections::BTreeMap;

use crate::namespace::NamespaceId;
use crate::state::TaskKey;

/// Numbers below this one are given out once and never again (Linux `RESERVED_PIDS`).
const RESERVED: u32 = 300;

/// What one number stands for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Number {
    /// The task of this number, until it is reaped.
    pub(crate) task: Option<TaskKey>,
    /// The same thing's numbers in nested namespaces.
    pub(crate) inner: Vec<(NamespaceId, u32)>,
    /// How many processes, zombies included, are in the process group of this number.
    pub(crate) group_members: u32,
    /// The session that process group belongs to.
    pub(crate) group_session: u32,
    /// How many processes, zombies included, are in the session of this number.
    pub(crate) session_members: u32,
}

/// All the numbers in use.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    used: BTreeMap<u32, Number>,
    last: u32,
    max: u32,
}

impl Numbers {
    pub(crate) fn new(max: u32) -> Self {
        Numbers { used: BTreeMap::new(), last: 0, max }
    }

    /// The next free number after the last one given out, from the start again after the largest.
    pub(crate) fn take(&mut self) -> Option<u32> {
        let number = next_free(self.last, self.max, |number| !self.used.contains_key(&number))?;
        self.used.insert(number, Number::default());
        self.last = number;
        Some(number)
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Number> {
        self.used.get(&number)
    }

    /// # Panics
    /// If the number is not in use.
    pub(crate) fn at(&mut self, number: u32) -> &mut Number {
        self.used.get_mut(&number).expect("the number is in use")
    }

    /// Gives the number back if nothing uses it any more. What it was, if it did.
    pub(crate) fn release(&mut self, number: u32) -> Option<Number> {
        let unused =
            self.used.get(&number).is_some_and(|n| n.task.is_none() && n.group_members == 0 && n.session_members == 0);
        if unused { self.used.remove(&number) } else { None }
    }

    /// Every number in use.
    pub(crate) fn all(&self) -> impl Iterator<Item = u32> {
        self.used.keys().copied()
    }

    /// Every task, by number.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = TaskKey> {
        self.used.values().filter_map(|number| number.task)
    }
}

/// The first free number after `last`, round by way of the largest.
pub(crate) fn next_free(last: u32, max: u32, is_free: impl Fn(u32) -> bool) -> Option<u32> {
    let first = if last >= RESERVED { RESERVED } else { 1 };
    (last + 1..=max).chain(first..=last).find(|&number| is_free(number))
}
