//! Type-stable records: an index names the same memory for as long as the slab lives.
//!
//! A record is handed out, published, retired, and after a grace period handed out again, usually to the
//! seat that retired it. Its *generation* is odd from publication to retirement and even otherwise, so
//! that a handle (index and generation) is recognised when it is stale, and any other 64 bits are
//! recognised as naming nothing.
//!
//! ```text
//!   carve ──> free list of a seat ──> Fresh ──publish──> live ──retire──> limbo of the seat
//!               ^      ^                │ drop                              │ BATCH of them
//!               │      └────────────────┘                                   v
//!               └──── `returned` of that seat <──one deferred function── epoch
//! ```
//!
//! What holds: a reference obtained under a [`Pin`] from [`Slab::resolve`] is to the record the handle
//! named, until the pin is dropped, even if the record is retired meanwhile.

#[cfg(all(test, not(loom)))]
mod tests;

use core::marker::PhantomData;
use std::sync::Arc;

use super::fault::{Edge, Fault, left_out, order};
use super::seat::{Lane, Pin, Seats, take_all};
use super::table::{PAGE, Table};
use crate::sync::AtomicU32;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// What can live in a slab: a bundle of atomics, made once and then used again and again.
pub trait Record: Default + Send + Sync + 'static {}

impl<T: Default + Send + Sync + 'static> Record for T {}

/// Records recycled by one deferred function.
const BATCH: u32 = if cfg!(loom) { 2 } else { 64 };

/// No record is left: the limit is reached, or what is free cannot be reclaimed at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

/// A record with its bookkeeping. Neighbours share no cache line: two unrelated parents may be neighbours.
#[derive(Default)]
#[repr(align(64))]
struct Slot<T> {
    /// Odd: published. Even: free, fresh or retired.
    generation: AtomicU32,
    /// The next record of a free list or limbo.
    link: AtomicU32,
    record: T,
}

struct Slots<T> {
    table: Table<Slot<T>>,
    max: u32,
    /// Pages made so far; the records of a page are carved all at once.
    pages: AtomicU32,
}

/// A slab of `T`.
pub struct Slab<T> {
    slots: Arc<Slots<T>>,
    lane: usize,
    /// Added to every generation outside: handles of another slab differ from the first one on. Even.
    bias: u32,
}

impl<T: Record> Slab<T> {
    /// A slab of up to `max` records, with indexes 1 to `max`, for the users of `seats`.
    pub fn new(seats: &mut Seats, max: u32) -> Slab<T> {
        Slab::starting_at(seats, max, 0)
    }

    /// The same, with generations that start near `generation`, so that handles of another slab hardly
    /// ever name a record of this one.
    pub fn starting_at(seats: &mut Seats, max: u32, generation: u32) -> Slab<T> {
        let slots = Arc::new(Slots { table: Table::new(), max, pages: AtomicU32::new(0) });
        let lane = seats.add_lane(slots.clone());
        Slab { slots, lane, bias: generation & !1 }
    }

    #[inline(always)]
    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        self.slots.table.get(index)
    }

    /// A slot this module put on a list itself.
    #[inline(always)]
    fn listed(&self, index: u32) -> &Slot<T> {
        self.slot(index).expect("only carved records are on lists")
    }

    /// The record a handle names, if it is published and not retired. Any `index` and `generation` will do.
    #[inline(always)]
    pub fn resolve<'p>(&'p self, _pin: &'p Pin<'_>, index: u32, generation: u32) -> Option<&'p T> {
        self.resolve_any_time(index, generation.wrapping_sub(self.bias))
    }

    #[inline(always)]
    fn resolve_any_time(&self, index: u32, generation: u32) -> Option<&T> {
        let slot = self.slot(index)?;
        // Ordering: Acquire, edge `slab-publish` (docs/orderings.md): the record as its creator filled it.
        // That the record stays what it is follows from the pin, not from this load: whoever sees the
        // generation unchanged was pinned before the retirement, and recycling waits for it.
        (generation % 2 == 1 && slot.generation.load(order(Edge::RecordResolved, Acquire)) == generation)
            .then_some(&slot.record)
    }

    /// A look-up that is not bound to a pin: the mistake itself, for models.
    #[cfg(loom)]
    pub fn resolve_unpinned(&self, index: u32, generation: u32) -> Option<&T> {
        self.resolve_any_time(index, generation)
    }

    /// The record at an index that came from a place where only live records are named. `None` for 0 and
    /// for indexes that never were a record.
    #[inline(always)]
    pub fn get<'p>(&'p self, _pin: &'p Pin<'_>, index: u32) -> Option<&'p T> {
        if index == 0 {
            return None;
        }
        self.slot(index).map(|slot| &slot.record)
    }

    /// The record at an index, in whatever life it is: it stays where it is for as long as the slab. For a look
    /// at one of its words that is right whosever it is by now.
    pub fn at(&self, index: u32) -> Option<&T> {
        if index == 0 { None } else { self.slot(index).map(|slot| &slot.record) }
    }

    /// The generation a record has now: what a handle to it must carry. Even if it is not published.
    #[inline(always)]
    pub fn generation(&self, _pin: &Pin<'_>, index: u32) -> u32 {
        // Ordering: Acquire, edge `slab-publish`, as in `resolve`.
        self.slot(index).map_or(0, |slot| slot.generation.load(Acquire).wrapping_add(self.bias))
    }

    /// Hands out a record: from the seat's free list, from what came back to the seat, newly carved, or
    /// from other seats. Its contents are what the last user left.
    #[inline]
    pub fn alloc<'p>(&'p self, pin: &'p Pin<'_>) -> Result<Fresh<'p, T>, Exhausted> {
        let lane = pin.lane(self.lane);
        let index = match lane.free.get() {
            0 => self.refill(pin, lane)?,
            index => index,
        };
        let slot = self.listed(index);
        // Relaxed: the list is the seat's own.
        lane.free.set(slot.link.load(Relaxed));
        if left_out(Fault::GenerationAtRetire) && slot.generation.load(Relaxed) % 2 == 1 {
            slot.generation.fetch_add(1, Release);
        }
        Ok(Fresh { slab: self, pin, index, slot, not_send: PhantomData })
    }

    /// Finds a list for an empty seat. Back-pressure is here: before carving, the seat's own limbo is
    /// sealed and the collector is given a turn, so memory grows only while some pinned reader holds
    /// back the epoch.
    #[cold]
    fn refill(&self, pin: &Pin<'_>, lane: &Lane) -> Result<u32, Exhausted> {
        let returned = || Some(take_all(pin.returned(self.lane))).filter(|&head| head != 0);
        if let Some(head) = returned() {
            return Ok(head);
        }
        if lane.limbo.get() != 0 {
            self.seal(pin, lane);
        }
        pin.guard.flush();
        if let Some(head) = returned().or_else(|| self.carve()) {
            return Ok(head);
        }
        // The limit is reached: take what others are not using.
        let mut found = 0;
        pin.seats.each_idle_lane(self.lane, |other| {
            if other.limbo.get() != 0 {
                self.seal(pin, other);
            }
            if found == 0 {
                found = other.free.replace(0);
            }
        });
        if found != 0 {
            return Ok(found);
        }
        pin.guard.flush();
        match pin.seats.take_returned_of_any(self.lane) {
            0 => Err(Exhausted),
            head => Ok(head),
        }
    }

    /// Makes a page and chains its records. The list is the caller's alone.
    fn carve(&self) -> Option<u32> {
        let mut page = self.slots.pages.load_for_cas(Relaxed);
        let (first, last) = loop {
            let first = (page * PAGE).max(1);
            if first > self.slots.max {
                return None;
            }
            // Relaxed: only divides the pages up; a page becomes visible by edge `table-page`.
            // Progress: fails only when another seat carved a page.
            match self.slots.pages.compare_exchange(page, page + 1, Relaxed, Relaxed) {
                Ok(_) => break (first, (page * PAGE + (PAGE - 1)).min(self.slots.max)),
                Err(now) => page = now,
            }
        };
        for index in first..=last {
            let slot = self.slots.table.grow(index)?;
            slot.link.store(if index == last { 0 } else { index + 1 }, Relaxed);
        }
        Some(first)
    }

    /// Takes back a published record. From here on no look-up finds it; those who have it keep it until
    /// they unpin. Only one caller may retire a record, and only once.
    #[inline]
    pub fn retire(&self, pin: &Pin<'_>, index: u32) {
        let lane = pin.lane(self.lane);
        let slot = self.listed(index);
        let generation = slot.generation.load(Relaxed);
        debug_assert!(generation % 2 == 1, "record {index} is retired twice");
        if left_out(Fault::GracePeriod) {
            slot.generation.store(generation.wrapping_add(1), Release);
            slot.link.store(lane.free.replace(index), Relaxed);
            return;
        }
        // Ordering: Release, edge `slab-retire`: whoever sees the record unpublished sees what was done to
        // it before. The unlinking itself needs no more: the epoch orders it before any recycling.
        if !left_out(Fault::GenerationAtRetire) {
            slot.generation.store(generation.wrapping_add(1), order(Edge::RecordRetired, Release));
        }
        if lane.limbo.get() == 0 {
            lane.limbo_end.set(index);
        }
        // Relaxed: the list is the seat's own until the epoch passes it on.
        slot.link.store(lane.limbo.replace(index), Relaxed);
        lane.limbo_len.set(lane.limbo_len.get() + 1);
        if lane.limbo_len.get() >= BATCH {
            self.seal(pin, lane);
            if pin.count_batch() {
                pin.guard.flush();
            }
        }
    }

    /// Passes a limbo list to the epoch; it comes back to the seat of `pin`.
    #[cold]
    fn seal(&self, pin: &Pin<'_>, lane: &Lane) {
        let head = lane.limbo.replace(0);
        lane.limbo_len.set(0);
        let end = Shared(&raw const self.listed(lane.limbo_end.get()).link);
        let stack = Shared(pin.returned(self.lane));
        let push = move || {
            let (end, stack) = (end, stack);
            // SAFETY: both are in memory the pool frees only after the last deferred function has run:
            // `stack` in a block of the pool, `end` in the table that `Seats::add_lane` keeps.
            let (end, stack) = unsafe { (&*end.0, &*stack.0) };
            let mut top = stack.load_for_cas(Relaxed);
            loop {
                end.store(top, Relaxed);
                // Ordering: Release, edge `slab-return`: the links of the list.
                // Progress: fails only when another batch was pushed, or the seat took the stack.
                match stack.compare_exchange(top, head, order(Edge::BatchReturned, Release), Relaxed) {
                    Ok(_) => return,
                    Err(now) => top = now,
                }
            }
        };
        // SAFETY: the function may run on any thread, as it holds only an index and pointers to atomics;
        // and at any time until the collector is gone, see above.
        unsafe { pin.guard.defer_unchecked(push) };
    }

    /// Records made so far, in use or not.
    pub fn carved(&self) -> u32 {
        (self.slots.pages.load(Relaxed) * PAGE).min(self.slots.max)
    }
}

/// A pointer that a deferred function carries.
#[derive(Clone, Copy)]
struct Shared(*const AtomicU32);

/// A record that has been handed out but not published. Dropping it gives it back at once, which is
/// right only if its index has not been shown to anybody; otherwise publish and retire it.
pub struct Fresh<'p, T: Record> {
    slab: &'p Slab<T>,
    pin: &'p Pin<'p>,
    index: u32,
    slot: &'p Slot<T>,
    not_send: PhantomData<*mut ()>,
}

impl<'p, T: Record> Fresh<'p, T> {
    /// Its index.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The generation it will have when published.
    pub fn generation(&self) -> u32 {
        // Relaxed: nobody else writes it until it is published.
        self.slot.generation.load(Relaxed).wrapping_add(1).wrapping_add(self.slab.bias)
    }

    /// The record, to be filled.
    pub fn record(&self) -> &'p T {
        &self.slot.record
    }

    /// Makes the record what its handle names from now on, and returns its generation.
    pub fn publish(self) -> u32 {
        let generation = self.generation();
        // Ordering: Release, edge `slab-publish`: the record was filled before its handle resolves.
        self.slot.generation.store(generation.wrapping_sub(self.slab.bias), order(Edge::RecordPublished, Release));
        core::mem::forget(self);
        generation
    }
}

impl<T: Record> Drop for Fresh<'_, T> {
    fn drop(&mut self) {
        let lane = self.pin.lane(self.slab.lane);
        self.slot.link.store(lane.free.replace(self.index), Relaxed);
    }
}
