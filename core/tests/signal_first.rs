//! A parent has SIGCHLD before a wait reports its child: between threads, and when the host calls back.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use ptexit_core::host::{Event, Host};
use ptexit_core::ids::TaskId;
use ptexit_core::tree::{CloneArgs, CloneKind, Options, Tree, WaitFor, WaitRequest, Waited};
use ptexit_core::uapi::{Errno, Rusage, Signal, WaitOptions, WaitStatus};

type OnSignal = Box<dyn Fn(TaskId, u32) + Send + Sync>;

/// A host that notes for each process ID how many SIGCHLDs told of it, and may do something besides.
struct Told {
    about: Vec<AtomicU32>,
    on_signal: OnceLock<OnSignal>,
}

impl Host for Told {
    fn event(&self, event: &Event) {
        if let Event::Signal { target, info, .. } = event {
            self.about[info.pid as usize].fetch_add(1, SeqCst);
            if let Some(on_signal) = self.on_signal.get() {
                on_signal(*target, info.pid);
            }
        }
    }
}

const ROUNDS: u32 = 20_000;

fn tree() -> Tree<Told> {
    let about = (0..ROUNDS * 2 + 1000).map(|_| AtomicU32::new(0)).collect();
    Tree::new(Told { about, on_signal: OnceLock::new() }, Options::default()).unwrap()
}

fn clone_args(kind: CloneKind) -> CloneArgs {
    CloneArgs { kind, exit_signal: Some(Signal::SIGCHLD), pid: 0, cookie: 0 }
}

fn make(tree: &Tree<Told>, parent: TaskId, kind: CloneKind) -> TaskId {
    let task = tree.clone_begin(parent, &clone_args(kind)).unwrap();
    tree.clone_commit(task).unwrap();
    task
}

fn exit(tree: &Tree<Told>, task: TaskId) {
    tree.exit_begin(task, WaitStatus::exited(0)).unwrap();
    tree.exit_finish(task, &Rusage::default()).unwrap();
}

fn poll(tree: &Tree<Told>, waiter: TaskId, which: WaitFor, more: WaitOptions) -> Result<Waited, Errno> {
    let options = WaitOptions::WEXITED | WaitOptions::WNOHANG | more;
    tree.wait(waiter, &WaitRequest { which, options, cookie: 0 })
}

/// Ends the other thread when this one is done, or fails.
struct StopOnDrop<'s>(&'s AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn no_wait_is_faster_than_the_signal() {
    let tree = tree();
    let init = tree.init(&clone_args(CloneKind::Process)).unwrap();
    let (next, stop) = (Mutex::new(None::<TaskId>), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(SeqCst) {
                if let Some(child) = next.lock().unwrap().take() {
                    exit(&tree, child);
                }
            }
        });
        let _stop = StopOnDrop(&stop);
        for round in 0..ROUNDS {
            let child = make(&tree, init, CloneKind::Process);
            *next.lock().unwrap() = Some(child);
            let more = if round % 3 == 0 { WaitOptions::WNOWAIT } else { WaitOptions::empty() };
            let found = loop {
                match poll(&tree, init, WaitFor::All, more).unwrap() {
                    Waited::Child(found) => break found,
                    _ => std::hint::spin_loop(),
                }
            };
            assert_eq!(tree.host().about[found.pid as usize].load(SeqCst), 1, "reported, round {round}");
            if round % 3 == 0 {
                assert!(matches!(poll(&tree, init, WaitFor::All, WaitOptions::empty()), Ok(Waited::Child(_))));
            }
        }
    });
    assert!(tree.host().about.iter().all(|count| count.load(SeqCst) <= 1), "signalled twice");
}

#[test]
fn a_host_may_reap_from_within_the_callback() {
    let tree = Arc::new(tree());
    let init = tree.init(&clone_args(CloneKind::Process)).unwrap();
    let within: Weak<Tree<Told>> = Arc::downgrade(&tree);
    let reap = move |parent, _| {
        let found = poll(&within.upgrade().unwrap(), parent, WaitFor::All, WaitOptions::empty());
        assert!(matches!(found, Ok(Waited::Child(_))), "{found:?}");
    };
    assert!(tree.host().on_signal.set(Box::new(reap)).is_ok());
    let start = Instant::now();
    for _ in 0..ROUNDS {
        exit(&tree, make(&tree, init, CloneKind::Process));
    }
    assert_eq!(poll(&tree, init, WaitFor::All, WaitOptions::empty()), Err(Errno::ECHILD));
    // Waiting for itself would take some thousand yields each time.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// Two callbacks that each wait for the child which the other one tells of come to an end.
#[test]
fn callbacks_that_reap_crosswise_do_not_stop_each_other() {
    let tree = Arc::new(tree());
    let init = tree.init(&clone_args(CloneKind::Process)).unwrap();
    let children = [make(&tree, init, CloneKind::Process), make(&tree, init, CloneKind::Process)];
    let pids = children.map(|child| tree.task_info(child).unwrap().tgid);
    let (within, inside) = (Arc::downgrade(&tree), AtomicU32::new(0));
    let reap_the_other = move |parent, about| {
        inside.fetch_add(1, SeqCst);
        while inside.load(SeqCst) < 2 {
            std::hint::spin_loop();
        }
        let other = if about == pids[0] { pids[1] } else { pids[0] };
        let found = poll(&within.upgrade().unwrap(), parent, WaitFor::Pid(other), WaitOptions::empty());
        assert!(matches!(found, Ok(Waited::Child(_))), "{found:?}");
    };
    assert!(tree.host().on_signal.set(Box::new(reap_the_other)).is_ok());
    std::thread::scope(|scope| {
        for child in children {
            let tree = &tree;
            scope.spawn(move || exit(tree, child));
        }
    });
    assert_eq!(poll(&tree, init, WaitFor::All, WaitOptions::empty()), Err(Errno::ECHILD));
}

/// More zombies inherited at once than one delivery holds: each is told once, and its wait tells nothing more.
#[test]
fn many_inherited_zombies_are_told_once_each() {
    let tree = tree();
    let init = tree.init(&clone_args(CloneKind::Process)).unwrap();
    let parent = make(&tree, init, CloneKind::Process);
    for _ in 0..50 {
        exit(&tree, make(&tree, parent, CloneKind::Process));
    }
    // They told their first parent.
    tree.host().about.iter().for_each(|count| count.store(0, SeqCst));
    exit(&tree, parent);
    for _ in 0..51 {
        assert!(matches!(poll(&tree, init, WaitFor::All, WaitOptions::empty()), Ok(Waited::Child(_))));
    }
    let told: Vec<u32> = tree.host().about.iter().map(|count| count.load(SeqCst)).filter(|&count| count > 0).collect();
    assert_eq!(told, [1; 51]);
}
