//! What a task and a process are made of.

use std::collections::BTreeMap;

use ptexit_core::uapi::{Errno, Rusage, Signal, WaitStatus};

use crate::arena::{Arena, Key};
use crate::attributes::SigchldAction;
use crate::event::Event;
use crate::numbers::Numbers;
use crate::wait::Request;

/// Names a task.
pub type TaskKey = Key<Task>;
/// Names a process.
pub type ProcessKey = Key<Process>;

/// How far a task has come on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Alive.
    Running,
    /// It has begun to exit: it inherits no more children (Linux `PF_EXITING`).
    Exiting,
    /// Dead. Only a leader stays in this stage; other threads are released at once.
    Zombie,
}

/// A thread (Linux `task_struct`).
#[derive(Clone, Debug)]
pub struct Task {
    pub(crate) tid: u32,
    pub(crate) process: ProcessKey,
    pub(crate) stage: Stage,
    /// The status this thread itself exits with.
    pub(crate) code: Option<WaitStatus>,
    /// The processes it forked or inherited, in that order. The keys only order.
    pub(crate) children: BTreeMap<u64, ProcessKey>,
    /// What it is sent when its process's parent thread dies; `PR_SET_PDEATHSIG`.
    pub(crate) pdeathsig: Option<Signal>,
    /// The wait it is blocked in.
    pub(crate) blocked: Option<Request>,
}

/// A process: a thread group and what its threads share (Linux `signal_struct`).
#[derive(Clone, Debug)]
pub struct Process {
    pub(crate) leader: TaskKey,
    /// Its threads that are not released, in the order they were created.
    pub(crate) threads: Vec<TaskKey>,
    /// The thread that forked it or inherited it. Init has none, nor has anyone in a dead namespace.
    pub(crate) parent: Option<TaskKey>,
    /// Where it stands among its parent's children.
    pub(crate) place: u64,
    /// Children of threads that have ended since all of its threads are exiting, in that order.
    pub(crate) left_behind: BTreeMap<u64, ProcessKey>,
    /// What its parent is sent when it dies. "Clone children" are those with another one than SIGCHLD.
    pub(crate) exit_signal: Option<Signal>,
    /// How often it has executed a program.
    pub(crate) exec_id: u32,
    /// How often its parent had, when it was forked.
    pub(crate) parent_exec_id: u32,
    /// It has executed a program since it was forked: its parent may no longer move it with setpgid(2).
    pub(crate) has_execed: bool,
    /// The status of the whole process, once that is decided. It never changes afterwards.
    pub(crate) group_exit: Option<WaitStatus>,
    pub(crate) sigchld: SigchldAction,
    /// `PR_SET_CHILD_SUBREAPER`.
    pub(crate) subreaper: bool,
    pub(crate) uid: u32,
    pub(crate) pgid: u32,
    pub(crate) sid: u32,
    /// What its dead threads used.
    pub(crate) usage: Rusage,
    /// What the children it has waited for used, and theirs; `RUSAGE_CHILDREN`.
    pub(crate) children_usage: Rusage,
}

/// One PID namespace and every process in it.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) tasks: Arena<Task>,
    pub(crate) processes: Arena<Process>,
    pub(crate) numbers: Numbers,
    /// The process that inherits orphans; `None` before it starts and after its last thread has ended.
    pub(crate) init: Option<ProcessKey>,
    /// Init has lived, and has died.
    pub(crate) is_over: bool,
    /// Rises with every birth and every adoption; orders children.
    pub(crate) next_place: u64,
    pub(crate) events: Vec<Event>,
}

impl Default for Model {
    fn default() -> Self {
        Model::new(4_194_303)
    }
}

impl Model {
    /// An empty namespace whose largest process ID is `pid_max`.
    pub fn new(pid_max: u32) -> Model {
        Model {
            tasks: Arena::new(),
            processes: Arena::new(),
            numbers: Numbers::new(pid_max),
            init: None,
            is_over: false,
            next_place: 0,
            events: Vec::new(),
        }
    }

    /// The process of a task that is there.
    pub(crate) fn process_of(&self, task: TaskKey) -> &Process {
        &self.processes[self.tasks[task].process]
    }

    pub(crate) fn process_of_mut(&mut self, task: TaskKey) -> &mut Process {
        let process = self.tasks[task].process;
        &mut self.processes[process]
    }

    pub(crate) fn same_process(&self, a: TaskKey, b: TaskKey) -> bool {
        self.tasks[a].process == self.tasks[b].process
    }

    /// The process ID: the leader's number, which outlives the leader's own life.
    pub(crate) fn pid(&self, process: ProcessKey) -> u32 {
        self.tasks[self.processes[process].leader].tid
    }

    /// The task may act: it is there and has not begun to exit.
    pub(crate) fn running(&self, task: TaskKey) -> Result<&Task, Errno> {
        let found = self.tasks.get(task).ok_or(Errno::ESRCH)?;
        if found.stage == Stage::Running { Ok(found) } else { Err(Errno::E_STATE) }
    }

    /// Only the leader is left, and it is dead: the process may be waited for.
    pub(crate) fn is_dead(&self, process: ProcessKey) -> bool {
        let process = &self.processes[process];
        process.threads == [process.leader] && self.tasks[process.leader].stage == Stage::Zombie
    }

    /// What wait(2) reports of a dead process: the status of the whole, which the last thread to exit
    /// has decided if nobody decided it earlier.
    pub(crate) fn status(&self, process: ProcessKey) -> WaitStatus {
        self.processes[process].group_exit.expect("the last thread to exit decides")
    }

    /// Puts a process at the end of a thread's list of children.
    pub(crate) fn append_child(&mut self, parent: TaskKey, child: ProcessKey) {
        let place = self.next_place;
        self.next_place += 1;
        self.processes[child].parent = Some(parent);
        self.processes[child].place = place;
        self.tasks[parent].children.insert(place, child);
    }
}
