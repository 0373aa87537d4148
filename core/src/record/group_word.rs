//! The group word: which threads a process still has, and whether it is on its way out as a whole.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::record::fault::{Edge, Fault, left_out, order};
use crate::sync::{AtomicU32, Ordering::*, Word, fence};
use crate::uapi::WaitStatus;

/// One value of a [`GroupWord`]: plain data.
///
/// | bits   | field           | meaning                                                    | in Linux             |
/// |--------|-----------------|------------------------------------------------------------|----------------------|
/// | 0..20  | `quick`         | threads that have not begun to exit                        | `quick_threads`      |
/// | 20..40 | `live`          | threads that have not finished their teardown              | `live`               |
/// | 40..60 | `undead`        | threads that have not been released                        | `nr_threads`         |
/// | 60     | `GROUP_EXIT`    | the whole group is exiting, its status is decided          | `SIGNAL_GROUP_EXIT`  |
/// | 62     | `LEADER_ZOMBIE` | the leader is dead and stays until the group is empty      | leader's `exit_state`|
/// | 63     | `EMPTY`         | nothing but the dead leader is left                        | `thread_group_empty` |
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct GroupSnapshot(u64);

const COUNT: u64 = 0xf_ffff;
const QUICK: u64 = 1;
const LIVE: u64 = 1 << 20;
const UNDEAD: u64 = 1 << 40;
const GROUP_EXIT: u64 = 1 << 60;
const LEADER_ZOMBIE: u64 = 1 << 62;
const EMPTY: u64 = 1 << 63;

/// A thread cannot be added: the group is exiting, or has 1,048,575 threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotJoined {
    /// The group is exiting.
    Exiting,
    /// No more threads fit.
    Full,
}

impl GroupSnapshot {
    /// A group of one thread.
    pub const NEW: GroupSnapshot = GroupSnapshot(QUICK + LIVE + UNDEAD);

    /// Threads that have not begun to exit.
    pub fn quick(self) -> u32 {
        (self.0 & COUNT) as u32
    }

    /// Threads that have not finished their teardown.
    pub fn live(self) -> u32 {
        (self.0 >> 20 & COUNT) as u32
    }

    /// Threads that have not been released.
    pub fn undead(self) -> u32 {
        (self.0 >> 40 & COUNT) as u32
    }

    /// The whole group is exiting.
    pub fn is_exiting(self) -> bool {
        self.0 & GROUP_EXIT != 0
    }

    /// Nothing but the dead leader is left.
    pub fn is_empty(self) -> bool {
        self.0 & EMPTY != 0
    }

    /// clone(2) of a thread.
    pub fn join(self) -> Result<Self, NotJoined> {
        if self.is_exiting() || self.quick() == 0 {
            Err(NotJoined::Exiting)
        } else if self.undead() as u64 == COUNT {
            Err(NotJoined::Full)
        } else {
            Ok(GroupSnapshot(self.0 + QUICK + LIVE + UNDEAD))
        }
    }

    /// exit_group(2), or a fatal signal: from now on every thread is to exit.
    pub fn exit_group(self) -> Self {
        GroupSnapshot(self.0 | GROUP_EXIT)
    }

    /// A thread begins to exit. The last one takes the whole group with it; `synchronize_group_exit`.
    pub fn begin_exit(self) -> Self {
        let next = GroupSnapshot(self.0 - QUICK);
        if next.quick() == 0 { next.exit_group() } else { next }
    }

    /// A thread's teardown is done; with the last one the group is dead (`group_dead`).
    pub fn finish(self) -> Self {
        GroupSnapshot(self.0 - LIVE)
    }

    /// A thread other than the leader is released.
    pub fn release_thread(self) -> Self {
        GroupSnapshot(self.0 - UNDEAD).settle()
    }

    /// The leader is dead. It stays as what the parent waits for.
    pub fn leader_dies(self) -> Self {
        GroupSnapshot(self.0 | LEADER_ZOMBIE).settle()
    }

    /// "Group empty" is an event of its own and happens once: in the transition that makes it true.
    fn settle(self) -> Self {
        if self.undead() == 1 && self.0 & LEADER_ZOMBIE != 0 { GroupSnapshot(self.0 | EMPTY) } else { self }
    }
}

impl fmt::Debug for GroupSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "quick {} live {} undead {}", self.quick(), self.live(), self.undead())?;
        for (bit, name) in [(GROUP_EXIT, " exiting"), (LEADER_ZOMBIE, " leader dead"), (EMPTY, " empty")] {
            if self.0 & bit != 0 {
                f.write_str(name)?;
            }
        }
        Ok(())
    }
}

/// The group word and the group's wait status.
///
/// The status is a second word, written once. A group exit writes it *before* it sets `GROUP_EXIT`; the
/// last thread to begin its exit sets the flag with its count and writes the status then. So a reader that
/// sees the flag and no status is looking at a last thread between its two steps: not decided yet.
#[derive(Debug)]
pub struct GroupWord {
    word: Word<GroupSnapshot>,
    /// The status plus one; 0 is "not decided".
    status: AtomicU32,
}

impl GroupWord {
    /// The word of a group that does not exist yet.
    pub fn new() -> Self {
        GroupWord { word: Word::new(GroupSnapshot(0)), status: AtomicU32::new(0) }
    }

    /// Begins a new life with one thread. Nobody knows the group yet.
    pub fn begin(&self) {
        // Ordering: Relaxed, as in `ExitWord::begin`.
        self.status.store(0, Relaxed);
        self.word.store(GroupSnapshot::NEW, Relaxed);
    }

    /// The word now.
    #[inline]
    pub fn look(&self) -> GroupSnapshot {
        // Ordering: Acquire, edge `group-code`: a reader that sees GROUP_EXIT may read the status.
        self.word.load(order(Edge::GroupRead, Acquire))
    }

    /// The group's wait status, once it is decided.
    #[inline]
    pub fn status(&self) -> Option<WaitStatus> {
        // Ordering: Acquire, edge `group-code`.
        match self.status.load(order(Edge::StatusRead, Acquire)) {
            0 => None,
            plus_one => WaitStatus::from_raw(plus_one - 1),
        }
    }

    /// Decides the group's status, if nobody has. Returns the one that holds.
    fn decide(&self, status: WaitStatus) -> WaitStatus {
        if left_out(Fault::FirstStatusStays) {
            self.status.store(status.raw() + 1, Release);
            return status;
        }
        // Ordering: AcqRel, edge `group-code`. The first exchange wins; it is the linearization point of
        // the status.
        let (success, failure) = (order(Edge::StatusDecided, AcqRel), order(Edge::StatusRead, Acquire));
        match self.status.compare_exchange(0, status.raw() + 1, success, failure) {
            Ok(_) => status,
            Err(plus_one) => WaitStatus::from_raw(plus_one - 1).unwrap_or(status),
        }
    }

    /// clone(2) of a thread.
    pub fn join(&self) -> Result<(), NotJoined> {
        self.try_apply(GroupSnapshot::join).map(|_| ())
    }

    /// exit_group(2). Returns the status that holds, and whether this call raised the flag: the one that
    /// did interrupts the other threads.
    pub fn exit_group(&self, status: WaitStatus) -> (WaitStatus, bool) {
        if self.look().is_exiting() && self.status().is_some() {
            return (self.decide(status), false);
        }
        if left_out(Fault::DecidedBeforeFlag) {
            let before = self.apply(GroupSnapshot::exit_group).0;
            return (self.decide(status), !before.is_exiting());
        }
        let status = self.decide(status);
        let before = self.apply(GroupSnapshot::exit_group).0;
        // Ordering: SeqCst fence, edge `thread-joined`: flagged before the threads are looked through. The
        // other one is in `is_exiting_by_now`.
        if !left_out(Fault::FenceBeforeThreads) {
            fence(SeqCst);
        }
        (status, !before.is_exiting())
    }

    /// Is the group exiting? For a thread that has just joined and been shown: if it is not, the look through
    /// the threads that follows a group exit finds it.
    pub fn is_exiting_by_now(&self) -> bool {
        // Ordering: SeqCst fence, edge `thread-joined`: shown before asked.
        //   Weaker: neither sees the other, and a thread is never told to exit.
        //   Test:   loom-tests/tests/newborn.rs, `newborn_thread_is_told_to_exit`.
        if left_out(Fault::LookAfterJoin) {
            return false;
        }
        if !left_out(Fault::FenceAfterJoin) {
            fence(SeqCst);
        }
        self.look().is_exiting()
    }

    /// A thread begins to exit with `status`. Returns the status it exits with: its own, or the group's
    /// if that was decided, which it is by the time the last thread has begun.
    pub fn begin_exit(&self, status: WaitStatus) -> WaitStatus {
        let (_, mut after) = self.apply(GroupSnapshot::begin_exit);
        if left_out(Fault::LastInTransition) {
            after = self.look();
        }
        if after.quick() == 0 {
            self.decide(status)
        } else if after.is_exiting() {
            self.status().unwrap_or(status)
        } else {
            status
        }
    }

    /// A thread's teardown is done. `true`: it was the last, the group is dead.
    pub fn finish(&self) -> bool {
        self.apply(GroupSnapshot::finish).1.live() == 0
    }

    /// A thread other than the leader is released. `true`: this made the group empty.
    pub fn release_thread(&self) -> bool {
        let after = self.apply(GroupSnapshot::release_thread).1;
        self.is_made_empty(after)
    }

    /// The leader is dead. `true`: this made the group empty.
    pub fn leader_dies(&self) -> bool {
        let after = self.apply(GroupSnapshot::leader_dies).1;
        self.is_made_empty(after)
    }

    fn is_made_empty(&self, after: GroupSnapshot) -> bool {
        if left_out(Fault::EmptyInTransition) { self.look().is_empty() } else { after.is_empty() }
    }

    fn apply(&self, step: impl Fn(GroupSnapshot) -> GroupSnapshot) -> (GroupSnapshot, GroupSnapshot) {
        match self.try_apply(|seen| Ok::<_, core::convert::Infallible>(step(seen))) {
            Ok(both) => both,
            Err(never) => match never {},
        }
    }

    #[inline]
    fn try_apply<E>(
        &self,
        step: impl Fn(GroupSnapshot) -> Result<GroupSnapshot, E>,
    ) -> Result<(GroupSnapshot, GroupSnapshot), E> {
        // Ordering: AcqRel, edge `group-release` (docs/orderings.md).
        //   Release: what a thread wrote before it was released (usage, its children's new parents) is
        //            there for whoever makes the group empty.
        //   Acquire: the one that makes it empty publishes all of that with the zombie.
        //   Weaker:  the parent could reap a process whose status or usage lacks a sibling's part.
        // The load is Acquire for the same reason: a failed exchange feeds the next step.
        // Progress: only a landed transition can fail this exchange.
        let mut seen = self.word.load_for_cas(order(Edge::GroupRead, Acquire));
        loop {
            let next = step(seen)?;
            let (success, failure) = (order(Edge::GroupChanged, AcqRel), order(Edge::GroupRead, Acquire));
            match self.word.compare_exchange(seen, next, success, failure) {
                Ok(_) => return Ok((seen, next)),
                Err(now) => seen = now,
            }
        }
    }
}

impl Default for GroupWord {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Every word that the transitions can reach with up to `most` threads.
    fn reachable(most: u32) -> Vec<GroupSnapshot> {
        let mut found = vec![GroupSnapshot::NEW];
        let mut next = 0;
        while let Some(&word) = found.get(next) {
            next += 1;
            let mut steps = vec![word.exit_group()];
            if word.undead() < most {
                steps.extend(word.join().ok());
            }
            if word.quick() > 0 {
                steps.push(word.begin_exit());
            }
            if word.live() > word.quick() {
                steps.push(word.finish());
            }
            let leader_dead = word.0 & LEADER_ZOMBIE != 0;
            let dead = word.undead() - word.live();
            if dead > u32::from(leader_dead) && word.undead() > 1 {
                steps.push(word.release_thread());
            }
            if dead > 0 && !leader_dead {
                steps.push(word.leader_dies());
            }
            for step in steps {
                if !found.contains(&step) {
                    found.push(step);
                }
            }
        }
        found
    }

    #[test]
    fn counts_stay_in_order_and_flags_mean_what_they_say() {
        let words = reachable(4);
        assert_eq!(words.len(), 84, "the walk has become shorter, or the word has more states");
        for word in words {
            assert!(word.quick() <= word.live() && word.live() <= word.undead(), "{word:?}");
            assert_eq!(word.is_empty(), word.undead() == 1 && word.0 & LEADER_ZOMBIE != 0, "{word:?}");
            assert!(word.quick() > 0 || word.is_exiting(), "{word:?}: the last thread decides for the group");
            assert_eq!(word.join().is_err(), word.is_exiting(), "{word:?}");
        }
    }

    #[test]
    fn a_full_group_takes_no_more_threads() {
        let full = GroupSnapshot(COUNT | COUNT << 20 | COUNT << 40);
        assert_eq!(full.join(), Err(NotJoined::Full));
    }

    #[test]
    fn the_first_status_wins() {
        let group = GroupWord::new();
        group.begin();
        group.join().unwrap();
        let (first, second) = (WaitStatus::exited(3), WaitStatus::exited(4));
        assert_eq!(group.status(), None);
        assert_eq!(group.exit_group(first), (first, true));
        assert_eq!(group.exit_group(second), (first, false));
        assert_eq!(group.begin_exit(second), first);
        assert_eq!(group.status(), Some(first));
    }

    #[test]
    fn the_last_thread_decides_for_the_group() {
        let group = GroupWord::new();
        group.begin();
        group.join().unwrap();
        assert_eq!(group.begin_exit(WaitStatus::exited(3)), WaitStatus::exited(3));
        assert_eq!(group.status(), None, "a single thread's status is its own");
        assert_eq!(group.begin_exit(WaitStatus::exited(5)), WaitStatus::exited(5));
        assert_eq!(group.status(), Some(WaitStatus::exited(5)));
    }

    #[test]
    fn empty_is_announced_once_in_either_order() {
        for leader_first in [false, true] {
            let group = GroupWord::new();
            group.begin();
            group.join().unwrap();
            for _ in 0..2 {
                group.begin_exit(WaitStatus::exited(0));
            }
            assert!(!group.finish());
            assert!(group.finish());
            let events = if leader_first {
                [group.leader_dies(), group.release_thread()]
            } else {
                [group.release_thread(), group.leader_dies()]
            };
            assert_eq!(events, [false, true]);
        }
    }
}
