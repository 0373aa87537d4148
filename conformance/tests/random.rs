//! Random scenarios on the model alone: its own invariants hold (the model checks them after every call),
//! and a scenario's text means the scenario.

use proptest::prelude::*;
use ptexit_conformance::generate::{choices, statement};
use ptexit_conformance::language::{Line, Script};
use ptexit_conformance::run::{Runner, disagreement};
use ptexit_conformance::subjects::OnModel;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn scenarios_run_and_mean_what_their_text_says(choices in choices(80)) {
        let mut model = Runner::new(OnModel::new());
        let mut statements = Vec::new();
        for choice in choices {
            if let Some(statement) = statement(choice, &model) {
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
