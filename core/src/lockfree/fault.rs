//! The faults of `lockfree`: see [`crate::fault`].

pub(crate) use crate::fault::{left_out, order};

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
    /// Who takes away the last but one thing that goes by a number fences before it looks for the last.
    FenceBeforeSettling,
    /// That a number is free is told by an exchange.
    SettledByExchange,
    /// A roster with a block says so.
    GrownTold,
    /// Of a striped count, joins are read before leaves.
    LeavesReadFirst,
    /// A word of a queue that names a node is changed without being counted.
    ChangesCounted,
    /// A pusher takes the link it has read for that of the last node.
    TailReadAgain,
    /// A popper takes a queue to be empty whose `tail` has been left behind.
    PopMovesTail,
    /// A node of a tree of minima is tried to be made anew a second time.
    SecondRefresh,
    /// Such a node is read before what is below it.
    NodeBeforeBelow,
    /// What is found under the smallest key is compared with it.
    FoundCompared,
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
    /// `roster-show`, showing a member.
    MemberShown,
    /// `roster-show`, finding it.
    MemberFound,
    /// `roster-show`, telling that there is a block.
    GrownTold,
    /// `roster-show`, asking.
    GrownRead,
    /// `stripe-count`, joining.
    StripeJoined,
    /// `stripe-count`, summing up.
    StripeSummed,
    /// `min-node`, reading one.
    MinRead,
    /// `min-node`, the exchange before what is below is read.
    MinAnnounced,
    /// `min-node`, the exchange after.
    MinChanged,
}

crate::fault::switches!(Fault, Edge);
