//! One scenario on two implementations, line by line.

use core::fmt;

use super::compare::{Difference, compare_sights, compare_steps};
use super::par::allowed_outcomes;
use super::runner::Runner;
use super::step::Step;
use crate::language::{Line, Script, Statement};
use crate::subjects::{OnModel, Subject};

/// The model and another implementation, side by side.
pub struct Lockstep<S> {
    /// The specification.
    pub model: Runner<OnModel>,
    /// What is checked against it.
    pub other: Runner<S>,
}

impl<S: Subject> Lockstep<S> {
    /// Both must be at their start.
    pub fn new(other: S) -> Self {
        Lockstep { model: Runner::new(OnModel::new()), other: Runner::new(other) }
    }

    /// Performs one line on both. What came of it on each, and whether the two agree.
    pub fn line(&mut self, line: &Line) -> (Step, Step, Result<(), Difference>) {
        match line {
            Line::Step(statement) => self.statement(statement),
            Line::Par(branches) => self.together(line, branches),
        }
    }

    fn statement(&mut self, statement: &Statement) -> (Step, Step, Result<(), Difference>) {
        let (mut left, mut right) = (self.model.act(statement), self.other.act(statement));
        let mut verdict = Ok(());
        loop {
            // A wake is a hint that either may give without need: both look again whenever one is told
            // to. What the model is told and acts on, the other must have been told as well.
            let (by_model, by_other) = (self.model.woken(), self.other.woken());
            let woken: Vec<_> = self
                .model
                .blocked()
                .to_vec()
                .into_iter()
                .filter(|w| by_model.contains(w) || by_other.contains(w))
                .collect();
            if woken.is_empty() {
                break;
            }
            let needless = woken.iter().find(|waiter| !by_model.contains(waiter));
            if let Some(waiter) = needless
                && verdict.is_ok()
            {
                verdict = Err(needless_wake(waiter.to_string()));
            }
            for waiter in woken {
                let before = left.completions.len();
                self.model.go_on(waiter, &mut left);
                if self.other.blocked().contains(&waiter) {
                    self.other.go_on(waiter, &mut right);
                }
                let ended = left.completions.len() > before;
                if ended && by_model.contains(&waiter) && !by_other.contains(&waiter) && verdict.is_ok() {
                    verdict = Err(missing_wake(waiter.to_string()));
                }
            }
        }
        self.model.end_waits_of_the_dying(&mut left);
        self.other.end_waits_of_the_dying(&mut right);
        let verdict = verdict.and_then(|()| self.compare(&left, &right));
        (left, right, verdict)
    }

    fn together(&mut self, line: &Line, branches: &[Vec<Statement>]) -> (Step, Step, Result<(), Difference>) {
        let right = self.other.line(line);
        let mut allowed = allowed_outcomes(&self.model, branches);
        let fits = |candidate: &super::par::Allowed| {
            compare_steps(&candidate.step, &right, |task| candidate.after.subject.observe(task)).is_ok()
                && candidate
                    .after
                    .names()
                    .iter()
                    .all(|&task| candidate.after.subject.observe(task) == self.other.subject.observe(task))
        };
        let chosen = allowed.iter().position(fits);
        let candidate = allowed.swap_remove(chosen.unwrap_or(0));
        self.model = candidate.after;
        let verdict = match chosen {
            Some(_) => Ok(()),
            None => self.compare(&candidate.step, &right).and_then(|()| {
                Err(Difference { what: "outcome".into(), left: "not this one".into(), right: format!("{right:?}") })
            }),
        };
        (candidate.step, right, verdict)
    }

    fn compare(&mut self, left: &Step, right: &Step) -> Result<(), Difference> {
        compare_steps(left, right, |task| self.model.subject.observe(task))?;
        for &task in self.model.names() {
            compare_sights(task, self.model.subject.observe(task), self.other.subject.observe(task))?;
        }
        Ok(())
    }
}

fn needless_wake(waiter: String) -> Difference {
    Difference {
        what: format!("wait of {waiter}"),
        left: "nothing has happened that it waits for".into(),
        right: "it is woken".into(),
    }
}

fn missing_wake(waiter: String) -> Difference {
    Difference {
        what: format!("wait of {waiter}"),
        left: "it is woken, and ends".into(),
        right: "it would end as well, but nobody wakes it".into(),
    }
}

/// Two implementations that differ on a scenario, and where.
#[derive(Debug)]
pub struct Disagreement {
    /// The scenario up to the line where they differ.
    pub script: Script,
    /// What came of every line, on the model and on the other.
    pub traces: Vec<(Step, Step)>,
    /// In what they differ.
    pub difference: Difference,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<58} | other", "model")?;
        for (line, (left, right)) in self.script.lines.iter().zip(&self.traces) {
            writeln!(f, "{line}")?;
            let (left, right) = (left.trace(), right.trace());
            for index in 0..left.len().max(right.len()) {
                let at = |trace: &[String]| trace.get(index).cloned().unwrap_or_default();
                let (left, right) = (at(&left), at(&right));
                let mark = if left == right { ' ' } else { '!' };
                writeln!(f, "  {mark} {left:<54} | {right}")?;
            }
        }
        write!(f, "{}", self.difference)
    }
}

/// Performs a scenario on the model and on another implementation, to the end or to the first line on
/// which they differ.
pub fn disagreement<S: Subject>(script: &Script, other: S) -> Option<Box<Disagreement>> {
    let mut both = Lockstep::new(other);
    let mut traces = Vec::new();
    for (index, line) in script.lines.iter().enumerate() {
        let (left, right, verdict) = both.line(line);
        traces.push((left, right));
        if let Err(difference) = verdict {
            let lines = script.lines[..=index].to_vec();
            let script = Script { title: Vec::new(), expected: vec![Vec::new(); lines.len()], lines };
            return Some(Box::new(Disagreement { script, traces, difference }));
        }
    }
    None
}
