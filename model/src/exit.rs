//! Which status a process ends with, and when it has ended; `_exit(2)`, `exit_group(2)`.

use ptexit_core::uapi::{Errno, Rusage, Signal, SignalSet, WaitStatus};

use crate::event::Event;
use crate::notify::Occasion;
use crate::reap::Add;
use crate::state::{Halted, Model, ProcessKey, Stage, TaskKey};
use crate::stop::GroupStop;

impl Model {
    /// The thread exits, in one step, or as far as its tracer lets it.
    pub fn exit(&mut self, task: TaskKey, status: WaitStatus, usage: &Rusage) -> Result<WaitStatus, Errno> {
        let status = self.exit_begin(task, status)?;
        if self.is_held_up(task) {
            self.tasks[task].usage.add(usage);
        } else {
            self.exit_finish(task, usage)?;
        }
        Ok(status)
    }

    /// The thread begins to exit: from now on it inherits nobody. Returns the status it exits with.
    ///
    /// If all the others have begun as well, this thread's status is decided to be that of the whole
    /// process, and no signal can change it any more.
    ///
    /// A tracee may stop first; it has begun when this is called again after it was resumed.
    pub fn exit_begin(&mut self, task: TaskKey, status: WaitStatus) -> Result<WaitStatus, Errno> {
        self.running(task)?;
        let process = self.tasks[task].process;
        let status = match self.tasks[task].leaving {
            Some(status) => status,
            None => {
                let status = self.decide_to_exit(task, status);
                if self.trap_at_exit(task, status) {
                    return Ok(status);
                }
                status
            }
        };
        self.tasks[task].stage = Stage::Exiting;
        let is_alone = self.processes[process].threads.len() == 1;
        if !is_alone && self.processes[process].group_exit.is_none() {
            self.retarget(task, SignalSet::ALL.minus(self.tasks[task].mask));
            if self.tasks[task].job.stop && self.take_part(task) {
                self.tell_parent_of_stop(process, ptexit_core::uapi::ChildCode::Stopped);
            }
        }
        Ok(status)
    }

    /// The point from which on the status is certain. With the last thread that comes here, that of the
    /// process is.
    fn decide_to_exit(&mut self, task: TaskKey, status: WaitStatus) -> WaitStatus {
        let process = self.tasks[task].process;
        self.tasks[task].leaving = Some(status);
        self.tasks[task].blocked = None;
        self.tasks[task].killed = false;
        let mut others = self.processes[process].threads.iter().map(|&other| &self.tasks[other]);
        let is_last = others.all(|other| other.stage != Stage::Running || other.leaving.is_some());
        if is_last && self.processes[process].group_exit.is_none() {
            self.processes[process].group_exit = Some(status);
            self.processes[process].stop = GroupStop::default();
        }
        let status = self.processes[process].group_exit.unwrap_or(status);
        self.tasks[task].leaving = Some(status);
        self.tasks[task].code = Some(status);
        status
    }

    /// The thread ends: its children find a new parent, and a thread that is not the leader is gone,
    /// unless it is traced. The leader stays, as the zombie that stands for the process, and is silent until
    /// it is the last one; then the parent is told.
    ///
    /// The last thread of an init ends only when its namespace is empty: [`Model::is_draining`].
    pub fn exit_finish(&mut self, task: TaskKey, usage: &Rusage) -> Result<(), Errno> {
        if self.tasks.get(task).ok_or(Errno::ESRCH)?.stage != Stage::Exiting || self.is_draining(task) {
            return Err(Errno::E_STATE);
        }
        let process = self.tasks[task].process;
        self.tasks[task].usage.add(usage);
        let used = core::mem::take(&mut self.tasks[task].usage);
        self.processes[process].usage.add(&used);
        self.exit_hand_over(task)?;
        if !self.is_draining(task) {
            self.become_zombie(task);
        }
        self.end_drained_namespaces();
        Ok(())
    }

    /// The first part of [`Model::exit_finish`], for who wants to see what may happen between its parts:
    /// Linux lets nobody in between, and nobody but the new parent could tell if it did.
    pub fn exit_hand_over(&mut self, task: TaskKey) -> Result<(), Errno> {
        if self.tasks.get(task).ok_or(Errno::ESRCH)?.stage != Stage::Exiting {
            return Err(Errno::E_STATE);
        }
        self.release_vfork_parent(task);
        self.let_go_of_tracees(task);
        if self.is_last_to_end(task) && self.is_init(self.tasks[task].process) {
            self.close_namespace(task);
        }
        // The children of an init that waits for them stay its own.
        if !self.is_draining(task) {
            self.give_away_children(task);
        }
        Ok(())
    }

    fn is_last_to_end(&self, task: TaskKey) -> bool {
        let others = self.process_of(task).threads.iter().filter(|&&other| other != task);
        others.copied().all(|other| self.tasks[other].stage == Stage::Zombie)
    }

    /// The second part.
    pub(crate) fn become_zombie(&mut self, task: TaskKey) {
        let process = self.tasks[task].process;
        if self.is_last_to_end(task)
            && let Some(parent) = self.processes[process].parent
            && self.orphans_its_group(process, parent, true)
        {
            self.send_to_orphaned(self.processes[process].pgid);
        }
        self.tasks[task].stage = Stage::Zombie;
        if self.is_dead(process) {
            self.announce_end(process);
        }
        self.tell_of(task, Occasion::Died);
        if self.processes.get(process).is_some() {
            self.go_on_executing(process);
        }
    }

    /// `exit_group(2)`: the first caller's status is the process's, and every other thread is told to
    /// exit. Returns the status that holds. The caller goes on to exit itself.
    ///
    /// While a sibling executes a program, that wins: the caller exits alone, with status 0.
    pub fn exit_group(&mut self, caller: TaskKey, status: WaitStatus) -> Result<WaitStatus, Errno> {
        self.running(caller)?;
        if let Some(status) = self.death_sentence(caller) {
            return Ok(status);
        }
        Ok(self.begin_group_exit(self.tasks[caller].process, status, Some(caller)))
    }

    /// A whole process dies, by a signal or by `exit_group(2)`: a group exit, after which each thread
    /// left begins and ends, the leader last, as far as tracers let them.
    pub fn exit_process(&mut self, task: TaskKey, status: WaitStatus, usage: &Rusage) -> Result<(), Errno> {
        let process = self.tasks.get(task).ok_or(Errno::ESRCH)?.process;
        if self.is_dead(process) {
            return Err(Errno::ESRCH);
        }
        self.begin_group_exit(process, status, None);
        self.processes[process].usage.add(usage);
        self.end_all_threads(process)
    }

    /// The threads of a process that is told to exit do so, the leader last.
    pub fn end_all_threads(&mut self, process: ProcessKey) -> Result<(), Errno> {
        let Some(found) = self.processes.get(process) else { return Ok(()) };
        let leader = found.leader;
        let mut threads = found.threads.clone();
        threads.sort_by_key(|&thread| thread == leader);
        for thread in threads {
            let status = self.tasks.get(thread).and_then(|_| self.death_sentence(thread));
            let Some(status) = status else { continue };
            if self.stage(thread) == Some(Stage::Running) && !self.is_held_up(thread) {
                self.exit_begin(thread, status)?;
            }
            if self.stage(thread) == Some(Stage::Exiting) && !self.is_draining(thread) {
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
        self.processes[process].stop = GroupStop::default();
        // An execve(2) that is under way has lost.
        if let Some(executing) = self.processes[process].executing.take() {
            self.tasks[executing].asleep = None;
        }
        self.kill_threads(process, caller);
        status
    }

    /// A signal that ends the process has been sent.
    pub(crate) fn kill_process(&mut self, process: ProcessKey, signal: Signal) {
        self.begin_group_exit(process, WaitStatus::signaled(signal, false), None);
    }

    /// Every thread but one has to exit, and nothing but its tracer's wish to see it go holds it up.
    pub(crate) fn kill_threads(&mut self, process: ProcessKey, but: Option<TaskKey>) {
        for thread in self.processes[process].threads.clone() {
            if Some(thread) == but || self.tasks[thread].stage != Stage::Running {
                continue;
            }
            let task = &mut self.tasks[thread];
            task.job.forget_all();
            (task.killed, task.signalled, task.asleep) = (true, true, None);
            match task.halted {
                Halted::No => {}
                Halted::Stopped => task.halted = Halted::No,
                Halted::Traced => self.leave_trap(thread, None),
            }
            self.tell(Event::Interrupt { task: thread });
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
