//! The model does what the written scenarios say.

use std::fs;
use std::path::Path;

use ptexit_conformance::language::{Line, Script};
use ptexit_conformance::run::Runner;
use ptexit_conformance::subjects::OnModel;

#[test]
fn the_model_does_what_the_scenarios_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut count = 0;
    for file in fs::read_dir(&folder).expect("the scenarios are there").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(file.path()).expect("a scenario is a text");
        let script: Script = text.parse().unwrap_or_else(|error| panic!("{name}, {error}"));
        assert!(script.has_expectation(), "{name} does not say what should come of it");
        let mut runner = Runner::new(OnModel::new());
        for (line, expected) in script.lines.iter().zip(&script.expected) {
            let step = runner.line(line);
            // Which outcome a `par` line has differs, and what comes after it.
            if matches!(line, Line::Par(_)) {
                break;
            }
            assert_eq!(*expected, step.trace(), "{name}, `{line}`: expected (left), the model (right)");
        }
        count += 1;
    }
    assert!(count > 40, "only {count} scenarios in {}", folder.display());
}
