//! The implementations that can perform a scenario.

mod core;
mod model;
mod names;

pub use core::{OnCore, Setup};
pub use model::OnModel;

use crate::language::{Happening, Name, Profile, Reply, Sight, Statement};

/// An implementation of the process tree, seen through the scenario language.
///
/// It starts with one process, [`Name::INIT`]. The runner calls `perform` only for tasks that can act
/// (see `docs/scenarios.md`, "Lines that are skipped"), then asks what happened, and lets the waits that
/// were woken go on. An implementation whose calls really block reports a wait as woken when its call
/// has returned, and what it returned from `look_again`.
pub trait Subject {
    /// What to call it in a report.
    fn title(&self) -> &'static str;

    /// How much of the language it has. Lines beyond that are skipped.
    fn profile(&self) -> Profile {
        Profile::Full
    }

    /// One task does one thing. For [`Operation::Interrupt`](crate::language::Operation::Interrupt) the reply
    /// is that of the wait that ends.
    fn perform(&mut self, statement: &Statement) -> Reply;

    /// Several tasks act side by side; what each call returned, branch by branch. A branch ends early
    /// where a call blocks. An implementation that does one thing at a time takes them in order.
    fn perform_together(&mut self, branches: &[Vec<Statement>]) -> Vec<Vec<Reply>> {
        branches.iter().map(|branch| until_blocked(branch, |statement| self.perform(statement))).collect()
    }

    /// What it told since the last time, oldest first.
    fn happenings(&mut self) -> Vec<Happening>;

    /// The blocked tasks that were told to look again since the last time.
    fn woken(&mut self) -> Vec<Name>;

    /// The blocked wait of this task goes on.
    fn look_again(&mut self, waiter: Name) -> Reply;

    /// What can be seen of a task; `None` if it is gone.
    fn observe(&self, task: Name) -> Option<Sight>;
}

/// Performs the statements of one branch, up to the first that blocks.
fn until_blocked(branch: &[Statement], mut perform: impl FnMut(&Statement) -> Reply) -> Vec<Reply> {
    let mut replies = Vec::with_capacity(branch.len());
    for statement in branch {
        replies.push(perform(statement));
        if replies.last() == Some(&Reply::Blocks) {
            break;
        }
    }
    replies
}
