//! Signal numbers of x86-64 Linux and what travels with a signal.

use core::fmt;

/// A signal number, 1 to 64; signal(7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

macro_rules! signals {
    ($($name:ident = $number:literal),* $(,)?) => {
        impl Signal {
            $(
                #[doc = concat!("`", stringify!($name), "`, ", stringify!($number), ".")]
                pub const $name: Signal = Signal($number);
            )*

            /// The name of a standard signal; `None` for a real-time one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($number => Some(stringify!($name)),)* _ => None }
            }

            /// The signal of that name (`SIGCHLD`), or `None`.
            pub fn from_name(name: &str) -> Option<Signal> {
                match name { $(stringify!($name) => Some(Signal($number)),)* _ => None }
            }
        }
    };
}

signals! {
    SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8,
    SIGKILL = 9, SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13, SIGALRM = 14, SIGTERM = 15,
    SIGSTKFLT = 16, SIGCHLD = 17, SIGCONT = 18, SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22,
    SIGURG = 23, SIGXCPU = 24, SIGXFSZ = 25, SIGVTALRM = 26, SIGPROF = 27, SIGWINCH = 28, SIGIO = 29,
    SIGPWR = 30, SIGSYS = 31,
}

impl Signal {
    /// The signal of that number; `None` unless it is in 1..=64.
    pub const fn new(number: u32) -> Option<Signal> {
        match number {
            1..=64 => Some(Signal(number as u8)),
            _ => None,
        }
    }

    /// The number, 1 to 64.
    pub const fn number(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "SIG{}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `si_code` of a signal sent by kill(2) and of the parent-death signal.
pub const SI_USER: i32 = 0;
/// `si_code` of a signal sent by tgkill(2).
pub const SI_TKILL: i32 = -6;
/// `si_code` of a signal the kernel itself generates.
pub const SI_KERNEL: i32 = 0x80;

/// `si_code` of `SIGCHLD` and of waitid(2)'s result: what became of the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum ChildCode {
    /// The child called exit(3).
    Exited = 1,
    /// The child was killed by a signal.
    Killed = 2,
    /// The child was killed by a signal and dumped core.
    Dumped = 3,
    /// A tracee has stopped.
    Trapped = 4,
    /// The child has stopped.
    Stopped = 5,
    /// The child goes on.
    Continued = 6,
}

/// What travels with a signal; `siginfo_t` in sigaction(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigInfo {
    /// The signal itself.
    pub signal: Signal,
    /// `si_code`: a [`ChildCode`] as a number, [`SI_USER`] or [`SI_KERNEL`].
    pub code: i32,
    /// `si_pid`: the child, or the process whose death is announced, in the receiver's PID namespace.
    pub pid: u32,
    /// `si_uid`: the real user ID of that process.
    pub uid: u32,
    /// `si_status`: the exit code with [`ChildCode::Exited`], the signal's number otherwise.
    pub status: i32,
    /// `si_utime` in nanoseconds (the host converts to clock ticks).
    pub utime_ns: u64,
    /// `si_stime` in nanoseconds (the host converts to clock ticks).
    pub stime_ns: u64,
}
