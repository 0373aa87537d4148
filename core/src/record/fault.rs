//! The faults of the records and the protocols: see [`crate::fault`].

pub(crate) use crate::fault::{left_out, order};

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
    /// A process that starts to keep its tree fences before it looks through its broods.
    FenceAfterKeeping,
    /// Who tells of a zombie updates the tree of its parent before.
    UpdatedBeforeTold,
    /// A wait that has found nothing compares the root of the tree.
    RootCompared,
    /// A reported zombie that stays is in the tree before.
    UpdatedBeforePeek,
    /// A zombie is in the tree before its word names the new parent.
    UpdatedBeforeReparent,
    /// A brood belongs to a process when it hangs in its chain, not when it is addressed.
    ArrivedInChain,
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
    /// A new thread looks once more whether its group is exiting.
    LookAfterJoin,
    /// A group exit is fenced from the look through the threads.
    FenceBeforeThreads,
    /// A birth is fenced from the look whether init has died.
    FenceAfterBirth,
    /// A birth looks once more whether init has died.
    LookAfterBirth,
    /// Init's death is fenced from the sweep through the tasks.
    FenceBeforeSweep,
    /// A zombie that is handed over wakes the waits of its new parent.
    InheritedZombieWakes,
    /// Who asks for the parent-death signal is fenced from its next look at its parent.
    FenceAfterAsking,
    /// Children are handed over before the look who has asked for the parent-death signal.
    FenceBeforeTelling,
    /// The parent-death signal comes after the children were handed over.
    ToldAfterHandOver,
    /// A thread hands on what it leaves before it counts itself off.
    LeftBeforeFinished,
    /// A thread that dies while all its siblings are exiting leaves it to the last one to tell its children.
    ToldByTheLast,
    /// One thread at a time makes calls of a task's own.
    OneTurn,
    /// A leader's stage is Zombie before its process can be waited for.
    StageBeforeZombie,
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
    /// `task-stage`, each later one that is contended.
    StageAdvanced,
    /// `task-stage`, each later one that only one thread can take.
    StageGoneOn,
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
    /// `ready-broods`, going on to the next stage.
    ReadyBroodsChanged,
    /// `ready-broods`, reading it.
    ReadyBroodsRead,
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

crate::fault::switches!(Fault, Edge);

/// With more broods than this, a process asks a tree which of them to look at.
#[cfg(not(loom))]
pub(crate) const fn many() -> usize {
    8
}

#[cfg(loom)]
std::thread_local! {
    // loom runs all threads of a model on the host thread that called it.
    static MANY: core::cell::Cell<usize> = const { core::cell::Cell::new(8) };
}

/// Chooses how many broods are many for the models that this host thread runs from now on.
#[cfg(loom)]
pub fn set_many(many: usize) {
    MANY.with(|cell| cell.set(many));
}

/// With more broods than this, a process asks a tree which of them to look at.
#[cfg(loom)]
pub(crate) fn many() -> usize {
    MANY.with(core::cell::Cell::get)
}
