//! The yardstick from below: the least that can be a process lifecycle at all, with nothing shared.
//!
//! A 64-byte record in a type-stable slab, a number from the thread's own block, an entry in the table of
//! numbers, three state changes by compare-exchange, a count of children on the parent, a fence before
//! looking for a waiter, records reused after a grace period by the thread that retired them: eleven
//! locked operations. No sets of children, no groups, no reparenting, no events, no check of handles.
//! A thread that waits for any child reaps the one it saw exit last. This is not a usable process tree;
//! it is what remains of one when everything that could be taken away has been.

mod limbo;
mod pids;
mod records;

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, fence};

use crate::system::{Found, System, Which};
use limbo::{Epochs, Limbo};
use pids::{Block, Pids};
use records::{Chain, Records};

const ALIVE: u32 = 1;
const INITIATED: u32 = 2;
const ZOMBIE: u32 = 3;
const DEAD: u32 = 4;

/// Records that a thread takes from the slab at a time.
const BATCH: u32 = 64;

/// The slab, the numbers and the epochs.
#[derive(Debug)]
pub struct Floor {
    records: Records,
    carved: AtomicU32,
    pids: Pids,
    epochs: Epochs,
}

/// What a thread owns.
#[derive(Debug)]
pub struct Worker {
    seat: usize,
    free: Chain,
    exited: Chain,
    block: Block,
    limbo: Limbo,
}

impl Floor {
    #[inline]
    fn create(&self, worker: &mut Worker, parent: u32) -> (u32, u32) {
        let index = match worker.free.pop(&self.records) {
            0 => self.carve(worker),
            index => index,
        };
        let pid = self.pids.allocate(&mut worker.block);
        let record = self.records.get(index);
        record.parent.store(parent, Relaxed);
        record.pid.store(pid, Relaxed);
        self.records.get(parent).children.fetch_add(1, AcqRel);
        record.state.store(ALIVE, Release);
        self.pids.publish(pid, index);
        (index, pid)
    }

    #[cold]
    fn carve(&self, worker: &mut Worker) -> u32 {
        let first = self.carved.fetch_add(BATCH, Relaxed);
        assert!(first + BATCH <= Records::CAPACITY, "the floor has {} records", Records::CAPACITY);
        for index in first + 1..first + BATCH {
            worker.free.push(&self.records, index);
        }
        first
    }

    #[inline]
    fn step(&self, task: u32, from: u32, to: u32) -> bool {
        self.records.get(task).state.compare_exchange(from, to, AcqRel, Relaxed).is_ok()
    }

    #[inline]
    fn reap(&self, worker: &mut Worker, parent: u32, child: u32) -> Found {
        if !self.step(child, ZOMBIE, DEAD) {
            return Found::Nothing;
        }
        worker.exited.pop(&self.records);
        let record = self.records.get(child);
        let pid = record.pid.load(Relaxed);
        let code = record.code.load(Relaxed) as u8;
        self.pids.free(pid);
        self.records.get(parent).children.fetch_sub(1, AcqRel);
        worker.limbo.retire(child, &self.epochs, &self.records, &mut worker.free);
        Found::Child { pid, code }
    }
}

impl System for Floor {
    const NAME: &'static str = "floor";
    type Task = u32;
    type Worker = Worker;

    fn new() -> (Self, u32) {
        let floor =
            Floor { records: Records::new(), carved: AtomicU32::new(BATCH), pids: Pids::new(), epochs: Epochs::new() };
        let mut worker = floor.worker();
        let (init, _) = floor.create(&mut worker, 0);
        (floor, init)
    }

    fn worker(&self) -> Worker {
        Worker {
            seat: self.epochs.take_seat(),
            free: Chain::default(),
            exited: Chain::default(),
            block: Block::default(),
            limbo: Limbo::default(),
        }
    }

    fn thread(&self, worker: &mut Worker, parent: u32) -> u32 {
        self.fork(worker, parent)
    }

    #[inline]
    fn fork(&self, worker: &mut Worker, parent: u32) -> u32 {
        self.fork_pid(worker, parent).0
    }

    #[inline]
    fn fork_pid(&self, worker: &mut Worker, parent: u32) -> (u32, u32) {
        let _pinned = self.epochs.pin(worker.seat);
        self.create(worker, parent)
    }

    #[inline]
    fn exit(&self, worker: &mut Worker, task: u32, code: u8) {
        let _pinned = self.epochs.pin(worker.seat);
        self.step(task, ALIVE, INITIATED);
        let record = self.records.get(task);
        record.code.store(code.into(), Relaxed);
        worker.exited.push(&self.records, task);
        self.step(task, INITIATED, ZOMBIE);
        fence(SeqCst);
        let parent = self.records.get(record.parent.load(Relaxed));
        if parent.waiter.load(Relaxed) != 0 {
            parent.waiter.store(0, Release);
        }
    }

    #[inline]
    fn wait(&self, worker: &mut Worker, parent: u32, which: Which) -> Found {
        let _pinned = self.epochs.pin(worker.seat);
        let child = match which {
            Which::Pid(pid) => self.pids.lookup(pid),
            _ => worker.exited.first(),
        };
        if child != 0 && self.records.get(child).parent.load(Relaxed) == parent {
            self.reap(worker, parent, child)
        } else if self.records.get(parent).children.load(Acquire) > 0 {
            Found::Nothing
        } else {
            Found::NoChild
        }
    }

    fn lead_group(&self, _: &mut Worker, _: u32) {}
}
