//! The process tree: the library's public interface, one line a call.

use core::fmt;

use crate::host::Host;
use crate::ids::TaskId;
use crate::protocol::outbox::Outbox;
use crate::protocol::{Call, exec, exit, fork, inspect, membership, signal, stop, wait};
use crate::record::pid_table::PidChoice;
use crate::record::tables::Tables;
use crate::uapi::{Errno, Rusage, Signal, WaitStatus};

/// For hosts that would rather ask than be called back: where [`Host::event`] can leave what it is told.
pub use crate::lockfree::queue::Queue;
pub use crate::terms::{
    Attr, AttrKind, CloneArgs, CloneKind, Disposition, ListFilter, Options, PidPolicy, SigchldPolicy, SignalArgs,
    SignalTarget, TaskInfo, TaskState, Verdict, WaitFor, WaitRequest, WaitResult, Waited, is_older,
};

/// A process tree. Any number of threads may share it.
///
/// No call blocks, and none but [`setpgid`](Self::setpgid) and [`setsid`](Self::setsid) (among themselves)
/// takes a lock: a thread that is frozen inside a call stops nobody. The events that a call causes are
/// delivered on the calling thread before the call returns.
///
/// A call about a task that is gone, or that never was, is refused with ESRCH. One task's own calls
/// (clone, exec, exit) are made by one thread at a time; the one that comes second gets E_STATE.
pub struct Tree<H> {
    tables: Tables,
    host: H,
}

impl<H: Host> Tree<H> {
    /// An empty tree. EINVAL: `pid_max` or `max_tasks` is 0.
    pub fn new(host: H, options: Options) -> Result<Tree<H>, Errno> {
        if options.pid_max == 0 || options.max_tasks == 0 {
            return Err(Errno::EINVAL);
        }
        let choice = match options.pid_policy {
            PidPolicy::Sharded => PidChoice::Sharded,
            PidPolicy::Cyclic => PidChoice::Cyclic,
            PidPolicy::Host => PidChoice::Host,
        };
        let tables = Tables::new(choice, options.pid_max, options.max_tasks, options.generation_seed);
        Ok(Tree { tables, host })
    }

    /// The program the tree is embedded in.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// One call: a seat and a pin for its length, then what it has to tell.
    #[inline]
    fn call<R>(&self, f: impl FnOnce(&Call) -> R) -> R {
        let outbox = Outbox::new(&self.host, &self.tables);
        let result = {
            let seat = self.tables.seats.take();
            let pin = seat.pin();
            let result = f(&Call { tables: &self.tables, pin: &pin, outbox: &outbox });
            outbox.begin_telling();
            result
        };
        outbox.deliver();
        result
    }

    /// Makes the first task: the namespace's init, with process ID 1 (`args.pid` with [`PidPolicy::Host`]),
    /// in a session of its own.
    ///
    /// EEXIST: there is or was one. EINVAL: not a process, or a wrong number.
    pub fn init(&self, args: &CloneArgs) -> Result<TaskId, Errno> {
        self.call(|call| fork::init(call, args))
    }

    /// clone(2), first phase: reserves a number, and all memory that the new task's exit and reaping will
    /// ever need. The task is invisible until it is committed. A task clones one child at a time.
    ///
    /// EAGAIN: a limit is reached. ENOMEM: no memory, or init has died. EINTR: the caller's process is
    /// exiting. EINVAL: a wrong number, or CLONE_PARENT by init. EEXIST: the number is taken. ESRCH: the
    /// caller is not alive. E_STATE: another call of the same task is under way, or its last clone is
    /// neither committed nor aborted.
    pub fn clone_begin(&self, caller: TaskId, args: &CloneArgs) -> Result<TaskId, Errno> {
        // At the limit, records that were retired a moment ago come back when the epoch has moved on twice,
        // which no single call can bring about: it holds the epoch back itself.
        let mut chances = 3;
        loop {
            match self.call(|call| fork::begin(call, caller, args)) {
                Err(Errno::EAGAIN) if chances > 0 => chances -= 1,
                outcome => return outcome,
            }
        }
    }

    /// clone(2), second phase: makes the task visible.
    ///
    /// EINTR: the caller's process began to exit meanwhile; ENOMEM: init has died; EAGAIN: the process has
    /// 1,048,575 threads. With these three the reservation is gone. ESRCH: there is no such task. E_STATE: it
    /// is committed already; or it is not, and a call of its creator is under way, such as a report of its death:
    /// then again.
    pub fn clone_commit(&self, child: TaskId) -> Result<(), Errno> {
        self.call(|call| fork::commit(call, child))
    }

    /// clone(2), second phase, if it came to nothing: gives back what was reserved. E_STATE: as [`clone_commit`](Self::clone_commit).
    pub fn clone_abort(&self, child: TaskId) -> Result<(), Errno> {
        self.call(|call| fork::abort(call, child))
    }

    /// execve(2) by a process of one thread: the exit signal becomes SIGCHLD, and the parent may not
    /// setpgid(2) it any more.
    ///
    /// ENOSYS: it has several threads. EAGAIN: it is exiting.
    pub fn exec(&self, task: TaskId) -> Result<(), Errno> {
        self.call(|call| exec::exec(call, task))
    }

    /// exit_group(2), or a fatal signal: decides the status of the process, first caller wins, and tells the
    /// other threads. Returns the status that won. The caller itself must still exit.
    pub fn exit_group(&self, task: TaskId, status: WaitStatus) -> Result<WaitStatus, Errno> {
        self.call(|call| exit::exit_group(call, task, status))
    }

    /// exit(2), first phase: the thread is past the point of no return. Returns the status it exits with,
    /// which is its process's if that is decided. E_STATE: it is exiting already.
    pub fn exit_begin(&self, task: TaskId, status: WaitStatus) -> Result<WaitStatus, Errno> {
        self.call(|call| exit::begin(call, task, status))
    }

    /// exit(2), second phase, when the thread's resources are gone: hands over its children, tells its
    /// parent, and releases it or leaves a zombie. E_STATE: the first phase is missing, or a clone of the
    /// task is neither committed nor aborted.
    pub fn exit_finish(&self, task: TaskId, usage: &Rusage) -> Result<(), Errno> {
        self.call(|call| exit::finish(call, task, usage))
    }

    /// The death of a whole process seen from outside: every thread that is left exits, the leader last,
    /// and `usage` is what all of it used.
    pub fn report_exit(&self, task: TaskId, status: WaitStatus, usage: &Rusage) -> Result<(), Errno> {
        self.call(|call| exit::report(call, task, status, usage))
    }

    /// waitid(2) and wait4(2). Never blocks: see [`Waited::Armed`].
    ///
    /// Of the matching children whose death was complete (`exit_finish` had returned) before the call began, none
    /// older than the one reported is passed over.
    ///
    /// ECHILD: there is no child to wait for. EINVAL: unknown options, none that says what to report, or a number
    /// that is no ID.
    pub fn wait(&self, waiter: TaskId, request: &WaitRequest) -> Result<Waited, Errno> {
        self.call(|call| wait::wait(call, waiter, request))
    }

    /// Reaps up to `results.len()` children at once, oldest first; returns how many. Never arms a wait; one
    /// that is armed ends, as with [`wait`](Self::wait).
    /// ECHILD as [`wait`](Self::wait); EINVAL with WNOWAIT.
    pub fn wait_many(&self, waiter: TaskId, request: &WaitRequest, results: &mut [WaitResult]) -> Result<usize, Errno> {
        self.call(|call| wait::wait_many(call, waiter, request, results))
    }

    /// Ends an armed wait. `true`: it had fired, so the host looks once more before it reports EINTR.
    /// EINVAL: no wait with this cookie is armed.
    pub fn wait_cancel(&self, waiter: TaskId, cookie: u64) -> Result<bool, Errno> {
        self.call(|call| wait::cancel(call, waiter, cookie))
    }

    /// kill(2), tgkill(2): sends a signal to a thread, a process, a process group or everybody; without a signal, asks
    /// whether one could be sent. `sender` `None` is the kernel that the host is: it may send anything.
    ///
    /// What is due at once is done: SIGKILL, and any other signal whose default action ends the process without a core
    /// dump and that some thread would take, end it ([`Event::Interrupt`]); SIGCONT lets it go on.
    /// [`Event::Signal`] tells who is to take it, unless it is dropped: because the process is exiting, ignores
    /// it, or is init and has not asked for it. For that the host tells masks and dispositions ([`Attr::Mask`],
    /// [`Attr::Action`]).
    ///
    /// ESRCH: nobody there, or the sender is not alive. EPERM: the sender may not.
    ///
    /// [`Event::Interrupt`]: crate::host::Event::Interrupt
    /// [`Event::Signal`]: crate::host::Event::Signal
    pub fn signal(&self, sender: Option<TaskId>, args: SignalArgs) -> Result<(), Errno> {
        self.call(|call| signal::signal(call, sender, args))
    }

    /// What the task has to do before it runs its guest, the next time or for the first time: run, exit, or stop. Called
    /// whenever the host has been told to interrupt the task, and before it takes signals. If a stop has ended,
    /// this is where the parent is told so.
    ///
    /// ESRCH: the task is not alive, or is exiting.
    pub fn task_poll(&self, task: TaskId) -> Result<Verdict, Errno> {
        self.call(|call| stop::poll(call, task))
    }

    /// The task was asked to stop ([`Verdict::Stop`]) and does: it has left its guest, and counts as stopped. Returns
    /// what it has to do after all: to sleep until it is interrupted, or, if the stop has ended meanwhile, to
    /// run or to exit. With the last of its threads, the process has stopped, and its parent is told.
    ///
    /// ESRCH: the task is not alive, or is exiting. E_STATE: another call of the same task is under way.
    pub fn task_stopped(&self, task: TaskId) -> Result<Verdict, Errno> {
        self.call(|call| stop::stop(call, task))
    }

    /// The task has taken a stop signal, with the default action, from where the host keeps pending signals: its
    /// process is to stop. `ticket` came with the signal. The task itself counts as stopped if the
    /// verdict is [`Verdict::Stop`], and then sleeps until it is interrupted; if SIGCONT has come since the signal was
    /// sent, nobody stops.
    ///
    /// EINVAL: not a stop signal. ESRCH: the task is not alive, or is exiting. E_STATE: another call of the same task
    /// is under way.
    pub fn begin_stop(&self, task: TaskId, signal: Signal, ticket: u32) -> Result<Verdict, Errno> {
        self.call(|call| stop::begin(call, task, signal, ticket))
    }

    /// setpgid(2). `pid` 0 is the caller, `pgid` 0 is the process itself.
    ///
    /// ESRCH: neither the caller nor a child of it. EACCES: the child has called execve(2). EPERM: another
    /// session, a session leader, or no such group in the session. EINVAL: `pid` is a thread's.
    pub fn setpgid(&self, caller: TaskId, pid: u32, pgid: u32) -> Result<(), Errno> {
        self.call(|call| membership::setpgid(call, caller, pid, pgid))
    }

    /// setsid(2). Returns the new session's ID. EPERM: the caller leads a process group.
    pub fn setsid(&self, caller: TaskId) -> Result<u32, Errno> {
        self.call(|call| membership::setsid(call, caller))
    }

    /// Sets an attribute of a task or of its process.
    pub fn set_attr(&self, task: TaskId, attr: Attr) -> Result<(), Errno> {
        self.call(|call| inspect::set_attr(call, task, attr))
    }

    /// Reads an attribute.
    pub fn get_attr(&self, task: TaskId, kind: AttrKind) -> Result<Attr, Errno> {
        self.call(|call| inspect::get_attr(call, task, kind))
    }

    /// The task with this process or thread ID, zombies included. ESRCH: there is none.
    pub fn pid_lookup(&self, pid: u32) -> Result<TaskId, Errno> {
        self.call(|call| inspect::pid_lookup(call, pid))
    }

    /// What there is to know about a task.
    pub fn task_info(&self, task: TaskId) -> Result<TaskInfo, Errno> {
        self.call(|call| inspect::task_info(call, task))
    }

    /// Writes up to `tasks.len()` handles; returns how many there are in all.
    pub fn list(&self, filter: ListFilter, tasks: &mut [TaskId]) -> Result<usize, Errno> {
        self.call(|call| inspect::list(call, filter, tasks))
    }

    /// What the waited-for children of the task's process used, their own included (`RUSAGE_CHILDREN`).
    pub fn children_usage(&self, task: TaskId) -> Result<Rusage, Errno> {
        self.call(|call| inspect::children_usage(call, task))
    }
}

impl<H> fmt::Debug for Tree<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree").field("tables", &self.tables).finish_non_exhaustive()
    }
}
