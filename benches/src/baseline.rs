//! The yardstick from above: a process tree under one lock.
//!
//! It does what a careful engineer would write first, and writes it well: one `parking_lot` mutex around
//! a slab of records, a hash table of numbers, the children of a process in birth order, waits that look
//! at one child after the other unless they are for one process ID. Nothing is left out that would make
//! it faster and still right. What no row of the table uses is left out, which can only make it faster:
//! threads, sessions, stops, ptrace. The two threads of a shared parent both call as that process.

mod table;
mod wait;

use parking_lot::{Condvar, Mutex};
use ptexit_core::uapi::{Errno, Rusage, WaitOptions, WaitStatus};

use crate::system::{Found, System, Which};
use table::Table;
pub use table::{Handle, Usage};
pub use wait::Dead;

/// The process tree.
#[derive(Debug)]
pub struct Baseline {
    table: Mutex<Table>,
    /// Blocked waits, of whatever process.
    exits: Condvar,
}

impl Baseline {
    /// A tree and its init, process 1.
    pub fn create() -> (Baseline, Handle) {
        let (table, init) = Table::new();
        (Baseline { table: Mutex::new(table), exits: Condvar::new() }, init)
    }

    /// fork(2): the child and its process ID.
    pub fn clone_process(&self, parent: Handle) -> Result<(Handle, u32), Errno> {
        self.table.lock().fork(parent)
    }

    /// exit(3): children go to init, the parent is told. A parent that ignores SIGCHLD gets no zombie.
    pub fn exit_process(&self, task: Handle, status: WaitStatus, usage: &Rusage) -> Result<(), Errno> {
        let somebody_waits = self.table.lock().exit(task, status, usage)?;
        if somebody_waits {
            self.exits.notify_all();
        }
        Ok(())
    }

    /// waitid(2) with WEXITED, and WNOHANG or WNOWAIT if asked for; `None`: with WNOHANG, nothing yet.
    pub fn wait_child(&self, waiter: Handle, which: Which, options: WaitOptions) -> Result<Option<Dead>, Errno> {
        let mut table = self.table.lock();
        loop {
            let found = table.wait(waiter, which, options)?;
            if found.is_some() || options.contains(WaitOptions::WNOHANG) {
                return Ok(found);
            }
            table.set_waiting(waiter, 1);
            self.exits.wait(&mut table);
            table.set_waiting(waiter, -1);
        }
    }

    /// setpgid(0, 0).
    pub fn new_group(&self, task: Handle) -> Result<(), Errno> {
        self.table.lock().new_group(task)
    }

    /// Sets or clears `SIG_IGN` for SIGCHLD.
    pub fn ignore_sigchld(&self, task: Handle, ignore: bool) -> Result<(), Errno> {
        self.table.lock().ignore_sigchld(task, ignore)
    }

    /// Takes a pending SIGCHLD; was there one?
    pub fn take_sigchld(&self, task: Handle) -> Result<bool, Errno> {
        self.table.lock().take_sigchld(task)
    }

    /// What the waited-for children of this process used.
    pub fn children_usage(&self, task: Handle) -> Result<Usage, Errno> {
        self.table.lock().children_usage(task)
    }
}

impl System for Baseline {
    const NAME: &'static str = "baseline";
    type Task = Handle;
    type Worker = ();

    fn new() -> (Self, Handle) {
        Baseline::create()
    }

    fn worker(&self) {}

    fn thread(&self, _: &mut (), parent: Handle) -> Handle {
        parent
    }

    fn fork(&self, worker: &mut (), parent: Handle) -> Handle {
        self.fork_pid(worker, parent).0
    }

    fn fork_pid(&self, _: &mut (), parent: Handle) -> (Handle, u32) {
        self.clone_process(parent).expect("the parent is alive")
    }

    fn exit(&self, _: &mut (), task: Handle, code: u8) {
        let usage = Rusage { utime_ns: 1, ..Rusage::default() };
        self.exit_process(task, WaitStatus::exited(code.into()), &usage).expect("the task is alive");
    }

    fn wait(&self, _: &mut (), parent: Handle, which: Which) -> Found {
        match self.wait_child(parent, which, WaitOptions::WEXITED | WaitOptions::WNOHANG) {
            Ok(Some(dead)) => Found::Child { pid: dead.pid, code: dead.status.exit_code().unwrap_or(0) as u8 },
            Ok(None) => Found::Nothing,
            Err(Errno::ECHILD) => Found::NoChild,
            Err(error) => panic!("wait: {error}"),
        }
    }

    fn lead_group(&self, _: &mut (), task: Handle) {
        self.new_group(task).expect("the task is alive");
    }
}
