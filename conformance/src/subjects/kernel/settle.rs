//! When a line is over: nothing moves any more. Normal scheduling promises no order, so this is observed.
//!
//! Controller and puppets share one processor. While the controller reads, no puppet runs: whoever is seen
//! asleep is asleep, unless it was preempted on its way into sleep or out of it, which shows in its
//! state, in a pending signal, or in where it sleeps.

use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::cast::{Cast, Player};
use super::proc::{self, Stat, Status};
use super::shared::Memory;
use super::stage::{Namespace, PATIENCE};

const SIGKILL: u32 = 9;
/// Where the kernel sleeps in a call that waits for others and that no handler interrupts.
const SLOW: [&str; 4] = ["kernel_clone", "wait_for_vfork", "de_thread", "begin_new_exec"];

/// Between two looks: long enough for the others to run.
const PAUSE: Duration = Duration::from_micros(20);

/// What is seen of one task.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) status: Status,
    /// Of dead processes, and of those that have reaped children.
    pub(super) stat: Option<Stat>,
    /// Of this thread alone.
    pub(super) children: Vec<u32>,
}

impl Seen {
    /// The leader of a process of which nobody is left.
    pub(super) fn is_dead(&self) -> bool {
        self.status.state == 'Z' && self.status.threads == 1
    }
}

/// Every task, by its place in the cast; `None` for those that are gone.
pub(super) type Picture = Vec<Option<Seen>>;

/// How often another task has run in this thread's place.
fn switches() -> i64 {
    // SAFETY: a plain structure of numbers, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { core::mem::zeroed() };
    // SAFETY: written by the call, which fails for nobody: its first argument is right.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    usage.ru_nvcsw + usage.ru_nivcsw
}

/// Waits until nothing moves, and tells what is seen then. Those whose place in `last` is empty are gone
/// for good.
pub(super) fn settle(
    memory: &Memory,
    namespace: &Namespace,
    cast: &Cast,
    last: &Picture,
    looks: &mut u64,
) -> Result<Picture, String> {
    let end = Instant::now() + PATIENCE;
    loop {
        *looks += 1;
        let before = switches();
        match look(memory, namespace, cast, last) {
            // Somebody ran in the middle of it: one half of the picture may be older than the other.
            Ok(_) if switches() != before => {}
            Ok(picture) => return Ok(picture),
            Err(restless) if Instant::now() > end => return Err(restless),
            Err(_) => sleep(PAUSE),
        }
    }
}

fn look(memory: &Memory, namespace: &Namespace, cast: &Cast, last: &Picture) -> Result<Picture, String> {
    let proc = namespace.proc.as_fd();
    let mut statuses = Vec::with_capacity(cast.all().len());
    for (index, player) in cast.all().iter().enumerate() {
        let is_gone = last.get(index).is_some_and(Option::is_none);
        let status = if is_gone || player.is_replaced { None } else { proc::status(proc, player.tid) };
        if let Some(status) = &status
            && !is_quiet(memory, namespace, player, status)
        {
            return Err(format!("{} does not come to rest: {status:?}", player.name));
        }
        statuses.push(status);
    }
    let seen = |(status, player): (Option<Status>, &Player)| {
        let status = status?;
        let is_dead = status.state == 'Z';
        let children = if is_dead { Vec::new() } else { proc::children(proc, status.tgid, player.tid) };
        let is_leader = status.tgid == player.tid;
        let stat = if is_leader { proc::stat(proc, player.tid) } else { None };
        Some(Seen { status, stat, children })
    };
    Ok(statuses.into_iter().zip(cast.all()).map(seen).collect())
}

fn is_quiet(memory: &Memory, namespace: &Namespace, player: &Player, status: &Status) -> bool {
    let place = || proc::sleeps_in(namespace.proc.as_fd(), player.tid);
    match status.state {
        'Z' => true,
        // Held up; nothing but SIGKILL gets through.
        'T' | 't' => status.pending & 1 << (SIGKILL - 1) == 0,
        // In vfork or execve, until others have done something.
        'D' => status.pending & 1 << (SIGKILL - 1) == 0 && SLOW.iter().any(|function| place().starts_with(function)),
        // Asleep with nothing to do, or in a wait. On its way out, init sleeps until everybody else is gone.
        'S' if status.deliverable() == 0 => {
            if !memory.is_idle(player.slot) {
                place().starts_with("do_wait")
            } else {
                status.tgid != 1 || place().starts_with("futex")
            }
        }
        _ => false,
    }
}
