//! Process IDs are never handed out twice, and a number that names a group or a session is not free.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::Mode;
use loom_tests::fault::{holds_always, needs, needs_edges, needs_in};
use ptexit_core::lockfree::fault::{Edge::*, Fault};
use ptexit_core::lockfree::seat::Seats;
use ptexit_core::lockfree::striped::StripedCount;
use ptexit_core::record::pid_table::{PidChoice, PidTable};
use ptexit_core::sync::AtomicU32;
use ptexit_core::sync::Ordering::Relaxed;
use ptexit_core::uapi::Errno;

fn never(_: u32) -> bool {
    false
}

/// Two calls take the only number left.
fn one_number_two_takers() {
    let shared = Arc::new((Seats::new(), PidTable::new(PidChoice::Host, 2)));
    let take = |shared: &(Seats, PidTable)| {
        let seat = shared.0.take();
        shared.1.claim(&seat.pin(), 2, never, drop)
    };
    let other = Arc::clone(&shared);
    let thread = thread::spawn(move || take(&other));
    let results = [take(&shared), thread.join().unwrap()];
    assert_eq!(results.iter().filter(|result| **result == Ok(2)).count(), 1, "{results:?}");
    assert!(results.contains(&Err(Errno::EEXIST)));
}

/// Two calls, each with a turn of its own, get the two numbers.
fn two_numbers(choice: PidChoice) {
    let shared = Arc::new((Seats::new(), PidTable::new(choice, 2)));
    let take = |shared: &(Seats, PidTable)| {
        let seat = shared.0.take();
        shared.1.claim(&seat.pin(), 0, never, drop)
    };
    let other = Arc::clone(&shared);
    let thread = thread::spawn(move || take(&other));
    let mut results = [take(&shared), thread.join().unwrap()];
    results.sort_by_key(|result| result.unwrap_or(0));
    assert_eq!(results, [Ok(1), Ok(2)]);
}

/// A session leader comes and goes, leaving `mark` on its number: from then on the number is not free, so
/// of two calls that want it one is refused.
fn number_outlives_its_leader(mark: fn(&PidTable)) {
    let shared = Arc::new((Seats::new(), PidTable::new(PidChoice::Host, 2)));
    let other = Arc::clone(&shared);
    let leader = thread::spawn(move || {
        let (seats, table) = &*other;
        let seat = seats.take();
        let got = table.claim(&seat.pin(), 2, never, drop);
        if got.is_ok() {
            table.publish(2, 7);
            mark(table);
            table.release(2);
        }
        got
    });
    let seat = shared.0.take();
    let results = [shared.1.claim(&seat.pin(), 2, never, drop), leader.join().unwrap()];
    assert!(results.contains(&Ok(2)) && results.contains(&Err(Errno::EEXIST)), "{results:?}");
}

fn session_keeps_its_number() {
    number_outlives_its_leader(|table| table.entry(2).unwrap().join_session());
}

fn group_keeps_its_number() {
    number_outlives_its_leader(|table| table.entry(2).unwrap().set_pgrp(0, 5).unwrap());
}

/// What goes by a number besides its task.
#[derive(Clone, Copy, Debug, PartialEq)]
enum User {
    Task,
    Group,
    Session,
}

/// Takes one of them away; `true`: the number is free now, and the host is told.
fn take_away(table: &PidTable, user: User) -> bool {
    let entry = table.entry(2).unwrap();
    match user {
        User::Task => return table.release(2),
        User::Group => entry.set_pgrp(5, 0).unwrap(),
        User::Session => entry.leave_session(),
    }
    entry.settle()
}

/// The last two things that go by a number go side by side.
fn one_of_the_last_two_frees_the_number(first: User, second: User) {
    let shared = Arc::new((Seats::new(), PidTable::new(PidChoice::Host, 2)));
    let seat = shared.0.take();
    shared.1.claim(&seat.pin(), 2, never, drop).unwrap();
    shared.1.publish(2, 7);
    shared.1.entry(2).unwrap().set_pgrp(0, 5).unwrap();
    shared.1.entry(2).unwrap().join_session();
    for user in [User::Task, User::Group, User::Session] {
        assert!(user == first || user == second || !take_away(&shared.1, user), "two are left");
    }
    let other = Arc::clone(&shared);
    let thread = thread::spawn(move || take_away(&other.1, second));
    let mine = take_away(&shared.1, first);
    let theirs = thread.join().unwrap();
    assert!(mine || theirs, "nobody tells that the number is free");
    assert!(!(mine && theirs), "told twice");
    assert_eq!(shared.1.claim(&seat.pin(), 2, never, drop), Ok(2));
}

fn task_and_group() {
    one_of_the_last_two_frees_the_number(User::Task, User::Group);
}

fn task_and_session() {
    one_of_the_last_two_frees_the_number(User::Task, User::Session);
}

fn group_and_session() {
    one_of_the_last_two_frees_the_number(User::Group, User::Session);
}

/// What is found under a number is complete.
fn published_task_is_complete() {
    let shared = Arc::new((PidTable::new(PidChoice::Host, 2), AtomicU32::new(0)));
    let seats = Seats::new();
    let seat = seats.take();
    shared.0.claim(&seat.pin(), 2, never, drop).unwrap();
    let other = Arc::clone(&shared);
    let thread = thread::spawn(move || {
        if other.0.lookup(2) == 7 {
            assert_eq!(other.1.load(Relaxed), 1);
        }
    });
    shared.1.store(1, Relaxed);
    shared.0.publish(2, 7);
    thread.join().unwrap();
}

/// A process group found under a number is complete.
fn named_group_is_complete() {
    let shared = Arc::new((PidTable::new(PidChoice::Host, 2), AtomicU32::new(0)));
    let seats = Seats::new();
    let seat = seats.take();
    shared.0.claim(&seat.pin(), 2, never, drop).unwrap();
    let other = Arc::clone(&shared);
    let thread = thread::spawn(move || {
        if other.0.entry(2).unwrap().pgrp() == 5 {
            assert_eq!(other.1.load(Relaxed), 1);
        }
    });
    shared.1.store(1, Relaxed);
    shared.0.entry(2).unwrap().set_pgrp(0, 5).unwrap();
    thread.join().unwrap();
}

/// What the last user of a number did is before what the next one does.
fn freed_number_carries_its_past() {
    let shared = Arc::new((PidTable::new(PidChoice::Host, 2), AtomicU32::new(0)));
    let seats = Seats::new();
    let seat = seats.take();
    shared.0.claim(&seat.pin(), 2, never, drop).unwrap();
    let other = Arc::clone(&shared);
    let thread = thread::spawn(move || {
        other.1.store(1, Relaxed);
        other.0.release(2);
    });
    if shared.0.claim(&seat.pin(), 2, never, drop).is_ok() {
        assert_eq!(shared.1.load(Relaxed), 1);
    }
    thread.join().unwrap();
}

/// Somebody is always in: one joins, then the other leaves.
fn never_empty() {
    let count = Arc::new(StripedCount::default());
    count.join(0);
    let other = Arc::clone(&count);
    let thread = thread::spawn(move || {
        other.join(1);
        other.leave(0);
    });
    assert!(!count.was_empty());
    thread.join().unwrap();
    count.leave(0);
    assert!(count.was_empty());
}

#[test]
fn numbers_are_unique() {
    holds_always("one_number_two_takers", [3; 3], one_number_two_takers);
    holds_always("two_numbers, cyclic", [2; 3], || two_numbers(PidChoice::Cyclic));
    holds_always("two_numbers, sharded", [2; 3], || two_numbers(PidChoice::Sharded));
    needs(Fault::ClaimedByExchange, "one_number_two_takers", [3; 3], one_number_two_takers);
}

#[test]
fn groups_and_sessions_keep_their_number() {
    holds_always("session_keeps_its_number", [2; 3], session_keeps_its_number);
    holds_always("group_keeps_its_number", [2; 3], group_keeps_its_number);
}

#[test]
fn the_last_two() {
    for (name, model) in [
        ("task_and_group", task_and_group as fn()),
        ("task_and_session", task_and_session),
        ("group_and_session", group_and_session),
    ] {
        holds_always(name, [3; 3], model);
        needs(Fault::SettledByExchange, name, [3; 3], model);
        // Where every load reads the last value, no fence is missed.
        needs_in(&[Mode::Plain, Mode::CasRmw], Fault::FenceBeforeSettling, name, [3; 3], model);
    }
}

#[test]
fn edges() {
    holds_always("published_task_is_complete", [3; 3], published_task_is_complete);
    holds_always("named_group_is_complete", [3; 3], named_group_is_complete);
    holds_always("freed_number_carries_its_past", [3; 3], freed_number_carries_its_past);
    needs_edges(&[PidPublished, PidLookedUp], "published_task_is_complete", 3, published_task_is_complete);
    needs_edges(&[PgrpNamed, PgrpFound], "named_group_is_complete", 3, named_group_is_complete);
    // `PidReleased` has the fence of `settle` before it, which carries as much.
    needs_edges(&[PidClaimed], "freed_number_carries_its_past", 3, freed_number_carries_its_past);
}

#[test]
fn striped_count() {
    holds_always("never_empty", [3; 3], never_empty);
    needs_edges(&[StripeSummed], "never_empty", 3, never_empty);
    needs(Fault::LeavesReadFirst, "never_empty", [3; 3], never_empty);
}
