//! The waiter word: one armed wait of one task.

use crate::record::fault::{Edge, order};
use crate::sync::{AtomicU64, Ordering::*};

/// What a waiter waits for, as far as the wake-up filter must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Criteria {
    /// Which children by number.
    pub which: Which,
    /// Which children by exit signal.
    pub kind: ChildKind,
    /// Only children of the waiting thread itself.
    pub own_only: bool,
    /// Children that stop or go on, too.
    pub changes: bool,
}

/// Which children a wait is for, with all names resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Any child.
    Any,
    /// The child in this thread group (slab index): P_PID and P_PIDFD.
    Group(u32),
    /// Any child in the process group with this ID.
    Pgid(u32),
}

/// Which children a wait is for, by exit signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildKind {
    /// Children whose exit signal is SIGCHLD: without options.
    Ordinary,
    /// The others: `__WCLONE`.
    Clone,
    /// Both: `__WALL`.
    Every,
}

/// What a child is, for [`Criteria::match_child`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildFacts {
    /// Its thread group.
    pub group: u32,
    /// Its process group's ID.
    pub pgid: u32,
    /// Its exit signal is something else than SIGCHLD.
    pub is_clone: bool,
    /// It is a child of the very thread that waits.
    pub of_waiter: bool,
}

impl Criteria {
    /// Is such a child waited for? `eligible_child` in Linux.
    #[inline]
    pub fn match_child(self, child: ChildFacts) -> bool {
        let kind = match self.kind {
            ChildKind::Ordinary => !child.is_clone,
            ChildKind::Clone => child.is_clone,
            ChildKind::Every => true,
        };
        kind && self.concern_child(child)
    }

    /// Must the waiter look again when such a child dies? `pid_child_should_wake` in Linux. The exit signal
    /// is left out: execve(2) changes it without a notice, and the waiter may find that no child of the
    /// other kind is left.
    #[inline]
    pub fn concern_child(self, child: ChildFacts) -> bool {
        let named = match self.which {
            Which::Any => true,
            Which::Group(group) => child.group == group,
            Which::Pgid(pgid) => child.pgid == pgid,
        };
        named && (child.of_waiter || !self.own_only)
    }

    fn encode(self) -> u64 {
        let (which, number) = match self.which {
            Which::Any => (0, 0),
            Which::Group(group) => (1, group),
            Which::Pgid(pgid) => (2, pgid),
        };
        let kind = match self.kind {
            ChildKind::Ordinary => 0,
            ChildKind::Clone => 1,
            ChildKind::Every => 2,
        };
        which << WHICH_SHIFT
            | kind << KIND_SHIFT
            | (self.own_only as u64) << OWN_SHIFT
            | (self.changes as u64) << CHANGES_SHIFT
            | (number as u64) << NUMBER_SHIFT
    }

    fn decode(word: u64) -> Criteria {
        let number = (word >> NUMBER_SHIFT) as u32;
        Criteria {
            which: match word >> WHICH_SHIFT & 3 {
                0 => Which::Any,
                1 => Which::Group(number),
                _ => Which::Pgid(number),
            },
            kind: match word >> KIND_SHIFT & 3 {
                0 => ChildKind::Ordinary,
                1 => ChildKind::Clone,
                _ => ChildKind::Every,
            },
            own_only: word >> OWN_SHIFT & 1 != 0,
            changes: word >> CHANGES_SHIFT & 1 != 0,
        }
    }
}

const STATE: u64 = 3;
const IDLE: u64 = 0;
const ARMED: u64 = 1;
const FIRED: u64 = 2;
const WHICH_SHIFT: u32 = 2;
const KIND_SHIFT: u32 = 4;
const OWN_SHIFT: u32 = 6;
const CHANGES_SHIFT: u32 = 7;
const NUMBER_SHIFT: u32 = 8;
const SEQUENCE_SHIFT: u32 = 40;

/// One task's armed wait.
///
/// | bits   | field      | meaning                                                      |
/// |--------|------------|--------------------------------------------------------------|
/// | 0..2   | state      | idle, armed, fired                                           |
/// | 2..8   | criteria   | what is waited for, so that a notifier can tell without help |
/// | 8..40  | number     | the child's thread group, or the process group's ID          |
/// | 40..64 | sequence   | counts armings: a stale notifier must not fire a later wait  |
///
/// One compare-exchange decides between a wake-up and a cancellation.
#[derive(Debug, Default)]
pub struct Waiter {
    word: AtomicU64,
    cookie: AtomicU64,
}

/// What became of an armed wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disarmed {
    /// Nothing was armed.
    Idle,
    /// It was still armed.
    Armed,
    /// It had fired.
    Fired,
}

impl Waiter {
    /// Arms the wait. What makes a child waitable from now on fires it, once the group's waiter map
    /// shows this task.
    pub fn arm(&self, criteria: Criteria, cookie: u64) {
        // Ordering: Relaxed for the cookie, Release for the word, edge `waiter-armed`: who sees the wait
        // armed sees its cookie. The fence that orders arming before the last look at the children is
        // `Waiters::add`'s.
        let sequence = (self.word.load(Relaxed) >> SEQUENCE_SHIFT).wrapping_add(1);
        self.cookie.store(cookie, Relaxed);
        let armed = ARMED | criteria.encode() | sequence << SEQUENCE_SHIFT;
        self.word.store(armed, order(Edge::WaitArmed, Release));
    }

    /// Ends the wait, fired or not.
    pub fn disarm(&self) -> Disarmed {
        self.disarm_if(|| true)
    }

    /// Ends the wait with this cookie, fired or not; another one goes on.
    pub fn cancel(&self, cookie: u64) -> Disarmed {
        // Read between the word and the exchange: if that succeeds, nobody armed anew in between.
        self.disarm_if(|| self.cookie.load(Relaxed) == cookie)
    }

    fn disarm_if(&self, ours: impl Fn() -> bool) -> Disarmed {
        // Ordering: AcqRel, edge `waiter-fired`: what the notifier committed before it fired is seen by
        // the look that follows.
        let mut seen = self.word.load_for_cas(order(Edge::WaitRead, Acquire));
        loop {
            let was = match seen & STATE {
                IDLE => return Disarmed::Idle,
                _ if !ours() => return Disarmed::Idle,
                ARMED => Disarmed::Armed,
                _ => Disarmed::Fired,
            };
            let (success, failure) = (order(Edge::WaitDisarmed, AcqRel), order(Edge::WaitRead, Acquire));
            match self.word.compare_exchange(seen, seen & !STATE | IDLE, success, failure) {
                Ok(_) => return was,
                Err(now) => seen = now,
            }
        }
    }

    /// Fires the wait if it is armed and `matches`. Returns its cookie if this call fired it: the
    /// caller owes the host the wake-up.
    pub fn fire(&self, matches: impl Fn(Criteria) -> bool) -> Option<u64> {
        let mut seen = self.word.load_for_cas(order(Edge::WaitRead, Acquire));
        loop {
            if seen & STATE != ARMED || !matches(Criteria::decode(seen)) {
                return None;
            }
            // Read before the exchange: if that succeeds, nobody armed anew in between.
            let cookie = self.cookie.load(Relaxed);
            // Ordering: AcqRel, edge `waiter-fired`.
            let (success, failure) = (order(Edge::WaitFired, AcqRel), order(Edge::WaitRead, Acquire));
            match self.word.compare_exchange(seen, seen & !STATE | FIRED, success, failure) {
                Ok(_) => return Some(cookie),
                Err(now) => seen = now,
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn every_criteria() -> impl Iterator<Item = Criteria> {
        let which = [Which::Any, Which::Group(5), Which::Group(u32::MAX), Which::Pgid(1), Which::Pgid(4_194_304)];
        let kinds = [ChildKind::Ordinary, ChildKind::Clone, ChildKind::Every];
        which.into_iter().flat_map(move |which| {
            kinds.into_iter().flat_map(move |kind| {
                (0..4).map(move |n| Criteria { which, kind, own_only: n & 1 != 0, changes: n > 1 })
            })
        })
    }

    #[test]
    fn criteria_survive_the_word() {
        for criteria in every_criteria() {
            assert_eq!(Criteria::decode(criteria.encode()), criteria);
            assert_eq!(criteria.encode() & STATE, 0);
            assert_eq!(criteria.encode() >> SEQUENCE_SHIFT, 0);
        }
    }

    #[test]
    fn one_arming_fires_at_most_once_and_only_on_a_match() {
        let waiter = Waiter::default();
        let all = Criteria { which: Which::Any, kind: ChildKind::Every, own_only: false, changes: false };
        assert_eq!(waiter.fire(|_| true), None, "nothing armed");
        waiter.arm(all, 7);
        assert_eq!(waiter.fire(|criteria| criteria != all), None, "no match");
        assert_eq!(waiter.fire(|criteria| criteria == all), Some(7));
        assert_eq!(waiter.fire(|_| true), None, "fired already");
        assert_eq!(waiter.cancel(8), Disarmed::Idle, "another wait's cookie");
        assert_eq!(waiter.disarm(), Disarmed::Fired);
        assert_eq!(waiter.disarm(), Disarmed::Idle);
        waiter.arm(all, 8);
        assert_eq!(waiter.disarm(), Disarmed::Armed);
    }

    #[test]
    fn eligibility_is_linux_s() {
        let child = ChildFacts { group: 5, pgid: 1, is_clone: false, of_waiter: true };
        let plain = Criteria { which: Which::Any, kind: ChildKind::Ordinary, own_only: false, changes: false };
        assert!(plain.match_child(child));
        assert!(!plain.match_child(ChildFacts { is_clone: true, ..child }));
        assert!(!Criteria { kind: ChildKind::Clone, ..plain }.match_child(child));
        assert!(Criteria { kind: ChildKind::Clone, ..plain }.concern_child(child));
        assert!(Criteria { kind: ChildKind::Every, ..plain }.match_child(ChildFacts { is_clone: true, ..child }));
        assert!(!Criteria { own_only: true, ..plain }.match_child(ChildFacts { of_waiter: false, ..child }));
        assert!(!Criteria { own_only: true, ..plain }.concern_child(ChildFacts { of_waiter: false, ..child }));
        assert!(!Criteria { which: Which::Group(6), ..plain }.match_child(child));
        assert!(Criteria { which: Which::Pgid(1), ..plain }.match_child(child));
    }
}
