//! Grace periods: a record is reused when every thread that may have seen it has moved on.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU64, AtomicUsize, fence};

use crossbeam_utils::CachePadded;

/// Threads at one time.
const SEATS: usize = 64;
/// Records that are retired together.
const BAG: usize = 64;

/// The global epoch and the epoch each thread works in, 0 while it is outside.
#[derive(Debug)]
pub(super) struct Epochs {
    global: CachePadded<AtomicU64>,
    seats: Vec<CachePadded<AtomicU64>>,
    taken: AtomicUsize,
}

/// A thread is inside until this is dropped.
pub(super) struct Pinned<'a>(&'a AtomicU64);

impl Epochs {
    pub(super) fn new() -> Epochs {
        Epochs {
            global: CachePadded::new(AtomicU64::new(1)),
            seats: std::iter::repeat_with(CachePadded::default).take(SEATS).collect(),
            taken: AtomicUsize::new(0),
        }
    }

    pub(super) fn take_seat(&self) -> usize {
        let seat = self.taken.fetch_add(1, Relaxed);
        assert!(seat < SEATS, "the floor has {SEATS} seats");
        seat
    }

    pub(super) fn pin(&self, seat: usize) -> Pinned<'_> {
        let seat = &self.seats[seat];
        seat.swap(self.global.load(Relaxed), SeqCst);
        Pinned(seat)
    }

    /// Moves on to the next epoch if every thread inside is in this one.
    fn advance(&self) -> u64 {
        let now = self.global.load(Acquire);
        fence(SeqCst);
        let taken = self.taken.load(Relaxed).min(SEATS);
        let all_here =
            self.seats[..taken].iter().all(|seat| matches!(seat.load(Acquire), 0) || seat.load(Acquire) == now);
        if all_here && self.global.compare_exchange(now, now + 1, AcqRel, Relaxed).is_ok() {
            return now + 1;
        }
        self.global.load(Acquire)
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        self.0.store(0, Release);
    }
}

/// A thread's retired records, in bags by the epoch in which the bag was closed.
#[derive(Debug, Default)]
pub(super) struct Limbo {
    open: Vec<u32>,
    closed: VecDeque<(u64, Vec<u32>)>,
}

impl Limbo {
    /// Puts the record aside and, once in a bagful, takes back those whose grace period is over.
    pub(super) fn retire(&mut self, index: u32, epochs: &Epochs, free: &mut Vec<u32>) {
        self.open.push(index);
        if self.open.len() < BAG {
            return;
        }
        let now = epochs.advance();
        let mut spare = Vec::new();
        while self.closed.front().is_some_and(|(epoch, _)| epoch + 2 <= now) {
            if let Some((_, mut bag)) = self.closed.pop_front() {
                free.append(&mut bag);
                spare = bag;
            }
        }
        spare.reserve(BAG);
        self.closed.push_back((now, std::mem::replace(&mut self.open, spare)));
    }
}
