//! The running kernel, seen through the scenario language.
//!
//! Every task of a scenario is a real one: a *puppet*, which does what its mailbox in shared memory says. All
//! live in a PID namespace of their own, so a scenario that goes wrong is ended by killing one process.
//!
//! | file | what it says |
//! |------|--------------|
//! | `layout`  | what lies where in the memory that the controller and the puppets share |
//! | `puppet/` | the puppet, a program without any library |
//! | `shared`  | the controller's side of the memory |
//! | `stage`   | the launcher, and a namespace for each scenario |
//! | `proc`    | what `/proc` shows |
//! | `cast`    | names, slots and numbers |
//! | `settle`  | when a line is over |
//! | `orders`  | operations as system calls |
//! | `watch`   | ends what hangs |
//!
//! The only unsafe code of the package is here: one mapping, and the puppet.

mod cast;
#[allow(missing_docs)] // Written for the puppet, which has no documentation of its own.
mod layout;
mod orders;
mod proc;
mod settle;
mod shared;
mod stage;
mod watch;

use std::collections::HashSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ptexit_core::uapi::{ChildCode, Errno, Signal, SignalSet, WaitStatus};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, pidfd_open, pidfd_send_signal, prlimit};

use self::cast::{Cast, Player};
use self::layout::{AT_RESULT, SLOTS};
use self::orders::{Deed, noticeable};
use self::settle::{Picture, Seen, settle};
pub use self::stage::Stage;
use self::stage::{INIT, Namespace, PATIENCE, descriptor_of};
pub use self::watch::Watch;
use super::Subject;
use crate::language::{
    Halt, Happening, Info, JobSight, Look, Name, Operation, Profile, Readiness, Reply, Sigchld, Sight, SightState,
    Statement, Target,
};

/// A clock tick, `USER_HZ` of which make a second.
const TICK_NS: u64 = 10_000_000;
/// How long to sleep for an answer that may never come, before looking what has become of the actor.
const BRIEFLY: Duration = Duration::from_micros(150);

/// One scenario on the running kernel.
#[derive(Debug)]
pub struct OnKernel<'s> {
    stage: &'s mut Stage,
    profile: Profile,
    namespace: Namespace,
    cast: Cast,
    picture: Picture,
    /// Who waits and has not been heard of since.
    waiting: Vec<Name>,
    /// Whose wait has returned, and what.
    returned: Vec<(Name, Reply)>,
    happenings: Vec<Happening>,
    /// The namespace's init is dead.
    is_over: bool,
    trouble: Option<String>,
    looks: u64,
}

impl<'s> OnKernel<'s> {
    /// A namespace in which init has just started.
    ///
    /// For scenarios of the smaller profile, puppets have handlers for the signals that do nothing by default, so
    /// that these are seen to come. Where signals, stops and tracers are in play, that would make a difference.
    ///
    /// # Errors
    /// If none can be made.
    pub fn new(stage: &'s mut Stage, profile: Profile) -> Result<Self, String> {
        let namespace = stage.open()?;
        stage.memory.set_observes(profile == Profile::Core);
        for signal in layout::HARMLESS {
            let order = shared::Order::of(layout::order::ACTION, 0, [signal, layout::action::DEFAULT, 0]);
            stage.run(INIT, &order)?;
        }
        let mut cast = Cast::default();
        let pidfd = Rc::new(namespace.init.try_clone().map_err(|error| format!("dup: {error}"))?);
        let thread_pidfd = Rc::new(thread_pidfd(namespace.pid)?);
        cast.add(Player { name: Name::INIT, slot: INIT, tid: 1, tgid: 1, pidfd, thread_pidfd, is_replaced: false });
        let mut on = OnKernel {
            stage,
            profile,
            namespace,
            cast,
            picture: Vec::new(),
            waiting: Vec::new(),
            returned: Vec::new(),
            happenings: Vec::new(),
            is_over: false,
            trouble: None,
            looks: 0,
        };
        on.picture = settle(&on.stage.memory, &on.namespace, &on.cast, &Vec::new(), &mut on.looks)?;
        Ok(on)
    }

    /// What went wrong with the observation itself, if anything did. Nothing that is seen afterwards counts.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// The namespace's init has died and has taken everybody along.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    fn seen(&self, name: Name) -> Option<&Seen> {
        let at = self.cast.all().iter().position(|player| player.name == name)?;
        self.picture.get(at)?.as_ref()
    }

    fn player(&self, name: Name) -> Result<&Player, String> {
        self.cast.get(name).ok_or_else(|| format!("{name} is nobody"))
    }

    /// Carries an operation out, up to where nothing moves any more.
    fn carry_out(&mut self, statement: &Statement) -> Result<Reply, String> {
        let actor = statement.actor;
        let slot = self.player(actor)?.slot;
        let reply = match orders::deed(&statement.operation, slot, &self.cast, &self.stage.memory) {
            Err(errno) => Reply::Failed(errno),
            Ok(Deed::Order(order)) => match self.ask(slot, &order)? {
                Some(result) => orders::reply(result)?,
                // It has stopped or killed itself with that.
                None => Reply::Done,
            },
            Ok(Deed::Birth(name, flags)) => self.bear(actor, slot, name, flags)?,
            Ok(Deed::Exec(order)) => {
                self.stage.memory.give(slot, &order);
                self.stage.memory.wait_idle(slot, BRIEFLY);
                self.settle_exec(actor, slot)?
            }
            Ok(Deed::Dequeue(order)) => {
                self.ask(slot, &order)?;
                orders::taken(&self.stage.memory, slot, &self.cast)?
            }
            Ok(Deed::Message(order)) => {
                self.ask(slot, &order)?;
                orders::message(&self.stage.memory, slot, &self.cast)?
            }
            Ok(Deed::Usage(order)) => {
                self.ask(slot, &order)?;
                orders::usage(&self.stage.memory, slot)
            }
            Ok(Deed::Look(name)) => match self.observe(name) {
                Some(sight) => Reply::Seen(Look { state: sight.state, job: sight.job }),
                None => Reply::Failed(Errno::ESRCH),
            },
            Ok(Deed::Poll(name, of_thread)) => self.poll(name, of_thread)?,
            Ok(Deed::Wait(order)) => {
                self.wait(actor, slot, &order);
                Reply::Blocks
            }
            Ok(Deed::WaitPidfd(name, mut order)) => {
                order.arguments[1] = self.player(name)?.pidfd.as_raw_fd() as u64;
                order.arguments[5] = 1;
                self.wait(actor, slot, &order);
                Reply::Blocks
            }
            Ok(Deed::Exit(order)) => {
                self.stage.memory.give(slot, &order);
                Reply::Done
            }
            Ok(Deed::Kill(name, signal, core)) => self.kill(name, signal, core)?,
            Ok(Deed::Interrupt(name)) => {
                self.signal(name, rustix::process::Signal::POWER)?;
                Reply::Done
            }
            Ok(Deed::Uid(uid)) => self.change_uid(actor, uid)?,
        };
        self.look()?;
        Ok(match (statement.operation, reply) {
            (Operation::Wait4(..) | Operation::Waitid(..) | Operation::Vfork(_), Reply::Blocks) => {
                self.take_returned(actor).unwrap_or(Reply::Blocks)
            }
            (Operation::Interrupt(name), Reply::Done) => {
                self.take_returned(name).ok_or_else(|| format!("{name} waits on after an interruption"))?
            }
            (Operation::Exit(code), Reply::Done) => Reply::Decided(self.decided(actor, WaitStatus::exited(code))),
            (_, reply) => reply,
        })
    }

    /// Gives an order; what came of it, unless the actor is in no state to answer any more.
    fn ask(&mut self, slot: usize, order: &shared::Order) -> Result<Option<i64>, String> {
        let memory = &self.stage.memory;
        memory.give(slot, order);
        if !memory.wait_idle(slot, BRIEFLY) {
            settle(memory, &self.namespace, &self.cast, &self.picture, &mut self.looks)?;
        }
        Ok(memory.is_idle(slot).then(|| memory.result(slot)))
    }

    fn wait(&mut self, actor: Name, slot: usize, order: &shared::Order) {
        orders::before_wait(&self.stage.memory, slot);
        self.stage.memory.give(slot, order);
        self.waiting.push(actor);
        self.stage.memory.wait_idle(slot, BRIEFLY);
    }

    /// clone(2). The controller takes a copy of the new task's pidfd out of its parent, which the kernel writes
    /// before the child runs: the call itself may not return for long, in vfork or with a tracer.
    fn bear(&mut self, actor: Name, slot: usize, name: Name, flags: u64) -> Result<Reply, String> {
        let child = self.stage.used;
        if child >= SLOTS {
            return Err("no slot is left".into());
        }
        let memory = &self.stage.memory;
        let (at, is_pidfd) = (memory.scratch_address(slot, AT_RESULT), &memory.scratch(slot)[AT_RESULT]);
        memory.clear_slot(child);
        is_pidfd.store(u64::MAX, Relaxed);
        memory.give(slot, &orders::birth(flags, child, at));
        let end = Instant::now() + PATIENCE;
        while !memory.wait_idle(slot, BRIEFLY) {
            // What is written comes before the child, and the child is there before anybody can sleep.
            if is_pidfd.load(Relaxed) != u64::MAX {
                break;
            }
            if Instant::now() > end {
                return Err(format!("{actor} does not come out of clone"));
            }
        }
        let has_returned = memory.is_idle(slot);
        if has_returned && memory.result(slot) < 0 {
            return orders::reply(memory.result(slot));
        }
        let parent = self.player(actor)?;
        let number = is_pidfd.load(Relaxed) as i32;
        let pidfd = descriptor_of(parent.pidfd.as_fd(), number).map_err(|error| format!("pidfd_getfd: {error}"))?;
        let (outside, inside) = loop {
            match numbers(&pidfd) {
                // It has no number before the very end of its making.
                Err(_) if Instant::now() < end => std::thread::yield_now(),
                found => break found?,
            }
        };
        let is_thread = orders::is_thread(flags);
        let tgid = if is_thread { parent.tgid } else { inside };
        let pidfd = Rc::new(pidfd);
        let thread_pidfd = if is_thread { Rc::clone(&pidfd) } else { Rc::new(thread_pidfd(outside)?) };
        self.cast.add(Player { name, slot: child, tid: inside, tgid, pidfd, thread_pidfd, is_replaced: false });
        self.stage.used += 1;
        if has_returned {
            return Ok(Reply::Done);
        }
        if flags & orders::CLONE_VFORK != 0 {
            self.waiting.push(actor);
            return Ok(Reply::Blocks);
        }
        Ok(Reply::Done)
    }

    /// After an order to execute a program: it has, or it waits until the other threads are gone.
    fn settle_exec(&mut self, actor: Name, slot: usize) -> Result<Reply, String> {
        let is_alone = self.seen(actor).is_none_or(|seen| seen.status.threads == 1);
        settle(&self.stage.memory, &self.namespace, &self.cast, &self.picture, &mut self.looks)?;
        if self.stage.memory.is_idle(slot) {
            let reply = orders::reply(self.stage.memory.result(slot))?;
            if reply == Reply::Done {
                self.cast.take_over(actor);
            }
            if is_alone {
                return Ok(reply);
            }
            // It has waited for its siblings to go, however short that was.
            self.returned.push((actor, reply));
            return Ok(Reply::Blocks);
        }
        let tid = self.player(actor)?.tid;
        let state = proc::status(self.namespace.proc.as_fd(), tid).map(|status| status.state);
        if matches!(state, None | Some('t' | 'T')) {
            // It has executed the program, and its tracer holds it up before it can say so.
            self.cast.take_over(actor);
            if is_alone {
                return Ok(Reply::Done);
            }
            self.returned.push((actor, Reply::Done));
            return Ok(Reply::Blocks);
        }
        self.waiting.push(actor);
        Ok(Reply::Blocks)
    }

    fn poll(&self, name: Name, of_thread: bool) -> Result<Reply, String> {
        let player = self.player(name)?;
        let pidfd = if of_thread { &player.thread_pidfd } else { &player.pidfd };
        let mut fds = [PollFd::new(&**pidfd, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).map_err(|error| format!("poll: {error}"))?;
        let events = fds[0].revents();
        Ok(Reply::Ready(match (events.contains(PollFlags::IN), events.contains(PollFlags::HUP)) {
            (_, true) => Readiness::InHup,
            (true, false) => Readiness::In,
            (false, false) => Readiness::None,
        }))
    }

    fn signal(&self, name: Name, signal: rustix::process::Signal) -> Result<(), String> {
        let player = self.player(name)?;
        pidfd_send_signal(&*player.pidfd, signal).map_err(|error| format!("a signal for {name}: {error}"))
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

    /// The leader speaks for the process, even when it is a zombie and others live on.
    fn kill(&mut self, victim: Name, signal: Signal, core: bool) -> Result<Reply, String> {
        let tgid = self.player(victim)?.tgid;
        let leader = self.cast.by_number(tgid).ok_or("a process without a leader")?;
        let player = self.player(leader)?;
        let (pid, _) = numbers(&player.pidfd)?;
        let size = if core { None } else { Some(0) };
        // A zombie leader cannot be given a limit; its threads share it anyway.
        let _ = prlimit(Some(pid), Resource::Core, Rlimit { current: size, maximum: None });
        let named = rustix::process::Signal::from_named_raw(signal.number() as i32);
        self.signal(leader, named.ok_or("a signal without a name")?)?;
        Ok(Reply::Done)
    }

    /// The C library's way of changing all threads' user IDs: each does it in a handler.
    fn change_uid(&mut self, actor: Name, uid: u32) -> Result<Reply, String> {
        let tgid = self.player(actor)?.tgid;
        let alive = |(player, seen): (&Player, &Option<Seen>)| {
            let state = seen.as_ref().map(|seen| seen.status.state);
            (player.tgid == tgid && state.is_some_and(|state| state != 'Z')).then_some((player.name, player.slot))
        };
        let threads: Vec<(Name, usize)> = self.cast.all().iter().zip(&self.picture).filter_map(alive).collect();
        for (name, slot) in threads {
            self.stage.memory.set_uid(slot, uid);
            self.signal(name, rustix::process::Signal::STKFLT)?;
            // One after the other: what is meant for the leader is pending for the whole process.
            settle(&self.stage.memory, &self.namespace, &self.cast, &self.picture, &mut self.looks)?;
        }
        Ok(Reply::Done)
    }

    /// Waits until nothing moves, and takes note of everything that has changed.
    fn look(&mut self) -> Result<(), String> {
        let picture = settle(&self.stage.memory, &self.namespace, &self.cast, &self.picture, &mut self.looks)?;
        let picture = if self.number_changed_hands() {
            settle(&self.stage.memory, &self.namespace, &self.cast, &self.picture, &mut self.looks)?
        } else {
            picture
        };
        let last = core::mem::replace(&mut self.picture, picture);
        let (memory, cast) = (&self.stage.memory, &self.cast);
        let has_returned = |name: &Name| cast.get(*name).is_some_and(|player| memory.is_idle(player.slot));
        for name in self.waiting.extract_if(.., |name| has_returned(name)) {
            let slot = cast.get(name).map_or(0, |player| player.slot);
            let reply = match memory.number(slot) {
                orders::SYS_WAIT4 | orders::SYS_WAITID => orders::waited(memory, slot, cast, &last)?,
                _ => orders::reply(memory.result(slot))?,
            };
            self.returned.push((name, reply));
        }
        let reaped = self.tell_changes(&last)?;
        self.tell_signals();
        self.tell_reaped(reaped);
        let gone: HashSet<Name> = self.gone().collect();
        self.waiting.retain(|name| !gone.contains(name));
        Ok(())
    }

    /// Somebody who had to wait for other threads has executed its program, and has the leader's number now.
    fn number_changed_hands(&mut self) -> bool {
        let memory = &self.stage.memory;
        let has_executed = |name: &&Name| {
            self.cast.get(**name).is_some_and(|player| {
                let is_exec = memory.number(player.slot) == orders::SYS_EXECVE;
                is_exec && memory.is_idle(player.slot) && memory.result(player.slot) == 0
            })
        };
        let Some(&name) = self.waiting.iter().find(has_executed) else { return false };
        self.cast.take_over(name);
        true
    }

    fn gone(&self) -> impl Iterator<Item = Name> {
        let gone = |(player, seen): (&Player, &Option<Seen>)| seen.is_none().then_some(player.name);
        self.cast.all().iter().zip(&self.picture).filter_map(gone)
    }

    fn tell_signals(&mut self) {
        for received in self.stage.memory.take_log() {
            let (Some(to), Some(signal)) = (self.cast.by_slot(received.slot), Signal::new(received.signal)) else {
                continue;
            };
            let is_child_code = received.code > 0 && received.code <= ChildCode::Continued as i32;
            let times = |ticks| if is_child_code { noticeable(ticks * TICK_NS).utime_ns } else { 0 };
            let info = Info {
                signal,
                code: received.code,
                from: self.cast.by_number(received.pid),
                uid: received.uid,
                status: if is_child_code { received.status } else { 0 },
                utime_ns: times(received.utime_ticks),
                stime_ns: times(received.stime_ticks),
            };
            self.happenings.push(match received.is_handled {
                true => Happening::Handles(to, info),
                false => Happening::Signal(to, info),
            });
        }
    }

    /// What has become of everybody, as far as it can be told from two pictures. Returns who is gone, with
    /// the status that was seen last if it was final.
    fn tell_changes(&mut self, last: &Picture) -> Result<Vec<(Name, Option<WaitStatus>)>, String> {
        let mut reaped = Vec::new();
        for (at, player) in self.cast.all().iter().enumerate() {
            let (before, now) = (last.get(at).and_then(Option::as_ref), self.picture[at].as_ref());
            let was_there = before.is_some() || at >= last.len();
            let Some(now) = now else {
                if was_there {
                    let stat = before.filter(|seen| seen.is_dead()).and_then(|seen| seen.stat);
                    reaped.push((player.name, stat.and_then(|stat| WaitStatus::from_raw(stat.exit_code))));
                }
                continue;
            };
            let moved = before.is_some_and(|before| before.status.ppid != now.status.ppid);
            if moved
                && player.tid == now.status.tgid
                && let Some(parent) = self.cast.by_number(now.status.ppid)
            {
                self.happenings.push(Happening::Reparented(player.name, parent));
            }
            if now.is_dead() && !before.is_some_and(Seen::is_dead) {
                let status = now.stat.and_then(|stat| WaitStatus::from_raw(stat.exit_code));
                let status = status.ok_or_else(|| format!("{} died in a way that means nothing", player.name))?;
                self.happenings.push(Happening::Exited(player.name, status));
            }
        }
        if self.seen(Name::INIT).is_none_or(Seen::is_dead) {
            self.is_over = true;
        }
        Ok(reaped)
    }

    fn tell_reaped(&mut self, reaped: Vec<(Name, Option<WaitStatus>)>) {
        for (name, status) in reaped {
            let report = self.returned.iter().find_map(|(waiter, reply)| match reply {
                Reply::Child(report) if report.child == name => Some((*waiter, *report)),
                _ => None,
            });
            let status = report.and_then(|(_, report)| report.change.status()).or(status);
            self.happenings.push(match (report, status) {
                (Some((by, report)), Some(status)) => {
                    Happening::Reaped { task: name, by: Some(by), status, usage: report.usage }
                }
                (None, Some(status)) => Happening::Reaped { task: name, by: None, status, usage: noticeable(0) },
                (_, None) => Happening::Gone(name),
            });
        }
    }

    /// What an exit of `actor` with `own` came to: the status of the process where it shows, the thread's own
    /// where it does not.
    fn decided(&self, actor: Name, own: WaitStatus) -> WaitStatus {
        let dead = self.seen(actor).filter(|seen| seen.is_dead()).and_then(|seen| seen.stat);
        dead.and_then(|stat| WaitStatus::from_raw(stat.exit_code)).unwrap_or(own)
    }

    fn take_returned(&mut self, waiter: Name) -> Option<Reply> {
        let at = self.returned.iter().position(|&(name, _)| name == waiter)?;
        Some(self.returned.remove(at).1)
    }
}

/// Whether the puppets need this signal themselves.
fn is_own(signal: Signal) -> bool {
    orders::OWN_SIGNALS & 1 << (signal.number() - 1) != 0
}

/// The number that a pidfd is for: outside of the namespace, and inside.
fn numbers(pidfd: &OwnedFd) -> Result<(Pid, u32), String> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let info = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = info.lines().find_map(|line| line.strip_prefix("NSpid:")).ok_or("a pidfd without a number")?;
    let numbers: Vec<i32> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    match (numbers.first().and_then(|&outside| Pid::from_raw(outside)), numbers.last()) {
        (Some(outside), Some(&inside)) if numbers.len() > 1 => Ok((outside, inside as u32)),
        _ => Err(format!("a pidfd for{line}")),
    }
}

fn thread_pidfd(pid: Pid) -> Result<OwnedFd, String> {
    // PIDFD_THREAD is the number of O_EXCL.
    let flags = PidfdFlags::from_bits_retain(0o200);
    pidfd_open(pid, flags).map_err(|error| format!("pidfd_open: {error}"))
}

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

impl Subject for OnKernel<'_> {
    fn title(&self) -> &'static str {
        "kernel"
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn refuses(&self, statement: &Statement) -> Option<&'static str> {
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

    fn perform(&mut self, statement: &Statement) -> Reply {
        if self.trouble.is_some() || self.is_over {
            return Reply::Failed(Errno::E_STATE);
        }
        self.carry_out(statement).unwrap_or_else(|trouble| {
            self.trouble = Some(trouble);
            Reply::Failed(Errno::E_STATE)
        })
    }

    fn happenings(&mut self) -> Vec<Happening> {
        core::mem::take(&mut self.happenings)
    }

    fn woken(&mut self) -> Vec<Name> {
        self.returned.iter().map(|&(name, _)| name).collect()
    }

    fn look_again(&mut self, waiter: Name) -> Reply {
        self.take_returned(waiter).unwrap_or(Reply::Blocks)
    }

    fn observe(&self, task: Name) -> Option<Sight> {
        let seen = self.seen(task)?;
        let Seen { status, stat, .. } = seen;
        let number = |number: u32| self.cast.by_number(number);
        let leader = number(status.tgid).and_then(|leader| self.seen(leader)?.stat);
        let children = self.cast.all().iter().zip(&self.picture).filter_map(|(player, other)| {
            let other = other.as_ref()?;
            (player.tgid == status.tgid).then_some(&other.children)
        });
        Some(Sight {
            state: if status.state == 'Z' { SightState::Zombie } else { SightState::Running },
            leader: number(status.tgid)?,
            parent: number(status.ppid),
            group: number(status.pgid),
            session: number(status.sid),
            uid: status.uid,
            threads: status.threads,
            status: stat.filter(|_| seen.is_dead()).and_then(|stat| WaitStatus::from_raw(stat.exit_code)),
            children: children.flatten().filter_map(|&child| self.cast.holder(child)).collect(),
            children_usage: noticeable(leader.map_or(0, |stat| stat.children_utime_ticks * TICK_NS)),
            subreaper: false,
            pdeathsig: None,
            sigchld: Sigchld {
                ignore: status.ignored & 1 << (Signal::SIGCHLD.number() - 1) != 0,
                ..Sigchld::default()
            },
            job: JobSight {
                halt: match status.state {
                    'T' => Halt::Stopped,
                    't' => Halt::Traced,
                    'D' => Halt::Asleep,
                    _ => Halt::None,
                },
                tracer: self.cast.holder(status.tracer),
                pending: SignalSet::from_bits(status.pending),
                shared: SignalSet::from_bits(status.shared),
                blocked: SignalSet::from_bits(status.blocked),
            },
        })
    }
}

impl Drop for OnKernel<'_> {
    fn drop(&mut self) {
        // One who waits for its tracer in the middle of an exit takes no signal: the tracers go first.
        for player in self.cast.all() {
            let _ = pidfd_send_signal(&*player.pidfd, rustix::process::Signal::KILL);
        }
        let closed = self.stage.close(&mut self.namespace);
        self.stage.forget_core();
        if let Err(trouble) = closed {
            eprintln!("scenario: the namespace does not end: {trouble}");
        }
    }
}
