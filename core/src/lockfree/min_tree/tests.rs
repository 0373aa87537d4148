//! Trees without a model checker: keys come, go and change, and the smallest is found.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crossbeam_epoch::pin;

use super::*;

fn with(leaves: &[(u32, u64)]) -> MinTree {
    let tree = MinTree::new();
    for &(leaf, key) in leaves {
        tree.cover(&pin(), leaf).unwrap();
        tree.update(&pin(), leaf, || Some(key)).unwrap();
    }
    tree
}

fn leaves(tree: &MinTree) -> Vec<u32> {
    let mut found = Vec::new();
    tree.for_each(&pin(), |leaf| found.push(leaf));
    found
}

#[test]
fn an_empty_tree_has_no_leaves() {
    let tree = MinTree::new();
    assert!(tree.root().is_empty());
    assert_eq!((tree.min(&pin()), leaves(&tree)), (None, vec![]));
    assert_eq!(tree.update(&pin(), 3, || Some(1)), Err(NotCovered));
    assert_eq!(tree.cover(&pin(), MAX_LEAVES), Err(NotCovered));
}

#[test]
fn the_smallest_key_is_found_wherever_it_is() {
    let tree = with(&[(0, 9), (15, 4), (16, 3), (70_000, 2), (MAX_LEAVES - 1, 1)]);
    for leaf in [MAX_LEAVES - 1, 70_000, 16, 15, 0] {
        assert_eq!(tree.min(&pin()), Some(leaf));
        tree.update(&pin(), leaf, || None).unwrap();
    }
    assert_eq!(tree.min(&pin()), None);
    assert!(tree.root().is_empty());
}

#[test]
fn keys_that_are_too_large_are_none() {
    let tree = with(&[(7, MAX_KEY)]);
    assert_eq!(tree.min(&pin()), Some(7));
    tree.update(&pin(), 7, || Some(MAX_KEY + 1)).unwrap();
    assert_eq!(tree.min(&pin()), None);
}

#[test]
fn each_update_changes_the_root() {
    let tree = with(&[(5, 1), (600, 2)]);
    let before = tree.root();
    tree.update(&pin(), 600, || Some(2)).unwrap();
    assert_ne!(tree.root(), before);
}

#[test]
fn a_tree_that_is_reset_is_empty() {
    let tree = with(&[(5, 1), (600, 2)]);
    tree.reset(&pin());
    assert!(tree.root().is_empty());
    assert_eq!(tree.update(&pin(), 5, || Some(1)), Err(NotCovered));
    tree.cover(&pin(), 5).unwrap();
    assert_eq!(leaves(&tree), [] as [u32; 0]);
}

#[test]
fn random_changes_agree_with_a_map() {
    let tree = MinTree::new();
    let mut map = BTreeMap::new();
    let mut random = 1_u64;
    for _ in 0..20_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (leaf, key) = ((random >> 33) as u32 % 3_000, (random >> 50 << 12) + (random >> 33) % 3_000);
        tree.cover(&pin(), leaf).unwrap();
        let key = (random >> 20 & 3 != 0).then_some(key);
        tree.update(&pin(), leaf, || key).unwrap();
        match key {
            Some(key) => map.insert(leaf, key),
            None => map.remove(&leaf),
        };
        let smallest = map.iter().min_by_key(|(_, key)| **key).map(|(leaf, _)| *leaf);
        assert_eq!(tree.min(&pin()), smallest);
    }
    assert_eq!(leaves(&tree), map.into_keys().collect::<Vec<_>>());
}

/// Threads change leaves that have much of the way in common: in the end nothing is lost, and throughout each
/// finds its own key, or a smaller one.
#[test]
fn threads_lose_no_key() {
    const LEAVES: u32 = 40;
    let tree = MinTree::new();
    let keys: Vec<AtomicU64> = (0..LEAVES).map(|_| AtomicU64::new(u64::MAX)).collect();
    let key = |leaf: u32| Some(keys[leaf as usize].load(SeqCst)).filter(|key| *key != u64::MAX);
    (0..LEAVES).for_each(|leaf| tree.cover(&pin(), leaf).unwrap());
    std::thread::scope(|scope| {
        for own in 0..4 {
            let (tree, keys, key) = (&tree, &keys, &key);
            scope.spawn(move || {
                for round in 0..30_000_u64 {
                    let leaf = own + 4 * (round % u64::from(LEAVES / 4)) as u32;
                    let rank = (round * 7 + u64::from(own) * 3) % 1_000;
                    keys[leaf as usize].store(rank, SeqCst);
                    tree.update(&pin(), leaf, || key(leaf)).unwrap();
                    let root = tree.root();
                    assert!(root.0.key() <= rank, "{root:?} is larger than {rank} of {leaf}");
                    if round % 3 != 0 {
                        keys[leaf as usize].store(u64::MAX, SeqCst);
                        tree.update(&pin(), leaf, || key(leaf)).unwrap();
                    }
                }
            });
        }
    });
    let smallest = (0..LEAVES).filter_map(key).min();
    assert_eq!(tree.min(&pin()).and_then(key), smallest);
    assert_eq!(leaves(&tree), (0..LEAVES).filter(|leaf| key(*leaf).is_some()).collect::<Vec<_>>());
}
