//! Init dies while a child is born: the newborn goes with the others, or is refused.
#![cfg(loom)]

use loom_tests::Mode;
use loom_tests::family::{Family, MAIN, end, spawn};
use loom_tests::fault::{holds_always, needs, needs_in};
use ptexit_core::host::Event;
use ptexit_core::record::fault::Fault;
use ptexit_core::tree::CloneKind;
use ptexit_core::uapi::Errno;

/// A process forked from the seat `home` has a child while init dies.
fn birth_beside_the_death_of_init(home: usize) {
    let (family, init) = Family::new(1);
    let parent = family.fork(home, init);
    let newborn = family.clone_begin(MAIN, parent, CloneKind::Process);
    family.exit_begin(MAIN, init);
    let thread = spawn(&family, 1, move |family, seat| family.clone_commit(seat, newborn));
    family.exit_finish(MAIN, init);
    let committed = thread.join().unwrap();
    let killed = family.count(|event| matches!(event, Event::Interrupt { task, .. } if *task == newborn));
    match committed {
        Ok(()) => assert_eq!(killed, 1, "a process outlives its init"),
        Err(why) => assert!(why == Errno::ENOMEM || why == Errno::EINTR, "{why:?}"),
    }
    end(family);
}

fn newborn_goes_with_init() {
    birth_beside_the_death_of_init(MAIN);
}

/// The sweep goes by record: here it comes by the newborn before its parent, which it would kill first
/// otherwise.
fn newborn_is_swept_before_its_parent() {
    birth_beside_the_death_of_init(1);
}

/// A child that is committed while init dies is refused, or is killed like every other process: one of the two
/// sees the other.
#[test]
fn fork_and_death_of_init() {
    holds_always("newborn_goes_with_init", [2, 1, 1], newborn_goes_with_init);
    holds_always("newborn_is_swept_before_its_parent", [2, 1, 1], newborn_is_swept_before_its_parent);
}

#[test]
fn canaries() {
    needs(Fault::LookAfterBirth, "newborn_goes_with_init", [2; 3], newborn_goes_with_init);
    // Where every load reads the last value, no fence is missed.
    needs_in(&[Mode::Plain], Fault::FenceAfterBirth, "newborn_goes_with_init", [2, 1, 1], newborn_goes_with_init);
    // Only here: the parent's death is a group exit, with a fence of its own, and comes first otherwise.
    let name = "newborn_is_swept_before_its_parent";
    needs_in(&[Mode::Plain], Fault::FenceBeforeSweep, name, [2, 1, 1], newborn_is_swept_before_its_parent);
}
