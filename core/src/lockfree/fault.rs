//! Faults to order: in a model, one step is left out or one ordering relaxed, and the model must fail.
//!
//! A model that passes with a fault does not test the line the fault is about. In a build [`left_out`] is
//! `false` and [`order`] is its argument.

use crate::sync::Ordering;

/// A step that a model can leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The generation changes when a record is handed out again, not when it is retired.
    GenerationAtRetire,
    /// A retired record goes to the free list at once.
    GracePeriod,
    /// Whoever unlinks the first node of a chain does not count it.
    UnlinkCounted,
    /// The last node of a chain may be removed before the chain was spliced.
    LastNodeKept,
    /// A walker of a closed chain follows the link of a splice that has not happened yet.
    PendingLinkLeft,
    /// A process ID is claimed by a load and a store.
    ClaimedByExchange,
    /// Of a striped count, joins are read before leaves.
    LeavesReadFirst,
    /// A word of a queue that names a node is changed without being counted.
    ChangesCounted,
    /// A pusher takes the link it has read for that of the last node.
    TailReadAgain,
    /// A popper takes a queue to be empty whose `tail` has been left behind.
    PopMovesTail,
    /// One end of one edge is Relaxed.
    #[cfg(loom)]
    Weak(Edge),
}

/// One end of an edge of `docs/orderings.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// `seat-handover`, taking a seat.
    SeatTaken,
    /// `seat-handover`, giving it back.
    SeatReleased,
    /// `slab-publish`, publishing a record.
    RecordPublished,
    /// `slab-publish`, resolving a handle.
    RecordResolved,
    /// `slab-retire`, unpublishing a record.
    RecordRetired,
    /// `slab-return`, returning a batch.
    BatchReturned,
    /// `slab-return`, taking what came back.
    BatchTaken,
    /// `chain-push`, pushing a node.
    NodePushed,
    /// `chain-push`, reading a head to walk.
    HeadWalked,
    /// `chain-push`, `chain-mark` and `chain-pending`, reading a link.
    LinkWalked,
    /// `chain-push` and `chain-stamp`, unlinking the first node.
    FirstUnlinked,
    /// `chain-mark`, removing a node.
    NodeMarked,
    /// `chain-push`, closing.
    ChainClosed,
    /// `chain-push`, splicing.
    ChainSpliced,
    /// `chain-pending`, announcing a splice in the last link.
    PendingStored,
    /// `chain-stamp`, counting an unlinking.
    UnlinkCounted,
    /// `chain-stamp`, reading the count, at the beginning.
    CountReadFirst,
    /// `chain-stamp`, reading the head, at the beginning.
    HeadReadFirst,
    /// `chain-stamp`, reading the head, at the end.
    HeadReadLast,
    /// `pid-publish`, publishing a task.
    PidPublished,
    /// `pid-publish`, looking a number up.
    PidLookedUp,
    /// `pid-free`, giving a number back.
    PidReleased,
    /// `pid-free`, claiming a number.
    PidClaimed,
    /// `pid-pgrp`, naming a process group.
    PgrpNamed,
    /// `pid-pgrp`, finding it.
    PgrpFound,
    /// `queue-link`, putting a value in.
    NodeLinked,
    /// `queue-link` and `queue-reuse`, reading a link.
    LinkRead,
    /// `queue-reuse`, beginning another use of a node.
    NodeReused,
    /// `queue-tail`, moving it.
    TailMoved,
    /// `queue-tail`, reading it.
    TailRead,
    /// `queue-head`, taking a value.
    QueueHeadMoved,
    /// `queue-head`, reading it.
    QueueHeadRead,
    /// `queue-free`, giving a node back.
    NodeFreed,
    /// `queue-free`, taking one.
    FreeNodeTaken,
    /// `stripe-count`, joining.
    StripeJoined,
    /// `stripe-count`, summing up.
    StripeSummed,
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
