//! A record stays what it is while a reader is pinned, and a seat has one user at a time.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::fault::{holds_always, needs, needs_edges, races_without};
use loom_tests::{MODES, breaks};
use ptexit_core::lockfree::fault::{Edge::*, Fault};
use ptexit_core::lockfree::seat::{Pin, Seats};
use ptexit_core::lockfree::slab::Slab;
use ptexit_core::sync::AtomicU32;
use ptexit_core::sync::Ordering::Relaxed;

#[derive(Default)]
struct Record {
    value: AtomicU32,
}

/// A slab of two records, both published with value `OLD`.
struct World {
    slab: Slab<Record>,
    seats: Seats,
    generation: u32,
}

const OLD: u32 = 1;
const NEW: u32 = 2;

fn fill(slab: &Slab<Record>, pin: &Pin<'_>, value: u32) -> Option<(u32, u32)> {
    let fresh = slab.alloc(pin).ok()?;
    fresh.record().value.store(value, Relaxed);
    Some((fresh.index(), fresh.publish()))
}

fn world() -> Arc<World> {
    let mut seats = Seats::new();
    let slab = Slab::new(&mut seats, 2);
    let seat = seats.take();
    let pin = seat.pin();
    let (index, generation) = fill(&slab, &pin, OLD).unwrap();
    assert_eq!(index, 1);
    fill(&slab, &pin, OLD).unwrap();
    drop(pin);
    drop(seat);
    Arc::new(World { slab, seats, generation })
}

/// Retires both records, then hands out whatever comes back.
fn retire_and_reuse(world: &World) {
    let seat = world.seats.take();
    let pin = seat.pin();
    // The last one retired is the first to come back.
    world.slab.retire(&pin, 2);
    world.slab.retire(&pin, 1);
    drop(pin);
    for _ in 0..2 {
        fill(&world.slab, &seat.pin(), NEW);
    }
}

fn pinned_reader_keeps_its_record() {
    let world = world();
    let other = Arc::clone(&world);
    let thread = thread::spawn(move || retire_and_reuse(&other));
    {
        let seat = world.seats.take();
        let pin = seat.pin();
        if let Some(record) = world.slab.resolve(&pin, 1, world.generation) {
            assert_eq!(record.value.load(Relaxed), OLD);
        }
    }
    thread.join().unwrap();
}

/// The mistake of looking first and pinning then.
fn looks_before_it_pins() {
    let world = world();
    let other = Arc::clone(&world);
    let thread = thread::spawn(move || retire_and_reuse(&other));
    {
        let seat = world.seats.take();
        if let Some(record) = world.slab.resolve_unpinned(1, world.generation) {
            let _pin = seat.pin();
            assert_eq!(record.value.load(Relaxed), OLD);
        }
    }
    thread.join().unwrap();
}

/// The mistake of going on after the pin is gone.
fn goes_on_unpinned() {
    let world = world();
    let other = Arc::clone(&world);
    let thread = thread::spawn(move || retire_and_reuse(&other));
    {
        let seat = world.seats.take();
        let pin = seat.pin();
        let record = world.slab.resolve_unpinned(1, world.generation);
        drop(pin);
        if let Some(record) = record {
            assert_eq!(record.value.load(Relaxed), OLD);
        }
    }
    thread.join().unwrap();
}

/// What a handle resolves to was filled before.
fn handle_shows_a_filled_record() {
    let mut seats = Seats::new();
    let slab = Slab::<Record>::new(&mut seats, 1);
    let world = Arc::new((slab, seats));
    let other = Arc::clone(&world);
    let thread = thread::spawn(move || {
        let seat = other.1.take();
        let pin = seat.pin();
        if let Some(record) = other.0.resolve(&pin, 1, 1) {
            assert_eq!(record.value.load(Relaxed), OLD);
        }
    });
    {
        let seat = world.1.take();
        assert_eq!(fill(&world.0, &seat.pin(), OLD), Some((1, 1)));
    }
    thread.join().unwrap();
}

/// Two threads share three records, which one of them finds on the other's seat.
fn no_record_is_handed_out_twice() {
    let mut seats = Seats::new();
    let slab = Slab::<Record>::new(&mut seats, 3);
    let world = Arc::new((slab, seats));
    let take = |world: &(Slab<Record>, Seats)| {
        let seat = world.1.take();
        fill(&world.0, &seat.pin(), NEW).map_or(0, |(index, _)| index)
    };
    let other = Arc::clone(&world);
    let thread = thread::spawn(move || take(&other));
    let mine = take(&world);
    let theirs = thread.join().unwrap();
    assert!(mine != theirs && (mine | theirs) != 0, "{mine} {theirs}");
}

/// Two calls use the same seat, one after the other.
fn seat_is_handed_over() {
    let seats = Arc::new(Seats::new());
    let other = Arc::clone(&seats);
    let thread = thread::spawn(move || drop(other.take()));
    drop(seats.take());
    thread.join().unwrap();
}

#[test]
fn records_under_a_pin() {
    holds_always("pinned_reader_keeps_its_record", [3; 3], pinned_reader_keeps_its_record);
    for step in [Fault::GenerationAtRetire, Fault::GracePeriod] {
        needs(step, "pinned_reader_keeps_its_record", [3; 3], pinned_reader_keeps_its_record);
    }
    for mode in MODES {
        breaks("looks_before_it_pins", mode, 3, || {}, looks_before_it_pins);
        breaks("goes_on_unpinned", mode, 3, || {}, goes_on_unpinned);
    }
}

#[test]
fn handles() {
    holds_always("handle_shows_a_filled_record", [3; 3], handle_shows_a_filled_record);
    needs_edges(&[RecordPublished, RecordResolved], "handle_shows_a_filled_record", 3, handle_shows_a_filled_record);
    holds_always("no_record_is_handed_out_twice", [3; 3], no_record_is_handed_out_twice);
}

#[test]
fn seats() {
    holds_always("seat_is_handed_over", [3; 3], seat_is_handed_over);
    races_without(&[SeatTaken, SeatReleased], "seat_is_handed_over", 3, seat_is_handed_over);
}
