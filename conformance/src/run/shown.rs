//! What a running kernel shows of what the model tells, and whether the two agree on that.

use std::collections::BTreeMap;

use ptexit_core::uapi::{Rusage, Signal};

use super::compare::Difference;
use super::step::Step;
use crate::language::{Happening, Info, Name, Reply, Sigchld, Sight, SightState};

/// Usage from here on must show.
const CERTAIN_NS: u64 = 100_000_000;
/// What is shown beyond this must have been used.
const NOISE_NS: u64 = 50_000_000;

fn differ<T: PartialEq>(what: &str, left: T, right: T, text: impl Fn(&T) -> String) -> Result<(), Difference> {
    if left == right {
        return Ok(());
    }
    Err(Difference { what: what.to_string(), left: text(&left), right: text(&right) })
}

/// Compares what came of one line. `sight` is the model's after it.
///
/// Not compared: the order in which waits end, and events that show in what is seen of tasks anyway. Standard
/// signals of one number that arrive together may become one, and who takes the others is open.
pub(super) fn compare(model: &Step, kernel: &Step, sight: impl Fn(Name) -> Option<Sight>) -> Result<(), Difference> {
    let outcomes = |step: &Step| {
        let text = |(statement, outcome): &(_, super::step::Outcome)| match outcome {
            super::step::Outcome::Reply(reply) => format!("{statement}: {}", without_usage(reply)),
            skipped => format!("{statement}: {skipped}"),
        };
        step.outcomes.iter().map(text).collect::<Vec<_>>().join("; ")
    };
    differ("results", outcomes(model), outcomes(kernel), String::clone)?;
    let completions = |step: &Step| {
        let mut texts: Vec<String> =
            step.completions.iter().map(|(waiter, reply)| format!("{waiter}: {}", without_usage(reply))).collect();
        texts.sort();
        texts.join("; ")
    };
    differ("waits that end", completions(model), completions(kernel), String::clone)?;
    compare_usage(model, kernel)?;
    compare_signals(model, kernel, sight)
}

fn without_usage(reply: &Reply) -> Reply {
    match *reply {
        Reply::Child(mut report) => {
            report.usage = Rusage::default();
            Reply::Child(report)
        }
        reply => reply,
    }
}

fn agrees(model: u64, kernel: u64) -> bool {
    !(model >= CERTAIN_NS && kernel == 0 || model == 0 && kernel > NOISE_NS)
}

fn compare_usage(model: &Step, kernel: &Step) -> Result<(), Difference> {
    let usage = |step: &Step| {
        let replies = step.outcomes.iter().filter_map(|(statement, outcome)| match outcome {
            super::step::Outcome::Reply(reply) => Some((statement.actor, *reply)),
            super::step::Outcome::Skipped(_) => None,
        });
        let used = replies.chain(step.completions.iter().copied()).filter_map(|(waiter, reply)| match reply {
            Reply::Child(report) => Some((waiter, report.usage.utime_ns)),
            _ => None,
        });
        used.collect::<BTreeMap<Name, u64>>()
    };
    let (left, right) = (usage(model), usage(kernel));
    let wrong = left.iter().find(|(waiter, used)| right.get(waiter).is_some_and(|other| !agrees(**used, *other)));
    match wrong {
        None => Ok(()),
        Some((waiter, used)) => Err(Difference {
            what: format!("usage that {waiter} is told, in ns"),
            left: used.to_string(),
            right: right[waiter].to_string(),
        }),
    }
}

/// A process and a signal, and who got it with what, in order.
type Signals = BTreeMap<(Name, Signal), Vec<(Name, Info)>>;

fn compare_signals(model: &Step, kernel: &Step, sight: impl Fn(Name) -> Option<Sight>) -> Result<(), Difference> {
    let signals = |step: &Step| {
        let mut signals = Signals::new();
        for happening in &step.happenings {
            let Happening::Signal(to, info) = *happening else { continue };
            // One whose death is decided may get it, or not.
            let Some(receiver) = sight(to).filter(|sight| sight.status.is_none()) else { continue };
            signals.entry((receiver.leader, info.signal)).or_default().push((to, info));
        }
        signals
    };
    let (sent, received) = (signals(model), signals(kernel));
    let mut count = BTreeMap::<Name, usize>::new();
    sent.iter().for_each(|((process, _), list)| *count.entry(*process).or_default() += list.len());
    let fits = |key: &(Name, Signal)| {
        let empty = Vec::new();
        let (sent, received) = (sent.get(key).unwrap_or(&empty), received.get(key).unwrap_or(&empty));
        // A zombie leader, or one who got another signal just before, leaves it to a sibling.
        let can_take = sent.iter().all(|&(to, _)| sight(to).is_some_and(|sight| sight.state == SightState::Running));
        arrived(sent, received, count.get(&key.0) == Some(&1) && can_take)
    };
    if sent.keys().chain(received.keys()).all(fits) {
        return Ok(());
    }
    let text = |signals: &Signals| {
        let lines = signals.values().flatten().map(|&(to, info)| Happening::Signal(to, info).to_string());
        lines.collect::<Vec<_>>().join("; ")
    };
    Err(Difference { what: "signals".into(), left: text(&sent), right: text(&received) })
}

/// Whether these signals of one number may have come of those. The first is never lost; the only one for its
/// process goes to the thread that it is offered to.
fn arrived(sent: &[(Name, Info)], received: &[(Name, Info)], goes_to_target: bool) -> bool {
    let same = |sent: &Info, received: &Info| {
        agrees(sent.utime_ns, received.utime_ns)
            && Info { utime_ns: 0, stime_ns: 0, ..*sent } == Info { utime_ns: 0, stime_ns: 0, ..*received }
    };
    if goes_to_target {
        return sent.len() == received.len()
            && sent.iter().zip(received).all(|(sent, received)| sent.0 == received.0 && same(&sent.1, &received.1));
    }
    let mut left: Vec<&Info> = sent.iter().map(|(_, info)| info).collect();
    let each_was_sent = received.iter().all(|(_, received)| {
        let at = left.iter().position(|sent| same(sent, received));
        at.map(|at| left.remove(at)).is_some()
    });
    let first_arrived = sent.first().is_none_or(|(_, first)| received.iter().any(|(_, info)| same(first, info)));
    each_was_sent && first_arrived
}

/// Compares what can be seen of one task: as far as `/proc` shows it.
pub(super) fn compare_sights(task: Name, model: Option<Sight>, kernel: Option<Sight>) -> Result<(), Difference> {
    let used = |sight: &Option<Sight>| sight.as_ref().map_or(0, |sight| sight.children_usage.utime_ns);
    let text = |sight: &Option<Sight>| sight.as_ref().map_or_else(|| "gone".to_string(), Sight::to_string);
    let what = format!("what is seen of {task}");
    if !agrees(used(&model), used(&kernel)) {
        return Err(Difference { what, left: text(&model), right: text(&kernel) });
    }
    differ(&what, model.map(visible), kernel.map(visible), text)
}

fn visible(mut sight: Sight) -> Sight {
    let is_dead = sight.state == SightState::Zombie && sight.threads == 1;
    sight.status = sight.status.filter(|_| is_dead);
    sight.children_usage = Rusage::default();
    // What these do shows; what they are set to does not.
    sight.subreaper = false;
    sight.pdeathsig = None;
    sight.sigchld = Sigchld { ignore: sight.sigchld.ignore, ..Sigchld::default() };
    sight
}
