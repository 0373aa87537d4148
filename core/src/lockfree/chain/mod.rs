//! A chain: records of a slab, newest first, that can be handed to another chain as a whole.
//!
//! Nodes are pushed at the head, marked to remove them, and unlinked by whoever walks past a mark
//! (Harris' list). When the owner of a chain dies it *closes* it, which refuses later pushes and gives the
//! closer the nodes, and *splices* them onto another chain: one exchange, however many nodes, no memory.
//!
//! ```text
//!   S.head ─> s2 ─> s1 ─> 0          P closed: p2 ─> p1 ─> 0
//!   p1.link := s2 | PENDING          P's old walkers stop here: P.head is CLOSED
//!   S.head: s2 -> p2                 the splice; S's walkers reach p1, and S is open
//!   p1.link: s2 | PENDING -> s2      by the splicer, or by any walker of S
//! ```
//!
//! Why this is safe with walkers and removers of either chain still under way:
//! - The last node (`link` 0) is not removable, so a chain that ever had a node has one, always the same,
//!   named in the head. From closing to splicing only the splicer writes its link.
//! - A node has one predecessor. Unlinking is an exchange on it that fails if the predecessor is itself
//!   marked, or is a closed head, or is PENDING; so each node is unlinked, and retired, once.
//! - PENDING is undone, or followed, only by a walker whose own chain is open *after* it saw it. All chains
//!   from which such a node is reached before the splice are closed before PENDING is written.
//! - Nodes are added at the head only, and a node is pushed once in its life: a walk misses no node that
//!   was there when it read the head. See [`Chain::stamp`] for what was added since.

#[cfg(all(test, not(loom)))]
mod tests;
mod walk;

use core::marker::PhantomData;

use super::fault::{Edge, Fault, left_out, order};
use super::seat::Pin;
use super::slab::{Record, Slab};
use crate::sync::AtomicU32;
use crate::sync::AtomicU64;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// In a link: the node is removed, and its link does not change any more.
const MARK: u32 = 1 << 31;
/// In the link of a closed chain's last node: what is behind belongs to it when the splice has happened.
const PENDING: u32 = 1 << 30;

/// Bits of a node's index.
const INDEX: u32 = PENDING - 1;

/// The head of a chain that takes no more nodes. As a head it would name an impossible index.
const CLOSED: u64 = u64::MAX;

/// Marks that are let accumulate in any case before a remover sweeps.
const TOLERATED: u32 = 8;

/// A node's place in a chain.
#[derive(Debug, Default)]
pub struct Link(AtomicU32);

/// A record that can be in a chain.
pub trait Linked: Record {
    /// Its link.
    fn link(&self) -> &Link;

    /// Called once when the node is out of its chain, just before it is retired to its slab.
    fn unlinked(&self, pin: &Pin<'_>) {
        let _ = pin;
    }
}

/// The chain is closed: its owner is gone, and somebody else has the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// A chain of nodes of one slab.
#[derive(Debug, Default)]
pub struct Chain {
    /// First node (low half) and last node (high half); 0 when there has never been a node; or CLOSED.
    head: AtomicU64,
    /// First and last node, as in the head, that are left over from before it was closed.
    kept: AtomicU64,
    /// Nodes unlinked from the head so far.
    unlinked: AtomicU32,
    /// Marks since the last sweep, about.
    marked: AtomicU32,
    /// Nodes that the last sweep left.
    length: AtomicU32,
}

/// The head of a chain, as one value.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    first: u32,
    last: u32,
}

impl Ends {
    /// `None` if closed.
    fn of(head: u64) -> Option<Ends> {
        (head != CLOSED).then_some(Ends { first: head as u32, last: (head >> 32) as u32 })
    }

    fn head(self) -> u64 {
        (self.last as u64) << 32 | self.first as u64
    }
}

/// What a chain consisted of, see [`Chain::stamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    head: u64,
    unlinked: u32,
}

/// The nodes of a closed chain, owned by whoever closed it, until spliced.
#[derive(Debug)]
pub struct Detached<'p> {
    nodes: Nodes<'p>,
    marked: u32,
}

/// The nodes that were in a chain when it was closed. Readable under the pin they were closed under.
#[derive(Clone, Copy, Debug)]
pub struct Nodes<'p> {
    first: u32,
    last: u32,
    pin: PhantomData<&'p ()>,
}

impl Chain {
    /// Makes a closed or used chain an empty open one. Nobody else may use it meanwhile: for a record that
    /// has come out of a slab again. What it [kept](Self::keep) goes back to the slab.
    pub fn reset<N: Linked>(&self, pin: &Pin<'_>, slab: &Slab<N>) {
        let Ends { first, last } =
            Ends { first: self.kept.load(Relaxed) as u32, last: (self.kept.load(Relaxed) >> 32) as u32 };
        let mut next = first;
        // Whoever walked here when the chain was closed has unpinned since: links stand still.
        while let Some(node) = slab.get(pin, next) {
            let index = next;
            next = if index == last { 0 } else { node.link().0.load(Relaxed) & INDEX };
            node.unlinked(pin);
            slab.retire(pin, index);
        }
        self.kept.store(0, Relaxed);
        self.head.store(0, Relaxed);
        self.unlinked.store(0, Relaxed);
        self.marked.store(0, Relaxed);
        self.length.store(0, Relaxed);
    }

    /// Leaves the nodes of this closed chain where they are, for the next [`reset`](Self::reset): nobody wants
    /// them. Those who still walk here may go on, and unlink what is marked.
    pub fn keep(&self, detached: Detached<'_>) {
        let Nodes { first, last, .. } = detached.nodes;
        self.kept.store(Ends { first, last }.head(), Relaxed);
    }

    /// Adds a node in front. Once in a node's life.
    pub fn push<N: Linked>(&self, pin: &Pin<'_>, slab: &Slab<N>, index: u32) -> Result<(), Closed> {
        let node = slab.get(pin, index).expect("a node is a record of the slab");
        let mut head = self.head.load_for_cas(Relaxed);
        loop {
            let Ends { first, last } = Ends::of(head).ok_or(Closed)?;
            node.link().0.store(first, Relaxed);
            let new = Ends { first: index, last: if first == 0 { index } else { last } };
            // Ordering: Release, edge `chain-push` (docs/orderings.md): the node and its link. All writes
            // of a head are exchanges, so a walker that acquires a later one has this node as well.
            // Progress: fails only when another thread changed the chain.
            match self.head.compare_exchange(head, new.head(), order(Edge::NodePushed, Release), Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => head = now,
            }
        }
    }

    /// Removes a node. True for the one caller that did; false if somebody else has, or if the node cannot
    /// be removed now because it is the last one (or was, and its splice is still under way): then it stays,
    /// and may be tried again when it is next met.
    ///
    /// The node may have been spliced to another chain meanwhile; that is no error.
    pub fn remove<N: Linked>(&self, pin: &Pin<'_>, slab: &Slab<N>, index: u32) -> bool {
        let Some(node) = slab.get(pin, index) else { return false };
        let mut link = node.link().0.load_for_cas(Relaxed);
        loop {
            if !removable(link) {
                return false;
            }
            // Ordering: Release, edge `chain-mark`: what was done to the node before it was removed.
            // Progress: fails only when the successor was unlinked or this node was marked.
            match node.link().0.compare_exchange(link, link | MARK, order(Edge::NodeMarked, Release), Relaxed) {
                Ok(_) => break,
                Err(now) => link = now,
            }
        }
        // Relaxed: both only decide when sweeping pays; a sweep visits at most three nodes per mark.
        let marked = self.marked.fetch_add(1, Relaxed).wrapping_add(1);
        if marked >= TOLERATED + self.length.load(Relaxed) / 2 {
            self.sweep(pin, slab);
        }
        true
    }

    /// Unlinks what is marked.
    pub fn sweep<N: Linked>(&self, pin: &Pin<'_>, slab: &Slab<N>) {
        self.marked.store(0, Relaxed);
        self.length.store(self.walk(pin, slab).count() as u32, Relaxed);
    }

    /// Has there ever been a node? Not when it is closed.
    pub fn has_nodes(&self) -> bool {
        // Relaxed: who asks while the first node is pushed may be told either.
        Ends::of(self.head.load(Relaxed)).is_some_and(|ends| ends.first != 0)
    }

    /// Is it closed?
    fn is_closed(&self) -> bool {
        // Ordering: Relaxed: asked after edge `chain-pending`, which makes CLOSED visible; it is final.
        self.head.load(Relaxed) == CLOSED
    }

    /// What the chain consists of at this instant; to be compared at the end of a collection.
    ///
    /// Two readings with the same head are not enough: a node may have been pushed, used and unlinked in
    /// between. So whoever unlinks at the head counts that, after seeing the node at the head and before
    /// taking it away. If the count is the same as well, the head was the same all the time.
    pub fn stamp(&self) -> Stamp {
        // Ordering: Acquire, edge `chain-stamp`, and count before head: a count that includes an unlinking
        // makes the head that it was about visible too.
        let unlinked = self.unlinked.load(order(Edge::CountReadFirst, Acquire));
        Stamp { head: self.head.load(order(Edge::HeadReadFirst, Acquire)), unlinked }
    }

    /// Has no node been added since `stamp`, and is the chain open? Nodes may have been removed.
    pub fn is_current(&self, stamp: Stamp) -> bool {
        // Ordering: Acquire, edge `chain-stamp`, and head before count: a head left behind by an unlinking
        // makes its count visible.
        stamp.head != CLOSED
            && self.head.load(order(Edge::HeadReadLast, Acquire)) == stamp.head
            && self.unlinked.load(Relaxed) == stamp.unlinked
    }

    /// Closes the chain and takes its nodes, if nobody has before and if there are any. Those who push
    /// later are refused; those who walk later find nothing.
    pub fn close<'p>(&self, _pin: &'p Pin<'_>) -> Result<Option<Detached<'p>>, Closed> {
        // Ordering: Acquire, edge `chain-push`: the nodes, which are passed on by `splice`.
        let ends = Ends::of(self.head.swap(CLOSED, order(Edge::ChainClosed, Acquire))).ok_or(Closed)?;
        let nodes = Nodes { first: ends.first, last: ends.last, pin: PhantomData };
        let marked = self.marked.load(Relaxed);
        Ok((ends.first != 0).then_some(Detached { nodes, marked }))
    }

    /// Puts the nodes of a closed chain in front of this one, in one step. They come back if this chain is
    /// closed as well. On success the nodes are returned, to be walked under the same pin.
    pub fn splice<'p, N: Linked>(
        &self,
        pin: &'p Pin<'_>,
        slab: &Slab<N>,
        detached: Detached<'p>,
    ) -> Result<Nodes<'p>, Detached<'p>> {
        let nodes = detached.nodes;
        let link = &slab.get(pin, nodes.last).expect("the last node is not removable").link().0;
        let mut head = self.head.load_for_cas(Relaxed);
        let behind = loop {
            let Some(Ends { first, last }) = Ends::of(head) else { return Err(detached) };
            // Ordering: Release, edge `chain-pending`: a walker that sees PENDING sees its own chain closed.
            link.store(if first == 0 { 0 } else { first | PENDING }, order(Edge::PendingStored, Release));
            let new = Ends { first: nodes.first, last: if first == 0 { nodes.last } else { last } };
            // Ordering: Release, edge `chain-push`: all the nodes, which `close` acquired, and the link above.
            // Progress: fails only when another thread changed the chain.
            match self.head.compare_exchange(head, new.head(), order(Edge::ChainSpliced, Release), Relaxed) {
                Ok(_) => break first,
                Err(now) => head = now,
            }
        };
        if behind != 0 {
            settle(link, behind | PENDING);
        }
        self.marked.fetch_add(detached.marked, Relaxed);
        Ok(nodes)
    }
}

/// May a node with this link be marked?
fn removable(link: u32) -> bool {
    if left_out(Fault::LastNodeKept) {
        return link & MARK == 0;
    }
    link != 0 && link & (MARK | PENDING) == 0
}

/// Makes the link of a spliced chain's last node an ordinary one. Anybody may, after the splice.
fn settle(link: &AtomicU32, pending: u32) {
    // Ordering: Relaxed: who gets here came through a head that the splice released, and what is behind is
    // older than that. A failure means that somebody else has settled it.
    let _ = link.compare_exchange(pending, pending & !PENDING, Relaxed, Relaxed);
}

impl<'p> Detached<'p> {
    /// The nodes.
    pub fn nodes(&self) -> Nodes<'p> {
        self.nodes
    }
}
