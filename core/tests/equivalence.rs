//! The core does what the model does: the same results, events and states, step by step, on random
//! scenarios and on those of `conformance/scenarios`.
//!
//! `CASES` sets how many random scenarios are tried (default 10000), `SEED` (32 bytes or fewer) which ones;
//! `LOG` names a file that always holds the one being performed. A scenario on which the two differ is
//! shrunk and printed, ready for `scenario check`.

use std::cell::Cell;
use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use ptexit_conformance::generate::{Choice, LARGE, SMALL, choices, crowded_choices, statement};
use ptexit_conformance::language::{Line, Operation, Profile, Script, Statement};
use ptexit_conformance::run::{Lockstep, Runner, disagreement, shrink};
use ptexit_conformance::subjects::{OnCore, OnModel, Setup};
use ptexit_core::tree::PidPolicy;

const LONGEST: usize = 60;
const LONGEST_OF_CROWDS: usize = 260;
/// Tasks and lines of scenarios in which numbers are given again: a process holds three at most (its own, its
/// group's and its session's), and one is for the clone under way.
const FEW: usize = 8;
const LONGEST_OF_FEW: usize = 200;
const FEW_NUMBERS: u32 = 3 * FEW as u32 + 2;

const POLICIES: [PidPolicy; 3] = [PidPolicy::Sharded, PidPolicy::Cyclic, PidPolicy::Host];

fn any_numbers(pid_policy: PidPolicy) -> Setup {
    Setup { pid_policy, detours: true, ..Setup::default() }
}

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
fn agree(choices: &[Choice], crowd: usize, setup: Setup, sum: &Cell<Sum>) -> bool {
    let mut both = Lockstep::new(OnCore::with(setup));
    // For a scenario that never ends: it is written down before it is performed.
    let mut log = env::var("LOG").ok().map(|file| File::create(file).expect("LOG names a file that can be written"));
    let agreed = choices.iter().all(|&choice| match statement(choice, &both.model, crowd) {
        Some(statement) => {
            log.iter_mut().for_each(|log| writeln!(log, "{statement}").expect("LOG can be written"));
            both.line(&Line::Step(statement)).2.is_ok()
        }
        None => true,
    });
    let Sum { given_again, aborted } = sum.get();
    let core = &both.other.subject;
    sum.set(Sum {
        given_again: given_again + core.numbers_given_again(),
        aborted: aborted + core.clones_aborted() as usize,
    });
    agreed
}

/// What scenarios came to that is not in their text.
#[derive(Clone, Copy, Default)]
struct Sum {
    given_again: usize,
    aborted: usize,
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
    for policy in POLICIES {
        let sum = try_out(cases() / 3, choices(LONGEST), SMALL, any_numbers(policy));
        assert!(sum.aborted > cases() as usize / 3, "{policy:?}: {} clones were aborted", sum.aborted);
    }
}

/// With so many children that indexes grow, shrink and move what they hold.
#[test]
fn random_crowds_agree_with_the_model() {
    try_out(cases() / 100, crowded_choices(LONGEST_OF_CROWDS), LARGE, Setup::default());
}

/// With so few numbers that a task gets that of one that is gone, and names of the dead stand for nobody.
#[test]
fn random_scenarios_with_few_numbers_agree_with_the_model() {
    for policy in POLICIES {
        let setup = Setup { pid_max: FEW_NUMBERS, ..any_numbers(policy) };
        let sum = try_out(cases() / 10, choices(LONGEST_OF_FEW), FEW, setup);
        assert!(sum.given_again > cases() as usize / 10, "{policy:?}: {} numbers were given again", sum.given_again);
    }
}

fn try_out(cases: u32, choices: impl Strategy<Value = Vec<Choice>>, crowd: usize, setup: Setup) -> Sum {
    let sum = Cell::default();
    let outcome = runner(cases).run(&choices, |choices| match agree(&choices, crowd, setup, &sum) {
        true => Ok(()),
        false => Err(TestCaseError::fail("core and model differ")),
    });
    let choices = match outcome {
        Ok(()) => return sum.get(),
        Err(TestError::Fail(_, choices)) => choices,
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    };
    let found = |script: &Script| disagreement(script, OnCore::with(setup));
    let script = script_of(&choices, crowd);
    let shown = found(&script).map_or(script, |first| shrink(&first.script, |script| found(script).is_some()));
    match found(&shown) {
        Some(found) => panic!("core and model differ, with {setup:?}, on this scenario:\n{}\n{found}", found.script),
        None => panic!("core and model differ, with {setup:?}, on this scenario, but not always:\n{shown}"),
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

/// Two or three things at a time, on real threads, now and then in the course of a scenario: what comes of them
/// is something that the model allows, and so is what comes of everything after it.
#[test]
fn concurrent_steps_come_to_what_the_model_allows() {
    // Numbers are not given again here: whether a name of the dead still stands for its number would depend
    // on who comes first.
    for policy in POLICIES {
        let rounds = proptest::collection::vec((choices(20), choices(4)), 1..4);
        let outcome = runner(cases() / 30).run(&rounds, |rounds| {
            let mut both = Lockstep::new(OnCore::with(any_numbers(policy)));
            let mut lines = Vec::new();
            for (before, together) in rounds {
                for choice in before {
                    if let Some(statement) = statement(choice, &both.model, SMALL) {
                        perform(&mut both, &mut lines, Line::Step(statement))?;
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
                perform(&mut both, &mut lines, Line::Par(branches))?;
            }
            Ok(())
        });
        if let Err(TestError::Fail(reason, _)) = outcome {
            panic!("{policy:?}: what came of the last line is none of what the model allows:\n{reason}");
        }
    }
}

/// Performs one line more on both.
fn perform(both: &mut Lockstep<OnCore>, lines: &mut Vec<Line>, line: Line) -> Result<(), TestCaseError> {
    let (allowed, came, verdict) = both.line(&line);
    lines.push(line);
    verdict.map_err(|difference| {
        let script: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let (allowed, came) = (allowed.trace().join("\n  "), came.trace().join("\n  "));
        TestCaseError::fail(format!("{script}{difference}\nallowed:\n  {allowed}\ncame:\n  {came}"))
    })
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
