//! Sets of signals; sigsetops(3).

use core::fmt;

use super::Signal;

/// A set of signals; `sigset_t`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SignalSet(u64);

impl SignalSet {
    /// No signal.
    pub const EMPTY: SignalSet = SignalSet(0);
    /// Every signal.
    pub const ALL: SignalSet = SignalSet(u64::MAX);
    /// The signals whose default action stops the process; signal(7).
    pub const STOP: SignalSet = SignalSet::of(&[Signal::SIGSTOP, Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU]);
    /// The signals whose default action is to do nothing (SIGCONT, which has an effect of its own when it
    /// is sent, among them).
    pub const IGNORED_BY_DEFAULT: SignalSet =
        SignalSet::of(&[Signal::SIGCONT, Signal::SIGCHLD, Signal::SIGWINCH, Signal::SIGURG]);
    /// The signals whose default action is to dump core.
    pub const CORE_DUMP: SignalSet = SignalSet::of(&[
        Signal::SIGQUIT,
        Signal::SIGILL,
        Signal::SIGTRAP,
        Signal::SIGABRT,
        Signal::SIGFPE,
        Signal::SIGSEGV,
        Signal::SIGBUS,
        Signal::SIGSYS,
        Signal::SIGXCPU,
        Signal::SIGXFSZ,
    ]);
    /// The signals that a program's own fault raises. Of several pending ones they come first.
    pub const SYNCHRONOUS: SignalSet = SignalSet::of(&[
        Signal::SIGSEGV,
        Signal::SIGBUS,
        Signal::SIGILL,
        Signal::SIGTRAP,
        Signal::SIGFPE,
        Signal::SIGSYS,
    ]);
    /// The signals that can be neither blocked nor handled.
    pub const UNBLOCKABLE: SignalSet = SignalSet::of(&[Signal::SIGKILL, Signal::SIGSTOP]);

    /// The set of these.
    pub const fn of(signals: &[Signal]) -> SignalSet {
        let (mut bits, mut index) = (0, 0);
        while index < signals.len() {
            bits |= bit(signals[index]);
            index += 1;
        }
        SignalSet(bits)
    }

    /// The set with these bits; bit 0 is signal 1.
    pub const fn from_bits(bits: u64) -> SignalSet {
        SignalSet(bits)
    }

    /// The bits; bit 0 is signal 1.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether there is none in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this signal is in it.
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & bit(signal) != 0
    }

    /// The set and this signal.
    #[must_use]
    pub const fn with(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 | bit(signal))
    }

    /// Both.
    #[must_use]
    pub const fn union(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & other.0)
    }

    /// What is in this one and not in the other.
    #[must_use]
    pub const fn minus(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & !other.0)
    }

    /// The signals in it, by number.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        (1..=64).filter_map(Signal::new).filter(move |&signal| self.contains(signal))
    }
}

const fn bit(signal: Signal) -> u64 {
    1 << (signal.number() - 1)
}

/// `SIGUSR1|SIGTERM`; `none` for the empty set.
impl fmt::Display for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (index, signal) in self.iter().enumerate() {
            write!(f, "{}{signal}", if index == 0 { "" } else { "|" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_in() {
        let set = SignalSet::of(&[Signal::SIGHUP, Signal::SIGKILL]).with(Signal::new(64).expect("a signal"));
        assert_eq!(set.to_string(), "SIGHUP|SIGKILL|SIG64");
        assert!(!set.contains(Signal::SIGINT));
        assert_eq!(set.minus(SignalSet::UNBLOCKABLE).iter().count(), 2);
        assert_eq!(SignalSet::from_bits(set.bits()), set);
        assert_eq!(SignalSet::EMPTY.to_string(), "none");
    }
}
