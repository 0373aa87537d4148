//! The controller's side of the shared memory: giving orders, reading results and the log of signals.

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::null_mut;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::thread::futex;

use super::layout::{BASE, LOG_LENGTH, Mailbox, SCRATCH, SLOTS, Shared, order};

/// The memory, mapped.
#[derive(Debug)]
pub(super) struct Memory(*mut Shared);

/// What a puppet is to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) what: u32,
    pub(super) number: u64,
    pub(super) arguments: [u64; 6],
}

impl Order {
    /// A system call.
    pub(super) fn call<const N: usize>(number: u64, arguments: [u64; N]) -> Order {
        Order::of(order::CALL, number, arguments)
    }

    pub(super) fn of<const N: usize>(what: u32, number: u64, arguments: [u64; N]) -> Order {
        let mut six = [0; 6];
        six[..N].copy_from_slice(&arguments);
        Order { what, number, arguments: six }
    }
}

/// One signal, as its handler saw it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    pub(super) slot: usize,
    pub(super) is_handled: bool,
    pub(super) signal: u32,
    pub(super) code: i32,
    pub(super) pid: u32,
    pub(super) uid: u32,
    pub(super) status: i32,
    pub(super) utime_ticks: u64,
    pub(super) stime_ticks: u64,
}

impl Memory {
    pub(super) fn map(memory: BorrowedFd<'_>) -> io::Result<Memory> {
        rustix::fs::ftruncate(memory, size_of::<Shared>() as u64)?;
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a new mapping of a memory file, at an address of the kernel's choice.
        let at = unsafe { mmap(null_mut(), size_of::<Shared>(), protection, flags, memory, 0)? };
        Ok(Memory(at.cast()))
    }

    fn shared(&self) -> &Shared {
        // SAFETY: mapped with this size until `self` is dropped; every field is atomic, and all zeroes is a
        // value of each.
        unsafe { &*self.0 }
    }

    fn mailbox(&self, slot: usize) -> &Mailbox {
        &self.shared().slots[slot].mailbox
    }

    /// Forgets everything about the slots from this one on, and the log.
    pub(super) fn clear(&self, from: usize, to: usize) {
        (from..to.min(SLOTS)).for_each(|slot| self.clear_slot(slot));
        self.take_log();
    }

    pub(super) fn clear_slot(&self, slot: usize) {
        let mailbox = self.mailbox(slot);
        mailbox.ordered.store(0, Relaxed);
        mailbox.done.store(0, Relaxed);
        mailbox.interrupted.store(0, Relaxed);
    }

    pub(super) fn give(&self, slot: usize, order: &Order) {
        let mailbox = self.mailbox(slot);
        mailbox.what.store(order.what, Relaxed);
        mailbox.number.store(order.number, Relaxed);
        for (place, argument) in mailbox.arguments.iter().zip(order.arguments) {
            place.store(argument, Relaxed);
        }
        mailbox.interrupted.store(0, Relaxed);
        mailbox.ordered.store(mailbox.ordered.load(Relaxed).wrapping_add(1), Release);
        // It fails for nobody: the memory is mapped.
        let _ = futex::wake(&mailbox.ordered, futex::Flags::empty(), 1);
    }

    /// Whether the puppet has carried out everything it was told.
    pub(super) fn is_idle(&self, slot: usize) -> bool {
        let mailbox = self.mailbox(slot);
        mailbox.done.load(Acquire) == mailbox.ordered.load(Relaxed)
    }

    /// Sleeps until the puppet is idle, or for this long. Whether it is idle.
    pub(super) fn wait_idle(&self, slot: usize, longest: Duration) -> bool {
        let mailbox = self.mailbox(slot);
        let end = Instant::now() + longest;
        loop {
            let seen = mailbox.done.load(Acquire);
            if seen == mailbox.ordered.load(Relaxed) {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let timeout = left.try_into().expect("a few seconds at most");
            // Whatever it says, the loop looks again.
            let _ = futex::wait(&mailbox.done, futex::Flags::empty(), seen, Some(&timeout));
        }
    }

    pub(super) fn result(&self, slot: usize) -> i64 {
        self.mailbox(slot).result.load(Relaxed)
    }

    /// The system call that the puppet made last: it may have replaced a wait by one that means the same.
    pub(super) fn number(&self, slot: usize) -> u64 {
        self.mailbox(slot).number.load(Relaxed)
    }

    pub(super) fn set_uid(&self, slot: usize, uid: u32) {
        self.mailbox(slot).uid.store(uid, Release);
    }

    pub(super) fn scratch(&self, slot: usize) -> &[AtomicU64; SCRATCH] {
        &self.mailbox(slot).scratch
    }

    /// Where a puppet sees this word of its scratch memory.
    pub(super) fn scratch_address(&self, slot: usize, word: usize) -> u64 {
        let offset = &raw const self.mailbox(slot).scratch[word] as usize - self.0 as usize;
        (BASE + offset) as u64
    }

    /// Whether puppets have handlers for signals that do nothing by default.
    pub(super) fn set_observes(&self, observes: bool) {
        self.shared().observes.store(u64::from(observes), Relaxed);
    }

    /// Every signal since the last time.
    pub(super) fn take_log(&self) -> Vec<Received> {
        let shared = self.shared();
        let count = (shared.logged.swap(0, Acquire) as usize).min(LOG_LENGTH);
        let mut received = Vec::with_capacity(count);
        for entry in &shared.log[..count] {
            if entry.is_written.swap(0, Acquire) == 0 {
                continue;
            }
            received.push(Received {
                slot: entry.slot.load(Relaxed) as usize,
                is_handled: entry.is_handled.load(Relaxed) != 0,
                signal: entry.signal.load(Relaxed),
                code: entry.code.load(Relaxed) as i32,
                pid: entry.pid.load(Relaxed),
                uid: entry.uid.load(Relaxed),
                status: entry.status.load(Relaxed) as i32,
                utime_ticks: entry.utime.load(Relaxed),
                stime_ticks: entry.stime.load(Relaxed),
            });
        }
        received
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped in `map`, and nothing borrowed from it outlives `self`. Should it fail, it stays.
        let _ = unsafe { munmap(self.0.cast(), size_of::<Shared>()) };
    }
}
