//! Walking a chain: newest node first, and what is marked is unlinked on the way.

use super::{Chain, Ends, INDEX, Linked, MARK, Nodes, PENDING, settle};
use crate::lockfree::fault::{Edge, Fault, left_out, order};
use crate::lockfree::seat::Pin;
use crate::lockfree::slab::Slab;
use crate::sync::AtomicU32;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

impl Chain {
    /// The nodes, newest first, unlinking marked ones on the way. Empty when the chain is closed.
    ///
    /// If the chain is closed during the walk, nodes of the chain it was spliced to may follow, or the rest
    /// may be missing; [`is_current`](Self::is_current) tells afterwards.
    pub fn walk<'p, N: Linked>(&'p self, pin: &'p Pin<'_>, slab: &'p Slab<N>) -> Walk<'p, N> {
        // Ordering: Acquire, edge `chain-push`.
        let next = Ends::of(self.head.load(order(Edge::HeadWalked, Acquire))).map_or(0, |ends| ends.first);
        Walk { chain: self, slab, pin, before: Before::Head, next }
    }
}

impl<'p> Nodes<'p> {
    /// The nodes, newest first, without those marked. If they have been spliced, and the last one has been
    /// removed since, nodes of the other chain follow.
    pub fn walk<N: Linked>(self, pin: &'p Pin<'_>, slab: &'p Slab<N>) -> impl Iterator<Item = (u32, &'p N)> {
        let mut next = self.first;
        core::iter::from_fn(move || {
            while let Some(node) = slab.get(pin, next) {
                let index = next;
                let link = node.link().0.load(Acquire);
                next = if index == self.last { 0 } else { link & INDEX };
                if link & MARK == 0 {
                    return Some((index, node));
                }
            }
            None
        })
    }
}

/// What a walk saw in front of the node it comes to.
enum Before<'p> {
    Head,
    Node(&'p AtomicU32),
    /// A node that is being unlinked by somebody else.
    Unknown,
}

/// A walk along a chain.
pub struct Walk<'p, N: Linked> {
    chain: &'p Chain,
    slab: &'p Slab<N>,
    pin: &'p Pin<'p>,
    before: Before<'p>,
    next: u32,
}

impl<'p, N: Linked> Walk<'p, N> {
    /// Unlinks a marked node and retires it, if what is in front of it still leads to it.
    fn unlink(&mut self, index: u32, node: &N, behind: u32) {
        let done = match self.before {
            Before::Head => self.unlink_first(index, behind),
            // Ordering: Relaxed: `behind` is older than `index`, so who can see the one can see the other.
            // Exactly `index`: neither marked nor pending.
            Before::Node(link) => link.compare_exchange(index, behind, Relaxed, Relaxed).is_ok(),
            Before::Unknown => false,
        };
        if done {
            node.unlinked(self.pin);
            self.slab.retire(self.pin, index);
        } else {
            self.before = Before::Unknown;
        }
    }

    fn unlink_first(&self, index: u32, behind: u32) -> bool {
        let head = self.chain.head.load_for_cas(Relaxed);
        let Some(Ends { first, last }) = Ends::of(head) else { return false };
        if first != index {
            return false;
        }
        if !left_out(Fault::UnlinkCounted) {
            // Ordering: Release, edge `chain-stamp`: counted after `index` was seen first, see `stamp`.
            self.chain.unlinked.fetch_add(1, order(Edge::UnlinkCounted, Release));
        }
        // Ordering: Release, edges `chain-stamp` (the count is before it) and `chain-push`.
        let new = Ends { first: behind, last }.head();
        self.chain.head.compare_exchange(head, new, order(Edge::FirstUnlinked, Release), Relaxed).is_ok()
    }
}

impl<'p, N: Linked> Iterator for Walk<'p, N> {
    type Item = (u32, &'p N);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // Progress: each turn moves to the next node, or repeats once because a link was settled.
        while let Some(node) = self.slab.get(self.pin, self.next) {
            let index = self.next;
            let word = &node.link().0;
            // Ordering: Acquire, edges `chain-push`, `chain-mark`, `chain-pending`.
            let link = word.load_for_cas(order(Edge::LinkWalked, Acquire));
            if link & PENDING != 0 {
                if self.chain.is_closed() && !left_out(Fault::PendingLinkLeft) {
                    self.next = 0;
                    return Some((index, node));
                }
                settle(word, link);
                continue;
            }
            self.next = link & INDEX;
            if link & MARK == 0 {
                self.before = Before::Node(word);
                return Some((index, node));
            }
            self.unlink(index, node, link & INDEX);
        }
        None
    }
}
