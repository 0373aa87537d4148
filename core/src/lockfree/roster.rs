//! A roster: a set of small numbers with stable places, claimed and released in any order.
//!
//! Places are claimed by compare-exchange in blocks that are only ever added, so a place found once
//! can be read for as long as the roster lives. The first places are inline: a process of a few
//! threads owns no block.

use arc_swap::ArcSwapOption;
use std::sync::Arc;

use crate::sync::{AtomicU32, Ordering::*};

const INLINE: usize = 2;
const FIRST_BLOCK: usize = 16;

/// Members (numbers other than 0), each in a place of its own.
#[derive(Debug)]
pub struct Roster {
    inline: [AtomicU32; INLINE],
    /// The place where the next claim starts to look. A hint.
    hint: AtomicU32,
    /// Whether there is a block: the common answer costs one load.
    grown: AtomicU32,
    more: ArcSwapOption<Block>,
}

#[derive(Debug)]
struct Block {
    places: Box<[AtomicU32]>,
    more: ArcSwapOption<Block>,
}

/// A place that is claimed and shows nobody yet.
const CLAIMED: u32 = u32::MAX;

impl Roster {
    /// An empty roster.
    pub fn new() -> Self {
        Roster {
            inline: Default::default(),
            hint: AtomicU32::new(0),
            grown: AtomicU32::new(0),
            more: ArcSwapOption::empty(),
        }
    }

    /// Empties it; nobody else uses it meanwhile. The blocks stay.
    pub fn reset(&self) {
        let clear = |places: &[AtomicU32]| places.iter().for_each(|cell| cell.store(0, Relaxed));
        clear(&self.inline);
        let mut block = self.first_block();
        while let Some(here) = block {
            clear(&here.places);
            block = here.more.load_full();
        }
        self.hint.store(0, Relaxed);
    }

    fn first_block(&self) -> Option<Arc<Block>> {
        // Ordering: Acquire, edge `roster-show`: set before any place of a block is claimed, so whoever
        // has to know of a member there reads 1.
        if self.grown.load(Acquire) == 0 { None } else { self.more.load_full() }
    }

    /// Claims a place. It shows nobody until [`show`](Self::show) is called. This may allocate.
    pub fn claim(&self) -> u32 {
        let start = self.hint.load(Relaxed);
        let place = self.claim_from(start).or_else(|| self.claim_from(0)).unwrap_or_else(|| self.claim_in_new_block());
        self.hint.store(place + 1, Relaxed);
        place
    }

    /// Claims the first place of an empty roster that nobody else knows yet.
    pub fn claim_first(&self) -> u32 {
        self.inline[0].store(CLAIMED, Relaxed);
        self.hint.store(1, Relaxed);
        0
    }

    /// Shows `member` in a claimed place.
    pub fn show(&self, place: u32, member: u32) {
        debug_assert!(member != 0 && member != CLAIMED);
        // Ordering: Release, edge `roster-show`: who finds the member finds its record complete.
        self.with(place, |cell| cell.store(member, Release));
    }

    /// Gives the place back.
    pub fn release(&self, place: u32) {
        self.with(place, |cell| cell.store(0, Release));
        self.hint.store(place, Relaxed);
    }

    /// Who is in this place, if anybody is shown there.
    pub fn get(&self, place: u32) -> Option<u32> {
        self.with(place, |cell| member(cell.load(Acquire))).flatten()
    }

    /// Calls `visit` for every member shown, by place; stops when it returns `false`.
    pub fn for_each(&self, mut visit: impl FnMut(u32) -> bool) {
        // Ordering: Acquire, edge `roster-show`.
        let mut go = |places: &[AtomicU32]| places.iter().filter_map(|cell| member(cell.load(Acquire))).all(&mut visit);
        if !go(&self.inline) {
            return;
        }
        let mut block = self.first_block();
        while let Some(here) = block {
            if !go(&here.places) {
                return;
            }
            block = here.more.load_full();
        }
    }

    fn claim_from(&self, start: u32) -> Option<u32> {
        let mut skip = start as usize;
        let mut base = 0;
        let mut go = |places: &[AtomicU32]| {
            let found = (skip.min(places.len())..places.len()).find(|&i| {
                // Ordering: Acquire, so that the last holder's records are done with; nothing is published yet.
                places[i].load_for_cas(Relaxed) == 0 && places[i].compare_exchange(0, CLAIMED, Acquire, Relaxed).is_ok()
            });
            let place = found.map(|i| (base + i) as u32);
            skip = skip.saturating_sub(places.len());
            base += places.len();
            place
        };
        if let Some(place) = go(&self.inline) {
            return Some(place);
        }
        let mut block = self.first_block();
        while let Some(here) = block {
            if let Some(place) = go(&here.places) {
                return Some(place);
            }
            block = here.more.load_full();
        }
        None
    }

    /// Adds a block behind the last one. Its first place is ours before anybody can see it.
    fn claim_in_new_block(&self) -> u32 {
        let mut base = INLINE;
        let mut size = FIRST_BLOCK;
        let mut last: Option<Arc<Block>> = None;
        self.grown.store(1, Release);
        loop {
            let end = last.as_ref().map_or(&self.more, |block| &block.more);
            let next = match end.load_full() {
                Some(block) => block,
                None => {
                    let places: Box<[AtomicU32]> = (0..size).map(|_| AtomicU32::new(0)).collect();
                    places[0].store(CLAIMED, Relaxed);
                    let block = Arc::new(Block { places, more: ArcSwapOption::empty() });
                    let was = end.compare_and_swap(&None::<Arc<Block>>, Some(block));
                    match &*was {
                        None => return base as u32,
                        Some(theirs) => theirs.clone(),
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
        let mut place = place as usize;
        if let Some(cell) = self.inline.get(place) {
            return Some(use_cell(cell));
        }
        place -= INLINE;
        let mut block = self.first_block();
        while let Some(here) = block {
            if let Some(cell) = here.places.get(place) {
                return Some(use_cell(cell));
            }
            place -= here.places.len();
            block = here.more.load_full();
        }
        None
    }
}

fn member(cell: u32) -> Option<u32> {
    (cell != 0 && cell != CLAIMED).then_some(cell)
}

impl Default for Roster {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

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
