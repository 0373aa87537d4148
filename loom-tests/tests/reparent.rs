//! Children change parents and are in somebody's hands throughout.
#![cfg(loom)]

use loom_tests::Mode;
use loom_tests::family::{Family, MAIN, assert_is, child, end, pid_of, spawn, status_of};
use loom_tests::fault::{holds_always, needs, needs_in};
use ptexit_core::host::Event;
use ptexit_core::record::fault::{Edge, Fault};
use ptexit_core::tree::{CloneKind, WaitFor, Waited};
use ptexit_core::uapi::{Errno, WaitOptions};

fn siblings_never_lose_a_child() {
    let (family, leader) = Family::new(1);
    let dying = family.make(MAIN, leader, CloneKind::Thread);
    let living = family.fork(MAIN, dying);
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.exit_finish(seat, dying));
    let seen = family.poll(MAIN, leader);
    thread.join().unwrap();
    assert_eq!(seen, Ok(Waited::Nothing), "a child was in nobody's list");
    let own = family.wait(MAIN, leader, WaitFor::All, WaitOptions::WNOHANG | WaitOptions::WNOTHREAD);
    assert_eq!(own, Ok(Waited::Nothing), "the child is the sibling's own by now");
    family.exit(MAIN, living);
    assert_is(child(&family.poll(MAIN, leader)).expect("the zombie"), living);
    end(family);
}

/// T01: a thread's children go to a sibling while that one waits: it never hears ECHILD.
#[test]
fn between_siblings() {
    holds_always("siblings_never_lose_a_child", 3, siblings_never_lose_a_child);
}

fn siblings_never_lose_a_zombie() {
    let (family, leader) = Family::new(2);
    let dying = family.make(MAIN, leader, CloneKind::Thread);
    let zombie = family.fork(MAIN, dying);
    family.exit_begin(MAIN, dying);
    family.exit_begin(MAIN, zombie);
    let moves = spawn(&family, 1, move |family, seat| family.exit_finish(seat, dying));
    let dies = spawn(&family, 2, move |family, seat| family.exit_finish(seat, zombie));
    let mut waited = family.wait(MAIN, leader, WaitFor::All, WaitOptions::empty());
    moves.join().unwrap();
    dies.join().unwrap();
    if waited == Ok(Waited::Armed) {
        assert_eq!(family.wakes(leader), 1, "asleep for ever");
        waited = family.poll(MAIN, leader);
    }
    assert_is(child(&waited).expect("the zombie"), zombie);
    end(family);
}

/// T01: the same, while the child dies: the wait finds it or is woken.
#[test]
fn between_siblings_dying() {
    holds_always("siblings_never_lose_a_zombie", 1, siblings_never_lose_a_zombie);
}

fn grandparent_sees_the_child_once_the_parent_is_reaped() {
    let (family, init) = Family::new(1);
    let parent = family.fork(MAIN, init);
    let living = family.fork(MAIN, parent);
    family.exit_begin(MAIN, parent);
    let thread = spawn(&family, 1, move |family, seat| family.exit_finish(seat, parent));
    let first = family.poll(MAIN, init);
    if let Some(result) = child(&first) {
        assert_is(result, parent);
        assert_eq!(family.poll(MAIN, init), Ok(Waited::Nothing), "reaped the parent and did not inherit");
    } else {
        assert_eq!(first, Ok(Waited::Nothing));
    }
    thread.join().unwrap();
    if child(&first).is_none() {
        assert_is(child(&family.poll(MAIN, init)).expect("the parent"), parent);
    }
    assert_eq!(family.poll(MAIN, init), Ok(Waited::Nothing));
    assert_eq!(family.parent_of(living), family.group_of(init));
    family.exit(MAIN, living);
    assert_is(child(&family.poll(MAIN, init)).expect("the child"), living);
    assert_eq!(family.poll(MAIN, init), Err(Errno::ECHILD));
    end(family);
}

/// T02: a child is inherited before its dead parent can be reaped: who reaps the parent then has the child.
#[test]
fn to_the_grandparent() {
    let name = "grandparent_sees_the_child_once_the_parent_is_reaped";
    holds_always(name, 2, grandparent_sees_the_child_once_the_parent_is_reaped);
}

fn childless_heir_never_hears_echild() {
    let (family, init) = Family::new(1);
    let parent = family.fork(MAIN, init);
    let zombie = family.fork(MAIN, parent);
    family.exit(MAIN, zombie);
    family.exit_begin(MAIN, parent);
    let thread = spawn(&family, 1, move |family, seat| family.exit_finish(seat, parent));
    // Looking at the child settles whose it is: either of the two hands it over, and tells.
    let first = family.poll(MAIN, init);
    thread.join().unwrap();
    assert_eq!(family.sigchlds(init, zombie), 1, "told once of an adopted zombie");
    let reparented = |event: &Event| matches!(event, Event::Reparented { task, .. } if *task == zombie);
    assert_eq!(family.count(reparented), 1);
    let mut found: Vec<u32> = child(&first).map(|result| result.pid).into_iter().collect();
    while let Some(result) = child(&family.poll(MAIN, init)) {
        assert_eq!(result.status, status_of(result.task));
        found.push(result.pid);
    }
    found.sort_unstable();
    assert_eq!(found, [pid_of(parent), pid_of(zombie)]);
    end(family);
}

/// T02: an adopted zombie is handed over by the dying parent or by a waiter that comes across it; the heir
/// is told of it exactly once, and reaps it once.
#[test]
fn adopted_zombie() {
    holds_always("childless_heir_never_hears_echild", 2, childless_heir_never_hears_echild);
}

fn child_and_parent_die_together() {
    let (family, init) = Family::new(1);
    let parent = family.fork(MAIN, init);
    let dying = family.fork(MAIN, parent);
    family.exit_begin(MAIN, parent);
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.exit_finish(seat, dying));
    family.exit_finish(MAIN, parent);
    if family.sigchlds(init, dying) > 0 {
        // Who has been told of a zombie finds it.
        let found = family.wait(MAIN, init, WaitFor::Task(dying), WaitOptions::WNOHANG | WaitOptions::WNOWAIT);
        assert_is(child(&found).expect("told of it, and it is not there"), dying);
    }
    thread.join().unwrap();
    assert_eq!(family.sigchlds(init, dying), 1, "told once, by whoever made it init's zombie");
    for task in [parent, dying] {
        let found = family.wait(MAIN, init, WaitFor::Task(task), WaitOptions::WNOHANG);
        assert_is(child(&found).expect("a zombie"), task);
        assert_eq!(family.reaped(task), 1);
    }
    assert_eq!(family.poll(MAIN, init), Err(Errno::ECHILD));
    end(family);
}

/// T02: a child dies while its parent's death hands it over: the heir is told once, not before it can find
/// the zombie, and reaps it once.
#[test]
fn dying_together() {
    holds_always("child_and_parent_die_together", 2, child_and_parent_die_together);
}

#[test]
fn canaries() {
    needs(Fault::BroodsOfDyingSearched, "siblings_never_lose_a_child", 3, siblings_never_lose_a_child);
    needs(Fault::HandedToSibling, "siblings_never_lose_a_child", 3, siblings_never_lose_a_child);
    let name = "grandparent_sees_the_child_once_the_parent_is_reaped";
    for fault in [Fault::BequeathedBeforeZombie, Fault::AnnouncedBeforeCommit, Fault::SearchersHelp] {
        needs(fault, name, 2, grandparent_sees_the_child_once_the_parent_is_reaped);
    }
    needs(Fault::AdoptionToldOnce, "childless_heir_never_hears_echild", 2, childless_heir_never_hears_echild);
    needs_in(
        &[Mode::Plain, Mode::AllRmw, Mode::CasRmw],
        Fault::ReadyBeforeAdoption,
        "child_and_parent_die_together",
        2,
        child_and_parent_die_together,
    );
}

#[test]
#[ignore = "prints what fails when an edge is relaxed"]
fn survey() {
    loom_tests::fault::survey(
        &[
            Edge::ExitRead,
            Edge::ExitChanged,
            Edge::GroupRead,
            Edge::GroupChanged,
            Edge::StageRead,
            Edge::StageAdvanced,
            Edge::ValueExchanged,
            Edge::BroodSealed,
            Edge::SealRead,
        ],
        &[
            ("siblings_never_lose_a_child", 3, siblings_never_lose_a_child),
            (
                "grandparent_sees_the_child_once_the_parent_is_reaped",
                2,
                grandparent_sees_the_child_once_the_parent_is_reaped,
            ),
            ("childless_heir_never_hears_echild", 2, childless_heir_never_hears_echild),
            ("child_and_parent_die_together", 2, child_and_parent_die_together),
        ],
    );
}
