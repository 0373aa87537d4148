//! Records are used again while other calls still know where they lie: a call sees the task that it began with,
//! or none, and never the next one in its place.
//!
//! Here each call pins for itself, and a tree of very few tasks makes the next one take the records of the last.
#![cfg(loom)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use loom_tests::family::{Family, MAIN, assert_is, child, end, pid_of, record_of, spawn};
use loom_tests::fault::needs;
use loom_tests::{MODES, holds};
use ptexit_core::ids::TaskId;
use ptexit_core::lockfree::fault::Fault;
use ptexit_core::protocol::inspect;
use ptexit_core::tree::WaitFor;
use ptexit_core::uapi::{Errno, WaitOptions};

/// In how many executions records were used again. Outside of the models.
static REUSED: AtomicUsize = AtomicUsize::new(0);

/// Each attempt gives the epochs a turn; task and group come back one after the other.
const ATTEMPTS: usize = 6;

/// Forks as soon as there is room, which is where somebody was that is gone.
fn fork_in_place(family: &Family, seat: usize, parent: TaskId) -> Option<TaskId> {
    let next = (0..ATTEMPTS).find_map(|_| family.try_fork(seat, parent))?;
    REUSED.fetch_add(1, Relaxed);
    Some(next)
}

/// By handle: everything about a zombie is asked for while it is reaped and its records are used again.
fn a_look_sees_one_task() {
    let (family, init) = Family::recycling(1, 2);
    let zombie = family.fork(MAIN, init);
    family.exit(MAIN, zombie);
    let thread = spawn(&family, 1, move |family, seat| {
        assert!(child(&family.poll(seat, init)).is_some());
        fork_in_place(family, seat, init)
    });
    match family.call(MAIN, |call| inspect::task_info(call, zombie)) {
        Ok(info) => {
            assert_eq!((info.tid, info.tgid), (pid_of(zombie), pid_of(zombie)), "another task's numbers");
            assert_eq!(info.leader, zombie, "another task's leader");
        }
        Err(why) => assert_eq!(why, Errno::ESRCH),
    }
    if let Some(next) = thread.join().unwrap() {
        assert_eq!(record_of(next), record_of(zombie), "there is room in one place only");
        assert!(family.call(MAIN, |call| inspect::task_info(call, next)).is_ok(), "what is new is not found");
    }
    end(family);
}

/// By index: a dying child has its parent's number out of its exit word, and tells it, while the parent dies, is
/// reaped, and its records are used again.
fn a_notifier_tells_no_stranger() {
    let (family, init) = Family::recycling(1, 3);
    let parent = family.fork(MAIN, init);
    let dying = family.fork(MAIN, parent);
    family.exit_begin(MAIN, dying);
    family.exit_begin(MAIN, parent);
    let thread = spawn(&family, 1, move |family, seat| {
        family.exit_finish(seat, parent);
        let reaped = family.wait(seat, init, WaitFor::Task(parent), WaitOptions::WNOHANG);
        assert_is(child(&reaped).expect("the dead parent"), parent);
        fork_in_place(family, seat, init)
    });
    family.exit_finish(MAIN, dying);
    if let Some(next) = thread.join().unwrap() {
        assert_eq!(record_of(next), record_of(parent), "there is room in one place only");
        assert_eq!(family.sigchlds(next, dying), 0, "told of a stranger's child");
    }
    assert_eq!(family.sigchlds(init, dying), 1, "told by whoever made it init's zombie: {:?}", family.told());
    end(family);
}

/// Runs a model, and makes sure that records were used again in it.
fn holds_with_reuse(name: &str, bounds: [usize; 3], model: fn()) {
    for (mode, bound) in MODES.into_iter().zip(bounds) {
        let before = REUSED.load(Relaxed);
        holds(name, mode, bound, || {}, model);
        assert!(REUSED.load(Relaxed) > before, "{name} in {mode:?}: nothing was used again");
    }
}

#[test]
fn by_handle() {
    holds_with_reuse("a_look_sees_one_task", [2; 3], a_look_sees_one_task);
    needs(Fault::GracePeriod, "a_look_sees_one_task", [1; 3], a_look_sees_one_task);
}

#[test]
fn by_index() {
    holds_with_reuse("a_notifier_tells_no_stranger", [2, 1, 1], a_notifier_tells_no_stranger);
    // Without the grace period this held as well, up to one preemption in Plain and two in AllRmw: the file's canary is
    // `a_look_sees_one_task`.
}
