//! The differences between model and kernel that are meant. Each is a scenario in `conformance/differences/`,
//! whose head gives the reason; `conformance/DIFFERENCES.md` is made of them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::language::{Operation, Profile, Script, SightState, Statement};
use crate::run::{Disagreement, Runner, Trial, Verdict};
use crate::subjects::{OnKernel, OnModel, Stage, Subject};

/// One of them.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    script: Script,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("differences")
}

/// All of them, by name.
pub(super) fn scripts() -> Result<Vec<Listed>, String> {
    let folder = folder();
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut listed = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "txt"))
    {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let script = text.parse().map_err(|error| format!("{}, {error}", path.display()))?;
        listed.push(Listed { name, script });
    }
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(listed)
}

impl Listed {
    /// Model and kernel differ on its last line, and on no other.
    pub(super) fn still_occurs(&self, kernel: OnKernel<'_>) -> Result<(), String> {
        self.shown(kernel).map(|_| ())
    }

    fn shown(&self, kernel: OnKernel<'_>) -> Result<Box<Disagreement>, String> {
        match Trial::new(kernel).run(&self.script) {
            Verdict::Differed(found) if found.script.lines.len() == self.script.lines.len() => Ok(found),
            Verdict::Differed(found) => Err(format!("another difference comes before the listed one\n{found}")),
            Verdict::Agreed => Err("listed in DIFFERENCES.md, but model and kernel agree".into()),
            Verdict::Failed(why) => Err(why),
        }
    }
}

/// Whether this statement would run into a listed difference: it has a scenario of its own.
pub fn is_listed(statement: &Statement, model: &Runner<OnModel>) -> bool {
    let sight = |name| model.subject.observe(name);
    match statement.operation {
        // user_id_behind_a_dead_leader
        Operation::Uid(_) => {
            let leader = sight(statement.actor).and_then(|own| sight(own.leader));
            leader.is_some_and(|leader| leader.state == SightState::Zombie)
        }
        _ => false,
    }
}

/// The text of `conformance/DIFFERENCES.md`.
///
/// # Errors
/// If a listed difference does not occur.
pub fn differences_page() -> Result<String, String> {
    let mut stage = Stage::new(0)?;
    let mut page = String::from(HEAD);
    for difference in scripts()? {
        let found = difference
            .shown(OnKernel::new(&mut stage, Profile::Core)?)
            .map_err(|why| format!("{}: {why}", difference.name))?;
        page += &format!("\n## {}\n\n{}\n\n", difference.name, difference.script.title.join("\n"));
        page.extend(found.to_string().lines().map(|line| format!("    {line}\n")));
    }
    Ok(page)
}

const HEAD: &str = "\
# Where libptexit differs from the running kernel, and is meant to

Made by `scenario differences` from `conformance/differences/`; the heads of those files give the reasons. `make
conformance` fails when one of these no longer occurs, and when any other difference does. Left is the model, right
the kernel; `!` marks lines that differ, of which the last line's make the difference.
";
