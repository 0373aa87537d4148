//! What a process does about each signal; sigaction(2).

use ptexit_core::uapi::{Errno, Signal, SignalSet};

use crate::attributes::SigchldAction;
use crate::state::{Model, TaskKey};

/// What becomes of a signal that a thread takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// `SIG_DFL`: as signal(7) says.
    #[default]
    Default,
    /// `SIG_IGN`.
    Ignore,
    /// A function of the program's.
    Handler,
}

/// What sigaction(2) sets for one signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// What becomes of it.
    pub disposition: Disposition,
    /// `SA_NOCLDWAIT`, of SIGCHLD alone.
    pub no_cld_wait: bool,
    /// `SA_NOCLDSTOP`, of SIGCHLD alone.
    pub no_cld_stop: bool,
    /// `SA_RESTART`: a wait that the handler interrupts begins anew.
    pub restart: bool,
}

impl Action {
    pub(crate) fn is_default(self) -> bool {
        self.disposition == Disposition::Default
    }

    pub(crate) fn is_ignored(self) -> bool {
        self.disposition == Disposition::Ignore
    }

    /// The signal has no effect but those of its sending.
    pub(crate) fn discards(self, signal: Signal) -> bool {
        self.is_ignored() || self.is_default() && SignalSet::IGNORED_BY_DEFAULT.contains(signal)
    }
}

/// One [`Action`] for each signal.
#[derive(Clone, Debug)]
pub(crate) struct Actions([Action; 64]);

impl Default for Actions {
    fn default() -> Self {
        Actions([Action::default(); 64])
    }
}

impl Actions {
    pub(crate) fn of(&self, signal: Signal) -> Action {
        self.0[signal.number() as usize - 1]
    }

    pub(crate) fn set(&mut self, signal: Signal, action: Action) {
        self.0[signal.number() as usize - 1] = action;
    }

    /// execve(2): there is no function left to call; what is ignored stays ignored.
    pub(crate) fn forget_handlers(&mut self) {
        for action in &mut self.0 {
            let disposition = match action.disposition {
                Disposition::Ignore => Disposition::Ignore,
                Disposition::Default | Disposition::Handler => Disposition::Default,
            };
            *action = Action { disposition, ..Action::default() };
        }
    }
}

impl Model {
    /// sigaction(2). What the new action discards is no longer pending. What is a zombie already stays one,
    /// whatever becomes of SIGCHLD.
    pub fn set_action(&mut self, caller: TaskKey, signal: Signal, action: Action) -> Result<(), Errno> {
        self.running(caller)?;
        if SignalSet::UNBLOCKABLE.contains(signal) {
            return Err(Errno::EINVAL);
        }
        let process = self.tasks[caller].process;
        self.processes[process].actions.set(signal, action);
        if action.discards(signal) {
            self.forget_signals(process, SignalSet::of(&[signal]));
        }
        Ok(())
    }

    /// `sigaction(SIGCHLD)`, of a process that does not handle it.
    pub fn set_sigchld(&mut self, caller: TaskKey, action: SigchldAction) -> Result<(), Errno> {
        let disposition = if action.ignore { Disposition::Ignore } else { Disposition::Default };
        let SigchldAction { no_cld_wait, no_cld_stop, .. } = action;
        self.set_action(caller, Signal::SIGCHLD, Action { disposition, no_cld_wait, no_cld_stop, restart: false })
    }
}
