//! Every way in which a process dies and is disposed of, as far as the language goes: one short scenario for each
//! combination of how it dies, what its parent does about SIGCHLD, which exit signal it has, whether its leader
//! goes first, and what becomes of it.

use crate::language::Script;

/// How the process dies: the last line of its life.
const DEATHS: [&str; 5] =
    ["c exit 3", "c exit_group 4", "init kill c SIGKILL", "init kill c SIGSEGV core", "init kill c SIGTERM"];
/// What the parent does about SIGCHLD.
const ACTIONS: [&str; 5] = ["dfl", "ign", "dfl nocldwait", "ign nocldwait", "dfl nocldstop"];
const EXIT_SIGNALS: [&str; 3] = ["", " SIGURG", " 0"];
/// Who else is in the process, and who of them goes first.
const SHAPES: [Shape; 4] = [Shape::Alone, Shape::LeaderFirst, Shape::ThreadFirst, Shape::Together];
/// What becomes of it, and when that is decided.
const FATES: [Fate; 9] = [
    Fate { before: &[], after: &["p wait4 any __WALL", "p wait4 any __WALL"] },
    Fate { before: &["p wait4 any __WALL"], after: &[] },
    Fate { before: &[], after: &["p waitid ALL WEXITED|WNOWAIT|__WALL|WNOHANG", "p wait4 c __WALL"] },
    Fate { before: &[], after: &["p sigchld ign", "p exit 5", "init wait4 any", "init wait4 any WNOHANG"] },
    Fate { before: &["init sigchld ign"], after: &["p exit 5", "init wait4 any WNOHANG|__WALL"] },
    Fate { before: &["p exec"], after: &["p wait4 any WNOHANG", "p wait4 any WNOHANG|__WALL"] },
    Fate { before: &["t exit 6"], after: &["p wait4 any WNOHANG|__WNOTHREAD", "p wait4 any WNOHANG|__WCLONE"] },
    Fate { before: &[], after: &["t exit 6", "p wait4 any WNOHANG|__WNOTHREAD|__WALL"] },
    Fate { before: &["p exit 5"], after: &["t wait4 any WNOHANG|__WALL", "t exit_group 7", "init wait4 any __WALL"] },
];

#[derive(Clone, Copy, Debug)]
enum Shape {
    Alone,
    LeaderFirst,
    ThreadFirst,
    Together,
}

struct Fate {
    before: &'static [&'static str],
    after: &'static [&'static str],
}

/// All of them, each with a title.
pub(super) fn scripts() -> Vec<(String, Script)> {
    let mut scripts = Vec::new();
    for (number, fate) in FATES.iter().enumerate() {
        for action in ACTIONS {
            for signal in EXIT_SIGNALS {
                for shape in SHAPES {
                    for death in DEATHS {
                        let script = cell(fate, action, signal, shape, death);
                        let title =
                            format!("cell: fate {number}, sigchld {action}, exit signal{signal}, {shape:?}, {death}");
                        scripts.push((title, script));
                    }
                }
            }
        }
    }
    scripts
}

fn cell(fate: &Fate, action: &str, exit_signal: &str, shape: Shape, death: &str) -> Script {
    let mut lines = vec!["init fork p".to_string()];
    let mut add = |line: &str| lines.push(line.to_string());
    // The thread forks it where threads matter: who is told, and who inherits.
    let has_thread = fate.before.iter().chain(fate.after).any(|line| line.starts_with('t'));
    if has_thread {
        add("p thread t");
    }
    add(&format!("{} fork c{exit_signal}", if has_thread { "t" } else { "p" }));
    add(&format!("p sigchld {action}"));
    if !matches!(shape, Shape::Alone) {
        add("c thread d");
    }
    fate.before.iter().for_each(|line| add(line));
    match shape {
        Shape::Alone | Shape::Together => add(death),
        Shape::LeaderFirst => {
            add("c exit 8");
            add(&death.replace("c exit", "d exit"));
        }
        Shape::ThreadFirst => {
            add("d exit 8");
            add(death);
        }
    }
    // What is left of it, if that was only one of two threads.
    add("d exit 9");
    fate.after.iter().for_each(|line| add(line));
    lines.join("\n").parse().expect("a cell is a scenario")
}
