//! What the wait calls accept, find and leave behind.

mod common;

use common::{World, exited};
use ptexit_core::uapi::{Errno, Rusage, WaitOptions as O};
use ptexit_model::{Event, IdType, Model, SigchldAction, Waited};

/// D10, row 116.
#[test]
fn arguments_are_checked_as_the_system_calls_do() {
    let mut world = World::new();
    world.fork(world.init);
    let (init, hang) = (world.init, O::WNOHANG.bits());
    let exited = (O::WNOHANG | O::WEXITED).bits();
    let model = &mut world.model;
    assert_eq!(model.wait4(init, i32::MIN, hang), Err(Errno::ESRCH));
    assert_eq!(model.wait4(init, -1, O::WEXITED.bits()), Err(Errno::EINVAL));
    assert_eq!(model.wait4(init, -1, O::WNOWAIT.bits()), Err(Errno::EINVAL));
    assert_eq!(model.wait4(init, -1, (O::WNOHANG | O::WALL | O::WCLONE).bits()), Ok(Waited::Nothing));
    assert_eq!(model.waitid(init, IdType::All, hang), Err(Errno::EINVAL));
    assert_eq!(model.waitid(init, IdType::All, exited | 0x10), Err(Errno::EINVAL));
    assert_eq!(model.waitid(init, IdType::Pid(0), exited), Err(Errno::EINVAL));
    assert_eq!(model.waitid(init, IdType::Pgid(-1), exited), Err(Errno::EINVAL));
    assert_eq!(model.waitid(init, IdType::Pgid(0), exited), Ok(Waited::Nothing));
    assert_eq!(model.wait4(init, 0, hang), Ok(Waited::Nothing));
    assert_eq!(model.wait4(init, -4, hang), Err(Errno::ECHILD));
}

/// Row 86.
#[test]
fn a_thread_is_nobodys_child() {
    let mut world = World::new();
    let process = world.fork(world.init);
    let thread = world.thread(process);
    let tid = world.pid(thread) as i32;
    assert_eq!(world.model.wait4(world.init, tid, O::WALL.bits()), Err(Errno::ECHILD));
    assert_eq!(world.model.waitid(world.init, IdType::Handle(thread), O::WEXITED.bits()), Err(Errno::ECHILD));
}

/// Row 89.
#[test]
fn a_handle_never_means_another_process() {
    let mut world = World { model: Model::new(2), ..World::new() };
    world.init = world.model.init().unwrap();
    let first = world.fork(world.init);
    world.exit(first, 0);
    world.wait(world.init).unwrap();
    let second = world.fork(world.init);
    assert_eq!(world.pid(second), 2, "the number is used again");
    assert_eq!(world.model.waitid(world.init, IdType::Handle(first), O::WEXITED.bits()), Err(Errno::ECHILD));
}

/// Row 99.
#[test]
fn a_dead_child_is_no_reason_to_wait_for_stops() {
    let mut world = World::new();
    let child = world.fork(world.init);
    let stops = (O::WSTOPPED | O::WNOHANG).bits();
    assert_eq!(world.model.waitid(world.init, IdType::All, stops), Ok(Waited::Nothing));
    world.exit(child, 0);
    assert_eq!(world.model.waitid(world.init, IdType::All, stops), Err(Errno::ECHILD));
}

/// Row 72.
#[test]
fn one_zombie_is_reaped_once_and_everybody_looks_again() {
    let mut world = World::new();
    let thread = world.thread(world.init);
    let child = world.fork(world.init);
    for waiter in [world.init, thread] {
        assert_eq!(world.model.wait4(waiter, -1, 0), Ok(Waited::Blocked));
    }
    world.model.take_events();
    world.exit(child, 0);
    let wakes = world.model.take_events().iter().filter(|event| matches!(event, Event::Wake { .. })).count();
    assert_eq!(wakes, 2);
    assert!(matches!(world.model.look_again(thread), Ok(Waited::Child(_))));
    assert_eq!(world.model.look_again(world.init), Err(Errno::ECHILD));
}

/// Row 146: a wait is woken by what it is for.
#[test]
fn who_waits_for_another_child_sleeps_on() {
    let mut world = World::new();
    let (one, other) = (world.fork(world.init), world.fork(world.init));
    let pid = world.pid(one) as i32;
    assert_eq!(world.model.wait4(world.init, pid, 0), Ok(Waited::Blocked));
    world.exit(other, 0);
    assert!(!world.model.take_events().contains(&Event::Wake { task: world.init }));
}

/// Rows 107 to 110.
#[test]
fn usage_goes_to_the_parent_that_waits_and_only_then() {
    let mut world = World::new();
    let usage = |ms: u64, kib| Rusage { utime_ns: ms, maxrss_kib: kib, minflt: 1, ..Rusage::default() };
    let parent = world.fork(world.init);
    let (child, ignored) = (world.fork(parent), world.fork(parent));
    world.model.exit(child, exited(0), &usage(10, 900)).unwrap();
    assert_eq!(world.view(parent).children_usage, Rusage::default());
    world.wait(parent).unwrap();
    assert_eq!(world.view(parent).children_usage, usage(10, 900));
    world.model.set_sigchld(parent, SigchldAction { ignore: true, ..SigchldAction::default() }).unwrap();
    world.model.exit(ignored, exited(0), &usage(500, 5000)).unwrap();
    assert_eq!(world.view(parent).children_usage, usage(10, 900));
    world.model.exit(parent, exited(0), &usage(1, 1)).unwrap();
    let report = world.wait(world.init).unwrap();
    assert_eq!(report.usage, Rusage { minflt: 2, ..usage(11, 900) });
}

/// Row 74.
#[test]
fn a_number_is_free_when_no_task_no_group_and_no_session_has_it() {
    let mut world = World { model: Model::new(3), ..World::new() };
    world.init = world.model.init().unwrap();
    let leader = world.fork(world.init);
    world.model.setsid(leader).unwrap();
    let member = world.fork(leader);
    world.exit(leader, 0);
    world.wait(world.init).unwrap();
    assert_eq!(world.model.fork(world.init, None), Err(Errno::EAGAIN), "the session still has number 2");
    world.exit(member, 0);
    world.model.take_events();
    world.wait(world.init).unwrap();
    let free: Vec<_> =
        world.model.take_events().into_iter().filter(|event| matches!(event, Event::PidFree { .. })).collect();
    assert_eq!(free, [Event::PidFree { pid: 2 }, Event::PidFree { pid: 3 }]);
    let next = world.fork(world.init);
    assert_eq!(world.pid(next), 2, "the next free number after the last, round to the start");
}

/// Row 95.
#[test]
fn an_interrupted_wait_looks_once_more() {
    let mut world = World::new();
    let child = world.fork(world.init);
    assert_eq!(world.model.wait4(world.init, 0, 0), Ok(Waited::Blocked));
    assert_eq!(world.model.interrupt(world.init), Err(Errno::EINTR));
    assert_eq!(world.model.interrupt(world.init), Err(Errno::E_STATE), "it waits no more");
    assert_eq!(world.model.wait4(world.init, 0, 0), Ok(Waited::Blocked));
    world.model.setpgid(child, 0, 0).unwrap();
    assert_eq!(world.model.interrupt(world.init), Err(Errno::ECHILD), "the child is in another group by now");
}
