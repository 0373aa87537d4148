//! The group word decides once when the group is empty.
#![cfg(loom)]

use loom::thread;
use loom_tests::Shared;
use loom_tests::fault::{holds_always, needs, needs_edges};
use ptexit_core::record::fault::{Edge, Fault};
use ptexit_core::record::group_word::GroupWord;
use ptexit_core::record::job_word::{JobWord, StoppedAt};
use ptexit_core::record::reports::Ledger;
use ptexit_core::record::usage::UsageSum;
use ptexit_core::uapi::{Rusage, WaitStatus};

#[derive(Default)]
struct Group {
    word: GroupWord,
    job: JobWord,
    usage: UsageSum,
}

/// A group of two threads.
fn group() -> Shared<Group> {
    let group = Group::default();
    group.word.begin();
    group.job.begin();
    group.word.join().unwrap();
    group.job.join().unwrap();
    Shared::new(group)
}

/// The stops of these groups are counted nowhere.
fn nowhere<'r>() -> Option<Ledger<'r>> {
    None
}

fn code(code: i32) -> WaitStatus {
    WaitStatus::exited(code)
}

fn used(utime_ns: u64) -> Rusage {
    Rusage { utime_ns, ..Rusage::default() }
}

/// Both ways out of a group, up to "was this the end of it?". Whoever ends it sees what all have used.
fn exit(group: &Group, is_leader: bool, status: WaitStatus, usage: u64) -> bool {
    group.job.begin_exit(status, StoppedAt::NOT, nowhere);
    group.usage.add(&used(usage));
    group.word.finish();
    let emptied = if is_leader { group.word.leader_dies() } else { group.word.release_thread() };
    if emptied {
        assert!(group.job.status().is_some(), "empty and undecided");
        assert_eq!(group.usage.get().utime_ns, 11, "usage of a thread that was released is missing");
    }
    emptied
}

fn leader_and_last_thread_empty_it_once() {
    let group = group();
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

#[test]
fn canaries() {
    needs(
        Fault::EmptyInTransition,
        "leader_and_last_thread_empty_it_once",
        [3; 3],
        leader_and_last_thread_empty_it_once,
    );
}

/// Each end of an edge, relaxed, makes the model named with it fail.
#[test]
fn weak_edges_fail() {
    let name = "leader_and_last_thread_empty_it_once";
    needs_edges(&[Edge::GroupChanged], name, 3, leader_and_last_thread_empty_it_once);
}

#[test]
#[ignore = "prints what fails when an edge is relaxed"]
fn survey() {
    loom_tests::fault::survey(
        &[Edge::GroupRead, Edge::GroupChanged],
        &[("leader_and_last_thread_empty_it_once", 3, leader_and_last_thread_empty_it_once)],
    );
}
