//! Everything that may come of things that happen side by side.

use super::compare::compare_steps;
use super::runner::Runner;
use super::step::Step;
use crate::language::{Line, Name, Operation, Statement};
use crate::subjects::{OnModel, Subject};

/// One outcome that the model allows.
pub struct Allowed {
    /// What came of it, in the order of the line's branches.
    pub step: Step,
    /// The model afterwards.
    pub after: Runner<OnModel>,
}

/// A part of a statement that happens in one go.
#[derive(Clone, Copy)]
enum Act {
    /// This; its result is that of the other statement.
    Perform(Statement, Option<Statement>),
    /// The children of an exiting task get a new parent.
    HandOver(Name),
}

impl Act {
    fn result_of(&self) -> Option<Statement> {
        match self {
            Act::Perform(_, result_of) => *result_of,
            Act::HandOver(_) => None,
        }
    }
}

/// One way to get to an outcome: how far each branch has come, and the model there.
struct Path {
    done: Vec<usize>,
    step: Step,
    runner: Runner<OnModel>,
}

/// Every outcome of the branches taken one act at a time in every order, each only once. An exit is three
/// acts. Waits that are woken go on at once, or when all branches are at their ends.
pub fn allowed_outcomes(start: &Runner<OnModel>, branches: &[Vec<Statement>]) -> Vec<Allowed> {
    let branches: Vec<Vec<Act>> = branches.iter().map(|branch| branch.iter().flat_map(acts).collect()).collect();
    let mut outcomes = Vec::new();
    for at_once in [true, false] {
        let first = Path { done: vec![0; branches.len()], step: Step::default(), runner: start.clone() };
        let mut open = vec![first];
        while let Some(path) = open.pop() {
            let next: Vec<usize> = (0..branches.len()).filter(|&b| path.done[b] < branches[b].len()).collect();
            if next.is_empty() {
                finish(path, &branches, &mut outcomes);
                continue;
            }
            // Last in, first out: the first branch is tried first.
            open.extend(next.into_iter().rev().map(|branch| advance(&path, &branches, branch, at_once)));
        }
    }
    outcomes
}

fn acts(statement: &Statement) -> Vec<Act> {
    let part = |operation, result_of| Act::Perform(Statement { operation, ..*statement }, result_of);
    let finish = |result_of| [Act::HandOver(statement.actor), part(Operation::ExitFinish, result_of)];
    match statement.operation {
        Operation::Exit(code) => {
            let [hand_over, finish] = finish(None);
            vec![part(Operation::ExitBegin(code), Some(*statement)), hand_over, finish]
        }
        Operation::ExitFinish => finish(Some(*statement)).to_vec(),
        operation => vec![part(operation, Some(*statement))],
    }
}

fn advance(path: &Path, branches: &[Vec<Act>], branch: usize, at_once: bool) -> Path {
    let mut runner = path.runner.clone();
    let act = branches[branch][path.done[branch]];
    let came = match act {
        Act::HandOver(name) => runner.hand_over(name),
        Act::Perform(statement, _) if at_once => runner.line(&Line::Step(statement)),
        Act::Perform(statement, _) => runner.act(&statement),
    };
    let mut step = path.step.clone();
    let outcomes = came.outcomes.into_iter().map(|(_, outcome)| outcome);
    step.outcomes.extend(act.result_of().into_iter().zip(outcomes));
    step.happenings.extend(came.happenings);
    step.completions.extend(came.completions);
    let mut done = path.done.clone();
    done[branch] += 1;
    Path { done, step, runner }
}

fn finish(mut path: Path, branches: &[Vec<Act>], outcomes: &mut Vec<Allowed>) {
    path.runner.settle(&mut path.step);
    let order: Vec<Statement> = branches.iter().flatten().filter_map(Act::result_of).collect();
    path.step.outcomes.sort_by_key(|(statement, _)| order.iter().position(|other| other == statement));
    let sight = |task| path.runner.subject.observe(task);
    let is_known = |known: &Allowed| {
        compare_steps(&known.step, &path.step, sight).is_ok()
            && known.after.names().iter().all(|&task| known.after.subject.observe(task) == sight(task))
    };
    if !outcomes.iter().any(is_known) {
        outcomes.push(Allowed { step: path.step, after: path.runner });
    }
}
