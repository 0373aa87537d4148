//! Process IDs: one number names a task, a process group and a session, and is taken while any of
//! the three is there.

use std::collections::BTreeMap;

use crate::state::TaskKey;

/// Numbers below this one are given out once and never again (Linux `RESERVED_PIDS`).
const RESERVED: u32 = 300;

/// What one number stands for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Number {
    /// The task of this number, until it is reaped.
    pub(crate) task: Option<TaskKey>,
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
        let first = if self.last >= RESERVED { RESERVED } else { 1 };
        let number = (self.last + 1..=self.max).chain(first..=self.last).find(|n| !self.used.contains_key(n))?;
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

    /// Gives the number back if nothing uses it any more, and says whether it did.
    pub(crate) fn release(&mut self, number: u32) -> bool {
        let unused =
            self.used.get(&number).is_some_and(|n| n.task.is_none() && n.group_members == 0 && n.session_members == 0);
        if unused {
            self.used.remove(&number);
        }
        unused
    }

    /// Every task, by number.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = TaskKey> {
        self.used.values().filter_map(|number| number.task)
    }
}
