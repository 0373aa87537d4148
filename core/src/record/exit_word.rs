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
/// | 10..36 | `parent`      | the parent's thread group (its slab index); 0 for nobody         | `real_parent` |
/// | 36..64 | `slot`        | the child's place among its brood; never reused while pinned     | `sibling`     |
///
/// Parent and slot are here, and not in a word of their own, so that "(zombie, parent p)" becomes true
/// by one compare-exchange: whoever makes it true owes p the notification, and nobody else does.
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct ExitSnapshot(u64);

const STATE: u64 = 0b11;
const SIGNAL_SHIFT: u32 = 2;
const SIGNAL: u64 = 0x7f << SIGNAL_SHIFT;
const PARENT_SHIFT: u32 = 10;
const PARENT: u64 = 0x3ff_ffff << PARENT_SHIFT;
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

    /// `Alive` → `Zombie`, or straight to `Dead` when the parent does not want to wait (`autoreap`).
    pub fn die(self, autoreap: bool) -> Result<Self, Refused> {
        match self.state() {
            ExitState::Alive if autoreap => Ok(self.with_state(ExitState::Dead)),
            ExitState::Alive => Ok(self.with_state(ExitState::Zombie)),
            ExitState::Zombie | ExitState::Dead => Err(Refused::AlreadyDone),
        }
    }

    /// `Zombie` → `Dead` for a waiter of thread group `parent`. Of all waiters, exactly one is granted this.
    pub fn reap(self, parent: u32) -> Result<Self, Refused> {
        match self.state() {
            _ if self.parent() != parent => Err(Refused::NotYours),
            ExitState::Zombie => Ok(self.with_state(ExitState::Dead)),
            ExitState::Alive => Err(Refused::StillAlive),
            ExitState::Dead => Err(Refused::AlreadyDead),
        }
    }

    /// Hands the process to another thread group; its exit signal becomes SIGCHLD. A zombie whose new
    /// parent does not want to wait dies in the same step.
    pub fn reparent(self, parent: u32, autoreap: bool) -> Result<Self, Refused> {
        let moved = self.with_parent(parent).with_exit_signal(Some(Signal::SIGCHLD));
        match self.state() {
            ExitState::Dead => Err(Refused::AlreadyDead),
            _ if self.parent() == parent => Err(Refused::AlreadyDone),
            ExitState::Zombie if autoreap => Ok(moved.with_state(ExitState::Dead)),
            ExitState::Zombie | ExitState::Alive => Ok(moved),
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
        write!(f, "{:?} parent {} slot {} {:?}", self.state(), self.parent(), self.slot(), self.exit_signal())
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

    fn every_snapshot() -> impl Iterator<Item = ExitSnapshot> {
        let states = [ExitState::Alive, ExitState::Zombie, ExitState::Dead];
        let signals = [None, Some(Signal::SIGCHLD), Signal::new(10), Signal::new(64)];
        states.into_iter().flat_map(move |state| {
            signals.into_iter().flat_map(move |signal| {
                [0, 1, 7, MAX_GROUP].into_iter().flat_map(move |parent| {
                    [0, 1, 0xfff_ffff]
                        .into_iter()
                        .map(move |slot| ExitSnapshot::alive(parent, slot, signal).with_state(state))
                })
            })
        })
    }

    #[test]
    fn fields_do_not_touch_each_other() {
        for word in every_snapshot() {
            let again = ExitSnapshot::alive(word.parent(), word.slot(), word.exit_signal()).with_state(word.state());
            assert_eq!(word, again);
        }
    }

    #[test]
    fn a_process_dies_once_and_only_when_alive() {
        for word in every_snapshot() {
            for autoreap in [false, true] {
                match (word.state(), word.die(autoreap)) {
                    (ExitState::Alive, Ok(next)) => {
                        let expected = if autoreap { ExitState::Dead } else { ExitState::Zombie };
                        assert_eq!(next, word.with_state(expected));
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
                    ExitState::Zombie => Ok(word.with_state(ExitState::Dead)),
                    ExitState::Dead => Err(Refused::AlreadyDead),
                };
                assert_eq!(word.reap(parent), expected, "{word:?}");
            }
        }
    }

    #[test]
    fn a_new_parent_gets_sigchld_and_the_same_slot() {
        for word in every_snapshot() {
            for autoreap in [false, true] {
                match word.reparent(9, autoreap) {
                    Err(why) => {
                        assert_eq!(why, Refused::AlreadyDead);
                        assert_eq!(word.state(), ExitState::Dead);
                    }
                    Ok(next) => {
                        assert_eq!((next.parent(), next.slot()), (9, word.slot()));
                        assert_eq!(next.exit_signal(), Some(Signal::SIGCHLD));
                        let reaped = autoreap && word.state() == ExitState::Zombie;
                        assert_eq!(next.state(), if reaped { ExitState::Dead } else { word.state() });
                        assert!(next.reparent(9, autoreap).is_err(), "twice is refused");
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
