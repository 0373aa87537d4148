//! Whether the kernel says the same thing each time: the same scenarios many times over.

use std::collections::BTreeMap;

use super::random::{choices_of, statement_for};
use crate::language::{Line, Profile, Script};
use crate::run::Runner;
use crate::subjects::{OnKernel, OnModel, Stage};

/// Performs `scenarios` random scenarios `times` times each, and prints which of them have more than one trace.
/// Returns how many runs had another trace than most runs of the same scenario.
///
/// # Errors
/// If the kernel cannot be observed.
pub fn flakiness(scenarios: u64, times: u64, seed: u64, profile: Profile) -> Result<u64, String> {
    let mut stage = Stage::new(0)?;
    let mut odd = 0;
    for number in 0..scenarios {
        let script = script(seed, number, profile)?;
        let mut traces = BTreeMap::<Vec<String>, u64>::new();
        for _ in 0..times {
            *traces.entry(trace(&script, profile, &mut stage)?).or_default() += 1;
        }
        let most = traces.values().copied().max().unwrap_or(0);
        odd += times - most;
        if traces.len() > 1 {
            println!(
                "number {number}: {} traces in {times} runs\n{}",
                traces.len(),
                lines_that_differ(&script, &traces)
            );
        }
    }
    println!("{odd} of {} runs differ from most runs of the same scenario", scenarios * times);
    Ok(odd)
}

/// As the model would have it go on.
fn script(seed: u64, number: u64, profile: Profile) -> Result<Script, String> {
    let mut model = Runner::new(OnModel::new());
    let mut statements = Vec::new();
    for choice in choices_of(seed, number)? {
        if let Some(statement) = statement_for(choice, &model, profile) {
            model.line(&Line::Step(statement));
            statements.push(statement);
        }
    }
    Ok(Script::of(statements))
}

/// One text for each line of the scenario.
fn trace(script: &Script, profile: Profile, stage: &mut Stage) -> Result<Vec<String>, String> {
    let mut kernel = Runner::new(OnKernel::new(stage, profile)?);
    let mut trace = Vec::new();
    for line in &script.lines {
        trace.push(kernel.line(line).trace().join(", "));
        if let Some(trouble) = kernel.subject.trouble() {
            return Err(format!("{line}: {trouble}"));
        }
    }
    Ok(trace)
}

fn lines_that_differ(script: &Script, traces: &BTreeMap<Vec<String>, u64>) -> String {
    let mut text = String::new();
    for (at, line) in script.lines.iter().enumerate() {
        let mut variants = BTreeMap::<&str, u64>::new();
        traces.iter().for_each(|(trace, times)| *variants.entry(&trace[at]).or_default() += times);
        if variants.len() > 1 {
            text += &format!("  {line}\n");
            text.extend(variants.iter().map(|(variant, times)| format!("    {times} times: {variant}\n")));
            break;
        }
    }
    text
}
