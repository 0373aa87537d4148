//! Numbers: a bitmap of those in use, and a table from number to record.
//!
//! Threads take numbers from blocks of their own; the blocks go round, so that a number is not reused early.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// A power of two, so that no bounds are checked.
const PID_MAX: u32 = 1 << 22;
/// Numbers in a block: the bits of one cache line, so that no two threads write to one.
const BLOCK: u32 = 512;

#[derive(Debug)]
#[repr(align(64))]
struct Line([AtomicU64; 8]);

#[derive(Debug)]
pub(super) struct Pids {
    in_use: Box<[Line; (PID_MAX / BLOCK) as usize]>,
    table: Box<[AtomicU32; PID_MAX as usize]>,
    next_block: AtomicU32,
}

/// The rest of a thread's block.
#[derive(Debug, Default)]
pub(super) struct Block {
    next: u32,
    end: u32,
}

impl Pids {
    pub(super) fn new() -> Pids {
        let line = || Line(std::array::from_fn(|_| AtomicU64::new(0)));
        let in_use: Vec<Line> = std::iter::repeat_with(line).take((PID_MAX / BLOCK) as usize).collect();
        let table: Vec<AtomicU32> = std::iter::repeat_with(|| AtomicU32::new(0)).take(PID_MAX as usize).collect();
        Pids {
            in_use: in_use.try_into().expect("the vector has the array's length"),
            table: table.try_into().expect("the vector has the array's length"),
            next_block: AtomicU32::new(0),
        }
    }

    #[inline]
    pub(super) fn allocate(&self, block: &mut Block) -> u32 {
        loop {
            if block.next == block.end {
                let number = self.next_block.fetch_add(1, Relaxed) % (PID_MAX / BLOCK);
                block.next = (number * BLOCK).max(1);
                block.end = (number + 1) * BLOCK;
            }
            let pid = block.next;
            block.next += 1;
            let (word, bit) = self.bit(pid);
            if word.load(Relaxed) & bit == 0 && word.fetch_or(bit, AcqRel) & bit == 0 {
                return pid;
            }
        }
    }

    #[inline]
    pub(super) fn publish(&self, pid: u32, index: u32) {
        self.table[(pid % PID_MAX) as usize].store(index, Release);
    }

    #[inline]
    pub(super) fn lookup(&self, pid: u32) -> u32 {
        self.table[(pid % PID_MAX) as usize].load(Acquire)
    }

    #[inline]
    pub(super) fn free(&self, pid: u32) {
        self.table[(pid % PID_MAX) as usize].store(0, Release);
        let (word, bit) = self.bit(pid);
        word.fetch_and(!bit, AcqRel);
    }

    #[inline]
    fn bit(&self, pid: u32) -> (&AtomicU64, u64) {
        let Line(words) = &self.in_use[(pid % PID_MAX / BLOCK) as usize];
        (&words[(pid % BLOCK / 64) as usize], 1 << (pid % 64))
    }
}
