//! Which status a process ends with, and when it has ended; `_exit(2)`, `exit_group(2)`.

use ptexit_core::uapi::{Errno, Rusage, Signal, WaitStatus};

use crate::event::Event;
use crate::reap::Add;
use crate::state::{Model, ProcessKey, Stage, TaskKey};

impl Model {
    /// The thread exits, in one step.
    pub fn exit(&mut self, task: TaskKey, status: WaitStatus, usage: &Rusage) -> Result<WaitStatus, Errno> {
        let status = self.exit_begin(task, status)?;
        self.exit_finish(task, usage)?;
        Ok(status)
    }

    /// The thread begins to exit: from now on it inherits nobody. Returns the status it exits with.
    ///
    /// If all the others have begun as well, this thread's status is decided to be that of the whole
    /// process, and no signal can change it any more.
    pub fn exit_begin(&mut self, task: TaskKey, status: WaitStatus) -> Result<WaitStatus, Errno> {
        self.running(task)?;
        self.tasks[task].stage = Stage::Exiting;
        self.tasks[task].blocked = None;
        let process = self.tasks[task].process;
        if self.first_running_thread(process).is_none() {
            self.processes[process].group_exit.get_or_insert(status);
        }
        let status = self.processes[process].group_exit.unwrap_or(status);
        self.tasks[task].code = Some(status);
        Ok(status)
    }

    /// The thread ends: its children find a new parent, and a thread that is not the leader is gone.
    /// The leader stays, as the zombie that stands for the process, and is silent until it is the
    /// last one; then the parent is told.
    pub fn exit_finish(&mut self, task: TaskKey, usage: &Rusage) -> Result<(), Errno> {
        if self.tasks.get(task).ok_or(Errno::ESRCH)?.stage != Stage::Exiting {
            return Err(Errno::E_STATE);
        }
        let process = self.tasks[task].process;
        self.processes[process].usage.add(usage);
        self.exit_hand_over(task)?;
        self.tasks[task].stage = Stage::Zombie;
        if task != self.processes[process].leader {
            self.release_thread(task);
        }
        if self.is_dead(process) {
            self.process_died(process);
        }
        Ok(())
    }

    /// The first part of [`Model::exit_finish`], for who wants to see what may happen between its parts:
    /// Linux lets nobody in between, and nobody but the new parent could tell if it did.
    pub fn exit_hand_over(&mut self, task: TaskKey) -> Result<(), Errno> {
        if self.tasks.get(task).ok_or(Errno::ESRCH)?.stage != Stage::Exiting {
            return Err(Errno::E_STATE);
        }
        let process = self.tasks[task].process;
        let others = self.processes[process].threads.iter().filter(|&&other| other != task);
        let is_last = others.copied().all(|other| self.tasks[other].stage == Stage::Zombie);
        if is_last && self.init == Some(process) {
            self.end_namespace(process);
        }
        self.give_away_children(task);
        Ok(())
    }

    /// `exit_group(2)`: the first caller's status is the process's, and every other thread is told to
    /// exit. Returns the status that holds. The caller goes on to exit itself.
    pub fn exit_group(&mut self, caller: TaskKey, status: WaitStatus) -> Result<WaitStatus, Errno> {
        self.running(caller)?;
        Ok(self.begin_group_exit(self.tasks[caller].process, status, Some(caller)))
    }

    /// A whole process dies, by a signal or by `exit_group(2)`: a group exit, after which each thread
    /// left begins and ends, the leader last.
    pub fn exit_process(&mut self, task: TaskKey, status: WaitStatus, usage: &Rusage) -> Result<(), Errno> {
        let process = self.tasks.get(task).ok_or(Errno::ESRCH)?.process;
        if self.is_dead(process) {
            return Err(Errno::ESRCH);
        }
        self.begin_group_exit(process, status, None);
        self.processes[process].usage.add(usage);
        let leader = self.processes[process].leader;
        let mut threads = self.processes[process].threads.clone();
        threads.sort_by_key(|&thread| thread == leader);
        for thread in threads {
            if self.stage(thread) == Some(Stage::Running) {
                self.exit_begin(thread, status)?;
            }
            if self.stage(thread) == Some(Stage::Exiting) {
                self.exit_finish(thread, &Rusage::default())?;
            }
        }
        Ok(())
    }

    /// Death of the process of `task` by a signal whose default action that is; signal(7).
    pub fn kill(&mut self, task: TaskKey, signal: Signal, core_dumped: bool, usage: &Rusage) -> Result<(), Errno> {
        self.exit_process(task, WaitStatus::signaled(signal, core_dumped), usage)
    }

    pub(crate) fn begin_group_exit(
        &mut self,
        process: ProcessKey,
        status: WaitStatus,
        caller: Option<TaskKey>,
    ) -> WaitStatus {
        if let Some(decided) = self.processes[process].group_exit {
            return decided;
        }
        self.processes[process].group_exit = Some(status);
        for task in self.processes[process].threads.clone() {
            if Some(task) != caller && self.tasks[task].stage == Stage::Running {
                self.tell(Event::Interrupt { task });
            }
        }
        status
    }

    fn process_died(&mut self, process: ProcessKey) {
        let (task, status) = (self.processes[process].leader, self.status(process));
        self.tell(Event::Exited { task, status });
        if self.notify_parent(process) {
            self.reap(process, None);
        }
    }

    /// `None` if the task is gone: a leader that was a zombie already goes with its last thread.
    fn stage(&self, task: TaskKey) -> Option<Stage> {
        self.tasks.get(task).map(|task| task.stage)
    }

    /// Where Linux looks when it needs some thread of a process that can still act
    /// (`find_alive_thread`): the oldest.
    pub(crate) fn first_running_thread(&self, process: ProcessKey) -> Option<TaskKey> {
        self.processes[process].threads.iter().copied().find(|&thread| self.tasks[thread].stage == Stage::Running)
    }
}
