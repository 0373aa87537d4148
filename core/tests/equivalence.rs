//! The core does what the model does: the same results, events and states, step by step, on random
//! scenarios and on those of `conformance/scenarios`.
//!
//! `CASES` sets how many random scenarios are tried (default 10000), `SEED` (32 bytes or fewer) which ones;
//! `LOG` names a file that always holds the one being performed. A scenario on which the two differ is
//! shrunk and printed, ready for `scenario check`.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use ptexit_conformance::generate::{Choice, LARGE, SMALL, choices, crowded_choices, statement};
use ptexit_conformance::language::{Line, Operation, Profile, Script, Statement};
use ptexit_conformance::run::{Lockstep, Runner, disagreement, shrink};
use ptexit_conformance::subjects::{OnCore, OnModel};

const LONGEST: usize = 60;
const LONGEST_OF_CROWDS: usize = 260;

fn cases() -> u32 {
    env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(10_000)
}

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut seed = [0; 32];
    let text = env::var("SEED").unwrap_or_else(|_| "libptexit".into());
    seed.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// The scenario that the choices mean, and whether core and model agree on it.
fn agree(choices: &[Choice], crowd: usize) -> bool {
    let mut both = Lockstep::new(OnCore::new());
    // For a scenario that never ends: it is written down before it is performed.
    let mut log = env::var("LOG").ok().map(|file| File::create(file).expect("LOG names a file that can be written"));
    choices.iter().all(|&choice| match statement(choice, &both.model, crowd) {
        Some(statement) => {
            log.iter_mut().for_each(|log| writeln!(log, "{statement}").expect("LOG can be written"));
            both.line(&Line::Step(statement)).2.is_ok()
        }
        None => true,
    })
}

fn script_of(choices: &[Choice], crowd: usize) -> Script {
    let mut model = Runner::new(OnModel::new());
    let mut statements = Vec::new();
    for &choice in choices {
        if let Some(statement) = statement(choice, &model, crowd) {
            model.line(&Line::Step(statement));
            statements.push(statement);
        }
    }
    Script::of(statements)
}

#[test]
fn random_scenarios_agree_with_the_model() {
    try_out(cases(), choices(LONGEST), SMALL);
}

/// With so many children that indexes grow, shrink and move what they hold.
#[test]
fn random_crowds_agree_with_the_model() {
    try_out(cases() / 100, crowded_choices(LONGEST_OF_CROWDS), LARGE);
}

fn try_out(cases: u32, choices: impl Strategy<Value = Vec<Choice>>, crowd: usize) {
    let outcome = runner(cases).run(&choices, |choices| match agree(&choices, crowd) {
        true => Ok(()),
        false => Err(TestCaseError::fail("core and model differ")),
    });
    let choices = match outcome {
        Ok(()) => return,
        Err(TestError::Fail(_, choices)) => choices,
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    };
    let differs = |script: &Script| disagreement(script, OnCore::new()).is_some();
    let script = script_of(&choices, crowd);
    let shown = disagreement(&script, OnCore::new()).map_or(script, |found| shrink(&found.script, differs));
    match disagreement(&shown, OnCore::new()) {
        Some(found) => panic!("core and model differ on this scenario:\n{}\n{found}", found.script),
        None => panic!("core and model differ on this scenario, but not always:\n{shown}"),
    }
}

#[test]
fn known_scenarios_agree_with_the_model_and_with_their_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/scenarios");
    let mut files: Vec<_> = fs::read_dir(&folder).expect("the scenarios are there").flatten().collect();
    files.sort_by_key(|file| file.file_name());
    assert!(files.len() > 20, "only {} scenarios in {}", files.len(), folder.display());
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(file.path()).expect("a scenario is a text");
        let script: Script = text.parse().unwrap_or_else(|error| panic!("{name}, {error}"));
        assert!(script.has_expectation(), "{name} does not say what should come of it");
        if script.is_not_for("core").is_some() || script.first_beyond(Profile::Core).is_some() {
            continue;
        }
        let (mut both, mut one_way) = (Lockstep::new(OnCore::new()), true);
        for (line, expected) in script.lines.iter().zip(&script.expected) {
            let (model, _, verdict) = both.line(line);
            if let Err(difference) = verdict {
                panic!("{name}, `{line}`: {difference}");
            }
            // Which outcome a `par` line has differs from run to run, and what comes after it.
            one_way &= matches!(line, Line::Step(_));
            if one_way {
                assert_eq!(*expected, model.trace(), "{name}, `{line}`: expected (left), the model (right)");
            }
        }
    }
}

/// Two or three things at a time, on real threads: what comes of them is something that the model allows.
#[test]
fn concurrent_steps_come_to_what_the_model_allows() {
    let lines = (choices(40), choices(4));
    let outcome = runner(cases() / 10).run(&lines, |(before, together)| {
        let mut both = Lockstep::new(OnCore::new());
        let mut lines = Vec::new();
        for choice in before {
            if let Some(statement) = statement(choice, &both.model, SMALL) {
                let line = Line::Step(statement);
                let _ = both.line(&line);
                lines.push(line);
            }
        }
        let mut branches: Vec<Vec<Statement>> = Vec::new();
        for choice in together {
            if let Some(statement) = statement(choice, &both.model, SMALL)
                && branches.iter().flatten().all(|other| goes_beside(&statement, other))
            {
                branches.push(vec![statement]);
            }
        }
        lines.push(Line::Par(branches));
        let (allowed, came, verdict) = both.line(&lines[lines.len() - 1]);
        verdict.map_err(|difference| {
            let script: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let (allowed, came) = (allowed.trace().join("\n  "), came.trace().join("\n  "));
            TestCaseError::fail(format!("{script}{difference}\nallowed:\n  {allowed}\ncame:\n  {came}"))
        })
    });
    if let Err(TestError::Fail(reason, _)) = outcome {
        panic!("what came of the last line is none of what the model allows:\n{reason}");
    }
}

/// Two tasks can do these at the same time, and the model knows all that may come of it: it takes the end
/// of a whole process for one act.
fn goes_beside(one: &Statement, other: &Statement) -> bool {
    let is_one_act = |statement: &Statement| {
        !matches!(statement.operation, Operation::ExitGroup(_) | Operation::Kill(..) | Operation::Interrupt(_))
    };
    let name = one.operation.introduces();
    one.actor != other.actor
        && (name.is_none() || name != other.operation.introduces())
        && is_one_act(one)
        && is_one_act(other)
}
