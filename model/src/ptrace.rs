//! Who traces whom, and what a tracee stops at; ptrace(2).

use ptexit_core::uapi::{ChildCode, Errno, SI_USER, SigInfo, Signal, TraceEvent, TraceOptions, WaitStatus};

use crate::signal::Scope;
use crate::state::{Halted, Model, Stage, TaskKey};

/// The tracer of a task.
#[derive(Clone, Debug)]
pub(crate) struct Tracing {
    /// A thread: its siblings may wait for the tracee, but only it may make requests.
    pub(crate) tracer: TaskKey,
    /// `PTRACE_SEIZE`, or a child of a tracee that was seized.
    pub(crate) seized: bool,
    pub(crate) options: TraceOptions,
}

/// What `PTRACE_GETEVENTMSG` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceMessage {
    /// The number of a task, in the tracer's PID namespace.
    Pid(u32),
    /// A wait status, or 0.
    Number(u32),
}

/// How a tracee goes on from a ptrace-stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GoesOn {
    /// With the signal that the tracer chooses.
    Signal { info: SigInfo, for_process: bool },
    /// As if there had been no stop.
    AsBefore,
}

/// A ptrace-stop.
#[derive(Clone, Debug)]
pub(crate) struct Trap {
    /// What wait(2) reports, until it has: a signal's number, and above it an event.
    pub(crate) code: u32,
    message: TraceMessage,
    /// What `PTRACE_GETSIGINFO` would give.
    info: Option<SigInfo>,
    goes_on: GoesOn,
}

impl Trap {
    pub(crate) fn new(code: u32, goes_on: GoesOn) -> Trap {
        Trap { code, message: TraceMessage::Number(0), info: None, goes_on }
    }

    pub(crate) fn with_info(self, info: SigInfo) -> Trap {
        Trap { info: Some(info), ..self }
    }

    fn at(event: TraceEvent, signal: u32, message: TraceMessage) -> Trap {
        Trap { code: signal | (event as u32) << 8, message, info: None, goes_on: GoesOn::AsBefore }
    }

    /// A stop that `PTRACE_LISTEN` is for.
    fn is_job_stop(&self) -> bool {
        self.info.is_some_and(|info| info.code >> 8 == TraceEvent::Stop as i32)
    }
}

impl Model {
    /// `PTRACE_TRACEME`: the parent becomes the tracer. If it is on its way out, it would let go at once:
    /// then nothing happens.
    pub fn trace_me(&mut self, caller: TaskKey) -> Result<(), Errno> {
        self.running(caller)?;
        if self.tasks[caller].tracing.is_some() {
            return Err(Errno::EPERM);
        }
        let parent = self.process_of(caller).parent.filter(|&parent| self.tasks[parent].stage == Stage::Running);
        if let Some(parent) = parent {
            self.link(caller, Tracing { tracer: parent, seized: false, options: TraceOptions::empty() });
        }
        Ok(())
    }

    /// `PTRACE_ATTACH`: the tracee is stopped with a SIGSTOP.
    pub fn attach(&mut self, tracer: TaskKey, tracee: TaskKey) -> Result<(), Errno> {
        self.begin_tracing(tracer, tracee, Tracing { tracer, seized: false, options: TraceOptions::empty() })?;
        self.send(tracee, Self::info_from_nobody(Signal::SIGSTOP), Scope::Thread, true);
        self.make_stopped_tracee_trap(tracee);
        Ok(())
    }

    /// `PTRACE_SEIZE`: the tracee runs on.
    pub fn seize(&mut self, tracer: TaskKey, tracee: TaskKey, options: TraceOptions) -> Result<(), Errno> {
        self.begin_tracing(tracer, tracee, Tracing { tracer, seized: true, options })?;
        self.make_stopped_tracee_trap(tracee);
        Ok(())
    }

    fn begin_tracing(&mut self, tracer: TaskKey, tracee: TaskKey, tracing: Tracing) -> Result<(), Errno> {
        self.running(tracer)?;
        let found = self.tasks.get(tracee).ok_or(Errno::ESRCH)?;
        let may = self.process_of(tracer).uid == 0 || self.process_of(tracer).uid == self.process_of(tracee).uid;
        if self.same_process(tracer, tracee) || !may || found.stage == Stage::Zombie || found.tracing.is_some() {
            return Err(Errno::EPERM);
        }
        self.link(tracee, tracing);
        Ok(())
    }

    pub(crate) fn link(&mut self, tracee: TaskKey, tracing: Tracing) {
        // The youngest tracee is the first that a wait sees.
        self.tasks[tracing.tracer].tracees.insert(0, tracee);
        self.tasks[tracee].tracing = Some(tracing);
    }

    /// A task that was stopped when it was attached stops for its tracer instead.
    fn make_stopped_tracee_trap(&mut self, tracee: TaskKey) {
        if self.tasks[tracee].halted == Halted::Stopped && self.ask(tracee, |job| job.trap = true) {
            self.go_on(tracee);
        }
    }

    /// A tracee stops for its tracer. Not if it is being killed: whether it has stopped.
    pub(crate) fn trap(&mut self, task: TaskKey, trap: Trap, code: ChildCode) -> bool {
        if self.tasks[task].tracing.is_none() || self.tasks[task].is_killed() {
            return false;
        }
        let is_job_stop = trap.is_job_stop();
        self.tasks[task].halted = Halted::Traced;
        self.tasks[task].trap = Some(trap);
        let completes = code == ChildCode::Stopped && self.tasks[task].job.stop && self.take_part(task);
        self.tasks[task].job.trap = false;
        if is_job_stop {
            self.tasks[task].job.trap_again = false;
        }
        self.tell_tracer_of_stop(task, code);
        if completes && self.is_traced_from_outside(task) {
            self.tell_parent_of_stop(self.tasks[task].process, ChildCode::Stopped);
        }
        true
    }

    /// A tracee does its part in a group stop, or reports that one has begun or ended.
    pub(crate) fn trap_for_job(&mut self, task: TaskKey) -> bool {
        let number = |signal: Option<Signal>| signal.unwrap_or(Signal::SIGSTOP).number();
        let signal = number(self.tasks[task].job.signal);
        let trap = if self.is_seized(task) {
            let stop = &self.process_of(task).stop;
            let is_stopped = stop.left > 0 || stop.in_effect;
            let signal = if is_stopped { signal } else { Signal::SIGTRAP.number() };
            let trap = Trap::at(TraceEvent::Stop, signal, TraceMessage::Number(0));
            let info = Self::info_from_nobody(Signal::SIGTRAP);
            let code = trap.code as i32;
            trap.with_info(SigInfo { code, ..info })
        } else {
            Trap::new(signal, GoesOn::AsBefore)
        };
        self.trap(task, trap, ChildCode::Stopped)
    }

    /// A tracee stops at an event if its tracer has asked for it. Whether it has stopped.
    pub(crate) fn trap_at(&mut self, task: TaskKey, event: TraceEvent, message: TraceMessage) -> bool {
        let asked = |options: TraceOptions| event.option().is_some_and(|option| options.contains(option));
        if !self.tasks[task].tracing.as_ref().is_some_and(|tracing| asked(tracing.options)) {
            return false;
        }
        let trap = Trap::at(event, Signal::SIGTRAP.number(), message);
        let info = SigInfo { code: trap.code as i32, ..Self::info_from_nobody(Signal::SIGTRAP) };
        self.trap(task, trap.with_info(info), ChildCode::Trapped)
    }

    /// What the exit of a tracee passes through first.
    pub(crate) fn trap_at_exit(&mut self, task: TaskKey, status: WaitStatus) -> bool {
        self.trap_at(task, TraceEvent::Exit, TraceMessage::Number(status.raw()))
    }

    /// The tracee that this request is about: it is the caller's own, and in a ptrace-stop.
    fn stopped_tracee(&self, tracer: TaskKey, tracee: TaskKey) -> Result<(), Errno> {
        self.own_tracee(tracer, tracee)?;
        let task = &self.tasks[tracee];
        let is_stopped = task.halted == Halted::Traced && !task.job.listening && !task.is_killed();
        if is_stopped { Ok(()) } else { Err(Errno::ESRCH) }
    }

    fn own_tracee(&self, tracer: TaskKey, tracee: TaskKey) -> Result<(), Errno> {
        self.running(tracer)?;
        let tracing = self.tasks.get(tracee).and_then(|task| task.tracing.as_ref());
        if tracing.is_some_and(|tracing| tracing.tracer == tracer) { Ok(()) } else { Err(Errno::ESRCH) }
    }

    /// `PTRACE_CONT`, and the other requests that resume: `signal` takes the place of the one that the
    /// tracee stopped at.
    pub fn resume(&mut self, tracer: TaskKey, tracee: TaskKey, signal: Option<Signal>) -> Result<(), Errno> {
        self.stopped_tracee(tracer, tracee)?;
        self.leave_trap(tracee, signal);
        Ok(())
    }

    /// The end of a ptrace-stop.
    pub(crate) fn leave_trap(&mut self, tracee: TaskKey, signal: Option<Signal>) {
        let Some(trap) = self.tasks[tracee].trap.take() else { return };
        self.tasks[tracee].job.listening = false;
        self.go_on(tracee);
        self.end_vfork(tracee);
        let GoesOn::Signal { info, for_process } = trap.goes_on else { return };
        let Some(signal) = signal else { return };
        let info = if signal == info.signal { info } else { self.info_of_tracers_choice(tracee, signal) };
        let is_held_back = self.tasks[tracee].mask.contains(signal) || self.tasks[tracee].is_killed();
        if is_held_back {
            let scope = if for_process { Scope::Process } else { Scope::Thread };
            self.send(tracee, info, scope, false);
        } else {
            self.tasks[tracee].resumed_with = Some(info);
        }
    }

    fn info_of_tracers_choice(&self, tracee: TaskKey, signal: Signal) -> SigInfo {
        let tracer = self.tasks[tracee].tracing.as_ref().map(|tracing| tracing.tracer);
        let parent = tracer.or(self.process_of(tracee).parent);
        match parent {
            Some(parent) => {
                let pid = self.pid_seen_from(self.tasks[tracee].namespace, self.tasks[parent].tid);
                SigInfo { code: SI_USER, pid, uid: self.process_of(parent).uid, ..Self::info_from_nobody(signal) }
            }
            None => SigInfo { code: SI_USER, ..Self::info_from_nobody(signal) },
        }
    }

    /// `PTRACE_DETACH`: the tracee goes on, or stays stopped if its process is.
    pub fn detach(&mut self, tracer: TaskKey, tracee: TaskKey, signal: Option<Signal>) -> Result<(), Errno> {
        self.stopped_tracee(tracer, tracee)?;
        self.untrace_with(tracee, signal);
        Ok(())
    }

    /// The tracer is gone. What the tracee stopped at takes effect if the tracer has not waited for it.
    fn untrace(&mut self, tracee: TaskKey) {
        let unseen = self.tasks[tracee].trap.as_ref().and_then(|trap| Signal::new(trap.code));
        self.untrace_with(tracee, unseen);
    }

    /// The tracer lets go. Whoever was not told of the tracee's death because of it is told now.
    fn untrace_with(&mut self, tracee: TaskKey, signal: Option<Signal>) {
        let from_outside = self.is_traced_from_outside(tracee);
        self.unlink(tracee);
        if self.tasks[tracee].halted == Halted::Traced {
            self.leave_trap(tracee, signal);
        }
        if self.tasks[tracee].stage == Stage::Zombie {
            self.tell_of_release(tracee, from_outside);
        }
    }

    /// The end of the relation as such. A stop that the process is in holds for the task again.
    pub(crate) fn unlink(&mut self, tracee: TaskKey) {
        let Some(tracing) = self.tasks[tracee].tracing.take() else { return };
        if self.tasks.get(tracing.tracer).is_some() {
            self.tasks[tracing.tracer].tracees.retain(|&other| other != tracee);
        }
        let stop = &self.process_of(tracee).stop;
        let is_in_stop = stop.in_effect || stop.left > 0;
        let task = &mut self.tasks[tracee];
        (task.job.trap, task.job.trap_again) = (false, false);
        if is_in_stop && task.stage == Stage::Running {
            task.job.stop = true;
            task.job.signal.get_or_insert(Signal::SIGSTOP);
            task.signalled = true;
        }
    }

    /// A tracer thread ends: its tracees are nobody's, and not its siblings'.
    pub(crate) fn let_go_of_tracees(&mut self, tracer: TaskKey) {
        for tracee in core::mem::take(&mut self.tasks[tracer].tracees) {
            let kill = self.tasks[tracee].tracing.as_ref().is_some_and(|t| t.options.contains(TraceOptions::EXITKILL));
            if kill {
                self.send(tracee, Self::info_from_nobody(Signal::SIGKILL), Scope::Thread, true);
            }
            self.untrace(tracee);
        }
    }

    /// `PTRACE_INTERRUPT`: a tracee that was seized stops, now or after the stop that it is in.
    pub fn interrupt_tracee(&mut self, tracer: TaskKey, tracee: TaskKey) -> Result<(), Errno> {
        self.own_tracee(tracer, tracee)?;
        if !self.is_seized(tracee) {
            return Err(Errno::EIO);
        }
        if self.ask(tracee, |job| job.trap = true) && self.tasks[tracee].job.listening {
            self.leave_trap(tracee, None);
        }
        Ok(())
    }

    /// `PTRACE_LISTEN`: the tracee stays in its group stop, unseen by waits, until something happens to it.
    pub fn listen(&mut self, tracer: TaskKey, tracee: TaskKey) -> Result<(), Errno> {
        self.stopped_tracee(tracer, tracee)?;
        let is_job_stop = self.tasks[tracee].trap.as_ref().is_some_and(Trap::is_job_stop);
        if !self.is_seized(tracee) || !is_job_stop {
            return Err(Errno::EIO);
        }
        self.tasks[tracee].job.listening = true;
        if self.tasks[tracee].job.trap_again {
            self.leave_trap(tracee, None);
        }
        Ok(())
    }

    /// A tracee that was seized reports that stops have begun or ended, as soon as it runs or at once if it
    /// listens.
    pub(crate) fn ask_to_trap_again(&mut self, tracee: TaskKey) {
        if self.ask(tracee, |job| job.trap_again = true) && self.tasks[tracee].job.listening {
            self.leave_trap(tracee, None);
        }
    }

    /// `PTRACE_SETOPTIONS`.
    pub fn set_trace_options(&mut self, tracer: TaskKey, tracee: TaskKey, new: TraceOptions) -> Result<(), Errno> {
        self.stopped_tracee(tracer, tracee)?;
        if let Some(tracing) = &mut self.tasks[tracee].tracing {
            tracing.options = new;
        }
        Ok(())
    }

    /// `PTRACE_GETEVENTMSG`.
    pub fn trace_message(&self, tracer: TaskKey, tracee: TaskKey) -> Result<TraceMessage, Errno> {
        self.stopped_tracee(tracer, tracee)?;
        self.tasks[tracee].trap.as_ref().map(|trap| trap.message).ok_or(Errno::ESRCH)
    }

    /// The child or thread of a tracee is traced as well, and begins with a stop.
    pub(crate) fn trace_newborn(&mut self, parent: TaskKey, child: TaskKey) {
        let Some(tracing) = self.tasks[parent].tracing.clone() else { return };
        let seized = tracing.seized;
        self.link(child, tracing);
        if seized {
            self.ask(child, |job| job.trap = true);
        } else {
            self.tasks[child].pending.add(SigInfo { code: SI_USER, ..Self::info_from_nobody(Signal::SIGSTOP) });
            self.tasks[child].signalled = true;
        }
    }

    pub(crate) fn is_seized(&self, task: TaskKey) -> bool {
        self.tasks[task].tracing.as_ref().is_some_and(|tracing| tracing.seized)
    }

    /// The task has a tracer that is not a thread of its parent process.
    pub(crate) fn is_traced_from_outside(&self, task: TaskKey) -> bool {
        let Some(tracing) = &self.tasks[task].tracing else { return false };
        let tracer = self.tasks[tracing.tracer].process;
        self.process_of(task).parent.is_none_or(|parent| self.tasks[parent].process != tracer)
    }

    /// The thread cannot run: it is stopped, in a ptrace-stop, or asleep in a call that only death ends.
    pub fn is_held_up(&self, task: TaskKey) -> bool {
        self.tasks.get(task).is_some_and(|task| task.halted != Halted::No || task.asleep.is_some() && !task.is_killed())
    }
}
