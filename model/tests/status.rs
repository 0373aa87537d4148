//! Which status a process ends with, and who gets to see it.

mod common;

use common::{World, exited, killed};
use ptexit_core::uapi::{Errno, Rusage, Signal, WaitOptions};
use ptexit_model::{Event, IdType, Waited};

/// D3.
#[test]
fn the_last_thread_to_begin_its_exit_decides() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    assert_eq!(world.model.exit_begin(leader, exited(3)), Ok(exited(3)));
    assert_eq!(world.model.exit_begin(thread, exited(5)), Ok(exited(5)));
    world.model.exit_finish(thread, &Rusage::default()).unwrap();
    world.model.exit_finish(leader, &Rusage::default()).unwrap();
    assert_eq!(world.wait(world.init).unwrap().change, exited(5).into());
}

/// D3.
#[test]
fn the_first_group_exit_wins_and_interrupts_the_others() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    world.model.take_events();
    assert_eq!(world.model.exit_group(thread, exited(1)), Ok(exited(1)));
    assert_eq!(world.model.exit_group(leader, exited(2)), Ok(exited(1)));
    assert_eq!(world.model.take_events(), [Event::Interrupt { task: leader }]);
    assert_eq!(world.model.exit_begin(leader, exited(9)), Ok(exited(1)));
}

/// Row 13.
#[test]
fn a_signal_cannot_change_a_status_that_is_decided() {
    let mut world = World::new();
    let child = world.fork(world.init);
    world.model.exit_begin(child, exited(3)).unwrap();
    world.model.kill(child, Signal::SIGKILL, false, &Rusage::default()).unwrap();
    assert_eq!(world.wait(world.init).unwrap().change, exited(3).into());
}

/// D8.
#[test]
fn siginfo_and_wnowait_carry_the_status_of_the_whole() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    world.exit(leader, 7);
    world.model.take_events();
    world.exit(thread, 5);
    let (_, info) = world.signals()[0];
    assert_eq!((info.signal, info.code, info.status), (Signal::SIGCHLD, 1, 5));
    let options = (WaitOptions::WEXITED | WaitOptions::WNOWAIT).bits();
    for _ in 0..2 {
        let Ok(Waited::Child(seen)) = world.model.waitid(world.init, IdType::All, options) else {
            panic!("the child is dead");
        };
        assert_eq!(seen.change, exited(5).into());
    }
}

/// Row 104.
#[test]
fn a_dead_leader_is_not_waitable_while_a_thread_lives() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    world.exit(leader, 7);
    assert_eq!(world.model.wait4(world.init, -1, WaitOptions::WNOHANG.bits()), Ok(Waited::Nothing));
    world.exit(thread, 0);
    assert!(world.wait(world.init).is_some());
}

/// D13, row 83.
#[test]
fn a_core_dump_is_told() {
    let mut world = World::new();
    let child = world.fork(world.init);
    world.model.kill(child, Signal::SIGSEGV, true, &Rusage::default()).unwrap();
    let (_, info) = world.signals()[0];
    assert_eq!((info.code, info.status), (3, 11));
}

/// A thread that is told to exit makes no other.
#[test]
fn who_is_told_to_exit_makes_no_other() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    world.model.exit_group(leader, exited(0)).unwrap();
    assert_eq!(world.model.create_thread(thread), Err(Errno::EINTR));
    assert_eq!(world.model.fork(thread, None), Err(Errno::EINTR));
}

/// D17, rows 41 to 43.
#[test]
fn the_death_of_init_ends_the_namespace() {
    let mut world = World::new();
    let child = world.fork(world.init);
    let zombie = world.fork(world.init);
    world.exit(zombie, 1);
    world.exit(world.init, 0);
    assert_eq!(world.model.view(child).unwrap().status, Some(killed(Signal::SIGKILL)));
    assert!(world.model.view(zombie).is_none(), "init has reaped it");
    assert_eq!(world.model.fork(child, None), Err(Errno::ENOMEM));
    assert!(world.model.is_draining(world.init), "as long as its namespace is not empty");
    assert_eq!(world.model.exit_begin(child, exited(0)), Ok(killed(Signal::SIGKILL)));
    world.model.exit_finish(child, &Rusage::default()).unwrap();
    assert_eq!(world.model.task_count(), 0);
}
