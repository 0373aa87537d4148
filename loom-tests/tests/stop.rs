//! Stops and SIGCONT as the parent and the stopping thread see them.
#![cfg(loom)]

use loom_tests::Mode;
use loom_tests::family::{COOKIE, Family, MAIN, end, spawn};
use loom_tests::fault::{holds_always, needs, needs_in};
use ptexit_core::host::Event;
use ptexit_core::ids::TaskId;
use ptexit_core::protocol::{signal, stop, wait};
use ptexit_core::record::fault::Fault;
use ptexit_core::tree::{CloneKind, SignalArgs, SignalTarget, Verdict, WaitFor, WaitRequest, Waited};
use ptexit_core::uapi::{Change, ChildCode, Errno, SI_USER, Signal, WaitOptions};

const STOP: Signal = Signal::SIGSTOP;

fn send(family: &Family, seat: usize, task: TaskId, signal: Signal) {
    let args = SignalArgs { target: SignalTarget::Process(task), signal: Some(signal), code: SI_USER };
    family.call(seat, |call| signal::signal(call, None, args)).expect("alive");
}

/// How often the parent was told this.
fn told(family: &Family, code: ChildCode) -> usize {
    family.count(|event| matches!(event, Event::Signal { info, .. } if info.code == code as i32))
}

fn who_is_about_to_sleep_is_woken() {
    let (family, init) = Family::new(1);
    let task = family.fork(MAIN, init);
    let other = spawn(&family, 1, move |family, seat| send(family, seat, task, Signal::SIGCONT));
    let begun = family.call(MAIN, |call| stop::begin(call, task, STOP, 0)).expect("alive");
    other.join().unwrap();
    let woken = family.count(|event| matches!(event, Event::Interrupt { task: who, .. } if *who == task));
    match begun {
        Verdict::Stop(STOP) => assert_eq!(woken, 1, "SIGCONT has come, and the thread sleeps"),
        verdict => assert_eq!((verdict, woken), (Verdict::Run, 0)),
    }
    assert_eq!(family.call(MAIN, |call| stop::poll(call, task)), Ok(Verdict::Run));
    let stopped = usize::from(begun != Verdict::Run);
    assert_eq!((told(&family, ChildCode::Stopped), told(&family, ChildCode::Continued)), (stopped, stopped));
    end(family);
}

fn parent_hears_once_of_a_stop() {
    let (family, init) = Family::new(1);
    let leader = family.fork(MAIN, init);
    let [one, two] = [0; 2].map(|_| family.make(MAIN, leader, CloneKind::Thread));
    family.call(MAIN, |call| stop::begin(call, leader, STOP, 0)).expect("alive");
    let other = spawn(&family, 1, move |family, seat| family.exit_begin(seat, one));
    let stopped = family.call(MAIN, |call| stop::stop(call, two));
    assert_eq!(stopped, Ok(Verdict::Stop(STOP)));
    other.join().unwrap();
    assert_eq!(told(&family, ChildCode::Stopped), 1);
    end(family);
}

fn look(family: &Family, waiter: TaskId, which: WaitFor, options: WaitOptions) -> Result<Waited, Errno> {
    family.call(MAIN, |call| wait::wait(call, waiter, &WaitRequest { which, options, cookie: COOKIE }))
}

fn no_stop_is_lost_on_a_waiter() {
    let (family, init) = Family::new(1);
    let task = family.fork(MAIN, init);
    let last = family.make(MAIN, task, CloneKind::Thread);
    family.call(MAIN, |call| stop::begin(call, task, STOP, 0)).expect("alive");
    let other = spawn(&family, 1, move |family, seat| {
        family.call(seat, |call| stop::stop(call, last)).expect("alive");
    });
    let waited = look(&family, init, WaitFor::All, WaitOptions::WSTOPPED);
    other.join().unwrap();
    match waited {
        Ok(Waited::Child(result)) => assert_eq!((result.task, result.change), (task, Change::Stopped(STOP))),
        Ok(Waited::Armed) => {
            let woken = family.count(|event| matches!(event, Event::Wake { wait: COOKIE, .. }));
            assert_eq!(woken, 1, "the child has stopped, and the waiter sleeps");
        }
        other => panic!("{other:?}"),
    }
    end(family);
}

fn a_stop_seen_by_number_is_seen_by_all() {
    let (family, init) = Family::new(1);
    let task = family.fork(MAIN, init);
    let other = spawn(&family, 1, move |family, seat| {
        family.call(seat, |call| stop::begin(call, task, STOP, 0)).expect("alive");
    });
    let options = WaitOptions::WSTOPPED | WaitOptions::WNOHANG | WaitOptions::WNOWAIT;
    let named = look(&family, init, WaitFor::Task(task), options).expect("a child");
    let any = look(&family, init, WaitFor::All, options).expect("a child");
    assert!(named == Waited::Nothing || any == named, "{named:?}, then {any:?}");
    other.join().unwrap();
    end(family);
}

fn a_stop_is_reported_to_one_of_two() {
    let (family, init) = Family::new(1);
    let task = family.fork(MAIN, init);
    let sibling = family.make(MAIN, init, CloneKind::Thread);
    family.call(MAIN, |call| stop::begin(call, task, STOP, 0)).expect("alive");
    let options = WaitOptions::WSTOPPED | WaitOptions::WNOHANG;
    let request = WaitRequest { which: WaitFor::All, options, cookie: COOKIE };
    let other = spawn(&family, 1, move |family, seat| family.call(seat, |call| wait::wait(call, sibling, &request)));
    let mine = look(&family, init, WaitFor::All, options).expect("a child");
    let theirs = other.join().unwrap().expect("a child");
    assert!((mine == Waited::Nothing) != (theirs == Waited::Nothing), "{mine:?}, {theirs:?}");
    end(family);
}

/// A child that stops wakes a wait for stops that has armed, or is found by it.
#[test]
fn stop_and_wait() {
    holds_always("no_stop_is_lost_on_a_waiter", [2, 2, 2], no_stop_is_lost_on_a_waiter);
}

/// What one kind of wait has seen, the other finds.
#[test]
fn stop_and_waits_of_two_kinds() {
    holds_always("a_stop_seen_by_number_is_seen_by_all", [2, 2, 2], a_stop_seen_by_number_is_seen_by_all);
}

/// Of two waits, one is granted the report.
#[test]
fn one_report_two_waits() {
    holds_always("a_stop_is_reported_to_one_of_two", [2, 2, 2], a_stop_is_reported_to_one_of_two);
}

/// A thread that stops while SIGCONT is sent does not stop, or is woken; the parent hears of both or of neither.
#[test]
fn stop_and_sigcont() {
    holds_always("who_is_about_to_sleep_is_woken", [2; 3], who_is_about_to_sleep_is_woken);
}

/// The parent is told of a stop by the thread that completes it, and by no other.
#[test]
fn stop_and_exit() {
    holds_always("parent_hears_once_of_a_stop", [2; 3], parent_hears_once_of_a_stop);
}

#[test]
fn canaries() {
    needs(Fault::StaleTicketRefused, "who_is_about_to_sleep_is_woken", [2; 3], who_is_about_to_sleep_is_woken);
    let name = "a_stop_seen_by_number_is_seen_by_all";
    // In the other modes loom does not part the exchange from the count that would follow it.
    needs_in(&[Mode::AllRmw], Fault::ReportCountedBefore, name, [2; 3], a_stop_seen_by_number_is_seen_by_all);
    for fence in [Fault::FenceAfterArming, Fault::FenceBeforeWaking] {
        needs_in(&[Mode::Plain], fence, "no_stop_is_lost_on_a_waiter", [2; 3], no_stop_is_lost_on_a_waiter);
    }
    needs(Fault::StoppedInTransition, "parent_hears_once_of_a_stop", [2; 3], parent_hears_once_of_a_stop);
}
