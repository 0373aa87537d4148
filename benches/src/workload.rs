//! What is measured: one host thread in the role of one parent, and how long its calls take.

use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::time::{Duration, Instant};

use crate::system::{Found, System, Which};

/// A host thread that plays one task. Aligned so that two of them side by side share no cache line.
#[repr(align(128))]
pub struct Caller<S: System> {
    system: Arc<S>,
    worker: S::Worker,
    task: S::Task,
    pid: u32,
    /// Waits that found nothing although a child had exited. None are expected; a report mentions them.
    pub retries: u64,
}

/// A parent with living children, for waits that find nothing.
pub struct Family<S: System> {
    /// The parent.
    pub caller: Caller<S>,
    /// A child in the middle of the birth order.
    pub middle: Which,
    /// The process group of all children but the youngest.
    pub group: Which,
    /// The process group of the youngest child alone.
    pub youngest: Which,
}

/// A call or a few of them, by one caller.
pub type Operation<S> = Box<dyn FnMut(&mut Caller<S>)>;

impl<S: System> Caller<S> {
    /// A parent in a tree of its own: a child of init, leader of its own process group.
    pub fn alone() -> Caller<S> {
        let (system, init) = S::new();
        Caller::below(&Arc::new(system), init)
    }

    /// Two parents in one tree, each with children of its own.
    pub fn disjoint_pair() -> [Caller<S>; 2] {
        let (system, init) = S::new();
        let system = Arc::new(system);
        [Caller::below(&system, init), Caller::below(&system, init)]
    }

    /// Two threads of one parent.
    pub fn shared_pair() -> [Caller<S>; 2] {
        let mut first = Caller::<S>::alone();
        let system = Arc::clone(&first.system);
        let task = system.thread(&mut first.worker, first.task);
        let worker = system.worker();
        let second = Caller { system, worker, task, pid: first.pid, retries: 0 };
        [first, second]
    }

    /// Init, after `families` daemons have come to it that live on, each from a parent of its own.
    pub fn with_daemons(families: u32) -> Caller<S> {
        let (system, init) = S::new();
        let mut worker = system.worker();
        for _ in 0..families {
            let (parent, pid) = system.fork_pid(&mut worker, init);
            system.fork(&mut worker, parent);
            system.exit(&mut worker, parent, 7);
            assert_eq!(system.wait(&mut worker, init, Which::Pid(pid)), Found::Child { pid, code: 7 }, "{}", S::NAME);
        }
        Caller { system: Arc::new(system), worker, task: init, pid: 1, retries: 0 }
    }

    fn below(system: &Arc<S>, init: S::Task) -> Caller<S> {
        let system = Arc::clone(system);
        let mut worker = system.worker();
        let (task, pid) = system.fork_pid(&mut worker, init);
        system.lead_group(&mut worker, task);
        Caller { system, worker, task, pid, retries: 0 }
    }

    /// A child is born, exits, and is waited for as any child. With a shared parent it may be the other
    /// thread's child that is reaped.
    pub fn lifecycle(&mut self) {
        let child = self.system.fork(&mut self.worker, self.task);
        self.system.exit(&mut self.worker, child, 7);
        self.reap(Which::All);
    }

    /// A child is born, exits, and is waited for by its process ID.
    pub fn lifecycle_by_pid(&mut self) {
        let (child, pid) = self.system.fork_pid(&mut self.worker, self.task);
        self.system.exit(&mut self.worker, child, 7);
        self.reap(Which::Pid(pid));
    }

    /// A thread of the parent is born and exits.
    pub fn thread_lifecycle(&mut self) {
        let thread = self.system.thread(&mut self.worker, self.task);
        self.system.exit(&mut self.worker, thread, 0);
    }

    /// A wait while all matching children live.
    pub fn empty_wait(&mut self, which: Which) {
        let found = self.system.wait(&mut self.worker, self.task, black_box(which));
        assert_eq!(found, Found::Nothing, "{}: wait for {which:?}", S::NAME);
    }

    fn reap(&mut self, which: Which) {
        for _ in 0..1_000_000 {
            match self.system.wait(&mut self.worker, self.task, black_box(which)) {
                Found::Child { code: 7, .. } => return,
                Found::Nothing => self.retries += 1,
                other => panic!("{}: wait for {which:?} found {other:?}", S::NAME),
            }
        }
        panic!("{}: wait for {which:?} never found the child that had exited", S::NAME);
    }
}

impl<S: System> Family<S> {
    /// A parent with `children` living children.
    pub fn new(children: u32) -> Family<S> {
        let mut caller = Caller::<S>::alone();
        let mut middle = 0;
        for born in 0..children {
            let (child, pid) = caller.system.fork_pid(&mut caller.worker, caller.task);
            if born == children / 2 {
                middle = pid;
            }
            if born + 1 == children {
                caller.system.lead_group(&mut caller.worker, child);
                let (group, youngest) = (Which::Group(caller.pid), Which::Group(pid));
                return Family { caller, middle: Which::Pid(middle), group, youngest };
            }
        }
        panic!("a family has children");
    }
}

/// Nanoseconds an operation, of as many as fit into `slice`, but at least one.
pub fn time(slice: Duration, mut operation: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut done = 0_u64;
    let mut batch = 1;
    loop {
        for _ in 0..batch {
            operation();
        }
        done += batch;
        let elapsed = start.elapsed();
        if elapsed >= slice {
            return elapsed.as_nanos() as f64 / done as f64;
        }
        batch = (batch * 2).min(1024);
    }
}

/// Nanoseconds an operation when both callers work at once: the time over the operations of both.
pub fn time_pair<S: System>(slice: Duration, pair: &mut [Caller<S>; 2], operation: fn(&mut Caller<S>)) -> f64 {
    let ready = AtomicU32::new(0);
    let stop = AtomicBool::new(false);
    let line_up = || {
        ready.fetch_add(1, Release);
        let started = Instant::now();
        while ready.load(Acquire) < 2 {
            // Both threads may have to share a processor if the machine is busy.
            if started.elapsed() > Duration::from_millis(1) {
                std::thread::yield_now();
            }
            spin_loop();
        }
    };
    let [first, second] = pair;
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            line_up();
            let mut done = 0_u64;
            while !stop.load(Acquire) {
                for _ in 0..16 {
                    operation(second);
                }
                done += 16;
            }
            done
        });
        line_up();
        let start = Instant::now();
        let mut done = 0_u64;
        let elapsed = loop {
            for _ in 0..16 {
                operation(first);
            }
            done += 16;
            let elapsed = start.elapsed();
            if elapsed >= slice {
                break elapsed;
            }
        };
        stop.store(true, Release);
        let done = done + other.join().expect("the other caller has not panicked");
        elapsed.as_nanos() as f64 / done as f64
    })
}
