//! Which broods of a process have a dead child to wait for, and which of them is the oldest.

use crossbeam_epoch::Guard;

use crate::lockfree::min_tree::{MAX_KEY, MinTree, Root};
use crate::record::fault::{Edge, Fault, left_out, order};
use crate::record::value::Value32;
use crate::sync::{AtomicU32, Ordering::*, fence};

/// How far a process has come from walking its chain of broods to asking the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Stage {
    /// There is no tree.
    None = 0,
    /// There is none, and a wait had to walk far.
    Wanted = 1,
    /// There is memory for the broods.
    Covered = 2,
    /// Who makes a child ready updates the tree; what was ready before is being added.
    Kept = 3,
    /// What is not in the tree is not ready.
    Complete = 4,
    /// Some brood could not be covered: the chain is walked, for good.
    GivenUp = 5,
}

/// The broods of one process that have ready children, by seniority, for a process that may come to have many.
/// It costs the others a word.
///
/// ```text
///   None ──wanted──> Wanted ──cover──> Covered ──keep──> Kept ──complete──> Complete
///                                         └────────────────┴── give_up ──> GivenUp <──┘
/// ```
///
/// The broods are named by the numbers of their records. Only memory for them is made in advance, by who
/// clones; up to `Kept` that is all that happens.
#[derive(Debug)]
pub struct ReadyBroods {
    tree: MinTree,
    stage: AtomicU32,
    /// Deaths whose children are being handed over to this process.
    handovers: Value32,
}

impl ReadyBroods {
    /// Of a process that has no broods.
    pub fn new() -> ReadyBroods {
        ReadyBroods { tree: MinTree::new(), stage: AtomicU32::new(Stage::None as u32), handovers: Value32::new() }
    }

    /// Begins a new life. Nobody knows it yet.
    pub fn begin(&self, guard: &Guard) {
        self.tree.reset(guard);
        self.stage.store(Stage::None as u32, Relaxed);
        self.handovers.set(0);
    }

    fn is_at(&self, stages: &[Stage]) -> bool {
        // Ordering: Acquire, edge `ready-broods`: with `Complete`, what its maker has added.
        let stage = self.stage.load(order(Edge::ReadyBroodsRead, Acquire));
        stages.iter().any(|one| *one as u32 == stage)
    }

    fn advance(&self, from: Stage, to: Stage) -> bool {
        // Ordering: AcqRel, edge `ready-broods`.
        let success = order(Edge::ReadyBroodsChanged, AcqRel);
        self.stage.compare_exchange(from as u32, to as u32, success, Relaxed).is_ok()
    }

    /// A wait has walked far: the next clone shall make room.
    pub fn want(&self) {
        self.advance(Stage::None, Stage::Wanted);
    }

    /// Has a wait walked far, without anybody having made room since?
    pub fn is_wanted(&self) -> bool {
        self.is_at(&[Stage::Wanted])
    }

    /// Room for broods is made from now on. `true` for the caller that has to make it for those there are.
    pub fn start_covering(&self) -> bool {
        self.advance(Stage::None, Stage::Covered) || self.advance(Stage::Wanted, Stage::Covered)
    }

    /// Makes room for a brood, if that is done here. Allocates.
    pub fn cover(&self, guard: &Guard, brood: u32) {
        if self.is_at(&[Stage::Covered, Stage::Kept, Stage::Complete]) && self.tree.cover(guard, brood).is_err() {
            self.give_up();
        }
    }

    fn give_up(&self) {
        self.stage.store(Stage::GivenUp as u32, order(Edge::ReadyBroodsChanged, Release));
    }

    /// From now on, who makes a child ready updates the tree. `true`: the caller adds what was ready before.
    pub fn keep(&self) -> bool {
        self.advance(Stage::Covered, Stage::Kept);
        // Ordering: SeqCst fence, edge `ready-broods`: kept before looked. The other one is in `is_kept_by_now`, or in
        //   `Waiters::changed`.
        //   Weaker: neither adds a brood that becomes ready now, and it is never found.
        //   Test:   loom-tests/tests/ready_broods.rs, `kept_from_now_on`.
        if !left_out(Fault::FenceAfterKeeping) {
            fence(SeqCst);
        }
        self.is_at(&[Stage::Kept])
    }

    /// All that was ready before [`keep`](Self::keep) has been added.
    pub fn complete(&self) {
        self.advance(Stage::Kept, Stage::Complete);
    }

    /// Must who makes a child ready [update](Self::update) its brood? Asked behind a SeqCst fence.
    #[inline]
    pub fn is_kept(&self) -> bool {
        self.is_at(&[Stage::Kept, Stage::Complete])
    }

    /// The same, with the fence.
    pub fn is_kept_by_now(&self) -> bool {
        // Ordering: SeqCst fence, edge `ready-broods`: made ready before asked.
        fence(SeqCst);
        self.is_kept()
    }

    /// Something has changed about a brood. `rank` says what is true of it now: its seniority if it is this
    /// process's and has ready children.
    pub fn update(&self, guard: &Guard, brood: u32, rank: impl Fn() -> Option<u64>) {
        let missed = self.tree.update(guard, brood, &rank).is_err();
        if rank().is_some_and(|rank| missed || rank > MAX_KEY) {
            self.give_up();
        }
    }

    /// Is every brood that has been ready for some time in the tree?
    pub fn is_complete(&self) -> bool {
        self.is_at(&[Stage::Complete])
    }

    /// To compare: if equal, no update was completed in between.
    pub fn root(&self) -> Root {
        self.tree.root()
    }

    /// The brood that has been ready for some time with the lowest rank, or one of a lower rank still.
    pub fn oldest(&self, guard: &Guard) -> Option<u32> {
        self.tree.min(guard)
    }

    /// Every brood that has been ready for some time.
    pub fn for_each(&self, guard: &Guard, visit: impl FnMut(u32)) {
        self.tree.for_each(guard, visit);
    }

    /// A process dies whose children come here.
    pub fn begin_handover(&self) {
        self.handovers.add(1);
    }

    /// They are here, or have gone elsewhere.
    pub fn end_handover(&self) {
        self.handovers.add(u32::MAX);
    }

    /// Are children on their way here? Their broods may be in the chain and not in the tree.
    pub fn has_handovers(&self) -> bool {
        self.handovers.get() != 0
    }
}

impl Default for ReadyBroods {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crossbeam_epoch::pin;

    use super::*;

    #[test]
    fn stages_follow_each_other() {
        let broods = ReadyBroods::new();
        assert!(!broods.is_wanted() && !broods.keep() && !broods.is_kept());
        broods.want();
        assert!(broods.is_wanted());
        assert!(broods.start_covering() && !broods.start_covering());
        broods.want();
        broods.complete();
        assert!(!broods.is_wanted() && !broods.is_kept() && !broods.is_complete());
        assert!(broods.keep() && broods.keep(), "whoever finds it half done may finish it");
        assert!(broods.is_kept() && !broods.is_complete());
        broods.complete();
        assert!(broods.is_kept() && broods.is_complete() && !broods.keep());
        broods.begin(&pin());
        assert!(!broods.is_kept() && broods.start_covering());
    }

    #[test]
    fn what_is_not_covered_ends_it() {
        let broods = ReadyBroods::new();
        broods.start_covering();
        broods.cover(&pin(), 3);
        broods.keep();
        broods.complete();
        broods.update(&pin(), 3, || Some(1));
        broods.update(&pin(), 40_000, || None);
        assert!(broods.is_complete());
        assert_eq!(broods.oldest(&pin()), Some(3));
        broods.update(&pin(), 40_000, || Some(2));
        assert!(!broods.is_complete() && !broods.is_kept());
        broods.complete();
        assert!(!broods.is_complete(), "for good");
    }

    #[test]
    fn so_does_a_rank_that_is_too_large() {
        let broods = ReadyBroods::new();
        broods.start_covering();
        broods.cover(&pin(), 3);
        broods.keep();
        broods.update(&pin(), 3, || Some(MAX_KEY));
        assert!(broods.is_kept());
        broods.update(&pin(), 3, || Some(MAX_KEY + 1));
        assert!(!broods.is_kept());
    }
}
