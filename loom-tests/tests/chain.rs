//! A chain loses no node and unlinks none twice, also while it is handed to another one.
#![cfg(loom)]

mod common;

use common::{MODES, fails, holds};
use loom::sync::Arc;
use loom::thread;
use ptexit_core::lockfree::chain::{Chain, Link, Linked};
use ptexit_core::lockfree::fault::Fault;
use ptexit_core::lockfree::seat::{Pin, Seat, Seats};
use ptexit_core::lockfree::slab::Slab;
use ptexit_core::sync::AtomicU32;
use ptexit_core::sync::Ordering::{AcqRel, Relaxed};

#[derive(Default)]
struct Node {
    link: Link,
    filled: AtomicU32,
    unlinked: AtomicU32,
}

impl Linked for Node {
    fn link(&self) -> &Link {
        &self.link
    }

    fn unlinked(&self, _pin: &Pin<'_>) {
        assert_eq!(self.unlinked.fetch_add(1, AcqRel), 0, "unlinked twice");
    }
}

/// Nodes that the models use: none is recycled within one.
const NODES: u32 = 6;

struct World {
    slab: Slab<Node>,
    seats: Seats,
    /// The chain of an owner that dies, and its heir's.
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
        world.call(|pin| {
            for index in 1..=NODES {
                let fresh = world.slab.alloc(pin).unwrap();
                assert_eq!(fresh.index(), index);
                fresh.publish();
            }
            for (chain, nodes) in [(&world.old, old), (&world.new, new)] {
                for &index in nodes {
                    world.slab.get(pin, index).unwrap().filled.store(1, Relaxed);
                    chain.push(pin, &world.slab, index).unwrap();
                }
            }
        });
        Arc::new(world)
    }

    fn call<R>(&self, f: impl FnOnce(&Pin<'_>) -> R) -> R {
        let seat: Seat<'_> = self.seats.take();
        let pin = seat.pin();
        f(&pin)
    }

    fn push(&self, chain: &Chain, index: u32) -> bool {
        self.call(|pin| {
            self.slab.get(pin, index).unwrap().filled.store(1, Relaxed);
            chain.push(pin, &self.slab, index).is_ok()
        })
    }

    fn remove(&self, chain: &Chain, index: u32) -> bool {
        self.call(|pin| chain.remove(pin, &self.slab, index))
    }

    /// The nodes of a chain, all of them complete and none twice.
    fn nodes(&self, chain: &Chain) -> Vec<u32> {
        self.call(|pin| self.nodes_under(pin, chain))
    }

    fn nodes_under(&self, pin: &Pin<'_>, chain: &Chain) -> Vec<u32> {
        let mut seen = Vec::new();
        for (index, node) in chain.walk(pin, &self.slab) {
            assert_eq!(node.filled.load(Relaxed), 1, "node {index} is not complete");
            assert!(!seen.contains(&index), "{index} twice");
            seen.push(index);
        }
        seen
    }

    fn die(&self) {
        self.call(|pin| {
            if let Ok(Some(nodes)) = self.old.close(pin) {
                self.new.splice(pin, &self.slab, nodes).unwrap();
            }
        });
    }
}

/// Runs a closure in a second thread.
fn spawn<R: 'static>(world: &Arc<World>, f: impl FnOnce(&World) -> R + 'static) -> thread::JoinHandle<R> {
    let world = Arc::clone(world);
    thread::spawn(move || f(&world))
}

fn two_push() {
    let world = World::new(&[1], &[]);
    let other = spawn(&world, |world| world.push(&world.old, 2));
    assert!(world.push(&world.old, 3));
    assert!(world.nodes(&world.old).contains(&3));
    assert!(other.join().unwrap());
    let nodes = world.nodes(&world.old);
    assert!(nodes == [2, 3, 1] || nodes == [3, 2, 1]);
}

fn walk_meets_push_and_remove() {
    let world = World::new(&[1, 2, 3], &[]);
    let other = spawn(&world, |world| {
        assert!(world.remove(&world.old, 2));
        world.nodes(&world.old);
    });
    assert!(world.remove(&world.old, 3));
    let nodes = world.nodes(&world.old);
    assert!(nodes == [1] || nodes == [2, 1], "{nodes:?}");
    other.join().unwrap();
    assert_eq!(world.nodes(&world.old), [1]);
}

fn pushed_or_refused() {
    let world = World::new(&[1], &[4]);
    let other = spawn(&world, |world| world.push(&world.old, 2));
    world.die();
    let nodes = world.nodes(&world.new);
    assert!(nodes == [1, 4] || nodes == [2, 1, 4]);
    assert_eq!(other.join().unwrap(), nodes.contains(&2));
    assert!(world.nodes(&world.old).is_empty());
}

/// The owner dies while a walker of its chain, late, still removes and unlinks.
fn splice_meets_a_late_remover() {
    let world = World::new(&[1, 2], &[4, 5]);
    let other = spawn(&world, |world| {
        world.call(|pin| {
            let mut gone = Vec::new();
            for (index, _) in world.old.walk(pin, &world.slab) {
                if world.old.remove(pin, &world.slab, index) {
                    gone.push(index);
                }
            }
            world.nodes_under(pin, &world.old);
            gone
        })
    });
    world.die();
    let gone = other.join().unwrap();
    let nodes = world.nodes(&world.new);
    let left: Vec<u32> = [2, 1, 5, 4].into_iter().filter(|index| !gone.contains(index)).collect();
    assert_eq!(nodes, left);
    assert_eq!(world.nodes(&world.new), left);
}

/// The owner dies while a thread, late, walks its chain and then the heir's, which has a removed node in
/// front: it must not go from the one to the other before the splice, or it would unlink that node twice.
fn splice_is_not_anticipated() {
    let world = World::new(&[1, 2], &[4, 5]);
    assert!(world.remove(&world.new, 5));
    let other = spawn(&world, |world| {
        world.nodes(&world.old);
        world.nodes(&world.new);
    });
    world.die();
    other.join().unwrap();
    assert_eq!(world.nodes(&world.new), [2, 1, 4]);
}

/// The owner dies while nodes of the heir are removed by a walker of the heir's chain.
fn splice_meets_the_heirs_walker() {
    let world = World::new(&[1, 2], &[4, 5]);
    let other = spawn(&world, |world| {
        assert!(world.remove(&world.new, 5));
        let first = world.nodes(&world.new);
        assert!(first == [4] || first == [2, 1, 4], "{first:?}");
        world.remove(&world.new, 1)
    });
    world.die();
    let removed = other.join().unwrap();
    let nodes = world.nodes(&world.new);
    assert!(if removed { nodes == [2, 4] } else { nodes == [2, 1, 4] }, "{removed} {nodes:?}");
}

/// Two owners die at the same time, one being the other's heir: the nodes end up in one place.
fn heir_dies_as_well() {
    let world = World::new(&[1], &[4]);
    let last = Arc::new(Chain::default());
    let (other_last, second) = (Arc::clone(&last), Arc::clone(&world));
    let other = thread::spawn(move || {
        second.call(|pin| {
            let nodes = second.new.close(pin).unwrap().unwrap();
            other_last.splice(pin, &second.slab, nodes).unwrap();
        });
    });
    world.call(|pin| {
        let nodes = world.old.close(pin).unwrap().unwrap();
        if let Err(nodes) = world.new.splice(pin, &world.slab, nodes) {
            last.splice(pin, &world.slab, nodes).unwrap();
        }
    });
    other.join().unwrap();
    let mut nodes = world.nodes(&last);
    nodes.sort_unstable();
    assert_eq!(nodes, [1, 4]);
}

/// A node comes, is used and goes while a reader collects: the reader saw it or notices.
fn stamp_notices_what_came_and_went() {
    let world = World::new(&[1], &[]);
    let other = spawn(&world, |world| {
        world.push(&world.old, 2);
        world.used.fetch_add(1, AcqRel);
        world.remove(&world.old, 2);
        world.nodes(&world.old);
        world.used.fetch_add(1, AcqRel);
    });
    world.call(|pin| {
        let stamp = world.old.stamp();
        let before = world.used.fetch_add(0, AcqRel);
        let seen = world.nodes_under(pin, &world.old).contains(&2);
        let after = world.used.fetch_add(0, AcqRel);
        if world.old.is_current(stamp) && !seen {
            assert!((before, after) != (0, 2), "came, was used and went unnoticed");
        }
    });
    other.join().unwrap();
}

#[test]
fn one_chain() {
    holds("two_push", 3, two_push);
    holds("walk_meets_push_and_remove", 3, walk_meets_push_and_remove);
}

#[test]
fn stamps() {
    holds("stamp_notices_what_came_and_went", 3, stamp_notices_what_came_and_went);
    let model = stamp_notices_what_came_and_went;
    fails("stamp_notices_what_came_and_went", Fault::UnlinkNotCounted, &MODES, 3, model);
}

#[test]
fn closing() {
    holds("pushed_or_refused", 3, pushed_or_refused);
    holds("heir_dies_as_well", 3, heir_dies_as_well);
}

#[test]
fn splicing() {
    holds("splice_meets_a_late_remover", 3, splice_meets_a_late_remover);
    holds("splice_meets_the_heirs_walker", 3, splice_meets_the_heirs_walker);
    holds("splice_is_not_anticipated", 3, splice_is_not_anticipated);
    let model = splice_meets_a_late_remover;
    fails("splice_meets_a_late_remover", Fault::LastNodeRemovable, &MODES, 3, model);
    fails("splice_is_not_anticipated", Fault::PendingLinkFollowed, &MODES, 3, splice_is_not_anticipated);
}
