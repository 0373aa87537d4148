//! A process group: who may be signalled and waited for together, and to which session that belongs.

use crate::lockfree::striped::StripedCount;
use crate::record::fault::{Edge, Fault, left_out, order};
use crate::record::value::Value32;
use crate::sync::{AtomicU32, Ordering::*, fence};

/// A process group. Its ID, and its session's, stay taken as numbers for as long as it has members.
#[derive(Debug)]
pub struct ProcessGroup {
    /// Its ID.
    pub pgid: Value32,
    /// Its session's ID.
    pub sid: Value32,
    life: AtomicU32,
    members: StripedCount,
}

const GONE: u32 = 0;
const LIVE: u32 = 1;
const CLOSING: u32 = 2;

impl ProcessGroup {
    /// A record that is nobody's.
    pub fn new() -> Self {
        ProcessGroup {
            pgid: Value32::new(),
            sid: Value32::new(),
            life: AtomicU32::new(GONE),
            members: StripedCount::default(),
        }
    }

    /// Begins a new life with one member. Nobody knows it yet.
    pub fn begin(&self, pgid: u32, sid: u32, stripe: usize) {
        self.pgid.set(pgid);
        self.sid.set(sid);
        self.members.join(stripe);
        self.life.store(LIVE, order(Edge::LifeChanged, Release));
    }

    /// A child joins its parent's group. Whoever calls this checks afterwards that the parent is still a
    /// member, and leaves again if it is not: the group may be gone then.
    pub fn join_beside_member(&self, stripe: usize) {
        self.members.join(stripe);
    }

    /// A process joins from elsewhere. `false`: the group has just become empty and is gone.
    pub fn join(&self, stripe: usize) -> bool {
        self.members.join(stripe);
        // Ordering: SeqCst fence, edge `group-empty`: joined before looked. The other one is in `close_if_empty`.
        if !left_out(Fault::FenceAfterJoining) {
            fence(SeqCst);
        }
        if self.life.load(order(Edge::LifeRead, Acquire)) == LIVE {
            return true;
        }
        self.members.leave(stripe);
        false
    }

    /// Has it members? Exact while nobody moves between groups; forks only add to a group that has some.
    pub fn has_members(&self) -> bool {
        self.life.load(order(Edge::LifeRead, Acquire)) == LIVE && !self.members.was_empty()
    }

    /// A member leaves.
    pub fn leave(&self, stripe: usize) {
        self.members.leave(stripe);
    }

    /// Ends the group if it has no members. `true` for exactly one caller, who frees what it held.
    pub fn close_if_empty(&self) -> bool {
        let changed = order(Edge::LifeChanged, AcqRel);
        // Progress: again only if somebody joined after the first count, and was gone at the next.
        while self.members.was_empty() && self.life.compare_exchange(LIVE, CLOSING, changed, Relaxed).is_ok() {
            // Ordering: SeqCst fence, edge `group-empty`: closed before counted.
            if !left_out(Fault::FenceBeforeCounting) {
                fence(SeqCst);
            }
            let empty = self.members.was_empty();
            self.life.store(if empty { GONE } else { LIVE }, order(Edge::LifeChanged, Release));
            if empty {
                return true;
            }
            // Ordering: SeqCst fence, edge `group-empty`: open again before counted. Who was turned away, or
            // left, while it was closing could not see to it.
            fence(SeqCst);
        }
        false
    }
}

impl Default for ProcessGroup {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_ends_once_and_only_when_empty() {
        let group = ProcessGroup::new();
        group.begin(5, 1, 0);
        group.join_beside_member(1);
        assert!(group.join(2));
        for stripe in [3, 0] {
            group.leave(stripe);
            assert!(!group.close_if_empty(), "there are members left");
        }
        group.leave(1);
        assert!(group.close_if_empty());
        assert!(!group.close_if_empty(), "once");
        assert!(!group.join(0), "an empty group is gone");
    }
}
