//! A roster: a set of small numbers with stable places, claimed and released in any order.
//!
//! Places are claimed by compare-exchange in blocks that are only ever added, so a place found once
//! can be read for as long as the roster lives. The first places are inline: a process of a few
//! threads owns no block. Who reads blocks borrows them, which counts nothing and writes to no line that
//! another thread reads.

use std::sync::Arc;

use super::fault::{Edge, Fault, left_out, order};
use crate::sync::{AtomicU32, OnceArc, Ordering::*};

const INLINE: usize = 2;
const FIRST_BLOCK: usize = 16;

/// Members (numbers other than 0), each in a place of its own.
#[derive(Debug)]
pub struct Roster {
    inline: [AtomicU32; INLINE],
    /// The place where the next claim starts to look. A hint.
    hint: AtomicU32,
    /// No place from this one on was claimed in this life.
    unused: AtomicU32,
    /// Whether there is a block: the common answer costs one load.
    grown: AtomicU32,
    more: OnceArc<Block>,
}

#[derive(Debug)]
struct Block {
    places: Box<[AtomicU32]>,
    more: OnceArc<Block>,
}

/// A place that is claimed and shows nobody yet.
const CLAIMED: u32 = u32::MAX;

impl Roster {
    /// An empty roster.
    pub fn new() -> Self {
        Roster {
            inline: Default::default(),
            hint: AtomicU32::new(0),
            unused: AtomicU32::new(0),
            grown: AtomicU32::new(0),
            more: OnceArc::empty(),
        }
    }

    /// Empties it; nobody else uses it meanwhile. The blocks stay. Costs what was used since the last time,
    /// not what was ever used.
    pub fn reset(&self) {
        let mut left = self.unused.load(Relaxed) as usize;
        self.each_part(|places| {
            let used = left.min(places.len());
            places[..used].iter().for_each(|cell| cell.store(0, Relaxed));
            left -= used;
            left > 0
        });
        self.unused.store(0, Relaxed);
        self.hint.store(0, Relaxed);
    }

    /// Calls `visit` with the places inline and with those of each block, until it returns `false`.
    fn each_part(&self, mut visit: impl FnMut(&[AtomicU32]) -> bool) {
        // Ordering: Acquire, edge `roster-show`: set before any place of a block is claimed, so whoever
        // has to know of a member there reads 1.
        //   Test:   loom-tests/tests/roster.rs, `who_must_find_a_member_in_a_block_finds_it`.
        if !visit(&self.inline) || self.grown.load(order(Edge::GrownRead, Acquire)) == 0 {
            return;
        }
        let mut block = self.more.load();
        while let Some(here) = block.as_ref() {
            if !visit(&here.places) {
                return;
            }
            block = here.more.load();
        }
    }

    /// Claims a place. It shows nobody until [`show`](Self::show) is called. This may allocate.
    pub fn claim(&self) -> u32 {
        let start = self.hint.load(Relaxed);
        let place = self.claim_from(start).or_else(|| self.claim_from(0)).unwrap_or_else(|| self.claim_in_new_block());
        self.hint.store(place + 1, Relaxed);
        // Relaxed: read by `reset` only, which the end of the life before it is ordered with. A new
        // highest place is rare, and not worth a write for all the others.
        if self.unused.load(Relaxed) <= place {
            self.unused.fetch_max(place + 1, Relaxed);
        }
        place
    }

    /// Claims the first place of an empty roster that nobody else knows yet.
    pub fn claim_first(&self) -> u32 {
        self.inline[0].store(CLAIMED, Relaxed);
        self.hint.store(1, Relaxed);
        self.unused.store(1, Relaxed);
        0
    }

    /// Shows `member` in a claimed place.
    pub fn show(&self, place: u32, member: u32) {
        debug_assert!(member != 0 && member != CLAIMED);
        // Ordering: Release, edge `roster-show`: who finds the member finds its record complete.
        //   Weaker: a thread is found before its record is complete.
        //   Test:   loom-tests/tests/roster.rs, `who_finds_a_member_finds_its_record`.
        self.with(place, |cell| cell.store(member, order(Edge::MemberShown, Release)));
    }

    /// Gives the place back.
    pub fn release(&self, place: u32) {
        self.with(place, |cell| cell.store(0, Release));
        self.hint.store(place, Relaxed);
    }

    /// Who is in this place, if anybody is shown there.
    pub fn get(&self, place: u32) -> Option<u32> {
        self.with(place, read).flatten()
    }

    /// Calls `visit` for every member shown, by place; stops when it returns `false`.
    pub fn for_each(&self, mut visit: impl FnMut(u32) -> bool) {
        self.each_part(|places| places.iter().filter_map(read).all(&mut visit));
    }

    fn claim_from(&self, start: u32) -> Option<u32> {
        let mut skip = start as usize;
        let mut base = 0;
        let mut claimed = None;
        self.each_part(|places| {
            let found = (skip.min(places.len())..places.len()).find(|&i| {
                // Ordering: Acquire, so that the last holder's records are done with; nothing is published yet.
                places[i].load_for_cas(Relaxed) == 0 && places[i].compare_exchange(0, CLAIMED, Acquire, Relaxed).is_ok()
            });
            claimed = found.map(|i| (base + i) as u32);
            skip = skip.saturating_sub(places.len());
            base += places.len();
            claimed.is_none()
        });
        claimed
    }

    /// Adds a block behind the last one. Its first place is ours before anybody can see it.
    fn claim_in_new_block(&self) -> u32 {
        let mut base = INLINE;
        let mut size = FIRST_BLOCK;
        let mut last: Option<Arc<Block>> = None;
        if !left_out(Fault::GrownTold) {
            self.grown.store(1, order(Edge::GrownTold, Release));
        }
        loop {
            let end = last.as_ref().map_or(&self.more, |block| &block.more);
            let next = match end.load_full() {
                Some(block) => block,
                None => {
                    let places: Box<[AtomicU32]> = (0..size).map(|_| AtomicU32::new(0)).collect();
                    places[0].store(CLAIMED, Relaxed);
                    match end.install(Arc::new(Block { places, more: OnceArc::empty() })) {
                        Ok(()) => return base as u32,
                        Err(theirs) => theirs,
                    }
                }
            };
            // Somebody else's block, perhaps with room.
            let taken = next.places.iter().position(|cell| {
                cell.load_for_cas(Relaxed) == 0 && cell.compare_exchange(0, CLAIMED, Acquire, Relaxed).is_ok()
            });
            if let Some(i) = taken {
                return (base + i) as u32;
            }
            base += next.places.len();
            size = next.places.len() * 2;
            last = Some(next);
        }
    }

    fn with<R>(&self, place: u32, use_cell: impl FnOnce(&AtomicU32) -> R) -> Option<R> {
        if let Some(cell) = self.inline.get(place as usize) {
            return Some(use_cell(cell));
        }
        let mut place = place as usize;
        let (mut use_cell, mut result) = (Some(use_cell), None);
        self.each_part(|places| {
            match places.get(place) {
                Some(cell) => result = use_cell.take().map(|use_cell| use_cell(cell)),
                None => place -= places.len(),
            }
            use_cell.is_some()
        });
        result
    }
}

/// The member shown in a place.
fn read(place: &AtomicU32) -> Option<u32> {
    // Ordering: Acquire, edge `roster-show`.
    Some(place.load(order(Edge::MemberFound, Acquire))).filter(|&member| member != 0 && member != CLAIMED)
}

impl Default for Roster {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use arc_swap::Guard;

    fn members(roster: &Roster) -> Vec<u32> {
        let mut found = Vec::new();
        roster.for_each(|member| {
            found.push(member);
            true
        });
        found
    }

    #[test]
    fn places_are_distinct_and_come_back() {
        let roster = Roster::new();
        let places: Vec<u32> = (0..1000).map(|_| roster.claim()).collect();
        let mut sorted = places.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 1000);
        assert_eq!(members(&roster), [], "a claimed place shows nobody");
        for (i, &place) in places.iter().enumerate() {
            roster.show(place, i as u32 + 1);
        }
        assert_eq!(members(&roster).len(), 1000);
        assert_eq!(roster.get(places[499]), Some(500));
        roster.release(places[499]);
        assert_eq!(roster.get(places[499]), None);
        assert_eq!(roster.claim(), places[499], "the place given back last is taken first");
    }

    #[test]
    fn a_look_at_many_counts_nothing() {
        let roster = Roster::new();
        (1..=100).for_each(|member| roster.show(roster.claim(), member));
        let count = || Guard::into_inner(roster.more.load()).map(|block| Arc::strong_count(&block) - 1);
        assert_eq!(count(), Some(1));
        let mut counts = Vec::new();
        roster.for_each(|_| {
            counts.push(count());
            true
        });
        assert_eq!(counts, [Some(1); 100]);
    }

    #[test]
    fn a_reset_costs_what_was_used() {
        let roster = Roster::new();
        let places: Vec<u32> = (0..1000).map(|_| roster.claim()).collect();
        places.iter().for_each(|&place| roster.show(place, place + 1));
        roster.reset();
        assert_eq!(members(&roster), [], "all of it, after a life with many");
        // Something beyond what the next life uses, by which to see where the reset came.
        roster.with(places[999], |cell| cell.store(7, Relaxed));
        (0..40).for_each(|_| roster.show(roster.claim(), 5));
        assert_eq!(members(&roster).len(), 41);
        roster.reset();
        assert_eq!(members(&roster), [7], "what was used is empty, the rest was not looked at");
    }

    #[test]
    fn threads_claim_side_by_side() {
        let roster = Roster::new();
        std::thread::scope(|scope| {
            for thread in 0..4u32 {
                let roster = &roster;
                scope.spawn(move || {
                    for round in 0..2000u32 {
                        let places: Vec<u32> = (0..5).map(|_| roster.claim()).collect();
                        for &place in &places {
                            let me = (thread << 16) | (round + 1);
                            roster.show(place, me);
                            assert_eq!(roster.get(place), Some(me), "two claimed one place");
                        }
                        for place in places {
                            roster.release(place);
                        }
                    }
                });
            }
        });
        assert_eq!(members(&roster), []);
    }
}
