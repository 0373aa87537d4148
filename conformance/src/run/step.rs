//! What came of one line.

use core::fmt;

use crate::language::{Happening, Name, Reply, Statement};

/// What came of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The call returned this.
    Reply(Reply),
    /// The task could not have made the call: why.
    Skipped(&'static str),
}

/// What came of one line: the replies, what the implementation told, and which waits that blocked
/// earlier have come to an end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Each statement of the line and what it returned, branch by branch.
    pub outcomes: Vec<(Statement, Outcome)>,
    /// What was told, in order.
    pub happenings: Vec<Happening>,
    /// Waits that ended now.
    pub completions: Vec<(Name, Reply)>,
}

impl Step {
    /// The trace: one text a line.
    pub fn trace(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (statement, outcome) in &self.outcomes {
            let text = outcome.to_string();
            lines.push(if self.outcomes.len() == 1 { text } else { format!("{statement}: {text}") });
        }
        lines.extend(self.happenings.iter().map(Happening::to_string));
        lines.extend(self.completions.iter().map(|(waiter, reply)| format!("{waiter} stops waiting: {reply}")));
        lines
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Reply(reply) => write!(f, "{reply}"),
            Outcome::Skipped(why) => write!(f, "skip: {why}"),
        }
    }
}
