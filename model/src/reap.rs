//! What remains of a task: its number is free, and its usage is its parent's if the parent waited.

use ptexit_core::uapi::Rusage;

use crate::event::Event;
use crate::state::{Model, ProcessKey, TaskKey};

impl Model {
    /// The dead process goes away. If somebody waited for it, what it used, its own waited-for children
    /// included, is added to what the waiter's children have used; getrusage(2).
    pub(crate) fn reap(&mut self, process: ProcessKey, reaper: Option<TaskKey>) {
        let status = self.status(process);
        let usage = self.whole_usage(process);
        if let Some(reaper) = reaper {
            self.process_of_mut(reaper).children_usage.add(&usage);
        }
        let leader = self.processes[process].leader;
        if let Some(parent) = self.processes[process].parent {
            let place = self.processes[process].place;
            self.tasks[parent].children.remove(&place);
            self.process_of_mut(parent).left_behind.remove(&place);
        }
        let (pid, pgid, sid) = (self.pid(process), self.processes[process].pgid, self.processes[process].sid);
        self.tasks.remove(leader);
        self.processes.remove(process);
        self.tell(Event::Reaped { task: leader, pid, reaper, status, usage });
        self.numbers.at(pid).task = None;
        self.leave(pgid, sid);
        self.free_number(pid);
    }

    /// A thread other than the leader goes away by itself.
    pub(crate) fn release_thread(&mut self, thread: TaskKey) {
        let task = self.tasks.remove(thread).expect("the thread is there until it is released");
        self.processes[task.process].threads.retain(|&other| other != thread);
        let status = task.code.expect("an exiting thread has a status");
        self.tell(Event::Reaped { task: thread, pid: task.tid, reaper: None, status, usage: Rusage::default() });
        self.numbers.at(task.tid).task = None;
        self.free_number(task.tid);
    }

    /// What wait4(2) reports: the process's own usage and that of the children it waited for.
    pub(crate) fn whole_usage(&self, process: ProcessKey) -> Rusage {
        let process = &self.processes[process];
        let mut usage = process.usage;
        usage.add(&process.children_usage);
        usage
    }

    pub(crate) fn free_number(&mut self, pid: u32) {
        if self.numbers.release(pid) {
            self.tell(Event::PidFree { pid });
        }
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
