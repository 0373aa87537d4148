//! What a task and a process are made of.

use std::collections::BTreeMap;

use ptexit_core::uapi::{Errno, Rusage, SigInfo, Signal, SignalSet, WaitStatus};

use crate::action::Actions;
use crate::arena::{Arena, Key};
use crate::event::Event;
use crate::namespace::{Namespace, NamespaceId};
use crate::numbers::Numbers;
use crate::pending::Pending;
use crate::ptrace::{Tracing, Trap};
use crate::stop::{GroupStop, Job};
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
    /// Dead. A leader stays in this stage until its process is reaped, a tracee until its tracer reaps it;
    /// other threads are released at once.
    Zombie,
}

/// Why a live thread does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halted {
    /// It does.
    No,
    /// Its process is stopped (`TASK_STOPPED`).
    Stopped,
    /// It is in a ptrace-stop (`TASK_TRACED`).
    Traced,
}

/// What a thread sleeps in, deaf to all signals but the deadly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asleep {
    /// vfork(2), until the child lets go.
    Vfork,
    /// execve(2), until its siblings are gone.
    Exec,
}

/// A thread (Linux `task_struct`).
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number in the first namespace, which stands for all of them.
    pub(crate) tid: u32,
    /// The PID namespace that it was born in.
    pub(crate) namespace: NamespaceId,
    /// The one that its children will be born in.
    pub(crate) children_namespace: NamespaceId,
    pub(crate) process: ProcessKey,
    pub(crate) stage: Stage,
    /// It has decided to exit, with this status, but may still have to stop for its tracer.
    pub(crate) leaving: Option<WaitStatus>,
    /// The status this thread itself exits with.
    pub(crate) code: Option<WaitStatus>,
    /// The processes it forked or inherited, in that order. The keys only order.
    pub(crate) children: BTreeMap<u64, ProcessKey>,
    /// What it is sent when its process's parent thread dies; `PR_SET_PDEATHSIG`.
    pub(crate) pdeathsig: Option<Signal>,
    /// The wait it is blocked in.
    pub(crate) blocked: Option<Request>,
    pub(crate) asleep: Option<Asleep>,
    /// Whom it lets go on when it executes a program or exits; vfork(2).
    pub(crate) vfork_parent: Option<TaskKey>,
    /// The child of its vfork(2) that has let go, while its tracer is not told.
    pub(crate) vfork_done: Option<u32>,
    pub(crate) halted: Halted,
    /// What it is asked to do about stops.
    pub(crate) job: Job,
    /// The signals it blocks.
    pub(crate) mask: SignalSet,
    pub(crate) pending: Pending,
    /// It has been told to see about its signals (Linux `TIF_SIGPENDING`).
    pub(crate) signalled: bool,
    /// It is to die at once, and has not heard of it.
    pub(crate) killed: bool,
    /// The signal that its tracer lets it have.
    pub(crate) resumed_with: Option<SigInfo>,
    pub(crate) tracing: Option<Tracing>,
    /// The stop for its tracer that it is in.
    pub(crate) trap: Option<Trap>,
    /// Those it traces, youngest relation first.
    pub(crate) tracees: Vec<TaskKey>,
    /// What it has used so far.
    pub(crate) usage: Rusage,
}

impl Task {
    pub(crate) fn is_killed(&self) -> bool {
        self.killed
    }
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
    /// The thread that executes a program, while it waits for its siblings to be gone.
    pub(crate) executing: Option<TaskKey>,
    /// The status of the whole process, once that is decided. It never changes afterwards.
    pub(crate) group_exit: Option<WaitStatus>,
    pub(crate) actions: Actions,
    /// Signals for whichever thread takes them.
    pub(crate) shared: Pending,
    /// The thread that took such a signal last; the next is offered from there on.
    pub(crate) next_taker: TaskKey,
    pub(crate) stop: GroupStop,
    /// A signal that asks for a core dump gets one.
    pub(crate) dumps_core: bool,
    /// `PR_SET_CHILD_SUBREAPER`.
    pub(crate) subreaper: bool,
    pub(crate) uid: u32,
    pub(crate) pgid: u32,
    pub(crate) sid: u32,
    /// When it joined its process group.
    pub(crate) joined: u64,
    /// What its dead threads used.
    pub(crate) usage: Rusage,
    /// What the children it has waited for used, and theirs; `RUSAGE_CHILDREN`.
    pub(crate) children_usage: Rusage,
}

/// Where Linux has not always been what it is, and where the host may choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compat {
    /// As before Linux 6.15: SIGCHLD for a process whose leader ended early carries the leader's own status,
    /// not the process's.
    pub leaders_own_status_in_siginfo: bool,
    /// execve(2) does not wait until the tracers of dead siblings have reaped them.
    pub exec_ignores_traced_zombies: bool,
}

/// All PID namespaces and every process in them.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) tasks: Arena<Task>,
    pub(crate) processes: Arena<Process>,
    pub(crate) numbers: Numbers,
    pub(crate) namespaces: Vec<Namespace>,
    /// Rises with every birth, reparenting and change of process group; orders children and members.
    pub(crate) next_place: u64,
    /// Everything is being ended from outside.
    pub(crate) is_over: bool,
    pub(crate) compat: Compat,
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
            namespaces: vec![Namespace::first()],
            next_place: 0,
            is_over: false,
            compat: Compat::default(),
            events: Vec::new(),
        }
    }

    /// The same with other rules.
    #[must_use]
    pub fn with(self, compat: Compat) -> Model {
        Model { compat, ..self }
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

    pub(crate) fn is_leader(&self, task: TaskKey) -> bool {
        self.process_of(task).leader == task
    }

    /// Only the leader is left, and it is dead: the process may be waited for.
    pub(crate) fn is_dead(&self, process: ProcessKey) -> bool {
        let process = &self.processes[process];
        process.threads == [process.leader] && self.tasks[process.leader].stage == Stage::Zombie
    }

    /// What wait(2) reports of a dead task: the status of its process if that is decided, which the last
    /// thread to exit does if nobody did earlier. Of a thread that died before: its own.
    pub(crate) fn status(&self, task: TaskKey) -> WaitStatus {
        let own = self.tasks[task].code;
        self.process_of(task).group_exit.or(own).expect("who exits has a status")
    }

    /// The next number of those that only order.
    pub(crate) fn next_place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place
    }

    /// Puts a process at the end of a thread's list of children.
    pub(crate) fn append_child(&mut self, parent: TaskKey, child: ProcessKey) {
        let place = self.next_place();
        self.processes[child].parent = Some(parent);
        self.processes[child].place = place;
        self.tasks[parent].children.insert(place, child);
    }
}
