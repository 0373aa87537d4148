//! A queue: values of a fixed number of words, from any thread to any thread, oldest first.
//!
//! The linked queue of Michael and Scott on nodes that are used again. `head` names a node whose value has
//! been taken, its link the one with the oldest value; `tail` names the last node, or one before it while a
//! push is under way.
//!
//! ```text
//!   head ─> n4 ─> n7 ─> n2 ─> 0        free ─> n1 ─> n3 ─> 0
//!          taken  oldest  youngest <─ tail
//! ```
//!
//! Whoever stops, anywhere, holds up nobody: a push is one exchange, of the last node's link; `tail` behind it is
//! moved on by whoever comes by. A pop is one exchange of `head`. So a thread that is frozen has one
//! value at most that others wait for: the one it was about to put in, or has just taken out.
//!
//! Nodes come from a table that only grows, and go to a list of free ones when `head` has passed them. So memory is
//! made only when more values are in the queue than ever before, one page at a time, and freed with the queue.
//! Every word that names a node carries a count that each change raises: an exchange that was prepared before its
//! node was used again fails. It could succeed only if the thread were frozen for a multiple of 2^32 changes of
//! that very word.

use crossbeam_utils::CachePadded;

use super::fault::{Edge, Fault, left_out, order};
use super::table::Table;
use crate::sync::Ordering::{Acquire, Relaxed, Release};
use crate::sync::{AtomicU32, AtomicU64};

struct Node<const WORDS: usize> {
    /// The next node of the queue or of the free ones, 0 for none; counted.
    link: AtomicU64,
    value: [AtomicU64; WORDS],
}

impl<const WORDS: usize> Default for Node<WORDS> {
    fn default() -> Self {
        Node { link: AtomicU64::new(0), value: core::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

/// A queue of values of `WORDS` words.
pub struct Queue<const WORDS: usize> {
    nodes: Table<Node<WORDS>>,
    head: CachePadded<AtomicU64>,
    tail: CachePadded<AtomicU64>,
    free: CachePadded<AtomicU64>,
    /// Nodes made so far, and 1: the number of the next one.
    made: AtomicU32,
}

/// The node that a counted word names.
fn index(word: u64) -> u32 {
    word as u32
}

/// A counted word that names another node.
fn changed(word: u64, index: u32) -> u64 {
    let count = (word >> 32) as u32;
    let count = if left_out(Fault::ChangesCounted) { count } else { count.wrapping_add(1) };
    u64::from(count) << 32 | u64::from(index)
}

/// The first node.
const FIRST: u32 = 1;

impl<const WORDS: usize> Queue<WORDS> {
    /// An empty queue.
    pub fn new() -> Self {
        let ends = || CachePadded::new(AtomicU64::new(FIRST.into()));
        let nodes = Table::new();
        nodes.grow(FIRST);
        Queue {
            nodes,
            head: ends(),
            tail: ends(),
            free: CachePadded::new(AtomicU64::new(0)),
            made: AtomicU32::new(FIRST + 1),
        }
    }

    fn node(&self, index: u32) -> &Node<WORDS> {
        self.nodes.get(index).expect("only nodes that were made are named")
    }

    /// Puts a value behind all others. Allocates only when more are in the queue than ever before.
    pub fn push(&self, value: &[u64; WORDS]) {
        let (tail, new) = self.link(value);
        self.move_tail(tail, new);
    }

    /// The same by a thread that is then frozen: its value is in the queue, and `tail` is left behind.
    #[cfg(loom)]
    pub fn push_and_freeze(&self, value: &[u64; WORDS]) {
        self.link(value);
    }

    /// Links a value behind the last one. Returns what `tail` was then, and the new node.
    fn link(&self, value: &[u64; WORDS]) -> (u64, u32) {
        let new = self.take_free();
        let node = self.node(new);
        // Relaxed: nobody reads them before the node is linked.
        node.value.iter().zip(value).for_each(|(word, value)| word.store(*value, Relaxed));
        // Ordering: Release, edge `queue-reuse`: who sees this link sees that `head` and `tail` have moved on.
        node.link.store(changed(node.link.load(Relaxed), 0), order(Edge::NodeReused, Release));
        // Progress: repeated only when another thread has put a value in, or has moved `tail`.
        loop {
            // Ordering: Acquire, edge `queue-tail`: the node is what it was when `tail` came to it.
            let tail = self.tail.load_for_cas(order(Edge::TailRead, Acquire));
            let last = self.node(index(tail));
            // Ordering: Acquire, edge `queue-reuse`, before `tail` is read again.
            let link = last.link.load_for_cas(order(Edge::LinkRead, Acquire));
            // If the node was used again, this link is not that of the queue's last node.
            if self.tail.load(Relaxed) != tail && !left_out(Fault::TailReadAgain) {
                continue;
            }
            if index(link) != 0 {
                self.move_tail(tail, index(link));
                continue;
            }
            // Ordering: Release, edge `queue-link`: the value.
            if last.link.compare_exchange(link, changed(link, new), order(Edge::NodeLinked, Release), Relaxed).is_ok() {
                return (tail, new);
            }
        }
    }

    /// Takes the oldest value.
    pub fn pop(&self) -> Option<[u64; WORDS]> {
        // Progress: repeated only when another thread has taken a value, or when `tail` is moved on.
        loop {
            // Ordering: Acquire, edge `queue-head`: `tail` is read as far on at least.
            let head = self.head.load_for_cas(order(Edge::QueueHeadRead, Acquire));
            // Ordering: Acquire, edge `queue-tail`: if it is beyond `head`, the link of that node is set.
            let tail = self.tail.load(order(Edge::TailRead, Acquire));
            // Ordering: Acquire, edges `queue-link` and `queue-reuse`, before `head` is read again.
            let link = self.node(index(head)).link.load(order(Edge::LinkRead, Acquire));
            if self.head.load(Relaxed) != head {
                continue;
            }
            if index(link) == 0 {
                return None;
            }
            if index(head) == index(tail) {
                if left_out(Fault::PopMovesTail) {
                    return None;
                }
                self.move_tail(tail, index(link));
                continue;
            }
            // Relaxed: edge `queue-link` shows what was put in. What somebody else puts in later would have
            // to come after the exchange below, which then fails.
            let oldest = &self.node(index(link)).value;
            let value = core::array::from_fn(|word| oldest[word].load(Relaxed));
            // Ordering: Release, edge `queue-head`: that `tail` was seen beyond.
            let next = changed(head, index(link));
            if self.head.compare_exchange(head, next, order(Edge::QueueHeadMoved, Release), Relaxed).is_ok() {
                self.give_back(index(head));
                return Some(value);
            }
        }
    }

    /// Moves `tail` on by one node. Fails only when somebody else has.
    fn move_tail(&self, tail: u64, next: u32) {
        // Ordering: Release, edge `queue-tail`.
        let _ = self.tail.compare_exchange(tail, changed(tail, next), order(Edge::TailMoved, Release), Relaxed);
    }

    /// A node that is nobody's.
    fn take_free(&self) -> u32 {
        // Ordering: Acquire, edge `queue-free`: its link, and what was done to it before.
        let mut free = self.free.load_for_cas(order(Edge::FreeNodeTaken, Acquire));
        // Progress: repeated only when another thread has taken a node or given one back.
        while index(free) != 0 {
            let next = index(self.node(index(free)).link.load(Relaxed));
            let acquire = order(Edge::FreeNodeTaken, Acquire);
            match self.free.compare_exchange(free, changed(free, next), acquire, acquire) {
                Ok(_) => return index(free),
                Err(now) => free = now,
            }
        }
        // Relaxed: only divides numbers up; the node becomes visible by edge `table-page`.
        let new = self.made.fetch_add(1, Relaxed);
        self.nodes.grow(new).expect("memory ends before the numbers do");
        new
    }

    fn give_back(&self, old: u32) {
        let link = &self.node(old).link;
        let was = link.load(Relaxed);
        let mut free = self.free.load_for_cas(Relaxed);
        // Progress: repeated only when another thread has taken a node or given one back.
        loop {
            // Ordering: Release, edge `queue-reuse`, as in `push`.
            link.store(changed(was, index(free)), order(Edge::NodeReused, Release));
            // Ordering: Release, edge `queue-free`.
            match self.free.compare_exchange(free, changed(free, old), order(Edge::NodeFreed, Release), Relaxed) {
                Ok(_) => return,
                Err(now) => free = now,
            }
        }
    }
}

impl<const WORDS: usize> Default for Queue<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn oldest_first() {
        let queue = Queue::<2>::new();
        assert_eq!(queue.pop(), None);
        (0..1000).for_each(|number| queue.push(&[number, !number]));
        assert!((0..1000).all(|number| queue.pop() == Some([number, !number])));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn nodes_are_made_only_for_more_than_ever() {
        let queue = Queue::<1>::new();
        let rounds = |depth: u64| {
            for round in 0..100 {
                (0..depth).for_each(|number| queue.push(&[round * depth + number]));
                (0..depth).for_each(|number| assert_eq!(queue.pop(), Some([round * depth + number])));
            }
            queue.made.load(Relaxed) - FIRST
        };
        // One more than there are values: the one whose value was taken last.
        assert_eq!([rounds(10), rounds(50), rounds(20)], [11, 51, 51]);
    }

    #[test]
    fn threads_lose_nothing_and_keep_their_order() {
        const EACH: u64 = 20_000;
        let queue = Queue::<3>::new();
        let taken: Vec<Vec<[u64; 3]>> = std::thread::scope(|scope| {
            for thread in 0..3 {
                let queue = &queue;
                scope.spawn(move || (0..EACH).for_each(|number| queue.push(&[thread, number, thread ^ number])));
            }
            let pop = || {
                let mut taken = Vec::new();
                let mut idle = 0;
                // Until nothing has come for long: the other one may have taken the last.
                while idle < 1_000_000 && taken.len() < 3 * EACH as usize {
                    match queue.pop() {
                        Some(value) => (taken.push(value), idle = 0).1,
                        None => idle += 1,
                    }
                }
                taken
            };
            let poppers: Vec<_> = (0..2).map(|_| scope.spawn(pop)).collect();
            poppers.into_iter().map(|popper| popper.join().unwrap()).collect()
        });
        for taken in &taken {
            for thread in 0..3 {
                let own: Vec<u64> = taken.iter().filter(|value| value[0] == thread).map(|value| value[1]).collect();
                assert!(own.is_sorted_by(|one, next| one < next), "a thread's values came out of order");
            }
            assert!(taken.iter().all(|value| value[2] == value[0] ^ value[1]), "a value was torn");
        }
        let left = core::iter::from_fn(|| queue.pop()).count();
        assert_eq!(taken.iter().map(Vec::len).sum::<usize>() + left, 3 * EACH as usize);
    }
}
