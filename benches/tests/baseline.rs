//! The baseline is a yardstick only while it does its job: process lifecycles as Linux has them.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ptexit_benches::baseline::{Baseline, Dead, Handle};
use ptexit_benches::system::Which;
use ptexit_core::uapi::{Errno, Rusage, Signal, WaitOptions, WaitStatus};

const EXITED: WaitOptions = WaitOptions::WEXITED;

fn used(utime_ns: u64) -> Rusage {
    Rusage { utime_ns, maxrss_kib: utime_ns, ..Rusage::default() }
}

fn exit(tree: &Baseline, task: Handle, code: i32) {
    tree.exit_process(task, WaitStatus::exited(code), &used(1)).unwrap();
}

fn try_wait(tree: &Baseline, waiter: Handle, which: Which) -> Result<Option<u32>, Errno> {
    Ok(tree.wait_child(waiter, which, EXITED | WaitOptions::WNOHANG)?.map(|dead| dead.pid))
}

#[test]
fn a_child_is_reaped_once_with_its_status_and_usage() {
    let (tree, init) = Baseline::create();
    assert_eq!(try_wait(&tree, init, Which::All), Err(Errno::ECHILD));
    let (child, pid) = tree.clone_process(init).unwrap();
    assert_eq!(try_wait(&tree, init, Which::All), Ok(None));
    tree.exit_process(child, WaitStatus::signaled(Signal::SIGKILL, false), &used(5)).unwrap();
    let dead = Dead { pid, status: WaitStatus::signaled(Signal::SIGKILL, false), usage: used(5) };
    assert_eq!(tree.wait_child(init, Which::Pid(pid), EXITED), Ok(Some(dead)));
    assert_eq!(try_wait(&tree, init, Which::All), Err(Errno::ECHILD));
    assert_eq!(tree.children_usage(init), Ok(used(5)));
}

#[test]
fn wnowait_leaves_the_zombie() {
    let (tree, init) = Baseline::create();
    let (child, pid) = tree.clone_process(init).unwrap();
    exit(&tree, child, 3);
    for _ in 0..2 {
        let peeked = tree.wait_child(init, Which::All, EXITED | WaitOptions::WNOWAIT).unwrap();
        assert_eq!(peeked.map(|dead| dead.pid), Some(pid));
    }
    assert_eq!(tree.children_usage(init), Ok(used(0)));
    assert_eq!(try_wait(&tree, init, Which::All), Ok(Some(pid)));
}

#[test]
fn the_oldest_zombie_comes_first() {
    let (tree, init) = Baseline::create();
    let children: Vec<_> = (0..5).map(|_| tree.clone_process(init).unwrap()).collect();
    for index in [3, 1, 4] {
        exit(&tree, children[index].0, 0);
    }
    for index in [1, 3, 4] {
        assert_eq!(try_wait(&tree, init, Which::All), Ok(Some(children[index].1)));
    }
    assert_eq!(try_wait(&tree, init, Which::All), Ok(None));
}

#[test]
fn a_wait_for_a_pid_or_a_group_sees_nobody_else() {
    let (tree, init) = Baseline::create();
    let (first, first_pid) = tree.clone_process(init).unwrap();
    let (second, second_pid) = tree.clone_process(init).unwrap();
    tree.new_group(second).unwrap();
    exit(&tree, first, 0);
    assert_eq!(try_wait(&tree, init, Which::Group(second_pid)), Ok(None));
    assert_eq!(try_wait(&tree, init, Which::Pid(second_pid)), Ok(None));
    assert_eq!(try_wait(&tree, init, Which::Group(first_pid)), Err(Errno::ECHILD));
    exit(&tree, second, 0);
    assert_eq!(try_wait(&tree, init, Which::Group(second_pid)), Ok(Some(second_pid)));
    assert_eq!(try_wait(&tree, init, Which::Pid(first_pid)), Ok(Some(first_pid)));
}

#[test]
fn orphans_go_to_init_dead_or_alive() {
    let (tree, init) = Baseline::create();
    let (parent, parent_pid) = tree.clone_process(init).unwrap();
    let (zombie, zombie_pid) = tree.clone_process(parent).unwrap();
    let (alive, alive_pid) = tree.clone_process(parent).unwrap();
    exit(&tree, zombie, 0);
    assert_eq!(tree.take_sigchld(init), Ok(false));
    exit(&tree, parent, 0);
    assert_eq!(tree.take_sigchld(init), Ok(true));
    assert_eq!(try_wait(&tree, init, Which::Pid(zombie_pid)), Ok(Some(zombie_pid)));
    assert_eq!(try_wait(&tree, init, Which::Pid(alive_pid)), Ok(None));
    exit(&tree, alive, 0);
    assert_eq!(try_wait(&tree, init, Which::All), Ok(Some(parent_pid)));
    assert_eq!(try_wait(&tree, init, Which::All), Ok(Some(alive_pid)));
}

#[test]
fn a_parent_that_ignores_sigchld_has_no_zombies() {
    let (tree, init) = Baseline::create();
    tree.ignore_sigchld(init, true).unwrap();
    let (child, _) = tree.clone_process(init).unwrap();
    exit(&tree, child, 0);
    assert_eq!(tree.take_sigchld(init), Ok(false));
    assert_eq!(try_wait(&tree, init, Which::All), Err(Errno::ECHILD));
}

#[test]
fn a_handle_is_stale_once_its_process_is_gone() {
    let (tree, init) = Baseline::create();
    let (child, _) = tree.clone_process(init).unwrap();
    exit(&tree, child, 0);
    assert_eq!(tree.exit_process(child, WaitStatus::exited(0), &used(0)), Err(Errno::ESRCH));
    assert!(try_wait(&tree, init, Which::All).unwrap().is_some());
    let (reused, _) = tree.clone_process(init).unwrap();
    assert_ne!(child, reused);
    assert_eq!(tree.clone_process(child).err(), Some(Errno::ESRCH));
}

#[test]
fn a_number_is_taken_while_its_process_group_has_members() {
    let (tree, init) = Baseline::create();
    let (leader, leader_pid) = tree.clone_process(init).unwrap();
    tree.new_group(leader).unwrap();
    let (member, member_pid) = tree.clone_process(leader).unwrap();
    exit(&tree, leader, 0);
    assert_eq!(try_wait(&tree, init, Which::Pid(leader_pid)), Ok(Some(leader_pid)));
    // The member went to init, and is still in the group of the process that is gone.
    assert_eq!(try_wait(&tree, init, Which::Group(leader_pid)), Ok(None));
    exit(&tree, member, 0);
    assert_eq!(try_wait(&tree, init, Which::Group(leader_pid)), Ok(Some(member_pid)));
    assert_eq!(try_wait(&tree, init, Which::Group(leader_pid)), Err(Errno::ECHILD));
}

#[test]
fn a_blocked_wait_returns_when_a_child_exits() {
    let (tree, init) = Baseline::create();
    let tree = Arc::new(tree);
    let (child, pid) = tree.clone_process(init).unwrap();
    let waiter = {
        let tree = Arc::clone(&tree);
        thread::spawn(move || tree.wait_child(init, Which::All, EXITED))
    };
    thread::sleep(Duration::from_millis(5));
    exit(&tree, child, 0);
    assert_eq!(waiter.join().unwrap().unwrap().map(|dead| dead.pid), Some(pid));
}
