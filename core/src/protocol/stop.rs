//! Stop: a process stops as a whole and goes on; "Stopped child" in wait(2).
//!
//! A stop signal that some thread takes asks every thread to stop. With the last one that does, or that exits instead,
//! the stop is in effect, and the parent is told once. SIGCONT is [`generate`](super::generate)'s.

use crate::ids::TaskId;
use crate::protocol::{Call, Found, exit, notify, orphan};
use crate::record::job_word::{Asked, JobSnapshot, NotStopped, Step, StoppedAt, Untold};
use crate::record::thread_group::ThreadGroup;
use crate::terms::Verdict;
use crate::uapi::{ChildCode, Errno, Signal, SignalSet, WaitStatus};

/// What the task has to do before it runs its guest; the head of `get_signal`.
pub fn poll(call: &Call, task: TaskId) -> Result<Verdict, Errno> {
    let found = call.find_running(task)?;
    found.task.look_for_signals();
    let job = found.group.job.look();
    if !job.has_stopped(found.task.stopped_at()) && found.task.stopped_at() != StoppedAt::NOT {
        found.task.set_stopped_at(StoppedAt::NOT);
    }
    if job.is_quiet() {
        return Ok(Verdict::Run);
    }
    match found.group.job.tell() {
        Some(Untold::Stopped) => tell_parent(call, found.group_index, found.group, ChildCode::Stopped, 0),
        Some(Untold::Continued) => {
            let by = Signal::SIGCONT.number() as i32;
            tell_parent(call, found.group_index, found.group, ChildCode::Continued, by);
        }
        None => {}
    }
    Ok(verdict(found.group, found.group.job.look()))
}

fn verdict(group: &ThreadGroup, job: JobSnapshot) -> Verdict {
    match job.asks() {
        Asked::Nothing => Verdict::Run,
        Asked::Stop(signal) => Verdict::Stop(signal),
        // The flag was raised after the status was decided: the caller is one of those it waits for.
        Asked::Exit => Verdict::Exit(group.job.status().unwrap_or(WaitStatus::exited(0))),
    }
}

/// The task has left its guest because it was asked to stop, and counts as stopped from now on. Returns what it has
/// to do after all.
pub fn stop(call: &Call, task: TaskId) -> Result<Verdict, Errno> {
    let found = call.find_running(task)?;
    let _turn = found.task.take_turn().ok_or(Errno::E_STATE)?;
    let step = found.group.job.stop(found.task.stopped_at(), || call.ledger_of(found.group));
    Ok(stopped(call, found, step))
}

/// The task has taken a stop signal whose action is the default. Unless SIGCONT has come since the signal was sent,
/// the process is to stop, and the task does so at once; `do_signal_stop`.
pub fn begin(call: &Call, task: TaskId, signal: Signal, ticket: u32) -> Result<Verdict, Errno> {
    if !SignalSet::STOP.contains(signal) {
        return Err(Errno::EINVAL);
    }
    let found = call.find_running(task)?;
    let _turn = found.task.take_turn().ok_or(Errno::E_STATE)?;
    // Nobody outside would continue an orphaned process group; only SIGSTOP stops it.
    if signal != Signal::SIGSTOP && orphan::is_orphaned(call, found.group.process_group.get(), None) {
        return Ok(verdict(found.group, found.group.job.look()));
    }
    let step = found.group.job.begin_stop(signal, ticket, found.task.stopped_at(), || call.ledger_of(found.group));
    if step.is_ok_and(|step| !step.before.is_stopping()) {
        exit::interrupt_threads(call, found.group, Some(found.index));
    }
    Ok(stopped(call, found, step))
}

fn stopped(call: &Call, found: Found, step: Result<Step, NotStopped>) -> Verdict {
    match step {
        Ok(step) => {
            found.task.set_stopped_at(step.after.as_stopped());
            if let Some(signal) = found.group.job.completed(step) {
                tell_of_stop(call, found.group_index, found.group, signal);
            }
            verdict(found.group, step.after)
        }
        Err(NotStopped::NotAsked) => Verdict::Run,
        // Still, or not any more: it counts as stopped if it is asked to be.
        Err(NotStopped::Already | NotStopped::Exiting) => verdict(found.group, found.group.job.look()),
    }
}

/// The stop of this process is in effect. Called by the thread whose transition made it so, and by nobody else.
pub fn tell_of_stop(call: &Call, group_index: u32, group: &ThreadGroup, signal: Signal) {
    tell_parent(call, group_index, group, ChildCode::Stopped, signal.number() as i32);
}

fn tell_parent(call: &Call, group_index: u32, group: &ThreadGroup, code: ChildCode, status: i32) {
    notify::tell_of_change(call, group_index, group, code, status);
}
