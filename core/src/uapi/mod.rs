//! What Linux fixes by number: error numbers, signals, wait statuses and options, resource usage.
//!
//! Plain data without behaviour of its own. Every value is Linux's, whatever the host's libc says.

mod errno;
mod signal;
mod usage;
mod wait;

pub use errno::Errno;
pub use signal::{ChildCode, SI_KERNEL, SI_USER, SigInfo, Signal};
pub use usage::Rusage;
pub use wait::{WaitOptions, WaitStatus};
