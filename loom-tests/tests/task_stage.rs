//! The stages of a task: each step is made once, and none is undone.
#![cfg(loom)]

use loom_tests::family::{Family, MAIN, child, end, spawn};
use loom_tests::fault::{holds_always, needs};
use ptexit_core::host::Event;
use ptexit_core::protocol::fork;
use ptexit_core::record::fault::Fault;
use ptexit_core::record::task::Stage;
use ptexit_core::tree::CloneKind;
use ptexit_core::uapi::{Errno, WaitStatus};

/// Two host threads finish one exit: the host's mistake, and one of them is told so.
fn one_of_two_finishes() {
    let (family, init) = Family::new(1);
    let dying = family.fork(MAIN, init);
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.try_exit_finish(seat, dying));
    let mine = family.try_exit_finish(MAIN, dying);
    let theirs = thread.join().unwrap();
    assert!(mine.is_ok() != theirs.is_ok(), "finished by one: {mine:?}, {theirs:?}");
    for refused in [mine, theirs].into_iter().filter_map(Result::err) {
        assert_eq!(refused, Errno::E_STATE);
    }
    assert_eq!(family.count(|event| matches!(event, Event::Exited { .. })), 1);
    assert_eq!(family.sigchlds(init, dying), 1);
    assert_eq!(family.stage_of(dying), Stage::Zombie);
    end(family);
}

/// A death that is reported from outside, beside the task's own exit.
fn one_death_beside_a_report() {
    let (family, init) = Family::new(1);
    let dying = family.fork(MAIN, init);
    let thread = spawn(&family, 1, move |family, seat| family.report_exit(seat, dying, WaitStatus::exited(9)));
    let begun = family.call(MAIN, |call| ptexit_core::protocol::exit::begin(call, dying, WaitStatus::exited(8)));
    let finished = family.try_exit_finish(MAIN, dying);
    let reported = thread.join().unwrap();
    let exited = family.count(|event| matches!(event, Event::Exited { .. }));
    let whole = finished.is_ok() || reported.is_ok();
    assert_eq!(exited, usize::from(whole), "{begun:?} {finished:?} {reported:?}");
    assert_eq!(family.stage_of(dying) == Stage::Zombie, whole);
    // Where both were refused a part, the report can be made again.
    if !whole {
        assert_eq!(family.report_exit(MAIN, dying, WaitStatus::exited(9)), Ok(()), "{begun:?} {finished:?}");
    }
    assert_eq!(family.sigchlds(init, dying), 1);
    end(family);
}

/// An embryo is committed by one host thread and aborted by another.
fn an_embryo_is_born_or_not() {
    let (family, init) = Family::new(1);
    let embryo = family.clone_begin(MAIN, init, CloneKind::Process);
    let thread = spawn(&family, 1, move |family, seat| family.call(seat, |call| fork::abort(call, embryo)));
    let born = family.clone_commit(MAIN, embryo);
    let aborted = thread.join().unwrap();
    assert!(born.is_ok() != aborted.is_ok(), "{born:?} {aborted:?}");
    let stage = family.stage_of(embryo);
    assert_eq!(stage, if born.is_ok() { Stage::Running } else { Stage::Dead });
    if born.is_ok() {
        family.exit(MAIN, embryo);
        assert_eq!(child(&family.poll(MAIN, init)).expect("the child").task, embryo);
    }
    assert_eq!(family.poll(MAIN, init), Err(Errno::ECHILD));
    end(family);
}

/// A leader becomes a zombie and is reaped at once: it stays dead.
fn who_is_reaped_stays_dead() {
    let (family, init) = Family::new(1);
    let dying = family.fork(MAIN, init);
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| child(&family.poll(seat, init)).is_some());
    family.exit_finish(MAIN, dying);
    let reaped = thread.join().unwrap();
    assert_eq!(family.stage_of(dying), if reaped { Stage::Dead } else { Stage::Zombie }, "a step was undone");
    end(family);
}

#[test]
fn leaving() {
    holds_always("one_of_two_finishes", [3; 3], one_of_two_finishes);
    holds_always("one_death_beside_a_report", [2; 3], one_death_beside_a_report);
    holds_always("who_is_reaped_stays_dead", [2; 3], who_is_reaped_stays_dead);
}

#[test]
fn coming() {
    holds_always("an_embryo_is_born_or_not", [2; 3], an_embryo_is_born_or_not);
}

#[test]
fn canaries() {
    needs(Fault::OneTurn, "one_of_two_finishes", [3; 3], one_of_two_finishes);
    needs(Fault::StageBeforeZombie, "who_is_reaped_stays_dead", [2; 3], who_is_reaped_stays_dead);
}
