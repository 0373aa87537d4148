//! Which task an implementation means by a handle or a number, and which one a scenario by a name.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use ptexit_core::uapi::Rusage;

use crate::language::Name;

/// The tasks of one run. Names are never given twice; handles and numbers may be.
#[derive(Clone, Debug)]
pub(super) struct Names<H> {
    handles: HashMap<Name, (H, u32)>,
    /// With how many names were there before.
    by_handle: HashMap<H, (Name, usize)>,
    by_number: HashMap<u32, Name>,
    /// Who has had a number and has not been told to be done with it, oldest first; `None` for a clone that
    /// came to nothing.
    owners: HashMap<u32, VecDeque<Option<Name>>>,
    burned: HashMap<Name, Rusage>,
}

/// A number that no task ever has.
const NOBODYS: u32 = i32::MAX as u32;

impl<H: Copy + Eq + Hash> Names<H> {
    pub(super) fn new() -> Self {
        Names {
            handles: HashMap::new(),
            by_handle: HashMap::new(),
            by_number: HashMap::new(),
            owners: HashMap::new(),
            burned: HashMap::new(),
        }
    }

    pub(super) fn add(&mut self, name: Name, handle: H, number: u32) {
        self.by_handle.insert(handle, (name, self.handles.len()));
        self.handles.insert(name, (handle, number));
        self.by_number.insert(number, name);
        self.owners.entry(number).or_default().push_back(Some(name));
    }

    /// A number was taken, and goes back without a task.
    pub(super) fn pass(&mut self, number: u32) {
        self.owners.entry(number).or_default().push_back(None);
    }

    /// The task never came to be.
    pub(super) fn forget(&mut self, name: Name) {
        if let Some((handle, number)) = self.handles.remove(&name) {
            self.by_handle.remove(&handle);
            self.by_number.remove(&number);
            let owners = self.owners.entry(number).or_default();
            owners.iter_mut().filter(|owner| **owner == Some(name)).for_each(|owner| *owner = None);
        }
    }

    /// Whose number is free, now that the number is: its owners are done with it in the order in which they
    /// had it.
    pub(super) fn freed(&mut self, number: u32) -> Option<Name> {
        self.owners.get_mut(&number)?.pop_front()?
    }

    /// Whether somebody has that number, or a group or a session.
    pub(super) fn is_taken(&self, number: u32) -> bool {
        self.owners.get(&number).is_some_and(|owners| !owners.is_empty())
    }

    pub(super) fn handle(&self, name: Name) -> Option<H> {
        self.handles.get(&name).map(|&(handle, _)| handle)
    }

    /// The number of that name's task; one that nobody has once it has been given to another task.
    pub(super) fn number(&self, name: Name) -> Option<u32> {
        let &(_, number) = self.handles.get(&name)?;
        Some(if self.by_number(number) == Some(name) { number } else { NOBODYS })
    }

    /// How many numbers have been given more than once.
    pub(super) fn numbers_given_again(&self) -> usize {
        self.handles.len() - self.by_number.len()
    }

    /// # Panics
    /// If the implementation speaks of a task that no line has created.
    pub(super) fn name(&self, handle: H) -> Name {
        self.by_handle.get(&handle).expect("an event names a task of this run").0
    }

    /// Rises with the order of births.
    pub(super) fn rank(&self, handle: H) -> usize {
        self.by_handle.get(&handle).map_or(0, |&(_, rank)| rank)
    }

    pub(super) fn by_number(&self, number: u32) -> Option<Name> {
        self.by_number.get(&number).copied()
    }

    pub(super) fn burn(&mut self, name: Name, ms: u32, kib: u32) {
        let burned = self.burned.entry(name).or_default();
        burned.utime_ns += u64::from(ms) * 1_000_000;
        burned.maxrss_kib = burned.maxrss_kib.max(u64::from(kib));
    }

    /// What a thread has used, to be told when it ends.
    pub(super) fn take_burned(&mut self, name: Name) -> Rusage {
        self.burned.remove(&name).unwrap_or_default()
    }

    /// The same for all of these threads together.
    pub(super) fn take_all_burned(&mut self, threads: impl Iterator<Item = Name>) -> Rusage {
        threads.fold(Rusage::default(), |sum, name| {
            let one = self.take_burned(name);
            Rusage {
                utime_ns: sum.utime_ns + one.utime_ns,
                maxrss_kib: sum.maxrss_kib.max(one.maxrss_kib),
                ..Rusage::default()
            }
        })
    }
}
