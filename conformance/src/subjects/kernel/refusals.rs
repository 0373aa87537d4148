//! What a real kernel cannot be asked to do by puppets, and why.

use ptexit_core::uapi::Signal;

use super::layout::SLOTS;
use super::settle::Seen;
use super::{OnKernel, orders};
use crate::language::{Name, Operation, Profile, Statement, Target};

const DEADLY: [Signal; 17] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGABRT,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGKILL,
    Signal::SIGSEGV,
    Signal::SIGPIPE,
    Signal::SIGALRM,
    Signal::SIGTERM,
    Signal::SIGXCPU,
    Signal::SIGXFSZ,
    Signal::SIGVTALRM,
    Signal::SIGSYS,
];

const DUMPING: [Signal; 10] = [
    Signal::SIGQUIT,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGABRT,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGSEGV,
    Signal::SIGXCPU,
    Signal::SIGXFSZ,
    Signal::SIGSYS,
];

/// Whether the puppets need this signal themselves.
fn is_own(signal: Signal) -> bool {
    orders::OWN_SIGNALS & 1 << (signal.number() - 1) != 0
}

impl OnKernel<'_> {
    /// Why this cannot be done, if it cannot.
    pub(super) fn why_not(&self, statement: &Statement) -> Option<&'static str> {
        match statement.operation {
            Operation::ExitBegin(_) | Operation::ExitFinish | Operation::ExitGroupBegin(_) => {
                Some("the kernel does not stop in the middle of an exit")
            }
            Operation::Kill(..) if self.profile == Profile::Full => {
                Some("who dies by a signal that is sent is up to its receiver")
            }
            Operation::Kill(victim, signal, core) => {
                let of_init = self.seen(victim).is_some_and(|seen| seen.status.tgid == 1);
                // To limit the core dumps of others takes a privilege that root may lack.
                let of_another = self.seen(victim).is_some_and(|seen| seen.status.uid != 0);
                let is_deadly = DEADLY.contains(&signal);
                if of_init && signal != Signal::SIGKILL {
                    Some("init does not die by that signal")
                } else if !is_deadly || core && !DUMPING.contains(&signal) {
                    Some("nobody dies by that signal in this way")
                } else if of_another && DUMPING.contains(&signal) {
                    Some("core dumps of other users cannot be limited")
                } else {
                    None
                }
            }
            Operation::UnsharePid | Operation::Setns(_) | Operation::Reboot(_) | Operation::KillTree(_) => {
                Some("only one namespace is observed")
            }
            Operation::Uid(_) if self.is_traced(statement.actor) => Some("a tracer would see the puppets' own signal"),
            Operation::Uid(_) if self.is_held_up(statement.actor) => Some("a thread that is held up keeps its user"),
            Operation::Interrupt(waiter) if self.seen(waiter).is_some_and(|seen| seen.status.state != 'S') => {
                Some("no handler interrupts that")
            }
            Operation::Interrupt(waiter) if self.is_traced(waiter) => {
                Some("a tracer would see the puppets' own signal")
            }
            Operation::Ptrace(request) => {
                let tracee = request.tracee().unwrap_or(statement.actor);
                let is_another = self.seen(statement.actor).is_some_and(|seen| seen.status.uid != 0);
                let is_inits = self.cast.get(tracee).is_some_and(|player| player.tgid == 1);
                if is_inits {
                    Some("init's parent is no part of the scenario")
                } else {
                    is_another.then_some("a puppet keeps the privileges of root")
                }
            }
            Operation::PidfdInfo(_) => Some("not asked of a kernel"),
            // Their numbers are the puppets', whose effective user is always root.
            Operation::Sigaction(signal, _) if is_own(signal) => Some("that signal is the puppets' own"),
            Operation::Signal(_, Some(signal)) | Operation::Tgkill(_, Some(signal)) if is_own(signal) => {
                Some("that signal is the puppets' own")
            }
            Operation::Signal(Target::Group(Name::INIT), _) => Some("kill(2) cannot name process group 1"),
            Operation::Signal(..) | Operation::Tgkill(..)
                if self.seen(statement.actor).is_some_and(|seen| seen.status.uid != 0) =>
            {
                Some("a puppet keeps the privileges of root")
            }
            Operation::PidfdPoll(name) if self.cast.get(name).is_some_and(|player| player.tid != player.tgid) => {
                Some("a pidfd of a thread needs PIDFD_THREAD")
            }
            _ if self.is_over => Some("init is dead"),
            _ if self.stage.used >= SLOTS && statement.operation.introduces().is_some() => Some("no slot is left"),
            _ => None,
        }
    }

    /// What is seen of the threads of this task's process.
    fn threads(&self, name: Name) -> impl Iterator<Item = &Seen> {
        let tgid = self.cast.get(name).map(|player| player.tgid);
        let threads = self.cast.all().iter().zip(&self.picture).filter(move |(player, _)| Some(player.tgid) == tgid);
        threads.filter_map(|(_, seen)| seen.as_ref())
    }

    fn is_traced(&self, name: Name) -> bool {
        self.threads(name).any(|seen| seen.status.tracer != 0)
    }

    fn is_held_up(&self, name: Name) -> bool {
        self.threads(name).any(|seen| matches!(seen.status.state, 'D' | 'T' | 't'))
    }
}
