//! Seats: what a thread needs to itself for the length of one call, without thread-local storage.
//!
//! A *seat* holds an epoch participant, free lists, a block of process IDs and the number of a stripe.
//! A call takes a seat, works, and gives it back; any thread may take any seat, but a thread comes back
//! to the same one while nobody else wants it, so that a seat's cache lines stay where they are. When
//! every seat is taken the pool grows, hence a thread that is frozen inside a call holds up nobody.

use core::cell::{Cell, OnceCell, UnsafeCell};
use core::marker::PhantomData;
use std::any::Any;
use std::sync::Arc;

use crossbeam_epoch::{Collector, Guard, LocalHandle};
use crossbeam_utils::CachePadded;

use super::fault::{Edge, order};
use crate::sync::Ordering::{Acquire, Relaxed, Release};
use crate::sync::{AtomicU32, OncePtr};

/// Slabs that one pool of seats can serve.
pub const LANES: usize = 5;

/// Seats of a block: what the pool starts with and grows by.
const BLOCK: usize = if cfg!(loom) { 2 } else { 8 };

/// Remembered homes of threads, by hash.
const HOMES: usize = if cfg!(loom) { 1 } else { 64 };

/// Strangers in a row after which a seat's owner is taken to have gone.
const PATIENCE: u32 = 8;

/// A seat's share of one slab: records to hand out, and records retired but not yet sealed in a batch.
#[derive(Default)]
pub(super) struct Lane {
    /// First record of the free list.
    pub(super) free: Cell<u32>,
    /// Last retired record.
    pub(super) limbo: Cell<u32>,
    /// First retired record: where the limbo list ends.
    pub(super) limbo_end: Cell<u32>,
    /// Records in limbo.
    pub(super) limbo_len: Cell<u32>,
}

/// What belongs to whoever has the seat.
#[derive(Default)]
struct Kit {
    handle: OnceCell<LocalHandle>,
    lanes: [Lane; LANES],
    pids: Cell<(u32, u32)>,
    /// Batches sealed so far.
    batches: Cell<u32>,
    /// Tag of the thread this seat is home to, 0 for nobody.
    owner: Cell<u32>,
    /// Other threads that came by since the owner did.
    strangers: Cell<u32>,
}

/// A seat's place in memory.
struct Place {
    taken: AtomicU32,
    number: u32,
    kit: UnsafeCell<Kit>,
    /// Lets loom see a hand-over of `kit` that is not ordered.
    #[cfg(loom)]
    witness: loom::cell::UnsafeCell<()>,
    /// Recycled records, by lane: pushed by whoever runs the deferred function, taken by the seat.
    returned: CachePadded<[AtomicU32; LANES]>,
}

// SAFETY: `kit` is touched only through a `Seat`, of which there is one per place at a time (`taken`), and
// taking one is ordered after the last one's release (edge `seat-handover`). The epoch handle inside is
// `!Send` because its counters are not atomic, not because it is tied to a thread: it uses no thread-local
// storage, and a `Guard` made from it cannot outlive or leave the borrowed `Seat`, which is `!Send`.
unsafe impl Sync for Place {}
// SAFETY: as above; moving the pool as a whole needs `&mut`, so no seat is taken.
unsafe impl Send for Place {}

impl Place {
    fn new(number: u32) -> Place {
        Place {
            taken: AtomicU32::new(0),
            number,
            kit: UnsafeCell::default(),
            #[cfg(loom)]
            witness: loom::cell::UnsafeCell::new(()),
            returned: CachePadded::new(core::array::from_fn(|_| AtomicU32::new(0))),
        }
    }

    /// Takes the seat if it is free.
    #[inline(always)]
    fn claim<'s>(&'s self, seats: &'s Seats) -> Option<Seat<'s>> {
        // Ordering: Acquire, edge `seat-handover` (docs/orderings.md): the kit as its last user left it.
        //   Weaker: two threads' free lists mix. Test: loom-tests/tests/slab.rs, `seat_is_handed_over`.
        // Progress: never repeated; on failure the caller goes on to the next seat.
        if self.taken.load_for_cas(Relaxed) != 0
            || self.taken.compare_exchange(0, 1, order(Edge::SeatTaken, Acquire), Relaxed).is_err()
        {
            return None;
        }
        #[cfg(loom)]
        self.witness.with_mut(|_| ());
        Some(Seat { seats, place: self, here: PhantomData })
    }
}

/// Seats made together.
struct Block {
    places: [CachePadded<Place>; BLOCK],
    next: OncePtr<Block>,
}

impl Block {
    fn new(first: u32) -> Block {
        Block {
            places: core::array::from_fn(|i| CachePadded::new(Place::new(first + i as u32))),
            next: OncePtr::null(),
        }
    }

    fn next(&self) -> Option<&Block> {
        // SAFETY: a non-null `next` is a block that is freed only with the pool, which owns `self` as well.
        unsafe { self.next.get().as_ref() }
    }
}

/// The pool of seats, and of everything that must outlive the last deferred function.
pub struct Seats {
    first: Box<Block>,
    homes: [AtomicU32; HOMES],
    /// Taken out only by `drop`.
    collector: Option<Collector>,
    /// Slab memory, which deferred functions refer to.
    kept: Vec<Arc<dyn Any + Send + Sync>>,
}

impl Default for Seats {
    fn default() -> Self {
        Self::new()
    }
}

impl Seats {
    /// A pool with no seat taken.
    pub fn new() -> Seats {
        Seats {
            first: Box::new(Block::new(0)),
            homes: core::array::from_fn(|_| AtomicU32::new(0)),
            collector: Some(Collector::new()),
            kept: Vec::new(),
        }
    }

    /// Takes a seat for the current call. Never waits: if all are taken, the pool grows.
    #[inline]
    pub fn take(&self) -> Seat<'_> {
        let tag = thread_tag();
        let home = self.home(tag);
        let start = home.load(Relaxed);
        if let Some(place) = self.first.places.get(start as usize)
            && let Some(seat) = place.claim(self)
        {
            self.settle(&seat, home, tag);
            return seat.opened();
        }
        self.take_elsewhere(start).opened()
    }

    fn home(&self, tag: u32) -> &AtomicU32 {
        &self.homes[tag as usize % HOMES]
    }

    /// Keeps threads apart that hash to the same seat: a seat has one owner, and others look further
    /// for a home of their own, until the owner has not been seen for a while.
    #[inline(always)]
    fn settle(&self, seat: &Seat<'_>, home: &AtomicU32, tag: u32) {
        let kit = seat.kit();
        if kit.owner.get() == tag {
            kit.strangers.set(0);
        } else if kit.owner.get() == 0 || kit.strangers.get() >= PATIENCE {
            kit.owner.set(tag);
            kit.strangers.set(0);
        } else {
            kit.strangers.set(kit.strangers.get() + 1);
            // Relaxed: only a hint.
            home.store((seat.place.number + 1) % BLOCK as u32, Relaxed);
        }
    }

    /// Takes any other seat, adding a block when there is none left.
    #[cold]
    fn take_elsewhere(&self, start: u32) -> Seat<'_> {
        for step in 1..=BLOCK {
            if let Some(seat) = self.first.places[(start as usize + step) % BLOCK].claim(self) {
                return seat;
            }
        }
        let mut block = &*self.first;
        // Progress: each turn moves to a further block; the list grows only when some thread took a seat.
        loop {
            block = match block.next() {
                Some(next) => next,
                None => self.append(block),
            };
            if let Some(seat) = block.places.iter().find_map(|place| place.claim(self)) {
                return seat;
            }
        }
    }

    /// The block behind `last`, made here unless another thread was faster.
    fn append<'a>(&self, last: &'a Block) -> &'a Block {
        let number = last.places[BLOCK - 1].number + 1;
        let new = Box::into_raw(Box::new(Block::new(number)));
        // Ordering: edge `seat-block`, inside `OncePtr`: the block is complete before it can be seen.
        let block = last.next.install(new).map_or_else(
            |other| {
                // SAFETY: made above and never shown to anybody.
                drop(unsafe { Box::from_raw(new) });
                other
            },
            |()| new,
        );
        // SAFETY: it is in the list now, and freed only with the pool.
        unsafe { &*block }
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        core::iter::successors(Some(&*self.first), |block| block.next())
    }

    /// Gives a new slab its lane, and keeps its memory for as long as deferred functions may run.
    ///
    /// # Panics
    /// Beyond [`LANES`] slabs.
    pub(super) fn add_lane(&mut self, memory: Arc<dyn Any + Send + Sync>) -> usize {
        assert!(self.kept.len() < LANES, "a pool of seats serves {LANES} slabs");
        self.kept.push(memory);
        self.kept.len() - 1
    }

    /// Recycled records that another seat has not fetched yet, taken from it. 0 if there are none.
    pub(super) fn take_returned_of_any(&self, lane: usize) -> u32 {
        let mut places = self.blocks().flat_map(|block| &block.places);
        places.find_map(|place| Some(take_all(&place.returned[lane])).filter(|&head| head != 0)).unwrap_or(0)
    }

    /// Calls `f` with the lane of every seat that nobody has at the moment.
    pub(super) fn each_idle_lane(&self, lane: usize, mut f: impl FnMut(&Lane)) {
        for place in self.blocks().flat_map(|block| &block.places) {
            if let Some(seat) = place.claim(self) {
                f(&seat.kit().lanes[lane]);
            }
        }
    }
}

impl Drop for Seats {
    fn drop(&mut self) {
        // Handles first: what they still hold goes to the collector. Then the collector, which runs every
        // deferred function left: those push to `returned` and into slab memory. Only then the blocks.
        let mut block = Some(&mut *self.first);
        while let Some(this) = block {
            for place in &mut this.places {
                place.kit.get_mut().handle.take();
            }
            // SAFETY: blocks in the list are live, and `&mut self` makes them ours alone.
            block = unsafe { this.next.get().as_mut() };
        }
        self.collector = None;
        let mut next = self.first.next.get();
        while !next.is_null() {
            // SAFETY: made by `append`; each block is in the list once, and nothing refers to it any more.
            let block = unsafe { Box::from_raw(next) };
            next = block.next.get();
        }
    }
}

/// Takes a whole stack of recycled records.
#[inline]
pub(super) fn take_all(stack: &AtomicU32) -> u32 {
    if stack.load(Relaxed) == 0 {
        return 0;
    }
    // Ordering: Acquire, edge `slab-return`: the links of the list that ends in this head.
    stack.swap(0, order(Edge::BatchTaken, Acquire))
}

/// Something that differs between threads and stays the same within one, most of the time: where its
/// stack is, in units of 64 KiB. Never 0.
#[cfg(not(loom))]
#[inline(always)]
fn thread_tag() -> u32 {
    let here = 0u8;
    let address = (&raw const here).addr() as u64;
    ((address >> 16).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32 | 1
}

/// In a model every thread starts at the first seat.
#[cfg(loom)]
fn thread_tag() -> u32 {
    1
}

/// A seat, for as long as this value lives.
///
/// It stays on the thread that took it.
pub struct Seat<'s> {
    seats: &'s Seats,
    place: &'s Place,
    here: PhantomData<*mut ()>,
}

impl<'s> Seat<'s> {
    /// Registers the seat with the collector on its first use.
    #[inline(always)]
    fn opened(self) -> Self {
        self.kit().handle.get_or_init(|| self.seats.collector.as_ref().expect("lives as long as the pool").register());
        self
    }

    #[inline(always)]
    fn kit(&self) -> &Kit {
        // SAFETY: this `Seat` is the only one of its place, stays on this thread (`!Send`, and `Kit` is
        // `!Sync`), and the reference ends before the seat is given back.
        unsafe { &*self.place.kit.get() }
    }

    /// Pins the epoch: records reached through the result stay what they are until it is dropped.
    #[inline(always)]
    pub fn pin(&self) -> Pin<'_> {
        let guard = self.kit().handle.get().expect("registered when taken").pin();
        Pin { guard, kit: self.kit(), place: self.place, seats: self.seats }
    }

    /// The seat's number: its stripe in a striped counter.
    #[cfg(test)]
    pub fn stripe(&self) -> usize {
        self.place.number as usize
    }
}

impl Drop for Seat<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        #[cfg(loom)]
        self.place.witness.with_mut(|_| ());
        // Ordering: Release, edge `seat-handover`: the next one finds the kit as it is left here.
        self.place.taken.store(0, order(Edge::SeatReleased, Release));
    }
}

/// A pinned seat: what every operation on shared records asks for.
pub struct Pin<'s> {
    pub(super) guard: Guard,
    kit: &'s Kit,
    place: &'s Place,
    pub(super) seats: &'s Seats,
}

impl<'s> Pin<'s> {
    /// The epoch guard, for structures with pointers of their own.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The seat's number: its stripe in a striped counter.
    #[inline(always)]
    pub fn stripe(&self) -> usize {
        self.place.number as usize
    }

    /// The process IDs set aside for this seat: from, up to but not including.
    pub fn pid_block(&self) -> (u32, u32) {
        self.kit.pids.get()
    }

    /// Replaces the process IDs set aside for this seat.
    pub fn set_pid_block(&self, from: u32, to: u32) {
        self.kit.pids.set((from, to));
    }

    #[inline(always)]
    pub(super) fn lane(&self, lane: usize) -> &Lane {
        &self.kit.lanes[lane]
    }

    /// Where deferred functions put this seat's records.
    #[inline(always)]
    pub(super) fn returned(&self, lane: usize) -> &AtomicU32 {
        &self.place.returned[lane]
    }

    /// Counts a batch; true for every second one.
    pub(super) fn count_batch(&self) -> bool {
        self.kit.batches.set(self.kit.batches.get().wrapping_add(1));
        self.kit.batches.get().is_multiple_of(2)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_comes_back_to_its_seat() {
        let seats = Seats::new();
        let first = seats.take().stripe();
        assert!((0..100).all(|_| seats.take().stripe() == first));
    }

    #[test]
    fn nested_calls_get_seats_of_their_own_and_the_pool_grows() {
        let seats = Seats::new();
        let taken: Vec<_> = (0..3 * BLOCK + 1).map(|_| seats.take()).collect();
        let pins: Vec<_> = taken.iter().map(Seat::pin).collect();
        let mut numbers: Vec<_> = pins.iter().map(Pin::stripe).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), taken.len());
        assert_eq!(seats.blocks().count(), 4);
    }

    #[test]
    fn one_seat_serves_one_thread_at_a_time() {
        let seats = Seats::new();
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                let seats = &seats;
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        let seat = seats.take();
                        let pin = seat.pin();
                        pin.set_pid_block(thread, thread);
                        core::hint::spin_loop();
                        assert_eq!(pin.pid_block(), (thread, thread));
                    }
                });
            }
        });
    }
}
