//! What a running kernel shows of what the model tells, and whether the two agree on that.

use std::collections::BTreeMap;

use ptexit_core::uapi::{Change, Rusage, Signal, SignalSet};

use super::compare::Difference;
use super::step::{Outcome, Step};
use crate::language::{Happening, Info, JobSight, Look, Name, Operation, Reply, Sigchld, Sight, SightState, Statement};

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
pub(super) fn compare(
    model: &Step,
    kernel: &Step,
    sight: impl Fn(Name) -> Option<Sight>,
    observes: bool,
) -> Result<(), Difference> {
    let outcomes = |step: &Step, other: &Step| {
        let text = |(at, (statement, outcome)): (usize, &(Statement, Outcome))| {
            let other = other.outcomes.get(at).and_then(|(_, other)| replied(other));
            let text = match replied(outcome) {
                Some(reply) => plain(reply, other, matches!(statement.operation, Operation::Waitid(..))).to_string(),
                None => outcome.to_string(),
            };
            format!("{statement}: {text}")
        };
        step.outcomes.iter().enumerate().map(text).collect::<Vec<_>>().join("; ")
    };
    differ("results", outcomes(model, kernel), outcomes(kernel, model), String::clone)?;
    let completions = |step: &Step, other: &Step| {
        let text = |&(waiter, reply): &(Name, Reply)| {
            let other = other.completions.iter().find(|(name, _)| *name == waiter).map(|&(_, reply)| reply);
            format!("{waiter}: {}", plain(reply, other, false))
        };
        let mut texts: Vec<String> = step.completions.iter().map(text).collect();
        texts.sort();
        texts.join("; ")
    };
    differ("waits that end", completions(model, kernel), completions(kernel, model), String::clone)?;
    compare_usage(model, kernel)?;
    compare_signals(model, kernel, sight, observes)
}

fn replied(outcome: &Outcome) -> Option<Reply> {
    match outcome {
        Outcome::Reply(reply) => Some(*reply),
        Outcome::Skipped(_) => None,
    }
}

/// Without usage, which is compared by itself; and with a stop as a ptrace-stop where the other side has one with
/// the same bits, which wait4(2) cannot tell apart.
fn plain(reply: Reply, other: Option<Reply>, is_waitid: bool) -> Reply {
    match reply {
        Reply::Child(mut report) => {
            report.usage = Rusage::default();
            if let Some(Reply::Child(other)) = other
                && !is_waitid
                && matches!((report.change, other.change), (Change::Stopped(_), Change::Trapped(_)))
                && report.change.raw() == other.change.raw()
            {
                report.change = other.change;
            }
            Reply::Child(report)
        }
        Reply::Seen(look) => Reply::Seen(Look { job: shown_job(look.job, look.state), ..look }),
        Reply::Took(info) => Reply::Took(Info { utime_ns: 0, stime_ns: 0, ..info }),
        Reply::Usage(_) => Reply::Done,
        reply => reply,
    }
}

fn agrees(model: u64, kernel: u64) -> bool {
    !(model >= CERTAIN_NS && kernel == 0 || model == 0 && kernel > NOISE_NS)
}

fn compare_usage(model: &Step, kernel: &Step) -> Result<(), Difference> {
    let usage = |step: &Step| {
        let replies = step.outcomes.iter();
        let replies = replies.filter_map(|(statement, outcome)| Some((statement.actor, replied(outcome)?)));
        let used = replies.chain(step.completions.iter().copied()).filter_map(|(waiter, reply)| match reply {
            Reply::Child(report) => Some((waiter, report.usage.utime_ns)),
            Reply::Usage(usage) => Some((waiter, usage.utime_ns)),
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

fn compare_signals(
    model: &Step,
    kernel: &Step,
    sight: impl Fn(Name) -> Option<Sight>,
    observes: bool,
) -> Result<(), Difference> {
    // One whose death is decided may get it, or not.
    let receiver = |to: Name| sight(to).filter(|sight| sight.status.is_none());
    let signals = |step: &Step| {
        let mut signals = Signals::new();
        for happening in &step.happenings {
            let (to, info) = match *happening {
                Happening::Handles(to, info) => (to, info),
                // What others do shows: who dies or stops, and what is pending.
                Happening::Signal(to, info) if observes && SignalSet::IGNORED_BY_DEFAULT.contains(info.signal) => {
                    (to, info)
                }
                _ => continue,
            };
            if let Some(sight) = receiver(to) {
                signals.entry((sight.leader, info.signal)).or_default().push((to, info));
            }
        }
        signals
    };
    let (sent, received) = (signals(model), signals(kernel));
    // When several die, the one who sends the last signal may be the first to die.
    let deaths = model.happenings.iter().filter(|happening| matches!(happening, Happening::Exited(..))).count();
    let mut count = BTreeMap::<Name, usize>::new();
    sent.iter().for_each(|((process, _), list)| *count.entry(*process).or_default() += list.len());
    let fits = |key: &(Name, Signal)| {
        let empty = Vec::new();
        let (sent, received) = (sent.get(key).unwrap_or(&empty), received.get(key).unwrap_or(&empty));
        // A zombie leader, or one who got another signal just before, leaves it to a sibling; and so does one that
        // SIGCONT has woken out of a stop which a sibling had brought about.
        let can_take = sent.iter().all(|&(to, info)| {
            info.signal != Signal::SIGCONT && sight(to).is_some_and(|sight| sight.state == SightState::Running)
        });
        arrived(sent, received, count.get(&key.0) == Some(&1) && can_take, deaths > 1)
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

fn same(sent: &Info, received: &Info) -> bool {
    agrees(sent.utime_ns, received.utime_ns)
        && Info { utime_ns: 0, stime_ns: 0, ..*sent } == Info { utime_ns: 0, stime_ns: 0, ..*received }
}

/// Whether these signals of one number may have come of those. The first is never lost; the only one for its
/// process goes to the thread that it is offered to.
fn arrived(sent: &[(Name, Info)], received: &[(Name, Info)], goes_to_target: bool, any_first: bool) -> bool {
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
    each_was_sent && (first_arrived || any_first && !received.is_empty())
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
    sight.job = shown_job(sight.job, sight.state);
    sight
}

/// The puppets have two signals for themselves, which nobody blocks.
fn shown_job(job: JobSight, state: SightState) -> JobSight {
    let own = SignalSet::of(&[Signal::SIGPWR, Signal::SIGSTKFLT]);
    if state == SightState::Zombie {
        return JobSight { tracer: job.tracer, ..JobSight::default() };
    }
    JobSight { blocked: job.blocked.minus(own), ..job }
}
