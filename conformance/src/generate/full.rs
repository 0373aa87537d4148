//! What random scenarios do beyond births, exits and waits.

use ptexit_core::uapi::{Signal, SignalSet, TraceOptions, WaitOptions};

use super::{Choice, Scene, child_spec, exit_signal, id_spec, new_name};
use crate::language::{Action, Disposition, Halt, MaskHow, Name, Operation, Sight, Target, Trace, UsageOf};

/// Something that only an implementation of the whole language can do.
pub(super) fn deed(choice: Choice, scene: &Scene, actor: Name, sight: &Sight) -> Operation {
    let Choice { first, second, .. } = choice;
    let crowded = scene.there >= scene.crowd;
    match choice.verb {
        0..=29 => Operation::Signal(target(scene, sight, first), Some(signal(scene, actor, second))),
        30..=49 => Operation::Tgkill(scene.someone(sight, first), Some(signal(scene, actor, second))),
        50..=69 => Operation::Sigaction(signal(scene, actor, first), action(second)),
        70..=81 => {
            Operation::Mask([MaskHow::Block, MaskHow::Unblock, MaskHow::Set][usize::from(first % 3)], set(second))
        }
        82..=87 => Operation::Dequeue(set(second)),
        88..=93 if !crowded => Operation::Vfork(new_name(scene)),
        94..=99 => Operation::Exec,
        100..=105 => Operation::Ptrace(Trace::TraceMe),
        106..=125 => attach(scene, sight, first, second),
        126..=180 => request(scene, actor, sight, first, second),
        181..=183 => Operation::UnsharePid,
        184..=186 => Operation::Setns(scene.someone(sight, first)),
        187 if second.is_multiple_of(4) => Operation::Reboot(Signal::SIGINT),
        188..=190 => Operation::Dumpable(first.is_multiple_of(2)),
        191..=195 => Operation::PidfdPoll(scene.someone(sight, first)),
        196..=197 => Operation::PidfdPollThread(scene.someone(sight, first)),
        198..=199 => Operation::PidfdInfo(scene.someone(sight, first)),
        200..=203 => Operation::Getrusage(if first.is_multiple_of(2) { UsageOf::Process } else { UsageOf::Children }),
        204..=209 => Operation::Look(scene.someone(sight, first)),
        210..=215 if !crowded => Operation::Fork(new_name(scene), exit_signal(first)),
        216..=221 if !crowded => Operation::Thread(new_name(scene)),
        222..=238 => Operation::Wait4(child_spec(scene, sight, first), options(second)),
        _ => Operation::Waitid(id_spec(scene, sight, first), options(second) | WaitOptions::WEXITED.bits()),
    }
}

/// Signals that end a process are rare, or nobody would be left.
fn signal(scene: &Scene, actor: Name, number: u16) -> Signal {
    let spare = scene.actors.len() < 4 && actor != Name::INIT;
    match number % 32 {
        0..=6 => Signal::SIGSTOP,
        7..=12 => Signal::SIGCONT,
        13..=16 => Signal::SIGTSTP,
        17 | 18 => Signal::SIGTTIN,
        19..=21 => Signal::SIGCHLD,
        22..=25 => Signal::SIGURG,
        26 | 27 if !spare => Signal::SIGUSR1,
        28 if !spare => Signal::SIGKILL,
        29 if !spare => Signal::SIGSEGV,
        30 if !spare => Signal::new(40).expect("a real-time signal"),
        _ => Signal::SIGWINCH,
    }
}

fn set(number: u16) -> SignalSet {
    let some = [Signal::SIGUSR1, Signal::SIGCHLD, Signal::SIGTSTP, Signal::SIGCONT, Signal::SIGSTOP, Signal::SIGURG];
    let chosen = some.iter().enumerate().filter(|(bit, _)| number & 1 << bit != 0);
    chosen.fold(SignalSet::EMPTY, |set, (_, &signal)| set.with(signal))
}

fn action(number: u16) -> Action {
    Action {
        disposition: match number % 8 {
            0 => Disposition::Default,
            1 => Disposition::Ignore,
            _ => Disposition::Handle,
        },
        no_cld_wait: number & 0x70 == 0x70,
        no_cld_stop: number & 0x380 == 0x380,
        restart: number & 0x400 != 0,
    }
}

fn target(scene: &Scene, sight: &Sight, number: u16) -> Target {
    match number % 16 {
        0 => Target::OwnGroup,
        1 if number.is_multiple_of(5) => Target::Everybody,
        2 | 3 => Target::Group(scene.someone(sight, number / 16)),
        _ => Target::Process(scene.someone(sight, number / 16)),
    }
}

fn attach(scene: &Scene, sight: &Sight, first: u16, second: u16) -> Operation {
    let tracee = scene.someone(sight, first);
    Operation::Ptrace(match second % 2 {
        0 => Trace::Attach(tracee),
        _ => Trace::Seize(tracee, trace_options(second / 2)),
    })
}

fn trace_options(number: u16) -> TraceOptions {
    let all = TraceOptions::all() - TraceOptions::SYSGOOD - TraceOptions::SECCOMP;
    if number.is_multiple_of(4) { all } else { TraceOptions::from_bits_truncate(u32::from(number / 4)) & all }
}

/// About a tracee, if the actor has one: in most cases to let it go on.
fn request(scene: &Scene, actor: Name, sight: &Sight, first: u16, second: u16) -> Operation {
    let mine: Vec<(Name, Halt)> =
        scene.tracees.iter().filter(|(_, by, _)| *by == actor).map(|&(t, _, h)| (t, h)).collect();
    if mine.is_empty() {
        return attach(scene, sight, first, second);
    }
    let (tracee, halt) = mine[usize::from(first) % mine.len()];
    let with = match first / 64 % 8 {
        0 => None,
        1 => Some(Signal::SIGSTOP),
        2 => Some(Signal::SIGUSR1),
        3..=5 => Some(Signal::SIGTSTP),
        _ => Some(Signal::SIGURG),
    };
    let with = with.filter(|_| second.is_multiple_of(3));
    Operation::Ptrace(match second % 16 {
        0..=1 => Trace::Interrupt(tracee),
        2..=3 => Trace::Listen(tracee),
        4 => Trace::Detach(tracee, with),
        5 => Trace::SetOptions(tracee, trace_options(second / 16)),
        6 => Trace::Message(tracee),
        7..=8 if halt != Halt::Traced => Trace::Interrupt(tracee),
        _ => Trace::Cont(tracee, with),
    })
}

fn options(number: u16) -> u32 {
    use WaitOptions as O;
    let mut options = O::empty();
    options.set(O::WNOHANG, number & 3 != 0);
    options.set(O::WALL, number & 0xc == 0xc);
    options.set(O::WSTOPPED, number & 0x30 != 0);
    options.set(O::WCONTINUED, number & 0xc0 != 0);
    options.set(O::WNOTHREAD, number & 0x700 == 0x700);
    options.bits()
}
