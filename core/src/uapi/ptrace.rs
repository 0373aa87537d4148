//! Options and events of ptrace(2).

bitflags::bitflags! {
    /// `PTRACE_SETOPTIONS`: which events stop the tracee, and what becomes of it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct TraceOptions: u32 {
        /// Marks stops at system calls with bit 7.
        const SYSGOOD = 0x0000_0001;
        /// Stop at fork(2), and trace the child.
        const FORK = 0x0000_0002;
        /// Stop at vfork(2), and trace the child.
        const VFORK = 0x0000_0004;
        /// Stop at clone(2) with another exit signal than SIGCHLD, and trace the child.
        const CLONE = 0x0000_0008;
        /// Stop at the end of execve(2).
        const EXEC = 0x0000_0010;
        /// Stop when the child of vfork(2) lets go of its parent.
        const VFORK_DONE = 0x0000_0020;
        /// Stop before the tracee begins to exit.
        const EXIT = 0x0000_0040;
        /// Stop at a seccomp filter's word.
        const SECCOMP = 0x0000_0080;
        /// Kill the tracee when the tracer dies.
        const EXITKILL = 0x0010_0000;
    }
}

/// What a tracee stops at, other than a signal; `PTRACE_EVENT_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum TraceEvent {
    /// fork(2); the message is the child's number.
    Fork = 1,
    /// vfork(2); the message is the child's number.
    Vfork = 2,
    /// Another clone(2); the message is the child's or thread's number.
    Clone = 3,
    /// execve(2); the message is the number that the thread had before.
    Exec = 4,
    /// The child of vfork(2) has let go; the message is its number.
    VforkDone = 5,
    /// An exit is about to begin; the message is the wait status.
    Exit = 6,
    /// A seccomp filter.
    Seccomp = 7,
    /// A group stop, PTRACE_INTERRUPT, or the first stop of a tracee that was attached by itself.
    Stop = 128,
}

impl TraceEvent {
    /// The option that asks for it; `None` for [`TraceEvent::Stop`], which needs none.
    pub const fn option(self) -> Option<TraceOptions> {
        match self {
            TraceEvent::Fork => Some(TraceOptions::FORK),
            TraceEvent::Vfork => Some(TraceOptions::VFORK),
            TraceEvent::Clone => Some(TraceOptions::CLONE),
            TraceEvent::Exec => Some(TraceOptions::EXEC),
            TraceEvent::VforkDone => Some(TraceOptions::VFORK_DONE),
            TraceEvent::Exit => Some(TraceOptions::EXIT),
            TraceEvent::Seccomp => Some(TraceOptions::SECCOMP),
            TraceEvent::Stop => None,
        }
    }
}
