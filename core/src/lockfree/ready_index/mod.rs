//! The birth-ordered index of waitable members.
//!
//! A member is a `u32` (0 is nobody); the index knows where it was appended and whether it is *ready*,
//! and finds the oldest ready one without looking at the others. Members are appended by **one thread
//! at a time**; any number of threads set ready bits, scan and clear beside it, and no thread ever waits
//! for another.
//!
//! # Slots and words
//!
//! An appended member gets a *slot*: a 28-bit number, in birth order, wrapping, not given out again while
//! anyone who could remember it is pinned. The truth about a member is its own word, which the index sees
//! through [`Members`]: **a slot speaks for a member only if the member's word names that slot and the
//! member is not [`Life::Gone`]**. All the index holds is a superset of that, which readers validate. The
//! one compare covers members that were reaped, members that were moved and moves half done.
//!
//! # Copy on full
//!
//! The slots live in a [segment](segment::Segment): an append-only array of members under a tree of ready
//! bits. When it is full, the appender opens one with room for three times the survivors, in which the
//! first `kept` slots are reserved for them, and births go behind. Each later append moves two survivors,
//! oldest first, until the old segment is empty and is freed by epoch. There are never more than two, and
//! the order is always `new[..kept]`, then `old`, then `new[kept..]`. A move of one member goes
//!
//! 1. *announce*: the reserved slot names the member, and the segment's `ends` cover the slot;
//! 2. *ready*: if the member is ready, the new slot's ready bit is set, on every level;
//! 3. *commit*: the member's word names the new slot, by compare-exchange;
//! 4. *clear* the old slot: ready bit, then member.
//!
//! Whoever meets an announced member that is not yet committed does steps 2 and 3 itself
//! ([`View`]), so nobody has to remember such members or wait for the mover.
//!
//! # What a scan may conclude
//!
//! [`View`] has the protocol for "the oldest ready member", "there are members, none is ready" and "there
//! are no members", over one index or several.
//!
//! Guards must come from the collector that the index's appender uses: that is what keeps a segment that
//! a reader looks at.

mod fault;
mod index;
mod node;
mod scan;
mod segment;
#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(loom)]
pub use fault::{Edge, Fault, Knobs, set_knobs};
#[cfg(any(test, loom))]
pub use index::NoRoom;
pub use index::ReadyIndex;
#[cfg(any(test, loom))]
pub use scan::{Found, Moved};
pub use scan::{Version, View};

/// Slot numbers have this many bits and wrap.
pub const SLOT_BITS: u32 = 28;

/// What a member's word says about the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Living, and nothing to wait for yet.
    Pending,
    /// There is something to wait for. Never goes back to `Pending`.
    Ready,
    /// Not a member any more, for good: no slot speaks for it.
    Gone,
}

/// The members' own words.
///
/// The implementation owns the edge `member-word`: every exchange on a word is AcqRel, every look is
/// Acquire. A member number is not used for another member while anyone is pinned who was pinned when the
/// first one's slot was [cleared](ReadyIndex::clear).
pub trait Members {
    /// One value of a member's word.
    type Seen: Copy + Eq;

    /// Reads the word of `member`, Acquire.
    fn look(&self, member: u32) -> Self::Seen;

    /// The slot the word names.
    fn slot(seen: Self::Seen) -> u32;

    /// The state the word tells.
    fn life(seen: Self::Seen) -> Life;

    /// Makes the word name `slot` and changes nothing else: one compare-exchange of `seen`, AcqRel.
    ///
    /// # Errors
    /// What the word is instead (Acquire), if it is not `seen`.
    fn reslot(&self, member: u32, seen: Self::Seen, slot: u32) -> Result<(), Self::Seen>;
}
