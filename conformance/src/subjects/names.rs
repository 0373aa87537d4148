//! Which task an implementation means by a handle or a number, and which one a scenario by a name.

use std::collections::HashMap;
use std::hash::Hash;

use ptexit_core::uapi::Rusage;

use crate::language::Name;

/// The tasks of one run. Names are never given twice; handles and numbers may be.
#[derive(Clone, Debug)]
pub(super) struct Names<H> {
    handles: HashMap<Name, (H, u32)>,
    by_handle: HashMap<H, Name>,
    by_number: HashMap<u32, Name>,
    burned: HashMap<Name, Rusage>,
}

impl<H: Copy + Eq + Hash> Names<H> {
    pub(super) fn new() -> Self {
        Names { handles: HashMap::new(), by_handle: HashMap::new(), by_number: HashMap::new(), burned: HashMap::new() }
    }

    pub(super) fn add(&mut self, name: Name, handle: H, number: u32) {
        self.handles.insert(name, (handle, number));
        self.by_handle.insert(handle, name);
        self.by_number.insert(number, name);
    }

    /// The task never came to be.
    pub(super) fn forget(&mut self, name: Name) {
        if let Some((handle, number)) = self.handles.remove(&name) {
            self.by_handle.remove(&handle);
            self.by_number.remove(&number);
        }
    }

    pub(super) fn handle(&self, name: Name) -> Option<H> {
        self.handles.get(&name).map(|&(handle, _)| handle)
    }

    pub(super) fn number(&self, name: Name) -> Option<u32> {
        self.handles.get(&name).map(|&(_, number)| number)
    }

    /// # Panics
    /// If the implementation speaks of a task that no line has created.
    pub(super) fn name(&self, handle: H) -> Name {
        *self.by_handle.get(&handle).expect("an event names a task of this run")
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
