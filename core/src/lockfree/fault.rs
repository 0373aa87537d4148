//! Deliberate mistakes, for models only: each is a line of a protocol left out, and a model must fail
//! when it is. A model that passes with its fault switched on does not test that line.

use core::cell::Cell;

/// What to do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The generation changes when a record is allocated again, not when it is retired.
    GenerationBumpedLate,
    /// A retired record goes to the free list at once.
    RecycledAtOnce,
    /// A seat is given back without Release.
    SeatReleasedRelaxed,
    /// Whoever unlinks the first node of a chain does not count it.
    UnlinkNotCounted,
    /// The last node of a chain may be removed before the chain was spliced.
    LastNodeRemovable,
    /// A walk follows the link of a splice that has not happened yet.
    PendingLinkFollowed,
    /// A process ID is checked but not claimed before it is checked.
    NumberCheckedFirst,
    /// A process ID is claimed by a load and a store.
    NumberNotClaimed,
    /// Of a striped count, joins are read before leaves.
    JoinsReadFirst,
}

std::thread_local! {
    // loom runs all threads of a model on the host thread that called it.
    static FAULT: Cell<Fault> = const { Cell::new(Fault::None) };
}

/// Chooses the mistake in the models that this host thread runs from now on.
pub fn set(fault: Fault) {
    FAULT.with(|cell| cell.set(fault));
}

/// Is this the chosen mistake?
pub fn is(fault: Fault) -> bool {
    FAULT.with(Cell::get) == fault
}
