//! Random scenarios on the model alone: its own invariants hold (the model checks them after every call),
//! and a scenario's text means the scenario.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use ptexit_conformance::generate::{SMALL, choices, statement, statement_of};
use ptexit_conformance::language::{Happening, Line, Profile, Reply, Script};
use ptexit_conformance::run::{Outcome, Runner, Step, disagreement};
use ptexit_conformance::subjects::OnModel;
use ptexit_core::uapi::Change;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn scenarios_run_and_mean_what_their_text_says(choices in choices(80)) {
        let mut model = Runner::new(OnModel::new());
        let mut statements = Vec::new();
        for choice in choices {
            if let Some(statement) = statement(choice, &model, SMALL) {
                model.line(&Line::Step(statement));
                statements.push(statement);
            }
        }
        let script = Script::of(statements);
        let again: Script = script.to_string().parse().expect("what is printed can be read");
        prop_assert_eq!(&script, &again);
        prop_assert!(disagreement(&again, OnModel::new()).is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// The whole language: the model's invariants hold after every call.
    #[test]
    fn the_whole_language_means_what_its_text_says(choices in choices(100)) {
        let mut model = Runner::new(OnModel::new());
        let mut statements = Vec::new();
        for choice in choices {
            if let Some(statement) = statement_of(Profile::Full, choice, &model, SMALL) {
                model.line(&Line::Step(statement));
                statements.push(statement);
            }
        }
        let script = Script::of(statements);
        let again: Script = script.to_string().parse().expect("what is printed can be read");
        prop_assert_eq!(&script, &again);
        prop_assert!(disagreement(&again, OnModel::new()).is_none());
    }
}

/// What random scenarios come to: if something here never happens any more, the generator has gone blind.
#[test]
fn random_scenarios_come_to_everything() {
    let mut seen = BTreeMap::<String, usize>::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..400 {
        let choices = choices(80).new_tree(&mut runner).expect("choices are not refused").current();
        let mut model = Runner::new(OnModel::new());
        for choice in choices {
            let Some(statement) = statement(choice, &model, SMALL) else { continue };
            let step = model.line(&Line::Step(statement));
            for kind in kinds(&step) {
                *seen.entry(kind).or_default() += 1;
            }
        }
    }
    let everything = [
        "Blocks",
        "Child",
        "Decided",
        "Done",
        "EACCES",
        "ECHILD",
        "EINTR",
        "EINVAL",
        "EPERM",
        "ESRCH",
        "Exited",
        "MustExit",
        "Nothing",
        "NumberFree",
        "Reaped",
        "Released",
        "Reparented",
        "SIGCHLD",
        "SIGURG",
        "SIGWINCH",
        "waited: Child",
        "waited: ECHILD",
        "waited: EINTR",
    ];
    let missing: Vec<_> = everything.iter().filter(|&&kind| seen.get(kind).is_none_or(|&count| count == 0)).collect();
    assert!(missing.is_empty(), "never: {missing:?}; in all: {seen:?}");
    let skipped = seen.get("Skipped").copied().unwrap_or(0);
    let acted: usize =
        ["Blocks", "Child", "Decided", "Done", "Nothing"].iter().filter_map(|kind| seen.get(*kind)).sum();
    assert!(skipped * 4 < acted, "{skipped} of the lines mean nothing");
}

/// The same for the whole language.
#[test]
fn random_scenarios_come_to_stops_tracers_and_namespaces() {
    let mut seen = BTreeMap::<String, usize>::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..400 {
        let choices = choices(120).new_tree(&mut runner).expect("choices are not refused").current();
        let mut model = Runner::new(OnModel::new());
        for choice in choices {
            let Some(statement) = statement_of(Profile::Full, choice, &model, SMALL) else { continue };
            let step = model.line(&Line::Step(statement));
            for kind in kinds(&step).into_iter().chain(details(&step)) {
                *seen.entry(kind).or_default() += 1;
            }
        }
    }
    let everything = [
        "CLD_CONTINUED",
        "CLD_STOPPED",
        "CLD_TRAPPED",
        "EINTR",
        "EIO",
        "Handles",
        "Message",
        "Ready",
        "SI_KERNEL",
        "Seen",
        "Took",
        "a clone event",
        "a fork event",
        "a job stop",
        "a vfork event",
        "an exec event",
        "an exit event",
        "continued",
        "stopped",
        "waited: Done",
    ];
    let missing: Vec<_> = everything.iter().filter(|&&kind| seen.get(kind).is_none_or(|&count| count == 0)).collect();
    assert!(missing.is_empty(), "never: {missing:?}; in all: {seen:?}");
}

/// What a step tells of stops.
fn details(step: &Step) -> Vec<String> {
    let event = |code: u32| match code >> 8 {
        1 => "a fork event",
        2 => "a vfork event",
        3 => "a clone event",
        4 => "an exec event",
        6 => "an exit event",
        128 => "a job stop",
        _ => "a signal-delivery-stop",
    };
    let replies = step.outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Reply(reply) => Some(*reply),
        Outcome::Skipped(_) => None,
    });
    let changes = replies.chain(step.completions.iter().map(|(_, reply)| *reply)).filter_map(|reply| match reply {
        Reply::Child(report) => Some(report.change),
        _ => None,
    });
    let changes = changes.filter_map(|change| match change {
        Change::Trapped(code) => Some(event(code)),
        Change::Stopped(_) => Some("stopped"),
        Change::Continued => Some("continued"),
        Change::Died(_) => None,
    });
    let codes = step.happenings.iter().filter_map(|happening| match happening {
        Happening::Signal(_, info) => ["CLD_STOPPED", "CLD_CONTINUED", "CLD_TRAPPED", "SI_KERNEL"]
            .into_iter()
            .find(|code| info.to_string().contains(code)),
        _ => None,
    });
    changes.chain(codes).map(str::to_string).collect()
}

fn kinds(step: &Step) -> Vec<String> {
    let reply = |reply: &Reply| match reply {
        Reply::Failed(errno) => errno.name().to_string(),
        other => format!("{other:?}").split(['(', ' ']).next().unwrap_or_default().to_string(),
    };
    let outcomes = step.outcomes.iter().map(|(_, outcome)| match outcome {
        Outcome::Reply(what) => reply(what),
        Outcome::Skipped(_) => "Skipped".to_string(),
    });
    let happenings = step.happenings.iter().map(|happening| match happening {
        Happening::Signal(_, info) => info.signal.to_string(),
        Happening::Reaped { by: None, .. } => "Released".to_string(),
        other => format!("{other:?}").split(['(', ' ']).next().unwrap_or_default().to_string(),
    });
    let completions = step.completions.iter().map(|(_, what)| format!("waited: {}", reply(what)));
    outcomes.chain(happenings).chain(completions).collect()
}
