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

    /// The nodes, newest first, unlinking marked ones on the way. Empty when the chain is closed.
    ///
    /// If the chain is closed during the walk, nodes of the chain it was spliced to may follow, or the rest
    /// may be missing; [`is_current`](Self::is_current) tells afterwards.
    pub fn walk<'p, N: Linked>(&'p self, pin: &'p Pin<'_>, slab: &'p Slab<N>) -> Walk<'p, N> {
        // Ordering: Acquire, edge `chain-push`.
        let next = Ends::of(self.head.load(order(Edge::HeadWalked, Acquire))).map_or(0, |ends| ends.first);
        Walk { chain: self, slab, pin, before: Before::Head, next }
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::lockfree::seat::Seats;

    #[derive(Default)]
    struct Node {
        link: Link,
        value: AtomicU32,
        unlinked: AtomicU32,
    }

    impl Linked for Node {
        fn link(&self) -> &Link {
            &self.link
        }

        fn unlinked(&self, _pin: &Pin<'_>) {
            self.unlinked.fetch_add(1, Relaxed);
        }
    }

    fn node(slab: &Slab<Node>, pin: &Pin<'_>, value: u32) -> u32 {
        let fresh = slab.alloc(pin).unwrap();
        fresh.record().value.store(value, Relaxed);
        fresh.record().unlinked.store(0, Relaxed);
        let index = fresh.index();
        fresh.publish();
        index
    }

    fn values(chain: &Chain, slab: &Slab<Node>, pin: &Pin<'_>) -> Vec<u32> {
        chain.walk(pin, slab).map(|(_, node)| node.value.load(Relaxed)).collect()
    }

    #[test]
    fn newest_first_without_the_removed() {
        let mut seats = Seats::new();
        let slab = Slab::new(&mut seats, 1000);
        let (seat, chain) = (seats.take(), Chain::default());
        let pin = seat.pin();
        let nodes: Vec<_> = (0..5).map(|value| node(&slab, &pin, value)).collect();
        let stamp = chain.stamp();
        nodes.iter().for_each(|&index| chain.push(&pin, &slab, index).unwrap());
        assert!(!chain.is_current(stamp));
        assert!(chain.remove(&pin, &slab, nodes[4]) && chain.remove(&pin, &slab, nodes[2]));
        assert!(!chain.remove(&pin, &slab, nodes[2]), "only once");
        assert!(!chain.remove(&pin, &slab, nodes[0]), "the last one stays");
        let before = chain.stamp();
        assert_eq!(values(&chain, &slab, &pin), [3, 1, 0]);
        assert!(!chain.is_current(before), "unlinking at the head counts");
        let unlinked = |i: usize| slab.get(&pin, nodes[i]).unwrap().unlinked.load(Relaxed);
        assert_eq!([0, 1, 2, 3, 4].map(unlinked), [0, 0, 1, 0, 1]);
    }

    #[test]
    fn a_closed_chain_moves_as_a_whole() {
        let mut seats = Seats::new();
        let slab = Slab::new(&mut seats, 1000);
        let seat = seats.take();
        let pin = seat.pin();
        let chains: [Chain; 4] = Default::default();
        let mut nodes = Vec::new();
        for value in 0..9 {
            nodes.push(node(&slab, &pin, value));
            chains[value as usize / 3].push(&pin, &slab, nodes[value as usize]).unwrap();
        }
        let none = chains[3].close(&pin).unwrap();
        assert!(none.is_none() && chains[3].close(&pin).is_err());

        let two = chains[2].close(&pin).unwrap().unwrap();
        assert_eq!(chains[2].push(&pin, &slab, node(&slab, &pin, 99)), Err(Closed));
        assert!(values(&chains[2], &slab, &pin).is_empty());
        let two = chains[3].splice(&pin, &slab, two).unwrap_err();
        let moved = chains[1].splice(&pin, &slab, two).unwrap();
        let seen: Vec<_> = moved.walk(&pin, &slab).map(|(_, node)| node.value.load(Relaxed)).collect();
        assert_eq!(seen, [8, 7, 6]);
        assert_eq!(values(&chains[1], &slab, &pin), [8, 7, 6, 5, 4, 3]);
        // What was the last node may go now; the new last one may not.
        assert!(chains[1].remove(&pin, &slab, nodes[6]) && !chains[1].remove(&pin, &slab, nodes[3]));

        let one = chains[1].close(&pin).unwrap().unwrap();
        chains[0].splice(&pin, &slab, one).unwrap();
        assert_eq!(values(&chains[0], &slab, &pin), [8, 7, 5, 4, 3, 2, 1, 0]);
        let empty = Chain::default();
        let zero = chains[0].close(&pin).unwrap().unwrap();
        empty.splice(&pin, &slab, zero).unwrap();
        assert_eq!(values(&empty, &slab, &pin), [8, 7, 5, 4, 3, 2, 1, 0]);
        assert!(!empty.remove(&pin, &slab, nodes[0]));
    }

    #[test]
    fn removers_sweep_now_and_then() {
        let mut seats = Seats::new();
        let slab = Slab::new(&mut seats, 1 << 16);
        let (seat, chain) = (seats.take(), Chain::default());
        for _ in 0..50_000 {
            let pin = seat.pin();
            let index = node(&slab, &pin, 0);
            chain.push(&pin, &slab, index).unwrap();
            chain.remove(&pin, &slab, index);
        }
        assert!(slab.carved() < 2048, "{}", slab.carved());
    }

    /// Dying owners hand their nodes to each other while others walk, push and remove: no node is lost,
    /// none is unlinked twice.
    #[test]
    fn nodes_survive_a_cascade_of_deaths() {
        const CHAINS: usize = 200;
        const WORKERS: usize = 3;
        let mut seats = Seats::new();
        let slab = Slab::<Node>::new(&mut seats, 1 << 18);
        let chains: Vec<Chain> = (0..=CHAINS).map(|_| Chain::default()).collect();
        let (pushed, removed) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for worker in 0..WORKERS {
                let (seats, slab, chains, pushed, removed) = (&seats, &slab, &chains, &pushed, &removed);
                scope.spawn(move || {
                    for (i, chain) in chains.iter().take(CHAINS).enumerate() {
                        for round in 0..50 {
                            let seat = seats.take();
                            let pin = seat.pin();
                            if chain.push(&pin, slab, node(slab, &pin, 1)).is_ok() {
                                pushed.fetch_add(1, Relaxed);
                            }
                            let mut count = 0;
                            for (index, node) in chain.walk(&pin, slab) {
                                count += 1;
                                // It may be unlinked since the walk came by, but once.
                                assert!(node.unlinked.load(Relaxed) <= 1);
                                if (index + round) % 3 == 0 && chain.remove(&pin, slab, index) {
                                    removed.fetch_add(1, Relaxed);
                                }
                            }
                            assert!(count < 1 << 18, "no cycle");
                        }
                        if i % WORKERS == worker {
                            let seat = seats.take();
                            let pin = seat.pin();
                            if let Ok(Some(mut nodes)) = chain.close(&pin) {
                                for heir in &chains[i + 1..] {
                                    match heir.splice(&pin, slab, nodes) {
                                        Ok(_) => break,
                                        Err(back) => nodes = back,
                                    }
                                }
                            }
                        }
                    }
                });
            }
        });
        let seat = seats.take();
        let pin = seat.pin();
        let left = chains[CHAINS].walk(&pin, &slab).count() as u32;
        assert_eq!(left, pushed.load(Relaxed) - removed.load(Relaxed));
    }
}
