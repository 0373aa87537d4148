//! Stops and SIGCONT as the parent and the stopping thread see them.
#![cfg(loom)]

use loom_tests::family::{Family, MAIN, end, spawn};
use loom_tests::fault::{holds_always, needs};
use ptexit_core::host::Event;
use ptexit_core::ids::TaskId;
use ptexit_core::protocol::{signal, stop};
use ptexit_core::record::fault::Fault;
use ptexit_core::tree::{CloneKind, SignalArgs, SignalTarget, Verdict};
use ptexit_core::uapi::{ChildCode, SI_USER, Signal};

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
    needs(Fault::StoppedInTransition, "parent_hears_once_of_a_stop", [2; 3], parent_hears_once_of_a_stop);
}
