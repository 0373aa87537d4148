//! The outbox: what the host is to be told, collected while a transition is under way.
//!
//! A parent has SIGCHLD before a wait reports its child. The signal of a zombie is *owed* from the exchange
//! that makes the zombie on (`telling` in the exit word). The thread whose exchange that was begins to tell
//! when its call is done; a wait that finds the debt open takes it over and tells before it returns; one that
//! finds the host being told lets that come to its end first.

use core::cell::{Cell, RefCell};
use core::time::Duration;

use arrayvec::ArrayVec;

use crate::host::{Event, Host, SignalRequest};
use crate::record::exit_word::{ExitSnapshot, Telling};
use crate::record::fault::{Fault, left_out};
use crate::record::tables::Tables;
use crate::record::thread_group::ThreadGroup;
use crate::sync::{sleep, yield_now};

/// Events in the order they happened, delivered when the call has committed all it had to commit, or
/// earlier when the outbox is full: the library holds nothing at either moment.
pub struct Outbox<'h> {
    host: &'h dyn Host,
    tables: &'h Tables,
    entries: RefCell<ArrayVec<Entry, CAPACITY>>,
    /// Whether an entry is owed. The usual call owes nothing.
    owes: Cell<bool>,
}

/// More than an exit without children can cause.
const CAPACITY: usize = 8;

/// How often a wait yields to the thread that is telling the host of the child, and how often it then sleeps for
/// a millisecond, if that thread has lost its processor. One that waits itself holds nobody up for longer.
const YIELDS: u32 = if cfg!(loom) { u32::MAX } else { 1024 };
const SLEEPS: u32 = 100;

enum Entry {
    /// To be told.
    Tell(Event),
    /// The signal about a child: to be told unless a wait takes that over first.
    Owed(Event, Child),
    /// The same, and the child's word says that the host is being told.
    UnderWay(Event, Child),
    /// The same, and a wait was faster.
    TakenOver,
    /// Somebody else is telling the host of this child: what follows comes after.
    Await(Child),
}

/// A zombie and its parent, as thread groups.
#[derive(Clone, Copy)]
struct Child {
    group: u32,
    parent: u32,
}

impl<'h> Outbox<'h> {
    /// An empty outbox for `host`.
    pub fn new(host: &'h dyn Host, tables: &'h Tables) -> Self {
        Outbox { host, tables, entries: RefCell::new(ArrayVec::new()), owes: Cell::new(false) }
    }

    /// Asks the host whether a signal may be sent.
    pub fn may_signal(&self, request: &SignalRequest) -> bool {
        self.host.may_signal(request)
    }

    /// Puts an event in, behind all others.
    #[inline]
    pub fn put(&self, event: Event) {
        self.push(Entry::Tell(event));
    }

    /// Puts the signal in that the parent of the zombie `child` is owed, by an exchange of the caller's.
    pub fn put_owed(&self, event: Event, child: u32, parent: u32) {
        self.push(Entry::Owed(event, Child { group: child, parent }));
        self.owes.set(true);
    }

    /// If another thread is telling the host of `child`, what is put in from now on comes after that.
    pub fn let_telling_end(&self, child: u32, group: &ThreadGroup, now: ExitSnapshot) {
        if now.telling() == Telling::UnderWay
            && group.teller.get() != self.host.thread()
            && !left_out(Fault::TellingAwaited)
        {
            self.push(Entry::Await(Child { group: child, parent: now.parent() }));
        }
    }

    #[inline]
    fn push(&self, entry: Entry) {
        let mut entries = self.entries.borrow_mut();
        if entries.is_full() {
            drop(entries);
            self.begin_telling();
            self.deliver();
            entries = self.entries.borrow_mut();
        }
        entries.push(entry);
    }

    /// Claims the debts that are still open; the others are somebody else's by now. While the caller is pinned:
    /// no child's record is used for another child in between.
    #[inline]
    pub fn begin_telling(&self) {
        if self.owes.replace(false) {
            self.entries.borrow_mut().iter_mut().for_each(|entry| self.begin(entry));
        }
    }

    fn begin(&self, entry: &mut Entry) {
        let &mut Entry::Owed(event, child) = entry else { return };
        *entry = match self.tables.groups.at(child.group) {
            Some(group) if group.exit.apply(|word| word.begin_telling(child.parent)).is_ok() => {
                group.teller.set(self.host.thread());
                Entry::UnderWay(event, child)
            }
            _ => Entry::TakenOver,
        };
    }

    /// Tells the host everything collected so far. The host may call back into the tree.
    #[inline]
    pub fn deliver(&self) {
        // The host may call back into the tree, but never comes by this outbox: each call has its own.
        let mut entries = self.entries.borrow_mut();
        if entries.is_empty() {
            return;
        }
        for entry in entries.iter() {
            match entry {
                Entry::Tell(event) | Entry::Owed(event, _) => self.host.event(event),
                Entry::UnderWay(event, child) => {
                    self.host.event(event);
                    self.end_telling(*child);
                }
                Entry::TakenOver => {}
                Entry::Await(child) => self.wait_for_telling(*child),
            }
        }
        entries.clear();
    }

    /// A record that stands for another child by now is not in this state, or its waiters wait a little less.
    fn end_telling(&self, child: Child) {
        if let Some(group) = self.tables.groups.at(child.group) {
            let _ = group.exit.apply(|word| word.end_telling(child.parent));
        }
    }

    /// The one place where a call may wait for another thread: for that thread's host, and not for long.
    fn wait_for_telling(&self, child: Child) {
        let Some(group) = self.tables.groups.at(child.group) else { return };
        for turn in 0..YIELDS.saturating_add(SLEEPS) {
            let now = group.exit.look();
            if now.telling() != Telling::UnderWay || now.parent() != child.parent {
                return;
            }
            if turn < YIELDS { yield_now() } else { sleep(Duration::from_millis(1)) }
        }
    }
}
