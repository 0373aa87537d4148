//! The slab: records of one cache line each that are never given back, and chains through them.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Record {
    pub(super) state: AtomicU32,
    pub(super) parent: AtomicU32,
    pub(super) pid: AtomicU32,
    pub(super) code: AtomicU32,
    pub(super) children: AtomicU32,
    pub(super) waiter: AtomicU32,
    /// The next record of the chain that this one is in.
    next: AtomicU32,
}

/// Every record there will be; record 0 is nobody.
#[derive(Debug)]
pub(super) struct Records(Box<[Record; Records::CAPACITY as usize]>);

impl Records {
    /// A power of two, so that no bounds are checked.
    pub(super) const CAPACITY: u32 = 1 << 21;

    pub(super) fn new() -> Records {
        let records: Vec<Record> = std::iter::repeat_with(Record::default).take(Self::CAPACITY as usize).collect();
        Records(records.try_into().expect("the vector has the array's length"))
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> &Record {
        &self.0[(index % Self::CAPACITY) as usize]
    }
}

/// A stack of records that one thread owns.
#[derive(Debug, Default)]
pub(super) struct Chain {
    head: u32,
    last: u32,
}

impl Chain {
    /// The record that would be popped next, 0 if there is none.
    #[inline]
    pub(super) fn first(&self) -> u32 {
        self.head
    }

    #[inline]
    pub(super) fn push(&mut self, records: &Records, index: u32) {
        records.get(index).next.store(self.head, Relaxed);
        if self.head == 0 {
            self.last = index;
        }
        self.head = index;
    }

    /// The record pushed last, 0 if there is none.
    #[inline]
    pub(super) fn pop(&mut self, records: &Records) -> u32 {
        let index = self.head;
        if index != 0 {
            self.head = records.get(index).next.load(Relaxed);
        }
        index
    }

    /// Moves all records of `other` here.
    pub(super) fn append(&mut self, records: &Records, other: &mut Chain) {
        if other.head == 0 {
            return;
        }
        records.get(other.last).next.store(self.head, Relaxed);
        if self.head == 0 {
            self.last = other.last;
        }
        self.head = std::mem::take(&mut other.head);
    }
}
