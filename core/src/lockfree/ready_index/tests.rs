//! One thread against a list, and many threads against each other.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::collections::BTreeSet;

use crossbeam_epoch::{self as epoch, Guard};

use super::*;

const PENDING: u64 = 1;
const READY: u64 = 2;
const GONE: u64 = 3;
const SLOTS: u32 = 1 << SLOT_BITS;

/// Words of members 1..=n: state in the upper half, slot in the lower.
struct Words(Vec<AtomicU64>);

impl Words {
    fn new(members: u32) -> Self {
        Words((0..=members).map(|_| AtomicU64::new(0)).collect())
    }

    fn init(&self, member: u32, slot: u32) {
        assert!(slot < SLOTS);
        self.0[member as usize].store(PENDING << 32 | u64::from(slot), Release);
    }

    /// Replaces the state `from`; tells the slot the word named, or that the state was another.
    fn become_(&self, member: u32, from: u64, to: u64) -> Option<u32> {
        let word = &self.0[member as usize];
        word.fetch_update(AcqRel, Acquire, |seen| (seen >> 32 == from).then_some(to << 32 | (seen & 0xffff_ffff)))
            .ok()
            .map(|seen| seen as u32)
    }
}

impl Members for Words {
    type Seen = u64;

    fn look(&self, member: u32) -> u64 {
        self.0[member as usize].load(Acquire)
    }

    fn slot(seen: u64) -> u32 {
        seen as u32
    }

    fn life(seen: u64) -> Life {
        match seen >> 32 {
            PENDING => Life::Pending,
            READY => Life::Ready,
            _ => Life::Gone,
        }
    }

    fn reslot(&self, member: u32, seen: u64, slot: u32) -> Result<(), u64> {
        let next = seen >> 32 << 32 | u64::from(slot);
        self.0[member as usize].compare_exchange(seen, next, AcqRel, Acquire).map(|_| ())
    }
}

fn append(index: &ReadyIndex, guard: &Guard, words: &Words, member: u32) {
    index.reserve(guard, words, 1).unwrap();
    index.append(guard, words, member, |slot| words.init(member, slot));
}

fn make_ready(index: &ReadyIndex, guard: &Guard, words: &Words, member: u32) {
    let slot = words.become_(member, PENDING, READY).unwrap();
    index.set_ready(guard, slot);
}

fn oldest_ready(index: &ReadyIndex, guard: &Guard, words: &Words) -> Option<u32> {
    loop {
        if let Ok(found) = index.view(guard).next_ready(words, |_, _| true) {
            return found.map(|found| found.member);
        }
    }
}

fn claim(index: &ReadyIndex, guard: &Guard, words: &Words, member: u32) -> bool {
    let claimed = words.become_(member, READY, GONE);
    if let Some(slot) = claimed {
        index.clear(guard, slot, member);
    }
    claimed.is_some()
}

fn living(index: &ReadyIndex, guard: &Guard, words: &Words) -> Vec<u32> {
    let mut all = Vec::new();
    assert!(
        index
            .view(guard)
            .first_living(words, |member, _| {
                all.push(member);
                false
            })
            .is_none()
    );
    all
}

/// A small generator: tests are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

#[test]
fn an_empty_index_has_nobody() {
    let (index, words, guard) = (ReadyIndex::new(), Words::new(0), &epoch::pin());
    assert!(index.is_empty(guard, &words));
    assert_eq!(oldest_ready(&index, guard, &words), None);
    assert_eq!(index.bytes(guard), 0);
    assert!(index.view(guard).is_current());
}

#[test]
fn a_process_that_forks_once_stays_small() {
    let (index, words, guard) = (ReadyIndex::new(), Words::new(1), &epoch::pin());
    append(&index, guard, &words, 1);
    assert!(index.bytes(guard) <= 104);
}

#[test]
fn every_step_changes_the_version_upwards() {
    let (index, words) = (ReadyIndex::new(), Words::new(200));
    let mut last = index.view(&epoch::pin()).version();
    for member in 1..=200 {
        let guard = &epoch::pin();
        append(&index, guard, &words, member);
        let born = index.view(guard).version();
        assert!(born.members > last.members && born.ready >= last.ready);
        make_ready(&index, guard, &words, member);
        let ready = index.view(guard).version();
        assert!(ready.ready > born.ready && ready.members == born.members);
        if member % 3 == 0 {
            assert!(claim(&index, guard, &words, member / 3));
            assert_eq!(index.view(guard).version(), ready, "a claim changes no version");
        }
        last = ready;
    }
}

#[test]
fn reservations_cover_many_births_and_can_be_given_back() {
    let (index, words, guard) = (ReadyIndex::new(), Words::new(300), &epoch::pin());
    index.reserve(guard, &words, 100).unwrap();
    index.reserve(guard, &words, 100).unwrap();
    let bytes = index.bytes(guard);
    for member in 1..=150 {
        index.append(guard, &words, member, |slot| words.init(member, slot));
    }
    index.unreserve(guard, 50);
    assert!(index.bytes(guard) <= bytes * 2, "no copy was made for what was reserved");
    assert_eq!(living(&index, guard, &words), (1..=150).collect::<Vec<_>>());
    assert_eq!(index.reserve(guard, &words, u32::MAX), Err(NoRoom));
    assert_eq!(index.reserve(guard, &words, SLOTS), Err(NoRoom));
}

#[test]
fn a_ready_bit_alone_makes_nobody_ready() {
    let (index, words, guard) = (ReadyIndex::new(), Words::new(2), &epoch::pin());
    append(&index, guard, &words, 1);
    append(&index, guard, &words, 2);
    index.set_ready(guard, Words::slot(words.look(1)));
    assert_eq!(oldest_ready(&index, guard, &words), None);
    make_ready(&index, guard, &words, 2);
    assert_eq!(oldest_ready(&index, guard, &words), Some(2));
}

#[test]
fn readers_finish_a_move_left_half_done() {
    let (index, words, guard) = (ReadyIndex::new(), Words::new(9), &epoch::pin());
    for member in 1..=9 {
        append(&index, guard, &words, member);
    }
    // The ninth birth moved 1 and 2. Announce 3 as the mover would, and stop there.
    let cur = index.current(guard).unwrap();
    let old_slot = Words::slot(words.look(3));
    let ends = cur.own_ends();
    assert_eq!((ends.survivors, ends.births), (2, 9));
    make_ready(&index, guard, &words, 3);
    cur.set_member(2, 3);
    cur.set_ends(segment::Ends { survivors: 3, ..ends });
    assert_eq!(living(&index, guard, &words), (1..=9).collect::<Vec<_>>());
    assert_eq!(Words::slot(words.look(3)), cur.slot(2));
    assert_eq!(index.is_ready(guard, old_slot), Some(true), "the mover clears the old slot itself");
    assert_eq!(index.is_ready(guard, cur.slot(2)), Some(true));
    assert_eq!(oldest_ready(&index, guard, &words), Some(3));
    assert!(claim(&index, guard, &words, 3));
    assert_eq!(oldest_ready(&index, guard, &words), None);
}

#[test]
fn a_full_wait_does_not_look_at_the_dead_again() {
    let (index, words, guard) = (ReadyIndex::new(), Words::new(2_000), &epoch::pin());
    for member in 1..=2_000 {
        append(&index, guard, &words, member);
    }
    for member in 1..2_000 {
        make_ready(&index, guard, &words, member);
        assert!(claim(&index, guard, &words, member));
    }
    let mut visited = 0;
    assert_eq!(index.view(guard).first_living(&words, |_, _| true).unwrap().member, 2_000);
    index.view(guard).first_living(&words, |_, _| {
        visited += 1;
        false
    });
    assert_eq!(visited, 1);
    assert!(!index.is_empty(guard, &words));
}

/// Random births, exits and waits against a sorted set; `bound` is checked on the way.
fn against_a_set(index: ReadyIndex, births: u32, survivors: usize, seed: u64, bound: impl Fn(usize, usize)) {
    let words = Words::new(births);
    let mut random = Random(seed);
    let (mut alive, mut ready) = (Vec::new(), BTreeSet::new());
    let mut peak = 0;
    for member in 1..=births {
        let guard = &epoch::pin();
        append(&index, guard, &words, member);
        alive.push(member);
        peak = peak.max(alive.len() + ready.len());
        while alive.len() > survivors && random.below(8) != 0 {
            let exits = alive.swap_remove(random.below(alive.len()));
            make_ready(&index, guard, &words, exits);
            ready.insert(exits);
        }
        while random.below(3) != 0 {
            let oldest = oldest_ready(&index, guard, &words);
            assert_eq!(oldest, ready.first().copied());
            let Some(oldest) = oldest else { break };
            assert!(claim(&index, guard, &words, oldest));
            ready.remove(&oldest);
        }
        if member % 64 == 0 {
            bound(index.bytes(guard), peak);
        }
        if member % 9_973 == 0 {
            let mut all: Vec<u32> = alive.iter().copied().chain(ready.iter().copied()).collect();
            all.sort_unstable();
            assert_eq!(living(&index, guard, &words), all);
        }
    }
    let guard = &epoch::pin();
    for member in alive {
        make_ready(&index, guard, &words, member);
        ready.insert(member);
    }
    for member in ready {
        assert_eq!(oldest_ready(&index, guard, &words), Some(member));
        assert!(claim(&index, guard, &words, member));
    }
    assert!(index.is_empty(guard, &words));
}

#[test]
fn births_exits_and_waits_in_any_order_are_those_of_a_sorted_set() {
    for survivors in [0, 1, 3, 30, 100, 1_000] {
        against_a_set(ReadyIndex::new(), 20_000, survivors, 0x9e37_79b9_7f4a_7c15 + survivors as u64, |_, _| {});
    }
}

#[test]
fn memory_follows_the_peak_of_the_living_and_not_the_births() {
    against_a_set(ReadyIndex::new(), 100_000, 200, 42, |bytes, peak| {
        assert!(bytes <= 4_096 + peak * 30, "{bytes} bytes for a peak of {peak}");
    });
}

#[test]
fn slot_numbers_wrap_in_mid_copy() {
    for start in (SLOTS - 3_000..=SLOTS - 8).step_by(101) {
        against_a_set(ReadyIndex::starting_at(start), 3_000, 40, u64::from(start), |_, _| {});
    }
}

#[test]
fn nothing_is_lost_and_nothing_taken_twice() {
    const BIRTHS: u32 = 60_000;
    let collector = epoch::Collector::new();
    let (index, words) = (ReadyIndex::new(), Words::new(BIRTHS));
    let taken: Vec<AtomicU64> = (0..=BIRTHS).map(|_| AtomicU64::new(0)).collect();
    let (born, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(60);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let handle = collector.register();
            for member in 1..=BIRTHS {
                append(&index, &handle.pin(), &words, member);
                born.store(u64::from(member), Release);
            }
        });
        for exiter in 0..2 {
            let (collector, index, words, born) = (&collector, &index, &words, &born);
            scope.spawn(move || {
                let handle = collector.register();
                let mut random = Random(77 + exiter);
                let mut waiting = Vec::new();
                for member in (1..=BIRTHS).filter(|member| u64::from(member % 2) == exiter) {
                    while born.load(Acquire) < u64::from(member) {
                        assert!(std::time::Instant::now() < give_up);
                        std::thread::yield_now();
                    }
                    waiting.push(member);
                    if waiting.len() > 300 {
                        let exits = waiting.swap_remove(random.below(300));
                        make_ready(index, &handle.pin(), words, exits);
                    }
                }
                for member in waiting {
                    make_ready(index, &handle.pin(), words, member);
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                let handle = collector.register();
                while !done.load(Acquire) {
                    assert!(std::time::Instant::now() < give_up);
                    let guard = &handle.pin();
                    match oldest_ready(&index, guard, &words) {
                        Some(member) => {
                            if claim(&index, guard, &words, member) {
                                taken[member as usize].fetch_add(1, Relaxed);
                            }
                        }
                        None if born.load(Acquire) == u64::from(BIRTHS) && index.is_empty(guard, &words) => {
                            done.store(true, Release);
                        }
                        None => std::thread::yield_now(),
                    }
                }
            });
        }
    });
    assert!(taken[1..].iter().all(|times| times.load(Relaxed) == 1));
}
