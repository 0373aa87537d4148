//! The index: appending, moving survivors, ready bits by slot.

use core::ptr::null_mut;

use crossbeam_epoch::Guard;

use super::fault::{Edge, Fault, first_slots, left_out, order};
use super::segment::{Ends, MAX_SLOTS, Segment};
use super::{Life, Members, View};
use crate::sync::AtomicPtr;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// Survivors moved by one append while a copy is under way.
const MOVES_PER_APPEND: u32 = 2;

/// There is no memory, or are no slot numbers, for the births that were to be reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

/// A birth-ordered index of waitable members; see the [module](super).
///
/// An empty index is one pointer and allocates nothing.
#[derive(Debug)]
pub struct ReadyIndex {
    cur: AtomicPtr<Segment>,
}

impl Default for ReadyIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl ReadyIndex {
    /// An empty index.
    pub fn new() -> Self {
        ReadyIndex { cur: AtomicPtr::new(null_mut()) }
    }

    /// An empty index whose slot numbers start at `slot`: the wrap is closer.
    #[cfg(any(test, loom))]
    pub fn starting_at(slot: u32) -> Self {
        ReadyIndex { cur: AtomicPtr::new(Segment::open(1, slot, first_slots(), 0, null_mut())) }
    }

    /// The segment that takes births.
    pub(super) fn current<'g>(&self, _guard: &'g Guard) -> Option<&'g Segment> {
        // Ordering: Acquire, edge `segment-opened`: the segment's own contents, and those of the old one.
        // SAFETY: a segment found here is retired only after it was replaced, so not before `_guard` unpins.
        unsafe { self.cur.load(order(Edge::CurRead, Acquire)).as_ref() }
    }

    /// The segment being copied from into `segment`.
    pub(super) fn copied_from<'g>(segment: &Segment, _guard: &'g Guard) -> Option<&'g Segment> {
        // SAFETY: found through `segment`, which the guard keeps; it is retired only after it was forgotten.
        unsafe { segment.old().as_ref() }
    }

    /// Makes sure that the next `births` appends cannot fail. All allocation happens here.
    ///
    /// Only the appender may call this, as [`unreserve`](Self::unreserve) and [`append`](Self::append): the
    /// caller sees to it that there is one at a time, and that each synchronises with the one before. Two at
    /// once lose members; they cannot make the index unsound.
    ///
    /// # Errors
    /// [`NoRoom`], and nothing has changed but that a copy under way was finished.
    pub fn reserve<M: Members>(&self, guard: &Guard, members: &M, births: u32) -> Result<(), NoRoom> {
        let Some(full) = self.current(guard) else {
            return self.open(None, 0, births, guard);
        };
        let reserved = full.reserved.load(Relaxed).checked_add(births).ok_or(NoRoom)?;
        if reserved <= full.slots - full.own_ends().births {
            full.reserved.store(reserved, Relaxed);
            return Ok(());
        }
        while Self::move_one(full, guard, members) {}
        self.open(Some(full), full.occupied(), reserved, guard)
    }

    /// Opens a segment for the `kept` survivors of `full` and for births.
    fn open(&self, full: Option<&Segment>, kept: u32, births: u32, guard: &Guard) -> Result<(), NoRoom> {
        let needed = kept.checked_add(births).filter(|slots| *slots <= MAX_SLOTS).ok_or(NoRoom)?;
        // Three times the survivors make a move for every two births. With few survivors, each segment is
        // twice the last until it fills one node: one that appends a lot allocates rarely, one that appends
        // once stays small.
        let grown = full.map_or(first_slots(), |full| (full.slots * 2).min(first_slots() * 4));
        let slots = kept.saturating_mul(3).max(grown).min(MAX_SLOTS).max(needed);
        let (number, base) = full.map_or((1, 0), |full| (full.number.wrapping_add(1), full.slot(full.slots)));
        let full: *mut Segment = full.map_or(null_mut(), |full| core::ptr::from_ref(full).cast_mut());
        let segment = Segment::open(number, base, slots, kept, if kept == 0 { null_mut() } else { full });
        // SAFETY: null, or opened above and not yet shared.
        let Some(opened) = (unsafe { segment.as_ref() }) else {
            return Err(NoRoom);
        };
        opened.reserved.store(births, Relaxed);
        // Ordering: Release, edge `segment-opened`: the segment as it was filled in above.
        //   Weaker: a reader sees a segment that is not there yet.
        self.cur.store(segment, order(Edge::CurStored, Release));
        if kept == 0 && !full.is_null() {
            // SAFETY: the store above unlinked it: nothing leads to it any more, and it is retired once, by
            // the appender, who opened it.
            unsafe { Segment::retire(full, guard) };
        }
        Ok(())
    }

    /// Gives back `births` reserved ones.
    pub fn unreserve(&self, guard: &Guard, births: u32) {
        if let Some(cur) = self.current(guard) {
            let reserved = cur.reserved.load(Relaxed);
            debug_assert!(births <= reserved);
            cur.reserved.store(reserved.saturating_sub(births), Relaxed);
        }
    }

    /// Appends `member` as the youngest, and moves two survivors if a copy is under way.
    ///
    /// `init` gets the slot, and makes the member's word name it. Until `append` has returned, nobody else
    /// may make the member ready or gone.
    ///
    /// # Panics
    /// Without a [reservation](Self::reserve) that covers it, or for member 0.
    pub fn append<M: Members>(&self, guard: &Guard, members: &M, member: u32, init: impl FnOnce(u32)) {
        let cur = self.current(guard).expect("append follows reserve");
        let reserved = cur.reserved.load(Relaxed);
        assert!(reserved > 0 && member != 0, "append follows reserve");
        let Ends { survivors, births } = cur.own_ends();
        init(cur.slot(births));
        cur.set_member(births, member);
        cur.set_ends(Ends { survivors, births: births + 1 });
        cur.reserved.store(reserved - 1, Relaxed);
        for _ in 0..MOVES_PER_APPEND {
            if !Self::move_one(cur, guard, members) {
                break;
            }
        }
    }

    /// Moves the oldest survivor of the old segment into `cur`, or ends the copy. Tells whether it moved one.
    ///
    /// The guard is held from the read of the old slot until it is cleared: a member that is reaped in
    /// between is not used again before, so the old slot never names a stranger.
    fn move_one<M: Members>(cur: &Segment, guard: &Guard, members: &M) -> bool {
        let Some(old) = Self::copied_from(cur, guard) else {
            return false;
        };
        let end = old.own_ends().births;
        for position in cur.moved.load(Relaxed)..end {
            let member = old.member(position);
            if member == 0 {
                continue;
            }
            let seen = members.look(member);
            if M::life(seen) == Life::Gone || M::slot(seen) != old.slot(position) {
                old.clear(position, member);
                continue;
            }
            cur.moved.store(position + 1, Relaxed);
            let Ends { survivors: target, births } = cur.own_ends();
            let announce = || {
                cur.set_member(target, member);
                cur.set_ends(Ends { survivors: target + 1, births });
            };
            if left_out(Fault::ClearBeforeCommit) {
                announce();
                old.clear(position, member);
                Self::commit(cur, target, member, seen, members);
            } else if left_out(Fault::CommitBeforeEnds) {
                cur.set_member(target, member);
                Self::commit(cur, target, member, seen, members);
                announce();
                old.clear(position, member);
            } else {
                announce();
                Self::commit(cur, target, member, seen, members);
                old.clear(position, member);
            }
            return true;
        }
        cur.moved.store(end, Relaxed);
        cur.forget_old();
        // SAFETY: `forget_old` unlinked it: nothing leads to it any more, and it is retired once, by the
        // appender, who just saw it linked.
        unsafe { Segment::retire(core::ptr::from_ref(old).cast_mut(), guard) };
        false
    }

    /// Makes the word of an announced member name its new slot, its ready bit set before. The mover and
    /// any number of readers do this at once; one exchange takes. `seen` names the slot it is moved from.
    ///
    /// Returns the word that names `position`, or `None` if the member is gone (the slot is then cleared)
    /// or was moved on.
    pub(super) fn commit<M: Members>(
        segment: &Segment,
        position: u32,
        member: u32,
        mut seen: M::Seen,
        members: &M,
    ) -> Option<M::Seen> {
        let mut set = left_out(Fault::NoReadyOnMove);
        let (slot, old_slot) = (segment.slot(position), M::slot(seen));
        loop {
            match M::life(seen) {
                Life::Gone => {
                    segment.clear(position, member);
                    return None;
                }
                _ if M::slot(seen) == slot => return Some(seen),
                _ if M::slot(seen) != old_slot => return None,
                // Before the commit: who sees the member here must be able to find it ready here.
                Life::Ready if !set && !left_out(Fault::ReadyAfterCommit) => {
                    segment.set_ready(position);
                    set = true;
                }
                Life::Pending | Life::Ready => {}
            }
            // Progress: the exchange fails only if the word changed, and a word changes a few times.
            match members.reslot(member, seen, slot) {
                Ok(()) => {
                    if left_out(Fault::ReadyAfterCommit) && M::life(seen) == Life::Ready {
                        segment.set_ready(position);
                    }
                    seen = members.look(member);
                }
                Err(now) => seen = now,
            }
        }
    }

    /// The segment and position that `slot` is at, if it has not been moved.
    fn locate<'g>(&self, guard: &'g Guard, slot: u32) -> Option<(&'g Segment, u32)> {
        let cur = self.current(guard)?;
        if let Some(position) = cur.position(slot) {
            return Some((cur, position));
        }
        if left_out(Fault::NoLocateInOld) {
            return None;
        }
        let old = Self::copied_from(cur, guard)?;
        old.position(slot).map(|position| (old, position))
    }

    /// Tells that the member in `slot` is ready. `slot` is what its word named when it became so; the word
    /// says ready already, by an exchange that was AcqRel.
    ///
    /// Without effect if the slot was moved since: whoever moved the member has set the bit there. A reader
    /// that *reports* a ready member and leaves it ready calls this too, before it does (a peek must not be
    /// ahead of the root).
    pub fn set_ready(&self, guard: &Guard, slot: u32) {
        if let Some((segment, position)) = self.locate(guard, slot) {
            segment.set_ready(position);
        }
    }

    /// Whether the ready bit of `slot` is set. `None`: its member was moved, look at its word again.
    ///
    /// `false` means "not yet" or "not any more": the caller looks at the word again.
    pub fn is_ready(&self, guard: &Guard, slot: u32) -> Option<bool> {
        self.locate(guard, slot).map(|(segment, position)| segment.is_ready(position))
    }

    /// Empties `slot`: `member` is gone, and its word named this slot when it went. By who made it gone,
    /// before the member's number can be used again.
    pub fn clear(&self, guard: &Guard, slot: u32, member: u32) {
        if let Some((segment, position)) = self.locate(guard, slot) {
            segment.clear(position, member);
        }
    }

    /// Looks at the index: see [`View`].
    pub fn view<'g>(&'g self, guard: &'g Guard) -> View<'g> {
        View::of(self, guard)
    }

    /// Whether a ready bit is set, which may speak for nobody any more. `false`: at some instant since the call
    /// began, no member was ready whose [`set_ready`](Self::set_ready) had returned.
    pub fn has_ready(&self, guard: &Guard) -> bool {
        loop {
            let view = self.view(guard);
            if view.has_ready() {
                return true;
            }
            // Progress: only a bit that is set, or a segment opened or given up, changes this version.
            if self.view(guard).version().ready == view.version().ready {
                return false;
            }
        }
    }

    /// Whether nobody is left. Final once no appender can come any more.
    pub fn is_empty<M: Members>(&self, guard: &Guard, members: &M) -> bool {
        loop {
            let view = self.view(guard);
            if view.first_living(members, |_, _| true).is_some() {
                return false;
            }
            // Progress: only an append or a move changes this version.
            if self.view(guard).version().members == view.version().members {
                return true;
            }
        }
    }

    /// Bytes the segments take.
    #[cfg(any(test, loom))]
    pub fn bytes(&self, guard: &Guard) -> usize {
        let cur = self.current(guard);
        let old = cur.and_then(|cur| Self::copied_from(cur, guard));
        cur.into_iter().chain(old).map(Segment::bytes).sum()
    }
}

impl ReadyIndex {
    /// Makes it a new, empty index; its segments are freed by the epoch. For a record that is recycled: no
    /// appender, and nobody without a pin, may know of it any more.
    pub fn retire(&self, guard: &Guard) {
        // Ordering: Acquire, edge `segment-opened`: the pointer to the old segment.
        let cur = self.cur.swap(null_mut(), Acquire);
        // SAFETY: the swap unlinked it, and its index is nobody's, so it is retired once; whoever still
        // reads it is pinned, and the guard defers for those.
        if let Some(segment) = unsafe { cur.as_ref() } {
            let old = segment.old();
            if !old.is_null() {
                // SAFETY: reachable only through `cur`, which is unlinked.
                unsafe { Segment::retire(old, guard) };
            }
            // SAFETY: as above.
            unsafe { Segment::retire(cur, guard) };
        }
    }
}

impl Drop for ReadyIndex {
    fn drop(&mut self) {
        let cur = self.cur.load(Acquire);
        // SAFETY: `&mut self`: whoever could use a segment through this index is done. Retired segments are
        // not linked here any more.
        unsafe {
            if let Some(segment) = cur.as_ref() {
                let old = segment.old();
                if !old.is_null() {
                    Segment::free(old);
                }
                Segment::free(cur);
            }
        }
    }
}
