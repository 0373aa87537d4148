//! What `/proc` shows of a task.

use std::os::fd::BorrowedFd;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

/// What `/proc/TID/status` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) state: char,
    pub(super) tgid: u32,
    pub(super) ppid: u32,
    pub(super) tracer: u32,
    pub(super) pgid: u32,
    pub(super) sid: u32,
    pub(super) uid: u32,
    pub(super) threads: u32,
    /// Pending for this thread, and for its process.
    pub(super) pending: u64,
    pub(super) shared: u64,
    pub(super) blocked: u64,
    pub(super) ignored: u64,
}

impl Status {
    /// Signals that the thread would take.
    pub(super) fn deliverable(&self) -> u64 {
        (self.pending | self.shared) & !self.blocked & !self.ignored
    }
}

/// What `/proc/TID/stat` says beyond that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) exit_code: u32,
    pub(super) children_utime_ticks: u64,
}

/// A file of procfs; `None` if the task is not there any more.
fn read(proc: BorrowedFd<'_>, path: &str, buffer: &mut [u8]) -> Option<usize> {
    let file = openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut length = 0;
    loop {
        match rustix::io::read(&file, &mut buffer[length..]) {
            Ok(0) => return Some(length),
            Ok(count) => length += count,
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

fn text(buffer: &[u8]) -> &str {
    core::str::from_utf8(buffer).unwrap_or_default()
}

/// The status of a task; `None` if it is gone.
pub(super) fn status(proc: BorrowedFd<'_>, tid: u32) -> Option<Status> {
    let mut buffer = [0; 4096];
    let length = read(proc, &format!("{tid}/status"), &mut buffer)?;
    let mut status = Status::default();
    for line in text(&buffer[..length]).lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let first = value.split_ascii_whitespace().next().unwrap_or_default();
        let number = || first.parse().unwrap_or_default();
        let bits = || u64::from_str_radix(first, 16).unwrap_or_default();
        match key {
            "State" => status.state = first.chars().next().unwrap_or('?'),
            "Tgid" => status.tgid = number(),
            "PPid" => status.ppid = number(),
            "TracerPid" => status.tracer = number(),
            "NSpgid" => status.pgid = number(),
            "NSsid" => status.sid = number(),
            "Uid" => status.uid = number(),
            "Threads" => status.threads = number(),
            "SigPnd" => status.pending = bits(),
            "ShdPnd" => status.shared = bits(),
            "SigBlk" => status.blocked = bits(),
            "SigIgn" => status.ignored = bits(),
            _ => {}
        }
    }
    // A task that was released between open and read has no numbers any more.
    (status.tgid != 0).then_some(status)
}

/// What only `stat` has; `None` if the task is gone.
pub(super) fn stat(proc: BorrowedFd<'_>, tid: u32) -> Option<Stat> {
    let mut buffer = [0; 1024];
    let length = read(proc, &format!("{tid}/stat"), &mut buffer)?;
    // The name, in parentheses, may hold anything: the fields are counted from its end. `state` is the third.
    let (_, rest) = text(&buffer[..length]).rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).and_then(|field| field.parse().ok());
    Some(Stat { exit_code: field(52)? as u32, children_utime_ticks: field(16)? })
}

/// The children of one thread, oldest first.
pub(super) fn children(proc: BorrowedFd<'_>, tgid: u32, tid: u32) -> Vec<u32> {
    let mut buffer = [0; 4096];
    let length = read(proc, &format!("{tgid}/task/{tid}/children"), &mut buffer).unwrap_or(0);
    text(&buffer[..length]).split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// The kernel's function in which a task sleeps; nothing, or `0`, if it does not or is about to run.
pub(super) fn sleeps_in(proc: BorrowedFd<'_>, tid: u32) -> String {
    let mut buffer = [0; 64];
    let length = read(proc, &format!("{tid}/wchan"), &mut buffer).unwrap_or(0);
    text(&buffer[..length]).to_string()
}
