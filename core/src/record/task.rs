//! A task: one thread, from clone(2) to its release.

use crate::record::fault::{Edge, Fault, left_out, order};
use crate::record::job_word::StoppedAt;
use crate::record::value::{Value32, Value64};
use crate::record::waiter::Waiter;
use crate::sync::{AtomicU32, Ordering::*};
use crate::uapi::{Signal, SignalSet};

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stage {
    /// Cloned, not committed: nobody but the caller of clone knows it.
    Embryo = 1,
    /// Being committed or aborted.
    Committing = 2,
    /// Alive.
    Running = 3,
    /// Past `exit_begin` (`PF_EXITING`).
    Initiated = 4,
    /// A dead leader, until its process is reaped.
    Zombie = 5,
    /// Released.
    Dead = 6,
}

/// In `attention`: the host does not tell when the task looks for signals.
const UNKNOWN: u32 = 0;
/// In `attention`: the task has looked, and nothing has come since.
const LOOKED: u32 = 1;
/// In `attention`: it has been asked to look (`TIF_SIGPENDING`).
const SIGNALLED: u32 = 2;

/// One thread. `task_struct`, as far as its family is concerned.
#[derive(Debug)]
pub struct Task {
    stage: AtomicU32,
    /// Whether one of the task's own calls is under way.
    busy: AtomicU32,
    /// Its thread group.
    pub group: Value32,
    /// Its thread ID.
    pub tid: Value32,
    /// The how-manieth thread of its group it is: Linux's thread-list order.
    pub ordinal: Value32,
    /// Its place in the group's roster.
    pub place: Value32,
    /// The brood that takes the children it bears; 0 for none yet.
    pub brood: Value32,
    /// Counts the broods that came to it from elsewhere.
    pub inheritances: Value32,
    /// The signal it is sent when its parent thread dies; 0 for none.
    pdeathsig: AtomicU32,
    /// The embryo that it is about to bear, as handle bits; 0 for none. One at a time.
    pub embryo: Value64,
    /// The status it exits with, once it has begun to.
    pub status: Value32,
    /// The task that cloned it, as handle bits, until it is committed.
    pub creator: Value64,
    /// The host's cookie.
    pub cookie: Value64,
    /// The signals it blocks.
    mask: Value64,
    /// Whether it has been asked to take a signal and has not looked since.
    attention: Value32,
    /// When it stopped, as a number.
    stopped_at: Value32,
    /// A child that one of its waits took long to find alive, as index and generation of the record; 0 for none. Its own.
    pub known_child: Value64,
    /// Its armed wait.
    pub waiter: Waiter,
}

/// The new life of a task record.
#[derive(Clone, Copy, Debug)]
pub struct NewTask {
    /// Its thread group.
    pub group: u32,
    /// Its thread ID.
    pub tid: u32,
    /// Its thread-list number.
    pub ordinal: u32,
    /// Its place in the roster.
    pub place: u32,
    /// Who cloned it, as handle bits.
    pub creator: u64,
    /// The host's cookie.
    pub cookie: u64,
    /// The signals it blocks.
    pub mask: SignalSet,
}

impl Task {
    /// A record that is nobody's.
    pub fn new() -> Self {
        Task {
            stage: AtomicU32::new(Stage::Dead as u32),
            busy: AtomicU32::new(0),
            group: Value32::new(),
            tid: Value32::new(),
            ordinal: Value32::new(),
            place: Value32::new(),
            brood: Value32::new(),
            inheritances: Value32::new(),
            pdeathsig: AtomicU32::new(0),
            embryo: Value64::new(),
            status: Value32::new(),
            creator: Value64::new(),
            cookie: Value64::new(),
            mask: Value64::new(),
            attention: Value32::new(),
            stopped_at: Value32::new(),
            known_child: Value64::new(),
            waiter: Waiter::default(),
        }
    }

    /// Begins a new life as an embryo. Nobody knows it yet.
    pub fn begin(&self, new: NewTask) {
        // Ordering: Relaxed, and Release for the stage, edge `task-stage`: who sees the embryo, or any
        // later stage, sees the identity that is fixed here.
        self.group.set(new.group);
        self.tid.set(new.tid);
        self.ordinal.set(new.ordinal);
        self.place.set(new.place);
        self.embryo.set(0);
        self.status.set(0);
        self.waiter.disarm();
        self.creator.set(new.creator);
        self.cookie.set(new.cookie);
        self.mask.set(new.mask.bits());
        self.attention.set(UNKNOWN);
        self.stopped_at.set(0);
        self.known_child.set(0);
        self.brood.set(0);
        self.inheritances.set(0);
        self.pdeathsig.store(0, Relaxed);
        self.busy.store(0, Relaxed);
        self.stage.store(Stage::Embryo as u32, order(Edge::StageBegun, Release));
    }

    /// How far it has come.
    #[inline]
    pub fn stage(&self) -> Stage {
        // Ordering: Acquire, edge `task-stage`.
        match self.stage.load(order(Edge::StageRead, Acquire)) {
            1 => Stage::Embryo,
            2 => Stage::Committing,
            3 => Stage::Running,
            4 => Stage::Initiated,
            5 => Stage::Zombie,
            _ => Stage::Dead,
        }
    }

    /// May others know of it?
    #[inline]
    pub fn is_visible(&self) -> bool {
        matches!(self.stage(), Stage::Running | Stage::Initiated | Stage::Zombie)
    }

    /// Goes from one stage to the next. `false`: it was not at `from`.
    #[inline]
    pub fn advance(&self, from: Stage, to: Stage) -> bool {
        // Ordering: AcqRel, edge `task-stage`.
        let success = order(Edge::StageAdvanced, AcqRel);
        self.stage.compare_exchange(from as u32, to as u32, success, Relaxed).is_ok()
    }

    /// Goes on to a stage that only the caller can take it to: it made the last step, or has the task's
    /// last turn, and nobody else steps from there.
    #[inline]
    pub fn go_on(&self, to: Stage) {
        // Ordering: Release, edge `task-stage`.
        self.stage.store(to as u32, order(Edge::StageGoneOn, Release));
    }

    /// Takes the task's turn for one of its own calls: clone, exec and exit are made by one thread at a
    /// time. Nobody waits for a turn: a second call is the host's mistake and is refused.
    #[inline]
    pub fn take_turn(&self) -> Option<Turn<'_>> {
        // Ordering: Acquire here and Release in `drop`, edge `own-call`: the next call of the task sees
        // what the last one left in its owner-only fields.
        if left_out(Fault::OneTurn) {
            return Some(Turn(self));
        }
        self.busy.compare_exchange(0, 1, order(Edge::TurnTaken, Acquire), Relaxed).ok().map(|_| Turn(self))
    }

    /// The signals it blocks.
    pub fn mask(&self) -> SignalSet {
        SignalSet::from_bits(self.mask.get())
    }

    /// sigprocmask(2).
    pub fn set_mask(&self, mask: SignalSet) {
        self.mask.set(mask.minus(SignalSet::UNBLOCKABLE).bits());
    }

    /// Has it been asked to take a signal, and not looked since?
    pub fn is_signalled(&self) -> bool {
        self.attention.get() == SIGNALLED
    }

    /// It is asked to take a signal.
    pub fn be_signalled(&self) {
        // Not written without need: many may tell one parent of their deaths.
        if self.attention.get() == LOOKED {
            self.attention.set(SIGNALLED);
        }
    }

    /// It looks for signals now.
    pub fn look_for_signals(&self) {
        if self.attention.get() != LOOKED {
            self.attention.set(LOOKED);
        }
    }

    /// When it stopped, if it has. Written by its own calls.
    pub fn stopped_at(&self) -> StoppedAt {
        StoppedAt::from_number(self.stopped_at.get())
    }

    /// It has stopped, or runs.
    pub fn set_stopped_at(&self, at: StoppedAt) {
        self.stopped_at.set(at.number());
    }

    /// Of a thread that stopped then: it goes on. One that has stopped again meanwhile does not.
    pub fn forget_stop(&self, at: StoppedAt) {
        if at != StoppedAt::NOT {
            self.stopped_at.replace(at.number(), StoppedAt::NOT.number());
        }
    }

    /// The signal it is sent when its parent thread dies.
    #[inline]
    pub fn pdeathsig(&self) -> Option<Signal> {
        Signal::new(self.pdeathsig.load(Relaxed))
    }

    /// prctl(2) `PR_SET_PDEATHSIG`.
    pub fn set_pdeathsig(&self, signal: Option<Signal>) {
        self.pdeathsig.store(signal.map_or(0, Signal::number), Relaxed);
    }
}

impl Default for Task {
    fn default() -> Self {
        Self::new()
    }
}

/// One of a task's own calls is under way.
#[derive(Debug)]
pub struct Turn<'a>(&'a Task);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.busy.store(0, order(Edge::TurnReturned, Release));
    }
}
