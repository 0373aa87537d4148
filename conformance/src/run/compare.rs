//! Where two implementations differ.

use core::fmt;

use ptexit_core::uapi::Errno;

use super::step::{Outcome, Step};
use crate::language::{Happening, Name, Reply, Sight, SightState, Statement};

/// Two implementations differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// In what.
    pub what: String,
    /// What the first one did.
    pub left: String,
    /// What the second one did.
    pub right: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:\n  {}\n  {}", self.what, self.left, self.right)
    }
}

/// What remains of the happenings of a step once everything is left out that an implementation is
/// free in: see `docs/scenarios.md`, "What is compared".
fn essence(step: &Step, sight: impl Fn(Name) -> Option<Sight>) -> (Vec<String>, Vec<String>) {
    let is_condemned = |task| sight(task).is_none_or(|sight| sight.status.is_some());
    let can_exit = |task| sight(task).is_some_and(|sight| sight.state == SightState::Running);
    let (mut signals, mut others) = (Vec::new(), Vec::new());
    for happening in &step.happenings {
        match *happening {
            Happening::Signal(to, _) if is_condemned(to) => {}
            Happening::MustExit(task) if !can_exit(task) => {}
            // Sorted by receiver only: the sort keeps the order among one receiver's.
            Happening::Signal(to, _) => signals.push((to, happening.to_string())),
            // The same for what is told of one task.
            _ => others.push((happening.subject(), happening.to_string())),
        }
    }
    let in_order = |mut told: Vec<(Name, String)>| {
        told.sort_by_key(|&(whom, _)| whom);
        told.into_iter().map(|(_, text)| text).collect()
    };
    (in_order(signals), in_order(others))
}

/// Compares what came of one line on two implementations, given what can be seen of tasks after it.
pub fn compare_steps(left: &Step, right: &Step, sight: impl Fn(Name) -> Option<Sight>) -> Result<(), Difference> {
    let differ = |what: &str, left: String, right: String| {
        if left == right { Ok(()) } else { Err(Difference { what: what.to_string(), left, right }) }
    };
    let outcomes = |step: &Step| {
        let side_by_side = step.outcomes.len() > 1;
        let text = |(statement, outcome): &(Statement, Outcome)| match outcome {
            // Side by side, a task may be gone when its turn comes: it is skipped, or the call says so.
            Outcome::Skipped(_) | Outcome::Reply(Reply::Failed(Errno::ESRCH | Errno::E_STATE | Errno::EAGAIN))
                if side_by_side =>
            {
                format!("{statement}: came too late")
            }
            _ => format!("{statement}: {outcome}"),
        };
        step.outcomes.iter().map(text).collect::<Vec<_>>().join("; ")
    };
    differ("results", outcomes(left), outcomes(right))?;
    let completions = |step: &Step| {
        step.completions.iter().map(|(waiter, reply)| format!("{waiter}: {reply}")).collect::<Vec<_>>().join("; ")
    };
    differ("waits that end", completions(left), completions(right))?;
    let (left_signals, left_others) = essence(left, &sight);
    let (right_signals, right_others) = essence(right, &sight);
    differ("signals", left_signals.join("; "), right_signals.join("; "))?;
    differ("events", left_others.join("; "), right_others.join("; "))
}

/// Compares what can be seen of one task.
pub fn compare_sights(task: Name, left: Option<Sight>, right: Option<Sight>) -> Result<(), Difference> {
    if left == right {
        return Ok(());
    }
    let text = |sight: Option<Sight>| sight.map_or_else(|| "gone".to_string(), |sight| sight.to_string());
    Err(Difference { what: format!("what is seen of {task}"), left: text(left), right: text(right) })
}
