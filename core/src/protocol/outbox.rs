//! The outbox: what the host is to be told, collected while a transition is under way.

use core::cell::RefCell;

use arrayvec::ArrayVec;

use crate::host::{Event, Host};

/// Events in the order they happened, delivered when the call has committed all it had to commit, or
/// earlier when the outbox is full: the library holds nothing at either moment.
pub struct Outbox<'h> {
    host: &'h dyn Host,
    events: RefCell<ArrayVec<Event, CAPACITY>>,
}

/// More than an exit without children can cause.
const CAPACITY: usize = 8;

impl<'h> Outbox<'h> {
    /// An empty outbox for `host`.
    pub fn new(host: &'h dyn Host) -> Self {
        Outbox { host, events: RefCell::new(ArrayVec::new()) }
    }

    /// Puts an event in, behind all others.
    #[inline]
    pub fn put(&self, event: Event) {
        let mut events = self.events.borrow_mut();
        if events.is_full() {
            drop(events);
            self.deliver();
            events = self.events.borrow_mut();
        }
        events.push(event);
    }

    /// Tells the host everything collected so far. The host may call back into the tree.
    pub fn deliver(&self) {
        // The host may call back into the tree, but never comes by this outbox: each call has its own.
        let mut events = self.events.borrow_mut();
        for event in events.iter() {
            self.host.event(event);
        }
        events.clear();
    }
}
