//! Group stop and SIGCONT: how a process stops as a whole and goes on; "Stopped child" in wait(2),
//! SIGSTOP and SIGCONT in signal(7).
//!
//! A stop signal that some thread takes asks every thread of the process to stop. Each counts itself out
//! when it stops or exits; with the last, the stop is in effect and the parent is told, once.

use ptexit_core::uapi::{ChildCode, SigInfo, Signal, SignalSet};

use crate::state::{Halted, Model, ProcessKey, Stage, TaskKey};

/// The group stop of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupStop {
    /// All threads have stopped (or had, when a tracer resumed some).
    pub(crate) in_effect: bool,
    /// SIGCONT has ended a stop, and no wait has reported it yet.
    pub(crate) continued: bool,
    /// The signal of the stop, until a wait has reported it.
    pub(crate) signal: Option<Signal>,
    /// How many threads that are asked have not stopped yet.
    pub(crate) left: u32,
    /// What the parent is to be told of as soon as some thread gets to run.
    pub(crate) untold: Option<ChildCode>,
}

/// What a thread is asked to do about stops.
#[derive(Clone, Debug, Default)]
pub(crate) struct Job {
    /// To stop with its process.
    pub(crate) stop: bool,
    /// It is one of those that [`GroupStop::left`] counts.
    pub(crate) counted: bool,
    /// It has taken a stop signal, and no SIGCONT has come since.
    pub(crate) took_stop_signal: bool,
    /// The signal of the stop that it is part of.
    pub(crate) signal: Option<Signal>,
    /// To report a stop to its tracer.
    pub(crate) trap: bool,
    /// To report to the tracer that seized it that stops have begun or ended.
    pub(crate) trap_again: bool,
    /// The tracer that seized it lets it wait for the next such report; `PTRACE_LISTEN`.
    pub(crate) listening: bool,
}

impl Job {
    pub(crate) fn is_asked(&self) -> bool {
        self.stop || self.trap || self.trap_again
    }

    fn forget_stop(&mut self) {
        (self.stop, self.counted, self.took_stop_signal) = (false, false, false);
    }

    /// Nothing is asked of a thread that is about to die.
    pub(crate) fn forget_all(&mut self) {
        self.forget_stop();
        (self.trap, self.trap_again) = (false, false);
    }
}

impl Model {
    /// What the mere sending of a stop signal or of SIGCONT does, even if it is blocked or ignored: each
    /// discards the other, and SIGCONT lets the process go on.
    pub(crate) fn stop_and_continue(&mut self, process: ProcessKey, signal: Signal) {
        if SignalSet::STOP.contains(signal) {
            self.forget_signals(process, SignalSet::of(&[Signal::SIGCONT]));
        } else if signal == Signal::SIGCONT {
            self.forget_signals(process, SignalSet::STOP);
            self.end_group_stop(process);
        }
    }

    fn end_group_stop(&mut self, process: ProcessKey) {
        for thread in self.processes[process].threads.clone() {
            let task = &mut self.tasks[thread];
            task.job.forget_stop();
            if task.tracing.as_ref().is_some_and(|tracing| tracing.seized) {
                self.ask_to_trap_again(thread);
            } else if task.halted == Halted::Stopped {
                self.go_on(thread);
            }
        }
        let stop = &mut self.processes[process].stop;
        // A stop that is not complete is reported as one that was, by no signal.
        let untold = if stop.in_effect {
            ChildCode::Continued
        } else if stop.left > 0 {
            ChildCode::Stopped
        } else {
            return;
        };
        *stop = GroupStop { in_effect: false, continued: true, signal: None, left: 0, untold: Some(untold) };
    }

    /// A thread stops with its process, because it has taken a stop signal (`by`) or is asked to. A
    /// tracee will report to its tracer instead: the result is whether the thread has stopped here.
    pub(crate) fn stop_with_process(&mut self, thread: TaskKey, by: Option<Signal>) -> bool {
        let process = self.tasks[thread].process;
        if !self.tasks[thread].job.stop {
            let Some(signal) = by else { return false };
            let found = &self.processes[process];
            // A SIGCONT that came after the stop signal was taken has won.
            if !self.tasks[thread].job.took_stop_signal || found.group_exit.is_some() || found.executing.is_some() {
                return false;
            }
            self.begin_group_stop(process, thread, signal);
        }
        if self.tasks[thread].tracing.is_some() {
            self.ask(thread, |job| job.trap = true);
            return false;
        }
        let is_complete = self.take_part(thread);
        self.tasks[thread].halted = Halted::Stopped;
        if is_complete {
            self.tell_parent_of_stop(process, ChildCode::Stopped);
        }
        true
    }

    fn begin_group_stop(&mut self, process: ProcessKey, first: TaskKey, signal: Signal) {
        let stop = &mut self.processes[process].stop;
        // Threads that a tracer has resumed within a stop can stop again; the stop is still the old one.
        if !stop.in_effect {
            stop.signal = Some(signal);
        }
        stop.left = 0;
        for thread in self.processes[process].threads.clone() {
            if thread != first && self.tasks[thread].halted == Halted::Stopped {
                continue;
            }
            let asked = self.ask(thread, |job| {
                (job.stop, job.counted, job.signal) = (true, true, Some(signal));
            });
            if asked {
                self.processes[process].stop.left += 1;
                if thread != first && self.is_seized(thread) {
                    self.ask_to_trap_again(thread);
                }
            }
        }
    }

    /// Asks a thread for something, unless it is dying. Whether it was asked.
    pub(crate) fn ask(&mut self, thread: TaskKey, what: impl FnOnce(&mut crate::stop::Job)) -> bool {
        let task = &mut self.tasks[thread];
        if task.is_killed() || task.stage != Stage::Running {
            return false;
        }
        what(&mut task.job);
        task.signalled = true;
        true
    }

    /// The thread stops, or exits: it is one less that the stop waits for. Whether it was the last of a
    /// stop that was not in effect before.
    pub(crate) fn take_part(&mut self, thread: TaskKey) -> bool {
        let was_counted = self.tasks[thread].job.counted;
        self.tasks[thread].job.forget_stop();
        if !was_counted {
            return false;
        }
        let stop = &mut self.processes[self.tasks[thread].process].stop;
        stop.left -= 1;
        if stop.left > 0 || stop.in_effect {
            return false;
        }
        (stop.in_effect, stop.continued, stop.untold) = (true, false, None);
        true
    }

    /// A new thread joins the stop that its creator's process is in.
    pub(crate) fn join_group_stop(&mut self, creator: TaskKey, thread: TaskKey) {
        let signal = self.tasks[creator].job.signal;
        let stop = &mut self.processes[self.tasks[creator].process].stop;
        let counted = stop.left > 0;
        if counted {
            stop.left += 1;
        } else if !stop.in_effect {
            return;
        }
        self.ask(thread, |job| (job.stop, job.counted, job.signal) = (true, counted, signal));
    }

    /// Some thread of the process runs again and tells what happened meanwhile.
    pub(crate) fn tell_what_is_untold(&mut self, thread: TaskKey) {
        let process = self.tasks[thread].process;
        let Some(code) = self.processes[process].stop.untold.take() else { return };
        self.tell_parent_of_stop(process, code);
        let leader = self.processes[process].leader;
        if self.is_traced_from_outside(leader) {
            self.tell_tracer_of_stop(leader, code);
        }
    }

    /// SIGCHLD for the parent: the process has stopped or goes on.
    pub(crate) fn tell_parent_of_stop(&mut self, process: ProcessKey, code: ChildCode) {
        if let Some(parent) = self.processes[process].parent {
            let leader = self.processes[process].leader;
            self.tell_of_stop(leader, parent, code);
        }
    }

    /// SIGCHLD for the tracer: this tracee has stopped.
    pub(crate) fn tell_tracer_of_stop(&mut self, tracee: TaskKey, code: ChildCode) {
        if let Some(tracing) = &self.tasks[tracee].tracing {
            self.tell_of_stop(tracee, tracing.tracer, code);
        }
    }

    fn tell_of_stop(&mut self, task: TaskKey, receiver: TaskKey, code: ChildCode) {
        let action = self.process_of(receiver).actions.of(Signal::SIGCHLD);
        if !action.is_ignored() && !action.no_cld_stop {
            let number = |signal: Option<Signal>| signal.map_or(0, Signal::number) as i32;
            let status = match code {
                ChildCode::Continued => number(Some(Signal::SIGCONT)),
                ChildCode::Trapped => self.tasks[task].trap.as_ref().map_or(0, |trap| (trap.code & 0x7f) as i32),
                _ => number(self.process_of(task).stop.signal),
            };
            let pid = self.pid_seen_from(self.tasks[receiver].namespace, self.tasks[task].tid);
            let (uid, used) = (self.process_of(task).uid, self.tasks[task].usage);
            let (signal, code) = (Signal::SIGCHLD, code as i32);
            let info = SigInfo { signal, code, pid, uid, status, utime_ns: used.utime_ns, stime_ns: used.stime_ns };
            self.send_to_process(receiver, info);
        }
        self.wake_waiters(task, receiver);
    }

    /// The thread is no longer held up. What it missed meanwhile, it looks at.
    pub(crate) fn go_on(&mut self, thread: TaskKey) {
        let task = &mut self.tasks[thread];
        task.halted = Halted::No;
        task.signalled = true;
        if task.blocked.is_some() {
            self.tell(crate::event::Event::Wake { task: thread });
        }
    }
}
