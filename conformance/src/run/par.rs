//! Everything that may come of things that happen side by side.

use super::runner::Runner;
use super::step::Step;
use crate::language::{Line, Statement};
use crate::subjects::OnModel;

/// One outcome that the model allows.
pub struct Allowed {
    /// What came of it, in the order of the line's branches.
    pub step: Step,
    /// The model afterwards.
    pub after: Runner<OnModel>,
}

/// One way to get to an outcome: how far each branch has come, and the model there.
struct Path {
    done: Vec<usize>,
    step: Step,
    runner: Runner<OnModel>,
}

/// Every outcome of the branches taken one statement at a time in every order, each only once. Waits
/// that are woken go on at once, or when all branches are at their ends.
pub fn allowed_outcomes(start: &Runner<OnModel>, branches: &[Vec<Statement>]) -> Vec<Allowed> {
    let mut outcomes = Vec::new();
    for at_once in [true, false] {
        let first = Path { done: vec![0; branches.len()], step: Step::default(), runner: start.clone() };
        let mut open = vec![first];
        while let Some(path) = open.pop() {
            let next: Vec<usize> = (0..branches.len()).filter(|&b| path.done[b] < branches[b].len()).collect();
            if next.is_empty() {
                finish(path, branches, &mut outcomes);
                continue;
            }
            // Last in, first out: the first branch is tried first.
            open.extend(next.into_iter().rev().map(|branch| advance(&path, branches, branch, at_once)));
        }
    }
    outcomes
}

fn advance(path: &Path, branches: &[Vec<Statement>], branch: usize, at_once: bool) -> Path {
    let mut runner = path.runner.clone();
    let statement = branches[branch][path.done[branch]];
    let came = if at_once { runner.line(&Line::Step(statement)) } else { runner.act(&statement) };
    let mut step = path.step.clone();
    step.outcomes.extend(came.outcomes);
    step.happenings.extend(came.happenings);
    step.completions.extend(came.completions);
    let mut done = path.done.clone();
    done[branch] += 1;
    Path { done, step, runner }
}

fn finish(mut path: Path, branches: &[Vec<Statement>], outcomes: &mut Vec<Allowed>) {
    path.runner.settle(&mut path.step);
    let order: Vec<Statement> = branches.iter().flatten().copied().collect();
    path.step.outcomes.sort_by_key(|(statement, _)| order.iter().position(|other| other == statement));
    if !outcomes.iter().any(|known: &Allowed| known.step == path.step) {
        outcomes.push(Allowed { step: path.step, after: path.runner });
    }
}
