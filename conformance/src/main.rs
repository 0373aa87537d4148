//! The `scenario` command.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use ptexit_conformance::campaign::{self, Plan, differences_page, flakiness};
use ptexit_conformance::language::{Line, Profile, Script};
use ptexit_conformance::run::{Lockstep, Runner, Trial, Verdict, allowed_outcomes};
use ptexit_conformance::subjects::{OnCore, OnKernel, OnModel, Stage, Subject};

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
    /// Performs scenarios on the model and on the running kernel: the listed differences, the sweep, random ones.
    /// Ends with `N passed, N failed`; exit status 1: something differs that is not listed, 77: not permitted here.
    Conform {
        /// How many random scenarios.
        #[arg(short = 'n', long, default_value_t = 2000)]
        count: u64,
        /// Which ones.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Only the random ones.
        #[arg(long)]
        no_sweep: bool,
        /// Signals, stops and tracers as well.
        #[arg(long)]
        jobs: bool,
        /// Where to keep what is being performed and what was found; a run that was broken off goes on there.
        #[arg(long, default_value = "target/conformance")]
        folder: PathBuf,
    },
    /// Performs scenarios on the model and on the running kernel, line by line. Exit status 1: they differ.
    Judge {
        /// The scenarios; `-` is standard input.
        #[arg(required = true)]
        files: Vec<String>,
    },
    /// Performs the same random scenarios on the running kernel again and again, and says which have more than one
    /// trace.
    Flaky {
        /// How many scenarios.
        #[arg(short = 'n', long, default_value_t = 20)]
        count: u64,
        /// How often each.
        #[arg(long, default_value_t = 200)]
        times: u64,
        /// Which ones.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Signals, stops and tracers as well.
        #[arg(long)]
        jobs: bool,
    },
    /// Prints conformance/DIFFERENCES.md as it should be.
    Differences,
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
    /// The kernel this runs on, with real processes.
    Kernel,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Run { on: Implementation::Model, file } => read(&file).and_then(|script| run_on_model(&script)),
        Command::Run { on: Implementation::Core, file } => read(&file).and_then(|script| run(OnCore::new(), &script)),
        Command::Run { on: Implementation::Kernel, file } => read(&file).and_then(|script| run_on_kernel(&script)),
        Command::Conform { count, seed, no_sweep, jobs, folder } => {
            let profile = if jobs { Profile::Full } else { Profile::Core };
            conform(&Plan { count, seed, sweep: !no_sweep, profile }, &folder)
        }
        Command::Flaky { count, times, seed, jobs } => {
            let profile = if jobs { Profile::Full } else { Profile::Core };
            flakiness(count, times, seed, profile)
        }
        .map(|_| ExitCode::SUCCESS),
        Command::Judge { files } => judge(&files),
        Command::Differences => differences_page().and_then(|page| print(&page)),
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

/// What `make` and CI take for "skipped".
const SKIPPED: u8 = 77;

fn conform(plan: &Plan, folder: &Path) -> Result<ExitCode, String> {
    if let Err(why) = Stage::new(0) {
        println!("SKIPPED, nothing was compared with the kernel: {why}");
        for part in ["listed differences", "sweep of deaths", "sweep of waits", "random scenarios"] {
            println!("  skipped: {part}");
        }
        println!("0 passed, 0 failed");
        return Ok(ExitCode::from(SKIPPED));
    }
    let tally = campaign::run(plan, folder)?;
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The kernel is the judge. What has lines that happen side by side is left out, and that is told.
fn judge(files: &[String]) -> Result<ExitCode, String> {
    let mut stage = Stage::new(0)?;
    let mut good = true;
    for file in files {
        let script = read(file)?;
        if script.lines.iter().any(|line| matches!(line, Line::Par(_))) {
            print(&format!("{file}: skipped, it has a `par` line\n"))?;
            continue;
        }
        let profile = script.first_beyond(Profile::Core).map_or(Profile::Core, |_| Profile::Full);
        let text = match Trial::new(OnKernel::new(&mut stage, profile)?).run(&script) {
            Verdict::Agreed => "agreed".to_string(),
            Verdict::Differed(found) => format!("differs\n{found}"),
            Verdict::Failed(why) => format!("nothing can be said: {why}"),
        };
        good &= text == "agreed";
        print(&format!("{file}: {text}\n"))?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

/// As [`run`]; what a kernel cannot be asked to do is skipped.
fn run_on_kernel(script: &Script) -> Result<ExitCode, String> {
    let mut stage = Stage::new(0)?;
    let profile = if script.first_beyond(Profile::Core).is_some() { Profile::Full } else { Profile::Core };
    let mut runner = Runner::new(OnKernel::new(&mut stage, profile)?);
    let mut text: String = script.title.iter().map(|title| format!("# {title}\n")).collect();
    for line in &script.lines {
        text += &format!("{line}\n{}", indented(&runner.line(line).trace()));
        if let Some(trouble) = runner.subject.trouble() {
            print(&text)?;
            return Err(format!("{line}: {trouble}"));
        }
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
