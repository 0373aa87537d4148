//! Report: a wait for living children that have stopped, or that go on; `wait_task_stopped`, `wait_task_continued`.

use crate::protocol::Call;
use crate::record::job_word::JobSnapshot;
use crate::record::reports::Ledger;
use crate::record::thread_group::ThreadGroup;
use crate::uapi::{Change, WaitOptions};

/// Does a wait with these options ask for such reports?
pub fn is_asked(options: WaitOptions) -> bool {
    options.intersects(WaitOptions::WSTOPPED | WaitOptions::WCONTINUED)
}

/// What there is to report of a living child. Its stop comes first.
pub fn find(child: &ThreadGroup, options: WaitOptions) -> Option<Change> {
    reported(child.job.look(), options)
}

fn reported(job: JobSnapshot, options: WaitOptions) -> Option<Change> {
    let stopped = job.reported_stop().filter(|_| options.contains(WaitOptions::WSTOPPED));
    let continued = || options.contains(WaitOptions::WCONTINUED) && job.is_continued();
    stopped.map(Change::Stopped).or_else(|| continued().then_some(Change::Continued))
}

/// Takes what there is to report, unless the wait only looks. Of several waits, one is granted it.
pub fn take(call: &Call, child: &ThreadGroup, options: WaitOptions) -> Option<Change> {
    if options.contains(WaitOptions::WNOWAIT) {
        return find(child, options);
    }
    let step = child.job.report(
        || call.ledger_of(child),
        |job| match reported(job, options)? {
            Change::Continued => job.report_continued(),
            _ => job.report_stop(),
        },
    );
    reported(step?.before, options)
}

impl<'c> Call<'c> {
    /// Where the stops of a process are counted.
    pub fn ledger_of(&self, group: &ThreadGroup) -> Option<Ledger<'c>> {
        let reports = match group.brood.get() {
            0 => None,
            brood => Some(&self.brood(brood).reports),
        };
        Some(Ledger { reports, stopped: &self.tables.stopped })
    }
}
