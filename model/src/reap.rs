//! What remains of a task: its number is free, and its usage is its parent's if the parent waited.

use ptexit_core::uapi::{Errno, Rusage};

use crate::event::Event;
use crate::notify::Occasion;
use crate::state::{Model, ProcessKey, TaskKey};

impl Model {
    /// The dead task goes away: a whole process with its leader, or one thread.
    pub(crate) fn release(&mut self, task: TaskKey, reaper: Option<TaskKey>) {
        if self.is_leader(task) {
            self.reap(self.tasks[task].process, reaper);
        } else {
            self.release_thread(task, reaper);
        }
    }

    /// The dead process goes away. If somebody waited for it, what it used, its own waited-for children
    /// included, is added to what the waiter's children have used; getrusage(2).
    pub(crate) fn reap(&mut self, process: ProcessKey, reaper: Option<TaskKey>) {
        let leader = self.processes[process].leader;
        self.unlink(leader);
        let status = self.status(leader);
        let usage = self.whole_usage(process);
        if let Some(reaper) = reaper {
            self.process_of_mut(reaper).children_usage.add(&usage);
        }
        if let Some(parent) = self.processes[process].parent {
            let place = self.processes[process].place;
            self.tasks[parent].children.remove(&place);
            self.process_of_mut(parent).left_behind.remove(&place);
        }
        for namespace in &mut self.namespaces {
            namespace.init = namespace.init.filter(|&init| init != process);
        }
        let (pid, pgid, sid) = (self.pid(process), self.processes[process].pgid, self.processes[process].sid);
        self.tasks.remove(leader);
        self.processes.remove(process);
        self.tell(Event::Reaped { task: leader, pid, reaper, status, usage });
        self.numbers.at(pid).task = None;
        self.leave(pgid, sid);
        self.free_number(pid);
    }

    /// A thread other than the leader goes away. If that leaves a dead leader alone, the process is dead.
    pub(crate) fn release_thread(&mut self, thread: TaskKey, reaper: Option<TaskKey>) {
        self.unlink(thread);
        let task = self.tasks.remove(thread).expect("the thread is there until it is released");
        let process = &mut self.processes[task.process];
        let place = process.threads.iter().position(|&other| other == thread).expect("it is one of them");
        process.threads.remove(place);
        if process.next_taker == thread {
            process.next_taker = process.threads.get(place).copied().unwrap_or(process.leader);
        }
        let status = task.code.expect("an exiting thread has a status");
        self.tell(Event::Reaped { task: thread, pid: task.tid, reaper, status, usage: Rusage::default() });
        self.numbers.at(task.tid).task = None;
        self.free_number(task.tid);
        if self.is_dead(task.process) {
            self.announce_end(task.process);
            self.tell_of(self.processes[task.process].leader, Occasion::Emptied);
        } else {
            self.go_on_executing(task.process);
        }
    }

    /// What wait4(2) reports: the process's own usage and that of the children it waited for.
    pub(crate) fn whole_usage(&self, process: ProcessKey) -> Rusage {
        let mut usage = self.own_usage(process);
        usage.add(&self.processes[process].children_usage);
        usage
    }

    /// `RUSAGE_SELF`: what its threads use, dead and alive.
    pub(crate) fn own_usage(&self, process: ProcessKey) -> Rusage {
        let process = &self.processes[process];
        let mut usage = process.usage;
        process.threads.iter().for_each(|&thread| usage.add(&self.tasks[thread].usage));
        usage
    }

    /// getrusage(2) with `RUSAGE_SELF`, and with `RUSAGE_CHILDREN`.
    pub fn usage(&self, task: TaskKey) -> Option<(Rusage, Rusage)> {
        let process = self.tasks.get(task)?.process;
        Some((self.own_usage(process), self.processes[process].children_usage))
    }

    /// The thread has used this.
    pub fn use_resources(&mut self, caller: TaskKey, usage: &Rusage) -> Result<(), Errno> {
        self.running(caller)?;
        self.tasks[caller].usage.add(usage);
        Ok(())
    }
}

/// Sums of resource usage.
pub(crate) trait Add {
    /// Adds every field, but takes the larger `maxrss`.
    fn add(&mut self, other: &Rusage);
}

impl Add for Rusage {
    fn add(&mut self, other: &Rusage) {
        self.utime_ns += other.utime_ns;
        self.stime_ns += other.stime_ns;
        self.maxrss_kib = self.maxrss_kib.max(other.maxrss_kib);
        self.minflt += other.minflt;
        self.majflt += other.majflt;
        self.inblock += other.inblock;
        self.oublock += other.oublock;
        self.nvcsw += other.nvcsw;
        self.nivcsw += other.nivcsw;
    }
}
