//! Chains without a model checker: order, hand-overs, and threads at full speed.

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
                            for reaper in &chains[i + 1..] {
                                match reaper.splice(&pin, slab, nodes) {
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
