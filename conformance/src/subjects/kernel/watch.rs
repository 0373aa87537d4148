//! Ends a scenario that hangs, whatever its controller is doing.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};

/// No scenario takes that long.
const LONGEST: Duration = Duration::from_secs(60);

/// Which namespace one stage has open, and since when.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Option<(Instant, OwnedFd)>>);

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Option<(Instant, OwnedFd)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, init: BorrowedFd<'_>) -> std::io::Result<()> {
        *self.lock() = Some((Instant::now(), init.try_clone_to_owned()?));
        Ok(())
    }

    pub(super) fn end(&self) {
        *self.lock() = None;
    }

    /// Kills the init of a namespace that is open for too long, and with it everybody in there.
    pub fn end_what_hangs(&self) {
        if let Some((since, init)) = &*self.lock()
            && since.elapsed() > LONGEST
        {
            // It may be gone by itself.
            let _ = pidfd_send_signal(init, Signal::KILL);
        }
    }
}
