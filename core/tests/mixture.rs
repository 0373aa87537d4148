//! Real threads on the calls around fork, exit and wait: clones that are aborted, siblings, deaths reported from
//! outside, process groups and sessions, parent-death signals, waits that are cancelled.
//!
//! `SECONDS` sets how long each test runs (default 3).

mod crowd;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use crowd::{Crowd, DEATH_OF_PARENT, exited};
use ptexit_core::ids::TaskId;
use ptexit_core::tree::{Attr, CloneKind, ListFilter, WaitFor, WaitRequest, Waited};
use ptexit_core::uapi::{Errno, Rusage, Signal, WaitOptions, WaitStatus};

/// Threads of one process begin clones, abort some and commit others, until a group exit stops them: what was
/// aborted leaves no child, no thread and no number.
#[test]
fn an_aborted_clone_leaves_nothing() {
    let crowd = Crowd::new();
    let reaper = crowd.fork(crowd.init);
    crowd.tree.set_attr(reaper, Attr::Subreaper(true)).unwrap();
    while crowd.has_time() {
        let process = crowd.fork(reaper);
        let threads: Vec<TaskId> = (0..3).map(|_| crowd.thread(process)).collect();
        let made: Vec<Vec<TaskId>> = thread::scope(|scope| {
            let cloning = |task: TaskId, step: usize| {
                let kinds = [CloneKind::Process, CloneKind::Thread, CloneKind::Sibling];
                let mut made = Vec::new();
                for turn in step..step + 12 {
                    let kind = kinds[turn % kinds.len()];
                    let outcome = if turn % 2 == 0 {
                        crowd.abort(task, kind)
                    } else {
                        crowd.create(task, kind).map(|child| made.push(child))
                    };
                    assert!(matches!(outcome, Ok(()) | Err(Errno::EINTR)), "{outcome:?}");
                }
                made
            };
            let running: Vec<_> =
                threads[1..].iter().enumerate().map(|(step, &task)| scope.spawn(move || cloning(task, step))).collect();
            crowd.tree.exit_group(threads[0], exited(3)).unwrap();
            running.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let made: Vec<TaskId> = made.into_iter().flatten().collect();
        let own: Vec<TaskId> = {
            let mut own = [process; 64];
            let count = crowd.tree.list(ListFilter::Threads(process), &mut own).unwrap();
            own[..count].to_vec()
        };
        let processes: Vec<TaskId> = made.into_iter().filter(|task| !own.contains(task)).collect();
        own.iter().chain(&processes).for_each(|&task| crowd.exit(task, 0));
        crowd.reap_all(reaper, processes.len() as u64 + 1);
        assert_eq!(crowd.wait_now(reaper, WaitFor::All, WaitOptions::empty()), Err(Errno::ECHILD));
    }
    crowd.exit(reaper, 0);
    crowd.reap_all(crowd.init, 1);
    crowd.nothing_remains();
}

/// A process makes siblings while its parent dies, and its parent's parent: everybody comes to the subreaper
/// above, which never finds itself without children.
#[test]
fn siblings_come_to_the_reaper_of_a_dying_parent() {
    let crowd = Crowd::new();
    let reaper = crowd.fork(crowd.init);
    crowd.tree.set_attr(reaper, Attr::Subreaper(true)).unwrap();
    let immortal = crowd.fork(reaper);
    let (own, waiter) = (crowd.thread(reaper), crowd.thread(reaper));
    let (born, found, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (crowd, born, found, done) = (&crowd, &born, &found, &done);
        scope.spawn(move || crowd.collect(waiter, exited(0), found, done));
        let working = scope.spawn(move || {
            while crowd.has_time() {
                crowd.keep_pace(born, found);
                let top = crowd.fork(own);
                let middle = crowd.fork(top);
                crowd.tree.set_attr(middle, Attr::Subreaper(true)).unwrap();
                let child = crowd.fork(middle);
                thread::scope(|scope| {
                    let cloning = scope.spawn(|| {
                        let siblings = (0..4).map(|_| crowd.create(child, CloneKind::Sibling).unwrap());
                        siblings.for_each(|sibling| crowd.exit(sibling, 0));
                    });
                    let above = scope.spawn(|| crowd.exit(top, 0));
                    crowd.exit(middle, 0);
                    [cloning, above].into_iter().for_each(|one| one.join().unwrap());
                });
                crowd.exit(child, 0);
                born.fetch_add(7, SeqCst);
            }
        });
        let end = working.join();
        done.store(true, SeqCst);
        end.unwrap();
    });
    assert_eq!(found.load(SeqCst), born.load(SeqCst), "everybody who was born below the subreaper comes to it");
    [own, waiter, immortal, reaper].into_iter().for_each(|task| crowd.exit(task, 0));
    crowd.reap_all(crowd.init, 2);
    crowd.nothing_remains();
}

/// Two report one death from outside while the process still makes threads: one report is booked, its status or
/// an earlier one holds, and no thread is left.
#[test]
fn a_death_is_reported_once() {
    let crowd = Crowd::new();
    while crowd.has_time() {
        let process = crowd.fork(crowd.init);
        let threads: Vec<TaskId> = (0..2).map(|_| crowd.thread(process)).collect();
        let killed = WaitStatus::signaled(Signal::SIGKILL, false);
        let booked: Vec<Result<(), Errno>> = thread::scope(|scope| {
            let reporting = |task: TaskId| loop {
                // A call of one of the threads is under way: once more.
                match crowd.tree.report_exit(task, killed, &Rusage { utime_ns: 1, ..Rusage::default() }) {
                    Err(Errno::E_STATE) => thread::yield_now(),
                    outcome => return outcome,
                }
            };
            let reports = [process, threads[1]].map(|task| scope.spawn(move || reporting(task)));
            let cloning = scope.spawn(|| {
                for _ in 0..200 {
                    match crowd.try_thread(threads[0]) {
                        // The report is looking at it.
                        Ok(_) | Err(Errno::E_STATE) => {}
                        Err(refused) => {
                            assert!(matches!(refused, Errno::EINTR | Errno::ESRCH), "{refused:?}");
                            break;
                        }
                    }
                }
            });
            let outcomes = reports.into_iter().map(|report| report.join().unwrap()).collect();
            cloning.join().unwrap();
            outcomes
        });
        assert!(booked.iter().all(|outcome| matches!(outcome, Ok(()) | Err(Errno::ESRCH))), "{booked:?}");
        assert!(booked.contains(&Ok(())), "somebody's report is booked");
        let found = crowd.wait_now(crowd.init, WaitFor::All, WaitOptions::empty()).unwrap();
        let found = found.expect("the process is dead, with all of its threads");
        assert_eq!((found.task, found.change, found.usage.utime_ns), (process, killed.into(), 1));
    }
    crowd.nothing_remains();
}

/// Two threads of a process gather their children in groups and wait for them by group, while others move
/// theirs and die; a child here and there begins a session.
#[test]
fn a_wait_by_group_finds_the_members() {
    let crowd = Crowd::new();
    let parent = crowd.fork(crowd.init);
    let workers: Vec<TaskId> = (0..3).map(|_| crowd.thread(parent)).collect();
    thread::scope(|scope| {
        for (worker, &task) in workers.iter().enumerate() {
            let crowd = &crowd;
            scope.spawn(move || {
                while crowd.has_time() {
                    let members: Vec<TaskId> = (0..4).map(|_| crowd.fork(task)).collect();
                    let loner = crowd.fork(task);
                    let group = crowd.pid(members[0]);
                    assert_eq!(crowd.tree.setsid(loner), Ok(crowd.pid(loner)));
                    assert_eq!(crowd.tree.setpgid(task, crowd.pid(loner), group), Err(Errno::EPERM));
                    for &member in &members {
                        crowd.tree.setpgid(task, crowd.pid(member), group).unwrap();
                    }
                    let dying = scope.spawn(move || {
                        // One leaves the group before it dies, and makes one of its own.
                        crowd.tree.setpgid(members[3], 0, 0).unwrap();
                        members.iter().for_each(|&member| crowd.exit(member, 5));
                        (members, loner)
                    });
                    let mut left = 3;
                    let members = loop {
                        match crowd.wait(task, worker, WaitFor::Pgid(group), WaitOptions::WNOTHREAD) {
                            Ok(found) => {
                                assert_eq!(found.change, exited(5).into());
                                left -= 1;
                            }
                            Err(errno) => {
                                assert_eq!((errno, left), (Errno::ECHILD, 0), "the group is empty, not before");
                                break dying.join().unwrap().0;
                            }
                        }
                    };
                    let last = crowd.wait_now(task, WaitFor::Pgid(crowd.pid(members[3])), WaitOptions::empty());
                    assert_eq!(last.unwrap().map(|found| found.task), Some(members[3]));
                    crowd.exit(loner, 0);
                    let alone = crowd.wait_now(task, WaitFor::Task(loner), WaitOptions::empty()).unwrap();
                    assert!(alone.is_some());
                }
            });
        }
    });
    workers.iter().for_each(|&worker| crowd.exit(worker, 0));
    crowd.exit(parent, 0);
    crowd.reap_all(crowd.init, 1);
    crowd.nothing_remains();
}

/// Parents die while their children make threads and die themselves: who has asked is told of the death once, by
/// then has the new parent, and who has not asked, or was born to a child, is told nothing.
#[test]
fn the_death_of_a_parent_is_told_once() {
    let crowd = Crowd::new();
    while crowd.has_time() {
        let parent = crowd.fork(crowd.init);
        let children: Vec<TaskId> = (0..4).map(|_| crowd.fork(parent)).collect();
        let asks = |task| crowd.tree.set_attr(task, Attr::Pdeathsig(Some(DEATH_OF_PARENT))).unwrap();
        children[..3].iter().for_each(|&child| asks(child));
        let grandchild = thread::scope(|scope| {
            let forking = scope.spawn(|| {
                crowd.exit(children[2], 0);
                crowd.fork(children[0])
            });
            crowd.exit(parent, 0);
            forking.join().unwrap()
        });
        let told: Vec<u8> = children.iter().chain([&grandchild]).map(|&task| crowd.deaths_of_parents(task)).collect();
        assert_eq!((told[0], told[1], told[3], told[4]), (1, 1, 0, 0), "{told:?}");
        assert!(told[2] <= 1, "{told:?}");
        for &task in [children[0], children[1], children[3]].iter().chain([&grandchild]) {
            crowd.exit(task, 0);
        }
        crowd.reap_all(crowd.init, 6);
    }
    crowd.nothing_remains();
}

/// Waits are cancelled while the child dies that they are for: either the cancelling says that the wait had fired,
/// and the host was told to wake, or neither. The child is there for the next wait.
#[test]
fn a_wait_is_cancelled_or_fires() {
    const WAITERS: usize = 3;
    let crowd = Crowd::new();
    let parent = crowd.fork(crowd.init);
    let waiters: Vec<TaskId> = (0..WAITERS).map(|_| crowd.thread(parent)).collect();
    let mut counts = [0, 0];
    while crowd.has_time() {
        let child = crowd.fork(parent);
        for (cookie, &waiter) in waiters.iter().enumerate() {
            let options = WaitOptions::WEXITED;
            let request = WaitRequest { which: WaitFor::All, options, cookie: cookie as u64 };
            assert_eq!(crowd.tree.wait(waiter, &request), Ok(Waited::Armed));
        }
        let had_fired: Vec<bool> = thread::scope(|scope| {
            scope.spawn(|| crowd.exit(child, 1));
            let cancel = |(cookie, &waiter)| crowd.tree.wait_cancel(waiter, cookie as u64).unwrap();
            waiters.iter().enumerate().map(cancel).collect()
        });
        for (cookie, &had_fired) in had_fired.iter().enumerate() {
            assert_eq!(crowd.was_woken(cookie), had_fired, "a wait that was cancelled is not woken, one that fired is");
            counts[usize::from(had_fired)] += 1;
        }
        let found = crowd.wait_now(parent, WaitFor::All, WaitOptions::empty()).unwrap();
        assert_eq!(found.map(|found| found.task), Some(child));
    }
    assert!(!counts.contains(&0), "one never came first: {counts:?}");
    waiters.iter().for_each(|&waiter| crowd.exit(waiter, 0));
    crowd.exit(parent, 0);
    crowd.reap_all(crowd.init, 1);
    crowd.nothing_remains();
}
