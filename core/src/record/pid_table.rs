//! Process IDs: which are taken, by whom, and which comes next.
//!
//! A number is in use while a task, a process group or a session has it (as `struct pid` on Linux). It is
//! allocated by *claiming* its entry: one exchange, whatever the policy thinks should be free. The policies
//! only choose what to try next, so two calls never get the same number.

use crate::lockfree::seat::Pin;
use crate::lockfree::table::Table;
use crate::record::pid_entry::PidEntry;
use crate::sync::AtomicU32;
use crate::sync::Ordering::Relaxed;
use crate::uapi::Errno;

/// The largest process ID that can be configured (`PID_MAX_LIMIT`).
pub const PID_MAX_LIMIT: u32 = 4_194_304;

/// Numbers below this are handed out once, at the start (`RESERVED_PIDS` of Linux).
const RESERVED: u32 = 300;

/// Numbers that a seat takes from the shared cursor at a time.
const BLOCK: u32 = if cfg!(loom) { 2 } else { 64 };

/// How numbers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PidChoice {
    /// Ascending within blocks, one block to a seat.
    Sharded,
    /// The one after the last one, as Linux.
    Cyclic,
    /// The caller's.
    Host,
}

/// The numbers of one PID namespace.
pub struct PidTable {
    entries: Table<PidEntry>,
    choice: PidChoice,
    /// The largest number.
    max: u32,
    /// Cyclic: the number handed out last. Sharded: the number before the next block.
    cursor: AtomicU32,
}

impl PidTable {
    /// Numbers 1 to `max`, all free. `max` is brought into the range 1 to [`PID_MAX_LIMIT`].
    pub fn new(choice: PidChoice, max: u32) -> PidTable {
        PidTable { entries: Table::new(), choice, max: max.clamp(1, PID_MAX_LIMIT), cursor: AtomicU32::new(0) }
    }

    /// The entry of a number that has ever been handed out.
    #[inline]
    pub fn entry(&self, pid: u32) -> Option<&PidEntry> {
        if pid == 0 || pid > self.max {
            return None;
        }
        self.entries.get(pid)
    }

    /// The task with this ID, 0 if there is none. Any `pid` will do.
    #[inline]
    pub fn lookup(&self, pid: u32) -> u32 {
        self.entry(pid).map_or(0, PidEntry::task)
    }

    /// Allocates a number: `wanted` under [`PidChoice::Host`], otherwise the next free one (`wanted` must
    /// be 0). Nothing is found under it until [`publish`](Self::publish).
    ///
    /// `is_over(index)` is asked about a number that still has a process group: true if that group is empty
    /// *and will stay so*. The entry then forgets it, and `dispose(index)` may retire it.
    ///
    /// EAGAIN: none is free. EEXIST: `wanted` is taken. EINVAL: `wanted` is not a number of this table.
    pub fn claim(
        &self,
        pin: &Pin<'_>,
        wanted: u32,
        is_over: impl Fn(u32) -> bool,
        dispose: impl Fn(u32),
    ) -> Result<u32, Errno> {
        match self.choice {
            PidChoice::Host if (1..=self.max).contains(&wanted) => {
                if self.try_claim(wanted, &is_over, &dispose) {
                    Ok(wanted)
                } else {
                    Err(Errno::EEXIST)
                }
            }
            _ if wanted != 0 || self.choice == PidChoice::Host => Err(Errno::EINVAL),
            PidChoice::Sharded => self.claim_sharded(pin, is_over, dispose),
            _ => self.claim_cyclic(is_over, dispose),
        }
    }

    /// The lowest number that is handed out again after the largest.
    fn low(&self) -> u32 {
        if self.max > RESERVED { RESERVED } else { 2.min(self.max) }
    }

    /// Claims one number if it is free.
    fn try_claim(&self, pid: u32, is_over: &impl Fn(u32) -> bool, dispose: &impl Fn(u32)) -> bool {
        self.entries.grow(pid).is_some_and(|entry| entry.claim(is_over, dispose))
    }

    fn claim_sharded(&self, pin: &Pin<'_>, is_over: impl Fn(u32) -> bool, dispose: impl Fn(u32)) -> Result<u32, Errno> {
        let (mut from, mut to) = pin.pid_block();
        // A full turn, and once more for blocks that were begun: then every number was tried.
        let mut blocks = 2 * (self.max / BLOCK) + 4;
        loop {
            while from < to {
                let pid = from;
                from += 1;
                if self.try_claim(pid, &is_over, &dispose) {
                    pin.set_pid_block(from, to);
                    return Ok(pid);
                }
            }
            if blocks == 0 {
                pin.set_pid_block(0, 0);
                return Err(Errno::EAGAIN);
            }
            blocks -= 1;
            (from, to) = self.next_block();
        }
    }

    /// Takes the next block of numbers: from, up to but not including.
    fn next_block(&self) -> (u32, u32) {
        let mut last = self.cursor.load_for_cas(Relaxed);
        loop {
            let from = if last >= self.max { self.low() } else { last + 1 };
            // Blocks end at multiples of their size, so that two seats do not share a page's cache lines.
            let end = (from / BLOCK * BLOCK + (BLOCK - 1)).min(self.max);
            // Relaxed: the cursor only spreads the calls. Progress: fails only when another seat got a block.
            match self.cursor.compare_exchange(last, end, Relaxed, Relaxed) {
                Ok(_) => return (from, end + 1),
                Err(now) => last = now,
            }
        }
    }

    fn claim_cyclic(&self, is_over: impl Fn(u32) -> bool, dispose: impl Fn(u32)) -> Result<u32, Errno> {
        // A full turn tries every number but the reserved ones, which are tried in the first.
        for _ in 0..=self.max {
            let mut last = self.cursor.load_for_cas(Relaxed);
            let pid = loop {
                let pid = if last >= self.max { self.low() } else { last + 1 };
                // Relaxed, Progress: as in `next_block`.
                match self.cursor.compare_exchange(last, pid, Relaxed, Relaxed) {
                    Ok(_) => break pid,
                    Err(now) => last = now,
                }
            };
            if self.try_claim(pid, &is_over, &dispose) {
                return Ok(pid);
            }
        }
        Err(Errno::EAGAIN)
    }

    /// Makes `task` what is found under a claimed number, or instead of the task that was.
    pub fn publish(&self, pid: u32, task: u32) {
        self.claimed(pid).publish(task);
    }

    /// Gives a claimed or published number back as far as its task is concerned. The caller goes on to
    /// [`settle`](PidEntry::settle), when it has seen to the group that may be left.
    pub fn leave(&self, pid: u32) {
        self.claimed(pid).leave();
    }

    /// Gives a number back that nothing else goes by. `true`: it is free, and the caller tells the host.
    #[cfg(any(test, loom))]
    pub fn release(&self, pid: u32) -> bool {
        self.leave(pid);
        self.claimed(pid).settle()
    }

    fn claimed(&self, pid: u32) -> &PidEntry {
        self.entries.get(pid).expect("a claimed number has an entry")
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::lockfree::seat::Seats;

    fn never(_: u32) -> bool {
        false
    }

    #[test]
    fn cyclic_goes_on_after_the_last_and_wraps_to_300() {
        let seats = Seats::new();
        let seat = seats.take();
        let pin = seat.pin();
        let table = PidTable::new(PidChoice::Cyclic, 305);
        for expected in 1..=305 {
            assert_eq!(table.claim(&pin, 0, never, drop), Ok(expected));
        }
        assert_eq!(table.claim(&pin, 0, never, drop), Err(Errno::EAGAIN));
        table.release(299);
        assert_eq!(table.claim(&pin, 0, never, drop), Err(Errno::EAGAIN), "reserved");
        for pid in [304, 301] {
            table.release(pid);
        }
        assert_eq!(table.claim(&pin, 0, never, drop), Ok(301));
        table.release(301);
        assert_eq!(table.claim(&pin, 0, never, drop), Ok(304), "not the one just freed");
        assert_eq!(table.claim(&pin, 0, never, drop), Ok(301));
    }

    #[test]
    fn a_small_table_wraps_to_2() {
        let seats = Seats::new();
        let seat = seats.take();
        let pin = seat.pin();
        for choice in [PidChoice::Cyclic, PidChoice::Sharded] {
            let table = PidTable::new(choice, 4);
            let all: Vec<_> = (0..4).map(|_| table.claim(&pin, 0, never, drop).unwrap()).collect();
            assert_eq!(all, [1, 2, 3, 4]);
            assert_eq!(table.claim(&pin, 0, never, drop), Err(Errno::EAGAIN));
            table.release(1);
            table.release(2);
            assert_eq!(table.claim(&pin, 0, never, drop), Ok(2));
            assert_eq!(table.claim(&pin, 0, never, drop), Err(Errno::EAGAIN), "1 is init's");
            pin.set_pid_block(0, 0);
        }
        let table = PidTable::new(PidChoice::Sharded, 1);
        assert_eq!(table.claim(&pin, 0, never, drop), Ok(1));
        assert_eq!(table.claim(&pin, 0, never, drop), Err(Errno::EAGAIN));
    }

    #[test]
    fn sharded_finds_the_only_free_number() {
        let seats = Seats::new();
        let seat = seats.take();
        let pin = seat.pin();
        let table = PidTable::new(PidChoice::Sharded, 1000);
        for expected in 1..=1000 {
            assert_eq!(table.claim(&pin, 0, never, drop), Ok(expected));
        }
        let other = seats.take();
        table.release(777);
        assert_eq!(table.claim(&other.pin(), 0, never, drop), Ok(777));
        assert_eq!(table.claim(&pin, 0, never, drop), Err(Errno::EAGAIN));
    }

    #[test]
    fn the_host_names_its_numbers() {
        let seats = Seats::new();
        let seat = seats.take();
        let pin = seat.pin();
        let table = PidTable::new(PidChoice::Host, 100);
        assert_eq!(table.claim(&pin, 42, never, drop), Ok(42));
        assert_eq!(table.claim(&pin, 42, never, drop), Err(Errno::EEXIST));
        for wrong in [0, 101, u32::MAX] {
            assert_eq!(table.claim(&pin, wrong, never, drop), Err(Errno::EINVAL));
            assert_eq!(table.lookup(wrong), 0);
        }
        assert_eq!(PidTable::new(PidChoice::Cyclic, 100).claim(&pin, 42, never, drop), Err(Errno::EINVAL));
    }

    #[test]
    fn found_from_publication_to_release() {
        let seats = Seats::new();
        let seat = seats.take();
        let pin = seat.pin();
        let table = PidTable::new(PidChoice::Sharded, PID_MAX_LIMIT);
        assert_eq!(table.lookup(1), 0);
        let pid = table.claim(&pin, 0, never, drop).unwrap();
        assert_eq!((pid, table.lookup(pid)), (1, 0));
        table.publish(pid, 9);
        assert_eq!(table.lookup(pid), 9);
        table.release(pid);
        assert_eq!(table.lookup(pid), 0);
    }

    #[test]
    fn groups_and_sessions_keep_a_number() {
        let seats = Seats::new();
        let seat = seats.take();
        let pin = seat.pin();
        let table = PidTable::new(PidChoice::Host, 10);
        table.claim(&pin, 5, never, drop).unwrap();
        table.publish(5, 1);
        let entry = table.entry(5).unwrap();
        entry.set_pgrp(0, 77).unwrap();
        entry.join_session();
        table.release(5);
        assert_eq!(table.claim(&pin, 5, |_| true, drop), Err(Errno::EEXIST), "a session");
        entry.leave_session();
        assert_eq!(table.claim(&pin, 5, |pgrp| pgrp != 77, drop), Err(Errno::EEXIST), "a group");
        assert_eq!((entry.pgrp(), table.lookup(5)), (77, 0));
        assert_eq!(table.claim(&pin, 5, |pgrp| pgrp == 77, drop), Ok(5));
        assert_eq!(entry.pgrp(), 0);
    }

    #[test]
    fn no_number_is_handed_out_twice() {
        for choice in [PidChoice::Sharded, PidChoice::Cyclic] {
            let seats = Seats::new();
            let table = PidTable::new(choice, 500);
            let owners: Vec<_> = (0..=500).map(|_| AtomicU32::new(0)).collect();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let mut mine = std::collections::VecDeque::new();
                        for _ in 0..5_000 {
                            let seat = seats.take();
                            if let Ok(pid) = table.claim(&seat.pin(), 0, never, drop) {
                                assert_eq!(owners[pid as usize].swap(1, Relaxed), 0);
                                mine.push_back(pid);
                            }
                            if mine.len() > 60 {
                                let pid = mine.pop_front().unwrap();
                                owners[pid as usize].store(0, Relaxed);
                                table.release(pid);
                            }
                        }
                    });
                }
            });
        }
    }
}
