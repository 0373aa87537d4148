//! The members, the operations on them, and a wait built on the index as the protocols build theirs.

use std::sync::Mutex;

use crossbeam_epoch::Guard;
use loom::sync::atomic::AtomicUsize;
use loom_tests::Pinned;
use ptexit_core::lockfree::ready_index::{Life, Members, ReadyIndex, Version};
use ptexit_core::sync::AtomicU64;
use ptexit_core::sync::Ordering::{AcqRel, Acquire, Release};

use super::history::{Answer, Event, Op, explain};

const PENDING: u64 = 1;
const READY: u64 = 2;
const GONE: u64 = 3;

/// Words of the members 1..=n: state in the upper half, slot in the lower.
pub struct Words(Vec<AtomicU64>);

impl Members for Words {
    type Seen = u64;

    fn look(&self, member: u32) -> u64 {
        self.0[member as usize - 1].load(Acquire)
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
        self.become_(member, seen, seen >> 32, slot)
    }
}

impl Words {
    fn become_(&self, member: u32, seen: u64, state: u64, slot: u32) -> Result<(), u64> {
        let next = state << 32 | u64::from(slot);
        self.0[member as usize - 1].compare_exchange(seen, next, AcqRel, Acquire).map(|_| ())
    }
}

/// Indexes, members and the history of what was done with them.
pub struct World {
    indexes: Vec<ReadyIndex>,
    words: Words,
    /// The index of each member.
    homes: &'static [u32],
    /// Orders operations of different threads, and by that synchronises them; without it, only operations
    /// of one thread have an order, and missing synchronisation shows.
    clock: Option<AtomicUsize>,
    history: Mutex<Vec<Event>>,
}

std::thread_local! {
    // loom's threads are coroutines of one thread: which of them runs is asked of loom.
    static PHASE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

loom::thread_local! {
    static THREAD: std::cell::Cell<usize> = std::cell::Cell::new(0);
}

impl World {
    pub fn new(homes: &'static [u32], clocked: bool) -> Self {
        PHASE.with(|phase| phase.set(0));
        World {
            indexes: (0..=homes.iter().copied().max().unwrap()).map(|_| ReadyIndex::new()).collect(),
            words: Words(homes.iter().map(|_| AtomicU64::new(0)).collect()),
            homes,
            clock: clocked.then(|| AtomicUsize::new(0)),
            history: Mutex::new(Vec::new()),
        }
    }

    /// The concurrent part begins, in thread `thread`.
    pub fn enter(&self, thread: usize) {
        PHASE.with(|phase| phase.set(1));
        THREAD.with(|cell| cell.set(thread));
    }

    fn index(&self, member: u32) -> &ReadyIndex {
        &self.indexes[self.homes[member as usize - 1] as usize]
    }

    fn now(&self) -> usize {
        self.clock.as_ref().map_or(0, |clock| clock.fetch_add(1, AcqRel))
    }

    fn record(&self, operation: impl FnOnce() -> Op) {
        let start = self.now();
        let op = operation();
        let end = self.now();
        let (phase, thread) = (PHASE.with(std::cell::Cell::get), THREAD.with(std::cell::Cell::get));
        let clock = self.clock.is_some().then_some((start, end));
        self.history.lock().unwrap().push(Event { op, phase, thread, clock });
    }

    /// Appends members, one operation each.
    pub fn births(&self, pinned: &Pinned, members: &[u32]) {
        for member in members.iter().copied() {
            self.record(|| {
                let index = self.index(member);
                index.reserve(pinned.guard(), &self.words, 1).unwrap();
                index.append(pinned.guard(), &self.words, member, |slot| {
                    self.words.0[member as usize - 1].store(PENDING << 32 | u64::from(slot), Release);
                });
                Op::Birth(member)
            });
        }
    }

    pub fn exit(&self, guard: &Guard, member: u32) {
        self.record(|| {
            let mut seen = self.words.0[member as usize - 1].load_for_cas(Acquire);
            while let Err(now) = self.words.become_(member, seen, READY, Words::slot(seen)) {
                seen = now;
            }
            self.index(member).set_ready(guard, Words::slot(seen));
            Op::Exit(member)
        });
    }

    /// Visits all the living.
    pub fn list(&self, guard: &Guard) {
        for index in &self.indexes {
            index.view(guard).first_living(&self.words, |_, _| false);
        }
    }

    /// wait(-1, WNOHANG).
    pub fn wait(&self, guard: &Guard) {
        self.record(|| Op::Wait(self.try_wait(guard)));
    }

    /// wait(member, WNOHANG).
    pub fn wait_for(&self, guard: &Guard, member: u32) {
        self.record(|| Op::WaitFor(member, self.try_wait_for(guard, member, true)));
    }

    /// wait(member, WNOHANG | WNOWAIT).
    pub fn peek_for(&self, guard: &Guard, member: u32) {
        self.record(|| Op::PeekFor(member, self.try_wait_for(guard, member, false)));
    }

    fn claim(&self, guard: &Guard, member: u32, seen: u64) -> bool {
        let claimed = self.words.become_(member, seen, GONE, Words::slot(seen)).is_ok();
        if claimed {
            self.index(member).clear(guard, Words::slot(seen), member);
        }
        claimed
    }

    fn version(&self, guard: &Guard) -> Version {
        let mut sum = Version::default();
        self.indexes.iter().for_each(|index| sum += index.view(guard).version());
        sum
    }

    fn try_wait(&self, guard: &Guard) -> Answer {
        'again: loop {
            let views: Vec<_> = self.indexes.iter().map(|index| index.view(guard)).collect();
            let mut version = Version::default();
            views.iter().for_each(|view| version += view.version());
            for view in &views {
                match view.next_ready(&self.words, |_, _| true) {
                    Ok(None) => {}
                    Ok(Some(found)) if self.claim(guard, found.member, found.seen) => {
                        return Answer::Member(found.member);
                    }
                    _ => continue 'again,
                }
            }
            let living = views.iter().any(|view| view.first_living(&self.words, |_, _| true).is_some());
            let now = self.version(guard);
            if living && now.ready == version.ready {
                return Answer::Zero;
            }
            if !living && now.members == version.members {
                return Answer::NoChild;
            }
        }
    }

    fn try_wait_for(&self, guard: &Guard, member: u32, reap: bool) -> Answer {
        loop {
            let seen = self.words.look(member);
            if Words::life(seen) == Life::Gone {
                return Answer::NoChild;
            }
            let ready = Words::life(seen) == Life::Ready;
            match self.index(member).is_ready(guard, Words::slot(seen)) {
                None => {}
                Some(false) if ready && self.words.look(member) != seen => {}
                Some(false) => return Answer::Zero,
                Some(true) if !ready => {}
                Some(true) if reap => {
                    if self.claim(guard, member, seen) {
                        return Answer::Member(member);
                    }
                }
                Some(true) => {
                    self.index(member).set_ready(guard, Words::slot(seen));
                    if self.words.look(member) == seen {
                        return Answer::Member(member);
                    }
                }
            }
        }
    }

    /// After the threads: everything is still there, in order.
    pub fn finish(&self, guard: &Guard) {
        PHASE.with(|phase| phase.set(2));
        loop {
            self.wait(guard);
            let last = self.history.lock().unwrap().last().map(|event| event.op);
            if !matches!(last, Some(Op::Wait(Answer::Member(_)))) {
                return;
            }
        }
    }

    /// Fails unless the history has an explanation.
    pub fn check(&self) {
        let history = self.history.lock().unwrap();
        if let Err(why) = explain(&history, self.homes) {
            panic!("{why}: {history:?}");
        }
    }
}
