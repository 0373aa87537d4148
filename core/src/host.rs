//! What the core tells the program that embeds it.
//!
//! The library decides that a signal is generated, that a waiter must look again, that a process ID is
//! free. Acting on it (signal frames, parking threads, freeing memory) is the host's.

use crate::ids::TaskId;
use crate::uapi::{Rusage, SigInfo, Signal, SignalSet, WaitStatus};

/// Something that happened, told to the host after it was committed and in the order it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A signal is generated. It is offered to `target` first; with `group` any thread of its thread
    /// group may take it (SIGCHLD, the parent-death signal), without it only `target`.
    ///
    /// SIGCHLD comes when the zombie can be waited for, and before the first wait that reports it returns: on the
    /// thread of that wait, if it is faster. Such a wait lets a callback on another thread that tells of the
    /// same child come to its end first, unless that takes longer than a tenth of a second.
    ///
    /// A signal whose default action is to do nothing is told as well, unless it is ignored (`SIG_IGN`). One that has
    /// ended the process is told behind the [`Interrupt`](Event::Interrupt)s: it need not be taken.
    Signal {
        /// The thread that is offered the signal first.
        target: TaskId,
        /// The target's host cookie.
        cookie: u64,
        /// The thread that is to take it, which the host makes leave its guest: `target`, or with `group` another
        /// one if that cannot. `None` if nobody can at present: all block it or have stopped.
        taker: Option<TaskId>,
        /// Of a stop signal and of SIGCONT, when it was sent: the host keeps it with the signal. See
        /// [`Discard`](Event::Discard) and [`Tree::begin_stop`](crate::tree::Tree::begin_stop).
        ticket: u32,
        /// The signal is pending for the whole thread group.
        group: bool,
        /// What the receiver sees.
        info: SigInfo,
    },
    /// An armed wait may now succeed or fail: the host calls wait again. A hint, never a promise.
    Wake {
        /// The waiting task.
        task: TaskId,
        /// The cookie of the armed wait.
        wait: u64,
    },
    /// A stop signal or SIGCONT has been sent to a process, and voids others that are pending there, for the
    /// process or for any of its threads: those of `signals` whose ticket is older than `ticket`, and with SIGCONT
    /// among `signals`, as old. Tickets are compared as [`is_older`](crate::tree::is_older) does.
    Discard {
        /// The leader of the process.
        task: TaskId,
        /// The leader's host cookie.
        cookie: u64,
        /// The stop signals, or SIGCONT.
        signals: SignalSet,
        /// When the signal was sent that voids them.
        ticket: u32,
    },
    /// The task must leave its guest, or wherever it has stopped, and ask [`Tree::task_poll`] what to do: its thread
    /// group is exiting, is asked to stop, or goes on. If it comes when the task is just about to
    /// stop, the task must not sleep. In a tree where nobody sends signals it means that the group is exiting, and
    /// the task may call `exit_begin` at once.
    ///
    /// [`Tree::task_poll`]: crate::tree::Tree::task_poll
    Interrupt {
        /// The task to be interrupted.
        task: TaskId,
        /// The task's host cookie.
        cookie: u64,
    },
    /// The last thread of a process has exited: its pidfd becomes readable.
    Exited {
        /// The thread-group leader.
        task: TaskId,
        /// The leader's host cookie.
        cookie: u64,
        /// What wait(2) will report.
        status: WaitStatus,
    },
    /// A task is gone: its handle is stale from now on.
    Reaped {
        /// The task. Only good for comparing: it is stale.
        task: TaskId,
        /// Its process or thread ID.
        pid: u32,
        /// Its host cookie.
        cookie: u64,
        /// Who waited for it; `None` if nobody did (a thread, or a child whose parent ignores SIGCHLD).
        waiter: Option<TaskId>,
        /// Its final status.
        status: WaitStatus,
        /// What the process and its own waited-for children used; zero for a thread.
        usage: Rusage,
    },
    /// A process has a new parent.
    Reparented {
        /// The leader of the process that was moved.
        task: TaskId,
        /// Its host cookie.
        cookie: u64,
        /// The thread that is its parent now.
        parent: TaskId,
    },
    /// No task, process group or session uses this number any more.
    PidFree {
        /// The number.
        pid: u32,
    },
}

/// Somebody wants to send a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalRequest {
    /// Who.
    pub sender: TaskId,
    /// The sender's host cookie.
    pub sender_cookie: u64,
    /// To whom: a thread, or the leader of a process.
    pub target: TaskId,
    /// The target's host cookie.
    pub target_cookie: u64,
    /// What; `None` to ask whether it could.
    pub signal: Option<Signal>,
    /// By the rule of kill(2), as far as the library knows: the sender's real user ID is 0 or the target's, or the
    /// signal is SIGCONT and both are in one session.
    pub is_allowed: bool,
}

/// The program the core is embedded in.
///
/// `event` is called on the thread whose call caused the event, while the library holds nothing: it may
/// call back into the tree. It must not block for long, and it must not panic.
pub trait Host {
    /// Takes note of an event.
    fn event(&self, event: &Event);

    /// May this signal be sent? Called within [`Tree::signal`](crate::tree::Tree::signal), and must not call back
    /// into the tree.
    fn may_signal(&self, request: &SignalRequest) -> bool {
        request.is_allowed
    }

    /// A number that no other thread has at the same time, and not 0: whether a wait was called from within
    /// [`event`](Self::event) is told by it.
    fn thread(&self) -> u64 {
        std::thread_local! {
            static HERE: u8 = const { 0 };
        }
        HERE.with(|here| core::ptr::from_ref(here).addr() as u64)
    }
}

impl<F: Fn(&Event)> Host for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}
