//! Performs one scenario on model and kernel, and makes it short if the two differ.

use std::cell::RefCell;

use super::random::{choices_of, statement_for};
use super::{Outcome, Task};
use crate::language::{Line, Profile, Script};
use crate::run::{Trial, Verdict, disagreement, shrink};
use crate::subjects::{OnCore, OnKernel, Stage};

use super::journal::Running;

/// Tries one scenario. What is about to be done is on disk before it is done.
pub(super) fn attempt(
    task: &Task,
    seed: u64,
    profile: Profile,
    stage: &mut Stage,
    running: &mut Running,
) -> Result<Outcome, String> {
    let profile = if matches!(task, Task::Written(..)) { Profile::Core } else { profile };
    let (title, script, steps, verdict) = match task {
        Task::Written(title, script) => {
            running.begin(&format!("# {title}\n{script}"))?;
            let verdict = Trial::new(OnKernel::new(stage, Profile::Core)?).run(script);
            (title.clone(), script.clone(), script.lines.len() as u64, verdict)
        }
        Task::Random(number) => {
            let title = format!("seed {seed}, number {number}");
            running.begin(&format!("# {title}\n"))?;
            let (script, verdict) = random(seed, *number, profile, stage, running)?;
            let steps = script.lines.len() as u64;
            (title, script, steps, verdict)
        }
    };
    // A machine that stalls is no difference: what could not be observed is observed once more, and that is told.
    let mut again = None;
    let verdict = match verdict {
        Verdict::Failed(why) => {
            again = Some(format!("{title}: observed a second time, for at first: {why}"));
            Trial::new(OnKernel::new(stage, profile)?).run(&script)
        }
        other => other,
    };
    let mut failure = match verdict {
        Verdict::Agreed => None,
        Verdict::Failed(why) => Some(format!("== {title}: nothing can be said: {why}\n{script}")),
        Verdict::Differed(found) => Some(match smallest(&found.script, profile, stage)? {
            Some(shown) => format!("== {title}: model and kernel differ\n{shown}"),
            None => format!("== {title}: model and kernel differ, but not always\n{found}"),
        }),
    };
    // What the kernel agrees to, the core has to do as well.
    let is_cores = script.first_beyond(Profile::Core).is_none();
    if failure.is_none()
        && is_cores
        && let Some(found) = disagreement(&script, OnCore::new())
    {
        failure = Some(format!("== {title}: model and kernel agree, the core does not\n{found}"));
    }
    Ok(Outcome { steps, failure, again })
}

fn random(
    seed: u64,
    number: u64,
    profile: Profile,
    stage: &mut Stage,
    running: &mut Running,
) -> Result<(Script, Verdict), String> {
    let mut trial = Trial::new(OnKernel::new(stage, profile)?);
    let mut statements = Vec::new();
    for choice in choices_of(seed, number)? {
        let Some(statement) = statement_for(choice, &trial.model, profile) else { continue };
        running.line(&statement)?;
        statements.push(statement);
        let (_, _, verdict) = trial.statement(&statement);
        if let Some(trouble) = trial.kernel.subject.trouble() {
            return Ok((Script::of(statements), Verdict::Failed(trouble.to_string())));
        }
        if verdict.is_err() {
            // Once more from its text, for a trace.
            drop(trial);
            let script = Script::of(statements);
            let again = Trial::new(OnKernel::new(stage, profile)?).run(&script);
            let verdict = match again {
                Verdict::Agreed => Verdict::Failed("the two differed, and did not when tried again".into()),
                other => other,
            };
            return Ok((script, verdict));
        }
        if trial.is_over() {
            break;
        }
    }
    Ok((Script::of(statements), Verdict::Agreed))
}

/// The scenario with as few lines as still make the two differ, as it then goes on both.
fn smallest(script: &Script, profile: Profile, stage: &mut Stage) -> Result<Option<String>, String> {
    let stage = RefCell::new(stage);
    let differ = |script: &Script| {
        let mut stage = stage.borrow_mut();
        match OnKernel::new(&mut stage, profile).map(|kernel| Trial::new(kernel).run(script)) {
            Ok(Verdict::Differed(found)) => Some(found),
            _ => None,
        }
    };
    let small = shrink(script, |script| differ(script).is_some());
    debug_assert!(small.lines.iter().all(|line| matches!(line, Line::Step(_))));
    Ok(differ(&small).map(|found| found.to_string()))
}
