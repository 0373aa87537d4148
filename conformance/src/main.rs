//! The `scenario` command.

use std::fs;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use ptexit_conformance::language::{Line, Profile, Script};
use ptexit_conformance::run::{Lockstep, Runner, allowed_outcomes};
use ptexit_conformance::subjects::{OnCore, OnModel, Subject};

/// Runs scenarios: short scripts in which named tasks fork, exit and wait.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
A scenario has one line for each thing that a task does, `ACTOR OPERATION ARGUMENTS`:

    init fork a
    a fork b
    a exit 3
    init wait4 any
    b exit 0

docs/scenarios.md lists the operations."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints what comes of each line: a scenario again, with `>` lines below each line.
    Run {
        /// Which implementation performs it.
        #[arg(long, value_enum, default_value = "model")]
        on: Implementation,
        /// The scenario; `-` is standard input.
        #[arg(default_value = "-")]
        file: String,
    },
    /// Performs scenarios on the model and on the core, line by line, and compares the two with each
    /// other and with the `>` lines of the file. Exit status 1: they differ.
    Check {
        /// The scenarios; `-` is standard input.
        #[arg(required = true)]
        files: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Implementation {
    /// The sequential specification.
    Model,
    /// The lock-free library.
    Core,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Run { on: Implementation::Model, file } => read(&file).and_then(|script| run_on_model(&script)),
        Command::Run { on: Implementation::Core, file } => read(&file).and_then(|script| run(OnCore::new(), &script)),
        Command::Check { files } => {
            files.iter().try_fold(true, |good, file| Ok(check(file, &read(file)?)? && good)).map(|good| match good {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            })
        }
    };
    done.unwrap_or_else(|message| {
        eprintln!("scenario: {message}");
        ExitCode::from(2)
    })
}

fn read(file: &str) -> Result<Script, String> {
    let mut text = String::new();
    let read = match file {
        "-" => io::stdin().read_to_string(&mut text).map(|_| ()),
        _ => fs::read_to_string(file).map(|content| text = content),
    };
    read.map_err(|error| format!("{file}: {error}"))?;
    text.parse().map_err(|error| format!("{file}, {error}"))
}

fn run<S: Subject>(subject: S, script: &Script) -> Result<ExitCode, String> {
    let mut runner = Runner::new(subject);
    let mut text: String = script.title.iter().map(|title| format!("# {title}\n")).collect();
    for line in &script.lines {
        text += &format!("{line}\n{}", indented(&runner.line(line).trace()));
    }
    print(&text)
}

/// As [`run`]; the model knows all that may come of a `par` line. It goes on with the first outcome.
fn run_on_model(script: &Script) -> Result<ExitCode, String> {
    let mut runner = Runner::new(OnModel::new());
    let mut text: String = script.title.iter().map(|title| format!("# {title}\n")).collect();
    for line in &script.lines {
        text += &format!("{line}\n");
        let Line::Par(branches) = line else {
            text += &indented(&runner.line(line).trace());
            continue;
        };
        let outcomes = allowed_outcomes(&runner, branches);
        let count = outcomes.len();
        for (index, outcome) in outcomes.iter().enumerate() {
            text += &format!("    > outcome {} of {count}\n{}", index + 1, indented(&outcome.step.trace()));
        }
        runner = outcomes.into_iter().next().map_or(runner, |outcome| outcome.after);
    }
    print(&text)
}

fn indented(trace: &[String]) -> String {
    trace.iter().map(|line| format!("    > {line}\n")).collect()
}

fn check(file: &str, script: &Script) -> Result<bool, String> {
    let beyond = script.first_beyond(Profile::Core).map(|operation| format!("it cannot do `{operation}`"));
    if let Some(why) = script.is_not_for("core").map(str::to_string).or(beyond) {
        return check_model(file, script, &why);
    }
    let (mut both, mut one_way) = (Lockstep::new(OnCore::new()), true);
    for (number, (line, expected)) in script.lines.iter().zip(&script.expected).enumerate() {
        let (left, right, verdict) = both.line(line);
        // Which outcome a `par` line has differs from run to run, and what comes after it.
        one_way &= matches!(line, Line::Step(_));
        let as_expected = !script.has_expectation() || !one_way || *expected == left.trace();
        if verdict.is_ok() && as_expected {
            continue;
        }
        print(&format!("{file}: differs at step {}: {line}\n", number + 1))?;
        if let Err(difference) = verdict {
            print(&format!("{difference}\n"))?;
        }
        for (title, trace) in [("expected", expected), ("model", &left.trace()), ("core", &right.trace())] {
            print(&format!("{title}:\n{}", indented(trace)))?;
        }
        return Ok(false);
    }
    print(&format!("{file}: {} steps, all agree\n", script.lines.len()))?;
    Ok(true)
}

/// The model against the `>` lines alone.
fn check_model(file: &str, script: &Script, why: &str) -> Result<bool, String> {
    let mut runner = Runner::new(OnModel::new());
    for (number, (line, expected)) in script.lines.iter().zip(&script.expected).enumerate() {
        let step = runner.line(line);
        if matches!(line, Line::Par(_)) {
            break;
        }
        if script.has_expectation() && *expected != step.trace() {
            print(&format!("{file}: differs at step {}: {line}\n", number + 1))?;
            for (title, trace) in [("expected", expected), ("model", &step.trace())] {
                print(&format!("{title}:\n{}", indented(trace)))?;
            }
            return Ok(false);
        }
    }
    print(&format!("{file}: {} steps, the model agrees; not run on the core: {why}\n", script.lines.len()))?;
    Ok(true)
}

/// Writes to standard output; a reader that has gone away ends the program quietly.
fn print(text: &str) -> Result<ExitCode, String> {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(error.to_string()),
    }
}
