//! What can be seen of a task, and what must hold of all of them.

use ptexit_core::uapi::{Rusage, Signal, WaitStatus};

use crate::attributes::SigchldAction;
use crate::state::{Model, ProcessKey, Stage, TaskKey};

/// A task as `/proc` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Thread ID.
    pub tid: u32,
    /// Process ID.
    pub tgid: u32,
    /// The parent's process ID; 0 if it has none.
    pub ppid: u32,
    /// Process group.
    pub pgid: u32,
    /// Session.
    pub sid: u32,
    /// Real user ID.
    pub uid: u32,
    /// How far it has come.
    pub stage: Stage,
    /// Threads of its process that are not released.
    pub threads: u32,
    /// The process's status, if it is decided.
    pub status: Option<WaitStatus>,
    /// The leaders of the process's children, in the order a wait of the leader sees them.
    pub children: Vec<TaskKey>,
    /// What the children waited for used.
    pub children_usage: Rusage,
    /// Whether the process is a subreaper.
    pub subreaper: bool,
    /// What the thread is sent when its parent thread dies.
    pub pdeathsig: Option<Signal>,
    /// What the process does about SIGCHLD.
    pub sigchld: SigchldAction,
}

impl Model {
    /// What can be seen of a task that is there.
    pub fn view(&self, task: TaskKey) -> Option<View> {
        let found = self.tasks.get(task)?;
        let process = &self.processes[found.process];
        Some(View {
            tid: found.tid,
            tgid: self.pid(found.process),
            ppid: process.parent.map_or(0, |parent| self.pid(self.tasks[parent].process)),
            pgid: process.pgid,
            sid: process.sid,
            uid: process.uid,
            stage: found.stage,
            threads: process.threads.len() as u32,
            status: process.group_exit,
            children: self.children(found.process),
            children_usage: process.children_usage,
            subreaper: process.subreaper,
            pdeathsig: found.pdeathsig,
            sigchld: process.sigchld,
        })
    }

    /// The task with this number.
    pub fn find(&self, pid: u32) -> Option<TaskKey> {
        self.numbers.get(pid)?.task
    }

    /// Whether the task is blocked in a wait.
    pub fn is_blocked(&self, task: TaskKey) -> bool {
        self.tasks.get(task).is_some_and(|task| task.blocked.is_some())
    }

    /// How many tasks there are, zombies included.
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    fn children(&self, process: ProcessKey) -> Vec<TaskKey> {
        let lists = self.processes[process].threads.iter().map(|&thread| &self.tasks[thread].children);
        let left_behind = self.processes[process].left_behind.values();
        lists.flat_map(|list| list.values()).chain(left_behind).map(|&child| self.processes[child].leader).collect()
    }

    /// What must hold between any two calls.
    ///
    /// # Panics
    /// If it does not.
    pub fn check(&self) {
        for (key, process) in self.processes.iter() {
            assert!(process.threads.contains(&process.leader), "the leader is there until its process is reaped");
            if let Some(parent) = process.parent {
                let lists = [&self.tasks[parent].children, &self.process_of(parent).left_behind];
                let count = lists.iter().filter(|list| list.get(&process.place) == Some(&key)).count();
                assert_eq!(count, 1, "a child is in its parent's list");
                assert_ne!(self.tasks[parent].stage, Stage::Zombie, "the dead have no children");
            } else {
                let init_lives = self.init.is_some_and(|init| self.first_running_thread(init).is_some());
                assert!(self.init == Some(key) || !init_lives, "only init has no parent, as long as it lives");
                assert!(!self.is_dead(key), "an orphan reaps itself");
            }
        }
        let left_behind = self.processes.iter().map(|(_, process)| process.left_behind.len());
        let listed: usize = self.tasks.iter().map(|(_, task)| task.children.len()).chain(left_behind).sum();
        let owned = self.processes.iter().filter(|(_, process)| process.parent.is_some()).count();
        assert_eq!(listed, owned, "each child is in one list");
        let threads: usize = self.processes.iter().map(|(_, process)| process.threads.len()).sum();
        assert_eq!(threads, self.tasks.len(), "each task is in one process");
    }
}
