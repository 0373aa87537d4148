//! Signals between their sending and their taking, where no thread has got to run yet.

mod common;

use common::{World, exited};
use ptexit_core::uapi::{Errno, Signal, SignalSet};
use ptexit_model::{Action, Disposition, Halted, Receiver, Taken, TaskKey};

const HANDLE: Action =
    Action { disposition: Disposition::Handler, no_cld_wait: false, no_cld_stop: false, restart: false };

fn send(world: &mut World, to: TaskKey, signal: Signal) {
    let pid = world.view(to).tgid;
    world.model.signal(world.init, Receiver::Process(pid), Some(signal)).unwrap();
}

/// The signal that the thread takes next, if it handles it.
fn handled(world: &mut World, task: TaskKey) -> Option<Signal> {
    match world.model.take_signal(task) {
        Taken::Handler(info, _) => Some(info.signal),
        _ => None,
    }
}

/// Row 21.
#[test]
fn an_exiting_thread_leaves_its_signals_to_a_sibling() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    world.model.set_action(leader, Signal::SIGUSR1, HANDLE).unwrap();
    send(&mut world, leader, Signal::SIGUSR1);
    assert!(world.model.has_signals(leader) && !world.model.has_signals(thread));
    world.model.exit_begin(leader, exited(0)).unwrap();
    assert!(world.model.has_signals(thread));
    assert_eq!(handled(&mut world, thread), Some(Signal::SIGUSR1));
}

/// D6: the next signal goes to the next thread as long as the first has not come to take its own.
#[test]
fn threads_take_turns() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    for signal in [Signal::SIGUSR1, Signal::SIGUSR2] {
        world.model.set_action(leader, signal, HANDLE).unwrap();
        send(&mut world, leader, signal);
    }
    assert_eq!(handled(&mut world, thread), Some(Signal::SIGUSR1), "by number, whoever comes first");
    assert_eq!(handled(&mut world, leader), Some(Signal::SIGUSR2));
}

/// Signals that faults raise come before all others, and a thread's own before the process's.
#[test]
fn signals_are_taken_in_order() {
    let mut world = World::new();
    let task = world.fork(world.init);
    let (usr1, usr2, segv, term) = (Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGSEGV, Signal::SIGTERM);
    for signal in [usr1, usr2, segv, term] {
        world.model.set_action(task, signal, HANDLE).unwrap();
    }
    world.model.set_mask(task, SignalSet::ALL).unwrap();
    send(&mut world, task, usr1);
    send(&mut world, task, segv);
    let tid = world.pid(task);
    for signal in [term, usr2] {
        world.model.signal_thread(world.init, tid, Some(signal)).unwrap();
    }
    world.model.set_mask(task, SignalSet::EMPTY).unwrap();
    let order: Vec<_> = core::iter::from_fn(|| handled(&mut world, task)).collect();
    assert_eq!(order, [usr2, term, segv, usr1]);
}

/// D14: SIGCONT between the taking of a stop signal and the stop of the others wins.
#[test]
fn sigcont_ends_a_stop_that_has_begun() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    send(&mut world, leader, Signal::SIGSTOP);
    assert_eq!(world.model.take_signal(leader), Taken::Halted);
    send(&mut world, leader, Signal::SIGCONT);
    assert_eq!(world.model.take_signal(thread), Taken::Nothing);
    assert_eq!((world.view(leader).halted, world.view(thread).halted), (Halted::No, Halted::No));
    world.model.check();
}

/// Row 22: a stop that waits for a thread is complete when that thread exits.
#[test]
fn an_exit_completes_a_stop() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    send(&mut world, leader, Signal::SIGSTOP);
    assert_eq!(world.model.take_signal(leader), Taken::Halted);
    world.signals();
    world.model.exit_begin(thread, exited(0)).unwrap();
    let (_, info) = world.signals()[0];
    assert_eq!((info.signal, info.pid, info.status), (Signal::SIGCHLD, world.pid(leader), 19));
}

/// Row 11: a group exit that comes after the beginning of an execve.
#[test]
fn a_group_exit_loses_to_exec() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let (caller, other) = (world.thread(leader), world.thread(leader));
    assert_eq!(world.model.exec(caller), Ok(false));
    assert_eq!(world.model.exit_group(leader, exited(7)), Ok(exited(0)));
    assert_eq!(world.model.exec(other), Err(Errno::EAGAIN));
    for task in [leader, other] {
        assert_eq!(world.model.take_signal(task), Taken::Exit(exited(0)));
        world.exit(task, 0);
    }
    assert_eq!(world.view(caller).tgid, world.view(caller).tid, "it has the leader's number");
}

/// And one that comes before.
#[test]
fn exec_loses_to_a_group_exit() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let caller = world.thread(leader);
    world.model.exit_group(leader, exited(7)).unwrap();
    assert_eq!(world.model.exec(caller), Err(Errno::EAGAIN));
    assert_eq!(world.model.take_signal(caller), Taken::Exit(exited(7)));
}
