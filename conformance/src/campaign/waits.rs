//! Every kind of wait with every set of options, invalid ones too, for every kind of child: the same result, the same
//! errno. Waits that change nothing follow one another on the same child; after one that does, there is a new child.

use std::collections::VecDeque;

use ptexit_core::uapi::WaitOptions;

use crate::language::{Line, Name, Operation, Reply, Script, Statement, flags_to_text};
use crate::run::{Outcome, Runner};
use crate::subjects::OnModel;

/// The waiter is `p`, whose thread `t` interrupts it when it blocks.
const START: [&str; 3] = ["init fork p", "p setpgid 0 0", "p thread t"];

/// What makes a child of each kind: `$c` is the child, `$d` a second name.
const CHILDREN: [(&str, &[&str]); 13] = [
    ("none", &[]),
    ("running", &["p fork $c"]),
    ("dead", &["p fork $c", "$c exit 3"]),
    ("killed", &["p fork $c", "init kill $c SIGKILL"]),
    ("running, no exit signal", &["p fork $c 0"]),
    ("dead, another exit signal", &["p fork $c SIGURG", "$c exit 3"]),
    ("dead, in another group", &["p fork $c", "$c setpgid 0 0", "$c exit 3"]),
    ("leader dead, thread alive", &["p fork $c", "$c thread $d", "$c exit 3"]),
    ("dead, of the sibling thread", &["t fork $c", "$c exit 3"]),
    ("running, of the sibling thread", &["t fork $c"]),
    ("dead, adopted", &["p subreaper 1", "p fork $d", "$d fork $c 0", "$c exit 3", "$d exit 0", "p wait4 $d"]),
    ("dead, after one that runs", &["p fork $d", "p fork $c", "$c exit 3"]),
    ("reaped", &["p fork $c", "$c exit 3", "p wait4 $c"]),
];

const WAIT4: [&str; 9] = ["any", "$c", "-$c", "$d", "0", "1", "-p", "-2147483648", "-4000000"];
const WAITID: [&str; 12] = [
    "ALL",
    "PID $c",
    "PID $d",
    "PID 0",
    "PID -5",
    "PID 4000000",
    "PGID $c",
    "PGID 0",
    "PGID p",
    "PGID -1",
    "PIDFD $c",
    "PIDFD $d",
];
/// Beside the known ones: bits that no wait knows.
const UNKNOWN: [u32; 4] = [0x10, 0x20, 0x8000, 0x1000_0000];
/// A new namespace after so many lines.
const LONGEST: usize = 150;

fn option_sets(waitid: bool) -> Vec<u32> {
    use WaitOptions as O;
    let known = [O::WNOHANG, O::WSTOPPED, O::WEXITED, O::WCONTINUED, O::WNOWAIT, O::WNOTHREAD, O::WALL, O::WCLONE];
    let subset = |set: u32| {
        let chosen = known.iter().enumerate().filter(|(bit, _)| set >> bit & 1 != 0);
        chosen.fold(0, |bits, (_, option)| bits | option.bits())
    };
    let all = (0..1 << known.len()).map(subset);
    // To wait4(2), WEXITED and WNOWAIT are as unknown as the rest: one of each is enough.
    let (waitids_own, most) = (O::WEXITED.bits() | O::WNOWAIT.bits(), O::WEXITED.bits());
    let sensible = all.filter(|bits| waitid || bits & waitids_own == 0);
    sensible.chain(UNKNOWN).chain([most, O::WNOWAIT.bits(), u32::MAX]).collect()
}

/// All of them, each with a title.
pub(super) fn scripts() -> Vec<(String, Script)> {
    CHILDREN.iter().flat_map(|(kind, recipe)| scripts_for(kind, recipe)).collect()
}

fn scripts_for(kind: &str, recipe: &[&str]) -> Vec<(String, Script)> {
    let mut calls = VecDeque::new();
    for (verb, targets, is_waitid) in [("wait4", &WAIT4[..], false), ("waitid", &WAITID[..], true)] {
        for target in targets {
            let sets = option_sets(is_waitid).into_iter();
            calls.extend(sets.map(|set| format!("p {verb} {target} {}", flags_to_text(set)).trim_end().to_string()));
        }
    }
    let mut scripts = Vec::new();
    while !calls.is_empty() {
        scripts.push((format!("waits for a child: {kind}"), one_script(recipe, &mut calls)));
    }
    scripts
}

/// One scenario with as many of the calls as it has room for.
fn one_script(recipe: &[&str], calls: &mut VecDeque<String>) -> Script {
    let mut model = Runner::new(OnModel::new());
    let mut statements = Vec::new();
    let mut act = |text: &str| {
        let statement: Statement = text.parse().expect("the recipes are scenarios");
        statements.push(statement);
        let step = model.line(&Line::Step(statement));
        (step.outcomes.first().map(|(_, outcome)| outcome.clone()), statements.len())
    };
    for line in START {
        act(line);
    }
    let mut born = 0;
    let mut length = 0;
    // The child's name, and whether it is as its recipe made it.
    let mut child: Option<(Name, Name)> = None;
    while length < LONGEST && !calls.is_empty() {
        let (c, d) = *child.get_or_insert_with(|| {
            let names = (Name::nth(2 * born + 26), Name::nth(2 * born + 27));
            born += 1;
            for line in recipe {
                act(&named(line, names.0, names.1));
            }
            names
        });
        let Some(call) = calls.pop_front() else { break };
        let (outcome, lines) = act(&named(&call, c, d));
        length = lines;
        match outcome {
            Some(Outcome::Reply(Reply::Blocks)) => {
                act("t interrupt p");
            }
            Some(Outcome::Reply(Reply::Child(_))) if !call.contains("WNOWAIT") => child = None,
            _ => {}
        }
    }
    debug_assert!(statements.iter().all(|statement| !matches!(statement.operation, Operation::ExitBegin(_))));
    Script::of(statements)
}

fn named(text: &str, c: Name, d: Name) -> String {
    text.replace("$c", &c.to_string()).replace("$d", &d.to_string())
}
