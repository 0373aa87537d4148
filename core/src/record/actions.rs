//! What a process does about each signal, as far as it matters when one is sent; sigaction(2).

use crate::sync::{AtomicU32, AtomicU64, Ordering::*};
use crate::terms::Disposition;
use crate::uapi::{Signal, SignalSet};

/// The dispositions of all signals: a bit each for those that are ignored and those that have a handler.
///
/// A signal on its way from one to the other has both bits for a moment, and then counts as handled: it is never
/// seen with neither, which would be the default, and might end the process.
#[derive(Debug, Default)]
pub struct Actions {
    /// The host has told some disposition. Before, nothing is known of any.
    told: AtomicU32,
    ignored: AtomicU64,
    handled: AtomicU64,
}

impl Actions {
    /// Begins a new life with what the process `from`, which nobody waits for meanwhile, has at this moment.
    pub fn begin_as(&self, from: &Actions) {
        let (told, (ignored, handled)) = (from.told.load(Acquire), from.look());
        self.told.store(told, Relaxed);
        self.ignored.store(ignored, Relaxed);
        self.handled.store(handled, Relaxed);
    }

    /// Begins a new life of which nothing is known.
    pub fn begin(&self) {
        self.told.store(0, Relaxed);
        self.ignored.store(0, Relaxed);
        self.handled.store(0, Relaxed);
    }

    /// sigaction(2).
    pub fn set(&self, signal: Signal, disposition: Disposition) {
        let bit = SignalSet::of(&[signal]).bits();
        // Ordering: AcqRel, edge `action-changed`: whoever misses the bit that is taken away sees the one that was
        // set before.
        match disposition {
            Disposition::Default => {
                self.ignored.fetch_and(!bit, AcqRel);
                self.handled.fetch_and(!bit, AcqRel);
            }
            Disposition::Ignore => {
                self.ignored.fetch_or(bit, AcqRel);
                self.handled.fetch_and(!bit, AcqRel);
            }
            Disposition::Handler => {
                self.handled.fetch_or(bit, AcqRel);
                self.ignored.fetch_and(!bit, AcqRel);
            }
        }
        // Ordering: Release, edge `action-changed`: what was told first is there when anything counts as told.
        self.told.store(1, Release);
    }

    /// execve(2): there is no handler any more, and what is ignored stays so.
    pub fn forget_handlers(&self) {
        self.handled.store(0, Release);
    }

    /// What becomes of a signal; `None` if the host has told nothing of this process.
    pub fn of(&self, signal: Signal) -> Option<Disposition> {
        // Ordering: Acquire, edge `action-changed`.
        if self.told.load(Acquire) == 0 {
            return None;
        }
        let (ignored, handled) = self.look();
        Some(match SignalSet::of(&[signal]).bits() {
            bit if handled & bit != 0 => Disposition::Handler,
            bit if ignored & bit != 0 => Disposition::Ignore,
            _ => Disposition::Default,
        })
    }

    /// Both sets, ignored and handled, with no signal in both.
    fn look(&self) -> (u64, u64) {
        // Ordering: Acquire, edge `action-changed`. Handlers are looked at before and after: a signal that was
        // neither handled nor ignored has got its handler in between, if it has one.
        let before = self.handled.load(Acquire);
        let ignored = self.ignored.load(Acquire);
        let handled = before | self.handled.load(Acquire);
        (ignored & !handled, handled)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_known_before_it_is_told() {
        let actions = Actions::default();
        assert_eq!(actions.of(Signal::SIGTERM), None);
        actions.set(Signal::SIGINT, Disposition::Ignore);
        assert_eq!(actions.of(Signal::SIGTERM), Some(Disposition::Default));
        assert_eq!(actions.of(Signal::SIGINT), Some(Disposition::Ignore));
    }

    #[test]
    fn the_last_disposition_holds_and_exec_forgets_handlers() {
        let actions = Actions::default();
        let all = [Disposition::Default, Disposition::Ignore, Disposition::Handler];
        for (first, second) in all.into_iter().flat_map(|first| all.map(|second| (first, second))) {
            actions.set(Signal::SIGTERM, first);
            actions.set(Signal::SIGTERM, second);
            assert_eq!(actions.of(Signal::SIGTERM), Some(second), "after {first:?}");
            let child = Actions::default();
            child.begin_as(&actions);
            child.forget_handlers();
            let expected = if second == Disposition::Handler { Disposition::Default } else { second };
            assert_eq!(child.of(Signal::SIGTERM), Some(expected));
        }
    }

    #[test]
    fn a_signal_between_two_dispositions_is_never_the_default() {
        let actions = Actions::default();
        actions.set(Signal::SIGTERM, Disposition::Ignore);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    actions.set(Signal::SIGTERM, Disposition::Handler);
                    actions.set(Signal::SIGTERM, Disposition::Ignore);
                }
            });
            for _ in 0..20_000 {
                assert_ne!(actions.of(Signal::SIGTERM), Some(Disposition::Default));
            }
        });
    }
}
