//! The process table: records, numbers, and what changes them.

use std::collections::{BTreeMap, HashMap};

use ptexit_core::uapi::{Errno, Rusage, WaitStatus};

/// What processes used; the sums of getrusage(2).
pub type Usage = Rusage;

/// The largest process ID, as in the product's defaults.
const PID_MAX: u32 = 4_194_304;

/// A process, by record and the record's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    index: u32,
    generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    Alive,
    Zombie,
}

#[derive(Debug)]
pub(super) struct Process {
    generation: u32,
    pub(super) state: State,
    pub(super) pid: u32,
    pub(super) pgid: u32,
    parent: u32,
    /// When it was born among its siblings; `children` of the parent is keyed by it.
    birth: u64,
    /// Records of the children, oldest first.
    pub(super) children: BTreeMap<u64, u32>,
    pub(super) status: WaitStatus,
    pub(super) usage: Usage,
    pub(super) children_usage: Usage,
    sigchld_pending: bool,
    sigchld_ignored: bool,
    /// Blocked waits of this process.
    waiting: i32,
}

/// What a number is in use for; it is free when there is no entry.
#[derive(Debug, Default)]
pub(super) struct Number {
    /// The process with this ID, 0 if none.
    pub(super) process: u32,
    /// Members of the process group with this ID.
    members: u32,
}

#[derive(Debug)]
pub(super) struct Table {
    /// Record 0 is nobody.
    pub(super) records: Vec<Process>,
    free: Vec<u32>,
    pub(super) numbers: HashMap<u32, Number>,
    last_pid: u32,
    births: u64,
    init: u32,
}

impl Table {
    pub(super) fn new() -> (Table, Handle) {
        let mut table = Table {
            records: vec![Process::blank()],
            free: Vec::new(),
            numbers: HashMap::new(),
            last_pid: 0,
            births: 0,
            init: 1,
        };
        let pid = table.next_pid().expect("all numbers are free");
        let init = table.add(0, pid, pid);
        (table, init)
    }

    /// The record of a living process.
    pub(super) fn find(&self, handle: Handle) -> Result<u32, Errno> {
        match self.records.get(handle.index as usize) {
            Some(p) if p.generation == handle.generation && p.state == State::Alive => Ok(handle.index),
            _ => Err(Errno::ESRCH),
        }
    }

    pub(super) fn fork(&mut self, parent: Handle) -> Result<(Handle, u32), Errno> {
        let parent = self.find(parent)?;
        let pid = self.next_pid()?;
        let pgid = self.records[parent as usize].pgid;
        Ok((self.add(parent, pid, pgid), pid))
    }

    pub(super) fn exit(&mut self, task: Handle, status: WaitStatus, usage: &Usage) -> Result<bool, Errno> {
        let index = self.find(task)?;
        let mut somebody_waits = false;
        if index != self.init {
            let orphans = std::mem::take(&mut self.records[index as usize].children);
            for &child in orphans.values() {
                somebody_waits |= self.reparent_to_init(child);
            }
        }
        let process = &mut self.records[index as usize];
        process.state = State::Zombie;
        process.status = status;
        process.usage = *usage;
        add_usage(&mut process.usage, &process.children_usage);
        Ok(somebody_waits | self.notify_parent(index))
    }

    pub(super) fn new_group(&mut self, task: Handle) -> Result<(), Errno> {
        let index = self.find(task)?;
        let process = &mut self.records[index as usize];
        let (pid, old) = (process.pid, process.pgid);
        if pid != old {
            process.pgid = pid;
            self.numbers.entry(pid).or_default().members += 1;
            self.leave_group(old);
        }
        Ok(())
    }

    pub(super) fn ignore_sigchld(&mut self, task: Handle, ignore: bool) -> Result<(), Errno> {
        let index = self.find(task)?;
        self.records[index as usize].sigchld_ignored = ignore;
        Ok(())
    }

    pub(super) fn take_sigchld(&mut self, task: Handle) -> Result<bool, Errno> {
        let index = self.find(task)?;
        Ok(std::mem::take(&mut self.records[index as usize].sigchld_pending))
    }

    pub(super) fn children_usage(&self, task: Handle) -> Result<Usage, Errno> {
        Ok(self.records[self.find(task)? as usize].children_usage)
    }

    pub(super) fn set_waiting(&mut self, task: Handle, change: i32) {
        if let Ok(index) = self.find(task) {
            self.records[index as usize].waiting += change;
        }
    }

    /// The process is gone: off its parent's list, its number and record free.
    pub(super) fn release(&mut self, index: u32) {
        let process = &mut self.records[index as usize];
        process.state = State::Free;
        process.generation += 1;
        let (pid, pgid, parent, birth) = (process.pid, process.pgid, process.parent, process.birth);
        self.records[parent as usize].children.remove(&birth);
        self.free.push(index);
        if let Some(number) = self.numbers.get_mut(&pid) {
            number.process = 0;
            if number.members == 0 {
                self.numbers.remove(&pid);
            }
        }
        self.leave_group(pgid);
    }

    fn add(&mut self, parent: u32, pid: u32, pgid: u32) -> Handle {
        let index = self.free.pop().unwrap_or_else(|| {
            self.records.push(Process::blank());
            self.records.len() as u32 - 1
        });
        let birth = self.next_birth();
        let process = &mut self.records[index as usize];
        process.state = State::Alive;
        process.pid = pid;
        process.pgid = pgid;
        process.parent = parent;
        process.birth = birth;
        process.usage = Usage::default();
        process.children_usage = Usage::default();
        process.sigchld_pending = false;
        process.sigchld_ignored = false;
        let handle = Handle { index, generation: process.generation };
        self.records[parent as usize].children.insert(birth, index);
        self.numbers.entry(pid).or_default().process = index;
        self.numbers.entry(pgid).or_default().members += 1;
        handle
    }

    fn next_birth(&mut self) -> u64 {
        self.births += 1;
        self.births
    }

    /// The next free number after the last one.
    fn next_pid(&mut self) -> Result<u32, Errno> {
        for _ in 0..PID_MAX {
            self.last_pid = self.last_pid % PID_MAX + 1;
            if !self.numbers.contains_key(&self.last_pid) {
                return Ok(self.last_pid);
            }
        }
        Err(Errno::EAGAIN)
    }

    fn leave_group(&mut self, pgid: u32) {
        if let Some(number) = self.numbers.get_mut(&pgid) {
            number.members -= 1;
            if number.members == 0 && number.process == 0 {
                self.numbers.remove(&pgid);
            }
        }
    }

    fn reparent_to_init(&mut self, index: u32) -> bool {
        let birth = self.next_birth();
        let process = &mut self.records[index as usize];
        process.parent = self.init;
        process.birth = birth;
        let is_zombie = process.state == State::Zombie;
        self.records[self.init as usize].children.insert(birth, index);
        is_zombie && self.notify_parent(index)
    }

    /// A zombie and its parent. True: the parent has blocked waits to be woken.
    fn notify_parent(&mut self, zombie: u32) -> bool {
        let parent = self.records[zombie as usize].parent;
        let process = &mut self.records[parent as usize];
        let waiting = process.waiting > 0;
        if process.sigchld_ignored {
            self.release(zombie);
        } else {
            process.sigchld_pending = true;
        }
        waiting
    }
}

impl Process {
    fn blank() -> Process {
        Process {
            generation: 1,
            state: State::Free,
            pid: 0,
            pgid: 0,
            parent: 0,
            birth: 0,
            children: BTreeMap::new(),
            status: WaitStatus::exited(0),
            usage: Usage::default(),
            children_usage: Usage::default(),
            sigchld_pending: false,
            sigchld_ignored: false,
            waiting: 0,
        }
    }

    pub(super) fn is_child_of(&self, parent: u32) -> bool {
        self.parent == parent
    }
}

/// Adds what one process used to a sum.
pub(super) fn add_usage(sum: &mut Usage, used: &Usage) {
    sum.utime_ns += used.utime_ns;
    sum.stime_ns += used.stime_ns;
    sum.maxrss_kib = sum.maxrss_kib.max(used.maxrss_kib);
    sum.minflt += used.minflt;
    sum.majflt += used.majflt;
    sum.inblock += used.inblock;
    sum.oublock += used.oublock;
    sum.nvcsw += used.nvcsw;
    sum.nivcsw += used.nivcsw;
}
