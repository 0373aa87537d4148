//! The rules of who is told of a death, over every occasion and standing, against `docs/notification.md`, which
//! this writes when `UPDATE` is set.

use std::fmt::Write;
use std::path::Path;

use ptexit_core::uapi::Signal;
use ptexit_model::{Action, Disposition, Occasion, Standing, Tracer, Verdict, decide, heed};

const OCCASIONS: [(Occasion, &str); 5] = [
    (Occasion::Died, "dies"),
    (Occasion::Emptied, "is the last of its process, dead before"),
    (Occasion::Released, "is let go by its tracer"),
    (Occasion::Collected, "is waited for by its tracer"),
    (Occasion::Adopted, "has a new parent"),
];
const TRACERS: [(Tracer, &str); 3] =
    [(Tracer::Nobody, "nobody"), (Tracer::Parent, "its parent's process"), (Tracer::Other, "another process")];
const EXIT_SIGNAL: Option<Signal> = Some(Signal::SIGUSR1);

/// What can be: nobody lets go of an untraced task, and only what is described as such is alone or leads.
fn can_be(occasion: Occasion, standing: Standing) -> bool {
    let Standing { is_leader, is_alone, tracer, .. } = standing;
    let is_traced = tracer != Tracer::Nobody;
    let fits = match occasion {
        Occasion::Died => true,
        Occasion::Emptied => is_leader && is_alone,
        Occasion::Released => is_traced,
        Occasion::Collected => tracer == Tracer::Other && is_leader && is_alone,
        Occasion::Adopted => is_leader,
    };
    // A thread that does not lead always has company: its leader.
    fits && (is_leader || !is_alone)
}

fn everything() -> Vec<(Occasion, &'static str, &'static str, Standing)> {
    let mut cases = Vec::new();
    for (occasion, event) in OCCASIONS {
        for (is_leader, is_alone) in [(true, true), (true, false), (false, false)] {
            for (tracer, by) in TRACERS {
                let standing = Standing { is_leader, is_alone, tracer, exit_signal: EXIT_SIGNAL };
                if can_be(occasion, standing) {
                    cases.push((occasion, event, by, standing));
                }
            }
        }
    }
    cases
}

fn outcome(verdict: Verdict, tracer: Tracer, occasion: Occasion) -> String {
    let traced_still = tracer != Tracer::Nobody && !matches!(occasion, Occasion::Released | Occasion::Collected);
    let whom = if traced_still { "tracer" } else { "parent" };
    match verdict {
        Verdict::StayZombie => "stays a zombie, nobody is told".into(),
        Verdict::Release => "is released, nobody is told".into(),
        Verdict::ReleaseIfIgnored => "is released if the parent ignores or does not wait for children".into(),
        Verdict::Tell(signal) if signal == EXIT_SIGNAL => format!("{whom} is woken and sent the exit signal"),
        Verdict::Tell(_) => format!("{whom} is woken and sent SIGCHLD"),
    }
}

fn table() -> String {
    let mut text = String::from(
        "# Who is told of a death\n\n\
         Made from `decide` in `model/src/notify.rs` by `model/tests/matrix.rs`; `UPDATE=1 cargo test -p ptexit-model --test\n\
         matrix` writes it anew. A signal for a parent that has executed a program since the child was born is SIGCHLD, whatever\n\
         the exit signal. A SIGCHLD that an untraced child sends is not sent if the parent ignores it (`SIG_IGN`), and releases the\n\
         child then or with `SA_NOCLDWAIT`; no other signal is looked at so.\n\n\
         | the task | leads its process | is alone in it | is (or was) traced by | so |\n\
         |----------|-------------------|----------------|-----------------------|----|\n",
    );
    let yes = |is: bool| if is { "yes" } else { "no" };
    for (occasion, event, by, standing) in everything() {
        let Standing { is_leader, is_alone, tracer, .. } = standing;
        let so = outcome(decide(occasion, standing), tracer, occasion);
        writeln!(text, "| {event} | {} | {} | {by} | {so} |", yes(is_leader), yes(is_alone)).expect("a string grows");
    }
    text
}

#[test]
fn the_table_is_what_the_rules_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/notification.md");
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(&file, table()).expect("the document can be written");
    }
    let written = std::fs::read_to_string(&file).expect("the document is there");
    assert_eq!(written, table(), "write it anew: UPDATE=1 cargo test -p ptexit-model --test matrix");
}

/// A tracer hears of every death, and nobody else does as long as it traces.
#[test]
fn a_tracer_hears_of_every_death() {
    for (occasion, _, _, standing) in everything() {
        if occasion == Occasion::Died && standing.tracer != Tracer::Nobody {
            assert!(matches!(decide(occasion, standing), Verdict::Tell(_)), "{standing:?}");
        }
    }
}

/// Only processes are anybody's children: of a thread's death, a parent never hears.
#[test]
fn a_parent_hears_of_whole_processes_only() {
    for (occasion, _, _, standing) in everything() {
        let is_told = matches!(decide(occasion, standing), Verdict::Tell(_));
        if standing.tracer == Tracer::Nobody && is_told {
            assert!(standing.is_leader && standing.is_alone, "{occasion:?} {standing:?}");
        }
    }
}

/// A task that nobody may wait for any more goes by itself: an untraced thread that does not lead.
#[test]
fn untraced_threads_never_stay() {
    for (occasion, _, _, standing) in everything() {
        let is_free = standing.tracer == Tracer::Nobody || occasion == Occasion::Released;
        if is_free && !standing.is_leader && occasion != Occasion::Adopted {
            assert_eq!(decide(occasion, standing), Verdict::Release, "{occasion:?} {standing:?}");
        }
    }
}

#[test]
fn ignoring_counts_for_sigchld_from_untraced_children_alone() {
    let ignore = Action { disposition: Disposition::Ignore, ..Action::default() };
    let no_wait = Action { no_cld_wait: true, ..Action::default() };
    let chld = Some(Signal::SIGCHLD);
    assert_eq!(heed(chld, false, Action::default()), (chld, false));
    assert_eq!(heed(chld, false, ignore), (None, true));
    assert_eq!(heed(chld, false, no_wait), (chld, true));
    for action in [ignore, no_wait] {
        for signal in [EXIT_SIGNAL, None] {
            assert_eq!(heed(signal, false, action), (signal, false));
        }
        assert_eq!(heed(chld, true, action), (chld, false), "a tracer's action does not count");
    }
}
