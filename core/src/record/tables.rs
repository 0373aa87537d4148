//! The tables: every record of one tree, and who its init is.

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::lockfree::seat::Seats;
use crate::lockfree::slab::Slab;
use crate::record::brood::Brood;
use crate::record::exit_word::MAX_GROUP;
use crate::record::fault::{Edge, Fault, left_out, order};
use crate::record::pid_table::{PidChoice, PidTable};
use crate::record::process_group::ProcessGroup;
use crate::record::reports::Reports;
use crate::record::task::Task;
use crate::record::thread_group::ThreadGroup;
use crate::sync::{AtomicU32, Ordering::*, fence};

/// Every record of one tree.
pub struct Tables {
    /// Tasks.
    pub tasks: Slab<Task>,
    /// Processes.
    pub groups: Slab<ThreadGroup>,
    /// Broods.
    pub broods: Slab<Brood>,
    /// Process groups.
    pub process_groups: Slab<ProcessGroup>,
    /// Who has which number.
    pub pids: PidTable,
    /// The processes that have stopped.
    pub stopped: Reports,
    /// The thread group of the namespace's init; 0 before it is made.
    init: AtomicU32,
    /// Set when init has died: nobody is born any more.
    dying: AtomicU32,
    /// setpgid(2) and setsid(2) take turns. Nothing else ever waits for them.
    membership: Mutex<()>,
    /// Last, because slabs are emptied into seats.
    pub seats: Seats,
}

impl Tables {
    /// Tables for up to `max_tasks` tasks.
    pub fn new(choice: PidChoice, pid_max: u32, max_tasks: u32, first_generation: u32) -> Self {
        let max = max_tasks.clamp(1, MAX_GROUP);
        let mut seats = Seats::new();
        Tables {
            tasks: Slab::starting_at(&mut seats, max, first_generation),
            groups: Slab::new(&mut seats, max),
            broods: Slab::new(&mut seats, max.saturating_mul(2)),
            process_groups: Slab::new(&mut seats, max),
            pids: PidTable::new(choice, pid_max),
            stopped: Reports::default(),
            init: AtomicU32::new(0),
            dying: AtomicU32::new(0),
            membership: Mutex::new(()),
            seats,
        }
    }

    /// The turn of a call that moves processes between groups.
    pub fn membership_turn(&self) -> MutexGuard<'_, ()> {
        // A panic while it is held leaves nothing half done that the next holder could not bear.
        self.membership.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread group of the namespace's init; 0 before it is made.
    pub fn init(&self) -> u32 {
        // Ordering: Acquire, edge `init-made`.
        self.init.load(order(Edge::InitRead, Acquire))
    }

    /// Makes `group` the namespace's init. `false`: there is or was one.
    pub fn claim_init(&self, group: u32) -> bool {
        // Ordering: Release, edge `init-made`: the record is complete before anybody can reparent to it.
        self.init.compare_exchange(0, group, order(Edge::InitNamed, Release), Relaxed).is_ok()
    }

    /// Has the namespace's init died?
    pub fn is_dying(&self) -> bool {
        // Ordering: Acquire, edge `namespace-dying`.
        self.dying.load(order(Edge::DyingRead, Acquire)) != 0
    }

    /// Has the namespace's init died? For who has just made a task visible: if not, the sweep that follows
    /// init's death finds the task.
    pub fn has_died_by_now(&self) -> bool {
        // Ordering: SeqCst fence, edge `namespace-dying`: shown before asked. The other one is in `start_dying`.
        //   Weaker: neither sees the other, and a process outlives its init.
        //   Test:   loom-tests/tests/namespace.rs, `newborn_goes_with_init`.
        if left_out(Fault::LookAfterBirth) {
            return false;
        }
        if !left_out(Fault::FenceAfterBirth) {
            fence(SeqCst);
        }
        self.is_dying()
    }

    /// The namespace's init has died. `true` for one caller, who then looks for everybody else.
    pub fn start_dying(&self) -> bool {
        // Ordering: AcqRel, edge `namespace-dying`: who is refused for it sees all that came before.
        let first = self.dying.swap(1, order(Edge::DyingTold, AcqRel)) == 0;
        // Ordering: SeqCst fence, edge `namespace-dying`: told before looked.
        if !left_out(Fault::FenceBeforeSweep) {
            fence(SeqCst);
        }
        first
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").field("init", &self.init()).field("dying", &self.is_dying()).finish_non_exhaustive()
    }
}
