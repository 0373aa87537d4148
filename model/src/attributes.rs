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

    /// Whether signals that ask for a core dump get one (what prctl(2) `PR_SET_DUMPABLE` and RLIMIT_CORE decide).
    pub fn set_dumps_core(&mut self, caller: TaskKey, on: bool) -> Result<(), Errno> {
        self.running(caller)?;
        self.process_of_mut(caller).dumps_core = on;
        Ok(())
    }

    /// The real user ID, which parents see as `si_uid`.
    pub fn set_uid(&mut self, caller: TaskKey, uid: u32) -> Result<(), Errno> {
        self.running(caller)?;
        self.process_of_mut(caller).uid = uid;
        Ok(())
    }
}
