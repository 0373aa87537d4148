//! Who of a thread group has a wait armed.

use crate::record::fault::{Fault, left_out};
use crate::sync::{AtomicU64, Ordering::*, fence};

/// A map of armed waits by roster place. Places beyond the map share its last bit, which stays set.
#[derive(Debug, Default)]
pub struct Waiters(AtomicU64);

const SHARED: u32 = 63;

/// Which roster places to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Armed(u64);

impl Waiters {
    /// Nobody waits; nobody else knows the group yet.
    pub fn reset(&self) {
        self.0.store(0, Relaxed);
    }

    /// Shows that the task at `place` has a wait armed. After this, either the look at the children that
    /// follows sees what a notifier made true, or that notifier sees the wait.
    pub fn add(&self, place: u32) {
        self.0.fetch_or(1 << place.min(SHARED), Relaxed);
        // Ordering: SeqCst fence, edge `waiter-armed`: armed before looked. The other one is in `armed`.
        //   Weaker: exit and wait both look too early, and the waiter sleeps for ever.
        //   Test:   loom-tests/tests/wait.rs, `no_wake_is_lost`.
        if !left_out(Fault::FenceAfterArming) {
            fence(SeqCst);
        }
    }

    /// The task at `place` waits no more.
    pub fn remove(&self, place: u32) {
        if place < SHARED {
            self.0.fetch_and(!(1 << place), Relaxed);
        }
    }

    /// The task at `place` is exiting and arms no more waits: after this, either it sees that it is, or what
    /// it has armed is seen here.
    pub fn forget(&self, place: u32) {
        // Ordering: SeqCst fence, edge `waiter-armed`: exiting before disarmed. The other one is in `add`.
        //   Weaker: a dead task's wait stays armed, and its record's next task answers for it.
        //   Test:   loom-tests/tests/wait.rs, `a_dying_task_leaves_no_wait_armed`.
        if !left_out(Fault::FenceBeforeDisarming) {
            fence(SeqCst);
        }
        self.remove(place);
    }

    /// Something has become true that a wait can be for: what is asked behind this is asked late enough.
    #[inline]
    pub fn changed(&self) {
        // Ordering: SeqCst fence, edge `waiter-armed`: made ready before looked; and edge `ready-broods`.
        if !left_out(Fault::FenceBeforeWaking) {
            fence(SeqCst);
        }
    }

    /// Who may have to be woken, asked behind [`changed`](Self::changed).
    #[inline]
    pub fn armed(&self) -> Armed {
        Armed(self.0.load(Relaxed))
    }
}

impl Armed {
    /// Nobody.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Some waiter has a place that the map has no bit for: every thread must be looked at.
    pub fn beyond_map(self) -> bool {
        self.0 >> SHARED != 0
    }

    /// The places that have a bit of their own.
    pub fn places(self) -> impl Iterator<Item = u32> {
        (0..SHARED).filter(move |place| self.0 >> place & 1 != 0)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn places_beyond_the_map_are_never_forgotten() {
        let waiters = Waiters::default();
        waiters.changed();
        assert!(waiters.armed().is_empty());
        waiters.add(3);
        waiters.add(62);
        assert_eq!(waiters.armed().places().collect::<Vec<_>>(), [3, 62]);
        assert!(!waiters.armed().beyond_map());
        waiters.remove(3);
        waiters.add(1000);
        waiters.remove(1000);
        assert!(waiters.armed().beyond_map(), "another one beyond the map may still wait");
        assert_eq!(waiters.armed().places().collect::<Vec<_>>(), [62]);
    }
}
