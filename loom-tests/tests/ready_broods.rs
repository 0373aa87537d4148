//! A process that keeps a tree of its ready broods: what its waits find, and find missing, stays the same.
#![cfg(loom)]

use loom_tests::family::{Family, MAIN, assert_is, child, end, spawn};
use loom_tests::fault::{holds_always, needs_in};
use loom_tests::{Mode, Shared, holds};
use ptexit_core::ids::TaskId;
use ptexit_core::protocol::membership;
use ptexit_core::record::fault::{Fault, set_many};
use ptexit_core::tree::{WaitFor, Waited};
use ptexit_core::uapi::{Errno, WaitOptions};

const PEEK: WaitOptions = WaitOptions::WNOHANG.union(WaitOptions::WNOWAIT);

/// A tree in which one brood is many: the first wait of a process of one thread that walks its chain is its last.
fn family() -> (Shared<Family>, TaskId) {
    set_many(0);
    Family::new(1)
}

fn kept_from_now_on() {
    let (family, init) = family();
    let dying = family.fork(MAIN, init);
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.exit_finish(seat, dying));
    let first = family.wait(MAIN, init, WaitFor::All, PEEK);
    assert!(matches!(first, Ok(Waited::Nothing | Waited::Child(_))), "{first:?}");
    thread.join().unwrap();
    assert_is(child(&family.poll(MAIN, init)).expect("the zombie"), dying);
    assert_eq!(family.poll(MAIN, init), Err(Errno::ECHILD));
    end(family);
}

/// A child dies while its parent begins to keep a tree: it is in there in the end.
#[test]
fn keeping() {
    holds_always("kept_from_now_on", [2, 2, 1], kept_from_now_on);
}

fn no_wake_is_lost() {
    let (family, init) = family();
    let dying = family.fork(MAIN, init);
    assert_eq!(family.poll(MAIN, init), Ok(Waited::Nothing));
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.wait(seat, init, WaitFor::All, WaitOptions::empty()));
    family.exit_finish(MAIN, dying);
    let mut waited = thread.join().unwrap();
    if waited == Ok(Waited::Armed) {
        assert_eq!(family.wakes(init), 1, "asleep for ever");
        waited = family.poll(MAIN, init);
    }
    assert_is(child(&waited).expect("the zombie"), dying);
    end(family);
}

/// A child exits while its parent is about to sleep: the wait finds it, or is woken.
#[test]
fn no_lost_wake() {
    holds_always("no_wake_is_lost, tree", [1, 2, 1], no_wake_is_lost);
}

fn found_by_name_and_in_the_tree() {
    let (family, init) = family();
    let dying = family.fork(MAIN, init);
    assert_eq!(family.poll(MAIN, init), Ok(Waited::Nothing));
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.exit_finish(seat, dying));
    let by_name = family.wait(MAIN, init, WaitFor::Task(dying), PEEK);
    if child(&by_name).is_some() {
        let any = family.wait(MAIN, init, WaitFor::All, PEEK);
        assert_is(child(&any).expect("found by name, and not otherwise"), dying);
    }
    thread.join().unwrap();
    end(family);
}

/// What is reported by name, and stays, is found by every wait that follows.
#[test]
fn by_name_and_otherwise() {
    holds_always("found_by_name_and_in_the_tree", [2; 3], found_by_name_and_in_the_tree);
}

fn inherited_zombie_is_found_or_not_there() {
    let (family, init) = family();
    let parent = family.fork(MAIN, init);
    let zombie = family.fork(MAIN, parent);
    assert_eq!(family.poll(MAIN, init), Ok(Waited::Nothing));
    family.call(MAIN, |call| membership::setsid(call, zombie)).unwrap();
    let pgid = loom_tests::family::pid_of(zombie);
    family.exit(MAIN, zombie);
    family.exit_begin(MAIN, parent);
    let thread = spawn(&family, 1, move |family, seat| family.exit_finish(seat, parent));
    let first = family.wait(MAIN, init, WaitFor::Pgid(pgid), PEEK);
    match child(&first) {
        Some(result) => assert_is(result, zombie),
        // It comes as a zombie, so it is never there without being ready.
        None => assert_eq!(first, Err(Errno::ECHILD)),
    }
    thread.join().unwrap();
    assert_eq!(family.sigchlds(init, zombie), 1);
    assert_is(child(&family.poll(MAIN, init)).expect("a zombie"), parent);
    assert_is(child(&family.poll(MAIN, init)).expect("a zombie"), zombie);
    assert_eq!(family.poll(MAIN, init), Err(Errno::ECHILD));
    end(family);
}

/// A zombie is inherited while the reaper waits for its process group: it is there and ready, or not there.
#[test]
fn inheriting() {
    let name = "inherited_zombie_is_found_or_not_there";
    // With loads that may be stale this does not finish in minutes; the canaries show that they are explored.
    holds(name, Mode::AllRmw, 1, || {}, inherited_zombie_is_found_or_not_there);
}

fn dies_while_it_is_handed_over() {
    let (family, init) = family();
    let parent = family.fork(MAIN, init);
    let dying = family.fork(MAIN, parent);
    assert_eq!(family.poll(MAIN, init), Ok(Waited::Nothing));
    family.exit_begin(MAIN, parent);
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.exit_finish(seat, dying));
    family.exit_finish(MAIN, parent);
    thread.join().unwrap();
    assert_eq!(family.sigchlds(init, dying), 1);
    assert_is(child(&family.poll(MAIN, init)).expect("a zombie"), parent);
    assert_is(child(&family.poll(MAIN, init)).expect("a zombie"), dying);
    end(family);
}

/// A child dies while its parent's death hands it over: the reaper's tree has it in the end.
#[test]
fn dying_together() {
    holds_always("dies_while_it_is_handed_over", [2; 3], dies_while_it_is_handed_over);
}

#[test]
fn canaries() {
    let stale = &[Mode::Plain, Mode::CasRmw];
    needs_in(stale, Fault::FenceAfterKeeping, "kept_from_now_on", [2, 2, 1], kept_from_now_on);
    let exact = &[Mode::Plain, Mode::AllRmw];
    needs_in(exact, Fault::UpdatedBeforeTold, "no_wake_is_lost, tree", [2; 3], no_wake_is_lost);
    // In the other modes loom never lets the look by name come in between.
    let name = "found_by_name_and_in_the_tree";
    needs_in(&[Mode::AllRmw], Fault::UpdatedBeforePeek, name, [2; 3], found_by_name_and_in_the_tree);
    let name = "inherited_zombie_is_found_or_not_there";
    for fault in [Fault::UpdatedBeforeReparent, Fault::RootCompared] {
        needs_in(&[Mode::Plain], fault, name, [1; 3], inherited_zombie_is_found_or_not_there);
    }
}
