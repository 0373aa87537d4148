//! The group word: which threads a process still has.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::record::fault::{Edge, Fault, left_out, order};
use crate::sync::{Ordering::*, Word};

/// One value of a [`GroupWord`]: plain data.
///
/// | bits   | field           | meaning                                                    | in Linux             |
/// |--------|-----------------|------------------------------------------------------------|----------------------|
/// | 0..20  | `live`          | threads that have not finished their teardown              | `live`               |
/// | 20..40 | `undead`        | threads that have not been released                        | `nr_threads`         |
/// | 62     | `LEADER_ZOMBIE` | the leader is dead and stays until the group is empty      | leader's `exit_state`|
/// | 63     | `EMPTY`         | nothing but the dead leader is left                        | `thread_group_empty` |
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct GroupSnapshot(u64);

const COUNT: u64 = 0xf_ffff;
const LIVE: u64 = 1;
const UNDEAD: u64 = 1 << 20;
const LEADER_ZOMBIE: u64 = 1 << 62;
const EMPTY: u64 = 1 << 63;

/// A thread cannot be added: the group has 1,048,575 threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsFull;

impl GroupSnapshot {
    /// A group of one thread.
    pub const NEW: GroupSnapshot = GroupSnapshot(LIVE + UNDEAD);

    /// Threads that have not finished their teardown.
    pub fn live(self) -> u32 {
        (self.0 & COUNT) as u32
    }

    /// Threads that have not been released.
    pub fn undead(self) -> u32 {
        (self.0 >> 20 & COUNT) as u32
    }

    /// Nothing but the dead leader is left.
    pub fn is_empty(self) -> bool {
        self.0 & EMPTY != 0
    }

    /// clone(2) of a thread, by a live one.
    pub fn join(self) -> Result<Self, IsFull> {
        if self.undead() as u64 == COUNT { Err(IsFull) } else { Ok(GroupSnapshot(self.0 + LIVE + UNDEAD)) }
    }

    /// The thread that was about to [`join`](Self::join) is not born. Its creator is live, so that this is
    /// never the end of anything.
    pub fn unjoin(self) -> Self {
        GroupSnapshot(self.0 - LIVE - UNDEAD)
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
        write!(f, "live {} undead {}", self.live(), self.undead())?;
        for (bit, name) in [(LEADER_ZOMBIE, " leader dead"), (EMPTY, " empty")] {
            if self.0 & bit != 0 {
                f.write_str(name)?;
            }
        }
        Ok(())
    }
}

/// The threads of a group, from birth to release. How many of them run, and whether they are to exit, is in the
/// [job word](super::job_word).
#[derive(Debug)]
pub struct GroupWord(Word<GroupSnapshot>);

impl GroupWord {
    /// The word of a group that does not exist yet.
    pub fn new() -> Self {
        GroupWord(Word::new(GroupSnapshot(0)))
    }

    /// Begins a new life with one thread. Nobody knows the group yet.
    pub fn begin(&self) {
        // Ordering: Relaxed, as in `ExitWord::begin`.
        self.0.store(GroupSnapshot::NEW, Relaxed);
    }

    /// The word now.
    #[inline]
    pub fn look(&self) -> GroupSnapshot {
        // Ordering: Acquire, edge `group-release`.
        self.0.load(order(Edge::GroupRead, Acquire))
    }

    /// clone(2) of a thread, by a live one.
    pub fn join(&self) -> Result<(), IsFull> {
        self.try_apply(GroupSnapshot::join).map(|_| ())
    }

    /// The thread is not born after all.
    pub fn unjoin(&self) {
        self.apply(GroupSnapshot::unjoin);
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
        let mut seen = self.0.load_for_cas(order(Edge::GroupRead, Acquire));
        loop {
            let next = step(seen)?;
            let (success, failure) = (order(Edge::GroupChanged, AcqRel), order(Edge::GroupRead, Acquire));
            match self.0.compare_exchange(seen, next, success, failure) {
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
            let mut steps = Vec::new();
            if word.live() > 0 && word.undead() < most {
                steps.extend(word.join().ok());
            }
            if word.live() > 0 {
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
    fn counts_stay_in_order_and_empty_means_what_it_says() {
        let words = reachable(4);
        assert_eq!(words.len(), 24, "the walk has become shorter, or the word has more states");
        for word in words {
            assert!(word.live() <= word.undead(), "{word:?}");
            assert_eq!(word.is_empty(), word.undead() == 1 && word.0 & LEADER_ZOMBIE != 0, "{word:?}");
            assert!(!word.is_empty() || word.live() == 0, "{word:?}: a thread outlives its group");
        }
    }

    #[test]
    fn who_joins_and_is_not_born_leaves_no_trace() {
        for word in reachable(4).into_iter().filter(|word| word.live() > 0) {
            assert_eq!(word.join().unwrap().unjoin(), word);
            assert!(!word.is_empty(), "{word:?}");
        }
    }

    #[test]
    fn a_full_group_takes_no_more_threads() {
        let full = GroupSnapshot(COUNT | COUNT << 20);
        assert_eq!(full.join(), Err(IsFull));
    }

    #[test]
    fn empty_is_announced_once_in_either_order() {
        for leader_first in [false, true] {
            let group = GroupWord::new();
            group.begin();
            group.join().unwrap();
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
