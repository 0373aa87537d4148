//! One scenario on the model and on the running kernel. The kernel is the judge.

use super::compare::Difference;
use super::lockstep::Disagreement;
use super::orders::all_orders;
use super::runner::Runner;
use super::shown;
use super::step::Step;
use crate::language::{Happening, Line, Name, Operation, Profile, Script, Statement};
use crate::subjects::{OnKernel, OnModel, Subject};

/// The model and the kernel, side by side.
#[derive(Debug)]
pub struct Trial<'s> {
    /// The specification.
    pub model: Runner<OnModel>,
    /// The judge.
    pub kernel: Runner<OnKernel<'s>>,
}

/// What came of a scenario.
#[derive(Debug)]
pub enum Verdict {
    /// As the model says, on every line.
    Agreed,
    /// Not on this line.
    Differed(Box<Disagreement>),
    /// Nothing can be said: the observation failed.
    Failed(String),
}

impl<'s> Trial<'s> {
    /// Both are at their start.
    pub fn new(kernel: OnKernel<'s>) -> Self {
        Trial { model: Runner::new(OnModel::new()), kernel: Runner::new(kernel) }
    }

    /// Whether there is nobody left to act.
    pub fn is_over(&self) -> bool {
        self.kernel.subject.is_over() || self.kernel.subject.trouble().is_some()
    }

    /// Performs one statement on both. What came of it on each, and whether the two agree.
    pub fn statement(&mut self, statement: &Statement) -> (Step, Step, Result<(), Difference>) {
        let is_possible = self.model.refuse(statement).is_some() || self.kernel.refuse(statement).is_none();
        let is_beyond = statement.operation.profile() > self.kernel.subject.profile();
        if !is_possible && (is_beyond || self.kernel.subject.refuses(statement).is_some()) {
            let skipped = self.kernel.line(&Line::Step(*statement));
            return (skipped.clone(), skipped, Ok(()));
        }
        let before = self.model.clone();
        let line = Line::Step(*statement);
        let (left, right) = (self.model.line(&line), self.kernel.line(&line));
        let verdict = self.compare(&self.model, &left, &right);
        let Err(difference) = verdict else {
            return (left, right, Ok(()));
        };
        let also = handlers_ran(&before, statement, &right);
        let fits = |(step, model): &(Step, Runner<OnModel>)| self.compare(model, step, &right).is_ok();
        match all_orders(&before, statement, &also).into_iter().find(fits) {
            Some((step, model)) => {
                self.model = model;
                (step, right, Ok(()))
            }
            None => (left, right, Err(difference)),
        }
    }

    fn compare(&self, model: &Runner<OnModel>, left: &Step, right: &Step) -> Result<(), Difference> {
        if self.kernel.subject.is_over() && model.subject.observe(Name::INIT).is_none() {
            // Nobody is left who could be told anything.
            return Ok(());
        }
        let observes = self.kernel.subject.profile() == Profile::Core;
        shown::compare(left, right, |task| model.subject.observe(task), observes)?;
        for &task in model.names() {
            shown::compare_sights(task, model.subject.observe(task), self.kernel.subject.observe(task))?;
        }
        Ok(())
    }

    /// Performs a scenario to its end, or to the first line on which the two differ.
    pub fn run(mut self, script: &Script) -> Verdict {
        let mut traces = Vec::new();
        for (index, line) in script.lines.iter().enumerate() {
            let Line::Step(statement) = line else {
                return Verdict::Failed(format!("`{line}`: side by side is not for this comparison"));
            };
            let (left, right, verdict) = self.statement(statement);
            if let Some(trouble) = self.kernel.subject.trouble() {
                return Verdict::Failed(format!("`{line}`: {trouble}"));
            }
            traces.push((left, right));
            if let Err(difference) = verdict {
                let lines = script.lines[..=index].to_vec();
                let script = Script { title: Vec::new(), expected: vec![Vec::new(); lines.len()], lines };
                return Verdict::Differed(Box::new(Disagreement { script, traces, difference }));
            }
            if self.is_over() {
                break;
            }
        }
        Verdict::Agreed
    }
}

/// The waiting tasks in which a handler ran, so that their wait was begun anew: whether or not what it waits for has
/// happened, it looks again.
fn handlers_ran(before: &Runner<OnModel>, statement: &Statement, kernel: &Step) -> Vec<Name> {
    let leader = |name| before.subject.observe(name).map(|sight| sight.leader);
    let ran = |waiter: &Name| {
        let got_one = kernel
            .happenings
            .iter()
            .any(|it| matches!(it, Happening::Signal(to, _) | Happening::Handles(to, _) if to == waiter));
        let changed_user =
            matches!(statement.operation, Operation::Uid(_)) && leader(*waiter) == leader(statement.actor);
        got_one || changed_user
    };
    before.blocked().iter().copied().filter(ran).collect()
}
