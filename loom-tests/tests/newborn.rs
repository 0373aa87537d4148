//! A thread is born while its process is made to exit: it is refused, or told to exit like its siblings.
#![cfg(loom)]

use loom_tests::Mode;
use loom_tests::family::{Family, MAIN, end, spawn};
use loom_tests::fault::{holds_always, needs, needs_in};
use ptexit_core::host::Event;
use ptexit_core::protocol::stop;
use ptexit_core::record::fault::Fault;
use ptexit_core::tree::{CloneKind, Verdict};
use ptexit_core::uapi::{Errno, Signal, WaitStatus};

fn newborn_thread_is_told_to_exit() {
    let (family, init) = Family::new(1);
    let leader = family.fork(MAIN, init);
    let newborn = family.clone_begin(MAIN, leader, CloneKind::Thread);
    let thread = spawn(&family, 1, move |family, seat| family.clone_commit(seat, newborn));
    family.exit_group(MAIN, leader, WaitStatus::exited(3));
    let committed = thread.join().unwrap();
    let told = family.count(|event| matches!(event, Event::Interrupt { task, .. } if *task == newborn));
    match committed {
        Ok(()) => assert!(told >= 1, "a thread of an exiting process is never told"),
        Err(why) => assert_eq!((why, told), (Errno::EINTR, 0), "who was refused is told nothing"),
    }
    end(family);
}

fn newborn_thread_of_a_dead_process() {
    let (family, init) = Family::new(1);
    let leader = family.fork(MAIN, init);
    let newborn = family.clone_begin(MAIN, leader, CloneKind::Thread);
    let thread = spawn(&family, 1, move |family, seat| family.clone_commit(seat, newborn));
    let reported = family.report_exit(MAIN, leader, WaitStatus::exited(3));
    let committed = thread.join().unwrap();
    // A report that meets the clone half way is refused, or leaves the newborn to be told.
    let told = family.count(|event| matches!(event, Event::Interrupt { task, .. } if *task == newborn));
    let exited = family.count(|event| matches!(event, Event::Exited { .. }));
    if reported.is_ok() && committed.is_ok() {
        assert!(told >= 1 || exited == 1, "the process lives on, and nobody is told");
    }
    end(family);
}

fn newborn_thread_is_told_to_stop() {
    let (family, init) = Family::new(1);
    let leader = family.fork(MAIN, init);
    let sibling = family.make(MAIN, leader, CloneKind::Thread);
    let newborn = family.clone_begin(MAIN, sibling, CloneKind::Thread);
    let thread = spawn(&family, 1, move |family, seat| family.clone_commit(seat, newborn));
    let begun = family.call(MAIN, |call| stop::begin(call, leader, Signal::SIGSTOP, 0));
    assert_eq!(begun, Ok(Verdict::Stop(Signal::SIGSTOP)));
    assert_eq!(thread.join().unwrap(), Ok(()), "who stops may be born");
    let told = family.count(|event| matches!(event, Event::Interrupt { task, .. } if *task == newborn));
    assert!(told >= 1, "a thread of a process that stops is never told");
    end(family);
}

/// A thread that is committed while its process begins to exit is refused, or is told: the count takes
/// it in before it is shown, and it asks again after.
#[test]
fn clone_and_group_exit() {
    holds_always("newborn_thread_is_told_to_exit", [3, 2, 2], newborn_thread_is_told_to_exit);
}

/// The same, with a death seen from outside, which ends every thread that it finds.
#[test]
fn clone_and_report() {
    holds_always("newborn_thread_of_a_dead_process", [2, 1, 1], newborn_thread_of_a_dead_process);
}

/// A thread that is committed while its process begins to stop is told, in the same way.
#[test]
fn clone_and_stop() {
    holds_always("newborn_thread_is_told_to_stop", [3, 2, 2], newborn_thread_is_told_to_stop);
}

#[test]
fn canaries() {
    needs(Fault::LookAfterJoin, "newborn_thread_is_told_to_exit", [3, 2, 2], newborn_thread_is_told_to_exit);
    // Where every load reads the last value, no fence is missed.
    for fence in [Fault::FenceAfterJoin, Fault::FenceBeforeThreads] {
        needs_in(&[Mode::Plain], fence, "newborn_thread_is_told_to_exit", [3, 2, 2], newborn_thread_is_told_to_exit);
        needs_in(&[Mode::Plain], fence, "newborn_thread_is_told_to_stop", [3, 2, 2], newborn_thread_is_told_to_stop);
    }
}
