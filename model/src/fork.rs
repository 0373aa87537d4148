//! Who becomes whose child; clone(2), vfork(2).

use std::collections::BTreeMap;

use ptexit_core::uapi::{Errno, Rusage, Signal, SignalSet, TraceEvent};

use crate::action::Actions;
use crate::namespace::NamespaceId;
use crate::pending::Pending;
use crate::ptrace::TraceMessage;
use crate::state::{Asleep, Halted, Model, Process, ProcessKey, Stage, Task, TaskKey};
use crate::stop::{GroupStop, Job};

impl Model {
    /// The first process: it is the reaper of orphans, and everything ends with it.
    pub fn init(&mut self) -> Result<TaskKey, Errno> {
        if self.namespaces[0].init.is_some() || self.namespaces[0].is_closed {
            return Err(Errno::EEXIST);
        }
        let pid = self.take_number(0)?;
        let leader = self.new_process(
            Process {
                leader: TaskKey::NONE,
                threads: Vec::new(),
                parent: None,
                place: 0,
                left_behind: BTreeMap::new(),
                exit_signal: Some(Signal::SIGCHLD),
                exec_id: 0,
                parent_exec_id: 0,
                has_execed: false,
                executing: None,
                group_exit: None,
                actions: Actions::default(),
                shared: Pending::default(),
                next_taker: TaskKey::NONE,
                stop: GroupStop::default(),
                dumps_core: false,
                subreaper: false,
                uid: 0,
                pgid: pid,
                sid: pid,
                joined: 0,
                usage: Rusage::default(),
                children_usage: Rusage::default(),
            },
            pid,
            0,
            SignalSet::EMPTY,
        );
        Ok(leader)
    }

    /// fork(2), or clone(2) with another exit signal, or with none.
    pub fn fork(&mut self, caller: TaskKey, exit_signal: Option<Signal>) -> Result<TaskKey, Errno> {
        let event = if exit_signal == Some(Signal::SIGCHLD) { TraceEvent::Fork } else { TraceEvent::Clone };
        let child = self.bear(caller, exit_signal)?;
        self.report_birth(caller, child, event);
        Ok(child)
    }

    /// vfork(2): the caller sleeps until the child executes a program or exits.
    pub fn vfork(&mut self, caller: TaskKey) -> Result<TaskKey, Errno> {
        let child = self.bear(caller, Some(Signal::SIGCHLD))?;
        self.tasks[child].vfork_parent = Some(caller);
        self.tasks[caller].asleep = Some(Asleep::Vfork);
        self.report_birth(caller, child, TraceEvent::Vfork);
        Ok(child)
    }

    fn bear(&mut self, caller: TaskKey, exit_signal: Option<Signal>) -> Result<TaskKey, Errno> {
        let pid = self.number_for_clone(caller)?;
        let parent_exec_id = self.process_of(caller).exec_id;
        let child = self.copy_process(caller, pid, exit_signal, parent_exec_id);
        self.append_child(caller, self.tasks[child].process);
        Ok(child)
    }

    /// clone(2) with `CLONE_PARENT`: a child of the caller's own parent. It takes over the exit signal
    /// of the caller's process; the one passed to clone(2) is not looked at.
    pub fn fork_sibling(&mut self, caller: TaskKey) -> Result<TaskKey, Errno> {
        self.running(caller)?;
        if self.is_init(self.tasks[caller].process) {
            return Err(Errno::EINVAL);
        }
        let process = self.process_of(caller);
        let (exit_signal, parent_exec_id) = (process.exit_signal, process.parent_exec_id);
        // While init is on its way out there are others without a parent.
        let parent = process.parent;
        let pid = self.number_for_clone(caller)?;
        let child = self.copy_process(caller, pid, exit_signal, parent_exec_id);
        if let Some(parent) = parent {
            self.append_beside(self.tasks[caller].process, parent, self.tasks[child].process);
        }
        self.report_birth(caller, child, TraceEvent::Fork);
        Ok(child)
    }

    /// clone(2) with `CLONE_THREAD`. A thread is in the PID namespace of its process.
    pub fn create_thread(&mut self, caller: TaskKey) -> Result<TaskKey, Errno> {
        let task = self.running(caller)?;
        if task.namespace != task.children_namespace {
            return Err(Errno::EINVAL);
        }
        let (namespace, mask) = (task.namespace, task.mask);
        let tid = self.number_for_clone(caller)?;
        let process = self.tasks[caller].process;
        let thread = self.new_task(process, tid, namespace, mask);
        self.join_group_stop(caller, thread);
        self.report_birth(caller, thread, TraceEvent::Clone);
        Ok(thread)
    }

    /// The checks that every clone(2) makes, and a number for the new task.
    fn number_for_clone(&mut self, caller: TaskKey) -> Result<u32, Errno> {
        let namespace = self.running(caller)?.children_namespace;
        if self.is_over || self.namespaces[namespace].is_closed {
            // The namespace is dead: pid_namespaces(7).
            return Err(Errno::ENOMEM);
        }
        if self.death_sentence(caller).is_some() {
            // The caller is as good as killed; a new thread would escape.
            return Err(Errno::EINTR);
        }
        self.take_number(namespace)
    }

    /// The tracer that asked for it traces the child as well, and hears of the birth.
    fn report_birth(&mut self, parent: TaskKey, child: TaskKey, event: TraceEvent) {
        let asked = |task: &Task| {
            let options = task.tracing.as_ref().map(|tracing| tracing.options);
            options.zip(event.option()).is_some_and(|(options, option)| options.contains(option))
        };
        if asked(&self.tasks[parent]) {
            self.trace_newborn(parent, child);
            let message = TraceMessage::Pid(self.pid_for_tracer(parent, self.tasks[child].tid));
            self.trap_at(parent, event, message);
        }
    }

    /// A process like the caller's, not yet anyone's child. Being a subreaper, the parent-death signal, pending
    /// signals and what was used so far are not inherited.
    fn copy_process(&mut self, caller: TaskKey, pid: u32, exit_signal: Option<Signal>, parent_exec_id: u32) -> TaskKey {
        let original = self.process_of(caller);
        let copy = Process {
            leader: TaskKey::NONE,
            threads: Vec::new(),
            parent: None,
            place: 0,
            left_behind: BTreeMap::new(),
            exit_signal,
            exec_id: original.exec_id,
            parent_exec_id,
            has_execed: false,
            executing: None,
            group_exit: None,
            actions: original.actions.clone(),
            shared: Pending::default(),
            next_taker: TaskKey::NONE,
            stop: GroupStop::default(),
            dumps_core: original.dumps_core,
            subreaper: false,
            uid: original.uid,
            pgid: original.pgid,
            sid: original.sid,
            joined: 0,
            usage: Rusage::default(),
            children_usage: Rusage::default(),
        };
        self.new_process(copy, pid, self.tasks[caller].children_namespace, self.tasks[caller].mask)
    }

    fn new_process(&mut self, process: Process, pid: u32, namespace: NamespaceId, mask: SignalSet) -> TaskKey {
        let (pgid, sid) = (process.pgid, process.sid);
        let key = self.processes.insert(process);
        let leader = self.new_task(key, pid, namespace, mask);
        self.processes[key].leader = leader;
        self.processes[key].next_taker = leader;
        self.join(key, pgid, sid);
        self.namespaces[namespace].init.get_or_insert(key);
        leader
    }

    fn new_task(&mut self, process: ProcessKey, tid: u32, namespace: NamespaceId, mask: SignalSet) -> TaskKey {
        let task = self.tasks.insert(Task {
            tid,
            namespace,
            children_namespace: namespace,
            process,
            stage: Stage::Running,
            leaving: None,
            code: None,
            children: BTreeMap::new(),
            pdeathsig: None,
            blocked: None,
            asleep: None,
            vfork_parent: None,
            vfork_done: None,
            halted: Halted::No,
            job: Job::default(),
            mask,
            pending: Pending::default(),
            signalled: false,
            killed: false,
            resumed_with: None,
            tracing: None,
            trap: None,
            tracees: Vec::new(),
            usage: Rusage::default(),
        });
        self.numbers.at(tid).task = Some(task);
        self.processes[process].threads.push(task);
        task
    }
}
