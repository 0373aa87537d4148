//! Faults to order, for models of the records and the protocols: one step is left out or one ordering
//! relaxed, and the model must fail.
//!
//! As the faults of `lockfree`: a model that passes with a fault does not test the line the fault is about.
//! In a build [`left_out`] is `false` and [`order`] is its argument.

use crate::sync::Ordering;

/// A step that a model can leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The group's status is decided before the flag is raised.
    DecidedBeforeFlag,
    /// The first status stays.
    FirstStatusStays,
    /// "Group empty" is told by the transition that makes it true, not by a look afterwards.
    EmptyInTransition,
    /// "Last to begin its exit" is told by the transition, not by a look afterwards.
    LastInTransition,
    /// "Last to stop" is told by the transition, not by a look afterwards.
    StoppedInTransition,
    /// A report is counted before it is in the child's word.
    ReportCountedBefore,
    /// A stop signal that SIGCONT has overtaken stops nobody.
    StaleTicketRefused,
    /// A waiter fences between showing its wait and its last look.
    FenceAfterArming,
    /// A notifier fences between what it made true and its look for waits.
    FenceBeforeWaking,
    /// A waiter looks once more when its wait is armed.
    LookAfterArming,
    /// A waiter whose wait is armed asks whether it has been made to exit.
    StageAfterArming,
    /// A task that exits fences before it disarms.
    FenceBeforeDisarming,
    /// A child that dies unwaited wakes the waiters too.
    AutoreapWakes,
    /// A child that has left its process group by then wakes who waits for one by group.
    LeftGroupWakes,
    /// A wait tells the signal that is still owed.
    DebtTakenOver,
    /// A wait lets the signal that is being told come to its end.
    TellingAwaited,
    /// Only the transition to `Dead` entitles to report a child.
    ReapedOnce,
    /// The broods of a thread that is exiting are searched like the others.
    BroodsOfDyingSearched,
    /// Broods hang in the reaper's chain before the children's words name the reaper.
    AnnouncedBeforeCommit,
    /// The children are handed over before their dead parent can be waited for.
    BequeathedBeforeZombie,
    /// A searcher that meets a child on its way hands it over.
    SearchersHelp,
    /// A zombie is ready before its word names the new parent.
    ReadyBeforeReparent,
    /// Only the transition that hands a zombie over entitles to tell of it.
    ReparentToldOnce,
    /// A newborn whose parent is dying goes to the reaper.
    ReaperAfterClosed,
    /// Who joins a process group fences before it looks whether the group has ended.
    FenceAfterJoining,
    /// Who ends a process group fences before it counts its members again.
    FenceBeforeCounting,
    /// A new thread is fenced from the look whether its group is exiting.
    FenceAfterJoin,
    /// A group exit is fenced from the look through the threads.
    FenceBeforeThreads,
    /// A birth is fenced from the look whether init has died.
    FenceAfterBirth,
    /// Init's death is fenced from the sweep through the tasks.
    FenceBeforeSweep,
    /// One end of one edge is Relaxed.
    #[cfg(loom)]
    Weak(Edge),
}

/// One end of an edge of `docs/orderings.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// `zombie-publish` and `reparent-commit`, reading the exit word.
    ExitRead,
    /// `zombie-publish` and `reparent-commit`, changing it.
    ExitChanged,
    /// `group-release`, reading the group word.
    GroupRead,
    /// `group-release`, changing it.
    GroupChanged,
    /// `group-code`, reading the job word.
    JobRead,
    /// `group-code`, changing it.
    JobChanged,
    /// `report-made`, counting one.
    ReportMade,
    /// `report-made`, reading the count.
    ReportsRead,
    /// `group-code`, deciding the status.
    StatusDecided,
    /// `group-code`, reading it.
    StatusRead,
    /// `waiter-armed`, arming a wait.
    WaitArmed,
    /// `waiter-armed`, reading it.
    WaitRead,
    /// `waiter-fired`, firing it.
    WaitFired,
    /// `waiter-fired`, disarming it.
    WaitDisarmed,
    /// `task-stage`, the first stage.
    StageBegun,
    /// `task-stage`, each later one.
    StageAdvanced,
    /// `task-stage`, reading it.
    StageRead,
    /// `own-call`, taking the turn.
    TurnTaken,
    /// `own-call`, giving it back.
    TurnReturned,
    /// `brood-sealed`, sealing.
    BroodSealed,
    /// `brood-sealed`, asking.
    SealRead,
    /// `brood-passed`, exchanging a number.
    ValueExchanged,
    /// `group-empty`, the life of a process group.
    LifeChanged,
    /// `group-empty`, reading it.
    LifeRead,
    /// `init-made`, naming init.
    InitNamed,
    /// `init-made`, reading it.
    InitRead,
    /// `namespace-dying`, telling that init has died.
    DyingTold,
    /// `namespace-dying`, asking.
    DyingRead,
}

#[cfg(not(loom))]
mod choice {
    use super::{Edge, Fault, Ordering};

    /// Whether the model leaves this step out.
    #[inline(always)]
    pub(crate) const fn left_out(_: Fault) -> bool {
        false
    }

    /// The ordering this end of an edge has.
    #[inline(always)]
    pub(crate) const fn order(_: Edge, ordering: Ordering) -> Ordering {
        ordering
    }
}

#[cfg(loom)]
mod choice {
    use super::{Edge, Fault, Ordering};
    use core::cell::Cell;

    std::thread_local! {
        // loom runs all threads of a model on the host thread that called it.
        static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// Chooses the fault of the models that this host thread runs from now on.
    pub fn set_fault(fault: Option<Fault>) {
        FAULT.with(|cell| cell.set(fault));
    }

    pub(crate) fn left_out(fault: Fault) -> bool {
        FAULT.with(Cell::get) == Some(fault)
    }

    pub(crate) fn order(edge: Edge, ordering: Ordering) -> Ordering {
        if left_out(Fault::Weak(edge)) { Ordering::Relaxed } else { ordering }
    }
}

#[cfg(loom)]
pub use choice::set_fault;
pub(crate) use choice::{left_out, order};
