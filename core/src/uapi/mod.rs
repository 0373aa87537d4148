//! What Linux fixes by number: error numbers, signals, wait statuses and options, resource usage.
//!
//! Plain data without behaviour of its own. Every value is Linux's, whatever the host's libc says.

mod change;
mod errno;
mod ptrace;
mod signal;
mod signal_set;
mod usage;
mod wait;

pub use change::Change;
pub use errno::Errno;
pub use ptrace::{TraceEvent, TraceOptions};
pub use signal::{ChildCode, SI_KERNEL, SI_TKILL, SI_USER, SigInfo, Signal};
pub use signal_set::SignalSet;
pub use usage::Rusage;
pub use wait::{WaitOptions, WaitStatus};
