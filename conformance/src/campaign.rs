//! Many scenarios on the model and the running kernel.

use std::fs::File;
use std::io::Write;
use std::time::Instant;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::generate::{SMALL, choices, statement};
use crate::language::{Line, Operation, Script, Statement};
use crate::run::{Disagreement, Trial, Verdict, shrink};
use crate::subjects::{OnKernel, Stage, Subject};

fn playable(statement: Statement) -> Statement {
    let operation = match statement.operation {
        Operation::ExitBegin(code) => Operation::Exit(code),
        Operation::ExitGroupBegin(code) => Operation::ExitGroup(code),
        Operation::Burn(..) => Operation::Setsid,
        other => other,
    };
    Statement { operation, ..statement }
}

pub fn random(count: u64, seed: u64, first: u64) -> Result<u64, String> {
    let mut stage = Stage::new(0)?;
    let (mut failed, mut steps) = (0, 0_u64);
    let start = Instant::now();
    let mut kinds: std::collections::BTreeMap<String, u64> = Default::default();
    for number in first..first + count {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&number.to_le_bytes());
        let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let choices = choices(60).new_tree(&mut runner).map_err(|e| e.to_string())?.current();
        let mut log = File::create("/tmp/kernel/running.txt").map_err(|e| e.to_string())?;
        let _ = writeln!(log, "# seed {seed} number {number}");
        let mut trial = Trial::new(OnKernel::new(&mut stage)?);
        let mut lines = Vec::new();
        let mut traces = Vec::new();
        let mut bad = None;
        for choice in choices {
            let Some(statement) = statement(choice, &trial.model, SMALL) else { break };
            let statement = playable(statement);
            if let Operation::Uid(_) = statement.operation && trial.model.subject.observe(statement.actor).and_then(|s| trial.model.subject.observe(s.leader)).is_some_and(|s| s.state == crate::language::SightState::Zombie) { continue; }
            let _ = writeln!(log, "{statement}");
            lines.push(statement);
            let (left, right, verdict) = trial.statement(&statement);
            steps += 1;
            if let Some(trouble) = trial.kernel.subject.trouble() {
                println!("{number}: TROUBLE {statement}: {trouble}\n{}", Script::of(lines.clone()));
                failed += 1;
                break;
            }
            traces.push((left, right));
            if let Err(difference) = verdict {
                bad = Some(difference);
                break;
            }
            if trial.is_over() { break; }
        }
        drop(trial);
        if let Some(difference) = bad {
            failed += 1;
            let script = Script::of(lines.clone());
            let kind = difference.what.clone();
            let n = kinds.entry(kind.split(" of ").next().unwrap().into()).or_default();
            *n += 1;
            if *n > 3 { continue; }
            let again = |s: &Script, stage: &mut Stage| match Trial::new(OnKernel::new(stage).unwrap()).run(s) { Verdict::Differed(d) => Some(d), _ => None };
            let cell = std::cell::RefCell::new(&mut stage);
            let small = shrink(&script, |s| again(s, *cell.borrow_mut()).is_some());
            let shown = again(&small, &mut stage).map(|d| *d).unwrap_or(Disagreement { script, traces, difference });
            println!("==== {number}\n{shown}\n");
        }
    }
    println!("{} passed, {failed} failed; {steps} steps, {:.1} s; {kinds:?}", count - failed, start.elapsed().as_secs_f64());
    let _ = Line::Step;
    Ok(failed)
}
