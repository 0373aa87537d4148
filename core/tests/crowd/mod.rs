//! A tree, a host that counts what it is told, and the rules that hold whatever happens.
#![allow(dead_code, reason = "each test file uses its part")]

use std::env;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use ptexit_core::host::{Event, Host};
use ptexit_core::ids::TaskId;
use ptexit_core::tree::{
    Attr, AttrKind, CloneArgs, CloneKind, ListFilter, Options, Tree, WaitFor, WaitRequest, WaitResult, Waited,
};
use ptexit_core::uapi::{Errno, Rusage, Signal, WaitOptions, WaitStatus};

/// More tasks than a test makes.
const TASKS: usize = 1 << 20;
/// More numbers than that, so that none is used again.
const NUMBERS: u32 = 1 << 21;
const WAITERS: usize = 16;
/// How many dead may be waiting to be found before births wait.
const BACKLOG: u64 = 100;

/// What tasks ask to be sent when their parent dies.
pub const DEATH_OF_PARENT: Signal = Signal::SIGUSR2;

pub fn exited(code: i32) -> WaitStatus {
    WaitStatus::exited(code)
}

/// What the host has been told of each task, by cookie.
pub struct Told {
    reaped: Vec<AtomicU8>,
    interrupted: Vec<AtomicBool>,
    /// SIGCHLD was sent for it; by process ID, which is not used again within a test.
    announced: Vec<AtomicBool>,
    /// A wait has found it; by process ID.
    found: Vec<AtomicBool>,
    /// Parent-death signals sent to it.
    orphaned: Vec<AtomicU8>,
    reaped_in_all: AtomicU64,
    freed_in_all: AtomicU64,
    woken: [AtomicBool; WAITERS],
}

impl Host for Told {
    fn event(&self, event: &Event) {
        match *event {
            Event::Reaped { cookie, .. } => {
                assert_eq!(self.reaped[cookie as usize].fetch_add(1, SeqCst), 0, "a task is reaped once");
                self.reaped_in_all.fetch_add(1, SeqCst);
            }
            Event::Interrupt { cookie, .. } => self.interrupted[cookie as usize].store(true, SeqCst),
            Event::Signal { info, .. } if info.signal == Signal::SIGCHLD => {
                self.announced[info.pid as usize].store(true, SeqCst);
            }
            Event::Signal { cookie, info, .. } if info.signal == DEATH_OF_PARENT => {
                self.orphaned[cookie as usize].fetch_add(1, SeqCst);
            }
            Event::PidFree { .. } => {
                self.freed_in_all.fetch_add(1, SeqCst);
            }
            Event::Wake { wait, .. } => self.woken[wait as usize].store(true, SeqCst),
            _ => {}
        }
    }
}

/// A tree with init in it.
pub struct Crowd {
    pub tree: Tree<Told>,
    pub init: TaskId,
    next_cookie: AtomicU64,
    created: AtomicU64,
    refused: AtomicU64,
    end: Instant,
}

fn zeroed<T: Default>(count: usize) -> Vec<T> {
    (0..count).map(|_| T::default()).collect()
}

impl Crowd {
    pub fn new() -> Crowd {
        let told = Told {
            reaped: zeroed(TASKS),
            interrupted: zeroed(TASKS),
            announced: zeroed(NUMBERS as usize + 1),
            found: zeroed(NUMBERS as usize + 1),
            orphaned: zeroed(TASKS),
            reaped_in_all: AtomicU64::new(0),
            freed_in_all: AtomicU64::new(0),
            woken: Default::default(),
        };
        let tree = Tree::new(told, Options { pid_max: NUMBERS, ..Options::default() }).unwrap();
        let init = tree.init(&CloneArgs { kind: CloneKind::Process, exit_signal: None, pid: 0, cookie: 0 }).unwrap();
        let seconds = env::var("SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(3.0);
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        Crowd {
            tree,
            init,
            next_cookie: AtomicU64::new(1),
            created: AtomicU64::new(1),
            refused: AtomicU64::new(0),
            end,
        }
    }

    /// Until then.
    pub fn has_time(&self) -> bool {
        Instant::now() < self.end && self.next_cookie.load(SeqCst) < TASKS as u64 - 100_000
    }

    fn begin(&self, caller: TaskId, kind: CloneKind) -> Result<TaskId, Errno> {
        let cookie = self.next_cookie.fetch_add(1, SeqCst);
        self.tree.clone_begin(caller, &CloneArgs { kind, exit_signal: Some(Signal::SIGCHLD), pid: 0, cookie })
    }

    /// A clone that is begun and given up.
    pub fn abort(&self, caller: TaskId, kind: CloneKind) -> Result<(), Errno> {
        let child = self.begin(caller, kind)?;
        self.tree.clone_abort(child).unwrap();
        self.refused.fetch_add(1, SeqCst);
        Ok(())
    }

    pub fn create(&self, caller: TaskId, kind: CloneKind) -> Result<TaskId, Errno> {
        let child = self.begin(caller, kind)?;
        let committed = loop {
            match self.tree.clone_commit(child) {
                // A report of the caller's death is looking at it.
                Err(Errno::E_STATE) => thread::yield_now(),
                outcome => break outcome,
            }
        };
        if let Err(refused) = committed {
            // Its number was taken, and is given back.
            self.refused.fetch_add(1, SeqCst);
            return Err(refused);
        }
        self.created.fetch_add(1, SeqCst);
        Ok(child)
    }

    pub fn fork(&self, parent: TaskId) -> TaskId {
        self.create(parent, CloneKind::Process).unwrap()
    }

    pub fn thread(&self, task: TaskId) -> TaskId {
        self.try_thread(task).unwrap()
    }

    /// As `thread`, where it may be refused.
    pub fn try_thread(&self, task: TaskId) -> Result<TaskId, Errno> {
        self.create(task, CloneKind::Thread)
    }

    pub fn exit(&self, task: TaskId, code: i32) {
        self.tree.exit_begin(task, exited(code)).unwrap();
        self.tree.exit_finish(task, &Rusage::default()).unwrap();
    }

    pub fn pid(&self, task: TaskId) -> u32 {
        self.tree.task_info(task).unwrap().tid
    }

    /// Whether the host was told that this task must exit. The task must be there.
    pub fn is_told_to_exit(&self, task: TaskId) -> bool {
        self.tree.host().interrupted[self.cookie(task)].load(SeqCst)
    }

    fn cookie(&self, task: TaskId) -> usize {
        match self.tree.get_attr(task, AttrKind::Cookie) {
            Ok(Attr::Cookie(cookie)) => cookie as usize,
            other => panic!("the task is there: {other:?}"),
        }
    }

    /// How many parent-death signals it was sent. The task must be there.
    pub fn deaths_of_parents(&self, task: TaskId) -> u8 {
        self.tree.host().orphaned[self.cookie(task)].load(SeqCst)
    }

    /// Whether a wait with this cookie has been woken since this was last asked.
    pub fn was_woken(&self, worker: usize) -> bool {
        self.tree.host().woken[worker].swap(false, SeqCst)
    }

    /// A wait that does not block.
    pub fn wait_now(&self, task: TaskId, which: WaitFor, options: WaitOptions) -> Result<Option<WaitResult>, Errno> {
        let options = options | WaitOptions::WEXITED | WaitOptions::WNOHANG;
        match self.tree.wait(task, &WaitRequest { which, options, cookie: 0 })? {
            Waited::Child(found) => {
                self.note_found(&found);
                Ok(Some(found))
            }
            Waited::Nothing => Ok(None),
            Waited::Armed => panic!("WNOHANG does not arm"),
        }
    }

    /// A wait that blocks; `worker` is its own number among those that wait at the same time.
    pub fn wait(&self, task: TaskId, worker: usize, which: WaitFor, options: WaitOptions) -> Result<WaitResult, Errno> {
        let options = options | WaitOptions::WEXITED;
        let request = WaitRequest { which, options, cookie: worker as u64 };
        let woken = &self.tree.host().woken[worker];
        loop {
            match self.tree.wait(task, &request)? {
                Waited::Child(found) => {
                    self.note_found(&found);
                    return Ok(found);
                }
                Waited::Nothing => panic!("a wait without WNOHANG finds something, fails or is armed"),
                Waited::Armed => {}
            }
            let patience = Instant::now() + Duration::from_secs(20);
            while !woken.swap(false, SeqCst) {
                assert!(Instant::now() < patience, "a wait sleeps for ever: {which:?}");
                thread::yield_now();
            }
        }
    }

    /// Takes dead children of any kind, each with this status, until `done` and none is left. The process
    /// must have a child that lives throughout: an ECHILD would be wrong.
    pub fn collect(&self, task: TaskId, status: WaitStatus, found: &AtomicU64, done: &AtomicBool) {
        loop {
            let finished = done.load(SeqCst);
            match self.wait_now(task, WaitFor::All, WaitOptions::empty()).unwrap() {
                Some(child) => {
                    assert_eq!(child.change, status.into());
                    found.fetch_add(1, SeqCst);
                }
                None if finished => return,
                None => thread::yield_now(),
            }
        }
    }

    /// Births wait here until most of the dead are found.
    pub fn keep_pace(&self, born: &AtomicU64, found: &AtomicU64) {
        while born.load(SeqCst) > found.load(SeqCst) + BACKLOG && self.has_time() {
            thread::yield_now();
        }
    }

    fn note_found(&self, child: &WaitResult) {
        self.tree.host().found[child.pid as usize].store(true, SeqCst);
    }

    /// Reaps that many dead children of `parent`.
    pub fn reap_all(&self, parent: TaskId, count: u64) {
        for found in 0..count {
            let next = self.wait_now(parent, WaitFor::All, WaitOptions::empty());
            assert!(matches!(next, Ok(Some(_))), "{found} of {count} children are found, then {next:?}");
        }
    }

    /// Only init is left; every other task was reaped once, and every number but init's is free.
    pub fn nothing_remains(&self) {
        let mut tasks = [self.init; 4];
        assert_eq!(self.tree.list(ListFilter::Processes, &mut tasks), Ok(1));
        let others = self.created.load(SeqCst) - 1;
        assert_eq!(self.tree.host().reaped_in_all.load(SeqCst), others, "every task is reaped");
        let numbers = others + self.refused.load(SeqCst);
        let told = self.tree.host();
        assert_eq!(told.freed_in_all.load(SeqCst), numbers, "every number is free again");
        let silent = told.found.iter().zip(&told.announced).position(|(f, a)| f.load(SeqCst) && !a.load(SeqCst));
        assert_eq!(silent, None, "SIGCHLD was sent for everybody who was found by a wait");
    }
}
