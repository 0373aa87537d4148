//! The group word decides once: who is last, what the status is, when the group is empty.
#![cfg(loom)]

use loom::thread;
use loom_tests::Shared;
use loom_tests::fault::{holds_always, needs, needs_edges};
use ptexit_core::record::fault::{Edge, Fault};
use ptexit_core::record::group_word::GroupWord;
use ptexit_core::record::usage::UsageSum;
use ptexit_core::uapi::{Rusage, WaitStatus};

#[derive(Default)]
struct Group {
    word: GroupWord,
    usage: UsageSum,
}

/// A group of `threads` threads.
fn group(threads: usize) -> Shared<Group> {
    let group = Group::default();
    group.word.begin();
    for _ in 1..threads {
        group.word.join().unwrap();
    }
    Shared::new(group)
}

fn code(code: i32) -> WaitStatus {
    WaitStatus::exited(code)
}

fn used(utime_ns: u64) -> Rusage {
    Rusage { utime_ns, ..Rusage::default() }
}

/// Both ways out of a group, up to "was this the end of it?". Whoever ends it sees what all have used.
fn exit(group: &Group, is_leader: bool, status: WaitStatus, usage: u64) -> bool {
    group.word.begin_exit(status);
    group.usage.add(&used(usage));
    group.word.finish();
    let emptied = if is_leader { group.word.leader_dies() } else { group.word.release_thread() };
    if emptied {
        assert!(group.word.status().is_some(), "empty and undecided");
        assert_eq!(group.usage.get().utime_ns, 11, "usage of a thread that was released is missing");
    }
    emptied
}

fn leader_and_last_thread_empty_it_once() {
    let group = group(2);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let emptied = exit(&other, false, code(2), 10);
        other.release();
        emptied
    });
    let by_leader = exit(&group, true, code(1), 1);
    let by_thread = thread.join().unwrap();
    assert!(by_leader != by_thread, "emptied by leader: {by_leader}, by thread: {by_thread}");
    group.release();
}

/// T08: of the leader's death and the release of the last thread, exactly one makes the group empty, and
/// it sees the group's final status and what every thread used.
#[test]
fn leader_and_last_thread() {
    holds_always("leader_and_last_thread_empty_it_once", [3; 3], leader_and_last_thread_empty_it_once);
}

fn the_last_of_two_names_the_status() {
    let group = group(2);
    let other = group.clone();
    let thread = thread::spawn(move || {
        let status = other.word.begin_exit(code(2));
        other.release();
        status
    });
    let mine = group.word.begin_exit(code(1));
    let theirs = thread.join().unwrap();
    assert_eq!((mine, theirs), (code(1), code(2)), "one took the status of the other");
    assert!(group.word.look().is_exiting());
    let status = group.word.status();
    assert!(status == Some(mine) || status == Some(theirs), "{status:?}");
    group.release();
}

/// T17: of two exits of the last two threads exactly one is the last; each thread exits with its own
/// status, and the group with that of the last.
#[test]
fn last_two_threads() {
    holds_always("the_last_of_two_names_the_status", [3; 3], the_last_of_two_names_the_status);
}

fn two_group_exits_name_one_status() {
    let group = group(3);
    let exit = |group: &Group, status| {
        let (won, raised) = group.word.exit_group(status);
        assert_eq!(group.word.begin_exit(status), won, "a thread exits with another status than its group");
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
    assert_eq!(group.word.status(), Some(mine));
    group.release();
}

/// T16: of two group exits the first one's status holds, for both callers, for the group, and for every
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
        if other.word.look().is_exiting() {
            assert_eq!(other.word.status(), Some(code(2)), "flag without a status");
        }
        other.release();
    });
    group.word.exit_group(code(2));
    thread.join().unwrap();
    group.release();
}

/// T16: whoever sees that the group is exiting sees with which status.
#[test]
fn flag_and_status() {
    holds_always("a_thread_that_sees_the_flag_sees_the_status", [3; 3], a_thread_that_sees_the_flag_sees_the_status);
}

#[test]
fn canaries() {
    needs(
        Fault::EmptyInTransition,
        "leader_and_last_thread_empty_it_once",
        [3; 3],
        leader_and_last_thread_empty_it_once,
    );
    needs(Fault::LastInTransition, "the_last_of_two_names_the_status", [3; 3], the_last_of_two_names_the_status);
    needs(Fault::FirstStatusStays, "two_group_exits_name_one_status", [3; 3], two_group_exits_name_one_status);
    needs(Fault::DecidedBeforeFlag, "a_thread_that_sees_the_flag", [3; 3], a_thread_that_sees_the_flag_sees_the_status);
}

/// Each end of an edge, relaxed, makes the model named with it fail.
#[test]
fn weak_edges_fail() {
    let name = "leader_and_last_thread_empty_it_once";
    needs_edges(&[Edge::GroupChanged], name, 3, leader_and_last_thread_empty_it_once);
    let name = "a_thread_that_sees_the_flag_sees_the_status";
    for edge in [Edge::GroupChanged, Edge::GroupRead] {
        needs_edges(&[edge], name, 3, a_thread_that_sees_the_flag_sees_the_status);
    }
}

#[test]
#[ignore = "prints what fails when an edge is relaxed"]
fn survey() {
    loom_tests::fault::survey(
        &[Edge::GroupRead, Edge::GroupChanged, Edge::StatusDecided, Edge::StatusRead],
        &[
            ("leader_and_last_thread_empty_it_once", 3, leader_and_last_thread_empty_it_once),
            ("the_last_of_two_names_the_status", 3, the_last_of_two_names_the_status),
            ("two_group_exits_name_one_status", 3, two_group_exits_name_one_status),
            ("a_thread_that_sees_the_flag_sees_the_status", 3, a_thread_that_sees_the_flag_sees_the_status),
        ],
    );
}
