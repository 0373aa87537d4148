//! The yardstick from below: the least that can be a process lifecycle at all, with nothing shared.
//!
//! A 64-byte record in a type-stable slab, a number from the thread's own block, an entry in the table of
//! numbers, three state changes by compare-exchange, a count of children on the parent, a fence before
//! looking for a waiter, records reused after a grace period by the thread that retired them: about
//! twelve locked operations. No sets of children, no groups, no reparenting, no events.
//! A thread that waits for any child reaps the one it saw exit last. This is not a usable process tree;
//! it is what remains of one when everything that could be taken away has been.

mod limbo;
mod pids;

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};

use crate::system::{Found, System, Which};
use limbo::{Epochs, Limbo};
use pids::{Block, Pids};

/// The largest number of records.
const CAPACITY: usize = 2_097_152;
/// Records a thread takes from the slab at a time.
const BATCH: u32 = 64;

const ALIVE: u64 = 1;
const INITIATED: u64 = 2;
const ZOMBIE: u64 = 3;
const DEAD: u64 = 4;

/// One cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Record {
    /// Generation and state.
    state: AtomicU64,
    parent: AtomicU32,
    pid: AtomicU32,
    code: AtomicU32,
    children: AtomicU32,
    waiter: AtomicU32,
}

/// A task, by record and the record's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    index: u32,
    generation: u32,
}

impl Handle {
    fn in_state(self, state: u64) -> u64 {
        u64::from(self.generation) << 8 | state
    }
}

/// The slab, the numbers and the epochs.
#[derive(Debug)]
pub struct Floor {
    records: Vec<Record>,
    carved: AtomicU32,
    pids: Pids,
    epochs: Epochs,
}

/// What a thread owns.
#[derive(Debug)]
pub struct Worker {
    seat: usize,
    free: Vec<u32>,
    block: Block,
    limbo: Limbo,
    exited: Vec<Handle>,
}

impl Floor {
    fn take_record(&self, worker: &mut Worker) -> u32 {
        if worker.free.is_empty() {
            let first = self.carved.fetch_add(BATCH, Relaxed);
            assert!((first + BATCH) as usize <= CAPACITY, "the floor has {CAPACITY} records");
            worker.free.extend((first..first + BATCH).rev());
        }
        worker.free.pop().unwrap_or(0)
    }

    fn create(&self, worker: &mut Worker, parent: u32) -> (Handle, u32) {
        let index = self.take_record(worker);
        let pid = self.pids.allocate(&mut worker.block);
        let record = &self.records[index as usize];
        let generation = (record.state.load(Relaxed) >> 8) as u32 + 1;
        let handle = Handle { index, generation };
        record.parent.store(parent, Relaxed);
        record.pid.store(pid, Relaxed);
        self.records[parent as usize].children.fetch_add(1, AcqRel);
        record.state.store(handle.in_state(ALIVE), Release);
        self.pids.publish(pid, index);
        (handle, pid)
    }

    fn step(&self, task: Handle, from: u64, to: u64) -> bool {
        let state = &self.records[task.index as usize].state;
        state.compare_exchange(task.in_state(from), task.in_state(to), AcqRel, Relaxed).is_ok()
    }

    fn reap(&self, worker: &mut Worker, parent: Handle, child: Handle) -> Found {
        if !self.step(child, ZOMBIE, DEAD) {
            return Found::Nothing;
        }
        let record = &self.records[child.index as usize];
        let pid = record.pid.load(Relaxed);
        let code = record.code.load(Relaxed) as u8;
        self.pids.free(pid);
        self.records[parent.index as usize].children.fetch_sub(1, AcqRel);
        worker.limbo.retire(child.index, &self.epochs, &mut worker.free);
        Found::Child { pid, code }
    }
}

impl System for Floor {
    const NAME: &'static str = "floor";
    type Task = Handle;
    type Worker = Worker;

    fn new() -> (Self, Handle) {
        let floor = Floor {
            records: std::iter::repeat_with(Record::default).take(CAPACITY).collect(),
            carved: AtomicU32::new(BATCH),
            pids: Pids::new(),
            epochs: Epochs::new(),
        };
        let mut worker = floor.worker();
        let (init, _) = floor.create(&mut worker, 0);
        (floor, init)
    }

    fn worker(&self) -> Worker {
        Worker {
            seat: self.epochs.take_seat(),
            free: Vec::new(),
            block: Block::default(),
            limbo: Limbo::default(),
            exited: Vec::new(),
        }
    }

    fn thread(&self, worker: &mut Worker, parent: Handle) -> Handle {
        self.fork(worker, parent)
    }

    fn fork(&self, worker: &mut Worker, parent: Handle) -> Handle {
        self.fork_pid(worker, parent).0
    }

    fn fork_pid(&self, worker: &mut Worker, parent: Handle) -> (Handle, u32) {
        let _pinned = self.epochs.pin(worker.seat);
        self.create(worker, parent.index)
    }

    fn exit(&self, worker: &mut Worker, task: Handle, code: u8) {
        let _pinned = self.epochs.pin(worker.seat);
        assert!(self.step(task, ALIVE, INITIATED), "a task exits once");
        let record = &self.records[task.index as usize];
        record.code.store(code.into(), Relaxed);
        self.step(task, INITIATED, ZOMBIE);
        fence(SeqCst);
        let parent = &self.records[record.parent.load(Relaxed) as usize];
        if parent.waiter.load(Relaxed) != 0 {
            parent.waiter.store(0, Release);
        }
        worker.exited.push(task);
    }

    fn wait(&self, worker: &mut Worker, parent: Handle, which: Which) -> Found {
        let _pinned = self.epochs.pin(worker.seat);
        if let Which::Pid(pid) = which {
            let index = self.pids.lookup(pid);
            let record = &self.records[index as usize];
            let generation = (record.state.load(Acquire) >> 8) as u32;
            if index == 0 || record.parent.load(Relaxed) != parent.index {
                return Found::NoChild;
            }
            worker.exited.pop();
            return self.reap(worker, parent, Handle { index, generation });
        }
        match worker.exited.pop() {
            Some(child) => self.reap(worker, parent, child),
            None if self.records[parent.index as usize].children.load(Acquire) > 0 => Found::Nothing,
            None => Found::NoChild,
        }
    }

    fn lead_group(&self, _: &mut Worker, _: Handle) {}
}
