//! Many scenarios on the model and on the running kernel: what `make conformance` does.
//!
//! | file | what it says |
//! |------|--------------|
//! | `cells`    | one short scenario for each way in which a process dies and is disposed of |
//! | `waits`    | every kind of wait, with every set of options, for every kind of child |
//! | `random`   | which scenario a number stands for |
//! | `trials`   | performs one of them, and shrinks it if the two differ |
//! | `listed`   | the differences that are meant: `conformance/DIFFERENCES.md` |
//! | `flaky`    | whether the kernel says the same thing each time |
//! | `journal`  | what is on disk while it runs |
//! | `crew`     | one worker for each processor, and a watchdog |

mod cells;
mod crew;
mod flaky;
mod journal;
mod listed;
mod random;
mod trials;
mod waits;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use crate::language::{Profile, Script};
use crate::subjects::{OnKernel, Stage};

pub use flaky::flakiness;
pub use journal::Journal;
pub use listed::{differences_page, is_listed};

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many random scenarios.
    pub count: u64,
    /// Which ones.
    pub seed: u64,
    /// Whether the sweep comes first.
    pub sweep: bool,
    /// How much of the language the random ones use.
    pub profile: Profile,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Scenarios on which model and kernel agree.
    pub passed: u64,
    /// The others.
    pub failed: u64,
    /// Lines of both.
    pub steps: u64,
}

/// One scenario to try.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// Of the sweep: what it is about, and the scenario.
    Written(String, Script),
    /// A random one, by its number.
    Random(u64),
}

/// What came of one scenario.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) steps: u64,
    /// What to tell if model and kernel differ, or nothing can be said.
    pub(crate) failure: Option<String>,
    /// Why it had to be observed twice, if it had to.
    pub(crate) again: Option<String>,
}

/// Performs the plan; a run that was broken off goes on where it was. Prints what differs as it is found.
///
/// # Errors
/// Why nothing can be tried on this machine, or nothing be written.
pub fn run(plan: &Plan, folder: &Path) -> Result<Tally, String> {
    let start = Instant::now();
    let mut journal = Journal::open(folder, plan)?;
    let mut tally = journal.tally();
    let mut written = Vec::new();
    if plan.sweep && journal.next() == 0 {
        written.extend(cells::scripts());
        written.extend(waits::scripts());
    }
    let sweep = written.len() as u64;
    let listed = if journal.next() == 0 { listed::scripts()? } else { Vec::new() };
    if journal.next() > 0 {
        println!("going on with number {} of a run that was broken off", journal.next());
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!("kernel {}", release.trim());
    check_listed(&listed, &mut tally)?;
    let first = journal.next();
    let total = sweep + plan.count.saturating_sub(first);
    let mut bar = Bar { total, start, shown: start, is_terminal: io::stderr().is_terminal() };
    let tasks = written.into_iter().map(|(title, script)| Task::Written(title, script));
    let tasks = tasks.chain((first..plan.count).map(Task::Random));
    crew::work(tasks, plan.seed, plan.profile, folder, |task, outcome| {
        tally.steps += outcome.steps;
        if let Some(why) = outcome.again {
            bar.clear();
            println!("{why}");
        }
        match outcome.failure {
            None => tally.passed += 1,
            Some(report) => {
                tally.failed += 1;
                bar.clear();
                println!("{report}\n");
                journal.keep(&report);
            }
        }
        if let Task::Random(number) = task {
            journal.done(number, &tally, plan.count);
        }
        bar.show(&tally);
    })?;
    bar.clear();
    journal.finish();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{sweep} scenarios of the sweep, {} random ones (seed {}), {} lines, {seconds:.0} s, {:.0} lines/s",
        plan.count - first,
        plan.seed,
        tally.steps,
        tally.steps as f64 / seconds
    );
    Ok(tally)
}

/// The listed differences still occur.
fn check_listed(listed: &[listed::Listed], tally: &mut Tally) -> Result<(), String> {
    let mut stage = Stage::new(0)?;
    for difference in listed {
        match difference.still_occurs(OnKernel::new(&mut stage, Profile::Core)?) {
            Ok(()) => tally.passed += 1,
            Err(why) => {
                tally.failed += 1;
                println!("{}: {why}\n", difference.name);
            }
        }
    }
    println!("{} listed differences", listed.len());
    Ok(())
}

/// How far it has come, on a terminal; now and then a line, elsewhere.
struct Bar {
    total: u64,
    start: Instant,
    shown: Instant,
    is_terminal: bool,
}

impl Bar {
    fn show(&mut self, tally: &Tally) {
        let pause = if self.is_terminal { 0.2 } else { 30.0 };
        if self.shown.elapsed().as_secs_f64() < pause {
            return;
        }
        self.shown = Instant::now();
        let done = (tally.passed + tally.failed).min(self.total.max(1));
        let seconds = self.start.elapsed().as_secs_f64();
        let left = seconds / done as f64 * (self.total.saturating_sub(done)) as f64;
        let filled = (done * 30 / self.total.max(1)) as usize;
        let text = format!(
            "[{:<30}] {done}/{} {} failed, {seconds:.0} s, about {left:.0} s left",
            "#".repeat(filled.min(30)),
            self.total,
            tally.failed
        );
        let end = if self.is_terminal { "\r" } else { "\n" };
        // Nobody to read it is no reason to stop.
        let _ = write!(io::stderr(), "{text}{end}").and_then(|()| io::stderr().flush());
    }

    fn clear(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r{:<100}\r", "");
        }
    }
}
