//! One node of the tree of ready bits: 32 bits and a version, in one word.
//!
//! The obvious tree of bitmaps ("set the leaf, then the summary; clear the summary, then look at the leaf
//! again") is wrong when the answer is no: between the clear and the second look, a member that became
//! ready long ago cannot be seen from the root. Here every [`set`](Node::set) bumps the version of every
//! node on its way up, even where the bit is there already, and a stale summary bit is only taken away
//! ([`clean`](Node::clean)) from the very version that was seen before the node below was found empty.

use super::fault::{Edge, Fault, left_out, order};
use crate::sync::AtomicU64;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

const VERSION: u64 = 1 << 32;

/// One value of a [`Node`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeWord(u64);

impl NodeWord {
    /// Which of the 32 members or nodes below are, or were, ready.
    pub(super) fn bits(self) -> u32 {
        self.0 as u32
    }

    /// How often a bit was set, wrapping. Taking bits away does not count.
    pub(super) fn version(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn with(self, bit: u32) -> Self {
        NodeWord((self.0 | 1 << bit).wrapping_add(VERSION))
    }

    fn without(self, bit: u32) -> Self {
        NodeWord(self.0 & !(1 << bit))
    }
}

/// A node; see the [module](self).
#[derive(Debug, Default)]
pub(super) struct Node(AtomicU64);

impl Node {
    /// Reads the node.
    pub(super) fn look(&self) -> NodeWord {
        // Ordering: Acquire, edge `ready-bit`. A set bit: the member's word and slot are as they were when
        //   it became ready. A bit gone: so is what made it go (a claim, a move).
        //   Weaker: a scan takes a fresh bit for a stale one; "none is ready" misses a move.
        //   Test:   loom-tests/tests/ready_index.rs, `weak_edges_fail`.
        NodeWord(self.0.load(order(Edge::ReadyBitRead, Acquire)))
    }

    /// Reads the node, with a view to [`clean`](Self::clean) it.
    pub(super) fn look_to_clean(&self) -> NodeWord {
        // Ordering: Acquire, edge `ready-bit`, as `look`: the node below is at least as new as this one.
        NodeWord(self.0.load_for_cas(order(Edge::ReadyBitRead, Acquire)))
    }

    /// Sets a bit and bumps the version. Tells whether the bit was there already.
    pub(super) fn set(&self, bit: u32) -> bool {
        let mut seen = NodeWord(self.0.load_for_cas(Relaxed));
        loop {
            let there = seen.bits() & 1 << bit != 0;
            if there && left_out(Fault::StopAtSetBit) {
                return true;
            }
            // Ordering: Release, edge `ready-bit`: the word that says ready, the slot, the nodes below.
            //   Failure is Relaxed: the value only goes back into `with`.
            // Progress: a failed exchange is another's set, clear or clean; cleans are bounded by sets.
            match self.0.compare_exchange(seen.0, seen.with(bit).0, order(Edge::ReadyBitSet, Release), Relaxed) {
                Ok(_) => return there,
                Err(now) => seen = NodeWord(now),
            }
        }
    }

    /// Takes away the bit of a slot that speaks for nobody any more.
    pub(super) fn clear(&self, bit: u32) {
        // Ordering: Release, edge `ready-bit`: the claim or the move that emptied the slot.
        self.0.fetch_and(!(1 << bit), order(Edge::ReadyBitCleared, Release));
    }

    /// Takes away a summary bit, if nothing was set since `seen`.
    ///
    /// # Errors
    /// The node changed.
    pub(super) fn clean(&self, seen: NodeWord, bit: u32) -> Result<NodeWord, NodeWord> {
        if left_out(Fault::CleanAnyVersion) {
            return Ok(NodeWord(self.0.fetch_and(!(1 << bit), Release)).without(bit));
        }
        // Ordering: Release, edge `ready-bit`: passes on what made the node below empty.
        //   Failure is Relaxed: the caller starts over.
        let next = seen.without(bit);
        match self.0.compare_exchange(seen.0, next.0, order(Edge::ReadyBitCleaned, Release), Relaxed) {
            Ok(_) => Ok(next),
            Err(now) => Err(NodeWord(now)),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn setting_bumps_the_version_even_when_the_bit_is_there() {
        let node = Node::default();
        assert!(!node.set(31));
        assert!(node.set(31));
        assert_eq!((node.look().bits(), node.look().version()), (1 << 31, 2));
    }

    #[test]
    fn the_version_wraps_without_touching_the_bits() {
        let word = NodeWord(u64::from(u32::MAX) << 32 | 5).with(1);
        assert_eq!((word.bits(), word.version()), (7, 0));
    }

    #[test]
    fn cleaning_fails_after_a_set_of_the_same_bit() {
        let node = Node::default();
        node.set(3);
        let seen = node.look_to_clean();
        node.set(3);
        assert!(node.clean(seen, 3).is_err());
        assert!(node.clean(node.look_to_clean(), 3).is_ok());
        assert_eq!(node.look().bits(), 0);
    }

    #[test]
    fn clearing_keeps_the_version() {
        let node = Node::default();
        node.set(0);
        node.set(1);
        node.clear(0);
        assert_eq!((node.look().bits(), node.look().version()), (2, 2));
    }
}
