//! The exit word: what a process is to its parent.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::record::fault::{Edge, order};
use crate::sync::{Ordering::*, Word};
use crate::uapi::Signal;

/// How far a process has come on its way out, as its parent sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitState {
    /// Some thread of the process has not been released.
    Alive,
    /// All threads are gone and the leader waits to be reaped; `EXIT_ZOMBIE`.
    Zombie,
    /// Reaped; `EXIT_DEAD`. Final.
    Dead,
}

/// Whether a zombie's parent has the signal that tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// It has it, or gets none.
    Told,
    /// Nobody has told it yet: a wait that reports the child must do so first.
    Owed,
    /// The host is being told, at this moment, by the thread whose transition this was.
    UnderWay,
}

/// Why a transition was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The process is still alive.
    StillAlive,
    /// The process is dead already.
    AlreadyDead,
    /// Somebody else has made this very transition.
    AlreadyDone,
    /// The word says something else by now: it belongs to another parent or names another slot.
    NotYours,
}

/// One value of an [`ExitWord`]: plain data, so that each transition is tested without threads.
///
/// | bits   | field         | meaning                                                          | in Linux      |
/// |--------|---------------|------------------------------------------------------------------|---------------|
/// | 0..2   | `state`       | `Alive` → `Zombie` → `Dead`                                      | `exit_state`  |
/// | 2..9   | `exit_signal` | what the parent is sent; 0 for nothing                           | `exit_signal` |
/// | 9..11  | `telling`     | `Owed` → `UnderWay` → `Told`: the signal to the parent           | –             |
/// | 11..36 | `parent`      | the parent's thread group (its slab index); 0 for nobody         | `real_parent` |
/// | 36..64 | `slot`        | the child's place among its brood; never reused while pinned     | `sibling`     |
///
/// Parent and slot are here, and not in a word of their own, so that "(zombie, parent p)" becomes true
/// by one compare-exchange: whoever makes it true owes p the notification, and nobody else does. That it is owed
/// is here as well, so that the exchange that claims a zombie takes the debt over: SIGCHLD is there before a
/// wait returns.
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct ExitSnapshot(u64);

const STATE: u64 = 0b11;
const SIGNAL_SHIFT: u32 = 2;
const SIGNAL: u64 = 0x7f << SIGNAL_SHIFT;
const TELLING_SHIFT: u32 = 9;
const TELLING: u64 = 0b11 << TELLING_SHIFT;
const PARENT_SHIFT: u32 = 11;
const PARENT: u64 = 0x1ff_ffff << PARENT_SHIFT;
const SLOT_SHIFT: u32 = 36;
const SLOT: u64 = 0xfff_ffff << SLOT_SHIFT;

/// The largest number of a thread group, which must fit the exit word.
pub const MAX_GROUP: u32 = (PARENT >> PARENT_SHIFT) as u32;

impl ExitSnapshot {
    /// A newborn.
    pub fn alive(parent: u32, slot: u32, exit_signal: Option<Signal>) -> Self {
        debug_assert!(parent <= MAX_GROUP);
        ExitSnapshot(0).with_parent(parent).with_slot(slot).with_exit_signal(exit_signal)
    }

    /// How far the process has come.
    pub fn state(self) -> ExitState {
        match self.0 & STATE {
            0 => ExitState::Alive,
            1 => ExitState::Zombie,
            _ => ExitState::Dead,
        }
    }

    /// The parent's thread group; 0 for nobody.
    pub fn parent(self) -> u32 {
        ((self.0 & PARENT) >> PARENT_SHIFT) as u32
    }

    /// The slot that speaks for this process.
    pub fn slot(self) -> u32 {
        ((self.0 & SLOT) >> SLOT_SHIFT) as u32
    }

    /// The signal the parent is sent.
    pub fn exit_signal(self) -> Option<Signal> {
        Signal::new(((self.0 & SIGNAL) >> SIGNAL_SHIFT) as u32)
    }

    /// How far the parent has been told of a zombie.
    pub fn telling(self) -> Telling {
        match (self.0 & TELLING) >> TELLING_SHIFT {
            0 => Telling::Told,
            1 => Telling::Owed,
            _ => Telling::UnderWay,
        }
    }

    /// The same, told as far as `other` is: for comparing everything else.
    pub fn with_telling_of(self, other: Self) -> Self {
        self.with_telling(other.telling())
    }

    fn with_telling(self, telling: Telling) -> Self {
        let bits = match telling {
            Telling::Told => 0,
            Telling::Owed => 1,
            Telling::UnderWay => 2,
        };
        ExitSnapshot(self.0 & !TELLING | bits << TELLING_SHIFT)
    }

    fn with_state(self, state: ExitState) -> Self {
        let bits = match state {
            ExitState::Alive => 0,
            ExitState::Zombie => 1,
            ExitState::Dead => 2,
        };
        ExitSnapshot(self.0 & !STATE | bits)
    }

    fn with_parent(self, parent: u32) -> Self {
        ExitSnapshot(self.0 & !PARENT | (parent as u64) << PARENT_SHIFT & PARENT)
    }

    fn with_slot(self, slot: u32) -> Self {
        ExitSnapshot(self.0 & !SLOT | (slot as u64) << SLOT_SHIFT & SLOT)
    }

    fn with_exit_signal(self, signal: Option<Signal>) -> Self {
        let number = signal.map_or(0, Signal::number) as u64;
        ExitSnapshot(self.0 & !SIGNAL | number << SIGNAL_SHIFT)
    }

    /// `Alive` → `Zombie`, and the parent is owed a signal if it `is_told` by one; or straight to `Dead` when
    /// the parent does not want to wait (`autoreap`).
    pub fn die(self, autoreap: bool, is_told: bool) -> Result<Self, Refused> {
        match self.state() {
            ExitState::Alive if autoreap => Ok(self.with_state(ExitState::Dead)),
            ExitState::Alive => Ok(self.with_state(ExitState::Zombie).owing(is_told)),
            ExitState::Zombie | ExitState::Dead => Err(Refused::AlreadyDone),
        }
    }

    fn owing(self, is_told: bool) -> Self {
        self.with_telling(if is_told { Telling::Owed } else { Telling::Told })
    }

    /// `Zombie` → `Dead` for a waiter of thread group `parent`. Of all waiters, exactly one is granted this;
    /// what was still owed to the parent, it owes from now on.
    pub fn reap(self, parent: u32) -> Result<Self, Refused> {
        match self.state() {
            _ if self.parent() != parent => Err(Refused::NotYours),
            ExitState::Zombie => Ok(self.with_state(ExitState::Dead).without_debt()),
            ExitState::Alive => Err(Refused::StillAlive),
            ExitState::Dead => Err(Refused::AlreadyDead),
        }
    }

    fn without_debt(self) -> Self {
        if self.telling() == Telling::Owed { self.with_telling(Telling::Told) } else { self }
    }

    /// For a waiter of `parent` that reports the zombie and leaves it: it takes over what is owed.
    pub fn report(self, parent: u32) -> Result<Self, Refused> {
        match self.state() {
            ExitState::Zombie if self.parent() == parent => Ok(self.without_debt()),
            _ => Err(Refused::NotYours),
        }
    }

    /// `Owed` → `UnderWay`, for the thread that made it so. Refused when a waiter has taken the debt over, or the
    /// zombie has another parent by now.
    pub fn begin_telling(self, parent: u32) -> Result<Self, Refused> {
        match self.telling() {
            Telling::Owed if self.parent() == parent => Ok(self.with_telling(Telling::UnderWay)),
            _ => Err(Refused::NotYours),
        }
    }

    /// `UnderWay` → `Told`.
    pub fn end_telling(self, parent: u32) -> Result<Self, Refused> {
        match self.telling() {
            Telling::UnderWay if self.parent() == parent => Ok(self.with_telling(Telling::Told)),
            _ => Err(Refused::NotYours),
        }
    }

    /// Hands the process to another thread group; its exit signal becomes SIGCHLD. A zombie whose new
    /// parent does not want to wait dies in the same step; else that parent is owed a signal if it `is_told` by
    /// one. Whatever the old parent was owed is not told any more: it is gone.
    pub fn reparent(self, parent: u32, autoreap: bool, is_told: bool) -> Result<Self, Refused> {
        let moved = self.with_parent(parent).with_exit_signal(Some(Signal::SIGCHLD));
        match self.state() {
            ExitState::Dead => Err(Refused::AlreadyDead),
            _ if self.parent() == parent => Err(Refused::AlreadyDone),
            ExitState::Zombie if autoreap => Ok(moved.with_state(ExitState::Dead).owing(false)),
            ExitState::Zombie => Ok(moved.owing(is_told)),
            ExitState::Alive => Ok(moved),
        }
    }

    /// Gives the process another slot in the same brood.
    pub fn reslot(self, slot: u32) -> Result<Self, Refused> {
        match self.state() {
            ExitState::Dead => Err(Refused::AlreadyDead),
            ExitState::Alive | ExitState::Zombie => Ok(self.with_slot(slot)),
        }
    }

    /// execve(2): the exit signal becomes SIGCHLD.
    pub fn exec(self) -> Result<Self, Refused> {
        match self.state() {
            ExitState::Alive => Ok(self.with_exit_signal(Some(Signal::SIGCHLD))),
            ExitState::Zombie | ExitState::Dead => Err(Refused::AlreadyDead),
        }
    }
}

impl fmt::Debug for ExitSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, telling) = (self.state(), self.telling());
        write!(f, "{state:?} {telling:?} parent {} slot {} {:?}", self.parent(), self.slot(), self.exit_signal())
    }
}

/// The exit word of a process. The transitions of [`ExitSnapshot`] are its only writers.
#[derive(Debug)]
pub struct ExitWord(Word<ExitSnapshot>);

impl ExitWord {
    /// The word of a process that does not exist yet.
    pub fn new() -> Self {
        ExitWord(Word::new(ExitSnapshot(0).with_state(ExitState::Dead)))
    }

    /// Begins a new life. Nobody knows the process yet.
    pub fn begin(&self, newborn: ExitSnapshot) {
        // Ordering: Relaxed. The membership slot that makes the child reachable is released after this.
        self.0.store(newborn, Relaxed);
    }

    /// What the process is to its parent now.
    #[inline]
    pub fn look(&self) -> ExitSnapshot {
        // Ordering: Acquire, edges `zombie-publish` and `reparent-commit` (docs/orderings.md).
        self.0.load(order(Edge::ExitRead, Acquire))
    }

    /// Makes `step` happen. Returns the word before and after, or why it cannot happen.
    #[inline]
    pub fn apply(
        &self,
        step: impl Fn(ExitSnapshot) -> Result<ExitSnapshot, Refused>,
    ) -> Result<(ExitSnapshot, ExitSnapshot), Refused> {
        // Ordering: Acquire at the head, because what `step` decides may rest on what the last
        // transition published.
        let mut seen = self.0.load_for_cas(order(Edge::ExitRead, Acquire));
        loop {
            let next = step(seen)?;
            match self.exchange(seen, next) {
                Ok(()) => return Ok((seen, next)),
                Err(now) => seen = now,
            }
        }
    }

    /// Makes `step` happen if the word is still `seen`.
    #[inline]
    pub fn apply_to(
        &self,
        seen: ExitSnapshot,
        step: impl FnOnce(ExitSnapshot) -> Result<ExitSnapshot, Refused>,
    ) -> Result<ExitSnapshot, Refused> {
        let next = step(seen)?;
        self.exchange(seen, next).map(|()| next).map_err(|_| Refused::NotYours)
    }

    /// Gives the process another slot if the word is still `seen`; else tells what it is.
    #[inline]
    pub fn reslot(&self, seen: ExitSnapshot, slot: u32) -> Result<(), ExitSnapshot> {
        seen.reslot(slot).map_err(|_| seen).and_then(|next| self.exchange(seen, next))
    }

    #[inline]
    fn exchange(&self, seen: ExitSnapshot, next: ExitSnapshot) -> Result<(), ExitSnapshot> {
        // Ordering: AcqRel, edges `zombie-publish` and `reparent-commit` (docs/orderings.md).
        //   Release: status and rusage are written before `Zombie` can be seen; a new parent's set
        //            holds the child before the word names that parent.
        //   Acquire: the exiting side must see the tree that its slot lives in, the waiter that turns
        //            `Zombie` into `Dead` reads status and rusage complete.
        //   Weaker:  a waiter could report a half-written status, or a ready bit could be set in a tree
        //            that nobody reads any more.
        // Failure is Acquire: the value goes back into `step`.
        // Progress: only a landed transition can fail this exchange.
        let (success, failure) = (order(Edge::ExitChanged, AcqRel), order(Edge::ExitRead, Acquire));
        self.0.compare_exchange(seen, next, success, failure).map(|_| ())
    }
}

impl Default for ExitWord {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Every field at its ends; only a zombie, or a child reaped while its parent was being told, is anything but
    /// told.
    fn every_snapshot() -> impl Iterator<Item = ExitSnapshot> {
        let states = [
            (ExitState::Alive, Telling::Told),
            (ExitState::Zombie, Telling::Told),
            (ExitState::Zombie, Telling::Owed),
            (ExitState::Zombie, Telling::UnderWay),
            (ExitState::Dead, Telling::Told),
            (ExitState::Dead, Telling::UnderWay),
        ];
        let signals = [None, Some(Signal::SIGCHLD), Signal::new(10), Signal::new(64)];
        states.into_iter().flat_map(move |(state, telling)| {
            signals.into_iter().flat_map(move |signal| {
                [0, 1, 7, MAX_GROUP].into_iter().flat_map(move |parent| {
                    [0, 1, 0xfff_ffff].into_iter().map(move |slot| {
                        ExitSnapshot::alive(parent, slot, signal).with_state(state).with_telling(telling)
                    })
                })
            })
        })
    }

    #[test]
    fn fields_do_not_touch_each_other() {
        for word in every_snapshot() {
            let again = ExitSnapshot::alive(word.parent(), word.slot(), word.exit_signal());
            assert_eq!(word, again.with_state(word.state()).with_telling(word.telling()));
        }
    }

    #[test]
    fn a_process_dies_once_and_only_when_alive() {
        for word in every_snapshot() {
            for (autoreap, is_told) in [(false, false), (false, true), (true, false), (true, true)] {
                match (word.state(), word.die(autoreap, is_told)) {
                    (ExitState::Alive, Ok(next)) if autoreap => assert_eq!(next, word.with_state(ExitState::Dead)),
                    (ExitState::Alive, Ok(next)) => {
                        let telling = if is_told { Telling::Owed } else { Telling::Told };
                        assert_eq!(next, word.with_state(ExitState::Zombie).with_telling(telling));
                    }
                    (ExitState::Zombie | ExitState::Dead, Err(Refused::AlreadyDone)) => {}
                    other => panic!("{word:?}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn only_the_parent_reaps_and_only_a_zombie() {
        for word in every_snapshot() {
            for parent in [1, 7, MAX_GROUP] {
                let expected = match word.state() {
                    _ if word.parent() != parent => Err(Refused::NotYours),
                    ExitState::Alive => Err(Refused::StillAlive),
                    ExitState::Zombie => Ok(word.with_state(ExitState::Dead).without_debt()),
                    ExitState::Dead => Err(Refused::AlreadyDead),
                };
                assert_eq!(word.reap(parent), expected, "{word:?}");
            }
        }
    }

    #[test]
    fn a_zombie_is_told_of_by_one_only() {
        for word in every_snapshot() {
            let (mine, other) = (word.parent(), word.parent() ^ 1);
            // Whoever takes the debt over, nobody is granted it again.
            let tellers = [word.begin_telling(mine), word.reap(mine), word.report(mine)];
            for next in tellers.into_iter().flatten() {
                assert_ne!(next.telling(), Telling::Owed, "{word:?}");
                assert!(next.begin_telling(mine).is_err(), "{word:?}");
            }
            assert!(word.begin_telling(other).is_err() && word.end_telling(other).is_err(), "{word:?}");
            // Who comes while the host is being told sees that it is.
            if word.telling() == Telling::UnderWay {
                assert_eq!(word.end_telling(mine), Ok(word.with_telling(Telling::Told)));
                for next in [word.reap(mine), word.report(mine)].into_iter().flatten() {
                    assert_eq!(next.telling(), Telling::UnderWay, "{word:?}");
                }
            } else {
                assert!(word.end_telling(mine).is_err(), "{word:?}");
            }
        }
    }

    #[test]
    fn a_new_parent_gets_sigchld_and_the_same_slot() {
        for word in every_snapshot() {
            for (autoreap, is_told) in [(false, false), (false, true), (true, false)] {
                match word.reparent(9, autoreap, is_told) {
                    Err(why) => {
                        assert_eq!(why, Refused::AlreadyDead);
                        assert_eq!(word.state(), ExitState::Dead);
                    }
                    Ok(next) => {
                        assert_eq!((next.parent(), next.slot()), (9, word.slot()));
                        assert_eq!(next.exit_signal(), Some(Signal::SIGCHLD));
                        let reaped = autoreap && word.state() == ExitState::Zombie;
                        assert_eq!(next.state(), if reaped { ExitState::Dead } else { word.state() });
                        let owed = next.state() == ExitState::Zombie && is_told;
                        assert_eq!(next.telling(), if owed { Telling::Owed } else { Telling::Told });
                        assert!(next.reparent(9, autoreap, is_told).is_err(), "twice is refused");
                    }
                }
            }
        }
    }

    #[test]
    fn moving_and_exec_change_one_field_and_nothing_of_the_dead() {
        for word in every_snapshot() {
            let dead = word.state() == ExitState::Dead;
            assert_eq!(word.reslot(5), if dead { Err(Refused::AlreadyDead) } else { Ok(word.with_slot(5)) });
            let alive = word.state() == ExitState::Alive;
            let execed = word.with_exit_signal(Some(Signal::SIGCHLD));
            assert_eq!(word.exec(), if alive { Ok(execed) } else { Err(Refused::AlreadyDead) });
        }
    }
}
