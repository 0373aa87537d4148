//! Waits for children that have stopped or go on, seen through the public interface.

mod workshop;

use ptexit_core::host::Event;
use ptexit_core::ids::TaskId;
use ptexit_core::tree::*;
use ptexit_core::uapi::{Change, Errno, Signal, WaitOptions, WaitStatus};
use workshop::*;

const BOTH: WaitOptions = WaitOptions::WSTOPPED.union(WaitOptions::WCONTINUED);
const ALL: WaitOptions = BOTH.union(WaitOptions::WEXITED);
const STOPPED: Change = Change::Stopped(STOP);

/// What a wait found.
fn found(waited: Result<Waited, Errno>) -> Option<(TaskId, Change)> {
    match waited {
        Ok(Waited::Child(result)) => Some((result.task, result.change)),
        Ok(Waited::Nothing) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stop_is_reported_once() {
    let world = World::new();
    let task = world.fork(world.init);
    assert_eq!(found(world.wait(ALL)), None);
    world.stop(&[task], STOP);
    assert_eq!(found(world.wait(WaitOptions::WEXITED)), None, "nobody has died");
    assert_eq!(found(world.wait(WaitOptions::WCONTINUED)), None);
    assert_eq!(found(world.wait(WaitOptions::WSTOPPED | WaitOptions::WNOWAIT)), Some((task, STOPPED)));
    assert_eq!(found(world.wait(BOTH)), Some((task, STOPPED)));
    assert_eq!(found(world.wait(ALL)), None);
    assert_eq!(world.poll(task), Verdict::Stop(STOP), "it stays stopped");
}

#[test]
fn a_continuation_is_reported_once_and_replaces_the_stop() {
    let world = World::new();
    let task = world.job(world.init);
    world.stop(&[task], STOP);
    world.kill(task, CONT);
    assert_eq!(found(world.wait(WaitOptions::WSTOPPED)), None, "it has gone on, even if it has not run yet");
    assert_eq!(found(world.wait(ALL | WaitOptions::WNOWAIT)), Some((task, Change::Continued)));
    assert_eq!(found(world.wait(ALL)), Some((task, Change::Continued)));
    assert_eq!(found(world.wait(ALL)), None);
    world.poll(task);
    // A stop that SIGCONT ends before it is complete goes on as well.
    let thread = world.thread(task);
    let ticket = ticket(&world.kill(task, STOP));
    world.tree.begin_stop(task, STOP, ticket).unwrap();
    assert_eq!(found(world.wait(ALL)), None, "one thread runs");
    world.kill(task, CONT);
    assert_eq!(found(world.wait(ALL)), Some((task, Change::Continued)));
    // The next stop voids a continuation that nobody has waited for.
    world.stop(&[task, thread], STOP);
    world.kill(task, CONT);
    world.stop(&[task, thread], TSTP);
    assert_eq!(found(world.wait(WaitOptions::WCONTINUED)), None);
    assert_eq!(found(world.wait(ALL)), Some((task, Change::Stopped(TSTP))));
}

#[test]
fn death_ends_what_there_was_to_report() {
    let world = World::new();
    let [one, two] = [0; 2].map(|_| world.fork(world.init));
    world.stop(&[one], STOP);
    world.stop(&[two], STOP);
    world.kill(two, CONT);
    for task in [one, two] {
        world.kill(task, Signal::SIGKILL);
        assert_eq!(found(world.wait(BOTH)).map(|(task, _)| task), (task == one).then_some(two), "of those left");
        world.tree.exit_begin(task, WaitStatus::exited(0)).unwrap();
    }
    for task in [one, two] {
        world.tree.exit_finish(task, &ptexit_core::uapi::Rusage::default()).unwrap();
    }
    assert_eq!(world.wait(BOTH), Err(Errno::ECHILD), "the dead neither stop nor go on");
    let killed = Change::Died(WaitStatus::signaled(Signal::SIGKILL, false));
    assert_eq!([found(world.wait(ALL)), found(world.wait(ALL))], [Some((one, killed)), Some((two, killed))]);
    assert_eq!(world.wait(ALL), Err(Errno::ECHILD));
}

#[test]
fn the_oldest_child_comes_first_whatever_has_become_of_it() {
    let world = World::new();
    let [one, two, three, four] = [0; 4].map(|_| world.job(world.init));
    world.exit(four, 1);
    world.stop(&[three], STOP);
    world.exit(two, 2);
    world.stop(&[one], TSTP);
    let died = |code| Change::Died(WaitStatus::exited(code));
    assert_eq!(found(world.wait(WaitOptions::WEXITED | WaitOptions::WNOWAIT)), Some((two, died(2))));
    let expected = [(one, Change::Stopped(TSTP)), (two, died(2)), (three, STOPPED), (four, died(1))];
    assert_eq!(expected.map(|_| found(world.wait(ALL)).unwrap()), expected);
    assert_eq!(found(world.wait(ALL)), None);
}

#[test]
fn a_child_is_found_by_number_through_its_dead_leader() {
    let world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    world.exit(leader, 0);
    let pid = WaitFor::Pid(world.tree.task_info(leader).unwrap().tgid);
    assert_eq!(found(world.wait_for(pid, WaitOptions::WSTOPPED)), None, "not ECHILD");
    let ticket = ticket(&world.kill(leader, STOP));
    world.tree.begin_stop(thread, STOP, ticket).unwrap();
    assert_eq!(found(world.wait_for(pid, ALL)), Some((leader, STOPPED)));
    assert_eq!(found(world.wait_for(WaitFor::Task(leader), ALL)), None);
    world.kill(leader, CONT);
    assert_eq!(found(world.wait_for(pid, ALL)), Some((leader, Change::Continued)));
}

#[test]
fn stops_go_with_the_child_to_its_new_parent() {
    let world = World::new();
    let parent = world.fork(world.init);
    let child = world.fork(parent);
    world.stop(&[child], STOP);
    world.exit(parent, 0);
    world.events();
    assert_eq!(found(world.wait(BOTH)), Some((child, STOPPED)));
    world.kill(child, CONT);
    world.poll(child);
    assert_eq!(told(&world.events()), [CONTINUED], "the new parent hears of the rest");
}

#[test]
fn a_stop_wakes_who_waits_for_stops_and_nobody_else() {
    for (options, is_woken) in [(WaitOptions::WEXITED, false), (WaitOptions::WSTOPPED, true), (ALL, true)] {
        let world = World::new();
        let task = world.fork(world.init);
        let wait = WaitRequest { which: WaitFor::All, options, cookie: 8 };
        assert_eq!(world.tree.wait(world.init, &wait), Ok(Waited::Armed));
        world.events();
        let ticket = ticket(&world.kill(task, STOP));
        world.tree.begin_stop(task, STOP, ticket).unwrap();
        let woken = world.events().contains(&Event::Wake { task: world.init, wait: 8 });
        assert_eq!(woken, is_woken, "{options:?}");
    }
}

#[test]
fn many_children_stop_and_each_is_reported_once_in_order() {
    let world = World::new();
    let children: Vec<TaskId> = (0..100).map(|_| world.fork(world.init)).collect();
    for &child in children.iter().rev() {
        world.stop(&[child], STOP);
    }
    let mut results = vec![];
    while let Some((task, change)) = found(world.wait(ALL)) {
        assert_eq!(change, STOPPED);
        results.push(task);
    }
    assert_eq!(results, children);
    for &child in &children {
        world.kill(child, CONT);
    }
    let continued = WaitRequest { which: WaitFor::All, options: WaitOptions::WCONTINUED, cookie: 1 };
    let any = world.wait(WaitOptions::WCONTINUED | WaitOptions::WNOWAIT);
    let Ok(Waited::Child(first)) = any else { panic!("{any:?}") };
    let mut many = [first; 200];
    assert_eq!(world.tree.wait_many(world.init, &continued, &mut many), Ok(100));
    assert!(many[..100].iter().map(|result| result.task).eq(children));
}
