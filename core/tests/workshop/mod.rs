//! A small tree with a host that writes down what it is told, for tests of signals and stops.
#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::Mutex;

use ptexit_core::host::{Event, Host, SignalRequest};
use ptexit_core::ids::TaskId;
use ptexit_core::tree::*;
use ptexit_core::uapi::{ChildCode, Errno, Rusage, SI_USER, Signal, SignalSet, WaitOptions, WaitStatus};

#[derive(Default)]
pub struct Log {
    pub events: Mutex<Vec<Event>>,
    /// Nothing may be sent to it, whatever the rule says.
    pub protected: Mutex<Option<TaskId>>,
}

impl Host for Log {
    fn event(&self, event: &Event) {
        self.events.lock().unwrap().push(*event);
    }

    fn may_signal(&self, request: &SignalRequest) -> bool {
        request.is_allowed && *self.protected.lock().unwrap() != Some(request.target)
    }
}

pub struct World {
    pub tree: Tree<Log>,
    pub init: TaskId,
}

pub const TERM: Signal = Signal::SIGTERM;
pub const STOP: Signal = Signal::SIGSTOP;
pub const TSTP: Signal = Signal::SIGTSTP;
pub const CONT: Signal = Signal::SIGCONT;
pub const KILLED: WaitStatus = WaitStatus::signaled(Signal::SIGKILL, false);

impl World {
    pub fn new() -> World {
        let options = Options { pid_policy: PidPolicy::Cyclic, ..Options::default() };
        let tree = Tree::new(Log::default(), options).unwrap();
        let args = CloneArgs { kind: CloneKind::Process, exit_signal: Some(Signal::SIGCHLD), pid: 0, cookie: 0 };
        let init = tree.init(&args).unwrap();
        World { tree, init }
    }

    pub fn clone(&self, parent: TaskId, kind: CloneKind) -> TaskId {
        let args = CloneArgs { kind, exit_signal: Some(Signal::SIGCHLD), pid: 0, cookie: 0 };
        let child = self.tree.clone_begin(parent, &args).unwrap();
        self.tree.clone_commit(child).unwrap();
        child
    }

    pub fn fork(&self, parent: TaskId) -> TaskId {
        self.clone(parent, CloneKind::Process)
    }

    /// A child in a process group of its own: its parent would continue it.
    pub fn job(&self, parent: TaskId) -> TaskId {
        let child = self.fork(parent);
        self.tree.setpgid(child, 0, 0).unwrap();
        child
    }

    pub fn thread(&self, of: TaskId) -> TaskId {
        self.clone(of, CloneKind::Thread)
    }

    pub fn send(&self, sender: TaskId, target: SignalTarget, signal: Signal) -> Result<(), Errno> {
        self.tree.signal(Some(sender), SignalArgs { target, signal: Some(signal), code: SI_USER })
    }

    /// By init, to a process; what was told.
    pub fn kill(&self, target: TaskId, signal: Signal) -> Vec<Event> {
        self.events();
        self.send(self.init, SignalTarget::Process(target), signal).unwrap();
        self.events()
    }

    pub fn handles(&self, task: TaskId, signal: Signal) {
        self.tree.set_attr(task, Attr::Action(signal, Disposition::Handler)).unwrap();
    }

    pub fn blocks(&self, task: TaskId, signal: Signal) {
        self.tree.set_attr(task, Attr::Mask(SignalSet::of(&[signal]))).unwrap();
    }

    pub fn poll(&self, task: TaskId) -> Verdict {
        self.tree.task_poll(task).unwrap()
    }

    /// The process of these threads stops, the first of them beginning.
    pub fn stop(&self, threads: &[TaskId], signal: Signal) {
        let ticket = ticket(&self.kill(threads[0], signal));
        assert_eq!(self.tree.begin_stop(threads[0], signal, ticket), Ok(Verdict::Stop(signal)));
        for &thread in &threads[1..] {
            assert_eq!(self.poll(thread), Verdict::Stop(signal));
            assert_eq!(self.tree.task_stopped(thread), Ok(Verdict::Stop(signal)));
        }
    }

    pub fn state(&self, task: TaskId) -> TaskState {
        self.tree.task_info(task).unwrap().state
    }

    pub fn exit(&self, task: TaskId, code: i32) {
        self.tree.exit_begin(task, WaitStatus::exited(code)).unwrap();
        self.tree.exit_finish(task, &Rusage::default()).unwrap();
    }

    /// A wait for any child that does not block.
    pub fn wait(&self, options: WaitOptions) -> Result<Waited, Errno> {
        self.wait_for(WaitFor::All, options)
    }

    pub fn wait_for(&self, which: WaitFor, options: WaitOptions) -> Result<Waited, Errno> {
        self.tree.wait(self.init, &WaitRequest { which, options: options | WaitOptions::WNOHANG, cookie: 1 })
    }

    pub fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.tree.host().events.lock().unwrap())
    }
}

/// The signals told, with the thread that is to take each.
pub fn signals(events: &[Event]) -> Vec<(Signal, Option<TaskId>)> {
    let signal = |event: &Event| match *event {
        Event::Signal { info, taker, .. } => Some((info.signal, taker)),
        _ => None,
    };
    events.iter().filter_map(signal).collect()
}

pub fn ticket(events: &[Event]) -> u32 {
    let found = events.iter().find_map(|event| match *event {
        Event::Signal { ticket, .. } => Some(ticket),
        _ => None,
    });
    found.expect("a signal was told")
}

/// What parents were told: code and status of each SIGCHLD.
pub fn told(events: &[Event]) -> Vec<(i32, i32)> {
    let news = |event: &Event| match *event {
        Event::Signal { info, .. } if info.signal == Signal::SIGCHLD => Some((info.code, info.status)),
        _ => None,
    };
    events.iter().filter_map(news).collect()
}

pub fn interrupted(events: &[Event]) -> Vec<TaskId> {
    let task = |event: &Event| match *event {
        Event::Interrupt { task, .. } => Some(task),
        _ => None,
    };
    events.iter().filter_map(task).collect()
}

pub fn stopped(signal: Signal) -> (i32, i32) {
    (ChildCode::Stopped as i32, signal.number() as i32)
}

pub const CONTINUED: (i32, i32) = (ChildCode::Continued as i32, CONT.number() as i32);
