//! The library itself, with a host that does the least a host must: it keeps the set of pending signals.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crossbeam_utils::CachePadded;
use ptexit_core::host::{Event, Host};
use ptexit_core::ids::TaskId;
use ptexit_core::tree::{CloneArgs, CloneKind, Options, Tree, WaitFor, WaitRequest, Waited};
use ptexit_core::uapi::{Errno, Rusage, Signal, WaitOptions, WaitStatus};

use crate::system::{Found, System, Which};

/// The signals pending anywhere. Nobody takes them, as with a parent that blocks SIGCHLD and waits, so
/// that after the first one the host only reads.
#[derive(Debug, Default)]
struct Pending(CachePadded<AtomicU64>);

impl Host for Pending {
    fn event(&self, event: &Event) {
        if let Event::Signal { info, .. } = event {
            let bit = 1 << (info.signal.number() - 1);
            if self.0.load(Relaxed) & bit == 0 {
                self.0.fetch_or(bit, Relaxed);
            }
        }
    }
}

/// A tree and its host.
#[derive(Debug)]
pub struct Product {
    tree: Tree<Pending>,
}

impl Product {
    fn clone_task(&self, caller: TaskId, kind: CloneKind) -> TaskId {
        let args = CloneArgs { kind, exit_signal: Some(Signal::SIGCHLD), pid: 0, cookie: 0 };
        let child = self.tree.clone_begin(caller, &args).expect("there is room for one more task");
        self.tree.clone_commit(child).expect("the caller is alive");
        child
    }
}

impl System for Product {
    const NAME: &'static str = "product";
    type Task = TaskId;
    type Worker = ();

    fn new() -> (Self, TaskId) {
        let tree = Tree::new(Pending::default(), Options::default()).expect("the default options are valid");
        let args = CloneArgs { kind: CloneKind::Process, exit_signal: None, pid: 0, cookie: 0 };
        let init = tree.init(&args).expect("the tree is empty");
        (Product { tree }, init)
    }

    fn worker(&self) {}

    fn thread(&self, _: &mut (), parent: TaskId) -> TaskId {
        self.clone_task(parent, CloneKind::Thread)
    }

    fn fork(&self, _: &mut (), parent: TaskId) -> TaskId {
        self.clone_task(parent, CloneKind::Process)
    }

    fn fork_pid(&self, worker: &mut (), parent: TaskId) -> (TaskId, u32) {
        let child = self.fork(worker, parent);
        let info = self.tree.task_info(child).expect("the child is alive");
        (child, info.tid)
    }

    fn exit(&self, _: &mut (), task: TaskId, code: u8) {
        let usage = Rusage { utime_ns: 1, ..Rusage::default() };
        self.tree.exit_begin(task, WaitStatus::exited(code.into())).expect("the task is alive");
        self.tree.exit_finish(task, &usage).expect("the task has begun to exit");
    }

    fn wait(&self, _: &mut (), parent: TaskId, which: Which) -> Found {
        let which = match which {
            Which::All => WaitFor::All,
            Which::Pid(pid) => WaitFor::Pid(pid),
            Which::Group(pgid) => WaitFor::Pgid(pgid),
        };
        let request = WaitRequest { which, options: WaitOptions::WEXITED | WaitOptions::WNOHANG, cookie: 0 };
        match self.tree.wait(parent, &request) {
            Ok(Waited::Child(child)) => Found::Child {
                pid: child.pid,
                code: child.change.status().and_then(|status| status.exit_code()).unwrap_or(0) as u8,
            },
            Ok(Waited::Nothing | Waited::Armed) => Found::Nothing,
            Err(Errno::ECHILD) => Found::NoChild,
            Err(error) => panic!("wait: {error}"),
        }
    }

    fn lead_group(&self, _: &mut (), task: TaskId) {
        self.tree.setpgid(task, 0, 0).expect("the task may lead a group");
    }
}
