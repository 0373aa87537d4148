//! A scenario: lines of text and what they mean.

use core::fmt;

use super::name::Name;
use super::operation::{Operation, Profile};

/// One task does one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Who.
    pub actor: Name,
    /// What.
    pub operation: Operation,
}

/// One line of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// One thing, after everything before it and before everything after it.
    Step(Statement),
    /// Things that happen side by side: each branch in its own order, the branches in any.
    Par(Vec<Vec<Statement>>),
}

/// A scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The comment at its top, without the `#`.
    pub title: Vec<String>,
    /// What happens.
    pub lines: Vec<Line>,
    /// The trace that the text expects, if it has one: the lines that start with `>`.
    pub expected: Vec<Vec<String>>,
}

impl Script {
    /// A scenario without an expectation.
    pub fn of(statements: impl IntoIterator<Item = Statement>) -> Script {
        let lines: Vec<Line> = statements.into_iter().map(Line::Step).collect();
        Script { title: Vec::new(), expected: vec![Vec::new(); lines.len()], lines }
    }

    /// The first operation that an implementation of this profile does not have.
    pub fn first_beyond(&self, profile: Profile) -> Option<Operation> {
        let branches = self.lines.iter().flat_map(|line| match line {
            Line::Step(statement) => vec![*statement],
            Line::Par(branches) => branches.concat(),
        });
        branches.map(|statement| statement.operation).find(|operation| operation.profile() > profile)
    }

    /// Why an implementation of this title is not to perform the scenario, if its head says so:
    /// `# Not on core: a reason`.
    pub fn is_not_for(&self, title: &str) -> Option<&str> {
        let prefix = format!("Not on {title}: ");
        self.title.iter().find_map(|line| line.strip_prefix(prefix.as_str()))
    }

    /// Whether the text says what should come of it.
    pub fn has_expectation(&self) -> bool {
        self.expected.iter().any(|trace| !trace.is_empty())
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.actor, self.operation)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Step(statement) => write!(f, "{statement}"),
            Line::Par(branches) => {
                let branches: Vec<String> = branches
                    .iter()
                    .map(|branch| branch.iter().map(Statement::to_string).collect::<Vec<_>>().join(" ; "))
                    .collect();
                write!(f, "par {}", branches.join(" || "))
            }
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
