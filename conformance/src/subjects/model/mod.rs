//! The model, seen through the scenario language.

mod calls;
mod host;

use std::collections::{BTreeSet, HashMap};

use ptexit_core::uapi::{Errno, SigInfo, WaitStatus};
use ptexit_model::{Compat, Event, Halted, Model, Stage, TaskKey};

use super::Subject;
use super::names::Names;
use crate::language::{Halt, Happening, Info, JobSight, Name, Reply, Sigchld, Sight, SightState, Statement};

/// A model, the names of its tasks, and what a host keeps beside it.
#[derive(Clone, Debug)]
pub struct OnModel {
    model: Model,
    names: Names<TaskKey>,
    /// Everybody, in the order of birth.
    order: Vec<Name>,
    /// The PID namespaces that they were born in.
    namespaces: HashMap<TaskKey, usize>,
    /// Processes that `exit_group_begin` has told to exit: their threads do so by lines of their own.
    on_their_own: BTreeSet<TaskKey>,
    /// Tasks in vfork or execve.
    sleepers: Vec<Name>,
    /// Waits that a handler has ended, and with what.
    interrupted: HashMap<Name, Reply>,
    /// How the reaped have exited.
    exits: HashMap<Name, WaitStatus>,
    happenings: Vec<Happening>,
    woken: Vec<Name>,
}

impl Default for OnModel {
    fn default() -> Self {
        OnModel::new()
    }
}

impl OnModel {
    /// A model in which init has just started.
    pub fn new() -> Self {
        OnModel::with(Compat::default())
    }

    /// The same, of a Linux that is different.
    pub fn with(compat: Compat) -> Self {
        let mut this = OnModel {
            model: Model::default().with(compat),
            names: Names::new(),
            order: Vec::new(),
            namespaces: HashMap::new(),
            on_their_own: BTreeSet::new(),
            sleepers: Vec::new(),
            interrupted: HashMap::new(),
            exits: HashMap::new(),
            happenings: Vec::new(),
            woken: Vec::new(),
        };
        let init = this.model.init().expect("an empty namespace has room for init");
        this.born(Name::INIT, init);
        this
    }

    /// The task's children get a new parent; the rest of its exit is to follow.
    pub(crate) fn hand_over(&mut self, name: Name) {
        // One that has been killed meanwhile has nobody to hand over.
        let _ = self.key(name).and_then(|task| self.model.exit_hand_over(task));
        self.listen();
    }

    fn key(&self, name: Name) -> Result<TaskKey, Errno> {
        self.names.handle(name).ok_or(Errno::ESRCH)
    }

    fn born(&mut self, name: Name, child: TaskKey) {
        let number = self.model.view(child).expect("it was born just now").tid;
        self.names.add(name, child, number);
        self.order.push(name);
        self.namespaces.insert(child, self.model.namespace_of(child).expect("it was born just now"));
    }

    /// Sorts what the model told: some of it is for the runner, some for the trace.
    fn listen(&mut self) {
        for event in self.model.take_events() {
            let name = |task| self.names.name(task);
            match event {
                Event::Signal { target, info } => {
                    let info = self.info(target, info);
                    self.happenings.push(Happening::Signal(name(target), info));
                }
                Event::Wake { task } => self.woken.push(name(task)),
                Event::Interrupt { task } => self.happenings.push(Happening::MustExit(name(task))),
                Event::Exited { task, status } => self.happenings.push(Happening::Exited(name(task), status)),
                Event::Reaped { task, pid, reaper, status, usage } => {
                    let by = reaper.map(name);
                    self.exits.extend(self.names.by_number(pid).map(|name| (name, status)));
                    self.happenings.push(Happening::Reaped { task: name(task), by, status, usage });
                }
                Event::Reparented { task, parent } => {
                    self.happenings.push(Happening::Reparented(name(task), name(parent)));
                }
                Event::PidChanged { .. } => {}
                Event::PidFree { pid } => {
                    self.happenings.extend(self.names.by_number(pid).map(Happening::NumberFree));
                }
            }
        }
    }

    /// What travels with a signal, with a name for the number that the receiver sees.
    fn info(&self, receiver: TaskKey, info: SigInfo) -> Info {
        let namespace = self.namespaces.get(&receiver).copied().unwrap_or(0);
        let number = Some(info.pid).filter(|&pid| pid != 0);
        Info {
            signal: info.signal,
            code: info.code,
            from: number
                .and_then(|pid| self.model.first_number(namespace, pid))
                .and_then(|number| self.names.by_number(number)),
            uid: info.uid,
            status: info.status,
            utime_ns: info.utime_ns,
            stime_ns: info.stime_ns,
        }
    }
}

impl Subject for OnModel {
    fn title(&self) -> &'static str {
        "model"
    }

    fn perform(&mut self, statement: &Statement) -> Reply {
        let reply = self.call(statement.actor, &statement.operation);
        self.listen();
        self.let_them_run();
        self.model.check();
        reply.unwrap_or_else(Reply::Failed)
    }

    fn happenings(&mut self) -> Vec<Happening> {
        core::mem::take(&mut self.happenings)
    }

    fn woken(&mut self) -> Vec<Name> {
        let mut woken = core::mem::take(&mut self.woken);
        let runs = |name: &&Name| self.key(**name).is_ok_and(|task| !self.model.is_held_up(task));
        woken.extend(self.sleepers.iter().chain(self.interrupted.keys()).filter(runs));
        woken
    }

    fn look_again(&mut self, waiter: Name) -> Reply {
        let reply = self.go_on(waiter);
        self.listen();
        self.let_them_run();
        self.model.check();
        reply.unwrap_or_else(Reply::Failed)
    }

    fn observe(&self, task: Name) -> Option<Sight> {
        let view = self.model.view(self.names.handle(task)?)?;
        Some(Sight {
            state: match view.stage {
                Stage::Running => SightState::Running,
                Stage::Exiting => SightState::Exiting,
                Stage::Zombie => SightState::Zombie,
            },
            leader: self.names.by_number(view.tgid)?,
            parent: self.names.by_number(view.ppid),
            group: self.names.by_number(view.pgid),
            session: self.names.by_number(view.sid),
            uid: view.uid,
            threads: view.threads,
            status: view.status,
            children: view.children.iter().map(|&child| self.names.name(child)).collect(),
            children_usage: view.children_usage,
            subreaper: view.subreaper,
            pdeathsig: view.pdeathsig,
            sigchld: Sigchld {
                ignore: view.sigchld.ignore,
                no_cld_wait: view.sigchld.no_cld_wait,
                no_cld_stop: view.sigchld.no_cld_stop,
            },
            job: JobSight {
                halt: match view.halted {
                    Halted::Stopped => Halt::Stopped,
                    Halted::Traced => Halt::Traced,
                    Halted::No if view.is_asleep => Halt::Asleep,
                    Halted::No => Halt::None,
                },
                tracer: view.tracer.map(|tracer| self.names.name(tracer)),
                pending: view.pending,
                shared: view.shared,
                blocked: view.mask,
            },
        })
    }
}
