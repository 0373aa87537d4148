//! Waiting: one waiter reaps, no wake is lost, and who will never be woken by a zombie is told so.
#![cfg(loom)]

use loom_tests::Mode;
use loom_tests::family::{Family, MAIN, assert_is, child, end, spawn};
use loom_tests::fault::{holds_always, needs, needs_in};
use ptexit_core::ids::TaskId;
use ptexit_core::protocol::inspect;
use ptexit_core::record::fault::{Edge, Fault};
use ptexit_core::tree::{Attr, CloneKind, SigchldPolicy, WaitFor, Waited};
use ptexit_core::uapi::{Errno, WaitOptions};

const BLOCKING: WaitOptions = WaitOptions::empty();

fn two_waiters_of_one_zombie(first: fn(TaskId) -> WaitFor, second: fn(TaskId) -> WaitFor) {
    let (family, init) = Family::new(1);
    let sibling = family.make(MAIN, init, CloneKind::Thread);
    let zombie = family.fork(MAIN, init);
    family.exit(MAIN, zombie);
    let thread =
        spawn(&family, 1, move |family, seat| family.wait(seat, sibling, second(zombie), WaitOptions::WNOHANG));
    let mine = family.wait(MAIN, init, first(zombie), WaitOptions::WNOHANG);
    let theirs = thread.join().unwrap();
    assert_eq!(family.reaped(zombie), 1);
    for (winner, loser) in [(&mine, &theirs), (&theirs, &mine)] {
        if let Some(result) = child(winner) {
            assert_is(result, zombie);
            assert_eq!(*loser, Err(Errno::ECHILD));
            return end(family);
        }
    }
    panic!("nobody reaped: {mine:?}, {theirs:?}");
}

fn two_waiters_one_reap() {
    two_waiters_of_one_zombie(|_| WaitFor::All, |_| WaitFor::All);
}

fn any_and_by_name_one_reap() {
    two_waiters_of_one_zombie(|_| WaitFor::All, WaitFor::Task);
}

/// T04: of two threads that wait for one zombie exactly one reaps it, and the other one has no child.
#[test]
fn two_waiters() {
    holds_always("two_waiters_one_reap", [2; 3], two_waiters_one_reap);
    holds_always("any_and_by_name_one_reap", [2; 3], any_and_by_name_one_reap);
}

fn no_wake_is_lost() {
    let (family, init) = Family::new(1);
    let dying = family.fork(MAIN, init);
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.wait(seat, init, WaitFor::All, BLOCKING));
    family.exit_finish(MAIN, dying);
    let mut waited = thread.join().unwrap();
    if waited == Ok(Waited::Armed) {
        assert_eq!(family.wakes(init), 1, "asleep for ever");
        waited = family.wait(MAIN, init, WaitFor::All, BLOCKING);
    }
    assert_is(child(&waited).expect("the dead child"), dying);
    assert_eq!(family.sigchlds(init, dying), 1);
    end(family);
}

fn no_wake_by_name_is_lost() {
    let (family, init) = Family::new(1);
    let dying = family.fork(MAIN, init);
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.wait(seat, init, WaitFor::Task(dying), BLOCKING));
    family.exit_finish(MAIN, dying);
    let mut waited = thread.join().unwrap();
    if waited == Ok(Waited::Armed) {
        assert_eq!(family.wakes(init), 1, "asleep for ever");
        waited = family.wait(MAIN, init, WaitFor::Task(dying), BLOCKING);
    }
    assert_is(child(&waited).expect("the dead child"), dying);
    end(family);
}

/// T06: a child exits while its parent is about to sleep: the wait finds it, or is woken.
#[test]
fn no_lost_wake() {
    holds_always("no_wake_is_lost", [2, 2, 1], no_wake_is_lost);
    holds_always("no_wake_by_name_is_lost", [2; 3], no_wake_by_name_is_lost);
}

fn signal_before_report(options: WaitOptions) {
    let (family, init) = Family::new(1);
    let dying = family.fork(MAIN, init);
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| {
        let waited = family.wait(seat, init, WaitFor::All, WaitOptions::WNOHANG | options);
        if let Some(result) = child(&waited) {
            assert_is(result, dying);
            assert_eq!(family.sigchlds(init, dying), 1, "reported, and not signalled yet");
        }
    });
    family.exit_finish(MAIN, dying);
    thread.join().unwrap();
    assert_eq!(family.sigchlds(init, dying), 1, "signalled once");
    end(family);
}

fn sigchld_comes_before_the_reaping_wait_returns() {
    signal_before_report(BLOCKING);
}

fn sigchld_comes_before_the_reporting_wait_returns() {
    signal_before_report(WaitOptions::WNOWAIT);
}

/// A wait reports a child only when its parent has the SIGCHLD about it, whoever tells it, and once.
#[test]
fn signal_first() {
    let name = "sigchld_comes_before_the_reaping_wait_returns";
    holds_always(name, [2, 2, 1], sigchld_comes_before_the_reaping_wait_returns);
    let name = "sigchld_comes_before_the_reporting_wait_returns";
    holds_always(name, [2, 2, 1], sigchld_comes_before_the_reporting_wait_returns);
}

fn autoreap_wakes_into_echild() {
    let (family, init) = Family::new(1);
    let ignore = SigchldPolicy { ignore: true, ..SigchldPolicy::default() };
    family.call(MAIN, |call| inspect::set_attr(call, init, Attr::Sigchld(ignore))).unwrap();
    let dying = family.fork(MAIN, init);
    family.exit_begin(MAIN, dying);
    let thread = spawn(&family, 1, move |family, seat| family.wait(seat, init, WaitFor::All, BLOCKING));
    family.exit_finish(MAIN, dying);
    let mut waited = thread.join().unwrap();
    if waited == Ok(Waited::Armed) {
        assert_eq!(family.wakes(init), 1, "asleep for ever");
        waited = family.wait(MAIN, init, WaitFor::All, BLOCKING);
    }
    assert_eq!(waited, Err(Errno::ECHILD));
    assert_eq!((family.reaped(dying), family.sigchlds(init, dying)), (1, 0));
    end(family);
}

/// T07: the last child reaps itself while its parent waits for it: the wait ends with ECHILD.
#[test]
fn autoreap() {
    holds_always("autoreap_wakes_into_echild", [2; 3], autoreap_wakes_into_echild);
}

fn reaped_by_another_wakes_by_group() {
    let (family, init) = Family::new(1);
    let sibling = family.make(MAIN, init, CloneKind::Thread);
    let dying = family.fork(MAIN, init);
    family.exit_begin(MAIN, dying);
    assert_eq!(family.wait(MAIN, init, WaitFor::Pgid(0), BLOCKING), Ok(Waited::Armed));
    let thread = spawn(&family, 1, move |family, seat| family.poll(seat, sibling));
    family.exit_finish(MAIN, dying);
    let mut waited = thread.join().unwrap();
    assert_eq!(family.wakes(init), 1, "asleep for ever");
    if waited == Ok(Waited::Nothing) {
        waited = family.wait(MAIN, init, WaitFor::Pgid(0), BLOCKING);
    }
    assert_is(child(&waited).expect("the dead child"), dying);
    assert_eq!(family.wait(MAIN, init, WaitFor::Pgid(0), BLOCKING), Err(Errno::ECHILD));
    end(family);
}

/// T06: a child that one thread waits for by process group is reaped by another thread, before its death
/// has woken the first: that one is woken all the same, and may find that there is nothing to wait for.
#[test]
fn by_group() {
    holds_always("reaped_by_another_wakes_by_group", [2, 2, 1], reaped_by_another_wakes_by_group);
}

fn a_dying_task_leaves_no_wait_armed() {
    let (family, init) = Family::new(1);
    let waiter = family.fork(MAIN, init);
    family.fork(MAIN, waiter);
    let thread = spawn(&family, 1, move |family, seat| family.wait(seat, waiter, WaitFor::All, BLOCKING));
    family.exit_begin(MAIN, waiter);
    let waited = thread.join().unwrap();
    assert!(matches!(waited, Ok(Waited::Armed) | Err(Errno::ESRCH)), "{waited:?}");
    assert!(!family.cancel(MAIN, waiter), "a wait is armed that nobody will end");
    end(family);
}

/// A task is made to exit by one host thread while another waits on its behalf: whoever comes second
/// takes the armed wait away.
#[test]
fn exit_of_the_waiter() {
    holds_always("a_dying_task_leaves_no_wait_armed", [2; 3], a_dying_task_leaves_no_wait_armed);
}

#[test]
fn canaries() {
    for fault in [Fault::DebtTakenOver, Fault::TellingAwaited] {
        let name = "sigchld_comes_before_the_reaping_wait_returns";
        needs(fault, name, [2; 3], sigchld_comes_before_the_reaping_wait_returns);
    }
    needs(Fault::ReapedOnce, "two_waiters_one_reap", [2; 3], two_waiters_one_reap);
    // Where every load reads the last value, no fence is missed.
    for fence in [Fault::FenceAfterArming, Fault::FenceBeforeWaking] {
        needs_in(&[Mode::Plain, Mode::CasRmw], fence, "no_wake_is_lost", [2; 3], no_wake_is_lost);
    }
    needs(Fault::LookAfterArming, "no_wake_is_lost", [2; 3], no_wake_is_lost);
    needs(Fault::StageAfterArming, "a_dying_task_leaves_no_wait_armed", [2; 3], a_dying_task_leaves_no_wait_armed);
    let no_stale_fence = &[Mode::Plain, Mode::CasRmw];
    needs_in(
        no_stale_fence,
        Fault::FenceBeforeDisarming,
        "a_dying_task_leaves_no_wait_armed",
        [2; 3],
        a_dying_task_leaves_no_wait_armed,
    );
    needs(Fault::LeftGroupWakes, "reaped_by_another_wakes_by_group", [2; 3], reaped_by_another_wakes_by_group);
    needs(Fault::AutoreapWakes, "autoreap_wakes_into_echild", [2; 3], autoreap_wakes_into_echild);
}

#[test]
#[ignore = "prints what fails when an edge is relaxed"]
fn survey() {
    loom_tests::fault::survey(
        &[Edge::ExitRead, Edge::ExitChanged, Edge::WaitArmed, Edge::WaitRead, Edge::WaitFired, Edge::WaitDisarmed],
        &[
            ("two_waiters_one_reap", 2, two_waiters_one_reap),
            ("any_and_by_name_one_reap", 2, any_and_by_name_one_reap),
            ("no_wake_is_lost", 2, no_wake_is_lost),
            ("no_wake_by_name_is_lost", 2, no_wake_by_name_is_lost),
            ("autoreap_wakes_into_echild", 2, autoreap_wakes_into_echild),
        ],
    );
}
