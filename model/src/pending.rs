//! Signals that were sent and not yet taken; signal(7), "Queueing and delivery semantics".

use ptexit_core::uapi::{SigInfo, Signal, SignalSet};

/// From this number on, signals are real-time ones: each is queued. A standard signal that is pending
/// already is not added again.
const FIRST_REAL_TIME: u32 = 32;

/// The pending signals of a thread, or of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending(Vec<SigInfo>);

impl Pending {
    /// Adds a signal; `false` if it is a standard one and there already.
    pub(crate) fn add(&mut self, info: SigInfo) -> bool {
        let is_new = info.signal.number() >= FIRST_REAL_TIME || !self.set().contains(info.signal);
        if is_new {
            self.0.push(info);
        }
        is_new
    }

    pub(crate) fn set(&self) -> SignalSet {
        self.0.iter().fold(SignalSet::EMPTY, |set, info| set.with(info.signal))
    }

    /// Takes one that is not blocked: those that faults raise first, then by number.
    pub(crate) fn take(&mut self, blocked: SignalSet) -> Option<SigInfo> {
        let open = self.set().minus(blocked);
        let first = |set: SignalSet| set.iter().next();
        let signal: Signal = first(open.intersection(SignalSet::SYNCHRONOUS)).or_else(|| first(open))?;
        let index = self.0.iter().position(|info| info.signal == signal)?;
        Some(self.0.remove(index))
    }

    pub(crate) fn forget(&mut self, signals: SignalSet) {
        self.0.retain(|info| !signals.contains(info.signal));
    }
}
