//! `make bench`: rows 1 to 7 of the performance goals, product beside baseline and floor.

use std::cell::Cell;
use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ptexit_benches::lanes::{self, Plan, SYSTEMS};
use ptexit_benches::machine::Check;
use ptexit_benches::{goals, report, rounds};

const USAGE: &str = "\
Usage: bench-table [--quick] [--systems NAME,...] [--rows threads|families] [--rounds N]

Measures process lifecycles and empty waits, and prints how the library compares with one lock
(baseline) and with the least the machine can do (floor). Takes about two minutes.

  --quick          fewer and shorter rounds, half a minute; also with QUICK=1 in the environment
  --systems LIST   of product, baseline, floor (default: all)
  --rows GROUP     threads: rows 1 to 5, families: rows 6 and 7 (default: both)
  --rounds N       how often everything is measured
";

struct Settings {
    plan: Plan,
    rounds: usize,
    slice: Duration,
}

fn main() -> ExitCode {
    let quick = std::env::var_os("QUICK").is_some_and(|value| !value.is_empty() && value != "0");
    match parse(std::env::args().skip(1), quick) {
        Ok(Some(settings)) => {
            measure(&settings);
            ExitCode::SUCCESS
        }
        Ok(None) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("bench-table: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>, mut quick: bool) -> Result<Option<Settings>, String> {
    let mut plan = Plan { systems: SYSTEMS.to_vec(), threads: true, families: true, rarely: 8 };
    let mut rounds = None;
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            // cargo bench and cargo test say this to everything they run.
            "--bench" => {}
            "--help" | "-h" => return Ok(None),
            "--quick" => quick = true,
            "--systems" => plan.systems = value()?.split(',').map(system).collect::<Result<_, _>>()?,
            "--rows" => match value()?.as_str() {
                "threads" => plan.families = false,
                "families" => plan.threads = false,
                other => return Err(format!("no rows are called '{other}'")),
            },
            "--rounds" => {
                let number = value()?;
                let number = number.parse().ok().filter(|&number| number > 0);
                rounds = Some(number.ok_or("--rounds needs a number above 0")?);
            }
            other => return Err(format!("what is '{other}'?")),
        }
    }
    let (usual, slice) = if quick { (49, 4) } else { (257, 8) };
    plan.rarely = if quick { 16 } else { 8 };
    Ok(Some(Settings { plan, rounds: rounds.unwrap_or(usual), slice: Duration::from_millis(slice) }))
}

fn system(name: &str) -> Result<&'static str, String> {
    let known = SYSTEMS.into_iter().find(|&known| known == name);
    known.ok_or(format!("no system is called '{name}', only {}", SYSTEMS.join(", ")))
}

fn measure(settings: &Settings) {
    let start = Instant::now();
    let say = |text: &str| {
        eprint!("\r[{:5.1} s] {text:<40}", start.elapsed().as_secs_f64());
        // Progress that cannot be shown is no reason to stop.
        let _ = std::io::stderr().flush();
    };
    say("checking the machine");
    let before = Check::run();
    let retries = Rc::new(Cell::new(0));
    let mut lanes = lanes::lanes(&settings.plan, &retries, |name| say(&format!("setting up: {name}")));
    let samples = rounds::run(&mut lanes, settings.rounds, settings.slice, |done| {
        say(&format!("round {done} of {}", settings.rounds));
    });
    let after = Check::run();
    eprintln!();

    println!("before: {}\nafter:  {}", before.describe(), after.describe());
    println!(
        "{} rounds of {} ms each, medians; spread is half the distance between the quartiles\n",
        settings.rounds,
        settings.slice.as_millis()
    );
    if retries.get() > 0 {
        println!("NOTE: {} waits missed a child that had exited\n", retries.get());
    }
    let growth = report::growth(&samples);
    if !growth.is_empty() {
        println!("{growth}");
    }
    print!("{}", report::table(&goals::rows(&samples), before.is_quiet() && after.is_quiet()));
}
