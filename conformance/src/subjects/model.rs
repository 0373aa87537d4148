//! The model, seen through the scenario language.

use ptexit_core::uapi::{Errno, Rusage, WaitStatus};
use ptexit_model::{Event, IdType, Model, Reported, SigchldAction, Stage, TaskKey, Waited};

use super::Subject;
use super::names::Names;
use crate::language::{
    ChildReport, ChildSpec, Happening, IdSpec, Info, JobSight, Name, Operation, Reply, Sigchld, Sight, SightState,
    Statement,
};

/// A model and the names of its tasks.
#[derive(Clone, Debug)]
pub struct OnModel {
    model: Model,
    names: Names<TaskKey>,
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
        let mut model = Model::default();
        let mut names = Names::new();
        let init = model.init().expect("an empty namespace has room for init");
        names.add(Name::INIT, init, model.view(init).expect("init is alive").tid);
        OnModel { model, names, happenings: Vec::new(), woken: Vec::new() }
    }

    /// The task's children get a new parent; the rest of its exit is to follow.
    pub(crate) fn hand_over(&mut self, name: Name) {
        // One that has been killed meanwhile has nobody to hand over.
        let _ = self.key(name).and_then(|task| self.model.exit_hand_over(task));
        self.listen();
    }

    /// The process of this thread is to die with this status; each thread has yet to exit.
    pub(crate) fn condemn(&mut self, thread: Name, status: WaitStatus) {
        // One whose death is decided already keeps the status it has.
        let _ = self.key(thread).and_then(|task| self.model.exit_group(task, status));
        self.listen();
    }

    fn key(&self, name: Name) -> Result<TaskKey, Errno> {
        self.names.handle(name).ok_or(Errno::ESRCH)
    }

    fn number(&self, name: Name) -> Result<i32, Errno> {
        self.names.number(name).map(|number| number as i32).ok_or(Errno::ESRCH)
    }

    fn number_or_own(&self, name: Option<Name>) -> Result<u32, Errno> {
        name.map_or(Ok(0), |name| self.names.number(name).ok_or(Errno::ESRCH))
    }

    fn born(&mut self, name: Name, child: TaskKey) -> Reply {
        let number = self.model.view(child).expect("it was born just now").tid;
        self.names.add(name, child, number);
        Reply::Done
    }

    /// What the threads of the process of `task` have used so far, to be told now that it dies.
    fn burned_by_process(&mut self, task: TaskKey) -> Rusage {
        let process = |key| self.model.view(key).map(|view| view.tgid);
        let dying = process(task);
        let threads: Vec<Name> =
            self.names.all().filter(|&(_, key)| process(key) == dying).map(|(name, _)| name).collect();
        self.names.take_all_burned(threads.into_iter())
    }

    fn call(&mut self, actor: Name, operation: &Operation) -> Result<Reply, Errno> {
        let task = self.key(actor)?;
        match *operation {
            Operation::Fork(name, signal) => {
                let child = self.model.fork(task, signal)?;
                Ok(self.born(name, child))
            }
            Operation::Sibling(name) => {
                let child = self.model.fork_sibling(task)?;
                Ok(self.born(name, child))
            }
            Operation::Thread(name) => {
                let thread = self.model.create_thread(task)?;
                Ok(self.born(name, thread))
            }
            Operation::Exec => self.model.exec(task).map(|()| Reply::Done),
            Operation::Exit(code) => {
                let usage = self.names.take_burned(actor);
                self.model.exit(task, WaitStatus::exited(code), &usage).map(Reply::Decided)
            }
            Operation::ExitBegin(code) => self.model.exit_begin(task, WaitStatus::exited(code)).map(Reply::Decided),
            Operation::ExitFinish => {
                let usage = self.names.take_burned(actor);
                self.model.exit_finish(task, &usage).map(|()| Reply::Done)
            }
            Operation::ExitGroup(code) => {
                let usage = self.burned_by_process(task);
                self.model.exit_process(task, WaitStatus::exited(code), &usage).map(|()| Reply::Done)
            }
            Operation::ExitGroupBegin(code) => {
                self.model.exit_group(task, WaitStatus::exited(code)).map(Reply::Decided)
            }
            Operation::Kill(name, signal, core) => {
                let victim = self.key(name)?;
                let usage = self.burned_by_process(victim);
                self.model.kill(victim, signal, core, &usage).map(|()| Reply::Done)
            }
            Operation::Wait4(who, options) => {
                let pid = match who {
                    ChildSpec::Any => -1,
                    ChildSpec::Child(name) => self.number(name)?,
                    ChildSpec::Group(name) => -self.number(name)?,
                    ChildSpec::Raw(number) => number,
                };
                self.model.wait4(task, pid, options).map(|waited| self.waited(waited))
            }
            Operation::Waitid(which, options) => {
                let which = match which {
                    IdSpec::All => IdType::All,
                    IdSpec::Pid(name) => IdType::Pid(self.number(name)?),
                    IdSpec::RawPid(number) => IdType::Pid(number),
                    IdSpec::Pgid(name) => IdType::Pgid(self.number(name)?),
                    IdSpec::RawPgid(number) => IdType::Pgid(number),
                    IdSpec::Pidfd(name) => IdType::Handle(self.key(name)?),
                };
                self.model.waitid(task, which, options).map(|waited| self.waited(waited))
            }
            Operation::Interrupt(name) => {
                let waiter = self.key(name)?;
                self.model.interrupt(waiter).map(|waited| self.waited(waited))
            }
            Operation::Sigchld(Sigchld { ignore, no_cld_wait, no_cld_stop }) => {
                self.model.set_sigchld(task, SigchldAction { ignore, no_cld_wait, no_cld_stop }).map(|()| Reply::Done)
            }
            Operation::Subreaper(on) => self.model.set_subreaper(task, on).map(|()| Reply::Done),
            Operation::Pdeathsig(signal) => self.model.set_pdeathsig(task, signal).map(|()| Reply::Done),
            Operation::Setpgid(process, group) => {
                let (process, group) = (self.number_or_own(process)?, self.number_or_own(group)?);
                self.model.setpgid(task, process, group).map(|()| Reply::Done)
            }
            Operation::Setsid => self.model.setsid(task).map(|_| Reply::Done),
            Operation::Uid(uid) => self.model.set_uid(task, uid).map(|()| Reply::Done),
            Operation::Burn(ms, kib) => {
                self.names.burn(actor, ms, kib);
                Ok(Reply::Done)
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    fn waited(&self, waited: Waited) -> Reply {
        match waited {
            Waited::Nothing => Reply::Nothing,
            Waited::Blocked => Reply::Blocks,
            Waited::Child(Reported { task, uid, status, usage, .. }) => {
                Reply::Child(ChildReport { child: self.names.name(task), uid, change: status.into(), usage })
            }
        }
    }

    /// Sorts what the model told: some of it is for the runner, some for the trace.
    fn listen(&mut self) {
        for event in self.model.take_events() {
            let name = |task| self.names.name(task);
            let number = |pid| self.names.by_number(pid);
            match event {
                Event::Signal { target, info } => self.happenings.push(Happening::Signal(
                    name(target),
                    Info {
                        signal: info.signal,
                        code: info.code,
                        from: number(info.pid),
                        uid: info.uid,
                        status: info.status,
                        utime_ns: info.utime_ns,
                        stime_ns: info.stime_ns,
                    },
                )),
                Event::Wake { task } => self.woken.push(name(task)),
                Event::Interrupt { task } => self.happenings.push(Happening::MustExit(name(task))),
                Event::Exited { task, status } => self.happenings.push(Happening::Exited(name(task), status)),
                Event::Reaped { task, reaper, status, usage, .. } => {
                    self.happenings.push(Happening::Reaped { task: name(task), by: reaper.map(name), status, usage })
                }
                Event::Reparented { task, parent } => {
                    self.happenings.push(Happening::Reparented(name(task), name(parent)));
                }
                Event::PidFree { pid } => self.happenings.extend(number(pid).map(Happening::NumberFree)),
            }
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
        self.model.check();
        reply.unwrap_or_else(Reply::Failed)
    }

    fn happenings(&mut self) -> Vec<Happening> {
        core::mem::take(&mut self.happenings)
    }

    fn woken(&mut self) -> Vec<Name> {
        core::mem::take(&mut self.woken)
    }

    fn look_again(&mut self, waiter: Name) -> Reply {
        let waited = self.key(waiter).and_then(|task| self.model.look_again(task));
        self.listen();
        waited.map_or_else(Reply::Failed, |waited| self.waited(waited))
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
            job: JobSight::default(),
        })
    }
}
