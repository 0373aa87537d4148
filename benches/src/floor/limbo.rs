//! Grace periods: a record is reused when every thread that may have seen it has moved on.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU64, AtomicUsize, fence};

use crossbeam_utils::CachePadded;

use super::records::{Chain, Records};

/// Threads at one time.
const SEATS: usize = 64;
/// Records retired between two attempts to move on.
const INTERVAL: u32 = 64;

/// The global epoch and the epoch each thread works in, 0 while it is outside.
#[derive(Debug)]
pub(super) struct Epochs {
    global: CachePadded<AtomicU64>,
    seats: [CachePadded<AtomicU64>; SEATS],
    taken: AtomicUsize,
}

/// A thread is inside until this is dropped.
pub(super) struct Pinned<'a>(&'a AtomicU64);

impl Epochs {
    pub(super) fn new() -> Epochs {
        Epochs {
            global: CachePadded::new(AtomicU64::new(3)),
            seats: std::array::from_fn(|_| CachePadded::default()),
            taken: AtomicUsize::new(0),
        }
    }

    pub(super) fn take_seat(&self) -> usize {
        let seat = self.taken.fetch_add(1, Relaxed);
        assert!(seat < SEATS, "the floor has {SEATS} seats");
        seat
    }

    #[inline]
    pub(super) fn pin(&self, seat: usize) -> Pinned<'_> {
        let seat = &self.seats[seat % SEATS];
        seat.swap(self.global.load(Relaxed), SeqCst);
        Pinned(seat)
    }

    /// Moves on to the next epoch if every thread inside is in this one.
    #[cold]
    fn advance(&self) {
        let now = self.global.load(Acquire);
        fence(SeqCst);
        let taken = self.taken.load(Relaxed).min(SEATS);
        let all_here = self.seats[..taken].iter().map(|seat| seat.load(Acquire)).all(|seat| seat == 0 || seat == now);
        if all_here {
            // Whoever loses was overtaken by somebody who did the same.
            let _ = self.global.compare_exchange(now, now + 1, AcqRel, Relaxed);
        }
    }
}

impl Drop for Pinned<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.store(0, Release);
    }
}

/// A thread's retired records, in three bags by the epoch they were retired in.
#[derive(Debug, Default)]
pub(super) struct Limbo {
    epoch: u64,
    bags: [Chain; 3],
    since_advance: u32,
}

impl Limbo {
    /// Puts the record aside, and frees those whose grace period is over.
    #[inline]
    pub(super) fn retire(&mut self, index: u32, epochs: &Epochs, records: &Records, free: &mut Chain) {
        let now = epochs.global.load(Acquire);
        if now != self.epoch {
            self.turn(now, records, free);
        }
        self.bags[(now % 3) as usize].push(records, index);
        self.since_advance += 1;
        if self.since_advance == INTERVAL {
            self.since_advance = 0;
            epochs.advance();
        }
    }

    /// What was retired two epochs ago or earlier is free.
    #[cold]
    fn turn(&mut self, now: u64, records: &Records, free: &mut Chain) {
        let keep = if now - self.epoch == 1 { self.epoch } else { now };
        for epoch in now..now + 3 {
            if epoch % 3 != keep % 3 || keep == now {
                free.append(records, &mut self.bags[(epoch % 3) as usize]);
            }
        }
        self.epoch = now;
    }
}
