//! What each operation is on the model.

use ptexit_core::uapi::{Errno, Rusage, WaitStatus};
use ptexit_model::{Action, Disposition, IdType, Receiver, SigchldAction, TaskKey, TraceMessage};

use super::OnModel;
use crate::language::{
    self, ChildSpec, IdSpec, Look, MaskHow, Message, Name, Operation, Readiness, Reply, Sigchld, Target, Trace, UsageOf,
};
use crate::subjects::Subject;

impl OnModel {
    pub(super) fn call(&mut self, actor: Name, operation: &Operation) -> Result<Reply, Errno> {
        let task = self.key(actor)?;
        let done = |()| Reply::Done;
        match *operation {
            Operation::Fork(name, signal) => {
                let child = self.model.fork(task, signal)?;
                self.born(name, child);
                Ok(Reply::Done)
            }
            Operation::Vfork(name) => {
                let child = self.model.vfork(task)?;
                self.born(name, child);
                self.sleepers.push(actor);
                Ok(Reply::Blocks)
            }
            Operation::Sibling(name) => {
                let child = self.model.fork_sibling(task)?;
                self.born(name, child);
                Ok(Reply::Done)
            }
            Operation::Thread(name) => {
                let thread = self.model.create_thread(task)?;
                self.born(name, thread);
                Ok(Reply::Done)
            }
            Operation::Exec => match self.model.exec(task)? {
                true => Ok(Reply::Done),
                false => {
                    self.sleepers.push(actor);
                    Ok(Reply::Blocks)
                }
            },
            Operation::Exit(code) => {
                self.model.exit(task, WaitStatus::exited(code), &Rusage::default()).map(Reply::Decided)
            }
            Operation::ExitBegin(code) => self.model.exit_begin(task, WaitStatus::exited(code)).map(Reply::Decided),
            Operation::ExitFinish => self.model.exit_finish(task, &Rusage::default()).map(done),
            Operation::ExitGroup(code) => {
                self.model.exit_process(task, WaitStatus::exited(code), &Rusage::default()).map(done)
            }
            Operation::ExitGroupBegin(code) => {
                let leader = self.model.view(task).and_then(|view| self.model.find(view.tgid));
                self.on_their_own.extend(leader);
                self.model.exit_group(task, WaitStatus::exited(code)).map(Reply::Decided)
            }
            Operation::Kill(name, signal, core) => {
                let victim = self.key(name)?;
                self.model.kill(victim, signal, core, &Rusage::default()).map(done)
            }
            Operation::Wait4(who, options) => {
                let pid = match who {
                    ChildSpec::Any => -1,
                    ChildSpec::Child(name) => self.number(task, name)? as i32,
                    ChildSpec::Group(name) => -(self.number(task, name)? as i32),
                    ChildSpec::Raw(number) => number,
                };
                self.model.wait4(task, pid, options).map(|waited| self.waited(waited))
            }
            Operation::Waitid(which, options) => {
                let which = match which {
                    IdSpec::All => IdType::All,
                    IdSpec::Pid(name) => IdType::Pid(self.number(task, name)? as i32),
                    IdSpec::RawPid(number) => IdType::Pid(number),
                    IdSpec::Pgid(name) => IdType::Pgid(self.number(task, name)? as i32),
                    IdSpec::RawPgid(number) => IdType::Pgid(number),
                    IdSpec::Pidfd(name) => IdType::Handle(self.holder_or_former(name)?),
                };
                self.model.waitid(task, which, options).map(|waited| self.waited(waited))
            }
            Operation::Interrupt(name) => {
                let waiter = self.key(name)?;
                self.model.interrupt(waiter).map(|waited| self.waited(waited))
            }
            Operation::Sigchld(Sigchld { ignore, no_cld_wait, no_cld_stop }) => {
                self.model.set_sigchld(task, SigchldAction { ignore, no_cld_wait, no_cld_stop }).map(done)
            }
            Operation::Subreaper(on) => self.model.set_subreaper(task, on).map(done),
            Operation::Pdeathsig(signal) => self.model.set_pdeathsig(task, signal).map(done),
            Operation::Setpgid(process, group) => {
                let (process, group) = (self.number_or_own(task, process)?, self.number_or_own(task, group)?);
                self.model.setpgid(task, process, group).map(done)
            }
            Operation::Setsid => self.model.setsid(task).map(|_| Reply::Done),
            Operation::Uid(uid) => self.model.set_uid(task, uid).map(done),
            Operation::Burn(ms, kib) => {
                let (utime_ns, maxrss_kib) = (u64::from(ms) * 1_000_000, u64::from(kib));
                self.model.use_resources(task, &Rusage { utime_ns, maxrss_kib, ..Rusage::default() }).map(done)
            }
            Operation::Sigaction(signal, action) => self.model.set_action(task, signal, as_in_model(action)).map(done),
            Operation::Mask(how, signals) => {
                let old = self.model.view(task).ok_or(Errno::ESRCH)?.mask;
                let new = match how {
                    MaskHow::Block => old.union(signals),
                    MaskHow::Unblock => old.minus(signals),
                    MaskHow::Set => signals,
                };
                self.model.set_mask(task, new).map(done)
            }
            Operation::Dequeue(signals) => {
                let info = self.model.dequeue(task, signals)?;
                Ok(Reply::Took(self.info(task, info)))
            }
            Operation::Signal(target, signal) => {
                let receiver = match target {
                    Target::Process(name) => Receiver::Process(self.number(task, name)?),
                    Target::Group(name) => Receiver::Group(self.number(task, name)?),
                    Target::OwnGroup => Receiver::OwnGroup,
                    Target::Everybody => Receiver::Everybody,
                };
                self.model.signal(task, receiver, signal).map(done)
            }
            Operation::Tgkill(name, signal) => {
                let tid = self.number(task, name)?;
                self.model.signal_thread(task, tid, signal).map(done)
            }
            Operation::Dumpable(on) => self.model.set_dumps_core(task, on).map(done),
            Operation::Ptrace(request) => self.ptrace(task, request),
            Operation::UnsharePid => self.model.unshare_pid(task).map(done),
            Operation::Setns(name) => {
                let other = self.holder(name)?;
                self.model.setns(task, other).map(done)
            }
            Operation::Reboot(signal) => self.model.reboot(task, signal).map(done),
            Operation::PidfdPoll(name) | Operation::PidfdPollThread(name) => Ok(self.poll(name)),
            Operation::PidfdInfo(name) => {
                Ok(self.exits.get(&name).map_or(Reply::Nothing, |&status| Reply::Decided(status)))
            }
            Operation::Getrusage(whose) => {
                let (own, childrens) = self.model.usage(task).ok_or(Errno::ESRCH)?;
                Ok(Reply::Usage(match whose {
                    UsageOf::Process => own,
                    UsageOf::Children => childrens,
                }))
            }
            Operation::Look(name) => {
                let holder = self.holder(name)?;
                let sight = self.observe(self.names.name(holder)).ok_or(Errno::ESRCH)?;
                Ok(Reply::Seen(Look { state: sight.state, job: sight.job }))
            }
            Operation::KillTree(code) => {
                self.model.kill_tree(WaitStatus::exited(code));
                Ok(Reply::Done)
            }
        }
    }

    fn ptrace(&mut self, tracer: TaskKey, request: Trace) -> Result<Reply, Errno> {
        let done = |()| Reply::Done;
        let tracee = match request.tracee() {
            Some(name) => {
                // Who cannot be seen cannot be traced.
                self.number(tracer, name)?;
                self.holder(name)?
            }
            None => tracer,
        };
        match request {
            Trace::TraceMe => self.model.trace_me(tracer).map(done),
            Trace::Attach(_) => self.model.attach(tracer, tracee).map(done),
            Trace::Seize(_, options) => self.model.seize(tracer, tracee, options).map(done),
            Trace::Interrupt(_) => self.model.interrupt_tracee(tracer, tracee).map(done),
            Trace::Listen(_) => self.model.listen(tracer, tracee).map(done),
            Trace::Cont(_, signal) => self.model.resume(tracer, tracee, signal).map(done),
            Trace::Detach(_, signal) => self.model.detach(tracer, tracee, signal).map(done),
            Trace::SetOptions(_, options) => self.model.set_trace_options(tracer, tracee, options).map(done),
            Trace::Message(_) => {
                let message = self.model.trace_message(tracer, tracee)?;
                Ok(Reply::Message(match message {
                    TraceMessage::Number(number) => Message::Number(number),
                    TraceMessage::Pid(pid) => {
                        let first = self.model.first_number(self.model.namespace_of(tracer).unwrap_or(0), pid);
                        let name = first.and_then(|number| self.names.by_number(number));
                        name.map_or(Message::Number(pid), Message::Task)
                    }
                }))
            }
        }
    }

    /// The number of this name as the caller knows it.
    fn number(&self, caller: TaskKey, name: Name) -> Result<u32, Errno> {
        let number = self.names.number(name).ok_or(Errno::ESRCH)?;
        let namespace = self.model.namespace_of(caller).ok_or(Errno::ESRCH)?;
        Some(self.model.pid_seen_from(namespace, number)).filter(|&number| number != 0).ok_or(Errno::ESRCH)
    }

    fn number_or_own(&self, caller: TaskKey, name: Option<Name>) -> Result<u32, Errno> {
        name.map_or(Ok(0), |name| self.number(caller, name))
    }

    /// The task that has the number of this name now.
    fn holder(&self, name: Name) -> Result<TaskKey, Errno> {
        self.names.number(name).and_then(|number| self.model.find(number)).ok_or(Errno::ESRCH)
    }

    /// That, or the task that had it: a handle of what is gone.
    fn holder_or_former(&self, name: Name) -> Result<TaskKey, Errno> {
        self.holder(name).or_else(|_| self.key(name))
    }

    fn poll(&self, name: Name) -> Reply {
        let readiness = self.holder(name).map_or(ptexit_model::Readiness::InHup, |task| self.model.poll(task));
        Reply::Ready(match readiness {
            ptexit_model::Readiness::None => Readiness::None,
            ptexit_model::Readiness::In => Readiness::In,
            ptexit_model::Readiness::InHup => Readiness::InHup,
        })
    }
}

fn as_in_model(action: language::Action) -> Action {
    let language::Action { disposition, no_cld_wait, no_cld_stop, restart } = action;
    let disposition = match disposition {
        language::Disposition::Default => Disposition::Default,
        language::Disposition::Ignore => Disposition::Ignore,
        language::Disposition::Handle => Disposition::Handler,
    };
    Action { disposition, no_cld_wait, no_cld_stop, restart }
}
