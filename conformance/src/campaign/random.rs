//! Which scenario a number stands for. Its lines depend on what the model has come to, so it is made while it is
//! performed; the same seed and number always make the same choices.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::listed::is_listed;
use crate::generate::{Choice, SMALL, choices, statement_of};
use crate::language::{Operation, Profile, Statement};
use crate::run::Runner;
use crate::subjects::OnModel;

/// The longest scenario.
const LONGEST: usize = 60;

/// The choices of one scenario.
pub(super) fn choices_of(seed: u64, number: u64) -> Result<Vec<Choice>, String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { failure_persistence: None, ..Config::default() };
    let tree = choices(LONGEST).new_tree(&mut TestRunner::new_with_rng(config, rng));
    Ok(tree.map_err(|reason| reason.to_string())?.current())
}

/// What the choice means after what the model has come to, if that can be asked of a kernel and is not a
/// difference that is listed anyway.
pub(super) fn statement_for(choice: Choice, model: &Runner<OnModel>, profile: Profile) -> Option<Statement> {
    let statement = statement_of(profile, choice, model, SMALL)?;
    let operation = match statement.operation {
        Operation::ExitBegin(code) => Operation::Exit(code),
        Operation::ExitGroupBegin(code) => Operation::ExitGroup(code),
        // It takes real time to use time: once in a while.
        Operation::Burn(ms, kib) if ms % 16 == 0 => Operation::Burn(150, kib),
        Operation::Burn(..) => Operation::Setsid,
        other => other,
    };
    let statement = Statement { operation, ..statement };
    (!is_listed(&statement, model)).then_some(statement)
}
