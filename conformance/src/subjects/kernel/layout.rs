//! The memory that the controller and its puppets share. Compiled into both, so it knows neither.

// Each side uses a part of it.
#![allow(dead_code)]

use core::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};

/// Where every puppet maps the memory.
pub const BASE: usize = 0x1000_0000_0000;
/// Room for one puppet: its mailbox, and its stack above it.
pub const SLOT_SIZE: usize = 32 * 1024;
/// How many puppets one scenario may have, over all its time. The first two are the launcher's and init's.
pub const SLOTS: usize = 256;
/// How many signals may arrive during one line.
pub const LOG_LENGTH: usize = 1024;

/// A puppet's descriptors: this memory, the puppet program, the controller's pidfd.
pub const FD_MEMORY: i64 = 100;
/// See [`FD_MEMORY`].
pub const FD_PROGRAM: i64 = 101;
/// See [`FD_MEMORY`].
pub const FD_CONTROLLER: i64 = 102;

/// Ends a blocked call with EINTR.
pub const SIGNAL_INTERRUPT: u64 = 30; // SIGPWR
/// Makes the receiving thread take over the real user ID that its mailbox names.
pub const SIGNAL_UID: u64 = 16; // SIGSTKFLT

/// What a puppet can be told to do.
pub mod order {
    /// The system call `number` with `arguments`.
    pub const CALL: u32 = 1;
    /// clone(2) with the flags `arguments[0]`; the child works at slot `arguments[1]`.
    pub const CLONE: u32 = 2;
    /// execve(2) of the puppet program, which goes on at the same slot.
    pub const EXEC: u32 = 3;
    /// `number` is wait4(2) or waitid(2). Handlers run and the call goes on; only an interruption ends it.
    /// If `arguments[5]` is not 0, `arguments[1]` is a descriptor of the controller's.
    pub const WAIT: u32 = 4;
    /// The action for signal `arguments[0]`, one of [`super::action`] in `arguments[1]`; flags `arguments[2]`.
    pub const ACTION: u32 = 5;
    /// Uses `arguments[0]` milliseconds of processor time and touches `arguments[1]` KiB.
    pub const BURN: u32 = 6;
}

/// What a puppet does about a signal.
pub mod action {
    /// Nothing but what the kernel does. Where that is nothing, a handler writes down that the signal came.
    pub const DEFAULT: u64 = 0;
    /// `SIG_IGN`.
    pub const IGNORE: u64 = 1;
    /// A handler of the scenario's.
    pub const HANDLE: u64 = 2;
}

/// The signals whose default action is to do nothing: SIGCHLD, SIGCONT, SIGURG, SIGWINCH.
pub const HARMLESS: [u64; 4] = [17, 18, 23, 28];

/// How many words a call may read or write through pointers.
pub const SCRATCH: usize = 96;
/// Where in the scratch words what is written: the number of a pidfd or a wait status,
pub const AT_RESULT: usize = 0;
/// a `struct rusage`,
pub const AT_USAGE: usize = 16;
/// a `siginfo_t`.
pub const AT_INFO: usize = 64;

/// How the controller and one puppet talk. An order is given by writing it and then counting
/// `ordered` up; it has been carried out when `done` has the same value.
#[repr(C, align(4096))]
pub struct Mailbox {
    pub ordered: AtomicU32,
    pub done: AtomicU32,
    pub what: AtomicU32,
    /// Set while an interruption is meant to end the puppet's call.
    pub interrupted: AtomicU32,
    /// The real user ID to take over, at the next [`SIGNAL_UID`].
    pub uid: AtomicU32,
    pub number: AtomicU64,
    pub arguments: [AtomicU64; 6],
    pub result: AtomicI64,
    pub scratch: [AtomicU64; SCRATCH],
}

/// One slot. The stack grows down from the end towards the mailbox.
#[repr(C)]
pub struct Slot {
    pub mailbox: Mailbox,
    pub stack: [AtomicU64; (SLOT_SIZE - size_of::<Mailbox>()) / 8],
}

/// One signal, as its handler saw it.
#[repr(C)]
pub struct LogEntry {
    /// Written last: 1 if the rest is there.
    pub is_written: AtomicU32,
    /// 1 if the scenario has set a handler; 0 if the signal was only seen to come.
    pub is_handled: AtomicU32,
    pub slot: AtomicU32,
    pub signal: AtomicU32,
    pub code: AtomicU32,
    pub pid: AtomicU32,
    pub uid: AtomicU32,
    pub status: AtomicU32,
    pub utime: AtomicU64,
    pub stime: AtomicU64,
}

/// All of it.
#[repr(C)]
pub struct Shared {
    /// How many signals were logged. Each takes the entry with its number.
    pub logged: AtomicU64,
    /// Whether there are handlers for signals that do nothing by default, so that they are seen to come.
    pub observes: AtomicU64,
    pub log: [LogEntry; LOG_LENGTH],
    /// Read by branches that are released together: they start when it is theirs.
    pub start: AtomicU32,
    pub slots: [Slot; SLOTS],
}
