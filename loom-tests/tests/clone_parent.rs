//! A sibling is born while the parent dies: it gets a living parent, and somebody has it in hand throughout.
#![cfg(loom)]

use loom_tests::family::{Family, MAIN, assert_is, child, end, spawn};
use loom_tests::fault::{holds_always, needs};
use ptexit_core::record::fault::{Edge, Fault};
use ptexit_core::tree::{CloneKind, WaitFor, Waited};
use ptexit_core::uapi::{Errno, WaitOptions};

fn newborn_sibling_has_a_living_parent() {
    let (family, init) = Family::new(1);
    let parent = family.fork(MAIN, init);
    let caller = family.fork(MAIN, parent);
    let newborn = family.clone_begin(MAIN, caller, CloneKind::Sibling);
    family.exit_begin(MAIN, parent);
    let thread = spawn(&family, 1, move |family, seat| family.exit_finish(seat, parent));
    family.clone_commit(MAIN, newborn).expect("the caller is alive");
    thread.join().unwrap();
    let name = |task| family.wait(MAIN, init, WaitFor::Task(task), WaitOptions::WNOHANG);
    assert_is(child(&name(parent)).expect("the dead parent"), parent);
    for task in [caller, newborn] {
        assert_eq!(family.parent_of(task), family.group_of(init));
        assert_eq!(name(task), Ok(Waited::Nothing));
    }
    // Not only by name: the newborn hangs in the reaper's chain.
    family.exit(MAIN, newborn);
    assert_is(child(&family.poll(MAIN, init)).expect("the newborn"), newborn);
    assert_eq!(family.sigchlds(init, newborn), 1);
    family.exit(MAIN, caller);
    assert_is(child(&family.poll(MAIN, init)).expect("the caller"), caller);
    assert_eq!(family.poll(MAIN, init), Err(Errno::ECHILD));
    end(family);
}

/// T28: a child that is born by CLONE_PARENT while the parent dies is handed over with the parent's other
/// children, or born to the reaper at once; never to a parent that has handed over already.
#[test]
fn clone_parent_and_exit() {
    holds_always("newborn_sibling_has_a_living_parent", [2; 3], newborn_sibling_has_a_living_parent);
}

#[test]
fn canaries() {
    needs(Fault::ReaperAfterClosed, "newborn_sibling_has_a_living_parent", [2; 3], newborn_sibling_has_a_living_parent);
}

#[test]
#[ignore = "prints what fails when an edge is relaxed"]
fn survey() {
    loom_tests::fault::survey(
        &[Edge::ExitRead, Edge::ExitChanged, Edge::StageRead, Edge::StageAdvanced, Edge::StageBegun],
        &[("newborn_sibling_has_a_living_parent", 2, newborn_sibling_has_a_living_parent)],
    );
}
