//! The job word: how many threads of a process run, what they are to do as a group, and the status it ends with.

use crate::record::fault::{Edge, Fault, left_out, order};
pub use crate::record::job_snapshot::{Asked, IsExiting, JobSnapshot, NotStopped, StoppedAt, Untold};
use crate::record::reports::Ledger;
use crate::sync::{AtomicU32, Ordering::*, Word, fence};
use crate::uapi::{Signal, WaitStatus};

/// A transition that was made.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The word before.
    pub before: JobSnapshot,
    /// The word after.
    pub after: JobSnapshot,
}

impl Step {
    /// How many there are more than before of what is counted.
    fn change(&self, of: usize) -> i32 {
        i32::from(self.after.counts()[of]) - i32::from(self.before.counts()[of])
    }

    /// The stop's signal, if this brought it into effect: whoever made the step owes the parent the news.
    pub fn completed_stop(self) -> Option<Signal> {
        self.after.signal().filter(|_| self.after.has_stopped_since(self.before))
    }
}

/// A thread has begun to exit.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// The status it exits with.
    pub status: WaitStatus,
    /// It was the one that the others had stopped for: the signal of their stop.
    pub completed_stop: Option<Signal>,
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
        JobWord { word: Word::new(JobSnapshot::NOBODY), status: AtomicU32::new(0) }
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
        self.try_apply(uncounted, JobSnapshot::join).map(|_| ())
    }

    /// exit_group(2). Returns the status that holds, and whether this call raised the flag: the one that
    /// did interrupts the other threads.
    pub fn exit_group<'r>(&self, status: WaitStatus, ledger: impl Fn() -> Option<Ledger<'r>>) -> (WaitStatus, bool) {
        if self.look().is_exiting() && self.status().is_some() {
            return (self.decide(status), false);
        }
        if left_out(Fault::DecidedBeforeFlag) {
            let before = self.apply(ledger, JobSnapshot::exit_group).before;
            return (self.decide(status), !before.is_exiting());
        }
        let status = self.decide(status);
        let before = self.apply(ledger, JobSnapshot::exit_group).before;
        // Ordering: SeqCst fence, edge `thread-joined`: flagged before the threads are looked through. The
        // other one is in `is_exiting_by_now`.
        if !left_out(Fault::FenceBeforeThreads) {
            fence(SeqCst);
        }
        (status, !before.is_exiting())
    }

    /// The word now, for a thread that has just joined and been shown: if nothing is asked of it yet, the look
    /// through the threads that follows a group exit or the beginning of a stop finds it.
    pub fn look_by_now(&self) -> JobSnapshot {
        // Ordering: SeqCst fence, edge `thread-joined`: shown before asked.
        //   Weaker: neither sees the other, and a thread is never told to exit.
        //   Test:   loom-tests/tests/newborn.rs, `newborn_thread_is_told_to_exit`.
        if left_out(Fault::LookAfterJoin) {
            return JobSnapshot::NEW;
        }
        if !left_out(Fault::FenceAfterJoin) {
            fence(SeqCst);
        }
        self.look()
    }

    /// A thread begins to exit with `status`. The status it exits with is its own, or the group's if that was
    /// decided, which it is by the time the last thread has begun.
    pub fn begin_exit<'r>(
        &self,
        status: WaitStatus,
        thread: StoppedAt,
        ledger: impl Fn() -> Option<Ledger<'r>>,
    ) -> Begun {
        let step = self.apply(ledger, |seen| seen.begin_exit(thread));
        let after = if left_out(Fault::LastInTransition) { self.look() } else { step.after };
        let status = if after.quick() == 0 {
            self.decide(status)
        } else if after.is_exiting() {
            self.status().unwrap_or(status)
        } else {
            status
        };
        Begun { status, completed_stop: self.completed(step) }
    }

    /// A thread has taken a stop signal that was sent at `ticket`: it stops. If the step began the stop, the other
    /// threads are told by the caller.
    pub fn begin_stop<'r>(
        &self,
        signal: Signal,
        ticket: u32,
        thread: StoppedAt,
        ledger: impl Fn() -> Option<Ledger<'r>>,
    ) -> Result<Step, NotStopped> {
        let step = self.try_apply(ledger, |seen| seen.begin_stop(signal, ticket, thread))?;
        // Ordering: SeqCst fence, edge `thread-joined`: asked before the threads are looked through.
        if !left_out(Fault::FenceBeforeThreads) {
            fence(SeqCst);
        }
        Ok(step)
    }

    /// A thread that is asked to stop does so.
    pub fn stop<'r>(&self, thread: StoppedAt, ledger: impl Fn() -> Option<Ledger<'r>>) -> Result<Step, NotStopped> {
        self.try_apply(ledger, |seen| seen.stop(thread))
    }

    /// Of a stop that a step completed: its signal.
    pub fn completed(&self, step: Step) -> Option<Signal> {
        if left_out(Fault::StoppedInTransition) {
            let now = self.look();
            return now.signal().filter(|_| now.is_stopped());
        }
        step.completed_stop()
    }

    /// SIGCONT is sent.
    pub fn cont<'r>(&self, ledger: impl Fn() -> Option<Ledger<'r>>) -> Step {
        self.apply(ledger, JobSnapshot::cont)
    }

    /// A wait takes a report.
    pub fn report<'r>(
        &self,
        ledger: impl Fn() -> Option<Ledger<'r>>,
        step: impl Fn(JobSnapshot) -> Option<JobSnapshot>,
    ) -> Option<Step> {
        self.try_apply(ledger, |seen| step(seen).ok_or(())).ok()
    }

    /// What the parent is still to be told, for the one caller that is granted it.
    pub fn tell(&self) -> Option<Untold> {
        let step = self.try_apply(uncounted, |seen| seen.tell().ok_or(())).ok()?;
        step.before.untold()
    }

    fn apply<'r>(&self, ledger: impl Fn() -> Option<Ledger<'r>>, step: impl Fn(JobSnapshot) -> JobSnapshot) -> Step {
        match self.try_apply(ledger, |seen| Ok::<_, core::convert::Infallible>(step(seen))) {
            Ok(made) => made,
            Err(never) => match never {},
        }
    }

    /// Makes `step` happen. Reports and stops that come or go with it are counted: before they are there, and after
    /// they are gone.
    #[inline]
    fn try_apply<'r, E>(
        &self,
        ledger: impl Fn() -> Option<Ledger<'r>>,
        step: impl Fn(JobSnapshot) -> Result<JobSnapshot, E>,
    ) -> Result<Step, E> {
        // Ordering: AcqRel, edge `group-code` (docs/orderings.md).
        //   Release: a status that is decided is there for whoever sees the flag.
        //   Acquire: who comes after the flag finds the status, and exits with it.
        //   Weaker:  a group that is exiting has no status.
        // The load is Acquire for the same reason: a failed exchange feeds the next step.
        // Progress: only a landed transition can fail this exchange.
        let mut seen = self.word.load_for_cas(order(Edge::JobRead, Acquire));
        let mut announced = [false; 2];
        let made = loop {
            let next = match step(seen) {
                Ok(next) => next,
                Err(why) => break Err(why),
            };
            for (of, announced) in announced.iter_mut().enumerate() {
                if next.counts()[of] && !seen.counts()[of] && !*announced && !left_out(Fault::ReportCountedBefore) {
                    *announced = true;
                    book(&ledger, of, 1);
                }
            }
            let (success, failure) = (order(Edge::JobChanged, AcqRel), order(Edge::JobRead, Acquire));
            match self.word.compare_exchange(seen, next, success, failure) {
                Ok(_) => break Ok(Step { before: seen, after: next }),
                Err(now) => seen = now,
            }
        };
        for (of, announced) in announced.into_iter().enumerate() {
            // What is new or gone, less what was counted before.
            let change = made.as_ref().map_or(0, |made| made.change(of));
            book(&ledger, of, change - i32::from(announced));
        }
        made
    }
}

/// Counts so many more of the stops or reports.
fn book<'r>(ledger: &impl Fn() -> Option<Ledger<'r>>, of: usize, more: i32) {
    if more != 0
        && let Some(count) = ledger().and_then(|ledger| ledger.both()[of])
    {
        (0..more).for_each(|_| count.announce());
        (more..0).for_each(|_| count.retract());
    }
}

/// For transitions that neither make nor take a report, nor end a stop.
fn uncounted<'r>() -> Option<Ledger<'r>> {
    None
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
        assert_eq!(job.exit_group(first, uncounted), (first, true));
        assert_eq!(job.exit_group(second, uncounted), (first, false));
        assert_eq!(job.begin_exit(second, StoppedAt::NOT, uncounted).status, first);
        assert_eq!(job.status(), Some(first));
    }

    #[test]
    fn the_last_thread_decides_for_the_group() {
        let job = JobWord::new();
        job.begin();
        job.join().unwrap();
        assert_eq!(job.begin_exit(WaitStatus::exited(3), StoppedAt::NOT, uncounted).status, WaitStatus::exited(3));
        assert_eq!(job.status(), None, "a single thread's status is its own");
        assert_eq!(job.begin_exit(WaitStatus::exited(5), StoppedAt::NOT, uncounted).status, WaitStatus::exited(5));
        assert_eq!(job.status(), Some(WaitStatus::exited(5)));
        assert_eq!(job.join(), Err(IsExiting));
    }
}
