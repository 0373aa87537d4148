//! The faults of the index: see [`crate::fault`]; and its sizes, which a model may choose.

pub(super) use crate::fault::{left_out, order};

/// A step of the protocol that a model can leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The mover commits before it publishes the `ends` that cover the new slot.
    CommitBeforeEnds,
    /// The mover sets the ready bit of a member after the commit.
    ReadyAfterCommit,
    /// The mover does not set the ready bit of a ready member at all.
    NoReadyOnMove,
    /// The mover clears the old slot before the commit.
    ClearBeforeCommit,
    /// A reader skips an announced member instead of helping.
    NoHelp,
    /// Ready bits are looked for in the current segment only.
    NoLocateInOld,
    /// A scan does not compare the current segment before it answers.
    NoCurInOrder,
    /// A scan does not compare the root before it answers.
    NoRootInOrder,
    /// A view reads `ends` before the roots.
    EndsBeforeRoots,
    /// The version for "none is ready" leaves out the number of the segment.
    NoNumberInReady,
    /// The version for "none is ready" leaves out the current root.
    NoRootInReady,
    /// The version for "none is ready" leaves out the root of the old segment.
    NoOldInReady,
    /// The version for "no members" leaves out the number of the segment.
    NoNumberInMembers,
    /// The version for "no members" leaves out the `ends`.
    NoEndsInMembers,
    /// Setting a ready bit stops at the first level that has it already.
    StopAtSetBit,
    /// A stale summary bit is taken away without comparing the version.
    CleanAnyVersion,
}

/// One end of an edge of `docs/orderings.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// `ready-bit`, setting one.
    ReadyBitSet,
    /// `ready-bit`, taking one away.
    ReadyBitCleared,
    /// `ready-bit`, taking a stale one away.
    ReadyBitCleaned,
    /// `ready-bit`, reading a node.
    ReadyBitRead,
    /// `slot-member`, naming one.
    MemberStored,
    /// `slot-member`, clearing one.
    MemberCleared,
    /// `slot-member`, reading one.
    MemberRead,
    /// `segment-ends`, publishing them.
    EndsStored,
    /// `segment-ends`, reading them.
    EndsRead,
    /// `segment-opened`, publishing one.
    CurStored,
    /// `segment-opened`, reading it.
    CurRead,
    /// `copy-finished`, telling it.
    OldStored,
    /// `copy-finished`, reading it.
    OldRead,
    /// `low-hint`, raising one.
    HintRaised,
    /// `low-hint`, reading it.
    HintRead,
}

crate::fault::switches!(Fault, Edge);

#[cfg(not(loom))]
mod knobs {
    /// Ready bits to a node, as a power of two.
    pub(in super::super) const fn width_bits() -> u32 {
        5
    }

    /// Slots of the first segment of an index.
    pub(in super::super) const fn first_slots() -> u32 {
        8
    }
}

#[cfg(loom)]
mod knobs {
    /// What a model runs with.
    #[derive(Clone, Copy, Debug)]
    pub struct Knobs {
        /// Ready bits to a node, as a power of two: small ones make trees of several levels.
        pub width_bits: u32,
        /// Slots of the first segment of an index.
        pub first_slots: u32,
    }

    std::thread_local! {
        static KNOBS: core::cell::Cell<Knobs> =
            const { core::cell::Cell::new(Knobs { width_bits: 5, first_slots: 8 }) };
    }

    /// Chooses what the models that this host thread runs from now on run with.
    pub fn set_knobs(knobs: Knobs) {
        KNOBS.set(knobs);
    }

    pub(in super::super) fn width_bits() -> u32 {
        KNOBS.get().width_bits
    }

    pub(in super::super) fn first_slots() -> u32 {
        KNOBS.get().first_slots
    }
}

#[cfg(loom)]
pub use knobs::{Knobs, set_knobs};
pub(super) use knobs::{first_slots, width_bits};
