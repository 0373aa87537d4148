//! Who is told of a death, and whether the dead reap themselves; `SIGCHLD` in sigaction(2), the notes of
//! wait(2), "Death under ptrace" in ptrace(2).

use ptexit_core::uapi::{SigInfo, Signal};

use crate::action::Action;
use crate::event::Event;
use crate::state::{Model, ProcessKey, TaskKey};

/// Why somebody may have to be told of a dead task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// It has died just now.
    Died,
    /// It is a leader that died earlier, and the last other thread of its process is gone now.
    Emptied,
    /// Its tracer has let go of it, or has died.
    Released,
    /// Its tracer, another process than its parent's, has waited for it.
    Collected,
    /// Its process has a new parent process.
    Adopted,
}

/// Who traces a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracer {
    /// Nobody.
    Nobody,
    /// A thread of its parent process.
    Parent,
    /// A thread of another process.
    Other,
}

/// What matters of a dead task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// It is the leader of its process.
    pub is_leader: bool,
    /// There is no other thread in its process, not even a dead one.
    pub is_alone: bool,
    /// Who traces it; on [`Occasion::Released`] and [`Occasion::Collected`], who did.
    pub tracer: Tracer,
    /// The exit signal of its process.
    pub exit_signal: Option<Signal>,
}

/// What has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it stays a zombie, and nobody hears of it.
    StayZombie,
    /// It is gone, and nobody hears of it.
    Release,
    /// Its tracer, or without one its parent, is sent this signal, if any, and woken in any case.
    Tell(Option<Signal>),
    /// It is gone if its parent ignores children, whatever its exit signal; then the parent is woken.
    /// The parent was sent a signal before, as the tracer.
    ReleaseIfIgnored,
}

/// The whole of the rules, for a task that is dead.
pub fn decide(occasion: Occasion, standing: Standing) -> Verdict {
    let Standing { is_leader, is_alone, tracer, exit_signal } = standing;
    let chld = Some(Signal::SIGCHLD);
    match (occasion, tracer) {
        // A tracer hears of each death. Only as the parent of a process that is dead as a whole does it
        // get the exit signal.
        (Occasion::Died, Tracer::Parent) if is_leader && is_alone => Verdict::Tell(exit_signal),
        (Occasion::Died, Tracer::Parent | Tracer::Other) => Verdict::Tell(chld),
        (Occasion::Died, Tracer::Nobody) if !is_leader => Verdict::Release,
        (Occasion::Died, Tracer::Nobody) if !is_alone => Verdict::StayZombie,
        (Occasion::Died, Tracer::Nobody) => Verdict::Tell(exit_signal),
        // Once more for a tracer that was told of the leader's own death, and then with the exit signal.
        (Occasion::Emptied, _) => Verdict::Tell(exit_signal),
        (Occasion::Released, _) if !is_leader => Verdict::Release,
        (Occasion::Released, _) if !is_alone => Verdict::StayZombie,
        (Occasion::Released, Tracer::Parent) => Verdict::ReleaseIfIgnored,
        (Occasion::Released, _) | (Occasion::Collected, _) => Verdict::Tell(exit_signal),
        // A tracee's new parent hears when the tracer has let go.
        (Occasion::Adopted, Tracer::Nobody) if is_alone => Verdict::Tell(chld),
        (Occasion::Adopted, _) => Verdict::StayZombie,
    }
}

/// What the receiver's action for SIGCHLD makes of the signal, and whether the dead child reaps itself.
/// No other signal is looked at in this way, and a tracer's action does not count.
pub fn heed(signal: Option<Signal>, is_traced: bool, sigchld: Action) -> (Option<Signal>, bool) {
    if is_traced || signal != Some(Signal::SIGCHLD) {
        (signal, false)
    } else if sigchld.is_ignored() {
        (None, true)
    } else {
        (signal, sigchld.no_cld_wait)
    }
}

impl Model {
    /// Does what the rules say, for a task that is dead.
    pub(crate) fn tell_of(&mut self, task: TaskKey, occasion: Occasion) {
        let tracer = match &self.tasks[task].tracing {
            None => Tracer::Nobody,
            Some(_) if self.is_traced_from_outside(task) => Tracer::Other,
            Some(_) => Tracer::Parent,
        };
        self.apply(task, occasion, tracer);
    }

    /// The tracer that a dead task had until now is its tracer no more.
    pub(crate) fn tell_of_release(&mut self, task: TaskKey, from_outside: bool) {
        self.apply(task, Occasion::Released, if from_outside { Tracer::Other } else { Tracer::Parent });
    }

    fn apply(&mut self, task: TaskKey, occasion: Occasion, tracer: Tracer) {
        let process = self.process_of(task);
        let (is_leader, exit_signal) = (process.leader == task, process.exit_signal);
        let is_alone = process.threads.len() == 1;
        let is_gone = match decide(occasion, Standing { is_leader, is_alone, tracer, exit_signal }) {
            Verdict::StayZombie => false,
            Verdict::Release => true,
            Verdict::Tell(signal) => self.tell_of_death(task, signal),
            Verdict::ReleaseIfIgnored => self.is_ignored_by_parent(task),
        };
        if is_gone {
            self.release(task, None);
        }
    }

    /// Tells the tracer, or the parent. Returns whether nobody will wait for the task: it then has to be
    /// reaped at once.
    ///
    /// The thread that forked the child, or inherited it, is offered the signal first.
    fn tell_of_death(&mut self, task: TaskKey, signal: Option<Signal>) -> bool {
        let tracer = self.tasks[task].tracing.as_ref().map(|tracing| tracing.tracer);
        let Some(receiver) = tracer.or(self.process_of(task).parent) else {
            return true;
        };
        // A receiver that runs another program now than the one that chose the signal does not expect it.
        let runs_what_chose = self.process_of(task).parent_exec_id == self.process_of(receiver).exec_id;
        let signal = if runs_what_chose { signal } else { Some(Signal::SIGCHLD) };
        let sigchld = self.process_of(receiver).actions.of(Signal::SIGCHLD);
        let (signal, reaps_itself) = heed(signal, tracer.is_some(), sigchld);
        if let Some(signal) = signal {
            let info = self.death_info(task, receiver, signal);
            self.send_to_process(receiver, info);
        }
        // Even of a child that nobody will wait for: those who were waiting may have to learn that there
        // is no child left.
        self.wake_waiters(task, receiver);
        reaps_itself
    }

    fn is_ignored_by_parent(&mut self, task: TaskKey) -> bool {
        let Some(parent) = self.process_of(task).parent else { return true };
        let sigchld = self.process_of(parent).actions.of(Signal::SIGCHLD);
        let ignored = sigchld.is_ignored() || sigchld.no_cld_wait;
        if ignored {
            self.wake_waiters(task, parent);
        }
        ignored
    }

    fn death_info(&self, task: TaskKey, receiver: TaskKey, signal: Signal) -> SigInfo {
        let process = self.process_of(task);
        // As long as others live, the leader's death is its own; then the process's.
        let is_whole = process.threads.len() == 1 && !self.compat.leaders_own_status_in_siginfo;
        let own = self.tasks[task].code;
        let status = own.filter(|_| !is_whole).unwrap_or_else(|| self.status(task));
        let (code, status) = status.child_code();
        SigInfo {
            signal,
            code: code as i32,
            pid: self.pid_seen_from(self.tasks[receiver].namespace, self.tasks[task].tid),
            uid: process.uid,
            status,
            utime_ns: process.usage.utime_ns,
            stime_ns: process.usage.stime_ns,
        }
    }

    /// Wakes those threads of the receiver's process whose wait this task may end.
    pub(crate) fn wake_waiters(&mut self, task: TaskKey, receiver: TaskKey) {
        for thread in self.process_of(receiver).threads.clone() {
            let concerned = self.tasks[thread].blocked.is_some_and(|request| {
                self.is_asked_for(request, task) && (thread == receiver || !request.only_own_children())
            });
            if concerned {
                self.tell(Event::Wake { task: thread });
            }
        }
    }

    /// The last thread of a process is gone or dead: the outside is told.
    pub(crate) fn announce_end(&mut self, process: ProcessKey) {
        let task = self.processes[process].leader;
        self.tell(Event::Exited { task, status: self.status(task) });
    }
}
