//! The job word decides once: who is last and what the status is.
#![cfg(loom)]

use loom::thread;
use loom_tests::fault::{holds_always, needs, needs_edge};
use loom_tests::{Mode, Shared};
use ptexit_core::record::fault::{Edge, Fault};
use ptexit_core::record::job_word::JobWord;
use ptexit_core::uapi::WaitStatus;

/// A group of `threads` threads.
fn group(threads: usize) -> Shared<JobWord> {
    let job = JobWord::default();
    job.begin();
    for _ in 1..threads {
        job.join().unwrap();
    }
    Shared::new(job)
}

fn code(code: i32) -> WaitStatus {
    WaitStatus::exited(code)
}

fn the_last_of_two_names_the_status() {
    let group = group(2);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let status = other.begin_exit(code(2));
        other.release();
        status
    });
    let mine = group.begin_exit(code(1));
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
        let (won, raised) = group.exit_group(status);
        assert_eq!(group.begin_exit(status), won, "a thread exits with another status than its group");
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
    group.exit_group(code(2));
    thread.join().unwrap();
    group.release();
}

/// Whoever sees that the group is exiting sees with which status.
#[test]
fn flag_and_status() {
    holds_always("a_thread_that_sees_the_flag_sees_the_status", [3; 3], a_thread_that_sees_the_flag_sees_the_status);
}

#[test]
fn canaries() {
    needs(Fault::LastInTransition, "the_last_of_two_names_the_status", [3; 3], the_last_of_two_names_the_status);
    needs(Fault::FirstStatusStays, "two_group_exits_name_one_status", [3; 3], two_group_exits_name_one_status);
    needs(Fault::DecidedBeforeFlag, "a_thread_that_sees_the_flag", [3; 3], a_thread_that_sees_the_flag_sees_the_status);
}

/// Each end of an edge, relaxed, makes the model named with it fail.
#[test]
fn weak_edges_fail() {
    let name = "a_thread_that_sees_the_flag_sees_the_status";
    for edge in [Edge::JobChanged, Edge::JobRead] {
        needs_edge(edge, Mode::Plain, name, 3, a_thread_that_sees_the_flag_sees_the_status);
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
