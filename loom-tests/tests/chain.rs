//! A chain loses no node and unlinks none twice, also while it is handed to another one.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::fault::{holds_always, needs, needs_edges};
use ptexit_core::lockfree::chain::{Chain, Link, Linked};
use ptexit_core::lockfree::fault::{Edge::*, Fault};
use ptexit_core::lockfree::seat::{Pin, Seats};
use ptexit_core::lockfree::slab::Slab;
use ptexit_core::sync::AtomicU32;
use ptexit_core::sync::Ordering::{AcqRel, Relaxed};

#[derive(Default)]
struct Node {
    link: Link,
    filled: AtomicU32,
    spent: AtomicU32,
    unlinked: AtomicU32,
}

impl Linked for Node {
    fn link(&self) -> &Link {
        &self.link
    }

    fn unlinked(&self, _pin: &Pin<'_>) {
        assert_eq!(self.unlinked.fetch_add(1, AcqRel), 0, "unlinked twice");
        assert_eq!(self.spent.load(Relaxed), 1, "unlinked before it was done with");
    }
}

/// Nodes that the models use: none is recycled within one.
const NODES: u32 = 6;

struct World {
    slab: Slab<Node>,
    seats: Seats,
    /// The chain of an owner that dies, and its reaper's.
    old: Chain,
    new: Chain,
    used: AtomicU32,
}

impl World {
    /// Chains with these nodes; the first of a slice is pushed first.
    fn new(old: &[u32], new: &[u32]) -> Arc<World> {
        let mut seats = Seats::new();
        let slab = Slab::new(&mut seats, NODES);
        let world = World { slab, seats, old: Chain::default(), new: Chain::default(), used: AtomicU32::new(0) };
        {
            let seat = world.seats.take();
            let pin = &seat.pin();
            for index in 1..=NODES {
                let fresh = world.slab.alloc(pin).unwrap();
                assert_eq!(fresh.index(), index);
                fresh.publish();
            }
            for (chain, nodes) in [(&world.old, old), (&world.new, new)] {
                nodes.iter().for_each(|&index| assert!(world.push(pin, chain, index)));
            }
        }
        Arc::new(world)
    }

    fn push(&self, pin: &Pin<'_>, chain: &Chain, index: u32) -> bool {
        self.slab.get(pin, index).unwrap().filled.store(1, Relaxed);
        chain.push(pin, &self.slab, index).is_ok()
    }

    fn remove(&self, pin: &Pin<'_>, chain: &Chain, index: u32) -> bool {
        // Two may try to remove a node; it is done with when the first one does.
        self.slab.get(pin, index).unwrap().spent.store(1, Relaxed);
        chain.remove(pin, &self.slab, index)
    }

    /// The nodes of a chain, all of them complete and none twice.
    fn nodes(&self, pin: &Pin<'_>, chain: &Chain) -> Vec<u32> {
        let mut seen = Vec::new();
        for (index, node) in chain.walk(pin, &self.slab) {
            assert_eq!(node.filled.load(Relaxed), 1, "node {index} is not complete");
            assert!(!seen.contains(&index), "{index} twice");
            seen.push(index);
        }
        seen
    }

    fn die(&self, pin: &Pin<'_>) {
        if let Ok(Some(nodes)) = self.old.close(pin) {
            self.new.splice(pin, &self.slab, nodes).unwrap();
        }
    }
}

/// Runs two threads and then a check. Each thread keeps a seat of its own, so that handing seats over
/// orders nothing between them.
fn race<R: 'static>(
    world: Arc<World>,
    other: impl FnOnce(&World, &Pin<'_>) -> R + 'static,
    mine: impl FnOnce(&World, &Pin<'_>),
    check: impl FnOnce(&World, &Pin<'_>, R),
) {
    let seat = world.seats.take();
    let second = Arc::clone(&world);
    let thread = thread::spawn(move || {
        let seat = second.seats.take();
        let result = other(&second, &seat.pin());
        drop(seat);
        result
    });
    let pin = seat.pin();
    mine(&world, &pin);
    let result = thread.join().unwrap();
    check(&world, &pin, result);
}

fn two_push() {
    race(
        World::new(&[1], &[]),
        |world, pin| world.push(pin, &world.old, 2),
        |world, pin| {
            assert!(world.push(pin, &world.old, 3));
            assert!(world.nodes(pin, &world.old).contains(&3));
        },
        |world, pin, pushed| {
            assert!(pushed);
            let nodes = world.nodes(pin, &world.old);
            assert!(nodes == [2, 3, 1] || nodes == [3, 2, 1]);
        },
    );
}

fn walk_meets_push_and_remove() {
    race(
        World::new(&[1, 2, 3], &[]),
        |world, pin| {
            assert!(world.remove(pin, &world.old, 2));
            world.nodes(pin, &world.old);
        },
        |world, pin| {
            assert!(world.remove(pin, &world.old, 3));
            assert!(world.push(pin, &world.old, 4));
            let nodes = world.nodes(pin, &world.old);
            assert!(nodes == [4, 1] || nodes == [4, 2, 1], "{nodes:?}");
        },
        |world, pin, ()| assert_eq!(world.nodes(pin, &world.old), [4, 1]),
    );
}

fn pushed_or_refused() {
    race(
        World::new(&[1], &[4]),
        |world, pin| world.push(pin, &world.old, 2),
        |world, pin| {
            world.die(pin);
            let nodes = world.nodes(pin, &world.new);
            assert!(nodes == [1, 4] || nodes == [2, 1, 4]);
        },
        |world, pin, pushed| {
            assert_eq!(pushed, world.nodes(pin, &world.new).contains(&2));
            assert!(world.nodes(pin, &world.old).is_empty());
        },
    );
}

/// The owner dies while a walker of its chain, late, still removes and unlinks.
fn splice_meets_a_late_remover() {
    race(
        World::new(&[1, 2], &[4, 5]),
        |world, pin| {
            let mut gone = Vec::new();
            for (index, _) in world.old.walk(pin, &world.slab) {
                if world.remove(pin, &world.old, index) {
                    gone.push(index);
                }
            }
            world.nodes(pin, &world.old);
            gone
        },
        |world, pin| world.die(pin),
        |world, pin, gone| {
            let left: Vec<u32> = [2, 1, 5, 4].into_iter().filter(|index| !gone.contains(index)).collect();
            assert_eq!(world.nodes(pin, &world.new), left);
            assert_eq!(world.nodes(pin, &world.new), left);
        },
    );
}

/// The owner dies while a thread, late, walks its chain and then the reaper's, which has a removed node in
/// front: it must not go from the one to the other before the splice, or it would unlink that node twice.
fn splice_is_not_anticipated() {
    let world = World::new(&[1, 2], &[4, 5]);
    race(
        world,
        |world, pin| {
            world.nodes(pin, &world.old);
            world.nodes(pin, &world.new);
        },
        |world, pin| {
            assert!(world.remove(pin, &world.new, 5));
            world.die(pin);
        },
        |world, pin, ()| assert_eq!(world.nodes(pin, &world.new), [2, 1, 4]),
    );
}

/// The owner dies while nodes of the reaper are removed by a walker of the reaper's chain.
fn splice_meets_the_heirs_walker() {
    race(
        World::new(&[1, 2], &[4, 5]),
        |world, pin| {
            assert!(world.remove(pin, &world.new, 5));
            let first = world.nodes(pin, &world.new);
            assert!(first == [4] || first == [2, 1, 4], "{first:?}");
            world.remove(pin, &world.new, 1)
        },
        |world, pin| world.die(pin),
        |world, pin, removed| {
            let nodes = world.nodes(pin, &world.new);
            assert!(if removed { nodes == [2, 4] } else { nodes == [2, 1, 4] }, "{removed} {nodes:?}");
        },
    );
}

/// Two owners die at the same time, one being the other's reaper: the nodes end up in one place.
fn heir_dies_as_well() {
    let last = Arc::new(Chain::default());
    let (to, at) = (Arc::clone(&last), Arc::clone(&last));
    race(
        World::new(&[1], &[4]),
        move |world, pin| {
            let nodes = world.new.close(pin).unwrap().unwrap();
            to.splice(pin, &world.slab, nodes).unwrap();
        },
        move |world, pin| {
            let nodes = world.old.close(pin).unwrap().unwrap();
            if let Err(nodes) = world.new.splice(pin, &world.slab, nodes) {
                last.splice(pin, &world.slab, nodes).unwrap();
            }
        },
        move |world, pin, ()| {
            let mut nodes = world.nodes(pin, &at);
            nodes.sort_unstable();
            assert_eq!(nodes, [1, 4]);
        },
    );
}

/// A node comes, is used and goes while a reader collects: the reader saw it or notices.
fn stamp_notices_what_came_and_went() {
    race(
        World::new(&[1], &[]),
        |world, pin| {
            world.push(pin, &world.old, 2);
            world.used.fetch_add(1, AcqRel);
            world.remove(pin, &world.old, 2);
            world.nodes(pin, &world.old);
            world.used.fetch_add(1, AcqRel);
        },
        |world, pin| {
            let stamp = world.old.stamp();
            let before = world.used.fetch_add(0, AcqRel);
            let seen = world.nodes(pin, &world.old).contains(&2);
            let after = world.used.fetch_add(0, AcqRel);
            if world.old.is_current(stamp) && !seen {
                assert!((before, after) != (0, 2), "came, was used and went unnoticed");
            }
        },
        |_, _, ()| (),
    );
}

#[test]
fn one_chain() {
    holds_always("two_push", [3; 3], two_push);
    holds_always("walk_meets_push_and_remove", [3; 3], walk_meets_push_and_remove);
    needs_edges(&[NodePushed, HeadWalked], "two_push", 3, two_push);
    needs_edges(&[NodeMarked, LinkWalked], "walk_meets_push_and_remove", 3, walk_meets_push_and_remove);
}

#[test]
fn stamps() {
    let model = stamp_notices_what_came_and_went;
    holds_always("stamp_notices_what_came_and_went", [4; 3], model);
    needs(Fault::UnlinkCounted, "stamp_notices_what_came_and_went", [4; 3], model);
}

#[test]
fn closing() {
    holds_always("pushed_or_refused", [4; 3], pushed_or_refused);
    needs_edges(&[NodePushed, ChainClosed], "pushed_or_refused", 4, pushed_or_refused);
    holds_always("heir_dies_as_well", [4; 3], heir_dies_as_well);
}

#[test]
fn splicing() {
    holds_always("splice_meets_a_late_remover", [4; 3], splice_meets_a_late_remover);
    holds_always("splice_meets_the_heirs_walker", [4; 3], splice_meets_the_heirs_walker);
    holds_always("splice_is_not_anticipated", [4; 3], splice_is_not_anticipated);
    needs_edges(&[ChainSpliced], "splice_meets_the_heirs_walker", 3, splice_meets_the_heirs_walker);
    needs_edges(&[PendingStored, LinkWalked], "splice_is_not_anticipated", 3, splice_is_not_anticipated);
    needs(Fault::LastNodeKept, "splice_meets_a_late_remover", [4; 3], splice_meets_a_late_remover);
    needs(Fault::PendingLinkLeft, "splice_is_not_anticipated", [4; 3], splice_is_not_anticipated);
}
