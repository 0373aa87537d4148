//! A child asks for the parent-death signal while its parent dies: it is told once, or sees that it has a new
//! parent.
#![cfg(loom)]

use loom_tests::Mode;
use loom_tests::family::{Family, MAIN, end, pid_of, spawn};
use loom_tests::fault::{holds_always, needs, needs_in};
use ptexit_core::host::Event;
use ptexit_core::ids::TaskId;
use ptexit_core::protocol::inspect;
use ptexit_core::record::fault::Fault;
use ptexit_core::tree::{Attr, CloneKind};
use ptexit_core::uapi::Signal;

const WANTED: Option<Signal> = Some(Signal::SIGUSR1);

fn ask(family: &Family, seat: usize, child: TaskId) {
    family.call(seat, |call| inspect::set_attr(call, child, Attr::Pdeathsig(WANTED))).expect("alive");
}

/// How often `child` was told of its parent's death.
fn told(family: &Family, child: TaskId) -> usize {
    family.count(
        |event| matches!(event, Event::Signal { target, info, .. } if *target == child && Some(info.signal) == WANTED),
    )
}

fn who_asks_in_time_is_told_once() {
    let (family, init) = Family::new(1);
    let parent = family.fork(MAIN, init);
    let child = family.fork(MAIN, parent);
    family.exit_begin(MAIN, parent);
    // What programs do: prctl(2), and then getppid(2) to see whether it was in time.
    let thread = spawn(&family, 1, move |family, seat| {
        ask(family, seat, child);
        family.call(seat, |call| inspect::task_info(call, child)).expect("alive").ppid
    });
    family.exit_finish(MAIN, parent);
    let ppid = thread.join().unwrap();
    let told = told(&family, child);
    assert!(told <= 1, "told {told} times of one death");
    if ppid == pid_of(parent) {
        assert_eq!(told, 1, "asked while it had its old parent, and was never told");
    } else {
        assert_eq!(ppid, pid_of(init));
    }
    end(family);
}

fn two_threads_die_and_the_last_tells() {
    let (family, init) = Family::new(1);
    let leader = family.fork(MAIN, init);
    let thread = family.make(MAIN, leader, CloneKind::Thread);
    let children = [family.fork(MAIN, leader), family.fork(MAIN, thread)];
    children.iter().for_each(|&child| ask(&family, MAIN, child));
    family.exit_begin(MAIN, leader);
    family.exit_begin(MAIN, thread);
    let other = spawn(&family, 1, move |family, seat| family.exit_finish(seat, thread));
    family.exit_finish(MAIN, leader);
    other.join().unwrap();
    // Neither could take the other's children: they go to init, in one step.
    assert_eq!(children.map(|child| told(&family, child)), [1, 1], "told of one death");
    end(family);
}

#[test]
fn asking_beside_the_death() {
    holds_always("who_asks_in_time_is_told_once", [2; 3], who_asks_in_time_is_told_once);
}

#[test]
fn two_deaths_in_one_process() {
    holds_always("two_threads_die_and_the_last_tells", [2; 3], two_threads_die_and_the_last_tells);
}

#[test]
fn canaries() {
    let name = "who_asks_in_time_is_told_once";
    needs(Fault::ToldAfterHandOver, name, [2; 3], who_asks_in_time_is_told_once);
    // Where every load reads the last value, no fence is missed.
    for fence in [Fault::FenceAfterAsking, Fault::FenceBeforeTelling] {
        needs_in(&[Mode::Plain, Mode::CasRmw], fence, name, [2; 3], who_asks_in_time_is_told_once);
    }
    for step in [Fault::ToldByTheLast, Fault::LeftBeforeFinished] {
        let name = "two_threads_die_and_the_last_tells";
        needs(step, name, [2; 3], two_threads_die_and_the_last_tells);
    }
}
