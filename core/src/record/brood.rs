//! A brood: the children that one thread bore in a row.

use crate::lockfree::chain::{Link, Linked};
use crate::lockfree::ready_index::ReadyIndex;
use crate::lockfree::seat::Pin;
use crate::record::fault::{Edge, Fault, left_out, order};
use crate::record::reports::Reports;
use crate::record::value::{Value32, Value64};
use crate::sync::{AtomicU32, Ordering::*};

/// Children in birth order, and which of them can be waited for.
///
/// A child stays in its brood for life. When the thread that bore it dies, the brood as a whole goes to
/// a sibling thread, or to the thread group that inherits the children: nothing is allocated and the
/// order is kept. A thread bears children into its newest brood for as long as nothing was inherited after
/// it, so that broods by seniority, and children by slot, are in the order of Linux's `children` list.
#[derive(Debug)]
pub struct Brood {
    /// The children, by slot.
    pub children: ReadyIndex,
    /// The thread whose children these are, as handle bits; `real_parent`. It may be dead by now: then
    /// the oldest living thread of its group stands in.
    pub parent: Value64,
    /// The thread group it is on its way to, or belongs to, and whether it hangs in that one's chain. A child
    /// whose exit word names another one is still to be handed over.
    group: Value32,
    /// The process that it was last inherited from; 0 for none.
    pub inherited_from: Value32,
    /// Its rank among the broods of its parent.
    pub seniority: Value64,
    /// The parent's count of inheritances when it was opened.
    pub opened_at: Value32,
    /// No more children will be born into it.
    sealed: AtomicU32,
    link: Link,
    /// Some child has asked to be told of its parent's death.
    pub has_pdeathsig: Value32,
    /// Which of the children have stopped or gone on.
    pub reports: Reports,
}

/// In [`Brood::group`]: the brood hangs in the chain.
const IN_CHAIN: u32 = 1 << 31;

impl Brood {
    /// A record that is nobody's.
    pub fn new() -> Self {
        Brood {
            children: ReadyIndex::new(),
            parent: Value64::new(),
            group: Value32::new(),
            inherited_from: Value32::new(),
            seniority: Value64::new(),
            opened_at: Value32::new(),
            sealed: AtomicU32::new(0),
            link: Link::default(),
            has_pdeathsig: Value32::new(),
            reports: Reports::default(),
        }
    }

    /// Begins a new life, to be put into the chain of `group` at once. Nobody knows it yet.
    pub fn begin(&self, parent: u64, group: u32, seniority: u64, opened_at: u32) {
        self.parent.set(parent);
        self.group.set(if group == 0 { 0 } else { group | IN_CHAIN });
        self.inherited_from.set(0);
        self.seniority.set(seniority);
        self.opened_at.set(opened_at);
        self.sealed.store(0, Relaxed);
        self.has_pdeathsig.set(0);
        self.reports.begin();
    }

    /// Hands it on: from the dying process `from` to the thread `parent` of the process `group`, behind
    /// all that came to that process `before`. Nobody bears into it any more.
    pub fn address(&self, from: u32, group: u32, parent: u64, before: u64) {
        self.seal();
        self.inherited_from.set(from);
        self.parent.set(parent);
        self.seniority.add(before);
        self.group.set(group);
    }

    /// The thread group it is on its way to, or belongs to.
    pub fn group(&self) -> u32 {
        self.group.get() & !IN_CHAIN
    }

    /// Does it hang in the chain of `group`, and is that known? By then it is found by every kind of search.
    pub fn is_in_chain_of(&self, group: u32) -> bool {
        if left_out(Fault::ArrivedInChain) {
            return self.group() == group;
        }
        self.group.get() == group | IN_CHAIN
    }

    /// It was found in the chain of `group`, or has just been put there.
    pub fn arrive(&self, group: u32) {
        // Fails if somebody else has seen it there, or if it has gone on.
        if self.group.get() == group {
            self.group.replace(group, group | IN_CHAIN);
        }
    }

    /// Nobody inherits it.
    pub fn abandon(&self) {
        self.group.set(0);
    }

    /// No more children will be born into it.
    pub fn seal(&self) {
        // Ordering: AcqRel, edge `brood-sealed`. An exchange, so that where exchanges drain the store buffer either
        // the sealer sees the last child gone, or who takes that child away sees the seal. Elsewhere both may
        // miss it; then a spent brood stays until its process ends, and nothing else goes wrong.
        self.sealed.swap(1, order(Edge::BroodSealed, AcqRel));
    }

    /// Will no more children be born into it?
    pub fn is_sealed(&self) -> bool {
        self.sealed.load(order(Edge::SealRead, Acquire)) != 0
    }
}

impl Linked for Brood {
    fn link(&self) -> &Link {
        &self.link
    }

    fn unlinked(&self, pin: &Pin<'_>) {
        self.children.retire(pin.guard());
    }
}

impl Default for Brood {
    fn default() -> Self {
        Self::new()
    }
}
