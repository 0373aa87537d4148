//! What wait(2) reports: a death, or one of the changes that a process or a tracee comes through alive.

use core::fmt;

use super::{ChildCode, Signal, WaitStatus};

/// What became of a child.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is dead.
    Died(WaitStatus),
    /// The whole process has stopped, by this signal.
    Stopped(Signal),
    /// A tracee has stopped, and waits for its tracer: a signal's number, and above it `event << 8`.
    Trapped(u32),
    /// The whole process goes on, by SIGCONT.
    Continued,
}

impl Change {
    /// The bits as wait(2) reports them.
    pub const fn raw(self) -> u32 {
        match self {
            Change::Died(status) => status.raw(),
            Change::Stopped(signal) => signal.number() << 8 | 0x7f,
            Change::Trapped(code) => code << 8 | 0x7f,
            Change::Continued => 0xffff,
        }
    }

    /// `si_code` and `si_status`, as waitid(2) reports this change.
    pub const fn child_code(self) -> (ChildCode, i32) {
        match self {
            Change::Died(status) => status.child_code(),
            Change::Stopped(signal) => (ChildCode::Stopped, signal.number() as i32),
            Change::Trapped(code) => (ChildCode::Trapped, code as i32),
            Change::Continued => (ChildCode::Continued, Signal::SIGCONT.number() as i32),
        }
    }

    /// The wait status, if it is a death.
    pub const fn status(self) -> Option<WaitStatus> {
        match self {
            Change::Died(status) => Some(status),
            _ => None,
        }
    }
}

impl From<WaitStatus> for Change {
    fn from(status: WaitStatus) -> Change {
        Change::Died(status)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Died(status) => write!(f, "{status:?}"),
            Change::Stopped(signal) => write!(f, "stopped({signal})"),
            Change::Trapped(code) if code >> 8 != 0 => write!(f, "trapped({code:#x})"),
            Change::Trapped(code) => match Signal::new(code & 0x7f) {
                Some(signal) if code & 0x80 == 0 => write!(f, "trapped({signal})"),
                _ => write!(f, "trapped({code:#x})"),
            },
            Change::Continued => f.write_str("continued"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_codes_are_those_of_wait_and_waitid() {
        let exit_event = Change::Trapped(0x605);
        assert_eq!((exit_event.raw(), exit_event.child_code()), (0x6057f, (ChildCode::Trapped, 0x605)));
        assert_eq!(Change::Stopped(Signal::SIGSTOP).raw(), 0x137f);
        assert_eq!((Change::Continued.raw(), Change::Continued.child_code().1), (0xffff, 18));
        assert_eq!(Change::Died(WaitStatus::exited(3)).raw(), 0x300);
    }
}
