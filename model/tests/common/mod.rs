//! A model and short ways to say things to it.
#![allow(dead_code, reason = "each test file uses its own part")]

use ptexit_core::uapi::{Rusage, SigInfo, Signal, WaitOptions, WaitStatus};
use ptexit_model::{Event, Model, Reported, TaskKey, View, Waited};

/// A model in which init runs.
pub struct World {
    pub model: Model,
    pub init: TaskKey,
}

pub fn exited(code: i32) -> WaitStatus {
    WaitStatus::exited(code)
}

pub fn killed(signal: Signal) -> WaitStatus {
    WaitStatus::signaled(signal, false)
}

impl World {
    pub fn new() -> World {
        let mut model = Model::default();
        let init = model.init().unwrap();
        World { model, init }
    }

    pub fn fork(&mut self, parent: TaskKey) -> TaskKey {
        self.model.fork(parent, Some(Signal::SIGCHLD)).unwrap()
    }

    pub fn thread(&mut self, task: TaskKey) -> TaskKey {
        self.model.create_thread(task).unwrap()
    }

    pub fn exit(&mut self, task: TaskKey, code: i32) {
        self.model.exit(task, exited(code), &Rusage::default()).unwrap();
        self.model.check();
    }

    /// `wait4(-1, __WALL | WNOHANG)`.
    pub fn wait(&mut self, task: TaskKey) -> Option<Reported> {
        self.wait_with(task, WaitOptions::WALL)
    }

    pub fn wait_with(&mut self, task: TaskKey, options: WaitOptions) -> Option<Reported> {
        match self.model.wait4(task, -1, (options | WaitOptions::WNOHANG).bits()) {
            Ok(Waited::Child(report)) => Some(report),
            Ok(_) | Err(_) => None,
        }
    }

    pub fn view(&self, task: TaskKey) -> View {
        self.model.view(task).unwrap()
    }

    pub fn pid(&self, task: TaskKey) -> u32 {
        self.view(task).tid
    }

    /// The signals since the last time.
    pub fn signals(&mut self) -> Vec<(TaskKey, SigInfo)> {
        let signal = |event| match event {
            Event::Signal { target, info } => Some((target, info)),
            _ => None,
        };
        self.model.take_events().into_iter().filter_map(signal).collect()
    }
}
