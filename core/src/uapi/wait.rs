//! Wait statuses and options; wait(2), waitid(2).

use core::fmt;

use super::{ChildCode, Signal};

/// The 16 bits that wait(2) reports.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WaitStatus(u16);

/// Set in a [`WaitStatus`] when the process dumped core; `WCOREDUMP`.
const CORE_DUMPED: u16 = 0x80;

impl WaitStatus {
    /// The status of a process that called exit(3) with `code`, of which Linux keeps the low eight bits.
    pub const fn exited(code: i32) -> WaitStatus {
        WaitStatus(((code & 0xff) as u16) << 8)
    }

    /// The status of a process killed by `signal`.
    pub const fn signaled(signal: Signal, core_dumped: bool) -> WaitStatus {
        WaitStatus(signal.number() as u16 | if core_dumped { CORE_DUMPED } else { 0 })
    }

    /// The status with these bits, if they can be those of a dead process: an exit code, or a signal
    /// with or without a core dump.
    pub const fn from_raw(raw: u32) -> Option<WaitStatus> {
        let signal = raw & 0x7f;
        let plausible = match signal {
            0 => raw & 0xff == 0,
            1..=64 => raw & 0xff00 == 0,
            _ => false,
        };
        if raw <= 0xffff && plausible { Some(WaitStatus(raw as u16)) } else { None }
    }

    /// The bits as wait(2) reports them.
    pub const fn raw(self) -> u32 {
        self.0 as u32
    }

    /// `WIFEXITED`, `WEXITSTATUS`: the exit code, or `None` if a signal killed the process.
    pub const fn exit_code(self) -> Option<i32> {
        if self.0 & 0x7f == 0 { Some((self.0 >> 8) as i32) } else { None }
    }

    /// `WIFSIGNALED`, `WTERMSIG`: the signal that killed the process.
    pub const fn term_signal(self) -> Option<Signal> {
        Signal::new((self.0 & 0x7f) as u32)
    }

    /// `WCOREDUMP`.
    pub const fn core_dumped(self) -> bool {
        self.0 & CORE_DUMPED != 0
    }

    /// `si_code` and `si_status`, as waitid(2) and `SIGCHLD` report this status.
    pub const fn child_code(self) -> (ChildCode, i32) {
        match self.exit_code() {
            Some(code) => (ChildCode::Exited, code),
            None if self.core_dumped() => (ChildCode::Dumped, (self.0 & 0x7f) as i32),
            None => (ChildCode::Killed, (self.0 & 0x7f) as i32),
        }
    }
}

impl fmt::Debug for WaitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.exit_code(), self.term_signal()) {
            (Some(code), _) => write!(f, "exited({code})"),
            (None, Some(signal)) if self.core_dumped() => write!(f, "dumped({signal})"),
            (None, Some(signal)) => write!(f, "killed({signal})"),
            (None, None) => write!(f, "{:#06x}", self.0),
        }
    }
}

bitflags::bitflags! {
    /// Options of wait4(2) and waitid(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct WaitOptions: u32 {
        /// Return at once when nothing is waitable yet.
        const WNOHANG = 0x0000_0001;
        /// Report stopped children (`WUNTRACED`).
        const WSTOPPED = 0x0000_0002;
        /// Report dead children.
        const WEXITED = 0x0000_0004;
        /// Report continued children.
        const WCONTINUED = 0x0000_0008;
        /// Leave the child waitable.
        const WNOWAIT = 0x0100_0000;
        /// Only children of the calling thread, not of its siblings.
        const WNOTHREAD = 0x2000_0000;
        /// Children of either kind.
        const WALL = 0x4000_0000;
        /// Only children whose exit signal is not `SIGCHLD`.
        const WCLONE = 0x8000_0000;
    }
}
