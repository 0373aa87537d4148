//! The tree of minima: an update that has returned is in the root, and the root misses nothing.
//!
//! What is true of a leaf is read and written Relaxed: only the tree orders it.
#![cfg(loom)]

use loom::thread;
use loom_tests::fault::{holds_always, needs, needs_edges};
use loom_tests::{Shared, covered};
use ptexit_core::lockfree::fault::{Edge::*, Fault};
use ptexit_core::lockfree::min_tree::MinTree;
use ptexit_core::sync::AtomicU64;
use ptexit_core::sync::Ordering::{AcqRel, Relaxed};

/// Leaves of a model; four pairs of neighbours, two of which have a node in common.
const LEAVES: u32 = 8;

struct World {
    tree: MinTree,
    /// The key of each leaf, and one more; 0 for none.
    keys: [AtomicU64; LEAVES as usize],
    clock: AtomicU64,
}

impl World {
    /// A tree that covers these leaves, with these keys; 0 for none.
    fn new(leaves: &[(u32, u64)]) -> Shared<World> {
        let keys = core::array::from_fn(|_| AtomicU64::new(0));
        let world = World { tree: MinTree::new(), keys, clock: AtomicU64::new(0) };
        for &(leaf, key) in leaves {
            world.tree.cover(covered(), leaf).unwrap();
            if key != 0 {
                world.set(leaf, key);
            }
        }
        Shared::new(world)
    }

    fn key(&self, leaf: u32) -> Option<u64> {
        self.keys[leaf as usize].load(Relaxed).checked_sub(1)
    }

    fn update(&self, leaf: u32) {
        self.tree.update(covered(), leaf, || self.key(leaf)).unwrap();
    }

    fn set(&self, leaf: u32, key: u64) {
        self.keys[leaf as usize].store(key + 1, Relaxed);
        self.update(leaf);
    }

    fn unset(&self, leaf: u32) {
        self.keys[leaf as usize].store(0, Relaxed);
        self.update(leaf);
    }

    fn min(&self) -> Option<u32> {
        self.tree.min(covered())
    }

    fn leaves(&self) -> Vec<u32> {
        let mut leaves = Vec::new();
        self.tree.for_each(covered(), |leaf| leaves.push(leaf));
        leaves
    }
}

/// Runs two threads and then a check.
fn race(world: Shared<World>, other: fn(&World), mine: fn(&World), check: fn(&World)) {
    let second = world.clone();
    let thread = thread::spawn(move || {
        other(&second);
        second.release();
    });
    mine(&world);
    thread.join().unwrap();
    check(&world);
    world.release();
}

/// Two leaves under one node get keys at once; that of a third one lies between them.
fn neighbours_come() {
    race(
        World::new(&[(0, 0), (1, 0), (7, 4)]),
        |world| {
            world.set(0, 5);
            assert!(matches!(world.min(), Some(1 | 7)));
        },
        |world| {
            world.set(1, 3);
            assert_eq!(world.min(), Some(1), "an update that has returned is not in the root");
        },
        |world| assert_eq!((world.min(), world.leaves()), (Some(1), vec![0, 1, 7])),
    );
}

fn strangers_come() {
    race(
        World::new(&[(0, 0), (7, 0)]),
        |world| {
            world.set(0, 5);
            assert!(world.min().is_some(), "an update that has returned is not in the root");
        },
        |world| {
            world.set(7, 3);
            assert_eq!(world.min(), Some(7));
        },
        |world| assert_eq!((world.min(), world.leaves()), (Some(7), vec![0, 7])),
    );
}

fn one_comes_and_one_goes() {
    race(
        World::new(&[(0, 2), (1, 0)]),
        |world| world.unset(0),
        |world| {
            world.set(1, 4);
            assert!(world.min().is_some());
        },
        |world| assert_eq!((world.min(), world.leaves()), (Some(1), vec![1])),
    );
}

/// Somebody found nothing at a leaf and updates it, while there is something again.
fn cleaned_beside_a_change() {
    race(
        World::new(&[(2, 0)]),
        |world| world.update(2),
        |world| {
            world.set(2, 4);
            assert_eq!(world.min(), Some(2));
        },
        |world| assert_eq!(world.min(), Some(2)),
    );
}

/// The smallest one goes; what is behind it is not passed over for its neighbour.
fn next_is_next() {
    race(
        World::new(&[(0, 1), (1, 7), (4, 5)]),
        |world| world.unset(0),
        |world| {
            let found = world.min();
            assert!(matches!(found, Some(0 | 4)), "{found:?} passes over 4");
            world.tree.for_each(covered(), |leaf| assert!([0, 1, 4].contains(&leaf)));
        },
        |world| assert_eq!(world.min(), Some(4)),
    );
}

/// A root that is empty and has not changed was empty all the time.
fn nothing_is_nothing() {
    race(
        World::new(&[(3, 0), (6, 0)]),
        |world| {
            world.set(3, 1);
            world.clock.fetch_add(1, AcqRel);
            world.clock.fetch_add(1, AcqRel);
            world.unset(3);
        },
        |world| {
            let before = world.tree.root();
            let time = world.clock.fetch_add(0, AcqRel);
            if before.is_empty() && world.tree.root() == before {
                assert_ne!(time, 1, "a leaf that had come was overlooked");
            }
        },
        |world| assert!(world.tree.root().is_empty()),
    );
}

#[test]
fn coming() {
    holds_always("neighbours_come", [3; 3], neighbours_come);
    holds_always("strangers_come", [3; 3], strangers_come);
    holds_always("cleaned_beside_a_change", [3; 3], cleaned_beside_a_change);
    needs(Fault::SecondRefresh, "neighbours_come", [3; 3], neighbours_come);
    needs(Fault::NodeBeforeBelow, "cleaned_beside_a_change", [3; 3], cleaned_beside_a_change);
}

#[test]
fn going() {
    holds_always("one_comes_and_one_goes", [3; 3], one_comes_and_one_goes);
    holds_always("next_is_next", [3; 3], next_is_next);
    holds_always("nothing_is_nothing", [3; 3], nothing_is_nothing);
    needs(Fault::FoundCompared, "next_is_next", [3; 3], next_is_next);
}

#[test]
fn weak_edges_fail() {
    needs_edges(&[MinAnnounced], "neighbours_come", 3, neighbours_come);
}

#[test]
#[ignore = "prints what fails when an edge is relaxed"]
fn survey() {
    loom_tests::fault::survey(
        &[MinRead, MinAnnounced, MinChanged],
        &[
            ("neighbours_come", 3, neighbours_come),
            ("strangers_come", 3, strangers_come),
            ("one_comes_and_one_goes", 3, one_comes_and_one_goes),
            ("cleaned_beside_a_change", 3, cleaned_beside_a_change),
            ("next_is_next", 3, next_is_next),
            ("nothing_is_nothing", 3, nothing_is_nothing),
        ],
    );
}
