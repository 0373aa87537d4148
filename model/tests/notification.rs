//! Who is told of a death, by which signal, and whether the child reaps itself.

mod common;

use common::World;
use ptexit_core::uapi::{Errno, SI_USER, Signal, WaitOptions};
use ptexit_model::{SigchldAction, Waited};

const IGNORE: SigchldAction = SigchldAction { ignore: true, no_cld_wait: false, no_cld_stop: false };
const NO_WAIT: SigchldAction = SigchldAction { ignore: false, no_cld_wait: true, no_cld_stop: false };

/// D6.
#[test]
fn the_thread_that_forked_is_offered_the_signal_first() {
    let mut world = World::new();
    let thread = world.thread(world.init);
    let child = world.fork(thread);
    world.exit(child, 0);
    assert_eq!(world.signals()[0].0, thread);
}

/// Row 67.
#[test]
fn children_of_who_ignores_sigchld_reap_themselves_silently() {
    let mut world = World::new();
    world.model.set_sigchld(world.init, IGNORE).unwrap();
    let child = world.fork(world.init);
    world.exit(child, 0);
    assert!(world.signals().is_empty());
    assert_eq!(world.model.wait4(world.init, -1, 0), Err(Errno::ECHILD));
}

/// Row 68.
#[test]
fn nocldwait_reaps_but_signals() {
    let mut world = World::new();
    world.model.set_sigchld(world.init, NO_WAIT).unwrap();
    let child = world.fork(world.init);
    world.exit(child, 0);
    assert_eq!(world.signals().len(), 1);
    assert!(world.wait(world.init).is_none());
}

/// D2, row 69: only SIGCHLD can be ignored away.
#[test]
fn another_exit_signal_is_not_ignored() {
    for exit_signal in [Some(Signal::SIGUSR1), None] {
        let mut world = World::new();
        world.model.set_sigchld(world.init, IGNORE).unwrap();
        let child = world.model.fork(world.init, exit_signal).unwrap();
        world.exit(child, 0);
        assert_eq!(world.signals().first().map(|(_, info)| info.signal), exit_signal);
        assert!(world.wait(world.init).is_some());
    }
}

/// Row 67: what is a zombie already stays one.
#[test]
fn ignoring_sigchld_later_reaps_nothing() {
    let mut world = World::new();
    let child = world.fork(world.init);
    world.exit(child, 0);
    world.model.set_sigchld(world.init, IGNORE).unwrap();
    assert!(world.wait(world.init).is_some());
}

/// D7, row 71.
#[test]
fn a_parent_that_has_executed_a_program_gets_sigchld_from_its_clone_children() {
    let mut world = World::new();
    let parent = world.fork(world.init);
    let child = world.model.fork(parent, Some(Signal::SIGUSR1)).unwrap();
    world.model.exec(parent).unwrap();
    let younger = world.model.fork(parent, Some(Signal::SIGUSR1)).unwrap();
    world.exit(child, 0);
    world.exit(younger, 0);
    let signals: Vec<_> = world.signals().iter().map(|(_, info)| info.signal).collect();
    assert_eq!(signals, [Signal::SIGCHLD, Signal::SIGUSR1]);
    assert!(world.wait_with(parent, WaitOptions::empty()).is_none(), "it is a clone child all the same");
    assert!(world.wait_with(parent, WaitOptions::WCLONE).is_some());
}

/// D7: execve(2) by the child.
#[test]
fn a_child_that_executes_a_program_becomes_an_ordinary_one() {
    let mut world = World::new();
    let child = world.model.fork(world.init, None).unwrap();
    world.model.exec(child).unwrap();
    world.exit(child, 0);
    assert_eq!(world.signals()[0].1.signal, Signal::SIGCHLD);
    assert!(world.wait_with(world.init, WaitOptions::empty()).is_some());
}

/// D7, row 136.
#[test]
fn a_sibling_takes_over_the_exit_signal_of_its_creators_process() {
    let mut world = World::new();
    let process = world.model.fork(world.init, Some(Signal::SIGUSR1)).unwrap();
    let thread = world.thread(process);
    let sibling = world.model.fork_sibling(thread).unwrap();
    assert_eq!(world.view(sibling).ppid, world.pid(world.init));
    world.exit(sibling, 0);
    assert_eq!(world.signals()[0].1.signal, Signal::SIGUSR1);
    assert_eq!(world.model.fork_sibling(world.init), Err(Errno::EINVAL));
}

/// Row 72.
#[test]
fn who_waits_for_a_child_that_reaps_itself_learns_that_it_is_gone() {
    let mut world = World::new();
    world.model.set_sigchld(world.init, IGNORE).unwrap();
    let child = world.fork(world.init);
    assert_eq!(world.model.wait4(world.init, -1, 0), Ok(Waited::Blocked));
    world.exit(child, 0);
    assert_eq!(world.model.look_again(world.init), Err(Errno::ECHILD));
}

/// D13, row 36.
#[test]
fn the_parent_death_signal_names_the_process_of_the_dead_thread() {
    let mut world = World::new();
    let process = world.fork(world.init);
    let thread = world.thread(process);
    let child = world.fork(thread);
    let grandchild_of_other = world.fork(process);
    for task in [child, grandchild_of_other] {
        world.model.set_pdeathsig(task, Some(Signal::SIGURG)).unwrap();
    }
    world.exit(thread, 0);
    let (target, info) = world.signals()[0];
    assert_eq!((target, info.signal, info.code, info.pid), (child, Signal::SIGURG, SI_USER, world.pid(process)));
    // The other child's parent thread lives; the first child's new one dies now.
    world.exit(process, 0);
    let targets: Vec<_> =
        world.signals().into_iter().filter(|(_, i)| i.signal == Signal::SIGURG).map(|(t, _)| t).collect();
    assert_eq!(targets, [grandchild_of_other, child]);
}

/// Row 37.
#[test]
fn the_parent_death_signal_is_not_inherited() {
    let mut world = World::new();
    let process = world.fork(world.init);
    world.model.set_pdeathsig(process, Some(Signal::SIGURG)).unwrap();
    let child = world.fork(process);
    let thread = world.thread(process);
    assert_eq!(world.view(child).pdeathsig, None);
    assert_eq!(world.view(thread).pdeathsig, None);
}
