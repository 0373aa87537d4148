//! Waiting: one child after the other, unless the wait is for one process ID.

use ptexit_core::uapi::{Errno, WaitOptions, WaitStatus};

use super::table::{Handle, State, Table, Usage, add_usage};
use crate::system::Which;

/// A dead child, as wait4(2) reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dead {
    /// Its process ID.
    pub pid: u32,
    /// How it died.
    pub status: WaitStatus,
    /// What it and its own waited-for children used.
    pub usage: Usage,
}

impl Table {
    pub(super) fn wait(&mut self, waiter: Handle, which: Which, options: WaitOptions) -> Result<Option<Dead>, Errno> {
        let parent = self.find(waiter)?;
        let Some(zombie) = self.find_zombie(parent, which)? else { return Ok(None) };
        let process = &self.records[zombie as usize];
        let dead = Dead { pid: process.pid, status: process.status, usage: process.usage };
        if !options.contains(WaitOptions::WNOWAIT) {
            add_usage(&mut self.records[parent as usize].children_usage, &dead.usage);
            self.release(zombie);
        }
        Ok(Some(dead))
    }

    /// The oldest matching zombie; ECHILD if no child matches at all.
    fn find_zombie(&self, parent: u32, which: Which) -> Result<Option<u32>, Errno> {
        if let Which::Pid(pid) = which {
            let index = self.numbers.get(&pid).map_or(0, |number| number.process);
            let process = &self.records[index as usize];
            if index == 0 || !process.is_child_of(parent) {
                return Err(Errno::ECHILD);
            }
            return Ok((process.state == State::Zombie).then_some(index));
        }
        let mut any = false;
        for &index in self.records[parent as usize].children.values() {
            let process = &self.records[index as usize];
            if matches!(which, Which::Group(pgid) if process.pgid != pgid) {
                continue;
            }
            any = true;
            if process.state == State::Zombie {
                return Ok(Some(index));
            }
        }
        if any { Ok(None) } else { Err(Errno::ECHILD) }
    }
}
