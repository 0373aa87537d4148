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
//! | `births`  | clone(2) and execve(2) |
//! | `told`    | what has happened, told from two looks |
//! | `refusals` | what puppets cannot do |
//! | `watch`   | ends what hangs |
//!
//! The only unsafe code of the package is here: one mapping, and the puppet.

mod births;
mod cast;
#[allow(missing_docs)] // Written for the puppet, which has no documentation of its own.
mod layout;
mod orders;
mod proc;
mod refusals;
mod settle;
mod shared;
mod stage;
mod told;
mod watch;

use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use ptexit_core::uapi::{Errno, Signal, SignalSet, WaitStatus};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, Rlimit, pidfd_send_signal, prlimit};

use self::births::{numbers, thread_pidfd};
use self::cast::{Cast, Player};
use self::orders::{Deed, noticeable};
use self::settle::{Picture, Seen, settle};
pub use self::stage::Stage;
use self::stage::{INIT, Namespace};
pub use self::watch::Watch;
use super::Subject;
use crate::language::{
    Halt, Happening, JobSight, Look, Name, Operation, Profile, Readiness, Reply, Sigchld, Sight, SightState, Statement,
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
        cast.add(Player {
            name: Name::INIT,
            slot: INIT,
            number: 1,
            tid: 1,
            tgid: 1,
            pidfd,
            thread_pidfd,
            is_replaced: false,
        });
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
            Ok(Deed::Look(name)) => match self.cast.get(name).and_then(|it| self.observe(self.cast.holder(it.number)?))
            {
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

impl Subject for OnKernel<'_> {
    fn title(&self) -> &'static str {
        "kernel"
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn refuses(&self, statement: &Statement) -> Option<&'static str> {
        self.why_not(statement)
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
