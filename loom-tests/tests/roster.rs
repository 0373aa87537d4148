//! A roster shows its members complete, each to whoever has to know of it, also where it has grown.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::fault::{holds_always, needs, needs_edges};
use ptexit_core::lockfree::fault::{Edge::*, Fault};
use ptexit_core::lockfree::roster::Roster;
use ptexit_core::sync::AtomicU32;
use ptexit_core::sync::Ordering::{Relaxed, SeqCst};
use ptexit_core::sync::fence;

/// A number that is never a member by accident.
const NEW: u32 = 5;

struct World {
    roster: Roster,
    record: AtomicU32,
    asked: AtomicU32,
}

/// A roster with `members` in it: from the third on they are in a block.
fn world(members: u32) -> Arc<World> {
    let roster = Roster::new();
    for member in 1..=members {
        let place = roster.claim();
        roster.show(place, member);
    }
    Arc::new(World { roster, record: AtomicU32::new(0), asked: AtomicU32::new(0) })
}

impl World {
    fn add(&self) {
        let place = self.roster.claim();
        self.record.store(1, Relaxed);
        self.roster.show(place, NEW);
    }

    /// Is the new member there? If so, with its record.
    fn has_new(&self) -> bool {
        let mut found = false;
        self.roster.for_each(|member| {
            found |= member == NEW;
            true
        });
        assert!(!found || self.record.load(Relaxed) == 1, "found, and its record is not complete");
        found
    }
}

fn found_complete(members: u32) {
    let world = world(members);
    let other = Arc::clone(&world);
    let thread = thread::spawn(move || {
        other.has_new();
        if let Some(member) = other.roster.get(members) {
            assert_eq!(member, NEW);
            assert_eq!(other.record.load(Relaxed), 1, "found in its place, and its record is not complete");
        }
    });
    world.add();
    thread.join().unwrap();
    assert!(world.has_new());
}

fn who_finds_a_member_finds_its_record() {
    found_complete(0);
}

fn who_finds_a_member_in_a_new_block_finds_its_record() {
    found_complete(2);
}

/// One thread shows a member and then looks whether it is asked for; another one asks and then looks for it. As a
/// new thread and a group exit do.
fn who_must_find_a_member_in_a_block_finds_it() {
    let world = world(2);
    let other = Arc::clone(&world);
    let thread = thread::spawn(move || {
        other.asked.store(1, Relaxed);
        fence(SeqCst);
        other.has_new()
    });
    world.add();
    fence(SeqCst);
    let asked = world.asked.load(Relaxed) == 1;
    let found = thread.join().unwrap();
    assert!(asked || found, "neither sees the other");
}

/// Two members come at once, where a block is to be added.
fn two_grow_it() {
    let world = world(2);
    let other = Arc::clone(&world);
    let thread = thread::spawn(move || {
        let place = other.roster.claim();
        other.roster.show(place, NEW + 1);
        place
    });
    world.add();
    let place = thread.join().unwrap();
    assert!(world.has_new());
    assert_eq!(world.roster.get(place), Some(NEW + 1));
    let mut members = Vec::new();
    world.roster.for_each(|member| {
        members.push(member);
        true
    });
    members.sort_unstable();
    assert_eq!(members, [1, 2, NEW, NEW + 1]);
}

#[test]
fn showing() {
    for (name, model) in [
        ("who_finds_a_member_finds_its_record", who_finds_a_member_finds_its_record as fn()),
        ("who_finds_a_member_in_a_new_block_finds_its_record", who_finds_a_member_in_a_new_block_finds_its_record),
    ] {
        holds_always(name, [3; 3], model);
        needs_edges(&[MemberShown, MemberFound], name, 3, model);
    }
}

#[test]
fn growing() {
    holds_always("two_grow_it", [3; 3], two_grow_it);
    holds_always("who_must_find_a_member_in_a_block_finds_it", [3; 3], who_must_find_a_member_in_a_block_finds_it);
    needs(Fault::GrownTold, "who_must_find_a_member_in_a_block", [3; 3], who_must_find_a_member_in_a_block_finds_it);
}
