//! What a random choice means where signals, stops and tracers are in play. The families of `generate` go on as they
//! are; this takes some choices away from them.

use ptexit_core::uapi::{Signal, SignalSet, TraceOptions};

use crate::generate::Choice;
use crate::language::{
    Action, Disposition, Halt, MaskHow, Name, Operation, Sight, SightState, Statement, Target, Trace, UsageOf,
};
use crate::run::Runner;
use crate::subjects::{OnModel, Subject};

const SIGNALS: [Signal; 9] = [
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGTERM,
    Signal::SIGSTOP,
    Signal::SIGTSTP,
    Signal::SIGCONT,
    Signal::SIGCONT,
    Signal::SIGCHLD,
    Signal::SIGURG,
];

const OPTIONS: [TraceOptions; 5] =
    [TraceOptions::FORK, TraceOptions::CLONE, TraceOptions::EXIT, TraceOptions::EXEC, TraceOptions::EXITKILL];

/// The operation that the choice means, if it is one about signals, stops or tracers.
pub(super) fn statement(choice: Choice, model: &Runner<OnModel>) -> Option<Statement> {
    let [verb, actor, first, second] = choice.numbers();
    let seen: Vec<(Name, Sight)> =
        model.names().iter().filter_map(|&name| Some((name, model.subject.observe(name)?))).collect();
    let can_act = |(name, sight): &&(Name, Sight)| {
        sight.state == SightState::Running && sight.job.halt == Halt::None && !model.blocked().contains(name)
    };
    let actors: Vec<&(Name, Sight)> = seen.iter().filter(can_act).collect();
    let (actor, _) = *actors.get(usize::from(actor) % actors.len().max(1))?;
    let (name, sight) = &seen[usize::from(first) % seen.len()];
    let signal = SIGNALS[usize::from(second) % SIGNALS.len()];
    let tracees: Vec<Name> =
        seen.iter().filter(|(_, sight)| sight.job.tracer == Some(*actor)).map(|(name, _)| *name).collect();
    let tracee = tracees.get(usize::from(first) % tracees.len().max(1)).copied();
    let is_init = sight.leader == Name::INIT;
    let set = SignalSet::of(&[signal]);
    let sent = (!second.is_multiple_of(3)).then_some(signal).filter(|&signal| signal != Signal::SIGSTOP);
    let options = OPTIONS[usize::from(second) % OPTIONS.len()];
    let operation = match verb % 32 {
        0..=5 if !is_init => Operation::Signal(Target::Process(*name), Some(signal)),
        6 | 7 if !is_init => Operation::Tgkill(*name, Some(signal)),
        8 if !is_init => Operation::Signal(Target::Group(*name), Some(signal)),
        9 | 10 => {
            let disposition = match first % 4 {
                0 => Disposition::Default,
                1 => Disposition::Ignore,
                _ => Disposition::Handle,
            };
            let restart = disposition == Disposition::Handle && first.is_multiple_of(3);
            // What cannot be handled is asked for now and then: EINVAL.
            Operation::Sigaction(signal, Action { disposition, restart, ..Action::default() })
        }
        11 => Operation::Mask(MaskHow::Block, set),
        12 => Operation::Mask(MaskHow::Unblock, set),
        13 => Operation::Dequeue(set),
        14 if !is_init => Operation::Ptrace(Trace::Attach(*name)),
        15 | 16 if !is_init => Operation::Ptrace(Trace::Seize(*name, options)),
        17 if *actor != Name::INIT => Operation::Ptrace(Trace::TraceMe),
        18..=21 => Operation::Ptrace(Trace::Cont(tracee?, sent)),
        22 => Operation::Ptrace(Trace::Detach(tracee?, sent)),
        23 => Operation::Ptrace(Trace::Interrupt(tracee?)),
        24 => Operation::Ptrace(Trace::Listen(tracee?)),
        25 => Operation::Ptrace(Trace::SetOptions(tracee?, options)),
        26 => Operation::Ptrace(Trace::Message(tracee?)),
        27 => Operation::Dumpable(first.is_multiple_of(2)),
        28 => Operation::Look(*name),
        29 => Operation::PidfdPollThread(*name),
        30 => Operation::Getrusage(if first.is_multiple_of(2) { UsageOf::Process } else { UsageOf::Children }),
        _ => Operation::Signal(Target::Process(*name), None),
    };
    Some(Statement { actor: *actor, operation })
}
