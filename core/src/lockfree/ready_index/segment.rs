//! One segment of an index: slots in birth order under a tree of ready bits, in one allocation.

use core::ptr::NonNull;
use std::alloc::{Layout, alloc, dealloc};

use crossbeam_epoch::Guard;

use super::SLOT_BITS;
use super::fault::{Edge, Fault, left_out, order, width_bits};
use super::node::{Node, NodeWord};
use crate::sync::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64};

/// The most slots of a segment: the two of an index must not overlap.
pub(super) const MAX_SLOTS: u32 = 1 << (SLOT_BITS - 1);

const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;

/// The levels of a tree over [`MAX_SLOTS`] slots, 32 to a node; models have narrower nodes.
const MAX_LEVELS: usize = 8;

/// How far the two parts of a segment are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// Survivors announced: the reserved positions `0..survivors` name, or named, one.
    pub(super) survivors: u32,
    /// Births: the positions `kept..births` name, or named, a member.
    pub(super) births: u32,
}

impl Ends {
    fn unpack(raw: u64) -> Self {
        Ends { survivors: (raw >> 32) as u32, births: raw as u32 }
    }

    fn pack(self) -> u64 {
        u64::from(self.survivors) << 32 | u64::from(self.births)
    }
}

/// The two parts of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The positions reserved for the survivors of the segment before.
    Survivors,
    /// The positions of those born into this segment.
    Births,
}

/// A segment. Positions count from 0 in it; slots are `base` + position.
#[derive(Debug)]
pub(super) struct Segment {
    /// Segments of this index before this one, plus one.
    pub(super) number: u32,
    base: u32,
    /// How many slots there are.
    pub(super) slots: u32,
    /// How many of them are reserved for survivors.
    pub(super) kept: u32,
    /// The segment whose survivors are being moved here. Written by the appender.
    old: AtomicPtr<Segment>,
    /// An [`Ends`]. Written by the appender.
    ends: AtomicU64,
    /// Births promised and not yet appended. The appender's own.
    pub(super) reserved: AtomicU32,
    /// How far into `old` the mover has come. The appender's own.
    pub(super) moved: AtomicU32,
    /// For each [`Part`], a position below which nobody is left.
    low: [AtomicU32; 2],
    node_count: u32,
    /// The nodes, leaves first; behind them the slots.
    nodes: NonNull<Node>,
}

/// Where the levels of a tree over some number of slots start, leaves first, and the index of the top one.
fn levels(slots: u32) -> ([u32; MAX_LEVELS], usize) {
    let width = 1 << width_bits();
    let (mut starts, mut top, mut nodes) = ([0; MAX_LEVELS], 0, slots.div_ceil(width));
    while nodes > 1 {
        starts[top + 1] = starts[top] + nodes;
        top += 1;
        nodes = nodes.div_ceil(width);
    }
    (starts, top)
}

fn layout(slots: u32, nodes: u32) -> Option<(Layout, usize, usize)> {
    let (with_nodes, nodes_at) = Layout::new::<Segment>().extend(Layout::array::<Node>(nodes as usize).ok()?).ok()?;
    let (all, slots_at) = with_nodes.extend(Layout::array::<AtomicU32>(slots as usize).ok()?).ok()?;
    debug_assert_eq!(slots_at, nodes_at + nodes as usize * size_of::<Node>());
    Some((all.pad_to_align(), nodes_at, slots_at))
}

impl Segment {
    /// Allocates a segment, or returns null when there is no memory. `old` may be null.
    ///
    /// The caller owns it, and ends its life with [`free`](Self::free) or [`retire`](Self::retire).
    pub(super) fn open(number: u32, base: u32, slots: u32, kept: u32, old: *mut Segment) -> *mut Segment {
        debug_assert!(0 < slots && slots <= MAX_SLOTS && kept <= slots);
        let (starts, top) = levels(slots);
        let node_count = starts[top] + 1;
        let Some((layout, nodes_at, slots_at)) = layout(slots, node_count) else {
            return core::ptr::null_mut();
        };
        // SAFETY: the layout is not empty: it begins with a `Segment`.
        let start = unsafe { alloc(layout) };
        if start.is_null() {
            return core::ptr::null_mut();
        }
        // SAFETY: the three parts of `layout` lie in the allocation, apart and aligned; nobody else has it.
        unsafe {
            let nodes = start.add(nodes_at).cast::<Node>();
            for i in 0..node_count as usize {
                nodes.add(i).write(Node::default());
            }
            let members = start.add(slots_at).cast::<AtomicU32>();
            for i in 0..slots as usize {
                members.add(i).write(AtomicU32::new(0));
            }
            let segment = start.cast::<Segment>();
            segment.write(Segment {
                number,
                base: base & SLOT_MASK,
                slots,
                kept,
                old: AtomicPtr::new(old),
                ends: AtomicU64::new(Ends { survivors: 0, births: kept }.pack()),
                reserved: AtomicU32::new(0),
                moved: AtomicU32::new(0),
                low: [AtomicU32::new(0), AtomicU32::new(kept)],
                node_count,
                nodes: NonNull::new_unchecked(nodes),
            });
            segment
        }
    }

    /// Frees a segment. The old one, if there still is one, is not touched.
    ///
    /// # Safety
    /// `segment` came from [`open`](Self::open), is freed once, and nobody uses it any more.
    pub(super) unsafe fn free(segment: *mut Segment) {
        // SAFETY: as promised by the caller, the segment is ours and complete.
        unsafe {
            let (slots, node_count) = ((*segment).slots, (*segment).node_count);
            let nodes = (*segment).nodes.as_ptr();
            core::ptr::slice_from_raw_parts_mut(nodes.add(node_count as usize).cast::<AtomicU32>(), slots as usize)
                .drop_in_place();
            core::ptr::slice_from_raw_parts_mut(nodes, node_count as usize).drop_in_place();
            segment.drop_in_place();
            if let Some((layout, ..)) = layout(slots, node_count) {
                dealloc(segment.cast(), layout);
            }
        }
    }

    /// Frees a segment once nobody is pinned who is pinned now.
    ///
    /// # Safety
    /// As for [`free`](Self::free), but for those that are pinned now.
    pub(super) unsafe fn retire(segment: *mut Segment, guard: &Guard) {
        // SAFETY: deferred until no pinned thread is left that could have found the segment; nobody finds it
        // from now on. The closure holds a pointer and may run on any thread.
        unsafe { guard.defer_unchecked(move || Segment::free(segment)) };
    }

    fn nodes(&self) -> &[Node] {
        // SAFETY: `open` wrote `node_count` nodes there; they live as long as the segment.
        unsafe { core::slice::from_raw_parts(self.nodes.as_ptr(), self.node_count as usize) }
    }

    fn members(&self) -> &[AtomicU32] {
        // SAFETY: `open` wrote `slots` slots right behind the nodes; they live as long as the segment.
        unsafe {
            let start = self.nodes.as_ptr().add(self.node_count as usize).cast();
            core::slice::from_raw_parts(start, self.slots as usize)
        }
    }

    /// The slot at `position`.
    pub(super) fn slot(&self, position: u32) -> u32 {
        self.base.wrapping_add(position) & SLOT_MASK
    }

    /// The position of `slot`, if it is one of this segment's.
    pub(super) fn position(&self, slot: u32) -> Option<u32> {
        let position = slot.wrapping_sub(self.base) & SLOT_MASK;
        (position < self.slots).then_some(position)
    }

    /// The segment being copied from, null if there is none.
    pub(super) fn old(&self) -> *mut Segment {
        // Ordering: Acquire, edge `copy-finished`: with no old segment, every survivor is seen moved; and,
        //   as part of `segment-opened`, with one, its contents.
        self.old.load(order(Edge::OldRead, Acquire))
    }

    /// The copy is finished. Appender only.
    pub(super) fn forget_old(&self) {
        // Ordering: Release, edge `copy-finished`: the commits of all moves.
        self.old.store(core::ptr::null_mut(), order(Edge::OldStored, Release));
    }

    /// How far the segment is filled.
    pub(super) fn ends(&self) -> Ends {
        // Ordering: Acquire, edge `segment-ends`: the slots below the ends name their members.
        //   Weaker: "no members" beside a birth that came before the call.
        Ends::unpack(self.ends.load(order(Edge::EndsRead, Acquire)))
    }

    /// How far the appender itself has filled the segment.
    pub(super) fn own_ends(&self) -> Ends {
        // Ordering: Relaxed: whoever may append now has synchronised with who appended before.
        Ends::unpack(self.ends.load(Relaxed))
    }

    /// Publishes new ends. Appender only.
    pub(super) fn set_ends(&self, ends: Ends) {
        // Ordering: Release, edge `segment-ends`: the member in the slot, and its word.
        self.ends.store(ends.pack(), order(Edge::EndsStored, Release));
    }

    /// Who is, or was, at `position`; 0 if nobody is any more or yet.
    pub(super) fn member(&self, position: u32) -> u32 {
        // Ordering: Acquire, edge `slot-member`: the member's word is as it was when the slot named it; with
        //   nobody there, as it was when the slot was cleared.
        self.members()[position as usize].load(order(Edge::MemberRead, Acquire))
    }

    /// Names the member at `position`, once.
    pub(super) fn set_member(&self, position: u32, member: u32) {
        // Ordering: Release, edge `slot-member`: the member's word.
        self.members()[position as usize].store(member, order(Edge::MemberStored, Release));
    }

    /// Empties `position`, for good, if `member` is there. The ready bit goes first: bits are of members.
    pub(super) fn clear(&self, position: u32, member: u32) {
        if self.members()[position as usize].load(Relaxed) == member {
            self.clear_bit(position);
            // Ordering: Release, edge `slot-member`: the claim, or the commit of the move.
            self.members()[position as usize].store(0, order(Edge::MemberCleared, Release));
        }
    }

    /// Takes away the ready bit at `position`, which speaks for nobody any more.
    pub(super) fn clear_bit(&self, position: u32) {
        let width = width_bits();
        self.nodes()[(position >> width) as usize].clear(position & ((1 << width) - 1));
    }

    /// How many slots name somebody: no fewer than the members whose words name these slots.
    pub(super) fn occupied(&self) -> u32 {
        self.members().iter().filter(|member| member.load(Acquire) != 0).count() as u32
    }

    /// Sets the ready bit at `position` and bumps the version on every level, always.
    pub(super) fn set_ready(&self, position: u32) {
        let width = width_bits();
        if self.node_count == 1 {
            self.nodes()[0].set(position);
            return;
        }
        let (starts, top) = levels(self.slots);
        let mut index = position;
        for start in &starts[..=top] {
            let (bit, node) = (index & ((1 << width) - 1), index >> width);
            let there = self.nodes()[(start + node) as usize].set(bit);
            if there && left_out(Fault::StopAtSetBit) {
                return;
            }
            index = node;
        }
    }

    /// Whether the ready bit at `position` is set.
    pub(super) fn is_ready(&self, position: u32) -> bool {
        let width = width_bits();
        let leaf = self.nodes()[(position >> width) as usize].look();
        leaf.bits() & 1 << (position & ((1 << width) - 1)) != 0
    }

    /// The root of the tree. Its version counts every ready bit ever set in this segment.
    pub(super) fn root(&self) -> NodeWord {
        self.nodes()[self.node_count as usize - 1].look()
    }

    /// The first ready bit in `from..to`. Stale summary bits met on the way are taken away.
    pub(super) fn next_ready(&self, from: u32, to: u32) -> Option<u32> {
        // The usual answer first.
        if from >= to || self.root().bits() == 0 {
            return None;
        }
        let (starts, top) = levels(self.slots);
        self.next_below(&starts[..=top], 0, from).filter(|position| *position < to)
    }

    /// The first ready bit at or after `from` under the node `index` of the last level in `starts`.
    fn next_below(&self, starts: &[u32], index: u32, from: u32) -> Option<u32> {
        let (width, level) = (width_bits(), starts.len() as u32 - 1);
        let node = &self.nodes()[(starts[level as usize] + index) as usize];
        let first = index << width;
        // The bits whose members all come before `from` are not looked at.
        let skip = (from >> (width * level)).saturating_sub(first);
        'changed: loop {
            let mut seen = if level == 0 { node.look() } else { node.look_to_clean() };
            let mut bits = if skip < 32 { seen.bits() >> skip << skip } else { 0 };
            while bits != 0 {
                let bit = bits.trailing_zeros();
                bits &= bits - 1;
                let Some(below) = starts[..level as usize].last() else {
                    return Some(first + bit);
                };
                if self.nodes()[(below + first + bit) as usize].look().bits() == 0 {
                    // Progress: the exchange fails when a bit was set, cleared or cleaned meanwhile.
                    match node.clean(seen, bit) {
                        Ok(now) => seen = now,
                        Err(_) => continue 'changed,
                    }
                } else if let Some(found) = self.next_below(&starts[..level as usize], first + bit, from) {
                    return Some(found);
                }
            }
            return None;
        }
    }

    /// Bytes the segment takes.
    #[cfg(any(test, loom))]
    pub(super) fn bytes(&self) -> usize {
        layout(self.slots, self.node_count).map_or(0, |(layout, ..)| layout.size())
    }

    /// Where `part` begins and, as filled up to `ends`, ends.
    pub(super) fn range(&self, part: Part, ends: Ends) -> core::ops::Range<u32> {
        match part {
            Part::Survivors => 0..ends.survivors,
            Part::Births => self.kept..ends.births,
        }
    }

    /// A position of `part` below which nobody is left whose word names this segment, nor ever will be.
    pub(super) fn low(&self, part: Part) -> u32 {
        // Ordering: Acquire, edge `low-hint`: what emptied the positions below; a reader that skips them
        //   must see where their members went as if it had looked itself.
        self.low[part as usize].load(order(Edge::HintRead, Acquire))
    }

    /// Raises [`low`](Self::low). Never across a position that is not yet filled.
    pub(super) fn raise_low(&self, part: Part, position: u32) {
        // Ordering: AcqRel, edge `low-hint`. Release for `low`; Acquire so that a smaller hint which this one
        //   covers is passed on with it.
        self.low[part as usize].fetch_max(position, order(Edge::HintRaised, AcqRel));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn with_segment(slots: u32, base: u32, test: impl FnOnce(&Segment)) {
        let segment = Segment::open(1, base, slots, 0, core::ptr::null_mut());
        assert!(!segment.is_null());
        // SAFETY: just opened, and freed below.
        test(unsafe { &*segment });
        // SAFETY: opened above, freed once, the borrow is over.
        unsafe { Segment::free(segment) };
    }

    #[test]
    fn header_is_one_cache_line() {
        assert_eq!(size_of::<Segment>(), 64);
    }

    #[test]
    fn ready_bits_are_found_in_order_on_every_level() {
        for slots in [1, 8, 32, 33, 1_000, 40_000, 1_100_000] {
            with_segment(slots, 0, |segment| {
                let step = (slots / 7).max(1);
                let set: Vec<u32> = (0..slots).step_by(step as usize).collect();
                set.iter().rev().for_each(|position| segment.set_ready(*position));
                let (mut found, mut from) = (Vec::new(), 0);
                while let Some(position) = segment.next_ready(from, slots) {
                    found.push(position);
                    from = position + 1;
                }
                assert_eq!(found, set);
                assert_eq!(segment.root().version() as usize, set.len());
                for position in &set {
                    assert!(segment.is_ready(*position));
                    segment.clear_bit(*position);
                    assert!(!segment.is_ready(*position));
                }
                for _ in 0..=levels(slots).1 {
                    assert_eq!(segment.next_ready(0, slots), None);
                }
                assert_eq!(segment.root().bits(), 0, "each scan cleaned a level");
            });
        }
    }

    #[test]
    fn positions_wrap_with_the_slot_numbers() {
        with_segment(16, SLOT_MASK - 3, |segment| {
            assert_eq!(segment.slot(3), SLOT_MASK);
            assert_eq!(segment.slot(4), 0);
            assert_eq!(segment.position(0), Some(4));
            assert_eq!(segment.position(11), Some(15));
            assert_eq!(segment.position(12), None);
            assert_eq!(segment.position(SLOT_MASK - 4), None);
        });
    }

    #[test]
    fn only_the_member_that_is_there_is_cleared() {
        with_segment(8, 0, |segment| {
            segment.set_member(2, 7);
            segment.set_ready(2);
            segment.clear(2, 8);
            assert!(segment.is_ready(2) && segment.member(2) == 7);
            segment.clear(2, 7);
            assert!(!segment.is_ready(2) && segment.member(2) == 0);
        });
    }
}
