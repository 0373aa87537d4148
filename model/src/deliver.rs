//! A thread takes its signals, as it does whenever it is about to run its program; "Signal dispositions"
//! in signal(7).
//!
//! The library knows what is pending, who is asked, and what the default actions are. The program around
//! it only asks, and runs the handlers.

use ptexit_core::uapi::{ChildCode, SigInfo, Signal, SignalSet, WaitStatus};

use crate::action::Action;
use crate::ptrace::{GoesOn, Trap};
use crate::state::{Model, Stage, TaskKey};

/// What a thread has to do before it runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nothing.
    Nothing,
    /// To run the handler of this signal, and then to ask again.
    Handler(SigInfo, Action),
    /// To stay where it is: it has stopped, until [`Model::is_held_up`] says otherwise.
    Halted,
    /// To exit with this status.
    Exit(WaitStatus),
}

/// What acting on one signal came to.
enum Acted {
    /// No effect, or an effect elsewhere: on to the next signal.
    Next,
    Done(Taken),
}

impl Model {
    /// Whether the thread has been told to ask [`Model::take_signal`], and can.
    pub fn has_signals(&self, task: TaskKey) -> bool {
        let Some(found) = self.tasks.get(task) else { return false };
        found.stage == Stage::Running && found.signalled && !self.is_held_up(task)
    }

    /// The thread takes what there is for it, until something has to be done about it.
    pub fn take_signal(&mut self, task: TaskKey) -> Taken {
        if let Some(status) = self.tasks[task].leaving {
            return Taken::Exit(status);
        }
        if let Some(info) = self.tasks[task].resumed_with.take()
            && let Acted::Done(taken) = self.act(task, info)
        {
            return taken;
        }
        loop {
            let process = self.tasks[task].process;
            if self.processes[process].stop.untold.is_some() {
                self.tell_what_is_untold(task);
                continue;
            }
            if let Some(status) = self.death_sentence(task) {
                self.tasks[task].killed = false;
                self.tasks[task].pending.forget(SignalSet::of(&[Signal::SIGKILL]));
                return Taken::Exit(status);
            }
            if self.tasks[task].job.stop && self.stop_with_process(task, None) {
                return Taken::Halted;
            }
            if self.tasks[task].job.trap || self.tasks[task].job.trap_again {
                if self.trap_for_job(task) {
                    return Taken::Halted;
                }
                continue;
            }
            let mask = self.tasks[task].mask;
            let own = self.tasks[task].pending.take(mask);
            let for_process = own.is_none();
            let Some(info) = own.or_else(|| self.processes[process].shared.take(mask)) else {
                self.tasks[task].signalled = false;
                return Taken::Nothing;
            };
            self.tasks[task].job.took_stop_signal |= SignalSet::STOP.contains(info.signal);
            if self.tasks[task].tracing.is_some() {
                // The tracer may make it another signal, so any may come to be a stop signal.
                self.tasks[task].job.took_stop_signal = true;
                let goes_on = GoesOn::Signal { info, for_process };
                let trap = Trap::new(info.signal.number(), goes_on).with_info(info);
                if self.trap(task, trap, ChildCode::Trapped) {
                    return Taken::Halted;
                }
            }
            if let Acted::Done(taken) = self.act(task, info) {
                return taken;
            }
        }
    }

    /// The status with which the thread has to exit, if its process exits or a sibling executes a program.
    pub(crate) fn death_sentence(&self, task: TaskKey) -> Option<WaitStatus> {
        let process = self.process_of(task);
        let by_exec = || process.executing.filter(|&executing| executing != task).map(|_| WaitStatus::exited(0));
        process.group_exit.or_else(by_exec)
    }

    /// The disposition of a signal that the thread has taken, or that its tracer lets it have.
    fn act(&mut self, task: TaskKey, info: SigInfo) -> Acted {
        let process = self.tasks[task].process;
        let action = self.processes[process].actions.of(info.signal);
        if action.discards(info.signal) {
            return Acted::Next;
        }
        if !action.is_default() {
            return Acted::Done(Taken::Handler(info, action));
        }
        // Init is spared what it has not asked for, even where it was blocked when it was sent.
        if self.is_init(process) && !SignalSet::UNBLOCKABLE.contains(info.signal) {
            return Acted::Next;
        }
        if SignalSet::STOP.contains(info.signal) {
            // Nobody outside would continue an orphaned process group; only SIGSTOP stops it.
            let is_orphaned = || self.is_orphaned(self.processes[process].pgid, None);
            if info.signal != Signal::SIGSTOP && is_orphaned() {
                return Acted::Next;
            }
            return match self.stop_with_process(task, Some(info.signal)) {
                true => Acted::Done(Taken::Halted),
                false => Acted::Next,
            };
        }
        let dumped = SignalSet::CORE_DUMP.contains(info.signal) && self.processes[process].dumps_core;
        let status = WaitStatus::signaled(info.signal, dumped);
        Acted::Done(Taken::Exit(self.begin_group_exit(process, status, Some(task))))
    }
}
