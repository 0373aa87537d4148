//! What the threads of a process do as a group: how many run, how many have stopped, and what they are asked
//! to do next. One value of the [job word](super::job_word), and every transition between two values.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::record::fault::{Fault, left_out};
use crate::uapi::{Signal, SignalSet};

/// One value of a [`JobWord`](super::job_word::JobWord): plain data.
///
/// | bits   | field        | meaning                                                     | in Linux                |
/// |--------|--------------|-------------------------------------------------------------|-------------------------|
/// | 0..20  | `quick`      | threads that have not begun to exit                         | `quick_threads`         |
/// | 20..40 | `stopped`     | of these, threads that have stopped since the last SIGCONT  | less `group_stop_count` |
/// | 40..43 | `signal`     | the stop's signal, less 18                                  | `group_exit_code`       |
/// | 43     | `UNREPORTED` | no wait has taken the stop's report                         | `group_exit_code` != 0  |
/// | 44     | `PENDING`    | all threads are asked to stop, and not all have             | `group_stop_count` != 0 |
/// | 45     | `IN_EFFECT`  | all had stopped, and no SIGCONT has come since              | `SIGNAL_STOP_STOPPED`   |
/// | 46     | `CONTINUED`  | SIGCONT has ended a stop, and no wait has taken that report | `SIGNAL_STOP_CONTINUED` |
/// | 47..49 | `untold`     | what the parent has not been told of                        | `SIGNAL_CLD_MASK`       |
/// | 49     | `GROUP_EXIT` | the whole group is exiting, its status is decided           | `SIGNAL_GROUP_EXIT`     |
/// | 50..64 | `conts`      | counts SIGCONTs, and wraps around                           | –                       |
///
/// Who has stopped is not in the word: each thread remembers the count of SIGCONTs at which it did, so that one
/// exchange lets all of them go on. The count is also the *ticket* of a stop signal: one that was sent before
/// the last SIGCONT stops nobody, wherever it has been in between.
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct JobSnapshot(u64);

const COUNT: u64 = 0xf_ffff;
const QUICK: u64 = 1;
const STOPPED: u64 = 1 << 20;
const SIGNAL_SHIFT: u32 = 40;
const SIGNAL: u64 = 0b111 << SIGNAL_SHIFT;
const UNREPORTED: u64 = 1 << 43;
const PENDING: u64 = 1 << 44;
const IN_EFFECT: u64 = 1 << 45;
const CONTINUED: u64 = 1 << 46;
const UNTOLD_STOP: u64 = 1 << 47;
const UNTOLD_CONT: u64 = 1 << 48;
const GROUP_EXIT: u64 = 1 << 49;
const CONTS_SHIFT: u32 = 50;
const CONTS: u64 = 0x3fff << CONTS_SHIFT;

/// Everything that speaks of stops but `conts`: what a group exit makes meaningless.
const STOPS: u64 = COUNT << 20 | SIGNAL | UNREPORTED | PENDING | IN_EFFECT | CONTINUED | UNTOLD_STOP | UNTOLD_CONT;

/// The signal before the first one that stops: SIGSTOP, SIGTSTP, SIGTTIN and SIGTTOU are the next four.
const BEFORE_STOPS: u32 = Signal::SIGSTOP.number() - 1;

/// The group is exiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsExiting;

/// Why a thread does not stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStopped {
    /// It has to exit.
    Exiting,
    /// It has stopped already.
    Already,
    /// Nothing asks it to.
    NotAsked,
}

/// Whether, and when, a thread has stopped: what it remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoppedAt(u32);

impl StoppedAt {
    /// It runs.
    pub const NOT: StoppedAt = StoppedAt(0);

    /// As a number for a record: 0 for a thread that runs.
    pub fn number(self) -> u32 {
        self.0
    }

    /// From that number.
    pub fn from_number(number: u32) -> StoppedAt {
        StoppedAt(number)
    }
}

/// What the word asks of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: it may run.
    Nothing,
    /// To exit.
    Exit,
    /// To stop, by this signal, or to stay so.
    Stop(Signal),
}

/// What the parent is still to be told of, by whichever thread runs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// A stop that SIGCONT ended before it was complete. It has no signal any more.
    Stopped,
    /// The group goes on.
    Continued,
}

impl JobSnapshot {
    /// A group of one thread.
    pub const NEW: JobSnapshot = JobSnapshot(QUICK);

    /// The word of a group that does not exist yet.
    pub const NOBODY: JobSnapshot = JobSnapshot(0);

    /// Threads that have not begun to exit.
    pub fn quick(self) -> u32 {
        (self.0 & COUNT) as u32
    }

    /// Threads that have stopped.
    pub fn stopped(self) -> u32 {
        ((self.0 >> 20) & COUNT) as u32
    }

    /// The whole group is exiting.
    pub fn is_exiting(self) -> bool {
        self.0 & GROUP_EXIT != 0
    }

    /// The threads are asked to stop, or have stopped.
    pub fn is_stopping(self) -> bool {
        self.0 & (PENDING | IN_EFFECT) != 0
    }

    /// All threads have stopped, and no SIGCONT has come since.
    pub fn is_stopped(self) -> bool {
        self.0 & IN_EFFECT != 0
    }

    /// The signal of the stop that is under way or in effect.
    pub fn signal(self) -> Option<Signal> {
        match ((self.0 & SIGNAL) >> SIGNAL_SHIFT) as u32 {
            0 => None,
            less => Signal::new(less + BEFORE_STOPS),
        }
    }

    /// How many SIGCONTs there have been: the ticket of a stop signal that is sent now.
    pub fn conts(self) -> u32 {
        (self.0 >> CONTS_SHIFT) as u32
    }

    /// The signal of a stop that is in effect and that no wait has taken.
    pub fn reported_stop(self) -> Option<Signal> {
        self.signal().filter(|_| self.is_stopped() && self.0 & UNREPORTED != 0)
    }

    /// SIGCONT has ended a stop, and no wait has taken that.
    pub fn is_continued(self) -> bool {
        self.0 & CONTINUED != 0
    }

    /// There is something for a wait to take.
    pub fn has_report(self) -> bool {
        self.0 & (UNREPORTED | CONTINUED) != 0
    }

    /// What is counted elsewhere, if it is so here: that there is a report, and that the group has stopped.
    pub fn counts(self) -> [bool; 2] {
        [self.has_report(), self.is_stopped()]
    }

    /// What the parent is still to be told of.
    pub fn untold(self) -> Option<Untold> {
        match self.0 & (UNTOLD_STOP | UNTOLD_CONT) {
            0 => None,
            UNTOLD_STOP => Some(Untold::Stopped),
            _ => Some(Untold::Continued),
        }
    }

    /// What a thread that stops at this value remembers.
    pub fn as_stopped(self) -> StoppedAt {
        StoppedAt(self.conts() + 1)
    }

    /// Has a thread that remembers this stopped, and has no SIGCONT come since?
    pub fn has_stopped(self, thread: StoppedAt) -> bool {
        thread == self.as_stopped() && !self.is_exiting()
    }

    /// What is asked of a thread. One that has stopped may be asked to stay so.
    pub fn asks(self) -> Asked {
        match self.signal() {
            _ if self.is_exiting() => Asked::Exit,
            Some(signal) if self.is_stopping() => Asked::Stop(signal),
            _ => Asked::Nothing,
        }
    }

    /// Does a thread that looks here have nothing to do but run? The one question on the way back to a guest.
    pub fn is_quiet(self) -> bool {
        self.0 & (PENDING | IN_EFFECT | GROUP_EXIT | UNTOLD_STOP | UNTOLD_CONT) == 0
    }

    /// Whether the stop came into effect by the transition from `before` to this value.
    pub fn has_stopped_since(self, before: Self) -> bool {
        self.is_stopped() && !before.is_stopped()
    }

    fn with_signal(self, signal: Signal) -> Self {
        debug_assert!(SignalSet::STOP.contains(signal));
        JobSnapshot(self.0 & !SIGNAL | ((signal.number() - BEFORE_STOPS) as u64) << SIGNAL_SHIFT)
    }

    /// clone(2) of a thread. There is room for it: the group word has counted it already. It takes part in a stop
    /// that is under way; `task_join_group_stop`.
    pub fn join(self) -> Result<Self, IsExiting> {
        if self.is_exiting() || self.quick() == 0 { Err(IsExiting) } else { Ok(JobSnapshot(self.0 + QUICK)) }
    }

    /// exit_group(2), or a fatal signal: from now on every thread is to exit. Nothing that has to do with stops
    /// matters any more, and nothing of it is reported.
    pub fn exit_group(self) -> Self {
        JobSnapshot(self.0 & !STOPS | GROUP_EXIT)
    }

    /// A thread begins to exit. The last one takes the whole group with it; `synchronize_group_exit`. One that
    /// the others have stopped for completes the stop.
    pub fn begin_exit(self, thread: StoppedAt) -> Self {
        let stopped = if self.has_stopped(thread) && self.stopped() > 0 { STOPPED } else { 0 };
        let next = JobSnapshot(self.0 - QUICK - stopped);
        if next.quick() == 0 { next.exit_group() } else { next.settle() }
    }

    /// A thread has taken a stop signal that was sent at `ticket`, and has left the guest: it stops, and the others
    /// are asked to; `do_signal_stop`. A thread that is asked anyway stops for that.
    pub fn begin_stop(self, signal: Signal, ticket: u32, thread: StoppedAt) -> Result<Self, NotStopped> {
        if self.is_exiting() || self.is_stopping() {
            return self.stop(thread);
        }
        if ticket != self.conts() && !left_out(Fault::StaleTicketRefused) {
            return Err(NotStopped::NotAsked);
        }
        JobSnapshot(self.0 | PENDING).with_signal(signal).stop(thread)
    }

    /// A thread that is asked to stop does so.
    pub fn stop(self, thread: StoppedAt) -> Result<Self, NotStopped> {
        if self.is_exiting() {
            Err(NotStopped::Exiting)
        } else if !self.is_stopping() {
            Err(NotStopped::NotAsked)
        } else if self.has_stopped(thread) {
            Err(NotStopped::Already)
        } else {
            Ok(JobSnapshot(self.0 + STOPPED).settle())
        }
    }

    /// With the last thread that runs, the stop is in effect: in the transition that makes it so, and with a report
    /// unless it was in effect before. The reports of what came before are void.
    fn settle(self) -> Self {
        if self.0 & PENDING == 0 || self.stopped() < self.quick() {
            return self;
        }
        let complete = JobSnapshot(self.0 & !PENDING);
        if self.is_stopped() {
            complete
        } else {
            JobSnapshot(complete.0 & !(CONTINUED | UNTOLD_STOP | UNTOLD_CONT) | IN_EFFECT | UNREPORTED)
        }
    }

    /// SIGCONT is sent: all threads go on, and every stop signal sent before is void; `prepare_signal`.
    pub fn cont(self) -> Self {
        let counted = self.0 & !CONTS | self.0.wrapping_add(1 << CONTS_SHIFT) & CONTS;
        let untold = match () {
            _ if self.is_stopped() => UNTOLD_CONT,
            _ if self.is_stopping() => UNTOLD_STOP,
            // Nothing is ended: what is still to be told or reported stays.
            _ => return JobSnapshot(counted),
        };
        JobSnapshot(counted & !STOPS | CONTINUED | untold)
    }

    /// A thread that runs tells the parent what is untold. Of several, one is granted this.
    pub fn tell(self) -> Option<Self> {
        self.untold().map(|_| JobSnapshot(self.0 & !(UNTOLD_STOP | UNTOLD_CONT)))
    }
}

impl JobSnapshot {
    /// A wait takes the report of the stop.
    pub fn report_stop(self) -> Option<Self> {
        self.reported_stop().map(|_| JobSnapshot(self.0 & !UNREPORTED))
    }

    /// A wait takes the report that the group goes on.
    pub fn report_continued(self) -> Option<Self> {
        self.is_continued().then_some(JobSnapshot(self.0 & !CONTINUED))
    }
}

impl fmt::Debug for JobSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "quick {} stopped {} conts {}", self.quick(), self.stopped(), self.conts())?;
        if let Some(signal) = self.signal() {
            write!(f, " {signal}")?;
        }
        let flags = [
            (UNREPORTED, "unreported"),
            (PENDING, "pending"),
            (IN_EFFECT, "in effect"),
            (CONTINUED, "continued"),
            (UNTOLD_STOP, "stop untold"),
            (UNTOLD_CONT, "continuation untold"),
            (GROUP_EXIT, "exiting"),
        ];
        flags.iter().filter(|(bit, _)| self.0 & bit != 0).try_for_each(|(_, name)| write!(f, ", {name}"))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// A word, and what each of its threads that have not begun to exit remembers.
    type State = (JobSnapshot, Vec<StoppedAt>);

    /// What can happen to a group.
    #[derive(Clone, Copy, Debug)]
    enum Happens {
        Join,
        GroupExit,
        Exit(usize),
        Stop(usize, Signal, u32),
        StopAsAsked(usize),
        Cont,
        Tell,
        ReportStop,
        ReportContinued,
    }

    fn everything_that_can_happen((word, threads): &State, most: usize) -> Vec<Happens> {
        let mut all = vec![Happens::GroupExit, Happens::Cont, Happens::Tell];
        all.extend([Happens::ReportStop, Happens::ReportContinued]);
        if threads.len() < most {
            all.push(Happens::Join);
        }
        for thread in 0..threads.len() {
            all.extend([Happens::Exit(thread), Happens::StopAsAsked(thread)]);
            for signal in [Signal::SIGSTOP, Signal::SIGTTOU] {
                let fresh = word.conts();
                all.extend([fresh, fresh.wrapping_sub(1)].map(|ticket| Happens::Stop(thread, signal, ticket)));
            }
        }
        all
    }

    /// The state after it; `None` if it is refused.
    fn after((word, threads): &State, what: Happens) -> Option<State> {
        let mut threads = threads.clone();
        let word = match what {
            Happens::Join => {
                threads.push(StoppedAt::NOT);
                word.join().ok()?
            }
            Happens::GroupExit => word.exit_group(),
            Happens::Exit(thread) => word.begin_exit(threads.remove(thread)),
            Happens::Stop(thread, signal, ticket) => {
                let next = word.begin_stop(signal, ticket, threads[thread]).ok()?;
                threads[thread] = next.as_stopped();
                next
            }
            Happens::StopAsAsked(thread) => {
                let next = word.stop(threads[thread]).ok()?;
                threads[thread] = next.as_stopped();
                next
            }
            Happens::Cont => word.cont(),
            Happens::Tell => word.tell()?,
            Happens::ReportStop => word.report_stop()?,
            Happens::ReportContinued => word.report_continued()?,
        };
        Some((word, threads))
    }

    /// As far as the transitions lead with up to `most` threads, counting up to `conts` SIGCONTs: each state, and each
    /// step from it.
    fn every_step(most: usize, conts: u32) -> (usize, Vec<(State, Happens, Option<State>)>) {
        let mut found: Vec<State> = vec![(JobSnapshot::NEW, vec![StoppedAt::NOT])];
        let mut known: std::collections::HashSet<(u64, Vec<u32>)> = std::collections::HashSet::new();
        let key = |state: &State| (state.0.0, state.1.iter().map(|thread| thread.number()).collect::<Vec<_>>());
        known.insert(key(&found[0]));
        let mut steps = Vec::new();
        let mut next = 0;
        while let Some(state) = found.get(next).cloned() {
            next += 1;
            for what in everything_that_can_happen(&state, most) {
                let to = after(&state, what);
                if let Some(to) = &to
                    && to.0.conts() <= conts
                    && known.insert(key(to))
                {
                    found.push(to.clone());
                }
                steps.push((state.clone(), what, to));
            }
        }
        (found.len(), steps)
    }

    fn flag(word: JobSnapshot, bit: u64) -> bool {
        word.0 & bit != 0
    }

    #[test]
    fn what_the_word_says_is_so_in_every_state() {
        let (states, steps) = every_step(3, 2);
        assert_eq!(states, 1_717, "the walk has become shorter, or the word has more states");
        for ((word, threads), ..) in &steps {
            let word = *word;
            let at_rest = threads.iter().filter(|&&thread| word.has_stopped(thread)).count();
            assert_eq!(word.quick() as usize, threads.len(), "{word:?}");
            assert_eq!(word.stopped() as usize, at_rest, "{word:?} {threads:?}");
            assert!(word.is_exiting() || !threads.is_empty(), "{word:?}: the last one decides");
            assert_eq!(word.signal().is_some(), word.is_stopping(), "{word:?}");
            assert!(!flag(word, UNREPORTED) || word.is_stopped(), "{word:?}");
            assert!(word.stopped() == 0 || word.is_stopping(), "{word:?}");
            assert!(!flag(word, PENDING) || word.stopped() < word.quick(), "{word:?}: complete, and nobody said so");
            assert!(!word.is_exiting() || word.0 & STOPS == 0, "{word:?}: nothing stops who is to exit");
            assert_eq!(word.is_quiet(), word.asks() == Asked::Nothing && word.untold().is_none(), "{word:?}");
        }
    }

    #[test]
    fn a_stop_comes_into_effect_once_and_by_its_last_thread() {
        let (_, steps) = every_step(3, 2);
        for ((before, _), what, to) in &steps {
            let Some((after, threads)) = to else { continue };
            let completes = after.has_stopped_since(*before);
            if completes {
                assert!(matches!(what, Happens::Exit(_) | Happens::Stop(..) | Happens::StopAsAsked(_)), "{what:?}");
                assert!(threads.iter().all(|&thread| after.has_stopped(thread)), "{before:?} {what:?} {after:?}");
                assert!(flag(*after, UNREPORTED) && !flag(*after, CONTINUED) && after.untold().is_none(), "{after:?}");
            }
            // It ends by SIGCONT or with the group, and by nothing else.
            if before.is_stopped() && !after.is_stopped() {
                assert!(matches!(what, Happens::Cont) || after.is_exiting(), "{before:?} {what:?} {after:?}");
            }
            if !before.is_stopping() && after.is_stopping() {
                assert!(matches!(what, Happens::Stop(.., ticket) if *ticket == before.conts()), "{what:?}");
            }
        }
    }

    #[test]
    fn sigcont_lets_everybody_go_on_and_voids_what_was_sent_before() {
        let (_, steps) = every_step(3, 2);
        for ((before, threads), what, to) in &steps {
            let (Happens::Cont, Some((after, _))) = (what, to) else { continue };
            assert!(threads.iter().all(|&thread| !after.has_stopped(thread)), "{before:?}");
            assert_eq!(after.conts(), before.conts() + 1);
            assert!(after.begin_stop(Signal::SIGSTOP, before.conts(), StoppedAt::NOT).is_err(), "{before:?}");
            let untold = match () {
                _ if before.is_stopped() => Some(Untold::Continued),
                _ if before.is_stopping() => Some(Untold::Stopped),
                _ => before.untold(),
            };
            assert_eq!(after.untold(), untold, "{before:?}");
            assert_eq!(flag(*after, CONTINUED), before.is_stopping() || flag(*before, CONTINUED), "{before:?}");
        }
    }

    #[test]
    fn of_several_that_would_tell_one_does() {
        for ((before, _), what, to) in every_step(3, 2).1 {
            if let Happens::Tell = what {
                assert_eq!(to.is_some(), before.untold().is_some(), "{before:?}");
                assert_eq!(to.and_then(|(after, _)| after.tell()), None);
            }
        }
    }

    #[test]
    fn a_report_is_taken_once_and_of_what_is_so() {
        for ((before, _), what, to) in every_step(3, 2).1 {
            let after = to.map(|(after, _)| after);
            match what {
                Happens::ReportStop => {
                    assert_eq!(after.is_some(), before.is_stopped() && flag(before, UNREPORTED), "{before:?}");
                    assert!(after.is_none_or(|after| after.report_stop().is_none() && after.is_stopped()));
                }
                Happens::ReportContinued => {
                    assert_eq!(after.is_some(), flag(before, CONTINUED), "{before:?}");
                    assert!(after.is_none_or(|after| after.report_continued().is_none()));
                }
                // A report comes with the completion of a stop, or with SIGCONT.
                _ if after.is_some_and(|after| after.has_report() && !before.has_report()) => {
                    let after = after.expect("seen above");
                    let continued = matches!(what, Happens::Cont) && before.is_stopping();
                    assert!(after.has_stopped_since(before) || continued, "{before:?} {what:?} {after:?}");
                }
                _ => {}
            }
            assert!(!(before.is_continued() && before.reported_stop().is_some()), "{before:?}: one at a time");
        }
    }

    #[test]
    fn a_thread_stops_when_it_is_asked_to_and_only_once() {
        for ((before, threads), what, to) in every_step(3, 2).1 {
            let Happens::StopAsAsked(thread) = what else { continue };
            let expected = match before.asks() {
                Asked::Exit => Err(NotStopped::Exiting),
                Asked::Nothing => Err(NotStopped::NotAsked),
                Asked::Stop(_) if before.has_stopped(threads[thread]) => Err(NotStopped::Already),
                Asked::Stop(_) => Ok(to.expect("granted").0),
            };
            assert_eq!(before.stop(threads[thread]), expected);
        }
    }

    #[test]
    fn the_counts_reach_as_far_as_their_fields() {
        let full = JobSnapshot(COUNT);
        let stopped = (0..COUNT).try_fold(full, |word, n| {
            if n == 0 { word.begin_stop(Signal::SIGTSTP, 0, StoppedAt::NOT) } else { word.stop(StoppedAt::NOT) }
        });
        let stopped = stopped.expect("all of them");
        assert_eq!((u64::from(stopped.stopped()), stopped.signal()), (COUNT, Some(Signal::SIGTSTP)));
        assert!(stopped.is_stopped() && stopped.conts() == 0, "{stopped:?}");
        let last = JobSnapshot(stopped.0 | CONTS).cont();
        assert_eq!(
            (last.conts(), u64::from(last.quick()), last.stopped()),
            (0, COUNT, 0),
            "counts wrap into nothing else"
        );
    }

    #[test]
    fn a_thread_that_remembers_wrongly_harms_only_the_count_of_its_stop() {
        // As many SIGCONTs as the word can count have come since it stopped.
        let word = JobSnapshot(2).begin_stop(Signal::SIGSTOP, 0, StoppedAt::NOT).expect("asked");
        let all = (0..=CONTS >> CONTS_SHIFT).fold(word, |word, _| word.cont());
        let again = all.begin_stop(Signal::SIGSTOP, all.conts(), StoppedAt::NOT).expect("asked");
        assert_eq!(again.begin_exit(word.as_stopped()).quick(), 1);
        assert_eq!(all.begin_exit(word.as_stopped()).stopped(), 0);
    }
}
