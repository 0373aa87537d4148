//! The job word decides once: who is last and what the status is, and by whom a stop is complete.
#![cfg(loom)]

use loom::thread;
use loom_tests::Shared;
use loom_tests::fault::{holds_always, needs, needs_edges};
use ptexit_core::record::fault::{Edge, Fault};
use ptexit_core::record::job_word::{JobWord, NotStopped, StoppedAt, Untold};
use ptexit_core::record::reports::Ledger;
use ptexit_core::uapi::{Signal, WaitStatus};

/// A group of `threads` threads.
fn group(threads: usize) -> Shared<JobWord> {
    let job = JobWord::default();
    job.begin();
    for _ in 1..threads {
        job.join().unwrap();
    }
    Shared::new(job)
}

/// The stops of these groups are counted nowhere.
fn nowhere<'r>() -> Option<Ledger<'r>> {
    None
}

fn code(code: i32) -> WaitStatus {
    WaitStatus::exited(code)
}

fn the_last_of_two_names_the_status() {
    let group = group(2);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let status = other.begin_exit(code(2), StoppedAt::NOT, nowhere).status;
        other.release();
        status
    });
    let mine = group.begin_exit(code(1), StoppedAt::NOT, nowhere).status;
    let theirs = thread.join().unwrap();
    assert_eq!((mine, theirs), (code(1), code(2)), "one took the status of the other");
    assert!(group.look().is_exiting());
    let status = group.status();
    assert!(status == Some(mine) || status == Some(theirs), "{status:?}");
    group.release();
}

/// Of two exits of the last two threads exactly one is the last; each thread exits with its own
/// status, and the group with that of the last.
#[test]
fn last_two_threads() {
    holds_always("the_last_of_two_names_the_status", [3; 3], the_last_of_two_names_the_status);
}

fn two_group_exits_name_one_status() {
    let group = group(3);
    let exit = |group: &JobWord, status| {
        let (won, raised) = group.exit_group(status, nowhere);
        assert_eq!(
            group.begin_exit(status, StoppedAt::NOT, nowhere).status,
            won,
            "a thread exits with another status than its group"
        );
        (won, raised)
    };
    let other = group.clone();
    let thread = thread::spawn(move || {
        let outcome = exit(&other, code(2));
        other.release();
        outcome
    });
    let (mine, raised) = exit(&group, code(1));
    let (theirs, raised_there) = thread.join().unwrap();
    assert_eq!(mine, theirs, "two statuses");
    assert!(raised != raised_there, "the threads are interrupted by exactly one");
    assert_eq!(group.status(), Some(mine));
    group.release();
}

/// Of two group exits the first one's status holds, for both callers, for the group, and for every
/// thread that begins to exit afterwards; one of them interrupts the threads.
#[test]
fn two_group_exits() {
    holds_always("two_group_exits_name_one_status", [3; 3], two_group_exits_name_one_status);
}

fn a_thread_that_sees_the_flag_sees_the_status() {
    let group = group(3);
    // The reader is the thread that loom runs last: the other way round, plain mode sees one execution.
    let other = group.clone();
    let thread = thread::spawn(move || {
        if other.look().is_exiting() {
            assert_eq!(other.status(), Some(code(2)), "flag without a status");
        }
        other.release();
    });
    group.exit_group(code(2), nowhere);
    thread.join().unwrap();
    group.release();
}

/// Whoever sees that the group is exiting sees with which status.
#[test]
fn flag_and_status() {
    holds_always("a_thread_that_sees_the_flag_sees_the_status", [3; 3], a_thread_that_sees_the_flag_sees_the_status);
}

fn the_last_exit_and_sigkill_agree() {
    let group = group(1);
    let killed = WaitStatus::signaled(Signal::SIGKILL, false);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let (status, _) = other.exit_group(killed, nowhere);
        other.release();
        status
    });
    let mine = group.begin_exit(code(3), StoppedAt::NOT, nowhere).status;
    let theirs = thread.join().unwrap();
    assert_eq!(mine, theirs, "two statuses");
    assert!(mine == code(3) || mine == killed);
    assert_eq!(group.status(), Some(mine));
    group.release();
}

/// Of the exit of the last thread and SIGKILL, one names the status, for good.
#[test]
fn last_exit_and_sigkill() {
    holds_always("the_last_exit_and_sigkill_agree", [3; 3], the_last_exit_and_sigkill_agree);
}

const STOP: Signal = Signal::SIGSTOP;

/// A group of `threads` threads, the first of which has begun a stop. With what that one remembers.
fn stopping(threads: usize) -> (Shared<JobWord>, StoppedAt) {
    let group = group(threads);
    let step = group.begin_stop(STOP, 0, StoppedAt::NOT, nowhere).expect("nothing else goes on");
    assert_eq!(group.completed(step).is_some(), threads == 1);
    (group, step.after.as_stopped())
}

/// A thread stops. Whether that completed the stop, and what it remembers.
fn stop(group: &JobWord) -> Result<(bool, StoppedAt), NotStopped> {
    let step = group.stop(StoppedAt::NOT, nowhere)?;
    Ok((group.completed(step).is_some(), step.after.as_stopped()))
}

fn a_stop_is_completed_by_one_of_two() {
    let (group, _) = stopping(3);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let (completed, _) = stop(&other).expect("asked");
        other.release();
        completed
    });
    let (mine, _) = stop(&group).expect("asked");
    let theirs = thread.join().unwrap();
    assert!(mine != theirs, "completed by one: {mine}, by the other: {theirs}");
    assert!(group.look().is_stopped());
    group.release();
}

fn a_stop_is_completed_by_a_stop_or_an_exit() {
    let (group, _) = stopping(3);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let (completed, _) = stop(&other).expect("asked");
        other.release();
        completed
    });
    let by_exit = group.begin_exit(code(1), StoppedAt::NOT, nowhere).completed_stop.is_some();
    let by_stop = thread.join().unwrap();
    assert!(by_exit != by_stop, "completed by exit: {by_exit}, by stop: {by_stop}");
    assert!(group.look().is_stopped());
    group.release();
}

/// Of the last two threads that a stop waits for, exactly one completes it, whether it stops or exits.
#[test]
fn last_participants() {
    holds_always("a_stop_is_completed_by_one_of_two", [3; 3], a_stop_is_completed_by_one_of_two);
    holds_always("a_stop_is_completed_by_a_stop_or_an_exit", [3; 3], a_stop_is_completed_by_a_stop_or_an_exit);
}

fn sigcont_ends_a_stop_or_prevents_it() {
    let (group, first) = stopping(2);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let stopped = stop(&other);
        other.release();
        stopped
    });
    group.cont(nowhere);
    let second = thread.join().unwrap();
    let now = group.look();
    assert!(!now.is_stopping() && now.stopped() == 0, "{now:?}");
    assert!(!now.has_stopped(first), "a thread stays stopped");
    match second {
        Ok((completed, second)) => {
            assert!(completed && !now.has_stopped(second));
            assert_eq!(now.untold(), Some(Untold::Continued));
        }
        Err(why) => {
            assert_eq!(why, NotStopped::NotAsked);
            assert_eq!(now.untold(), Some(Untold::Stopped));
        }
    }
    group.release();
}

fn sigcont_overtakes_a_signal_that_was_taken() {
    let group = group(1);
    let ticket = group.look().conts();
    let other = group.clone();
    let thread = thread::spawn(move || {
        let begun = other.begin_stop(STOP, ticket, StoppedAt::NOT, nowhere).is_ok();
        other.release();
        begun
    });
    group.cont(nowhere);
    let begun = thread.join().unwrap();
    let now = group.look();
    assert!(!now.is_stopping(), "SIGCONT came after the stop signal, and the process is stopped: {now:?}");
    assert_eq!(now.untold().is_some(), begun, "who has stopped goes on, and the parent is told");
    group.release();
}

/// SIGCONT lets everybody go on who has stopped by then, and prevents what would stop by a signal sent before.
#[test]
fn stop_and_sigcont() {
    holds_always("sigcont_ends_a_stop_or_prevents_it", [3; 3], sigcont_ends_a_stop_or_prevents_it);
    holds_always("sigcont_overtakes_a_signal_that_was_taken", [3; 3], sigcont_overtakes_a_signal_that_was_taken);
}

fn a_stop_waits_for_a_newborn() {
    let group = group(2);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let begun = other.begin_stop(STOP, 0, StoppedAt::NOT, nowhere).expect("nothing else goes on");
        let completed = other.completed(begun).is_some();
        other.release();
        completed
    });
    group.join().expect("nobody exits");
    assert!(!thread.join().unwrap(), "two threads run");
    assert!(!stop(&group).expect("asked").0, "the newborn runs");
    assert!(!group.look().is_stopped());
    assert!(stop(&group).expect("asked").0, "the newborn was the last");
    group.release();
}

/// A thread that is born while a stop begins is one of those that the stop waits for.
#[test]
fn stop_and_newborn() {
    holds_always("a_stop_waits_for_a_newborn", [3; 3], a_stop_waits_for_a_newborn);
}

fn a_group_exit_stops_nobody() {
    let (group, _) = stopping(2);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let stopped = stop(&other);
        other.release();
        stopped
    });
    group.exit_group(code(9), nowhere);
    let stopped = thread.join().unwrap();
    let now = group.look();
    assert!(now.is_exiting() && !now.is_stopping() && now.untold().is_none(), "{now:?}");
    assert!(matches!(stopped, Ok((true, _)) | Err(NotStopped::Exiting)), "{stopped:?}");
    assert_eq!(group.begin_exit(code(1), stopped.map_or(StoppedAt::NOT, |(_, at)| at), nowhere).status, code(9));
    group.release();
}

/// A group exit ends a stop, whether it is complete or not.
#[test]
fn stop_and_group_exit() {
    holds_always("a_group_exit_stops_nobody", [3; 3], a_group_exit_stops_nobody);
}

fn what_is_untold_is_told_once() {
    let (group, _) = stopping(1);
    group.cont(nowhere);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let told = other.tell();
        other.release();
        told
    });
    let (mine, theirs) = (group.tell(), thread.join().unwrap());
    assert_eq!(mine.or(theirs), Some(Untold::Continued));
    assert!(mine.is_none() || theirs.is_none(), "told twice");
    group.release();
}

/// Of the threads that go on, one tells.
#[test]
fn untold() {
    holds_always("what_is_untold_is_told_once", [3; 3], what_is_untold_is_told_once);
}

#[test]
fn canaries() {
    needs(Fault::LastInTransition, "the_last_of_two_names_the_status", [3; 3], the_last_of_two_names_the_status);
    needs(Fault::FirstStatusStays, "two_group_exits_name_one_status", [3; 3], two_group_exits_name_one_status);
    needs(Fault::DecidedBeforeFlag, "a_thread_that_sees_the_flag", [3; 3], a_thread_that_sees_the_flag_sees_the_status);
    let name = "a_stop_is_completed_by_a_stop_or_an_exit";
    needs(Fault::StoppedInTransition, name, [3; 3], a_stop_is_completed_by_a_stop_or_an_exit);
    let name = "a_stop_is_completed_by_one_of_two";
    needs(Fault::StoppedInTransition, name, [3; 3], a_stop_is_completed_by_one_of_two);
    let name = "sigcont_overtakes_a_signal_that_was_taken";
    needs(Fault::StaleTicketRefused, name, [3; 3], sigcont_overtakes_a_signal_that_was_taken);
}

/// Each end of an edge, relaxed, makes the model named with it fail.
#[test]
fn weak_edges_fail() {
    let name = "a_thread_that_sees_the_flag_sees_the_status";
    for edge in [Edge::JobChanged, Edge::JobRead] {
        needs_edges(&[edge], name, 3, a_thread_that_sees_the_flag_sees_the_status);
    }
}

#[test]
#[ignore = "prints what fails when an edge is relaxed"]
fn survey() {
    loom_tests::fault::survey(
        &[Edge::JobRead, Edge::JobChanged, Edge::StatusDecided, Edge::StatusRead],
        &[
            ("the_last_of_two_names_the_status", 3, the_last_of_two_names_the_status),
            ("two_group_exits_name_one_status", 3, two_group_exits_name_one_status),
            ("a_thread_that_sees_the_flag_sees_the_status", 3, a_thread_that_sees_the_flag_sees_the_status),
        ],
    );
}
