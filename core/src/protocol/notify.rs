//! Notify: a process has become a zombie, or a zombie has got a new parent. Its parent is told.

use crate::host::Event;
use crate::ids::TaskId;
use crate::protocol::generate::{Scope, Sent, send_signal};
use crate::protocol::reaper::parent_named;
use crate::protocol::{Call, ready};
use crate::record::exit_word::{ExitSnapshot, ExitState, Telling};
use crate::record::fault::{Fault, left_out};
use crate::record::policy::Policy;
use crate::record::task::Task;
use crate::record::thread_group::ThreadGroup;
use crate::record::waiter::{ChildFacts, Criteria, Which};
use crate::uapi::{ChildCode, SigInfo, Signal, WaitStatus};

/// What a child's death means to its parent; `do_notify_parent` in Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The child reaps itself: nobody will wait for it.
    pub autoreap: bool,
    /// What the parent is sent.
    pub signal: Option<Signal>,
}

impl Notification {
    /// Decides for a child with this exit signal. Only SIGCHLD can be ignored away.
    pub fn decide(exit_signal: Option<Signal>, parent: Policy) -> Notification {
        if exit_signal != Some(Signal::SIGCHLD) {
            return Notification { autoreap: false, signal: exit_signal };
        }
        let signal = if parent.ignores_sigchld() { None } else { exit_signal };
        Notification { autoreap: parent.reaps_children(), signal }
    }

    /// For a child that has no parent to tell.
    pub const ORPHAN: Notification = Notification { autoreap: true, signal: None };
}

/// What the death of `child`, whose word is `seen`, means to the parent that `seen` names.
pub fn decide(call: &Call, child: &ThreadGroup, seen: ExitSnapshot) -> Notification {
    match seen.parent() {
        0 => Notification::ORPHAN,
        parent => {
            let parent = call.group(parent);
            // A parent that has called execve(2) since expects ordinary children; `parent_exec_id`.
            let strangers = parent.exec_id.get() != child.parent_exec_id.get();
            let exit_signal = if strangers { Some(Signal::SIGCHLD) } else { seen.exit_signal() };
            Notification::decide(exit_signal, parent.policy.get())
        }
    }
}

/// Tells the parent that `now` names: the signal first, then whoever waits for such a child. Called by
/// the thread whose transition made "(dead, this parent)" true, and by nobody else.
pub fn tell_parent(call: &Call, child_index: u32, child: &ThreadGroup, now: ExitSnapshot, notification: Notification) {
    if now.parent() == 0 {
        return;
    }
    let brood = child.brood.get();
    // Who is told of a zombie finds it, so first it is where a wait will look.
    let process = call.group(now.parent());
    process.waiters.changed();
    let update = || {
        if !notification.autoreap && process.ready_broods.is_kept() {
            ready::update(call, now.parent(), brood);
            process.waiters.changed();
        }
    };
    if !left_out(Fault::UpdatedBeforeTold) {
        update();
    }
    let parent = parent_named(call, call.brood(brood), now.parent());
    if let Some(event) = signal_to(call, now.parent(), parent, child, notification) {
        // A zombie is owed to its parent; a child that reaps itself is nobody's, and no wait reports it.
        match now.state() {
            ExitState::Zombie => call.outbox.put_owed(event, child_index, now.parent()),
            ExitState::Alive | ExitState::Dead => call.outbox.put(event),
        }
    }
    if notification.autoreap && left_out(Fault::AutoreapWakes) {
        return;
    }
    if left_out(Fault::InheritedZombieWakes) && call.brood(child.brood.get()).inherited_from.get() != 0 {
        return;
    }
    wake_waiters(call, child_index, child, now, parent.map(|(id, _)| id.index()), |_| true);
    if left_out(Fault::UpdatedBeforeTold) {
        update();
    }
}

/// A wait is about to report a zombie whose word was `seen` and is `now`: its parent has the signal first.
pub fn before_report(call: &Call, child_index: u32, child: &ThreadGroup, seen: ExitSnapshot, now: ExitSnapshot) {
    if seen.telling() == Telling::Owed && !left_out(Fault::DebtTakenOver) {
        let parent = parent_named(call, call.brood(child.brood.get()), now.parent());
        if let Some(event) = signal_to(call, now.parent(), parent, child, decide(call, child, seen)) {
            call.outbox.put(event);
        }
    }
    call.outbox.let_telling_end(child_index, child, now);
}

/// What the host is to be told of the signal to the parent, whose thread group and thread these are.
fn signal_to(
    call: &Call,
    group_index: u32,
    parent: Option<(TaskId, &Task)>,
    child: &ThreadGroup,
    notification: Notification,
) -> Option<Event> {
    let (thread, signal) = (parent?.0.index(), notification.signal?);
    let info = child_info(child, signal, status_of(child));
    let group = call.group(group_index);
    send_signal(call, Sent { group_index, group, thread, scope: Scope::Process, force: false, info })
}

/// A living child has stopped or goes on: its parent is told, and whoever waits for such a child;
/// `do_notify_parent_cldstop`. Called by the thread that is entitled to, and by nobody else.
pub fn tell_of_change(call: &Call, child_index: u32, child: &ThreadGroup, code: ChildCode, status: i32) {
    let now = child.exit.look();
    if now.parent() == 0 {
        return;
    }
    let group = call.group(now.parent());
    let parent = parent_named(call, call.brood(child.brood.get()), now.parent()).map(|(id, _)| id.index());
    let policy = group.policy.get();
    if let Some(thread) = parent
        && !policy.ignores_sigchld()
        && !policy.no_cld_stop()
    {
        let (pid, uid) = (child.pid.get(), child.uid.get());
        let info = SigInfo { signal: Signal::SIGCHLD, code: code as i32, pid, uid, status, utime_ns: 0, stime_ns: 0 };
        let scope = Scope::Process;
        let event = send_signal(call, Sent { group_index: now.parent(), group, thread, scope, force: false, info });
        event.into_iter().for_each(|event| call.outbox.put(event));
    }
    group.waiters.changed();
    wake_waiters(call, child_index, child, now, parent, |criteria| criteria.changes);
}

/// Fires the armed waits that this child matches and that are for what has become of it. The event comes after the
/// signal: a thread that is woken finds SIGCHLD pending. The caller has fenced.
fn wake_waiters(
    call: &Call,
    child_index: u32,
    child: &ThreadGroup,
    now: ExitSnapshot,
    parent_thread: Option<u32>,
    asks: impl Fn(Criteria) -> bool,
) {
    let parent = call.group(now.parent());
    let armed = parent.waiters.armed();
    if armed.is_empty() {
        return;
    }
    let facts = ChildFacts {
        group: child_index,
        pgid: call.pgid_of(child),
        is_clone: now.exit_signal() != Some(Signal::SIGCHLD),
        of_waiter: false,
    };
    let wake = |index: u32| {
        let waiter = &call.task(index).waiter;
        let facts = ChildFacts { of_waiter: parent_thread == Some(index), ..facts };
        // A child that has been reaped by now has left its process group. Who waits for one by group may have
        // waited for it, and must look again.
        let left = |criteria: Criteria| {
            facts.pgid == 0 && matches!(criteria.which, Which::Pgid(_)) && !left_out(Fault::LeftGroupWakes)
        };
        if let Some(wait) = waiter.fire(|criteria| asks(criteria) && (criteria.concern_child(facts) || left(criteria)))
        {
            call.outbox.put(Event::Wake { task: call.id(index), wait });
        }
    };
    if armed.beyond_map() {
        parent.threads.for_each(|index| {
            wake(index);
            true
        });
    } else {
        armed.places().filter_map(|place| parent.threads.get(place)).for_each(wake);
    }
}

/// What SIGCHLD says of a dead child.
pub fn child_info(child: &ThreadGroup, signal: Signal, status: WaitStatus) -> SigInfo {
    let (code, status) = status.child_code();
    let (utime_ns, stime_ns) = child.usage.times();
    SigInfo { signal, code: code as i32, pid: child.pid.get(), uid: child.uid.get(), status, utime_ns, stime_ns }
}

/// The wait status of a process whose threads are all gone. It was decided before the last one went.
pub fn status_of(child: &ThreadGroup) -> WaitStatus {
    debug_assert!(child.exit.look().state() != ExitState::Alive);
    child.job.status().unwrap_or(WaitStatus::exited(0))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_sigchld_can_be_ignored_away() {
        let plain = Policy::default();
        let (ignore, no_wait) = (plain.with_ignore(true), plain.with_no_cld_wait(true));
        let chld = Some(Signal::SIGCHLD);
        let cases = [
            (chld, plain, false, chld),
            (chld, ignore, true, None),
            (chld, no_wait, true, chld),
            (chld, no_wait.with_ignore(true), true, None),
            (Some(Signal::SIGUSR1), ignore, false, Some(Signal::SIGUSR1)),
            (None, ignore, false, None),
            (None, no_wait, false, None),
        ];
        for (exit_signal, policy, autoreap, signal) in cases {
            assert_eq!(
                Notification::decide(exit_signal, policy),
                Notification { autoreap, signal },
                "{exit_signal:?} {policy:?}"
            );
        }
    }
}
