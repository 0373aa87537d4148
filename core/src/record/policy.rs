//! What a process has set for itself: its policy about SIGCHLD, and whether it is a subreaper.

use crate::sync::{AtomicU32, Ordering::*};

/// What a process has set for itself, as one word so that an exit reads it at one instant.
#[derive(Debug, Default)]
pub struct PolicyWord(AtomicU32);

/// One value of a [`PolicyWord`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy(u32);

const IGNORE: u32 = 1;
const NO_CLD_WAIT: u32 = 1 << 1;
const NO_CLD_STOP: u32 = 1 << 2;
const SUBREAPER: u32 = 1 << 3;
const EXECED: u32 = 1 << 4;

macro_rules! flags {
    ($($(#[$doc:meta])* $is:ident, $with:ident = $bit:ident;)*) => {
        impl Policy {
            $(
                $(#[$doc])*
                #[inline]
                pub fn $is(self) -> bool {
                    self.0 & $bit != 0
                }

                #[doc = concat!("This with or without [`", stringify!($is), "`](Self::", stringify!($is), ").")]
                pub fn $with(self, on: bool) -> Policy {
                    Policy(if on { self.0 | $bit } else { self.0 & !$bit })
                }
            )*
        }
    };
}

flags! {
    /// SIGCHLD is ignored (`SIG_IGN`).
    ignores_sigchld, with_ignore = IGNORE;
    /// `SA_NOCLDWAIT`.
    no_cld_wait, with_no_cld_wait = NO_CLD_WAIT;
    /// `SA_NOCLDSTOP`.
    no_cld_stop, with_no_cld_stop = NO_CLD_STOP;
    /// `PR_SET_CHILD_SUBREAPER`.
    is_subreaper, with_subreaper = SUBREAPER;
    /// The process has called execve(2): its parent may not move it to another process group any more.
    has_execed, with_execed = EXECED;
}

impl Policy {
    /// A child that dies with exit signal SIGCHLD reaps itself.
    #[inline]
    pub fn reaps_children(self) -> bool {
        self.0 & (IGNORE | NO_CLD_WAIT) != 0
    }

    /// What a forked child inherits: the disposition of SIGCHLD.
    pub fn inherited(self) -> Policy {
        Policy(self.0 & (IGNORE | NO_CLD_WAIT | NO_CLD_STOP))
    }
}

impl PolicyWord {
    /// Begins a new life. Nobody knows the process yet.
    pub fn begin(&self, policy: Policy) {
        self.0.store(policy.0, Relaxed);
    }

    /// The policy now.
    #[inline]
    pub fn get(&self) -> Policy {
        // Ordering: Relaxed. The word is all there is to know; nothing is published with it.
        Policy(self.0.load(Relaxed))
    }

    /// Changes the policy.
    pub fn update(&self, change: impl Fn(Policy) -> Policy) {
        let mut seen = self.0.load_for_cas(Relaxed);
        while let Err(now) = self.0.compare_exchange(seen, change(Policy(seen)).0, Relaxed, Relaxed) {
            seen = now;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_child_inherits_the_disposition_and_nothing_else() {
        let all = Policy::default()
            .with_ignore(true)
            .with_no_cld_wait(true)
            .with_no_cld_stop(true)
            .with_subreaper(true)
            .with_execed(true);
        let child = all.inherited();
        assert!(child.ignores_sigchld() && child.no_cld_wait() && child.no_cld_stop());
        assert!(!child.is_subreaper() && !child.has_execed());
        assert!(child.reaps_children() && !child.with_ignore(false).with_no_cld_wait(false).reaps_children());
    }
}
