//! The job word: how many threads of a process run, and whether it is on its way out as a whole.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::record::fault::{Edge, Fault, left_out, order};
use crate::sync::{AtomicU32, Ordering::*, Word, fence};
use crate::uapi::WaitStatus;

/// One value of a [`JobWord`]: plain data.
///
/// | bits   | field        | meaning                                          | in Linux            |
/// |--------|--------------|--------------------------------------------------|---------------------|
/// | 0..20  | `quick`      | threads that have not begun to exit              | `quick_threads`     |
/// | 49     | `GROUP_EXIT` | the whole group is exiting, its status is decided | `SIGNAL_GROUP_EXIT` |
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct JobSnapshot(u64);

const COUNT: u64 = 0xf_ffff;
const QUICK: u64 = 1;
const GROUP_EXIT: u64 = 1 << 49;

/// The group is exiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsExiting;

impl JobSnapshot {
    /// A group of one thread.
    pub const NEW: JobSnapshot = JobSnapshot(QUICK);

    /// Threads that have not begun to exit.
    pub fn quick(self) -> u32 {
        (self.0 & COUNT) as u32
    }

    /// The whole group is exiting.
    pub fn is_exiting(self) -> bool {
        self.0 & GROUP_EXIT != 0
    }

    /// clone(2) of a thread. There is room for it: the group word has counted it already.
    pub fn join(self) -> Result<Self, IsExiting> {
        if self.is_exiting() || self.quick() == 0 { Err(IsExiting) } else { Ok(JobSnapshot(self.0 + QUICK)) }
    }

    /// exit_group(2), or a fatal signal: from now on every thread is to exit.
    pub fn exit_group(self) -> Self {
        JobSnapshot(self.0 | GROUP_EXIT)
    }

    /// A thread begins to exit. The last one takes the whole group with it; `synchronize_group_exit`.
    pub fn begin_exit(self) -> Self {
        let next = JobSnapshot(self.0 - QUICK);
        if next.quick() == 0 { next.exit_group() } else { next }
    }
}

impl fmt::Debug for JobSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "quick {}{}", self.quick(), if self.is_exiting() { " exiting" } else { "" })
    }
}

/// The job word and the group's wait status.
///
/// The status is a second word, written once. A group exit writes it *before* it sets `GROUP_EXIT`; the
/// last thread to begin its exit sets the flag with its count and writes the status then. So a reader that
/// sees the flag and no status is looking at a last thread between its two steps: not decided yet.
#[derive(Debug)]
pub struct JobWord {
    word: Word<JobSnapshot>,
    /// The status plus one; 0 is "not decided".
    status: AtomicU32,
}

impl JobWord {
    /// The word of a group that does not exist yet.
    pub fn new() -> Self {
        JobWord { word: Word::new(JobSnapshot(0)), status: AtomicU32::new(0) }
    }

    /// Begins a new life with one thread. Nobody knows the group yet.
    pub fn begin(&self) {
        // Ordering: Relaxed, as in `ExitWord::begin`.
        self.status.store(0, Relaxed);
        self.word.store(JobSnapshot::NEW, Relaxed);
    }

    /// The word now.
    #[inline]
    pub fn look(&self) -> JobSnapshot {
        // Ordering: Acquire, edge `group-code`: a reader that sees GROUP_EXIT may read the status.
        self.word.load(order(Edge::JobRead, Acquire))
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
    pub fn join(&self) -> Result<(), IsExiting> {
        self.try_apply(JobSnapshot::join).map(|_| ())
    }

    /// exit_group(2). Returns the status that holds, and whether this call raised the flag: the one that
    /// did interrupts the other threads.
    pub fn exit_group(&self, status: WaitStatus) -> (WaitStatus, bool) {
        if self.look().is_exiting() && self.status().is_some() {
            return (self.decide(status), false);
        }
        if left_out(Fault::DecidedBeforeFlag) {
            let before = self.apply(JobSnapshot::exit_group).0;
            return (self.decide(status), !before.is_exiting());
        }
        let status = self.decide(status);
        let before = self.apply(JobSnapshot::exit_group).0;
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
        if !left_out(Fault::FenceAfterJoin) {
            fence(SeqCst);
        }
        self.look().is_exiting()
    }

    /// A thread begins to exit with `status`. Returns the status it exits with: its own, or the group's
    /// if that was decided, which it is by the time the last thread has begun.
    pub fn begin_exit(&self, status: WaitStatus) -> WaitStatus {
        let (_, mut after) = self.apply(JobSnapshot::begin_exit);
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

    fn apply(&self, step: impl Fn(JobSnapshot) -> JobSnapshot) -> (JobSnapshot, JobSnapshot) {
        match self.try_apply(|seen| Ok::<_, core::convert::Infallible>(step(seen))) {
            Ok(both) => both,
            Err(never) => match never {},
        }
    }

    #[inline]
    fn try_apply<E>(
        &self,
        step: impl Fn(JobSnapshot) -> Result<JobSnapshot, E>,
    ) -> Result<(JobSnapshot, JobSnapshot), E> {
        // Ordering: AcqRel, edge `group-code` (docs/orderings.md).
        //   Release: a status that is decided is there for whoever sees the flag.
        //   Acquire: who comes after the flag finds the status, and exits with it.
        //   Weaker:  a group that is exiting has no status.
        // The load is Acquire for the same reason: a failed exchange feeds the next step.
        // Progress: only a landed transition can fail this exchange.
        let mut seen = self.word.load_for_cas(order(Edge::JobRead, Acquire));
        loop {
            let next = step(seen)?;
            let (success, failure) = (order(Edge::JobChanged, AcqRel), order(Edge::JobRead, Acquire));
            match self.word.compare_exchange(seen, next, success, failure) {
                Ok(_) => return Ok((seen, next)),
                Err(now) => seen = now,
            }
        }
    }
}

impl Default for JobWord {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_first_status_wins() {
        let job = JobWord::new();
        job.begin();
        job.join().unwrap();
        let (first, second) = (WaitStatus::exited(3), WaitStatus::exited(4));
        assert_eq!(job.status(), None);
        assert_eq!(job.exit_group(first), (first, true));
        assert_eq!(job.exit_group(second), (first, false));
        assert_eq!(job.begin_exit(second), first);
        assert_eq!(job.status(), Some(first));
    }

    #[test]
    fn the_last_thread_decides_for_the_group() {
        let job = JobWord::new();
        job.begin();
        job.join().unwrap();
        assert_eq!(job.begin_exit(WaitStatus::exited(3)), WaitStatus::exited(3));
        assert_eq!(job.status(), None, "a single thread's status is its own");
        assert_eq!(job.begin_exit(WaitStatus::exited(5)), WaitStatus::exited(5));
        assert_eq!(job.status(), Some(WaitStatus::exited(5)));
        assert_eq!(job.join(), Err(IsExiting));
    }
}
