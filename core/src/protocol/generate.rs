//! Generate: what the sending of a signal does at once, and which thread is to take it.
//!
//! A signal is dropped here, or the host is told: it has the queues, runs handlers and default actions. What works by
//! being sent, whether or not anybody takes it, is done here: SIGKILL, SIGCONT, and other signals that end a process.

use crate::host::Event;
use crate::protocol::{Call, exit};
use crate::record::job_word::JobSnapshot;
use crate::record::task::{Stage, Task};
use crate::record::thread_group::ThreadGroup;
use crate::terms::Disposition;
use crate::uapi::{SigInfo, Signal, SignalSet, WaitStatus};

/// For whom a signal is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one thread.
    Thread,
    /// The process: any of its threads may take it.
    Process,
}

/// A signal on its way to a process.
#[derive(Clone, Copy)]
pub struct Sent<'c> {
    /// The receiver's number.
    pub group_index: u32,
    /// The receiver.
    pub group: &'c ThreadGroup,
    /// The thread that it is for, or that is offered it first.
    pub thread: u32,
    /// For whom it is pending.
    pub scope: Scope,
    /// It goes past the protection of init: no process of its namespace has sent it.
    pub force: bool,
    /// What the receiver sees.
    pub info: SigInfo,
}

/// Sends a signal; `send_signal_locked`. Returns what the host is to be told of it.
pub fn send_signal(call: &Call, sent: Sent) -> Option<Event> {
    let job = sent.group.job.look();
    if job.is_exiting() {
        return None;
    }
    let signal = sent.info.signal;
    let ticket = stop_or_continue(call, sent.group, signal);
    let task = call.task(sent.thread);
    if !task.mask().contains(signal) {
        match Fate::of(call, sent) {
            Fate::Lost => return None,
            Fate::Nothing => return Some(tell(call, sent, None, ticket)),
            Fate::Taken => {}
        }
    }
    let taker = taker(call, sent, task, job);
    if taker.is_some_and(|taker| taker.at_once) && is_fatal(sent.group, signal) {
        exit::kill(call, sent.group, WaitStatus::signaled(signal, false));
    }
    Some(tell(call, sent, taker.map(|taker| taker.thread), ticket))
}

/// What becomes of a signal that the thread it is for does not block.
enum Fate {
    /// It is dropped.
    Lost,
    /// Its action is to do nothing.
    Nothing,
    /// Some thread takes it.
    Taken,
}

impl Fate {
    fn of(call: &Call, sent: Sent) -> Fate {
        let signal = sent.info.signal;
        let unblockable = SignalSet::UNBLOCKABLE.contains(signal);
        let action = if unblockable { Some(Disposition::Default) } else { sent.group.actions.of(signal) };
        match action {
            // Init is spared what it has not asked for.
            Some(Disposition::Default) if sent.group_index == call.tables.init() && !(sent.force && unblockable) => {
                Fate::Lost
            }
            Some(Disposition::Ignore) => Fate::Lost,
            Some(Disposition::Default) if SignalSet::IGNORED_BY_DEFAULT.contains(signal) => Fate::Nothing,
            _ => Fate::Taken,
        }
    }
}

/// What the mere sending of a stop signal or of SIGCONT does, even if it is blocked or ignored: each voids the other
/// where it is pending, and SIGCONT lets the process go on; `prepare_signal`. Returns the ticket.
fn stop_or_continue(call: &Call, group: &ThreadGroup, signal: Signal) -> u32 {
    let (signals, ticket) = if SignalSet::STOP.contains(signal) {
        (SignalSet::of(&[Signal::SIGCONT]), group.job.look().conts())
    } else if signal == Signal::SIGCONT {
        (SignalSet::STOP, go_on(call, group).conts())
    } else {
        return 0;
    };
    let leader = group.leader.get();
    call.outbox.put(Event::Discard { task: call.id(leader), cookie: call.task(leader).cookie.get(), signals, ticket });
    ticket
}

/// Every thread goes on, and tells the parent when it does. Returns the word after.
fn go_on(call: &Call, group: &ThreadGroup) -> JobSnapshot {
    let step = group.job.cont(|| call.ledger_of(group));
    if step.before.is_stopping() {
        group.threads.for_each(|index| {
            call.task(index).forget_stop(step.before.as_stopped());
            true
        });
        exit::interrupt_threads(call, group, None);
    }
    step.after
}

/// The default action ends the process, and does so without anybody taking the signal. A core dump is decided by who
/// takes it.
fn is_fatal(group: &ThreadGroup, signal: Signal) -> bool {
    let harmless = SignalSet::STOP.union(SignalSet::IGNORED_BY_DEFAULT).union(SignalSet::CORE_DUMP);
    signal == Signal::SIGKILL || !harmless.contains(signal) && group.actions.of(signal) == Some(Disposition::Default)
}

/// A thread that is asked to take a signal.
#[derive(Clone, Copy)]
struct Taker {
    thread: u32,
    /// It has not been asked before and looked not yet.
    at_once: bool,
}

/// The thread that was named if it can take the signal, else the next one round that can; `complete_signal`. If
/// all that can have been asked already, one of them is asked again: it may be looking at this moment.
fn taker(call: &Call, sent: Sent, named: &Task, job: JobSnapshot) -> Option<Taker> {
    let signal = sent.info.signal;
    let can = |task: &Task| {
        !task.mask().contains(signal)
            && task.stage() == Stage::Running
            && (signal == Signal::SIGKILL || !job.has_stopped(task.stopped_at()))
    };
    let wants = |task: &Task| signal == Signal::SIGKILL || !task.is_signalled();
    let named_can = can(named);
    if named_can && wants(named) {
        return Some(Taker { thread: sent.thread, at_once: true });
    }
    let mut asked_before = named_can.then_some(sent.thread);
    if sent.scope == Scope::Thread {
        return asked_before.map(|thread| Taker { thread, at_once: false });
    }
    let last = sent.group.last_taker.get();
    let first = call.task(last).ordinal.get();
    let mut next: Option<(u32, u32)> = None;
    sent.group.threads.for_each(|index| {
        let task = call.task(index);
        if can(task) {
            let distance = task.ordinal.get().wrapping_sub(first);
            if !wants(task) {
                asked_before = asked_before.or(Some(index));
            } else if next.is_none_or(|(nearest, _)| distance < nearest) {
                next = Some((distance, index));
            }
        }
        true
    });
    match next {
        Some((_, thread)) => {
            if thread != last {
                sent.group.last_taker.set(thread);
            }
            Some(Taker { thread, at_once: true })
        }
        None => asked_before.map(|thread| Taker { thread, at_once: false }),
    }
}

fn tell(call: &Call, sent: Sent, taker: Option<u32>, ticket: u32) -> Event {
    let taker = taker.map(|index| {
        call.task(index).be_signalled();
        call.id(index)
    });
    Event::Signal {
        target: call.id(sent.thread),
        cookie: call.task(sent.thread).cookie.get(),
        taker,
        ticket,
        group: sent.scope == Scope::Process,
        info: sent.info,
    }
}
