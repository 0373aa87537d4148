//! What becomes of a signal when it is sent: it is dropped, or pending for a thread or a process, and
//! some thread is told to take it; signal(7), kill(2), tgkill(2).

use ptexit_core::uapi::{Errno, SI_KERNEL, SI_TKILL, SI_USER, SigInfo, Signal, SignalSet};

use crate::event::Event;
use crate::pending::Pending;
use crate::state::{Halted, Model, ProcessKey, Stage, TaskKey};

/// Whom kill(2) is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// The process with this number (of a process or of one of its threads).
    Process(u32),
    /// Every process in this process group.
    Group(u32),
    /// Every process in the caller's process group.
    OwnGroup,
    /// Every process that the caller can see, but init and the caller's own.
    Everybody,
}

/// For whom a signal is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The one thread.
    Thread,
    /// The process: any of its threads may take it.
    Process,
}

impl Model {
    /// kill(2). `None` sends nothing and only asks whether it could.
    pub fn signal(&mut self, caller: TaskKey, receiver: Receiver, signal: Option<Signal>) -> Result<(), Errno> {
        self.running(caller)?;
        match receiver {
            Receiver::Process(pid) => {
                let task = self.find_from(caller, pid).ok_or(Errno::ESRCH)?;
                // A process is offered its signals through its leader.
                self.signal_one(caller, task, signal, SI_USER, Scope::Process)
            }
            Receiver::Group(pgid) => {
                let pgid = self.number_from(caller, pgid).ok_or(Errno::ESRCH)?;
                let members = self.members(pgid);
                self.signal_many(caller, &members, signal)
            }
            Receiver::OwnGroup => {
                let members = self.members(self.process_of(caller).pgid);
                self.signal_many(caller, &members, signal)
            }
            Receiver::Everybody => {
                let own = self.tasks[caller].process;
                let namespace = self.tasks[caller].namespace;
                let others: Vec<ProcessKey> = self
                    .processes_in(namespace)
                    .into_iter()
                    .filter(|&process| process != own && self.namespaces[namespace].init != Some(process))
                    .collect();
                if others.is_empty() {
                    return Err(Errno::ESRCH);
                }
                // One refusal is no failure as long as the last of the rest took it.
                let mut result = Ok(());
                for process in others {
                    let leader = self.processes[process].leader;
                    let sent = self.signal_one(caller, leader, signal, SI_USER, Scope::Process);
                    if sent != Err(Errno::EPERM) {
                        result = sent;
                    }
                }
                result
            }
        }
    }

    /// tgkill(2), to a thread by its number.
    pub fn signal_thread(&mut self, caller: TaskKey, tid: u32, signal: Option<Signal>) -> Result<(), Errno> {
        self.running(caller)?;
        let task = self.find_from(caller, tid).ok_or(Errno::ESRCH)?;
        self.signal_one(caller, task, signal, SI_TKILL, Scope::Thread)
    }

    /// One of them having taken it is success.
    fn signal_many(&mut self, caller: TaskKey, processes: &[ProcessKey], signal: Option<Signal>) -> Result<(), Errno> {
        let mut result = Err(Errno::ESRCH);
        let mut success = false;
        for &process in processes {
            let leader = self.processes[process].leader;
            let sent = self.signal_one(caller, leader, signal, SI_USER, Scope::Process);
            success |= sent.is_ok();
            result = sent;
        }
        if success { Ok(()) } else { result }
    }

    fn signal_one(
        &mut self,
        caller: TaskKey,
        target: TaskKey,
        signal: Option<Signal>,
        code: i32,
        scope: Scope,
    ) -> Result<(), Errno> {
        if !self.may_signal(caller, target, signal) {
            return Err(Errno::EPERM);
        }
        let Some(signal) = signal else { return Ok(()) };
        let sender = self.tasks[caller].process;
        let info = self.info_from(sender, target, signal, code);
        // Who is not visible to the receiver is above it: its word goes even to init.
        let force = !self.is_visible_from(self.tasks[target].namespace, caller);
        self.send(target, info, scope, force);
        Ok(())
    }

    /// The superuser may send anything, everybody to their own, and SIGCONT within the session.
    fn may_signal(&self, caller: TaskKey, target: TaskKey, signal: Option<Signal>) -> bool {
        let (caller, target) = (self.process_of(caller), self.process_of(target));
        caller.uid == 0 || caller.uid == target.uid || signal == Some(Signal::SIGCONT) && caller.sid == target.sid
    }

    /// A signal from one process to another, as the receiver sees the sender.
    pub(crate) fn info_from(&self, sender: ProcessKey, receiver: TaskKey, signal: Signal, code: i32) -> SigInfo {
        let pid = self.pid_seen_from(self.tasks[receiver].namespace, self.pid(sender));
        SigInfo { signal, code, pid, uid: self.processes[sender].uid, status: 0, utime_ns: 0, stime_ns: 0 }
    }

    /// A signal that no process has sent.
    pub(crate) fn info_from_nobody(signal: Signal) -> SigInfo {
        SigInfo { signal, code: SI_KERNEL, pid: 0, uid: 0, status: 0, utime_ns: 0, stime_ns: 0 }
    }

    /// Sends a signal; `target` is the thread it is for, or the one that is asked first. `force` goes
    /// past the protection of init.
    pub(crate) fn send(&mut self, target: TaskKey, info: SigInfo, scope: Scope, force: bool) {
        let process = self.tasks[target].process;
        if self.processes[process].group_exit.is_some() {
            return;
        }
        self.stop_and_continue(process, info.signal);
        let blocked = self.tasks[target].mask.contains(info.signal);
        let is_traced = self.tasks[target].tracing.is_some() && info.signal != Signal::SIGKILL;
        if !blocked && !is_traced && self.is_dropped(process, info.signal, force) {
            if !self.processes[process].actions.of(info.signal).is_ignored() {
                self.tell(Event::Signal { target, info });
            }
            return;
        }
        let pending = match scope {
            Scope::Thread => &mut self.tasks[target].pending,
            Scope::Process => &mut self.processes[process].shared,
        };
        if !pending.add(info) {
            return;
        }
        self.tell(Event::Signal { target, info });
        self.choose_who_takes(target, info.signal, scope);
    }

    /// What nobody would notice is not even pending: signals that are ignored, and all that would harm
    /// an init that has not asked for them.
    fn is_dropped(&self, process: ProcessKey, signal: Signal, force: bool) -> bool {
        let action = self.processes[process].actions.of(signal);
        let protected =
            self.is_init(process) && action.is_default() && !(force && SignalSet::UNBLOCKABLE.contains(signal));
        protected || action.discards(signal)
    }

    /// The thread that was named if it can, else the next one round that can. A signal that ends the
    /// process does so now.
    fn choose_who_takes(&mut self, named: TaskKey, signal: Signal, scope: Scope) {
        let process = self.tasks[named].process;
        let taker = if self.wants(named, signal) {
            named
        } else if scope == Scope::Thread {
            return;
        } else {
            let threads = &self.processes[process].threads;
            let first = threads.iter().position(|&thread| thread == self.processes[process].next_taker).unwrap_or(0);
            let mut round = threads[first..].iter().chain(&threads[..first]).copied();
            let Some(taker) = round.find(|&thread| self.wants(thread, signal)) else { return };
            self.processes[process].next_taker = taker;
            taker
        };
        let is_fatal = self.processes[process].actions.of(signal).is_default()
            && !SignalSet::STOP.union(SignalSet::IGNORED_BY_DEFAULT).contains(signal);
        let may_be_stopped_by_tracer = signal != Signal::SIGKILL && self.tasks[named].tracing.is_some();
        // A core dump is decided by who takes the signal.
        if is_fatal && !may_be_stopped_by_tracer && !SignalSet::CORE_DUMP.contains(signal) {
            self.kill_process(process, signal);
        } else {
            self.tasks[taker].signalled = true;
        }
    }

    /// The thread would act on this signal without delay.
    fn wants(&self, thread: TaskKey, signal: Signal) -> bool {
        let task = &self.tasks[thread];
        if task.mask.contains(signal) || task.stage != Stage::Running {
            return false;
        }
        signal == Signal::SIGKILL || task.halted == Halted::No && !task.signalled
    }

    /// A signal from the system itself to a process, such as SIGCHLD.
    pub(crate) fn send_to_process(&mut self, target: TaskKey, info: SigInfo) {
        self.send(target, info, Scope::Process, false);
    }

    /// sigprocmask(2): the mask of the calling thread.
    pub fn set_mask(&mut self, caller: TaskKey, mask: SignalSet) -> Result<(), Errno> {
        self.running(caller)?;
        let mask = mask.minus(SignalSet::UNBLOCKABLE);
        let newly_blocked = mask.minus(self.tasks[caller].mask);
        // What this thread was to take, another one has to.
        if self.tasks[caller].signalled {
            self.retarget(caller, newly_blocked);
        }
        self.tasks[caller].mask = mask;
        self.look_for_signals(caller);
        Ok(())
    }

    /// The thread is to take signals if there are any for it.
    pub(crate) fn look_for_signals(&mut self, thread: TaskKey) {
        let task = &self.tasks[thread];
        let pending = task.pending.set().union(self.process_of(thread).shared.set()).minus(task.mask);
        let has_work = !pending.is_empty() || task.job.is_asked() || task.resumed_with.is_some();
        self.tasks[thread].signalled = has_work;
    }

    /// The thread no longer takes these signals of the process's: others are asked to.
    pub(crate) fn retarget(&mut self, leaving: TaskKey, signals: SignalSet) {
        let process = self.tasks[leaving].process;
        let mut left = self.processes[process].shared.set().intersection(signals);
        let threads = &self.processes[process].threads;
        let own = threads.iter().position(|&thread| thread == leaving).unwrap_or(0);
        let others: Vec<TaskKey> = threads[own..].iter().chain(&threads[..own]).copied().skip(1).collect();
        for thread in others {
            let task = &self.tasks[thread];
            let takes = left.minus(task.mask);
            if left.is_empty() || task.stage != Stage::Running || takes.is_empty() {
                continue;
            }
            left = left.minus(takes);
            self.tasks[thread].signalled = true;
        }
    }

    /// rt_sigtimedwait(2) that does not wait: takes one of these signals if it is pending.
    pub fn dequeue(&mut self, caller: TaskKey, signals: SignalSet) -> Result<SigInfo, Errno> {
        self.running(caller)?;
        let others = SignalSet::ALL.minus(signals.minus(SignalSet::UNBLOCKABLE));
        let info = self.take_pending(caller, others).ok_or(Errno::EAGAIN)?;
        self.look_for_signals(caller);
        Ok(info)
    }

    /// The next pending signal that is not in the mask: the thread's own before the process's.
    pub(crate) fn take_pending(&mut self, thread: TaskKey, mask: SignalSet) -> Option<SigInfo> {
        let own = self.tasks[thread].pending.take(mask);
        own.or_else(|| self.process_of_mut(thread).shared.take(mask))
    }

    /// Forgets these signals, wherever in the process they are pending.
    pub(crate) fn forget_signals(&mut self, process: ProcessKey, signals: SignalSet) {
        self.processes[process].shared.forget(signals);
        for thread in self.processes[process].threads.clone() {
            self.tasks[thread].pending.forget(signals);
        }
    }

    /// What is pending for a thread alone, and for its process.
    pub fn pending(&self, task: TaskKey) -> (SignalSet, SignalSet) {
        let own: &Pending = &self.tasks[task].pending;
        (own.set(), self.process_of(task).shared.set())
    }
}
