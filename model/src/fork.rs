//! Who becomes whose child; clone(2).

use std::collections::BTreeMap;

use ptexit_core::uapi::{Errno, Rusage, Signal};

use crate::attributes::SigchldAction;
use crate::state::{Model, Process, ProcessKey, Stage, Task, TaskKey};

impl Model {
    /// The first process: it adopts orphans, and everything ends with it.
    pub fn init(&mut self) -> Result<TaskKey, Errno> {
        if self.init.is_some() || self.is_over {
            return Err(Errno::EEXIST);
        }
        let pid = self.numbers.take().ok_or(Errno::EAGAIN)?;
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
                group_exit: None,
                sigchld: SigchldAction::default(),
                subreaper: false,
                uid: 0,
                pgid: pid,
                sid: pid,
                usage: Rusage::default(),
                children_usage: Rusage::default(),
            },
            pid,
        );
        self.init = Some(self.tasks[leader].process);
        Ok(leader)
    }

    /// fork(2), or clone(2) with another exit signal, or with none.
    pub fn fork(&mut self, caller: TaskKey, exit_signal: Option<Signal>) -> Result<TaskKey, Errno> {
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
        if self.init == Some(self.tasks[caller].process) {
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
        Ok(child)
    }

    /// clone(2) with `CLONE_THREAD`.
    pub fn create_thread(&mut self, caller: TaskKey) -> Result<TaskKey, Errno> {
        let tid = self.number_for_clone(caller)?;
        let process = self.tasks[caller].process;
        Ok(self.new_task(process, tid))
    }

    /// The checks that every clone(2) makes, and a number for the new task.
    fn number_for_clone(&mut self, caller: TaskKey) -> Result<u32, Errno> {
        self.running(caller)?;
        if self.is_over {
            // The namespace is dead: pid_namespaces(7).
            return Err(Errno::ENOMEM);
        }
        if self.process_of(caller).group_exit.is_some() {
            // The caller is as good as killed; a new thread would escape.
            return Err(Errno::EINTR);
        }
        self.numbers.take().ok_or(Errno::EAGAIN)
    }

    /// A process like the caller's, not yet anyone's child. Being a subreaper, the parent-death signal
    /// and what was used so far are not inherited.
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
            group_exit: None,
            sigchld: original.sigchld,
            subreaper: false,
            uid: original.uid,
            pgid: original.pgid,
            sid: original.sid,
            usage: Rusage::default(),
            children_usage: Rusage::default(),
        };
        self.new_process(copy, pid)
    }

    fn new_process(&mut self, process: Process, pid: u32) -> TaskKey {
        let (pgid, sid) = (process.pgid, process.sid);
        let key = self.processes.insert(process);
        let leader = self.new_task(key, pid);
        self.processes[key].leader = leader;
        self.join(key, pgid, sid);
        leader
    }

    fn new_task(&mut self, process: ProcessKey, tid: u32) -> TaskKey {
        let task = self.tasks.insert(Task {
            tid,
            process,
            stage: Stage::Running,
            code: None,
            children: BTreeMap::new(),
            pdeathsig: None,
            blocked: None,
        });
        self.numbers.at(tid).task = Some(task);
        self.processes[process].threads.push(task);
        task
    }
}
