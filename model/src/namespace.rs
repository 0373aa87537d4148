//! PID namespaces, one inside the other, and what the death of an init means; pid_namespaces(7),
//! unshare(2), setns(2), reboot(2).

use std::collections::BTreeMap;

use ptexit_core::uapi::{Errno, Signal, WaitStatus};

use crate::action::{Action, Disposition};
use crate::signal::Scope;
use crate::state::{Model, ProcessKey, Stage, TaskKey};

/// Names a namespace; 0 is the first.
pub(crate) type NamespaceId = usize;

/// A PID namespace.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    /// The one around it.
    parent: Option<NamespaceId>,
    level: u32,
    /// Its first process, which inherits orphans, until that is dead.
    pub(crate) init: Option<ProcessKey>,
    /// Nobody is born here any more: its init is dying, or dead.
    pub(crate) is_closed: bool,
    /// The last thread of its init, which waits until nobody else is left.
    draining: Option<TaskKey>,
    /// How its init dies, if it has called reboot(2).
    reboot: Option<Signal>,
    /// The numbers in use here, and what they are in the first namespace. Not kept for the first.
    numbers: BTreeMap<u32, u32>,
    last: u32,
}

impl Namespace {
    pub(crate) fn first() -> Namespace {
        Namespace {
            parent: None,
            level: 0,
            init: None,
            is_closed: false,
            draining: None,
            reboot: None,
            numbers: BTreeMap::new(),
            last: 0,
        }
    }
}

/// The largest number in a nested namespace.
const MAX: u32 = 4_194_303;

impl Model {
    /// `unshare(CLONE_NEWPID)`: the next child of the calling thread is the init of a new namespace, and all
    /// after it are born there.
    pub fn unshare_pid(&mut self, caller: TaskKey) -> Result<(), Errno> {
        let task = self.running(caller)?;
        let own = task.namespace;
        if task.children_namespace != own {
            return Err(Errno::EINVAL);
        }
        let level = self.namespaces[own].level + 1;
        self.namespaces.push(Namespace { parent: Some(own), level, ..Namespace::first() });
        self.tasks[caller].children_namespace = self.namespaces.len() - 1;
        Ok(())
    }

    /// setns(2): further children are born in the namespace of `other`, which has to be the caller's own or
    /// inside it.
    pub fn setns(&mut self, caller: TaskKey, other: TaskKey) -> Result<(), Errno> {
        let own = self.running(caller)?.namespace;
        let wanted = self.tasks.get(other).ok_or(Errno::ESRCH)?.namespace;
        if !self.is_inside(wanted, own) {
            return Err(Errno::EINVAL);
        }
        self.tasks[caller].children_namespace = wanted;
        Ok(())
    }

    /// reboot(2) in a nested namespace: its init is killed, and its parent will see it die by SIGHUP (restart)
    /// or SIGINT (halt, power off).
    pub fn reboot(&mut self, caller: TaskKey, as_signal: Signal) -> Result<(), Errno> {
        let namespace = self.running(caller)?.namespace;
        if self.process_of(caller).uid != 0 {
            return Err(Errno::EPERM);
        }
        let Some(init) = self.namespaces[namespace].init.filter(|_| namespace != 0) else {
            return Err(Errno::EINVAL);
        };
        self.namespaces[namespace].reboot = Some(as_signal);
        let leader = self.processes[init].leader;
        self.send(leader, Self::info_from_nobody(Signal::SIGKILL), Scope::Process, true);
        Ok(())
    }

    /// Which namespace a task was born in; a number without further meaning.
    pub fn namespace_of(&self, task: TaskKey) -> Option<usize> {
        self.tasks.get(task).map(|task| task.namespace)
    }

    pub(crate) fn is_inside(&self, inner: NamespaceId, outer: NamespaceId) -> bool {
        let mut around = Some(inner);
        while let Some(namespace) = around {
            if namespace == outer {
                return true;
            }
            around = self.namespaces[namespace].parent;
        }
        false
    }

    pub(crate) fn level_of(&self, task: TaskKey) -> u32 {
        self.namespaces[self.tasks[task].namespace].level
    }

    /// The task has a number in this namespace.
    pub(crate) fn is_visible_from(&self, namespace: NamespaceId, task: TaskKey) -> bool {
        self.is_inside(self.tasks[task].namespace, namespace)
    }

    /// What a number of the first namespace is in another one; 0 if nothing.
    pub fn pid_seen_from(&self, namespace: usize, number: u32) -> u32 {
        if namespace == 0 {
            return number;
        }
        let inner = self.numbers.get(number).map_or(&[][..], |number| &number.inner);
        inner.iter().find(|(at, _)| *at == namespace).map_or(0, |(_, number)| *number)
    }

    /// What a number of another namespace is in the first one.
    pub fn first_number(&self, namespace: usize, number: u32) -> Option<u32> {
        if namespace == 0 { Some(number) } else { self.namespaces[namespace].numbers.get(&number).copied() }
    }

    /// What a number in the caller's namespace is in the first one.
    pub(crate) fn number_from(&self, caller: TaskKey, number: u32) -> Option<u32> {
        self.first_number(self.tasks[caller].namespace, number)
    }

    /// The task of this number in the caller's namespace.
    pub(crate) fn find_from(&self, caller: TaskKey, number: u32) -> Option<TaskKey> {
        self.numbers.get(self.number_from(caller, number)?)?.task
    }

    pub(crate) fn pid_for_tracer(&self, tracee: TaskKey, number: u32) -> u32 {
        let tracer = self.tasks[tracee].tracing.as_ref().map(|tracing| tracing.tracer);
        self.pid_seen_from(tracer.map_or(0, |tracer| self.tasks[tracer].namespace), number)
    }

    /// A number in this namespace and in each one around it.
    pub(crate) fn take_number(&mut self, namespace: NamespaceId) -> Result<u32, Errno> {
        if self.is_over || self.namespaces[namespace].is_closed {
            return Err(Errno::ENOMEM);
        }
        let number = self.numbers.take().ok_or(Errno::EAGAIN)?;
        let mut at = namespace;
        while let Some(parent) = self.namespaces[at].parent {
            let found = &mut self.namespaces[at];
            let inner = crate::numbers::next_free(found.last, MAX, |n| !found.numbers.contains_key(&n));
            let inner = inner.ok_or(Errno::EAGAIN)?;
            found.numbers.insert(inner, number);
            found.last = inner;
            self.numbers.at(number).inner.push((at, inner));
            at = parent;
        }
        Ok(number)
    }

    /// Nothing uses the number any more, in any namespace.
    pub(crate) fn free_number(&mut self, number: u32) {
        let Some(unused) = self.numbers.release(number) else { return };
        for (namespace, inner) in unused.inner {
            self.namespaces[namespace].numbers.remove(&inner);
        }
        self.tell(crate::event::Event::PidFree { pid: number });
    }

    pub(crate) fn is_init(&self, process: ProcessKey) -> bool {
        let namespace = self.tasks[self.processes[process].leader].namespace;
        self.namespaces[namespace].init == Some(process)
    }

    /// The processes that have a number in this namespace, by number in the first.
    pub(crate) fn processes_in(&self, namespace: NamespaceId) -> Vec<ProcessKey> {
        let leaders = self.numbers.tasks().filter(|&task| self.is_leader(task));
        let inside = leaders.filter(|&task| self.is_visible_from(namespace, task));
        inside.map(|task| self.tasks[task].process).collect()
    }

    /// Who inherits the orphans of a namespace: a thread of its init that runs, or the one that ends it. If
    /// all are on their way out, the first of these.
    pub(crate) fn orphans_go_to(&self, namespace: NamespaceId) -> Option<TaskKey> {
        let found = &self.namespaces[namespace];
        let init = found.init?;
        let exiting = || {
            let threads = &self.processes[init].threads;
            threads.iter().copied().find(|&thread| self.tasks[thread].stage == Stage::Exiting)
        };
        self.first_running_thread(init).or(found.draining).or_else(exiting)
    }

    /// The last thread of an init ends: everybody else in the namespace is killed, nobody is born there any
    /// more, and the dead who are its children are reaped. It then waits until nobody is left.
    pub(crate) fn close_namespace(&mut self, last: TaskKey) {
        let namespace = self.tasks[last].namespace;
        if self.namespaces[namespace].is_closed {
            return;
        }
        self.namespaces[namespace].is_closed = true;
        let init = self.tasks[last].process;
        let ignore = Action { disposition: Disposition::Ignore, ..Action::default() };
        self.processes[init].actions.set(Signal::SIGCHLD, ignore);
        for process in self.processes_in(namespace) {
            if process != init {
                self.begin_group_exit(process, WaitStatus::signaled(Signal::SIGKILL, false), None);
            }
        }
        self.reap_all_children(init, last);
        if self.is_empty_but_for_init(namespace, last) {
            self.note_reboot(namespace, last);
        } else {
            self.namespaces[namespace].draining = Some(last);
        }
    }

    /// The thread waits until its namespace is empty.
    pub fn is_draining(&self, task: TaskKey) -> bool {
        self.tasks.get(task).is_some_and(|found| self.namespaces[found.namespace].draining == Some(task))
    }

    fn is_empty_but_for_init(&self, namespace: NamespaceId, last: TaskKey) -> bool {
        let own = self.tasks[last].process;
        let leader = self.processes[own].leader;
        let is_own = |number: u32| {
            let task = self.numbers.get(number).and_then(|number| number.task);
            task.is_some_and(|task| task == last || task == leader)
        };
        match namespace {
            0 => self.numbers.all().all(is_own),
            _ => self.namespaces[namespace].numbers.values().all(|&number| is_own(number)),
        }
    }

    /// Inits that waited for the last one in their namespace go on.
    pub(crate) fn end_drained_namespaces(&mut self) {
        // The end of an inner namespace may be what an outer one waits for.
        for namespace in (0..self.namespaces.len()).rev() {
            let Some(last) = self.namespaces[namespace].draining else { continue };
            if !self.is_empty_but_for_init(namespace, last) {
                continue;
            }
            self.namespaces[namespace].draining = None;
            self.give_away_children(last);
            self.note_reboot(namespace, last);
            self.become_zombie(last);
        }
    }

    /// What reboot(2) has asked for is how init dies.
    fn note_reboot(&mut self, namespace: NamespaceId, last: TaskKey) {
        if let Some(signal) = self.namespaces[namespace].reboot {
            let status = WaitStatus::signaled(signal, false);
            self.process_of_mut(last).group_exit = Some(status);
            self.tasks[last].code = Some(status);
        }
    }

    /// Everything is ended from outside: every process is killed, and nobody is born any more.
    pub fn kill_tree(&mut self, status: WaitStatus) {
        self.is_over = true;
        for process in self.processes_in(0) {
            if !self.is_dead(process) {
                self.begin_group_exit(process, status, None);
            }
        }
    }
}
