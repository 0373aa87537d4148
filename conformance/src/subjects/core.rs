//! The lock-free core, seen through the scenario language.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;

use ptexit_core::host::{Event, Host};
use ptexit_core::ids::TaskId;
use ptexit_core::tree::{
    Attr, AttrKind, CloneArgs, CloneKind, ListFilter, Options, PidPolicy, SigchldPolicy, TaskState, Tree, WaitFor,
    WaitRequest, WaitResult, Waited,
};
use ptexit_core::uapi::{Change, Errno, Rusage, Signal, WaitOptions, WaitStatus};

use super::names::Names;
use super::{Subject, until_blocked};
use crate::language::{
    ChildReport, ChildSpec, Happening, IdSpec, Info, JobSight, Name, Operation, Profile, Reply, Sigchld, Sight,
    SightState, Statement,
};

/// A host that writes everything down.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Host for Recorder {
    fn event(&self, event: &Event) {
        lock(&self.0).push(*event);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a core is set up and driven. None of it may make a difference to a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Who chooses numbers, and how.
    pub pid_policy: PidPolicy,
    /// The largest number. More than a scenario needs at a time: the model has always one more.
    pub pid_max: u32,
    /// Take the long way wherever there is one: begin and abort a clone before each clone, and let waits that
    /// do not block go through `wait_many`.
    pub detours: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Setup { pid_policy: PidPolicy::Cyclic, pid_max: Options::default().pid_max, detours: false }
    }
}

/// The numbers of a host that chooses them itself: the next one that is free.
#[derive(Debug, Default)]
struct Chooser {
    last: u32,
    /// Chosen for clones that are under way.
    reserved: HashSet<u32>,
}

/// A core and the names of its tasks.
#[derive(Debug)]
pub struct OnCore {
    setup: Setup,
    tree: Tree<Recorder>,
    chooser: Mutex<Chooser>,
    /// Clones that were to be begun only to be aborted, and those of them that were.
    detours: AtomicU32,
    aborted: AtomicU32,
    names: Mutex<Names<TaskId>>,
    /// The waits that are armed.
    armed: Mutex<HashMap<Name, WaitRequest>>,
    happenings: Vec<Happening>,
    woken: Vec<Name>,
}

impl Default for OnCore {
    fn default() -> Self {
        OnCore::new()
    }
}

impl OnCore {
    /// A tree in which init has just started.
    pub fn new() -> Self {
        OnCore::with(Setup::default())
    }

    /// The same, set up like this.
    pub fn with(setup: Setup) -> Self {
        let Setup { pid_policy, pid_max, .. } = setup;
        let options = Options { pid_policy, pid_max, max_tasks: 4096, ..Options::default() };
        let tree = Tree::new(Recorder::default(), options).expect("the options are in range");
        let first = if pid_policy == PidPolicy::Host { 1 } else { 0 };
        let init = tree.init(&clone_args(CloneKind::Process, None, first)).expect("an empty tree has room for init");
        let mut names = Names::new();
        names.add(Name::INIT, init, tree.task_info(init).expect("init is alive").tid);
        OnCore {
            setup,
            tree,
            chooser: Mutex::new(Chooser { last: 1, ..Chooser::default() }),
            detours: AtomicU32::new(0),
            aborted: AtomicU32::new(0),
            names: Mutex::new(names),
            armed: Mutex::default(),
            happenings: Vec::new(),
            woken: Vec::new(),
        }
    }

    /// How many numbers have been given to more than one task.
    pub fn numbers_given_again(&self) -> usize {
        lock(&self.names).numbers_given_again()
    }

    /// How many clones were begun and aborted.
    pub fn clones_aborted(&self) -> u32 {
        self.aborted.load(Relaxed)
    }

    fn id(&self, name: Name) -> Result<TaskId, Errno> {
        lock(&self.names).handle(name).ok_or(Errno::ESRCH)
    }

    fn number(&self, name: Name) -> Result<u32, Errno> {
        lock(&self.names).number(name).ok_or(Errno::ESRCH)
    }

    fn number_or_own(&self, name: Option<Name>) -> Result<u32, Errno> {
        name.map_or(Ok(0), |name| self.number(name))
    }

    /// The first phase of a clone, and the number that came of it.
    fn begin(&self, task: TaskId, kind: CloneKind, exit_signal: Option<Signal>) -> Result<(TaskId, u32), Errno> {
        if self.setup.pid_policy != PidPolicy::Host {
            let child = self.tree.clone_begin(task, &clone_args(kind, exit_signal, 0))?;
            return Ok((child, self.tree.task_info(child)?.tid));
        }
        let number = self.choose().ok_or(Errno::EAGAIN)?;
        let begun = self.tree.clone_begin(task, &clone_args(kind, exit_signal, number));
        if begun.is_err() {
            lock(&self.chooser).reserved.remove(&number);
        }
        begun.map(|child| (child, number))
    }

    fn choose(&self) -> Option<u32> {
        let (mut chooser, names) = (lock(&self.chooser), lock(&self.names));
        let Chooser { last, .. } = *chooser;
        let mut next = (last + 1..=self.setup.pid_max).chain(2..=last);
        let number = next.find(|number| !chooser.reserved.contains(number) && !names.is_taken(*number))?;
        chooser.last = number;
        chooser.reserved.insert(number);
        Some(number)
    }

    fn clone(&self, task: TaskId, name: Name, kind: CloneKind, exit_signal: Option<Signal>) -> Result<Reply, Errno> {
        if self.setup.detours {
            self.begin_and_abort(task)?;
        }
        let (child, number) = self.begin(task, kind, exit_signal)?;
        // Named before it can be seen: another thread may wait for it as soon as it is committed.
        lock(&self.names).add(name, child, number);
        lock(&self.chooser).reserved.remove(&number);
        match self.tree.clone_commit(child) {
            Ok(()) => Ok(Reply::Done),
            Err(refused) => {
                lock(&self.names).forget(name);
                Err(refused)
            }
        }
    }

    /// A clone that comes to nothing, and must leave nothing. What it is refused for, the next one will be.
    fn begin_and_abort(&self, task: TaskId) -> Result<(), Errno> {
        let kinds = [CloneKind::Process, CloneKind::Thread, CloneKind::Sibling];
        let kind = kinds[self.detours.fetch_add(1, Relaxed) as usize % kinds.len()];
        let exit_signal = (kind == CloneKind::Process).then_some(Signal::SIGCHLD);
        let Ok((child, number)) = self.begin(task, kind, exit_signal) else { return Ok(()) };
        self.aborted.fetch_add(1, Relaxed);
        lock(&self.names).pass(number);
        lock(&self.chooser).reserved.remove(&number);
        self.tree.clone_abort(child)
    }

    /// The whole process dies. Which of several threads ends first is nobody's promise: where it makes a
    /// difference they end here one by one, oldest first and the leader last, as in the model.
    fn end_process(&self, task: TaskId, status: WaitStatus) -> Result<(), Errno> {
        let mut threads = vec![task; 256];
        let count = self.tree.list(ListFilter::Threads(task), &mut threads)?;
        threads.truncate(count);
        let usage = {
            let mut names = lock(&self.names);
            let burned: Vec<Name> = threads.iter().map(|&thread| names.name(thread)).collect();
            names.take_all_burned(burned.into_iter())
        };
        if threads.len() <= 2 {
            return self.tree.report_exit(task, status, &usage);
        }
        let mut infos = Vec::with_capacity(count);
        for &thread in &threads {
            infos.push((thread, self.tree.task_info(thread)?));
        }
        // By birth, which numbers do not tell: they are given again.
        infos.sort_by_key(|&(thread, info)| (info.tid == info.tgid, lock(&self.names).rank(thread)));
        infos.retain(|(_, info)| info.state != TaskState::Zombie);
        self.tree.exit_group(task, status)?;
        let mut left = usage;
        for (thread, info) in infos {
            if info.state == TaskState::Running {
                self.tree.exit_begin(thread, status)?;
            }
            self.tree.exit_finish(thread, &core::mem::take(&mut left))?;
        }
        Ok(())
    }

    fn call(&self, actor: Name, operation: &Operation) -> Result<Reply, Errno> {
        let (task, tree) = (self.id(actor)?, &self.tree);
        let done = |()| Reply::Done;
        match *operation {
            Operation::Fork(name, signal) => self.clone(task, name, CloneKind::Process, signal),
            Operation::Sibling(name) => self.clone(task, name, CloneKind::Sibling, None),
            Operation::Thread(name) => self.clone(task, name, CloneKind::Thread, None),
            Operation::Exec => tree.exec(task).map(done),
            Operation::Exit(code) => {
                let status = tree.exit_begin(task, WaitStatus::exited(code))?;
                let usage = lock(&self.names).take_burned(actor);
                tree.exit_finish(task, &usage).map(|()| Reply::Decided(status))
            }
            Operation::ExitBegin(code) => tree.exit_begin(task, WaitStatus::exited(code)).map(Reply::Decided),
            Operation::ExitFinish => {
                let usage = lock(&self.names).take_burned(actor);
                tree.exit_finish(task, &usage).map(done)
            }
            Operation::ExitGroup(code) => self.end_process(task, WaitStatus::exited(code)).map(done),
            Operation::ExitGroupBegin(code) => tree.exit_group(task, WaitStatus::exited(code)).map(Reply::Decided),
            Operation::Kill(name, signal, core) => {
                self.end_process(self.id(name)?, WaitStatus::signaled(signal, core)).map(done)
            }
            Operation::Wait4(who, options) => self.wait4(actor, who, options),
            Operation::Waitid(which, options) => self.waitid(actor, which, options),
            Operation::Interrupt(name) => self.interrupt(name),
            Operation::Sigchld(Sigchld { ignore, no_cld_wait, no_cld_stop }) => {
                tree.set_attr(task, Attr::Sigchld(SigchldPolicy { ignore, no_cld_wait, no_cld_stop })).map(done)
            }
            Operation::Subreaper(on) => tree.set_attr(task, Attr::Subreaper(on)).map(done),
            Operation::Pdeathsig(signal) => tree.set_attr(task, Attr::Pdeathsig(signal)).map(done),
            Operation::Setpgid(process, group) => {
                tree.setpgid(task, self.number_or_own(process)?, self.number_or_own(group)?).map(done)
            }
            Operation::Setsid => tree.setsid(task).map(|_| Reply::Done),
            Operation::Uid(uid) => tree.set_attr(task, Attr::Uid(uid)).map(done),
            Operation::Burn(ms, kib) => {
                lock(&self.names).burn(actor, ms, kib);
                Ok(Reply::Done)
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    /// The host's half of wait4(2): the meaning of its arguments.
    fn wait4(&self, actor: Name, who: ChildSpec, options: u32) -> Result<Reply, Errno> {
        use WaitOptions as O;
        let known = O::WNOHANG | O::WSTOPPED | O::WCONTINUED | O::WNOTHREAD | O::WCLONE | O::WALL;
        let options = O::from_bits(options).filter(|&o| known.contains(o)).ok_or(Errno::EINVAL)?;
        let which = match who {
            ChildSpec::Any | ChildSpec::Raw(-1) => WaitFor::All,
            ChildSpec::Raw(i32::MIN) => return Err(Errno::ESRCH),
            ChildSpec::Child(name) => WaitFor::Pid(self.number(name)?),
            ChildSpec::Group(name) => match self.number(name)? {
                // wait4(2) cannot name process group 1.
                1 => WaitFor::All,
                pgid => WaitFor::Pgid(pgid),
            },
            ChildSpec::Raw(pid @ 1..) => WaitFor::Pid(pid as u32),
            ChildSpec::Raw(pgid) => WaitFor::Pgid(pgid.unsigned_abs()),
        };
        self.wait(actor, which, options | O::WEXITED)
    }

    /// The host's half of waitid(2).
    fn waitid(&self, actor: Name, which: IdSpec, options: u32) -> Result<Reply, Errno> {
        let options = WaitOptions::from_bits(options).ok_or(Errno::EINVAL)?;
        let which = match which {
            IdSpec::All => WaitFor::All,
            IdSpec::RawPid(..=0) | IdSpec::RawPgid(..0) => return Err(Errno::EINVAL),
            IdSpec::Pid(name) => WaitFor::Pid(self.number(name)?),
            IdSpec::RawPid(pid) => WaitFor::Pid(pid as u32),
            IdSpec::Pgid(name) => WaitFor::Pgid(self.number(name)?),
            IdSpec::RawPgid(pgid) => WaitFor::Pgid(pgid as u32),
            IdSpec::Pidfd(name) => WaitFor::Task(self.id(name)?),
        };
        self.wait(actor, which, options)
    }

    fn wait(&self, actor: Name, which: WaitFor, options: WaitOptions) -> Result<Reply, Errno> {
        let task = self.id(actor)?;
        let mut request = WaitRequest { which, options, cookie: 7 };
        let reaps_at_once = options.contains(WaitOptions::WNOHANG) && !options.contains(WaitOptions::WNOWAIT);
        let waited = if reaps_at_once && self.setup.detours {
            let mut found = [NOBODY];
            match self.tree.wait_many(task, &request, &mut found)? {
                0 => Waited::Nothing,
                _ => Waited::Child(found[0]),
            }
        } else {
            self.tree.wait(task, &request)?
        };
        if waited == Waited::Armed {
            if which == WaitFor::Pgid(0) {
                // Linux looks the group up once, when the wait begins.
                request.which = WaitFor::Pgid(self.tree.task_info(task)?.pgid);
            }
            lock(&self.armed).insert(actor, request);
        }
        Ok(self.waited(waited))
    }

    /// As Linux, the wait looks once more before it says EINTR.
    fn interrupt(&self, waiter: Name) -> Result<Reply, Errno> {
        let mut request = lock(&self.armed).remove(&waiter).ok_or(Errno::E_STATE)?;
        let task = self.id(waiter)?;
        self.tree.wait_cancel(task, request.cookie)?;
        request.options |= WaitOptions::WNOHANG;
        match self.tree.wait(task, &request)? {
            Waited::Nothing | Waited::Armed => Err(Errno::EINTR),
            ended => Ok(self.waited(ended)),
        }
    }

    fn waited(&self, waited: Waited) -> Reply {
        match waited {
            Waited::Nothing => Reply::Nothing,
            Waited::Armed => Reply::Blocks,
            Waited::Child(child) => Reply::Child(ChildReport {
                child: lock(&self.names).name(child.task),
                uid: child.uid,
                change: child.change,
                usage: child.usage,
            }),
        }
    }

    fn listen(&mut self) {
        let events = core::mem::take(&mut *lock(&self.tree.host().0));
        let mut names = lock(&self.names);
        for event in events {
            if let Event::PidFree { pid } = event {
                self.happenings.extend(names.freed(pid).map(Happening::NumberFree));
                continue;
            }
            let name = |task| names.name(task);
            match event {
                Event::Signal { target, info, .. } => self.happenings.push(Happening::Signal(
                    name(target),
                    Info {
                        signal: info.signal,
                        code: info.code,
                        from: names.by_number(info.pid),
                        uid: info.uid,
                        status: info.status,
                        utime_ns: info.utime_ns,
                        stime_ns: info.stime_ns,
                    },
                )),
                Event::Wake { task, .. } => self.woken.push(name(task)),
                Event::Interrupt { task, .. } => self.happenings.push(Happening::MustExit(name(task))),
                Event::Exited { task, status, .. } => self.happenings.push(Happening::Exited(name(task), status)),
                Event::Reaped { task, waiter, status, usage, .. } => {
                    let (task, by) = (name(task), waiter.map(name));
                    self.happenings.push(Happening::Reaped { task, by, status, usage });
                }
                Event::Reparented { task, parent, .. } => {
                    self.happenings.push(Happening::Reparented(name(task), name(parent)));
                }
                // What is pending is not looked at here.
                Event::Discard { .. } | Event::PidFree { .. } => {}
            }
        }
    }
}

fn clone_args(kind: CloneKind, exit_signal: Option<Signal>, pid: u32) -> CloneArgs {
    CloneArgs { kind, exit_signal, pid, cookie: 0 }
}

/// A place for a result.
const NOBODY: WaitResult = WaitResult {
    task: TaskId::from_bits(0),
    pid: 0,
    uid: 0,
    change: Change::Died(WaitStatus::exited(0)),
    cookie: 0,
    usage: Rusage {
        utime_ns: 0,
        stime_ns: 0,
        maxrss_kib: 0,
        minflt: 0,
        majflt: 0,
        inblock: 0,
        oublock: 0,
        nvcsw: 0,
        nivcsw: 0,
    },
};

impl Subject for OnCore {
    fn title(&self) -> &'static str {
        "core"
    }

    fn profile(&self) -> Profile {
        Profile::Core
    }

    fn perform(&mut self, statement: &Statement) -> Reply {
        let reply = self.call(statement.actor, &statement.operation);
        self.listen();
        reply.unwrap_or_else(Reply::Failed)
    }

    /// One host thread a branch, released together.
    fn perform_together(&mut self, branches: &[Vec<Statement>]) -> Vec<Vec<Reply>> {
        let start = Barrier::new(branches.len());
        let (this, start) = (&*self, &start);
        let replies = thread::scope(|scope| {
            let running: Vec<_> = branches
                .iter()
                .map(|branch| {
                    scope.spawn(move || {
                        start.wait();
                        until_blocked(branch, |s| this.call(s.actor, &s.operation).unwrap_or_else(Reply::Failed))
                    })
                })
                .collect();
            running.into_iter().map(|branch| branch.join().expect("a branch does not panic")).collect()
        });
        self.listen();
        replies
    }

    fn happenings(&mut self) -> Vec<Happening> {
        core::mem::take(&mut self.happenings)
    }

    fn woken(&mut self) -> Vec<Name> {
        core::mem::take(&mut self.woken)
    }

    fn look_again(&mut self, waiter: Name) -> Reply {
        let Some(request) = lock(&self.armed).remove(&waiter) else {
            return Reply::Failed(Errno::E_STATE);
        };
        let reply = self.wait(waiter, request.which, request.options);
        self.listen();
        reply.unwrap_or_else(Reply::Failed)
    }

    fn observe(&self, task: Name) -> Option<Sight> {
        let id = self.id(task).ok()?;
        let info = self.tree.task_info(id).ok()?;
        let names = lock(&self.names);
        let state = match info.state {
            TaskState::Embryo => return None,
            TaskState::Running | TaskState::Stopped => SightState::Running,
            TaskState::Initiated => SightState::Exiting,
            TaskState::Zombie => SightState::Zombie,
        };
        let mut children = vec![id; 64];
        let count = self.tree.list(ListFilter::Children(id), &mut children).ok()?;
        if count > children.len() {
            children.resize(count, id);
            self.tree.list(ListFilter::Children(id), &mut children).ok()?;
        }
        children.truncate(count);
        let attr = |kind| self.tree.get_attr(id, kind).ok();
        let Some(Attr::Sigchld(sigchld)) = attr(AttrKind::Sigchld) else { return None };
        Some(Sight {
            state,
            leader: names.by_number(info.tgid)?,
            parent: names.by_number(info.ppid),
            group: names.by_number(info.pgid),
            session: names.by_number(info.sid),
            uid: info.uid,
            threads: info.threads,
            status: info.status,
            children: children.iter().map(|&child| names.name(child)).collect(),
            children_usage: self.tree.children_usage(id).ok()?,
            subreaper: attr(AttrKind::Subreaper)? == Attr::Subreaper(true),
            pdeathsig: match attr(AttrKind::Pdeathsig)? {
                Attr::Pdeathsig(signal) => signal,
                _ => return None,
            },
            sigchld: Sigchld {
                ignore: sigchld.ignore,
                no_cld_wait: sigchld.no_cld_wait,
                no_cld_stop: sigchld.no_cld_stop,
            },
            job: JobSight::default(),
        })
    }
}
