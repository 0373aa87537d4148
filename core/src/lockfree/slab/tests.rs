//! Slabs without a model checker: handles, limits, and threads at full speed.

use super::*;
use std::collections::HashSet;

#[derive(Default)]
struct Cell(AtomicU32);

fn handle(fresh: Fresh<'_, Cell>) -> (u32, u32) {
    (fresh.index(), fresh.publish())
}

#[test]
fn a_handle_names_its_record_until_it_is_retired() {
    let mut seats = Seats::new();
    let slab = Slab::<Cell>::new(&mut seats, 1000);
    let seat = seats.take();
    let pin = seat.pin();
    let fresh = slab.alloc(&pin).unwrap();
    let (index, generation) = (fresh.index(), fresh.generation());
    assert!(slab.resolve(&pin, index, generation).is_none());
    fresh.record().0.store(7, Relaxed);
    fresh.publish();
    let record = slab.resolve(&pin, index, generation).unwrap();
    slab.retire(&pin, index);
    assert!(slab.resolve(&pin, index, generation).is_none());
    assert_eq!(record.0.load(Relaxed), 7);
}

#[test]
fn no_forged_handle_resolves() {
    let mut seats = Seats::new();
    let slab = Slab::<Cell>::new(&mut seats, 1000);
    let seat = seats.take();
    let pin = seat.pin();
    let (index, generation) = handle(slab.alloc(&pin).unwrap());
    let edges = [0, 1, 2, 63, 64, 65, 1000, 1001, 1 << 20, u32::MAX - 1, u32::MAX];
    for i in edges.into_iter().chain([index]) {
        for g in edges.into_iter().chain([generation]) {
            assert_eq!(slab.resolve(&pin, i, g).is_some(), (i, g) == (index, generation), "{i}.{g}");
            let _ = slab.get(&pin, i);
        }
    }
    assert!(slab.get(&pin, 0).is_none());
}

#[test]
fn an_unpublished_record_goes_back_at_once() {
    let mut seats = Seats::new();
    let slab = Slab::<Cell>::new(&mut seats, 1000);
    let seat = seats.take();
    let pin = seat.pin();
    let first = slab.alloc(&pin).unwrap().index();
    assert!((0..1000).all(|_| slab.alloc(&pin).unwrap().index() == first));
}

#[test]
fn exactly_max_records_exist_and_come_back() {
    let mut seats = Seats::new();
    let slab = Slab::<Cell>::new(&mut seats, 150);
    let fill = || {
        let seat = seats.take();
        let pin = seat.pin();
        let mut all = HashSet::new();
        while let Ok(fresh) = slab.alloc(&pin) {
            assert!(all.insert(handle(fresh)));
        }
        all
    };
    let all = fill();
    assert_eq!(all.len(), 150);
    {
        let seat = seats.take();
        let pin = seat.pin();
        all.iter().for_each(|&(index, _)| slab.retire(&pin, index));
    }
    // Each call lets the epoch advance once; after a few, all are back, the partial batch included.
    let mut again = HashSet::new();
    for _ in 0..10 {
        again.extend(fill());
    }
    assert_eq!(again.len(), 150);
    assert!(again.is_disjoint(&all));
}

#[test]
fn what_an_idle_seat_holds_is_found_at_the_limit() {
    let mut seats = Seats::new();
    let slab = Slab::<Cell>::new(&mut seats, 63);
    let idle = seats.take();
    handle(slab.alloc(&idle.pin()).unwrap());
    let other = seats.take();
    assert!(slab.alloc(&other.pin()).is_err());
    drop(idle);
    assert!(slab.alloc(&other.pin()).is_ok());
}

#[test]
fn memory_stays_bounded_when_records_come_and_go() {
    let mut seats = Seats::new();
    let slab = Slab::<Cell>::new(&mut seats, 1 << 20);
    for _ in 0..100_000 {
        let seat = seats.take();
        let pin = seat.pin();
        let (index, _) = handle(slab.alloc(&pin).unwrap());
        slab.retire(&pin, index);
    }
    // A sanitizer moves the stack about, and the thread with it from seat to seat.
    assert!(slab.carved() <= 2048, "{}", slab.carved());
}

#[test]
fn threads_never_share_a_record() {
    let mut seats = Seats::new();
    let slab = Slab::<Cell>::new(&mut seats, 1 << 20);
    let handles: Vec<_> = (0..16).map(|_| crate::sync::AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        for thread in 1..=4u32 {
            let (seats, slab, handles) = (&seats, &slab, &handles);
            scope.spawn(move || {
                for round in 0..20_000usize {
                    let seat = seats.take();
                    let pin = seat.pin();
                    let fresh = slab.alloc(&pin).unwrap();
                    fresh.record().0.store(thread, Relaxed);
                    let (index, generation) = (fresh.index(), fresh.publish());
                    // Shows it, and takes down somebody else's.
                    let shown = (index as u64) << 32 | generation as u64;
                    let old = handles[round % 16].swap(shown, crate::sync::Ordering::AcqRel);
                    if let Some(record) = slab.resolve(&pin, (old >> 32) as u32, old as u32) {
                        let was = record.0.load(Relaxed);
                        slab.retire(&pin, (old >> 32) as u32);
                        assert_eq!(record.0.load(Relaxed), was);
                    }
                }
            });
        }
    });
}
