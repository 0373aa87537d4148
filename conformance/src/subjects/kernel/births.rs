//! clone(2) and execve(2): who comes to be, and who takes over whose number.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::cast::Player;
use super::layout::{AT_RESULT, SLOTS};
use super::settle::settle;
use super::stage::{PATIENCE, descriptor_of};
use super::{BRIEFLY, OnKernel, orders, proc};
use crate::language::{Name, Reply};

impl OnKernel<'_> {
    /// clone(2). The controller takes a copy of the new task's pidfd out of its parent, which the kernel writes
    /// before the child runs: the call itself may not return for long, in vfork or with a tracer.
    pub(super) fn bear(&mut self, actor: Name, slot: usize, name: Name, flags: u64) -> Result<Reply, String> {
        let child = self.stage.used;
        if child >= SLOTS {
            return Err("no slot is left".into());
        }
        let memory = &self.stage.memory;
        let (at, is_pidfd) = (memory.scratch_address(slot, AT_RESULT), &memory.scratch(slot)[AT_RESULT]);
        memory.clear_slot(child);
        is_pidfd.store(u64::MAX, Relaxed);
        memory.give(slot, &orders::birth(flags, child, at));
        let end = Instant::now() + PATIENCE;
        while !memory.wait_idle(slot, BRIEFLY) {
            // What is written comes before the child, and the child is there before anybody can sleep.
            if is_pidfd.load(Relaxed) != u64::MAX {
                break;
            }
            if Instant::now() > end {
                return Err(format!("{actor} does not come out of clone: {}", self.plight(actor)));
            }
        }
        let has_returned = memory.is_idle(slot);
        if has_returned && memory.result(slot) < 0 {
            return orders::reply(memory.result(slot));
        }
        let parent = self.player(actor)?;
        let number = is_pidfd.load(Relaxed) as i32;
        let pidfd = descriptor_of(parent.pidfd.as_fd(), number).map_err(|error| format!("pidfd_getfd: {error}"))?;
        let (outside, inside) = loop {
            match numbers(&pidfd) {
                // It has no number before the very end of its making.
                Err(_) if Instant::now() < end => std::thread::yield_now(),
                found => break found?,
            }
        };
        let is_thread = orders::is_thread(flags);
        let tgid = if is_thread { parent.tgid } else { inside };
        let pidfd = Rc::new(pidfd);
        let thread_pidfd = if is_thread { Rc::clone(&pidfd) } else { Rc::new(thread_pidfd(outside)?) };
        self.cast.add(Player {
            name,
            slot: child,
            number: inside,
            tid: inside,
            tgid,
            pidfd,
            thread_pidfd,
            is_replaced: false,
        });
        self.stage.used += 1;
        if has_returned {
            return Ok(Reply::Done);
        }
        if flags & orders::CLONE_VFORK != 0 {
            self.waiting.push(actor);
            return Ok(Reply::Blocks);
        }
        Ok(Reply::Done)
    }

    /// Where a task is, for a report.
    fn plight(&self, name: Name) -> String {
        let proc = self.namespace.proc.as_fd();
        let tid = self.cast.get(name).map_or(0, |player| player.tid);
        format!("{:?}, in {}", proc::status(proc, tid), proc::sleeps_in(proc, tid))
    }

    /// After an order to execute a program: it has, or it waits until the other threads are gone.
    pub(super) fn settle_exec(&mut self, actor: Name, slot: usize) -> Result<Reply, String> {
        let is_alone = self.seen(actor).is_none_or(|seen| seen.status.threads == 1);
        settle(&self.stage.memory, &self.namespace, &self.cast, &self.picture, &mut self.looks)?;
        if self.stage.memory.is_idle(slot) {
            let reply = orders::reply(self.stage.memory.result(slot))?;
            if reply == Reply::Done {
                self.cast.take_over(actor);
            }
            if is_alone {
                return Ok(reply);
            }
            // It has waited for its siblings to go, however short that was.
            self.returned.push((actor, reply));
            return Ok(Reply::Blocks);
        }
        let tid = self.player(actor)?.tid;
        let state = proc::status(self.namespace.proc.as_fd(), tid).map(|status| status.state);
        if matches!(state, None | Some('t' | 'T')) {
            // It has executed the program, and its tracer holds it up before it can say so.
            self.cast.take_over(actor);
            if is_alone {
                return Ok(Reply::Done);
            }
            self.returned.push((actor, Reply::Done));
            return Ok(Reply::Blocks);
        }
        self.waiting.push(actor);
        Ok(Reply::Blocks)
    }
}

/// The number that a pidfd is for: outside of the namespace, and inside.
pub(super) fn numbers(pidfd: &OwnedFd) -> Result<(Pid, u32), String> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let info = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = info.lines().find_map(|line| line.strip_prefix("NSpid:")).ok_or("a pidfd without a number")?;
    let numbers: Vec<i32> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    match (numbers.first().and_then(|&outside| Pid::from_raw(outside)), numbers.last()) {
        (Some(outside), Some(&inside)) if numbers.len() > 1 => Ok((outside, inside as u32)),
        _ => Err(format!("a pidfd for{line}")),
    }
}

pub(super) fn thread_pidfd(pid: Pid) -> Result<OwnedFd, String> {
    // PIDFD_THREAD is the number of O_EXCL.
    let flags = PidfdFlags::from_bits_retain(0o200);
    pidfd_open(pid, flags).map_err(|error| format!("pidfd_open: {error}"))
}
