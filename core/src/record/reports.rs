//! What is counted of stops beside the job words: the reports that there are for the waits of a parent, and the
//! processes that have stopped.

use crate::record::fault::{Edge, order};
use crate::sync::{AtomicU64, Ordering::*};

/// A hint that never says too little: a report is counted before it can be seen in the child's word, and until after it
/// has gone from there. So a wait for stops looks at living children only when there may be something to find.
#[derive(Debug, Default)]
pub struct Reports(AtomicU64);

/// In the lower half: reports that there are. In the upper: how many there have been, wrapping.
const ONE: u64 = 1;
const MADE: u64 = 1 << 32;

/// Where the stops of one process are counted.
#[derive(Clone, Copy, Debug)]
pub struct Ledger<'r> {
    /// What its parent has not waited for; `None` for a process without a parent.
    pub reports: Option<&'r Reports>,
    /// The processes of the tree that have stopped.
    pub stopped: &'r Reports,
}

impl<'r> Ledger<'r> {
    /// Both, in the order of [`JobSnapshot::counts`](super::job_snapshot::JobSnapshot::counts).
    pub fn both(self) -> [Option<&'r Reports>; 2] {
        [self.reports, Some(self.stopped)]
    }
}

/// The reports of a brood at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// How many there have been.
    pub made: u32,
    /// There may be some.
    pub any: bool,
}

impl Reports {
    /// There are none. Nobody knows the brood yet.
    pub fn begin(&self) {
        self.0.store(0, Relaxed);
    }

    /// A report is about to be made.
    pub fn announce(&self) {
        // Ordering: AcqRel, edge `report-made`: who sees the report in the child's word sees it counted here.
        self.0.fetch_add(MADE | ONE, order(Edge::ReportMade, AcqRel));
    }

    /// A report is gone, or was not made.
    pub fn retract(&self) {
        // Ordering: Release, edge `report-made`: gone from the word before it is gone from here.
        self.0.fetch_sub(ONE, Release);
    }

    /// The reports now.
    #[inline]
    pub fn look(&self) -> Reported {
        // Ordering: Acquire, edge `report-made`.
        let word = self.0.load(order(Edge::ReportsRead, Acquire));
        Reported { made: (word >> 32) as u32, any: word as u32 != 0 }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_leaves_its_mark() {
        let reports = Reports::default();
        assert_eq!(reports.look(), Reported { made: 0, any: false });
        reports.announce();
        reports.announce();
        reports.retract();
        assert_eq!(reports.look(), Reported { made: 2, any: true });
        reports.retract();
        assert_eq!(reports.look(), Reported { made: 2, any: false });
        reports.0.store(u64::MAX << 32, Relaxed);
        reports.announce();
        assert_eq!(reports.look(), Reported { made: 0, any: true }, "counts wrap around");
    }
}
