//! The lanes of the table: each operation for each system.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::baseline::Baseline;
use crate::floor::Floor;
use crate::product::Product;
use crate::rounds::{Key, Lane};
use crate::system::{System, Which};
use crate::workload::{Caller, Family, Operation, time, time_pair};

/// One thread; each child is waited for as any child.
pub const ALONE: &str = "lifecycle, 1 thread";
/// Two threads, two parents.
pub const DISJOINT: &str = "lifecycle, 2 threads, disjoint parents";
/// One thread, wait by process ID.
pub const BY_PID: &str = "lifecycle by pid, 1 thread";
/// Two threads of one parent, wait by process ID.
pub const SHARED_BY_PID: &str = "lifecycle by pid, 2 threads, shared parent";
/// Two threads of one parent, wait for any child.
pub const SHARED_ANY: &str = "lifecycle, 2 threads, shared parent";
/// WNOHANG, for any child.
pub const EMPTY_ALL: &str = "empty wait, all";
/// WNOHANG, for one of the children.
pub const EMPTY_PID: &str = "empty wait, pid";
/// WNOHANG, for a process group of all children but the youngest.
pub const EMPTY_GROUP: &str = "empty wait, pgid";
/// WNOHANG, for a process group that only the youngest child is in.
pub const EMPTY_YOUNGEST: &str = "empty wait, pgid of the youngest";
/// One thread, beside living children.
pub const BESIDE: &str = "lifecycle beside living siblings";

/// WNOHANG, for any child, beside living daemons that came from as many families.
pub const EMPTY_REAPER: &str = "empty wait, all, of a reaper";
/// One thread, of a reaper beside such daemons.
pub const BESIDE_DAEMONS: &str = "lifecycle beside daemons";

/// The smallest and the largest number of daemons.
pub const DAEMONS: [u32; 2] = [10, 100_000];

/// The smallest and the largest family.
pub const FEW: u32 = 10;
/// See [`FEW`].
pub const MANY: u32 = 1_000_000;
/// The families in between.
pub const BETWEEN: [u32; 2] = [1_000, 100_000];

/// The names of the systems, in the order of the table's columns.
pub const SYSTEMS: [&str; 3] = [Product::NAME, Baseline::NAME, Floor::NAME];

/// What is measured. Every field also is a limit on memory and time.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Systems by name.
    pub systems: Vec<&'static str>,
    /// Rows 1 to 5: one and two threads.
    pub threads: bool,
    /// Rows 6 and 7: many children.
    pub families: bool,
    /// Rounds between two measurements that take tens of milliseconds each.
    pub rarely: usize,
}

/// Sets everything up; `retries` sums up waits that did not find a child that had exited.
pub fn lanes(plan: &Plan, retries: &Rc<Cell<u64>>, progress: impl Fn(&str)) -> Vec<Lane<'static>> {
    let mut lanes = Vec::new();
    for &name in &plan.systems {
        progress(name);
        // The floor has no reaper.
        if name == Product::NAME {
            add::<Product>(&mut lanes, plan, &BETWEEN, false, retries);
            add_daemons::<Product>(&mut lanes, plan, 1);
        } else if name == Baseline::NAME {
            add::<Baseline>(&mut lanes, plan, &BETWEEN[..1], true, retries);
            add_daemons::<Baseline>(&mut lanes, plan, plan.rarely);
        } else {
            add::<Floor>(&mut lanes, plan, &[], false, retries);
        }
    }
    lanes
}

fn add<S: System>(lanes: &mut Vec<Lane<'static>>, plan: &Plan, between: &[u32], scans: bool, retries: &Rc<Cell<u64>>) {
    if plan.threads {
        add_threads::<S>(lanes, retries);
    }
    if plan.families {
        add_family::<S>(lanes, FEW, 1);
        for &children in between {
            add_family::<S>(lanes, children, 1);
        }
        add_family::<S>(lanes, MANY, if scans { plan.rarely } else { 1 });
    }
}

fn add_daemons<S: System>(lanes: &mut Vec<Lane<'static>>, plan: &Plan, rarely: usize) {
    for daemons in DAEMONS.into_iter().filter(|_| plan.families) {
        let every = if daemons == DAEMONS[0] { 1 } else { rarely };
        let caller = Rc::new(RefCell::new(Caller::<S>::with_daemons(daemons)));
        let mut add = |what, operation: fn(&mut Caller<S>)| {
            let caller = Rc::clone(&caller);
            let run = move |slice| time(slice, || operation(&mut caller.borrow_mut()));
            lanes.push(Lane { key: Key { what, children: daemons, system: S::NAME }, every, run: Box::new(run) });
        };
        add(EMPTY_REAPER, |caller| caller.empty_wait(Which::All));
        add(BESIDE_DAEMONS, Caller::lifecycle);
    }
}

fn add_threads<S: System>(lanes: &mut Vec<Lane<'static>>, retries: &Rc<Cell<u64>>) {
    let key = |what| Key { what, children: 0, system: S::NAME };
    let mut caller = Caller::<S>::alone();
    lanes.push(Lane { key: key(ALONE), every: 1, run: Box::new(move |slice| time(slice, || caller.lifecycle())) });
    let mut caller = Caller::<S>::alone();
    lanes.push(Lane {
        key: key(BY_PID),
        every: 1,
        run: Box::new(move |slice| time(slice, || caller.lifecycle_by_pid())),
    });
    let mut pair = |what, mut callers: [Caller<S>; 2], operation: fn(&mut Caller<S>)| {
        let retries = Rc::clone(retries);
        lanes.push(Lane {
            key: key(what),
            every: 1,
            run: Box::new(move |slice| {
                let time = time_pair(slice, &mut callers, operation);
                let new: u64 = callers.iter_mut().map(|caller| std::mem::take(&mut caller.retries)).sum();
                retries.set(retries.get() + new);
                time
            }),
        });
    };
    pair(DISJOINT, Caller::disjoint_pair(), Caller::lifecycle);
    pair(SHARED_BY_PID, Caller::shared_pair(), Caller::lifecycle_by_pid);
    pair(SHARED_ANY, Caller::shared_pair(), Caller::lifecycle);
}

fn add_family<S: System>(lanes: &mut Vec<Lane<'static>>, children: u32, every: usize) {
    let family = Rc::new(RefCell::new(Family::<S>::new(children)));
    let (middle, group, youngest) = {
        let family = family.borrow();
        (family.middle, family.group, family.youngest)
    };
    let mut add = |what, mut operation: Operation<S>| {
        let family = Rc::clone(&family);
        lanes.push(Lane {
            key: Key { what, children, system: S::NAME },
            every,
            run: Box::new(move |slice| {
                let caller = &mut family.borrow_mut().caller;
                time(slice, || operation(caller))
            }),
        });
    };
    add(EMPTY_ALL, Box::new(|caller| caller.empty_wait(Which::All)));
    add(EMPTY_PID, Box::new(move |caller| caller.empty_wait(middle)));
    add(EMPTY_GROUP, Box::new(move |caller| caller.empty_wait(group)));
    add(EMPTY_YOUNGEST, Box::new(move |caller| caller.empty_wait(youngest)));
    add(BESIDE, Box::new(Caller::lifecycle));
}
