//! Looking at an index: the oldest ready member, a living one, and what their absence proves.

use core::ops::AddAssign;

use crossbeam_epoch::Guard;

use super::fault::{Fault, left_out};
use super::segment::{Ends, Part, Segment};
use super::{Life, Members, ReadyIndex};

/// A member that a scan met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<S> {
    /// The member.
    pub member: u32,
    /// Its word, which named the slot it was met in. A claim is an exchange of this value.
    pub seen: S,
}

/// Members may have been moved past a scan: take a new [`View`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved;

/// What has happened in an index so far, counted: two sums of counters that only ever grow.
///
/// Versions of several indexes may be added: if two sums are equal, so are their parts, and nothing that
/// they count happened between the end of the first collection and the start of the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Counts ready bits set, and segments opened and given up.
    pub ready: u64,
    /// Counts births and moves.
    pub members: u64,
}

impl AddAssign for Version {
    fn add_assign(&mut self, other: Version) {
        self.ready = self.ready.wrapping_add(other.ready);
        self.members = self.members.wrapping_add(other.members);
    }
}

/// One look at an index: its segments, and their roots and ends as they were when it was taken.
///
/// For one index or several that are searched in order, each with a view `v` of its own:
///
/// * **Oldest ready.** The first `Some` of [`v.next_ready`](View::next_ready) over the indexes may be claimed
///   by an exchange of [`Found::seen`]; no member that was ready before the views were taken, and accepted, is
///   older and was passed over. If it fails, or on [`Moved`]: start again.
/// * **None ready, but there are members.** All were `None`; [`first_living`](View::first_living) of some index
///   is `Some`; and *then* the sum of fresh [`Version::ready`]s is what it was in the views. At the instant the
///   living member's word was read, nobody accepted was ready. Else start again.
/// * **No members.** `first_living` was `None` in every index, and *then* the sum of fresh
///   [`Version::members`] is what it was in the views. Else start again.
///
/// A call that starts again does so because another thread's step was completed.
#[derive(Clone, Copy, Debug)]
pub struct View<'g> {
    index: &'g ReadyIndex,
    guard: &'g Guard,
    segments: Option<Segments<'g>>,
}

#[derive(Clone, Copy, Debug)]
struct Segments<'g> {
    cur: &'g Segment,
    old: Option<&'g Segment>,
    root: u32,
    old_root: u32,
    ends: Ends,
}

impl<'g> View<'g> {
    pub(super) fn of(index: &'g ReadyIndex, guard: &'g Guard) -> Self {
        let segments = index.current(guard).map(|cur| {
            let old = ReadyIndex::copied_from(cur, guard);
            // Roots before ends: a move that the root's version covers is below `ends.survivors` then. The
            // other way round, a scan stops short of a member that was moved in between, and sees no change.
            let early = left_out(Fault::EndsBeforeRoots).then(|| cur.ends());
            let (root, old_root) = (cur.root().version(), old.map_or(0, |old| old.root().version()));
            let ends = early.unwrap_or_else(|| cur.ends());
            Segments { cur, old, root, old_root, ends }
        });
        View { index, guard, segments }
    }

    /// What had happened when the view was taken.
    pub fn version(&self) -> Version {
        let Some(Segments { cur, old, root, old_root, ends }) = self.segments else {
            return Version::default();
        };
        // Each segment counts for more than all its counters; an old one given up counts for more than its
        // root ever did. So the sums grow with each step: a segment opened, a copy finished, a bit, an end.
        let number = u64::from(cur.number) << 35;
        let (mut ready, mut members) = (0, 0);
        if !left_out(Fault::NoNumberInReady) {
            ready += number;
        }
        if !left_out(Fault::NoRootInReady) {
            ready += u64::from(root);
        }
        if !left_out(Fault::NoOldInReady) {
            ready += old.map_or(1 << 32, |_| u64::from(old_root));
        }
        if !left_out(Fault::NoNumberInMembers) {
            members += number;
        }
        if !left_out(Fault::NoEndsInMembers) {
            members += u64::from(ends.survivors) + u64::from(ends.births);
        }
        Version { ready, members }
    }

    /// Whether a ready bit is set in one of its segments.
    pub(super) fn has_ready(&self) -> bool {
        self.segments.is_some_and(|Segments { cur, old, .. }| {
            old.is_some_and(|old| old.root().bits() != 0) || cur.root().bits() != 0
        })
    }

    /// Whether nothing at all has happened since the view was taken.
    #[cfg(any(test, loom))]
    pub fn is_current(&self) -> bool {
        self.index.view(self.guard).version() == self.version()
    }

    /// The oldest ready member for which `accept` is true.
    ///
    /// # Errors
    /// [`Moved`]: an older one may have been moved past the scan.
    pub fn next_ready<M: Members>(
        &self,
        members: &M,
        mut accept: impl FnMut(u32, M::Seen) -> bool,
    ) -> Result<Option<Found<M::Seen>>, Moved> {
        let mut found = None;
        if let Some(Segments { cur, old, ends, .. }) = self.segments {
            found = match old {
                None => self.ready_in(cur, 0..ends.births, members, &mut accept),
                Some(old) => self
                    .ready_in(cur, cur.range(Part::Survivors, ends), members, &mut accept)
                    .or_else(|| self.ready_in(old, 0..old.ends().births, members, &mut accept))
                    .or_else(|| self.ready_in(cur, cur.range(Part::Births, ends), members, &mut accept)),
            };
        }
        if self.kept_order() { Ok(found) } else { Err(Moved) }
    }

    /// Whether no ready member can have been moved from where a scan was still to come to where it had been.
    fn kept_order(&self) -> bool {
        let cur = self.index.current(self.guard);
        match self.segments {
            None => cur.is_none(),
            Some(Segments { cur: seen, old, root, .. }) => {
                // A move into a newer segment; a move of a ready member into this one, which sets its bit.
                (cur.is_some_and(|cur| core::ptr::eq(cur, seen)) || left_out(Fault::NoCurInOrder))
                    && (old.is_none() || seen.root().version() == root || left_out(Fault::NoRootInOrder))
            }
        }
    }

    fn ready_in<M: Members>(
        &self,
        segment: &Segment,
        range: core::ops::Range<u32>,
        members: &M,
        accept: &mut impl FnMut(u32, M::Seen) -> bool,
    ) -> Option<Found<M::Seen>> {
        let mut from = range.start;
        while let Some(position) = segment.next_ready(from, range.end) {
            from = position + 1;
            let member = segment.member(position);
            if member == 0 {
                // Below the ends, and a bit is set after the slot was filled: it was emptied, for good.
                segment.clear_bit(position);
            } else if let Some(seen) = self.settle(segment, position, member, members)
                && M::life(seen) == Life::Ready
                && accept(member, seen)
            {
                return Some(Found { member, seen });
            }
        }
        None
    }

    /// The oldest living member, ready or not, for which `accept` is true.
    ///
    /// `accept` sees the living in order; refusing all visits all of them: nobody is missed if
    /// [`Version::members`] has not changed in the end, or there was no appender any more from the start.
    /// Repeated calls do not look again at slots before the oldest living member.
    pub fn first_living<M: Members>(
        &self,
        members: &M,
        mut accept: impl FnMut(u32, M::Seen) -> bool,
    ) -> Option<Found<M::Seen>> {
        let Segments { cur, old, ends, .. } = self.segments?;
        self.living_in(cur, Part::Survivors, ends, members, &mut accept)
            .or_else(|| {
                let old = old?;
                let ends = old.ends();
                self.living_in(old, Part::Survivors, ends, members, &mut accept)
                    .or_else(|| self.living_in(old, Part::Births, ends, members, &mut accept))
            })
            .or_else(|| self.living_in(cur, Part::Births, ends, members, &mut accept))
    }

    fn living_in<M: Members>(
        &self,
        segment: &Segment,
        part: Part,
        ends: Ends,
        members: &M,
        accept: &mut impl FnMut(u32, M::Seen) -> bool,
    ) -> Option<Found<M::Seen>> {
        let range = segment.range(part, ends);
        let low = segment.low(part);
        let mut living_below = false;
        for position in low..range.end {
            let member = segment.member(position);
            if member == 0 {
                continue;
            }
            let Some(seen) = self.settle(segment, position, member, members) else {
                continue;
            };
            if !living_below && position > low {
                segment.raise_low(part, position);
            }
            living_below = true;
            if accept(member, seen) {
                return Some(Found { member, seen });
            }
        }
        if !living_below && low < range.end {
            segment.raise_low(part, range.end);
        }
        None
    }

    /// The word of `member`, if `position` speaks for it in the end: one that is gone is cleared, one that
    /// is announced there but not yet committed is committed.
    fn settle<M: Members>(&self, segment: &Segment, position: u32, member: u32, members: &M) -> Option<M::Seen> {
        let seen = members.look(member);
        if M::life(seen) == Life::Gone {
            segment.clear(position, member);
            return None;
        }
        if M::slot(seen) == segment.slot(position) {
            return Some(seen);
        }
        let Segments { cur, old, .. } = self.segments?;
        let announced = core::ptr::eq(segment, cur) && old?.position(M::slot(seen)).is_some();
        if !announced || left_out(Fault::NoHelp) {
            return None;
        }
        ReadyIndex::commit(segment, position, member, seen, members)
    }
}
