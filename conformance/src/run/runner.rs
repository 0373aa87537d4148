//! One scenario on one implementation.

use ptexit_core::uapi::Errno;

use super::step::{Outcome, Step};
use crate::language::{Halt, Happening, Line, Name, Operation, Profile, Reply, SightState, Statement};
use crate::subjects::{OnModel, Subject};

/// An implementation, the names in use and the waits that are blocked.
#[derive(Clone, Debug)]
pub struct Runner<S> {
    /// The implementation.
    pub subject: S,
    names: Vec<Name>,
    /// Oldest first: those who wait longest go on first.
    blocked: Vec<Name>,
}

impl<S: Subject> Runner<S> {
    /// A run that begins with this implementation, in which nothing but init's start has happened.
    pub fn new(subject: S) -> Self {
        Runner { subject, names: vec![Name::INIT], blocked: Vec::new() }
    }

    /// The names that were given so far, in order.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// The tasks that wait.
    pub fn blocked(&self) -> &[Name] {
        &self.blocked
    }

    /// Performs one line and lets the waits that it wakes go on.
    pub fn line(&mut self, line: &Line) -> Step {
        let mut step = match line {
            Line::Step(statement) => self.act(statement),
            Line::Par(branches) => self.act_together(branches),
        };
        self.settle(&mut step);
        step
    }

    /// Lets woken waits go on until nobody is woken any more.
    pub(super) fn settle(&mut self, step: &mut Step) {
        loop {
            let woken = self.woken();
            if woken.is_empty() {
                break;
            }
            woken.into_iter().for_each(|waiter| self.go_on(waiter, step));
        }
        self.end_waits_of_the_dying(step);
    }

    /// Performs one statement, or says why not. Woken waits stay for later.
    pub(super) fn act(&mut self, statement: &Statement) -> Step {
        let mut step = Step::default();
        if let Some(why) = self.refuse(statement) {
            step.outcomes.push((*statement, Outcome::Skipped(why)));
            return step;
        }
        let reply = self.subject.perform(statement);
        self.note(statement, reply, &mut step);
        step.happenings.extend(self.subject.happenings());
        step
    }

    pub(super) fn act_together(&mut self, branches: &[Vec<Statement>]) -> Step {
        let mut step = Step::default();
        let mut legal: Vec<Vec<Statement>> = Vec::new();
        for branch in branches {
            match self.refuse_branch(branch) {
                Some(why) => step.outcomes.extend(branch.iter().map(|&s| (s, Outcome::Skipped(why)))),
                None => legal.push(branch.clone()),
            }
        }
        let replies = self.subject.perform_together(&legal);
        for (branch, replies) in legal.iter().zip(replies) {
            for (index, statement) in branch.iter().enumerate() {
                match replies.get(index) {
                    Some(&reply) => self.note(statement, reply, &mut step),
                    None => step.outcomes.push((*statement, Outcome::Skipped("the task is waiting"))),
                }
            }
        }
        step.happenings.extend(self.subject.happenings());
        step
    }

    fn note(&mut self, statement: &Statement, reply: Reply, step: &mut Step) {
        let (actor, operation) = (statement.actor, &statement.operation);
        if !matches!(reply, Reply::Failed(_)) {
            self.names.extend(operation.introduces());
        }
        if reply == Reply::Blocks {
            self.blocked.push(actor);
        }
        let mut outcome = reply;
        if let Operation::Interrupt(waiter) = operation
            && reply != Reply::Failed(Errno::E_STATE)
        {
            self.blocked.retain(|other| other != waiter);
            step.completions.push((*waiter, reply));
            outcome = Reply::Done;
        }
        step.outcomes.push((*statement, Outcome::Reply(outcome)));
    }

    /// The blocked tasks that were woken since the last time.
    pub(super) fn woken(&mut self) -> Vec<Name> {
        let woken = self.subject.woken();
        self.blocked.iter().copied().filter(|waiter| woken.contains(waiter) && self.can_act(*waiter)).collect()
    }

    pub(super) fn go_on(&mut self, waiter: Name, step: &mut Step) {
        let reply = self.subject.look_again(waiter);
        if reply != Reply::Blocks {
            self.blocked.retain(|&other| other != waiter);
            step.completions.push((waiter, reply));
        }
        step.happenings.extend(self.subject.happenings());
    }

    /// A wait ends with its task, and with EINTR when the task is told to exit.
    pub(super) fn end_waits_of_the_dying(&mut self, step: &mut Step) {
        for waiter in self.blocked.clone() {
            let told = step.happenings.contains(&Happening::MustExit(waiter));
            if self.is_running(waiter) && !told {
                continue;
            }
            self.blocked.retain(|&other| other != waiter);
            // One that its tracer holds on its way out does not return.
            if self.can_act(waiter) {
                let interrupt = Statement { actor: waiter, operation: Operation::Interrupt(waiter) };
                self.subject.perform(&interrupt);
                step.completions.push((waiter, Reply::Failed(Errno::EINTR)));
            }
        }
    }

    /// Alive and not held up.
    fn can_act(&self, task: Name) -> bool {
        let sight = self.subject.observe(task);
        sight.is_some_and(|sight| sight.state == SightState::Running && sight.job.halt == Halt::None)
    }

    fn is_running(&self, task: Name) -> bool {
        self.subject.observe(task).is_some_and(|sight| sight.state == SightState::Running)
    }

    /// In a branch, what the first statement makes possible is not known beforehand: only who acts
    /// first is looked at, and that no name is given twice.
    fn refuse_branch(&self, branch: &[Statement]) -> Option<&'static str> {
        let taken = |statement: &Statement| statement.operation.introduces().is_some_and(|n| self.names.contains(&n));
        if branch.iter().any(taken) {
            return Some("the name is taken");
        }
        self.refuse(branch.first()?)
    }

    /// Why the task cannot make this call.
    pub(super) fn refuse(&self, statement: &Statement) -> Option<&'static str> {
        let Statement { actor, operation } = statement;
        let Some(sight) = self.subject.observe(*actor) else {
            return Some("the task is not there");
        };
        if operation.profile() > self.subject.profile() {
            return Some("not supported");
        }
        let finishes = *operation == Operation::ExitFinish;
        match sight.state {
            SightState::Zombie => return Some("the task is dead"),
            SightState::Exiting if !finishes => return Some("the task is exiting"),
            SightState::Running if finishes => return Some("the task has not begun to exit"),
            _ => {}
        }
        if self.blocked.contains(actor) {
            return Some("the task is waiting");
        }
        match sight.job.halt {
            Halt::None => {}
            Halt::Stopped => return Some("the task is stopped"),
            Halt::Traced => return Some("the task is in a ptrace-stop"),
            Halt::Asleep => return Some("the task sleeps"),
        }
        // Told to exit, a task returns to no program: it can only be in the middle of a clone, or exit.
        if sight.status.is_some() && !finishes && !is_left_to_the_condemned(operation) {
            return Some("the task must exit");
        }
        if operation.introduces().is_some_and(|name| self.names.contains(&name)) {
            return Some("the name is taken");
        }
        if !operation.refers_to().all(|name| self.names.contains(&name)) {
            return Some("nobody has that name");
        }
        match operation {
            Operation::Exec if sight.threads > 1 && self.subject.profile() < Profile::Full => {
                Some("exec by one of several threads is not covered")
            }
            Operation::Kill(victim, ..) if !self.is_alive(*victim) => Some("the victim is dead"),
            Operation::Interrupt(waiter) if !self.blocked.contains(waiter) => Some("that task does not wait"),
            _ => None,
        }
    }

    /// Some thread of the process of `task` is alive.
    fn is_alive(&self, task: Name) -> bool {
        self.subject.observe(task).is_some_and(|sight| sight.state != SightState::Zombie || sight.threads > 1)
    }
}

impl Runner<OnModel> {
    /// The second of three parts of an exit, if the task has come through the first.
    pub(super) fn hand_over(&mut self, task: Name) -> Step {
        if self.subject.observe(task).is_some_and(|sight| sight.state == SightState::Exiting) {
            self.subject.hand_over(task);
        }
        Step { happenings: self.subject.happenings(), ..Step::default() }
    }
}

fn is_left_to_the_condemned(operation: &Operation) -> bool {
    use Operation as O;
    matches!(
        operation,
        O::Fork(..)
            | O::Sibling(_)
            | O::Thread(_)
            | O::Exit(_)
            | O::ExitBegin(_)
            | O::ExitGroup(_)
            | O::ExitGroupBegin(_)
    )
}
