//! What can be seen of a task, and what must hold of all of them.

use ptexit_core::uapi::{Rusage, Signal, SignalSet, WaitStatus};

use crate::attributes::SigchldAction;
use crate::state::{Halted, Model, ProcessKey, Stage, TaskKey};

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
    /// Why it does not run.
    pub halted: Halted,
    /// It sleeps in vfork(2) or execve(2).
    pub is_asleep: bool,
    /// The thread that traces it.
    pub tracer: Option<TaskKey>,
    /// The signals it blocks.
    pub mask: SignalSet,
    /// Pending for it alone.
    pub pending: SignalSet,
    /// Pending for its process.
    pub shared: SignalSet,
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
            sigchld: self.sigchld_of(found.process),
            halted: found.halted,
            is_asleep: found.asleep.is_some(),
            tracer: found.tracing.as_ref().map(|tracing| tracing.tracer),
            mask: found.mask,
            pending: found.pending.set(),
            shared: process.shared.set(),
        })
    }

    fn sigchld_of(&self, process: ProcessKey) -> SigchldAction {
        let action = self.processes[process].actions.of(Signal::SIGCHLD);
        let (no_cld_wait, no_cld_stop) = (action.no_cld_wait, action.no_cld_stop);
        SigchldAction { ignore: action.is_ignored(), no_cld_wait, no_cld_stop }
    }

    /// The task with this number.
    pub fn find(&self, pid: u32) -> Option<TaskKey> {
        self.numbers.get(pid)?.task
    }

    /// The process of a task that is there.
    ///
    /// # Panics
    /// If the task is gone.
    pub fn process_of_task(&self, task: TaskKey) -> ProcessKey {
        self.tasks[task].process
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
                assert!(self.namespaces[0].init == Some(key), "only init has no parent");
                assert!(!self.is_dead(key), "an orphan reaps itself");
            }
        }
        let left_behind = self.processes.iter().map(|(_, process)| process.left_behind.len());
        let listed: usize = self.tasks.iter().map(|(_, task)| task.children.len()).chain(left_behind).sum();
        let owned = self.processes.iter().filter(|(_, process)| process.parent.is_some()).count();
        assert_eq!(listed, owned, "each child is in one list");
        for (key, task) in self.tasks.iter() {
            let is_listed = |tracer: TaskKey| self.tasks[tracer].tracees.contains(&key);
            assert!(task.tracing.as_ref().is_none_or(|t| is_listed(t.tracer)), "a tracee is in its tracer's list");
            for &tracee in &task.tracees {
                let tracer = self.tasks[tracee].tracing.as_ref().map(|tracing| tracing.tracer);
                assert_eq!(tracer, Some(key), "who is in a tracer's list is its tracee");
            }
            assert!((task.halted == Halted::Traced) == task.trap.is_some(), "a ptrace-stop has a reason");
            assert!(task.halted == Halted::No || task.stage == Stage::Running, "only the living stop");
        }
        for (_, process) in self.processes.iter() {
            let counted = process.threads.iter().filter(|&&thread| self.tasks[thread].job.counted).count();
            assert_eq!(process.stop.left as usize, counted, "a stop waits for those that it counts");
        }
        let threads: usize = self.processes.iter().map(|(_, process)| process.threads.len()).sum();
        assert_eq!(threads, self.tasks.len(), "each task is in one process");
    }
}
