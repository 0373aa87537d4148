//! One node of a [`MinTree`](super::MinTree): a key and a version, in one word.

use crate::lockfree::fault::{Edge, Fault, left_out, order};
use crate::sync::AtomicU64;
use crate::sync::Ordering::{AcqRel, Acquire, Relaxed};

/// A key is below 2^40.
const KEY_BITS: u32 = 40;

const VERSION_BITS: u32 = 64 - KEY_BITS;

/// The key of who is absent: larger than all others.
pub(super) const ABSENT: u64 = (1 << KEY_BITS) - 1;

/// One value of a [`Node`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeWord(u64);

impl NodeWord {
    pub(super) fn key(self) -> u64 {
        self.0 >> VERSION_BITS
    }

    /// The next version, with this key.
    fn followed_by(self, key: u64) -> NodeWord {
        let version = self.0.wrapping_add(1) & ((1 << VERSION_BITS) - 1);
        NodeWord(key << VERSION_BITS | version)
    }
}

/// A node: the smallest key below it, and how often that was looked at.
#[derive(Debug)]
pub(super) struct Node(AtomicU64);

impl Node {
    pub(super) fn new() -> Node {
        Node(AtomicU64::new(ABSENT << VERSION_BITS))
    }

    pub(super) fn look(&self) -> NodeWord {
        // Ordering: Acquire, edge `min-node` (docs/orderings.md): the nodes below, and what was true of the
        //   leaf, are at least as new as this one.
        NodeWord(self.0.load(order(Edge::MinRead, Acquire)))
    }

    /// Makes the node what `find` says, which is asked after the node was read. When this returns, somebody
    /// has asked after the call began, and the node is what they found or newer.
    ///
    /// Two attempts are enough: the exchange that defeats the second one was made by somebody who read the node
    /// after the one that defeated the first, so after this call began.
    pub(super) fn refresh(&self, find: impl Fn() -> u64) {
        if !self.attempt(&find) && !left_out(Fault::SecondRefresh) {
            self.attempt(&find);
        }
    }

    fn attempt(&self, find: &impl Fn() -> u64) -> bool {
        let early = left_out(Fault::NodeBeforeBelow).then(find);
        // Ordering: AcqRel, edge `min-node`, and an exchange instead of a load. Release: who reads the node
        //   after this, and defeats the exchange below, sees what this caller wants to be seen. Acquire: this caller
        //   sees what those want to be seen whom its own exchange defeats.
        //   Weaker: two refresh the node at once and each misses the other's leaf, for ever.
        //   Test:   loom-tests/tests/min_tree.rs.
        let seen = NodeWord(self.0.fetch_or(0, order(Edge::MinAnnounced, AcqRel)));
        let next = seen.followed_by(early.unwrap_or_else(find));
        // Ordering: AcqRel, edge `min-node`: the nodes below. Failure is Relaxed: nothing is read behind it.
        self.0.compare_exchange(seen.0, next.0, order(Edge::MinChanged, AcqRel), Relaxed).is_ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_counts_even_when_nothing_changes() {
        let node = Node::new();
        let before = node.look();
        assert_eq!(before.key(), ABSENT);
        node.refresh(|| ABSENT);
        assert_eq!(node.look().key(), ABSENT);
        assert_ne!(node.look(), before);
    }

    #[test]
    fn the_version_wraps_without_touching_the_key() {
        let word = NodeWord(7 << VERSION_BITS | ((1 << VERSION_BITS) - 1)).followed_by(5);
        assert_eq!((word.key(), word.0), (5, 5 << VERSION_BITS));
    }
}
