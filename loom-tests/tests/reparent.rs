//! Children change parents and are in somebody's hands throughout.
#![cfg(loom)]

use loom_tests::Mode;
use loom_tests::family::{Family, MAIN, assert_is, child, end, spawn};
use loom_tests::fault::{holds_always, needs, needs_edges, needs_in};
use ptexit_core::host::Event;
use ptexit_core::record::fault::{Edge, Fault};
use ptexit_core::tree::{CloneKind, WaitFor, Waited};
use ptexit_core::uapi::{Errno, WaitOptions};

fn siblings_never_lose_a_child() {
    let (family, leader) = Family::new(1);
    let dying = family.make(MAIN, leader, CloneKind::Thread);
    let living = family.fork(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.poll(seat, leader));
    family.exit(MAIN, dying);
    let seen = thread.join().unwrap();
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
    holds_always("siblings_never_lose_a_child", [3; 3], siblings_never_lose_a_child);
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
    holds_always("siblings_never_lose_a_zombie", [1; 3], siblings_never_lose_a_zombie);
}

fn grandparent_sees_the_child_once_the_parent_is_reaped() {
    let (family, init) = Family::new(1);
    let parent = family.fork(MAIN, init);
    let living = family.fork(MAIN, parent);
    family.exit_begin(MAIN, parent);
    let thread = spawn(&family, 1, move |family, seat| {
        let first = family.poll(seat, init);
        if let Some(result) = child(&first) {
            assert_is(result, parent);
            assert_eq!(family.poll(seat, init), Ok(Waited::Nothing), "reaped the parent and did not inherit");
        } else {
            assert_eq!(first, Ok(Waited::Nothing));
        }
        first
    });
    family.exit_finish(MAIN, parent);
    let first = thread.join().unwrap();
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
    holds_always(name, [1, 2, 1], grandparent_sees_the_child_once_the_parent_is_reaped);
}

fn reparented_zombie_is_told_once() {
    let (family, init) = Family::new(1);
    let parent = family.fork(MAIN, init);
    let zombie = family.fork(MAIN, parent);
    family.exit(MAIN, zombie);
    family.exit_begin(MAIN, parent);
    let peek = WaitOptions::WNOHANG | WaitOptions::WNOWAIT;
    let thread = spawn(&family, 1, move |family, seat| {
        // Looking at the child settles whose it is: either of the two threads hands it over, and tells.
        let by_name = family.wait(seat, init, WaitFor::Task(zombie), peek);
        if let Some(result) = child(&by_name) {
            assert_is(result, zombie);
            let any = family.wait(seat, init, WaitFor::All, peek);
            assert!(child(&any).is_some(), "found by name, and in no list: {any:?}");
        } else {
            assert_eq!(by_name, Err(Errno::ECHILD), "a zombie that is not ready");
        }
    });
    family.exit_finish(MAIN, parent);
    thread.join().unwrap();
    assert_eq!(family.sigchlds(init, zombie), 1, "told once: {:?}", family.told());
    let reparented = |event: &Event| matches!(event, Event::Reparented { task, .. } if *task == zombie);
    assert_eq!(family.count(reparented), 1);
    end(family);
}

/// T02: a reparented zombie is handed over by the dying parent or by a waiter that comes across it; the reaper
/// is told of it exactly once, and what it finds by name it finds in its list.
#[test]
fn reparented_zombie() {
    holds_always("reparented_zombie_is_told_once", [1, 2, 1], reparented_zombie_is_told_once);
}

fn who_sees_the_new_parent_finds_the_zombie() {
    let (family, init) = Family::new(1);
    let parent = family.fork(MAIN, init);
    let zombie = family.fork(MAIN, parent);
    family.exit(MAIN, zombie);
    family.exit_begin(MAIN, parent);
    let reaper = family.group_of(init);
    let thread = spawn(&family, 1, move |family, seat| {
        let parent = family.call(seat, |call| call.find(zombie).unwrap().group.exit.look().parent());
        if parent == reaper {
            let any = family.wait(seat, init, WaitFor::All, WaitOptions::WNOHANG | WaitOptions::WNOWAIT);
            assert!(child(&any).is_some(), "init's child, and in no list: {any:?}");
        }
    });
    family.exit_finish(MAIN, parent);
    thread.join().unwrap();
    end(family);
}

/// T02: the word names the new parent when that one can find the zombie.
#[test]
fn new_parent_seen() {
    holds_always("who_sees_the_new_parent_finds_the_zombie", [2; 3], who_sees_the_new_parent_finds_the_zombie);
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

/// T02: a child dies while its parent's death hands it over: the reaper is told once, not before it can find
/// the zombie, and reaps it once.
#[test]
fn dying_together() {
    holds_always("child_and_parent_die_together", [2; 3], child_and_parent_die_together);
}

fn a_sealed_brood_keeps_its_last_child() {
    let (family, init) = Family::new(1);
    let sibling = family.make(MAIN, init, CloneKind::Thread);
    let zombie = family.fork(MAIN, init);
    family.exit(MAIN, zombie);
    let thread = spawn(&family, 1, move |family, seat| {
        // Who takes a child away asks whether it was the last one.
        let reaped = family.poll(seat, sibling);
        assert_is(child(&reaped).expect("the zombie"), zombie);
    });
    let living = family.fork(MAIN, init);
    // As a birth does that comes after an inheritance: it opens another brood.
    family.call(MAIN, |call| call.seal(call.find(init).expect("alive").task.brood.get()));
    thread.join().unwrap();
    assert_eq!(family.poll(MAIN, init), Ok(Waited::Nothing), "a child went with its brood");
    family.exit(MAIN, living);
    assert_is(child(&family.poll(MAIN, init)).expect("the last child"), living);
    end(family);
}

/// A brood is given back when its last child is gone and no other will be born into it.
#[test]
fn spent_brood() {
    holds_always("a_sealed_brood_keeps_its_last_child", [2; 3], a_sealed_brood_keeps_its_last_child);
}

fn a_blocked_reaper_is_woken() {
    let (family, init) = Family::new(1);
    let parent = family.fork(MAIN, init);
    let zombie = family.fork(MAIN, parent);
    family.exit(MAIN, zombie);
    family.exit_begin(MAIN, parent);
    let blocking = WaitOptions::empty();
    let thread = spawn(&family, 1, move |family, seat| family.wait(seat, init, WaitFor::All, blocking));
    // Not the whole exit: the parent's own death would wake init as well.
    family.bequeath(MAIN, parent);
    let mut waited = thread.join().unwrap();
    if waited == Ok(Waited::Armed) {
        assert_eq!(family.wakes(init), 1, "asleep for ever");
        waited = family.wait(MAIN, init, WaitFor::All, blocking);
    }
    assert_is(child(&waited).expect("the zombie it inherited"), zombie);
    assert_eq!(family.sigchlds(init, zombie), 1);
    assert_eq!(family.wait(MAIN, init, WaitFor::All, blocking), Ok(Waited::Armed), "there is another child");
    end(family);
}

/// A zombie is inherited by a process that is about to sleep, or sleeps, waiting for its children: the wait
/// finds it, or is woken.
#[test]
fn reaper_that_waits() {
    holds_always("a_blocked_reaper_is_woken", [1, 2, 0], a_blocked_reaper_is_woken);
}

#[test]
fn canaries() {
    needs(Fault::LookAfterArming, "a_blocked_reaper_is_woken", [1, 2, 0], a_blocked_reaper_is_woken);
    // Needs a preemption, with which the third mode takes minutes.
    let name = "a_blocked_reaper_is_woken";
    needs_in(&[Mode::Plain, Mode::AllRmw], Fault::InheritedZombieWakes, name, [1, 2, 0], a_blocked_reaper_is_woken);
    // Where every load reads the last value, no fence is missed. The notifier's own is not missed here: another one
    // follows at once, that of the parent-death signal.
    let no_stale_fence = &[Mode::Plain, Mode::CasRmw];
    needs_in(
        no_stale_fence,
        Fault::FenceAfterArming,
        "a_blocked_reaper_is_woken",
        [1, 2, 0],
        a_blocked_reaper_is_woken,
    );
    needs(Fault::BroodsOfDyingSearched, "siblings_never_lose_a_child", [3; 3], siblings_never_lose_a_child);
    let name = "grandparent_sees_the_child_once_the_parent_is_reaped";
    let model = grandparent_sees_the_child_once_the_parent_is_reaped;
    needs(Fault::BequeathedBeforeZombie, name, [1, 2, 1], model);
    for fault in [Fault::AnnouncedBeforeCommit, Fault::ReparentToldOnce] {
        needs(fault, "reparented_zombie_is_told_once", [1, 2, 1], reparented_zombie_is_told_once);
    }
    needs(Fault::SearchersHelp, "reparented_zombie_is_told_once", [1, 2, 1], reparented_zombie_is_told_once);
    needs(Fault::ArrivedInChain, "reparented_zombie_is_told_once", [1, 2, 1], reparented_zombie_is_told_once);
    needs(Fault::ReadyBeforeReparent, "child_and_parent_die_together", [2; 3], child_and_parent_die_together);
}

/// Each end of an edge, relaxed, makes the model named with it fail.
#[test]
fn weak_edges_fail() {
    let name = "who_sees_the_new_parent_finds_the_zombie";
    for edge in [Edge::ExitRead, Edge::ExitChanged] {
        needs_edges(&[edge], name, 2, who_sees_the_new_parent_finds_the_zombie);
    }
    // The sealing end has the fence of the birth before it, which carries as much.
    needs_edges(&[Edge::SealRead], "a_sealed_brood_keeps_its_last_child", 2, a_sealed_brood_keeps_its_last_child);
    let name = "child_and_parent_die_together";
    needs_edges(&[Edge::ExitChanged], name, 2, child_and_parent_die_together);
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
                1,
                grandparent_sees_the_child_once_the_parent_is_reaped,
            ),
            ("reparented_zombie_is_told_once", 1, reparented_zombie_is_told_once),
            ("child_and_parent_die_together", 2, child_and_parent_die_together),
        ],
    );
}
