//! Process groups and sessions.

mod common;

use common::World;
use ptexit_core::uapi::{Errno, WaitOptions};
use ptexit_model::{IdType, Waited};

#[test]
fn a_parent_moves_its_children_until_they_execute_a_program() {
    let mut world = World::new();
    let parent = world.fork(world.init);
    let (child, grandchild) = {
        let child = world.fork(parent);
        (child, world.fork(child))
    };
    let (pid, deep) = (world.pid(child), world.pid(grandchild));
    assert_eq!(world.model.setpgid(parent, deep, 0), Err(Errno::ESRCH), "not a child");
    assert_eq!(world.model.setpgid(parent, 999, 0), Err(Errno::ESRCH));
    assert_eq!(world.model.setpgid(parent, pid, 0), Ok(()));
    assert_eq!(world.view(child).pgid, pid);
    world.model.exec(child).unwrap();
    assert_eq!(world.model.setpgid(parent, pid, 0), Err(Errno::EACCES));
    assert_eq!(world.model.setpgid(child, 0, 0), Ok(()), "it may still do so itself");
}

#[test]
fn only_a_group_of_the_same_session_can_be_joined() {
    let mut world = World::new();
    let (one, other) = (world.fork(world.init), world.fork(world.init));
    let (first, second) = (world.pid(one), world.pid(other));
    assert_eq!(world.model.setpgid(one, 0, second), Err(Errno::EPERM), "no such group");
    world.model.setsid(other).unwrap();
    assert_eq!(world.model.setpgid(one, 0, second), Err(Errno::EPERM), "another session");
    assert_eq!(world.model.setpgid(world.init, second, first), Err(Errno::EPERM), "a child in another session");
    assert_eq!(world.model.setpgid(other, 0, 0), Err(Errno::EPERM), "a session leader");
}

#[test]
fn threads_are_not_moved_one_by_one() {
    let mut world = World::new();
    let process = world.fork(world.init);
    let thread = world.thread(process);
    let tid = world.pid(thread);
    assert_eq!(world.model.setpgid(process, tid, 0), Err(Errno::EINVAL));
    assert_eq!(world.model.setpgid(thread, 0, 0), Ok(()), "0 is the process, whichever thread calls");
    assert_eq!(world.view(process).pgid, world.pid(process));
}

#[test]
fn a_group_leader_cannot_begin_a_session() {
    let mut world = World::new();
    let process = world.fork(world.init);
    let member = world.fork(process);
    let pid = world.pid(process);
    assert_eq!(world.model.setsid(process), Ok(pid));
    assert_eq!(world.model.setsid(process), Err(Errno::EPERM));
    assert_eq!(world.model.setpgid(member, 0, 0), Ok(()));
    assert_eq!(world.model.setsid(member), Err(Errno::EPERM));
}

#[test]
fn a_group_that_others_are_in_keeps_its_number_from_becoming_a_session() {
    let mut world = World::new();
    let leader = world.fork(world.init);
    let member = world.fork(world.init);
    let (pid, other) = (world.pid(leader), world.pid(member));
    world.model.setpgid(leader, 0, 0).unwrap();
    world.model.setpgid(member, 0, pid).unwrap();
    world.model.setpgid(leader, 0, world.view(world.init).pgid).unwrap();
    assert_eq!(world.model.setsid(leader), Err(Errno::EPERM));
    assert_eq!(world.model.setsid(member), Ok(other));
    assert_eq!(world.model.setsid(leader), Ok(pid));
}

/// Row 88: a wait for a group goes by membership when it looks.
#[test]
fn a_child_is_waited_for_in_the_group_it_is_in_now() {
    let mut world = World::new();
    let child = world.fork(world.init);
    let pid = world.pid(child) as i32;
    let hang = (WaitOptions::WNOHANG | WaitOptions::WEXITED).bits();
    assert_eq!(world.model.waitid(world.init, IdType::Pgid(0), hang), Ok(Waited::Nothing));
    world.model.setpgid(child, 0, 0).unwrap();
    assert_eq!(world.model.waitid(world.init, IdType::Pgid(0), hang), Err(Errno::ECHILD));
    assert_eq!(world.model.waitid(world.init, IdType::Pgid(pid), hang), Ok(Waited::Nothing));
}
