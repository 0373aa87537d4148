//! Who inherits whom, and in which order children are found.

mod common;

use common::{World, exited};
use ptexit_core::uapi::{Rusage, Signal, WaitOptions};
use ptexit_model::{SigchldAction, TaskKey, Waited};

fn reaped_in_order(world: &mut World, parent: TaskKey) -> Vec<TaskKey> {
    core::iter::from_fn(|| world.wait(parent).map(|report| report.task)).collect()
}

/// D19.
#[test]
fn children_are_found_in_the_order_of_birth() {
    let mut world = World::new();
    let init = world.init;
    let children: Vec<_> = (0..4).map(|_| world.fork(world.init)).collect();
    for &child in children.iter().rev() {
        world.exit(child, 0);
    }
    assert_eq!(reaped_in_order(&mut world, init), children);
}

/// D19.
#[test]
fn the_adopted_stand_after_those_who_were_there_and_before_those_to_come() {
    let mut world = World::new();
    let init = world.init;
    let one = world.fork(world.init);
    let two = world.fork(world.init);
    let (ten, eleven) = (world.fork(two), world.fork(two));
    world.exit(two, 0);
    let three = world.fork(world.init);
    for child in [three, eleven, ten, one] {
        world.exit(child, 0);
    }
    assert_eq!(reaped_in_order(&mut world, init), [one, two, ten, eleven, three]);
}

/// D19.
#[test]
fn a_thread_finds_its_own_children_first() {
    let mut world = World::new();
    let (second, third) = (world.thread(world.init), world.thread(world.init));
    let children = [world.init, second, third].map(|thread| world.fork(thread));
    children.iter().for_each(|&child| world.exit(child, 0));
    assert_eq!(reaped_in_order(&mut world, second), [children[1], children[2], children[0]]);
}

/// Rows 38 and 47.
#[test]
fn a_dead_threads_children_go_to_the_oldest_sibling_silently() {
    let mut world = World::new();
    let (second, third) = (world.thread(world.init), world.thread(world.init));
    let child = world.model.fork(third, Some(Signal::SIGUSR1)).unwrap();
    world.exit(child, 0);
    world.signals();
    world.exit(third, 0);
    assert!(world.signals().is_empty());
    let own = WaitOptions::WNOTHREAD | WaitOptions::WCLONE;
    assert!(world.wait_with(second, own).is_none());
    assert!(world.wait_with(world.init, own).is_some(), "and it keeps its exit signal");
}

/// Rows 48 and 49.
#[test]
fn an_adopted_zombie_is_announced_to_its_new_parent() {
    let mut world = World::new();
    let parent = world.fork(world.init);
    let child = world.model.fork(parent, None).unwrap();
    world.exit(child, 4);
    assert!(world.signals().is_empty());
    world.exit(parent, 0);
    let from: Vec<_> = world.signals().iter().map(|(_, info)| (info.signal, info.status)).collect();
    assert_eq!(from, [(Signal::SIGCHLD, 4), (Signal::SIGCHLD, 0)]);
}

/// Row 49.
#[test]
fn an_adopted_zombie_reaps_itself_if_the_new_parent_ignores_sigchld() {
    let mut world = World::new();
    let parent = world.fork(world.init);
    let child = world.fork(parent);
    world.exit(child, 4);
    let action = SigchldAction { ignore: true, ..SigchldAction::default() };
    world.model.set_sigchld(world.init, action).unwrap();
    world.exit(parent, 0);
    assert!(world.model.view(child).is_none());
}

/// D4.
#[test]
fn without_a_subreaper_orphans_go_to_init() {
    let mut world = World::new();
    let parent = world.fork(world.init);
    let child = world.fork(parent);
    world.exit(parent, 0);
    assert_eq!(world.view(child).ppid, 1);
}

/// D5.
#[test]
fn the_nearest_process_that_is_a_subreaper_now_adopts() {
    let mut world = World::new();
    let outer = world.fork(world.init);
    let inner = world.fork(outer);
    world.model.set_subreaper(inner, true).unwrap();
    world.model.set_subreaper(outer, true).unwrap();
    let parent = world.fork(inner);
    let child = world.fork(parent);
    world.exit(parent, 0);
    assert_eq!(world.view(child).ppid, world.pid(inner));
    world.exit(inner, 0);
    assert_eq!(world.view(child).ppid, world.pid(outer));
    world.model.set_subreaper(outer, false).unwrap();
    let grandchild = world.fork(child);
    world.exit(child, 0);
    assert_eq!(world.view(grandchild).ppid, world.pid(world.init));
}

/// D18.
#[test]
fn a_subreaper_that_is_exiting_is_passed_over() {
    let mut world = World::new();
    let outer = world.fork(world.init);
    world.model.set_subreaper(outer, true).unwrap();
    let inner = world.fork(outer);
    world.model.set_subreaper(inner, true).unwrap();
    let parent = world.fork(inner);
    let child = world.fork(parent);
    world.model.exit_begin(inner, exited(0)).unwrap();
    world.exit(parent, 0);
    assert_eq!(world.view(child).ppid, world.pid(outer));
    world.model.exit_finish(inner, &Rusage::default()).unwrap();
    assert_eq!(world.view(parent).ppid, world.pid(outer));
}

/// Row 40.
#[test]
fn another_thread_of_init_takes_over_the_orphans() {
    let mut world = World::new();
    let thread = world.thread(world.init);
    let parent = world.fork(world.init);
    let child = world.fork(parent);
    world.exit(world.init, 0);
    world.exit(parent, 0);
    assert_eq!(world.view(child).ppid, 1);
    assert_eq!(world.wait(thread).map(|report| report.task), Some(parent));
}

/// Row 34: nobody sees the parent dead and the child nowhere.
#[test]
fn children_have_a_new_parent_before_their_old_one_is_waitable() {
    let mut world = World::new();
    let parent = world.fork(world.init);
    let child = world.fork(parent);
    assert_eq!(world.model.wait4(world.init, -1, 0), Ok(Waited::Blocked));
    world.exit(parent, 0);
    assert!(matches!(world.model.look_again(world.init), Ok(Waited::Child(report)) if report.task == parent));
    assert_eq!(world.model.wait4(world.init, -1, 0), Ok(Waited::Blocked));
    assert_eq!(world.view(child).ppid, 1);
}
