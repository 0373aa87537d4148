//! One process ID: the task, the process group and the session that go by it.

use crate::lockfree::fault::{Edge, Fault, left_out, order};
use crate::sync::AtomicU32;
use crate::sync::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use crate::sync::fence;

/// In `task`: allocated, but no task is to be seen there yet. Never a task's index.
const CLAIMED: u32 = u32::MAX;

/// In `task`: the task is gone, and nobody has seen yet that the number is free. The bits below say in which
/// life of the number, so that who is late takes nothing for its own.
const LEFT: u32 = 1 << 31;

/// Lives are counted in the bits below the highest two: never [`CLAIMED`].
const LIVES: u32 = (1 << 30) - 1;

/// What one number stands for: `task` goes from 0 to [`CLAIMED`], a task, [`LEFT`] and 0.
#[derive(Debug, Default)]
pub struct PidEntry {
    /// Index of the task, [`CLAIMED`], [`LEFT`] or 0.
    task: AtomicU32,
    /// How often it was claimed. Written by who has it claimed.
    lives: AtomicU32,
    /// Index of the process group with this ID, or 0. It may be left behind when the group has become empty.
    pgrp: AtomicU32,
    /// Processes whose session has this ID.
    sessions: AtomicU32,
}

impl PidEntry {
    /// Is the number a task's, published or not?
    pub fn has_task(&self) -> bool {
        // Ordering: SeqCst, edge `group-empty`: looked after the process group was left.
        let task = self.task.load(SeqCst);
        task != 0 && !is_left(task)
    }

    /// Sees whether the number is nobody's any more. Whoever took its task, group or last session away calls
    /// this; `true` for exactly one of them, who tells the host.
    pub fn settle(&self) -> bool {
        // Ordering: SeqCst fence, edge `pid-last`: what the caller took away, before it looks for the rest. Of
        // two that do so side by side at least one sees both gone.
        //   Weaker: neither does, and the number is never told to be free.
        //   Test:   loom-tests/tests/pid_table.rs, `one_of_the_last_two_frees_the_number`.
        if !left_out(Fault::FenceBeforeSettling) {
            fence(SeqCst);
        }
        let task = self.task.load(Acquire);
        // Ordering: Release, edge `pid-free`: that group and session are gone is before a reuse.
        // Progress: tried once; it fails when another caller was faster.
        let is_free = is_left(task) && self.pgrp.load(Acquire) == 0 && self.sessions.load(Acquire) == 0;
        if is_free && left_out(Fault::SettledByExchange) {
            self.task.store(0, Release);
            return true;
        }
        is_free && self.task.compare_exchange(task, 0, order(Edge::PidReleased, AcqRel), Relaxed).is_ok()
    }

    /// The task with this ID, 0 if there is none or if it is not published yet.
    #[inline]
    pub fn task(&self) -> u32 {
        // Ordering: Acquire, edge `pid-publish` (docs/orderings.md): the task as it was when published.
        match self.task.load(order(Edge::PidLookedUp, Acquire)) {
            task if task & LEFT != 0 => 0,
            task => task,
        }
    }

    /// The process group with this ID, 0 if there is none.
    #[inline]
    pub fn pgrp(&self) -> u32 {
        // Ordering: Acquire, edge `pid-pgrp`.
        self.pgrp.load(order(Edge::PgrpFound, Acquire))
    }

    /// Makes `pgrp` the process group with this ID, if it still is `seen` (0 for none).
    pub fn set_pgrp(&self, seen: u32, pgrp: u32) -> Result<(), u32> {
        // Ordering: AcqRel, edge `pid-pgrp`: the group is complete before it can be found.
        self.pgrp.compare_exchange(seen, pgrp, order(Edge::PgrpNamed, AcqRel), Acquire).map(drop)
    }

    /// Counts a process more in the session with this ID.
    pub fn join_session(&self) {
        // Ordering: Relaxed. The number cannot be claimed meanwhile: the caller's own membership, or its
        // task with this ID, holds it.
        self.sessions.fetch_add(1, Relaxed);
    }

    /// Counts a process less in the session with this ID.
    pub fn leave_session(&self) {
        // Ordering: Release, edge `pid-free`: what the session's last member did is before a reuse.
        self.sessions.fetch_sub(1, Release);
    }

    /// Claims the number if nothing goes by it. `is_over` and `dispose` as in
    /// [`PidTable::claim`](super::pid_table::PidTable::claim).
    pub fn claim(&self, is_over: &impl Fn(u32) -> bool, dispose: &impl Fn(u32)) -> bool {
        // A taken number is passed over without writing to it.
        match self.task.load(Relaxed) {
            task if is_left(task) && self.sessions.load(Relaxed) == 0 => self.clear(is_over, dispose),
            0 => {}
            _ => return false,
        }
        if self.sessions.load(Relaxed) != 0 {
            return false;
        }
        if left_out(Fault::ClaimedByExchange) {
            self.task.store(CLAIMED, Relaxed);
            return true;
        }
        // Ordering: Acquire, edge `pid-free`: what its last user did, its group and session above all.
        // Progress: tried once; on failure somebody else has the number.
        if self.task.compare_exchange(0, CLAIMED, order(Edge::PidClaimed, Acquire), Relaxed).is_err() {
            return false;
        }
        // Only now: nobody can make it a group's or a session's ID any more without having been in it.
        if self.is_free(is_over, dispose) {
            self.lives.store(self.lives.load(Relaxed).wrapping_add(1), Relaxed);
            return true;
        }
        self.task.store(0, Release);
        false
    }

    /// Makes `task` what is found under a claimed number, or instead of the task that was.
    pub fn publish(&self, task: u32) {
        // Ordering: Release, edge `pid-publish`: the task is complete before it can be found.
        self.task.store(task, order(Edge::PidPublished, Release));
    }

    /// Gives a claimed or published number back as far as its task is concerned. The caller goes on to
    /// [`settle`](Self::settle), when it has seen to the group that may be left.
    pub fn leave(&self) {
        // Ordering: Release, edge `pid-free`: what the task did under this number is before a reuse.
        self.task.store(LEFT | self.lives.load(Relaxed) & LIVES, order(Edge::PidReleased, Release));
        // Ordering: SeqCst fence, edge `group-empty`: the task is gone before the group's members are counted.
        fence(SeqCst);
    }

    /// Of a number whose task is gone: ends a group whose end nobody has seen to.
    #[cold]
    fn clear(&self, is_over: &impl Fn(u32) -> bool, dispose: &impl Fn(u32)) {
        let pgrp = self.pgrp.load(Acquire);
        if pgrp != 0 && is_over(pgrp) {
            let _ = self.set_pgrp(pgrp, 0);
            dispose(pgrp);
            self.settle();
        }
    }

    /// Of a number whose task is the caller's claim: is it neither a session's nor a living group's?
    fn is_free(&self, is_over: &impl Fn(u32) -> bool, dispose: &impl Fn(u32)) -> bool {
        // Ordering: Acquire, edge `pid-free`.
        if self.sessions.load(Acquire) != 0 {
            return false;
        }
        match self.pgrp.load(Acquire) {
            0 => true,
            pgrp if is_over(pgrp) => {
                // Relaxed: the number is ours, and the group is dead. Nothing leads to it when it is retired.
                self.pgrp.store(0, Relaxed);
                dispose(pgrp);
                true
            }
            _ => false,
        }
    }
}

fn is_left(task: u32) -> bool {
    task & LEFT != 0 && task != CLAIMED
}
