//! What is on disk while a campaign runs: the scenario that is being performed, before it is; how far the
//! campaign has come; and what was found.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Plan, Tally};
use crate::language::Statement;

/// How often it is noted how far the campaign has come.
const EVERY: u64 = 100;

/// The progress of one campaign.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    seed: u64,
    /// Every random scenario below this number is done.
    next: u64,
    /// Those beyond it that are done as well.
    ahead: BTreeSet<u64>,
    tally: Tally,
}

impl Journal {
    /// A journal in this folder; it goes on with the campaign that was broken off there, if it was the same.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn open(folder: &Path, plan: &Plan) -> Result<Journal, String> {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut journal = Journal {
            folder: folder.to_path_buf(),
            seed: plan.seed,
            next: 0,
            ahead: BTreeSet::new(),
            tally: Tally::default(),
        };
        let text = fs::read_to_string(journal.progress()).unwrap_or_default();
        let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        if let [seed, count, next, passed, failed, steps] = numbers[..]
            && seed == plan.seed
            && count == plan.count
            && next < plan.count
        {
            journal.next = next;
            journal.tally = Tally { passed, failed, steps };
        }
        Ok(journal)
    }

    fn progress(&self) -> PathBuf {
        self.folder.join("progress")
    }

    /// The first random scenario that is not done.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// What came of those that are done.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// One more is done; they need not come in order.
    pub fn done(&mut self, number: u64, tally: &Tally, count: u64) {
        self.ahead.insert(number);
        while self.ahead.remove(&self.next) {
            self.next += 1;
        }
        if number.is_multiple_of(EVERY) {
            let Tally { passed, failed, steps } = tally;
            let text = format!("{} {count} {} {passed} {failed} {steps}\n", self.seed, self.next);
            // Worse than a campaign that begins anew is one that stops for want of a note.
            let _ = fs::write(self.progress(), text);
        }
    }

    /// Keeps what was found.
    pub fn keep(&self, report: &str) {
        let file = OpenOptions::new().create(true).append(true).open(self.folder.join("found.txt"));
        let _ = file.and_then(|mut file| writeln!(file, "{report}\n"));
    }

    /// The campaign is at its end: the next one begins at the start.
    pub fn finish(&self) {
        let _ = fs::remove_file(self.progress());
    }
}

/// The scenario that one worker performs, on disk.
#[derive(Debug)]
pub(super) struct Running {
    path: PathBuf,
    file: Option<File>,
}

impl Running {
    pub(super) fn new(folder: &Path, worker: usize) -> Running {
        Running { path: folder.join(format!("running-{worker}.txt")), file: None }
    }

    fn failed(&self, error: std::io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }

    pub(super) fn begin(&mut self, text: &str) -> Result<(), String> {
        let mut file = File::create(&self.path).map_err(|error| self.failed(error))?;
        file.write_all(text.as_bytes()).map_err(|error| self.failed(error))?;
        self.file = Some(file);
        Ok(())
    }

    pub(super) fn line(&mut self, statement: &Statement) -> Result<(), String> {
        let written = self.file.as_mut().map(|file| writeln!(file, "{statement}"));
        written.transpose().map(|_| ()).map_err(|error| self.failed(error))
    }
}
