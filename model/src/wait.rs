//! Which child a wait finds, and what it reports; wait4(2), waitid(2).

use ptexit_core::uapi::{Change, Errno, Rusage, Signal, WaitOptions};

use crate::notify::Occasion;
use crate::state::{Halted, Model, ProcessKey, Stage, TaskKey};

/// Which children waitid(2) is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdType {
    /// `P_ALL`: any child.
    All,
    /// `P_PID`: the child with this number.
    Pid(i32),
    /// `P_PGID`: any child in this process group; 0 is the caller's.
    Pgid(i32),
    /// `P_PIDFD`: the child whose leader this is, or this tracee.
    Handle(TaskKey),
}

/// Which children, once the arguments have been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    All,
    Pid(u32),
    Pgid(u32),
    Handle(TaskKey),
}

/// A wait whose arguments are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    which: Which,
    options: WaitOptions,
}

impl Request {
    pub(crate) fn only_own_children(self) -> bool {
        self.options.contains(WaitOptions::WNOTHREAD)
    }
}

/// What a wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// A child, or a tracee, to which something has happened.
    Child(Reported),
    /// With WNOHANG: there are such children, and nothing has happened to any.
    Nothing,
    /// Without WNOHANG: the same, and the caller blocks until it is woken.
    Blocked,
}

/// What wait4(2) and waitid(2) report of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Its leader, or the tracee.
    pub task: TaskKey,
    /// Its number, in the caller's PID namespace.
    pub pid: u32,
    /// Its number in the first PID namespace.
    pub first_pid: u32,
    /// Its real user ID.
    pub uid: u32,
    /// What became of it.
    pub change: Change,
    /// What it used, its own waited-for children included.
    pub usage: Rusage,
}

/// What a look at the children finds.
enum Search {
    Found(TaskKey, Change),
    NotYet,
    None,
}

impl Model {
    /// wait4(2) with its arguments as the system call takes them.
    pub fn wait4(&mut self, caller: TaskKey, pid: i32, options: u32) -> Result<Waited, Errno> {
        use WaitOptions as O;
        self.running(caller)?;
        let known = O::WNOHANG | O::WSTOPPED | O::WCONTINUED | O::WNOTHREAD | O::WCLONE | O::WALL;
        let options = O::from_bits(options).filter(|&o| known.contains(o)).ok_or(Errno::EINVAL)?;
        if pid == i32::MIN {
            return Err(Errno::ESRCH);
        }
        let which = match pid {
            ..-1 => Which::Pgid(pid.unsigned_abs()),
            -1 => Which::All,
            0 => Which::Pgid(self.own_group(caller)),
            1.. => Which::Pid(pid as u32),
        };
        self.wait(caller, Request { which: self.seen_from(caller, which), options: options | O::WEXITED })
    }

    /// waitid(2). A negative number is wrong, and so is waiting for nothing in particular to happen.
    pub fn waitid(&mut self, caller: TaskKey, which: IdType, options: u32) -> Result<Waited, Errno> {
        use WaitOptions as O;
        self.running(caller)?;
        let options = O::from_bits(options).ok_or(Errno::EINVAL)?;
        if !options.intersects(O::WEXITED | O::WSTOPPED | O::WCONTINUED) {
            return Err(Errno::EINVAL);
        }
        let which = match which {
            IdType::All => Which::All,
            IdType::Pid(..=0) | IdType::Pgid(..0) => return Err(Errno::EINVAL),
            IdType::Pid(pid) => Which::Pid(pid as u32),
            IdType::Pgid(0) => Which::Pgid(self.own_group(caller)),
            IdType::Pgid(pgid) => Which::Pgid(pgid as u32),
            IdType::Handle(task) => Which::Handle(task),
        };
        self.wait(caller, Request { which: self.seen_from(caller, which), options })
    }

    /// What the caller's numbers are in the first namespace; 0, which is nobody's, if they are nothing.
    fn seen_from(&self, caller: TaskKey, which: Which) -> Which {
        match which {
            Which::Pid(pid) => Which::Pid(self.number_from(caller, pid).unwrap_or(0)),
            Which::Pgid(pgid) => Which::Pgid(self.number_from(caller, pgid).unwrap_or(0)),
            other => other,
        }
    }

    /// The blocked wait of a task goes on: it was woken.
    pub fn look_again(&mut self, task: TaskKey) -> Result<Waited, Errno> {
        self.running(task)?;
        let request = self.tasks[task].blocked.take().ok_or(Errno::E_STATE)?;
        self.wait(task, request)
    }

    /// A signal handler runs: the blocked wait looks once more, and ends with EINTR if there is nothing yet.
    pub fn interrupt(&mut self, task: TaskKey) -> Result<Waited, Errno> {
        match self.look_again(task)? {
            Waited::Blocked => {
                self.tasks[task].blocked = None;
                Err(Errno::EINTR)
            }
            ended => Ok(ended),
        }
    }

    fn wait(&mut self, caller: TaskKey, request: Request) -> Result<Waited, Errno> {
        match self.search(caller, request) {
            Search::Found(task, change) => {
                let reported = self.report(caller, request, task, change);
                self.end_drained_namespaces();
                Ok(Waited::Child(reported))
            }
            Search::None => Err(Errno::ECHILD),
            Search::NotYet if request.options.contains(WaitOptions::WNOHANG) => Ok(Waited::Nothing),
            Search::NotYet => {
                self.tasks[caller].blocked = Some(request);
                Ok(Waited::Blocked)
            }
        }
    }

    /// Looks at the children and tracees in Linux's order: those of the calling thread, then those of the
    /// threads after it, round to the one before it; each thread's children in the order it forked or
    /// inherited them, then its tracees, the youngest relation first. A wait for one number goes straight
    /// there.
    fn search(&self, caller: TaskKey, request: Request) -> Search {
        let mut hope = false;
        let found = match request.which {
            Which::Pid(pid) => {
                let named = self.numbers.get(pid).and_then(|number| number.task);
                named.and_then(|task| self.look_at_named(caller, request, task, &mut hope))
            }
            Which::Handle(task) => self.look_at_named(caller, request, task, &mut hope),
            Which::All | Which::Pgid(_) => self.threads_asked(caller, request).into_iter().find_map(|thread| {
                let children = self.tasks[thread].children.values().map(|&child| self.processes[child].leader);
                let found = children.into_iter().find_map(|child| self.look_at(request, child, false, &mut hope));
                found.or_else(|| {
                    let mut tracees = self.tasks[thread].tracees.iter();
                    tracees.find_map(|&tracee| self.look_at(request, tracee, true, &mut hope))
                })
            }),
        };
        match found {
            Some((task, change)) => Search::Found(task, change),
            None if hope => Search::NotYet,
            None => Search::None,
        }
    }

    /// The task, as a child if it leads a process, and as a tracee.
    fn look_at_named(
        &self,
        caller: TaskKey,
        request: Request,
        task: TaskKey,
        hope: &mut bool,
    ) -> Option<(TaskKey, Change)> {
        let found = self.tasks.get(task)?;
        let is_mine =
            |other: TaskKey| other == caller || !request.only_own_children() && self.same_process(other, caller);
        let parent = self.process_of(task).parent.filter(|_| self.is_leader(task));
        let as_child = if parent.is_some_and(is_mine) { self.look_at(request, task, false, hope) } else { None };
        as_child.or_else(|| {
            let tracer = found.tracing.as_ref().map(|tracing| tracing.tracer);
            if tracer.is_some_and(is_mine) { self.look_at(request, task, true, hope) } else { None }
        })
    }

    /// What there is to report of this child or tracee. `hope` is raised if there may be something later.
    fn look_at(&self, request: Request, task: TaskKey, as_tracer: bool, hope: &mut bool) -> Option<(TaskKey, Change)> {
        use WaitOptions as O;
        if !self.is_eligible(request, task, as_tracer) {
            return None;
        }
        let (options, found, process) = (request.options, &self.tasks[task], self.process_of(task));
        let is_traced = found.tracing.is_some();
        // A child that its own parent traces is a tracee: else each of its stops could be seen twice.
        let as_tracer = as_tracer || is_traced && !self.is_traced_from_outside(task);
        if found.stage == Stage::Zombie {
            let has_others = process.leader == task && process.threads.len() > 1;
            if !has_others && (as_tracer || !is_traced) {
                // A dead child will neither stop nor continue: it is no reason to wait for that.
                return options.contains(O::WEXITED).then(|| (task, Change::Died(self.status(task))));
            }
            // The stops and the end of the threads that are left are seen through their dead leader; those of
            // a child that somebody else traces, when that one has let go.
            *hope |= !as_tracer || options.intersects(O::WCONTINUED | O::WEXITED);
        } else {
            *hope = true;
        }
        let stopped = if as_tracer {
            let trap = found.trap.as_ref().filter(|_| found.halted == Halted::Traced && !found.job.listening);
            trap.filter(|trap| trap.code != 0).map(|trap| Change::Trapped(trap.code))
        } else {
            let is_stopped = options.contains(O::WSTOPPED) && process.stop.in_effect;
            process.stop.signal.filter(|_| is_stopped).map(Change::Stopped)
        };
        let continued = || options.contains(O::WCONTINUED) && process.stop.continued;
        stopped.or_else(|| continued().then_some(Change::Continued)).map(|change| (task, change))
    }

    fn threads_asked(&self, caller: TaskKey, request: Request) -> Vec<TaskKey> {
        if request.only_own_children() {
            return vec![caller];
        }
        let mut threads = self.process_of(caller).threads.clone();
        let first = threads.iter().position(|&thread| thread == caller).expect("the caller is one of them");
        threads.rotate_left(first);
        threads
    }

    /// The caller's process group, by its number in the caller's namespace.
    fn own_group(&self, caller: TaskKey) -> u32 {
        self.pid_seen_from(self.tasks[caller].namespace, self.process_of(caller).pgid)
    }

    /// The number or the group fits.
    pub(crate) fn is_asked_for(&self, request: Request, task: TaskKey) -> bool {
        match request.which {
            Which::All => true,
            Which::Pid(pid) => self.tasks[task].tid == pid,
            Which::Pgid(pgid) => self.process_of(task).pgid == pgid,
            Which::Handle(named) => named == task,
        }
    }

    /// That, and the kind: `__WCLONE` is for children with another exit signal than SIGCHLD, `__WALL`
    /// for both kinds, neither for ordinary ones. Tracees are of every kind.
    fn is_eligible(&self, request: Request, task: TaskKey, as_tracer: bool) -> bool {
        let is_clone_child = self.process_of(task).exit_signal != Some(Signal::SIGCHLD);
        self.is_asked_for(request, task)
            && (as_tracer
                || request.options.contains(WaitOptions::WALL)
                || is_clone_child == request.options.contains(WaitOptions::WCLONE))
    }

    /// What the wait returns. Unless it only looks, it takes what it reports.
    fn report(&mut self, caller: TaskKey, request: Request, task: TaskKey, change: Change) -> Reported {
        let process = self.tasks[task].process;
        let reported = Reported {
            task,
            pid: self.pid_seen_from(self.tasks[caller].namespace, self.tasks[task].tid),
            first_pid: self.tasks[task].tid,
            uid: self.processes[process].uid,
            change,
            usage: self.whole_usage(process),
        };
        if request.options.contains(WaitOptions::WNOWAIT) {
            return reported;
        }
        match change {
            Change::Died(_) => self.collect(caller, task),
            Change::Stopped(_) => self.processes[process].stop.signal = None,
            Change::Trapped(_) => {
                if let Some(trap) = &mut self.tasks[task].trap {
                    trap.code = 0;
                }
            }
            Change::Continued => self.processes[process].stop.continued = false,
        }
        reported
    }

    /// A dead task is waited for. A process that its tracer, no part of its parent, has waited for is left to
    /// the parent.
    fn collect(&mut self, caller: TaskKey, task: TaskKey) {
        if self.is_leader(task) && self.is_traced_from_outside(task) {
            self.unlink(task);
            self.tell_of(task, Occasion::Collected);
        } else {
            self.release(task, Some(caller));
        }
    }

    /// Init reaps all its dead children; [`Model::close_namespace`].
    pub(crate) fn reap_all_children(&mut self, init: ProcessKey, caller: TaskKey) {
        let request = Request { which: Which::All, options: WaitOptions::WEXITED | WaitOptions::WALL };
        while let Search::Found(task, change) = self.search(caller, request) {
            match change {
                Change::Died(_) => self.collect(caller, task),
                // A tracee that is stopped has been killed.
                _ => break,
            }
        }
        let left_behind: Vec<ProcessKey> = self.processes[init].left_behind.values().copied().collect();
        for child in left_behind {
            if self.is_dead(child) {
                self.collect(caller, self.processes[child].leader);
            }
        }
    }
}
