//! Counting members without a shared cache line.

use crossbeam_utils::CachePadded;

use super::fault::{Edge, Fault, left_out, order};
use crate::sync::AtomicU32;
use crate::sync::Ordering::{Acquire, Release, SeqCst};

/// Stripes of a counter.
const STRIPES: usize = if cfg!(loom) { 2 } else { 4 };

#[derive(Debug, Default)]
struct Stripe {
    joins: AtomicU32,
    leaves: AtomicU32,
}

/// How many joined and how many left, each only ever growing, in stripes chosen by seat.
///
/// A member may join on one stripe and leave on another. Counts wrap around; a question is answered
/// wrongly only if 2^32 members come and go while it is being asked.
#[derive(Debug, Default)]
pub struct StripedCount {
    stripes: [CachePadded<Stripe>; STRIPES],
}

impl StripedCount {
    /// Counts one member more.
    #[inline]
    pub fn join(&self, stripe: usize) {
        // Ordering: Release, edge `stripe-count`: who counts a leave counts the join that came before it.
        self.stripes[stripe % STRIPES].joins.fetch_add(1, order(Edge::StripeJoined, Release));
    }

    /// Counts one member less. Its join must be ordered before.
    #[inline]
    pub fn leave(&self, stripe: usize) {
        // Ordering: Release, edge `stripe-count`, as above; SeqCst for who looks, right after, whether the
        // last one out has something to free (edge `group-empty`).
        self.stripes[stripe % STRIPES].leaves.fetch_add(1, SeqCst);
    }

    /// Was there an instant, during this call, at which nobody was a member?
    ///
    /// Leaves are read first. Both sums grow only, and at any instant there were at least as many joins as
    /// leaves: so if the joins counted later equal the leaves counted earlier, then between the two
    /// readings nobody was in. False may mean that somebody came and went meanwhile.
    pub fn was_empty(&self) -> bool {
        if left_out(Fault::LeavesReadFirst) {
            let joins = self.sum(|stripe| &stripe.joins);
            return joins == self.sum(|stripe| &stripe.leaves);
        }
        let leaves = self.sum(|stripe| &stripe.leaves);
        leaves == self.sum(|stripe| &stripe.joins)
    }

    fn sum(&self, side: impl Fn(&Stripe) -> &AtomicU32) -> u32 {
        // Ordering: Acquire, edge `stripe-count`.
        self.stripes
            .iter()
            .fold(0, |sum, stripe| sum.wrapping_add(side(stripe).load(order(Edge::StripeSummed, Acquire))))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn empty_means_as_many_leaves_as_joins() {
        let count = StripedCount::default();
        assert!(count.was_empty());
        count.join(0);
        count.join(5);
        assert!(!count.was_empty());
        count.leave(3);
        assert!(!count.was_empty());
        count.leave(2);
        assert!(count.was_empty());
    }
}
