//! One of several threads executes a program: it ends its siblings and becomes the leader; execve(2).

use ptexit_core::uapi::{Errno, SI_USER, SigInfo, Signal, TraceEvent};

use crate::event::Event;
use crate::ptrace::TraceMessage;
use crate::signal::Scope;
use crate::state::{Asleep, Model, ProcessKey, Stage, TaskKey};

impl Model {
    /// execve(2). Whether the program is executed already; else the caller sleeps until its siblings are
    /// gone, and an [`Event::Wake`] says when it has been.
    ///
    /// The process is an ordinary child from now on, and its earlier children's exit signals, meant
    /// for another program, turn into SIGCHLD when they die. Handlers go, ignored signals stay ignored, and
    /// the flags of all actions are cleared.
    pub fn exec(&mut self, caller: TaskKey) -> Result<bool, Errno> {
        self.running(caller)?;
        let process = self.tasks[caller].process;
        if self.processes[process].threads.len() > 1 {
            if self.death_sentence(caller).is_some() {
                return Err(Errno::EAGAIN);
            }
            self.processes[process].executing = Some(caller);
            // The siblings are killed; a stop that was under way goes with them.
            self.processes[process].stop.left = 0;
            self.kill_threads(process, Some(caller));
            self.tasks[caller].asleep = Some(Asleep::Exec);
            self.go_on_executing(process);
        } else {
            let old = self.pid_for_tracer(caller, self.tasks[caller].tid);
            self.executed(caller, old);
        }
        Ok(self.tasks[caller].asleep.is_none())
    }

    /// A thread of the process is gone, or its leader is dead: perhaps the caller of execve(2) is alone now.
    ///
    /// It waits until its siblings are *released*: a dead one that its tracer has not waited for holds it up,
    /// but for the leader, of whom it is enough to be dead.
    pub(crate) fn go_on_executing(&mut self, process: ProcessKey) {
        let Some(caller) = self.processes[process].executing else { return };
        let leader = self.processes[process].leader;
        let is_gone = |thread: TaskKey| {
            let is_zombie = self.tasks[thread].stage == Stage::Zombie;
            is_zombie && (thread == leader || self.compat.exec_ignores_traced_zombies)
        };
        let mut others = self.processes[process].threads.iter().filter(|&&thread| thread != caller);
        if !others.all(|&thread| is_gone(thread)) {
            return;
        }
        self.processes[process].executing = None;
        let old = self.pid_for_tracer(caller, self.tasks[caller].tid);
        if caller != leader {
            self.replace_leader(process, caller);
        }
        self.tasks[caller].asleep = None;
        self.executed(caller, old);
        self.tell(Event::Wake { task: caller });
    }

    /// The caller takes over the dead leader's number and its place. The leader is gone without a word: its
    /// tracer only learns that there is nothing left to wait for.
    fn replace_leader(&mut self, process: ProcessKey, caller: TaskKey) {
        let leader = self.processes[process].leader;
        let (pid, tid) = (self.tasks[leader].tid, self.tasks[caller].tid);
        self.tasks[caller].tid = pid;
        self.tasks[leader].tid = tid;
        self.numbers.at(pid).task = Some(caller);
        self.numbers.at(tid).task = Some(leader);
        self.processes[process].leader = caller;
        self.tell(Event::PidChanged { task: caller, pid });
        if let Some(tracing) = &self.tasks[leader].tracing {
            let tracer = tracing.tracer;
            self.wake_waiters(leader, tracer);
        }
        self.release_thread(leader, None);
    }

    /// The new program begins. `old` is the number that the tracer knew the thread by.
    fn executed(&mut self, caller: TaskKey, old: u32) {
        let process = self.process_of_mut(caller);
        process.exit_signal = Some(Signal::SIGCHLD);
        process.exec_id += 1;
        process.has_execed = true;
        process.actions.forget_handlers();
        self.release_vfork_parent(caller);
        let Some(tracing) = &self.tasks[caller].tracing else { return };
        let seized = tracing.seized;
        // Without the event, a tracee that was not seized is stopped by a SIGTRAP.
        if !self.trap_at(caller, TraceEvent::Exec, TraceMessage::Pid(old)) && !seized {
            let pid = self.pid_seen_from(self.tasks[caller].namespace, self.tasks[caller].tid);
            let info = SigInfo { code: SI_USER, pid, ..Self::info_from_nobody(Signal::SIGTRAP) };
            self.send(caller, info, Scope::Thread, false);
        }
    }

    /// The child of vfork(2) executes a program or exits: its parent runs again.
    pub(crate) fn release_vfork_parent(&mut self, child: TaskKey) {
        let Some(parent) = self.tasks[child].vfork_parent.take() else { return };
        if self.tasks.get(parent).is_none_or(|parent| parent.asleep != Some(Asleep::Vfork)) {
            return;
        }
        self.tasks[parent].asleep = None;
        self.tasks[parent].vfork_done = Some(self.tasks[child].tid);
        self.tell(Event::Wake { task: parent });
        self.end_vfork(parent);
    }

    /// The parent comes out of vfork(2), as soon as its tracer has let it go on from the child's birth.
    pub(crate) fn end_vfork(&mut self, parent: TaskKey) {
        if self.is_held_up(parent) {
            return;
        }
        let Some(child) = self.tasks[parent].vfork_done.take() else { return };
        let message = TraceMessage::Pid(self.pid_for_tracer(parent, child));
        self.trap_at(parent, TraceEvent::VforkDone, message);
        self.look_for_signals(parent);
    }
}
