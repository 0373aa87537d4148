//! What a task can set about itself: prctl(2), sigaction(2), setuid(2).

use ptexit_core::uapi::{Errno, Signal};

use crate::state::{Model, TaskKey};

/// What a process does about SIGCHLD; sigaction(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigchldAction {
    /// The disposition is `SIG_IGN`.
    pub ignore: bool,
    /// `SA_NOCLDWAIT`.
    pub no_cld_wait: bool,
    /// `SA_NOCLDSTOP`.
    pub no_cld_stop: bool,
}

impl Model {
    /// `sigaction(SIGCHLD)`. What is a zombie already stays one.
    pub fn set_sigchld(&mut self, caller: TaskKey, action: SigchldAction) -> Result<(), Errno> {
        self.running(caller)?;
        self.process_of_mut(caller).sigchld = action;
        Ok(())
    }

    /// `PR_SET_CHILD_SUBREAPER`: orphaned descendants come to this process instead of init. Children
    /// do not inherit it.
    pub fn set_subreaper(&mut self, caller: TaskKey, on: bool) -> Result<(), Errno> {
        self.running(caller)?;
        self.process_of_mut(caller).subreaper = on;
        Ok(())
    }

    /// `PR_SET_PDEATHSIG`, of the calling thread alone. Children and new threads start without.
    pub fn set_pdeathsig(&mut self, caller: TaskKey, signal: Option<Signal>) -> Result<(), Errno> {
        self.running(caller)?;
        self.tasks[caller].pdeathsig = signal;
        Ok(())
    }

    /// The real user ID, which parents see as `si_uid`.
    pub fn set_uid(&mut self, caller: TaskKey, uid: u32) -> Result<(), Errno> {
        self.running(caller)?;
        self.process_of_mut(caller).uid = uid;
        Ok(())
    }

    /// execve(2) by the only thread of a process.
    ///
    /// The process is an ordinary child from now on, and its earlier children's exit signals, meant
    /// for another program, turn into SIGCHLD when they die. A handler for SIGCHLD goes, an ignored
    /// SIGCHLD stays ignored, and the flags of the action are cleared.
    pub fn exec(&mut self, caller: TaskKey) -> Result<(), Errno> {
        self.running(caller)?;
        let process = self.process_of_mut(caller);
        if process.threads.len() > 1 {
            return Err(Errno::ENOSYS);
        }
        process.exit_signal = Some(Signal::SIGCHLD);
        process.exec_id += 1;
        process.has_execed = true;
        process.sigchld = SigchldAction { ignore: process.sigchld.ignore, ..SigchldAction::default() };
        Ok(())
    }
}
