//! Real threads on the core, and what must hold whatever they do: no child is lost, found twice or
//! announced too late, no wait fails while a child lives or sleeps for ever, and nothing remains.
//!
//! `SECONDS` sets how long each test runs (default 3).

mod crowd;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use crowd::{Crowd, exited};
use ptexit_core::ids::TaskId;
use ptexit_core::tree::{Attr, SigchldPolicy, WaitFor};
use ptexit_core::uapi::{Errno, Rusage, WaitOptions};

const WORKERS: usize = 4;

/// Each worker lives its own lives under a parent of its own.
#[test]
fn disjoint_parents_do_not_disturb_each_other() {
    let crowd = Crowd::new();
    let parents: Vec<TaskId> = (0..WORKERS).map(|_| crowd.fork(crowd.init)).collect();
    thread::scope(|scope| {
        for &parent in &parents {
            let crowd = &crowd;
            scope.spawn(move || {
                while crowd.has_time() {
                    let children: Vec<TaskId> = (0..8).map(|_| crowd.fork(parent)).collect();
                    // The youngest dies first; the oldest dead one is found first.
                    for &child in children.iter().rev() {
                        crowd.exit(child, 1);
                    }
                    for &child in &children {
                        let found = crowd.wait_now(parent, WaitFor::All, WaitOptions::empty()).unwrap();
                        assert_eq!(found.map(|result| (result.task, result.change)), Some((child, exited(1).into())));
                    }
                }
                assert_eq!(crowd.wait_now(parent, WaitFor::All, WaitOptions::empty()), Err(Errno::ECHILD));
                crowd.exit(parent, 0);
            });
        }
    });
    crowd.reap_all(crowd.init, WORKERS as u64);
    crowd.nothing_remains();
}

/// Threads of one process fork, and wait for any child or for one; others let the children die. One child
/// lives throughout, so no wait for any child may say that there is none.
#[test]
fn one_parents_children_are_each_found_once() {
    let crowd = Crowd::new();
    let parent = crowd.fork(crowd.init);
    let immortal = crowd.fork(parent);
    let (born, dead) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads: Vec<TaskId> = (0..WORKERS).map(|_| crowd.thread(parent)).collect();
    thread::scope(|scope| {
        for (worker, &task) in threads.iter().enumerate() {
            let (crowd, born, dead) = (&crowd, &born, &dead);
            scope.spawn(move || {
                let own = WaitOptions::WNOTHREAD;
                while crowd.has_time() {
                    let child = crowd.fork(task);
                    born.fetch_add(1, SeqCst);
                    if worker % 2 == 0 {
                        crowd.exit(child, 2);
                        // Anybody's child will do, and there is always one that lives.
                        if crowd.wait_now(task, WaitFor::All, WaitOptions::empty()).unwrap().is_some() {
                            dead.fetch_add(1, SeqCst);
                        }
                        continue;
                    }
                    let pid = crowd.pid(child);
                    let dying = scope.spawn(move || crowd.exit(child, 3));
                    match crowd.wait(task, worker, WaitFor::Pid(pid), own) {
                        Ok(result) => {
                            assert_eq!((result.task, result.change), (child, exited(3).into()));
                            dead.fetch_add(1, SeqCst);
                        }
                        // A wait for any child was quicker.
                        Err(errno) => assert_eq!(errno, Errno::ECHILD),
                    }
                    dying.join().unwrap();
                }
            });
        }
    });
    crowd.reap_all(parent, born.load(SeqCst) - dead.load(SeqCst));
    threads.iter().for_each(|&task| crowd.exit(task, 0));
    crowd.exit(immortal, 0);
    crowd.exit(parent, 0);
    crowd.reap_all(crowd.init, 2);
    crowd.nothing_remains();
}

/// Families whose parents and children die at the same time below a subreaper that waits: everybody comes
/// to the subreaper, and it never sees itself without children while somebody below it lives.
#[test]
fn a_subreaper_loses_nobody_in_a_storm() {
    let crowd = Crowd::new();
    let reaper = crowd.fork(crowd.init);
    crowd.tree.set_attr(reaper, Attr::Subreaper(true)).unwrap();
    let immortal = crowd.fork(reaper);
    let (born, found, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let waiter = crowd.thread(reaper);
    thread::scope(|scope| {
        let (crowd, born, found, done) = (&crowd, &born, &found, &done);
        scope.spawn(move || crowd.collect(waiter, exited(0), found, done));
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let own = crowd.thread(reaper);
                scope.spawn(move || {
                    while crowd.has_time() {
                        crowd.keep_pace(born, found);
                        // own - top - middle - leaves; a middle one that is a subreaper dies as well.
                        let top = crowd.fork(own);
                        let middle = crowd.fork(top);
                        crowd.tree.set_attr(middle, Attr::Subreaper(true)).unwrap();
                        let inner = crowd.fork(middle);
                        let leaves: Vec<TaskId> = (0..4).map(|_| crowd.fork(inner)).collect();
                        born.fetch_add(7, SeqCst);
                        thread::scope(|scope| {
                            scope.spawn(|| leaves.iter().for_each(|&leaf| crowd.exit(leaf, 0)));
                            scope.spawn(|| [inner, top].iter().for_each(|&task| crowd.exit(task, 0)));
                            crowd.exit(middle, 0);
                        });
                    }
                    crowd.exit(own, 0);
                })
            })
            .collect();
        let ends: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, SeqCst);
        ends.into_iter().for_each(|end| end.unwrap());
    });
    assert_eq!(found.load(SeqCst), born.load(SeqCst), "everybody who was born below the subreaper comes to it");
    crowd.exit(waiter, 0);
    crowd.exit(immortal, 0);
    crowd.exit(reaper, 0);
    crowd.reap_all(crowd.init, 2);
    crowd.nothing_remains();
}

/// Threads fork and exit; their children move to siblings while another thread waits. There is a child
/// throughout, on the move most of the time.
#[test]
fn children_of_dying_threads_are_never_out_of_sight() {
    let crowd = Crowd::new();
    let process = crowd.fork(crowd.init);
    let waiter = crowd.thread(process);
    let (born, found, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let first = crowd.thread(process);
    let immortal = crowd.fork(first);
    crowd.exit(first, 0);
    thread::scope(|scope| {
        let (crowd, born, found, done) = (&crowd, &born, &found, &done);
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let own = crowd.thread(process);
                scope.spawn(move || {
                    while crowd.has_time() {
                        crowd.keep_pace(born, found);
                        let parent = crowd.thread(own);
                        let children: Vec<TaskId> = (0..3).map(|_| crowd.fork(parent)).collect();
                        born.fetch_add(3, SeqCst);
                        thread::scope(|scope| {
                            scope.spawn(|| children.iter().for_each(|&child| crowd.exit(child, 4)));
                            crowd.exit(parent, 0);
                        });
                    }
                    crowd.exit(own, 0);
                })
            })
            .collect();
        scope.spawn(move || crowd.collect(waiter, exited(4), found, done));
        let ends: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, SeqCst);
        ends.into_iter().for_each(|end| end.unwrap());
    });
    assert_eq!(found.load(SeqCst), born.load(SeqCst), "each child is found");
    crowd.exit(waiter, 0);
    crowd.exit(immortal, 0);
    crowd.exit(process, 0);
    crowd.reap_all(crowd.init, 2);
    crowd.nothing_remains();
}

/// Group exit against group exit against clone: one status holds, and no thread escapes.
#[test]
fn nobody_escapes_a_group_exit() {
    let crowd = Crowd::new();
    while crowd.has_time() {
        let process = crowd.fork(crowd.init);
        let threads: Vec<TaskId> = (0..3).map(|_| crowd.thread(process)).collect();
        let late = thread::scope(|scope| {
            let cloning = scope.spawn(|| {
                let mut late = Vec::new();
                while let Ok(thread) = crowd.try_thread(threads[0]) {
                    late.push(thread);
                    if late.len() > 8 {
                        break;
                    }
                }
                late
            });
            let statuses = [(threads[1], 5), (threads[2], 6)]
                .map(|(task, code)| {
                    scope.spawn({
                        let crowd = &crowd;
                        move || crowd.tree.exit_group(task, exited(code)).unwrap()
                    })
                })
                .map(|exiting| exiting.join().unwrap());
            assert_eq!(statuses[0], statuses[1], "the first one holds for both");
            (cloning.join().unwrap(), statuses[0])
        });
        let (late, status) = late;
        assert_eq!(crowd.tree.task_info(process).unwrap().status, Some(status));
        let everybody: Vec<TaskId> = threads.iter().chain(&late).chain([&process]).copied().collect();
        let told = everybody.iter().filter(|&&task| crowd.is_told_to_exit(task)).count();
        assert_eq!(told, everybody.len() - 1, "everybody but the winner is told to exit");
        for task in everybody {
            assert_eq!(crowd.tree.exit_begin(task, exited(9)), Ok(status));
            crowd.tree.exit_finish(task, &Rusage::default()).unwrap();
        }
        let found = crowd.wait_now(crowd.init, WaitFor::All, WaitOptions::empty()).unwrap().unwrap();
        assert_eq!((found.task, found.change), (process, status.into()));
    }
    crowd.nothing_remains();
}

/// Children that reap themselves: whoever waits must learn that none is left.
#[test]
fn a_wait_for_children_that_reap_themselves_ends() {
    let crowd = Crowd::new();
    let parent = crowd.fork(crowd.init);
    let policy = SigchldPolicy { ignore: true, ..SigchldPolicy::default() };
    crowd.tree.set_attr(parent, Attr::Sigchld(policy)).unwrap();
    while crowd.has_time() {
        let children: Vec<TaskId> = (0..3).map(|_| crowd.fork(parent)).collect();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| crowd.wait(parent, 0, WaitFor::All, WaitOptions::empty()));
            children.iter().for_each(|&child| crowd.exit(child, 0));
            assert_eq!(waiting.join().unwrap(), Err(Errno::ECHILD));
        });
    }
    crowd.exit(parent, 0);
    crowd.reap_all(crowd.init, 1);
    crowd.nothing_remains();
}
