//! Stop signals and SIGCONT from several threads at once, on a process whose threads stop and go on meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ptexit_core::host::{Event, Host};
use ptexit_core::ids::TaskId;
use ptexit_core::tree::*;
use ptexit_core::uapi::{Change, ChildCode, SI_USER, Signal, WaitOptions};

const THREADS: usize = 3;
const STOP: Signal = Signal::SIGSTOP;

/// What the host keeps: tokens by cookie, the stop signals that are pending, and what the parent was told.
#[derive(Default)]
struct Kept {
    interrupted: [AtomicBool; THREADS + 1],
    pending: Mutex<Vec<u32>>,
    stops: AtomicU32,
    continuations: AtomicU32,
}

#[derive(Clone, Default)]
struct Keeper(Arc<Kept>);

impl Host for Keeper {
    fn event(&self, event: &Event) {
        match *event {
            Event::Interrupt { cookie, .. } => self.0.interrupted[cookie as usize].store(true, SeqCst),
            Event::Signal { info, ticket, .. } if info.signal == STOP => self.0.pending.lock().unwrap().push(ticket),
            Event::Signal { info, .. } if info.code == ChildCode::Stopped as i32 => {
                self.0.stops.fetch_add(1, SeqCst);
            }
            Event::Signal { info, .. } if info.code == ChildCode::Continued as i32 => {
                self.0.continuations.fetch_add(1, SeqCst);
            }
            Event::Discard { signals, ticket, .. } if signals.contains(STOP) => {
                self.0.pending.lock().unwrap().retain(|&pending| !is_older(pending, ticket));
            }
            _ => {}
        }
    }
}

/// A host thread that runs one task until the storm is over: it takes stop signals, stops and sleeps.
fn run(tree: &Tree<Keeper>, task: TaskId, cookie: usize, over: &AtomicBool) {
    let kept = &tree.host().0;
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < patience, "a thread stays stopped, and nobody wakes it");
        kept.interrupted[cookie].store(false, SeqCst);
        let mut verdict = tree.task_poll(task).unwrap();
        if verdict == Verdict::Run
            && let Some(ticket) = { kept.pending.lock().unwrap().pop() }
        {
            verdict = tree.begin_stop(task, STOP, ticket).unwrap();
        } else if let Verdict::Stop(_) = verdict {
            verdict = tree.task_stopped(task).unwrap();
        }
        match verdict {
            Verdict::Run if over.load(SeqCst) => return,
            Verdict::Run => thread::yield_now(),
            Verdict::Stop(_) => {
                while !kept.interrupted[cookie].load(SeqCst) {
                    assert!(Instant::now() < patience, "a thread stays stopped, and nobody wakes it");
                    thread::yield_now();
                }
            }
            Verdict::Exit(status) => panic!("nobody sent {status:?}"),
        }
    }
}

fn clone(tree: &Tree<Keeper>, parent: TaskId, kind: CloneKind, cookie: u64) -> TaskId {
    let args = CloneArgs { kind, exit_signal: Some(Signal::SIGCHLD), pid: 0, cookie };
    let child = tree.clone_begin(parent, &args).unwrap();
    tree.clone_commit(child).unwrap();
    child
}

#[test]
fn everybody_goes_on_after_the_last_sigcont() {
    let tree = Tree::new(Keeper::default(), Options::default()).unwrap();
    let init = tree.init(&CloneArgs { kind: CloneKind::Process, exit_signal: None, pid: 0, cookie: 0 }).unwrap();
    let leader = clone(&tree, init, CloneKind::Process, 1);
    let mut tasks = vec![leader];
    tasks.extend((2..=THREADS).map(|cookie| clone(&tree, leader, CloneKind::Thread, cookie as u64)));
    let send = |signal| {
        let target = SignalTarget::Process(leader);
        tree.signal(Some(init), SignalArgs { target, signal: Some(signal), code: SI_USER }).unwrap();
    };
    let over = AtomicBool::new(false);
    let mut reported = (0, 0);
    thread::scope(|scope| {
        for (index, &task) in tasks.iter().enumerate() {
            let (tree, over) = (&tree, &over);
            scope.spawn(move || run(tree, task, index + 1, over));
        }
        let senders: Vec<_> = [1, 3]
            .map(|pace| {
                let send = &send;
                scope.spawn(move || {
                    for round in 0..3_000 {
                        send(STOP);
                        (0..round % 7 * pace).for_each(|_| thread::yield_now());
                        send(Signal::SIGCONT);
                    }
                })
            })
            .into();
        let options = WaitOptions::WSTOPPED | WaitOptions::WCONTINUED | WaitOptions::WNOHANG;
        let any = WaitRequest { which: WaitFor::All, options, cookie: 1 };
        while senders.iter().any(|sender| !sender.is_finished()) {
            match tree.wait(init, &any).unwrap() {
                Waited::Child(result) if result.change == Change::Continued => reported.1 += 1,
                Waited::Child(result) => {
                    assert_eq!(result.change, Change::Stopped(STOP));
                    reported.0 += 1;
                }
                _ => thread::yield_now(),
            }
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        send(Signal::SIGCONT);
        over.store(true, SeqCst);
    });
    let kept = &tree.host().0;
    let (stops, continuations) = (kept.stops.load(SeqCst), kept.continuations.load(SeqCst));
    assert!(reported.0 <= stops, "{} stops were reported, {stops} told", reported.0);
    assert!(continuations <= stops, "{continuations} continuations, {stops} stops");
    for &task in &tasks {
        assert_eq!(tree.task_info(task).unwrap().state, TaskState::Running);
    }
    // What is left works as at first.
    send(STOP);
    let ticket = kept.pending.lock().unwrap().pop().unwrap();
    assert_eq!(tree.begin_stop(leader, STOP, ticket), Ok(Verdict::Stop(STOP)));
    for &task in &tasks[1..] {
        assert_eq!(kept.stops.load(SeqCst), stops);
        assert_eq!(tree.task_stopped(task), Ok(Verdict::Stop(STOP)));
    }
    assert_eq!(kept.stops.load(SeqCst), stops + 1);
}
