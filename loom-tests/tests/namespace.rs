//! Init dies while a child is born: the newborn goes with the others, or is refused.
#![cfg(loom)]

use loom_tests::Mode;
use loom_tests::family::{Family, MAIN, end, spawn};
use loom_tests::fault::{holds_always, needs_in};
use ptexit_core::host::Event;
use ptexit_core::record::fault::Fault;
use ptexit_core::tree::CloneKind;
use ptexit_core::uapi::Errno;

fn newborn_goes_with_init() {
    let (family, init) = Family::new(1);
    let parent = family.fork(MAIN, init);
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

/// T25: a child that is committed while init dies is refused, or is killed like every other process: one
/// of the two sees the other.
#[test]
fn fork_and_death_of_init() {
    holds_always("newborn_goes_with_init", [2, 1, 1], newborn_goes_with_init);
}

#[test]
fn canaries() {
    // Leaving out the sweep's own fence fails nothing here: the sweep kills the newborn's parent first, and
    // that is a group exit, with a fence of its own.
    needs_in(&[Mode::Plain], Fault::FenceAfterBirth, "newborn_goes_with_init", [2, 1, 1], newborn_goes_with_init);
}
