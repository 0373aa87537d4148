//! Events on their way from the core to the program: filtered, converted, called back or queued.

use std::ffi::{c_int, c_void};

use ptexit_core::host::{Event as CoreEvent, Host};
use ptexit_core::tree::Queue;
use ptexit_core::uapi::{Errno, SigInfo};

use crate::boundary::{Out, OutStructs, enter};
use crate::ctx::Ctx;
use crate::structs::{Event, Rusage, Siginfo};

/// A signal is generated: to be queued for `task` as `info` says. SIGCHLD comes when the child is waitable,
/// before any PTEXIT_EVENT_WAKE of the same change, and before the first wait that reports the child returns:
/// if that wait is faster than the exiting thread, it makes this callback itself. A wait that finds this
/// callback running on another thread for the same child lets it come to its end, for a tenth of a second at most; one made from within the callback does not wait.
pub const PTEXIT_EVENT_SIGNAL: u32 = 0x01;
/// `task`'s armed wait, whose cookie is `cookie`, may now succeed or fail: call ptexit_wait() again. A hint.
pub const PTEXIT_EVENT_WAKE: u32 = 0x02;
/// `task` must leave its guest, or where it has stopped, and call ptexit_task_poll(): its process is exiting, is to stop,
/// or goes on. If it comes when the task is about to stop, the task must not sleep. Where no signals are sent
/// by ptexit_signal() it means that the process is exiting, and the task may call ptexit_exit_begin() at once.
pub const PTEXIT_EVENT_INTERRUPT: u32 = 0x04;
/// The last thread of the process led by `task` has exited with `status`: its pidfd becomes readable.
pub const PTEXIT_EVENT_EXITED: u32 = 0x08;
/// `task` is gone, its handle is spent: `pid`, `status` and `usage` are final; `other` waited for it, or 0.
pub const PTEXIT_EVENT_REAPED: u32 = 0x10;
/// The process led by `task` has a new parent: the thread `other`.
pub const PTEXIT_EVENT_REPARENTED: u32 = 0x20;
/// No task, process group or session uses the number `pid` any more.
pub const PTEXIT_EVENT_PID_FREE: u32 = 0x40;
/// Signals are void that are pending for the process led by `task` or for one of its threads: those in `signals`
/// whose ticket is older than `ticket` or, if SIGCONT is in `signals`, as old. Tickets count up and wrap around at
/// 2^14.
pub const PTEXIT_EVENT_DISCARD: u32 = 0x80;
/// The kinds that a program which takes any events must take: whoever misses these cannot work.
pub const PTEXIT_EVENTS_MANDATORY: u32 = 0x04;

const ALL_KINDS: u32 = 0xff;

const _: () = assert!(
    ALL_KINDS
        == PTEXIT_EVENT_SIGNAL
            | PTEXIT_EVENT_WAKE
            | PTEXIT_EVENT_INTERRUPT
            | PTEXIT_EVENT_EXITED
            | PTEXIT_EVENT_REAPED
            | PTEXIT_EVENT_REPARENTED
            | PTEXIT_EVENT_PID_FREE
            | PTEXIT_EVENT_DISCARD
        && PTEXIT_EVENTS_MANDATORY == PTEXIT_EVENT_INTERRUPT
);

/// Whether the library has all of these kinds of events.
pub(crate) fn is_known_kind(kinds: u32) -> bool {
    kinds & !ALL_KINDS == 0
}

/// Where the events of a context go.
pub(crate) struct Sink {
    wanted: u32,
    delivery: Delivery,
}

enum Delivery {
    None,
    Callback { on_event: OnEvent, host: HostPointer },
    Queue(Box<Queue<EVENT_WORDS>>),
}

/// An event is queued as the words it consists of.
const EVENT_WORDS: usize = size_of::<Event>() / size_of::<u64>();

type OnEvent = unsafe extern "C" fn(*mut c_void, *const Event);

/// What the program wants to be called with.
struct HostPointer(*mut c_void);

// SAFETY: never looked at here, and `ptexit_ctx_new` requires that `on_event` may be called with it by any
// thread that calls into the context.
unsafe impl Send for HostPointer {}
// SAFETY: as above.
unsafe impl Sync for HostPointer {}

impl Sink {
    /// Nobody listens.
    pub(crate) fn none() -> Sink {
        Sink { wanted: 0, delivery: Delivery::None }
    }

    /// The program is called.
    pub(crate) fn callback(wanted: u32, on_event: Option<OnEvent>, host: *mut c_void) -> Sink {
        match on_event {
            Some(on_event) => Sink { wanted, delivery: Delivery::Callback { on_event, host: HostPointer(host) } },
            None => Sink::none(),
        }
    }

    /// The program asks.
    pub(crate) fn queue(wanted: u32) -> Sink {
        Sink { wanted, delivery: Delivery::Queue(Box::default()) }
    }
}

unsafe extern "C" {
    /// pthread_self(3): the one thing about the calling thread that costs neither a lock nor a system call.
    safe fn pthread_self() -> usize;
}

impl Host for Sink {
    fn thread(&self) -> u64 {
        pthread_self() as u64
    }

    fn event(&self, event: &CoreEvent) {
        if self.wanted & kind(event) == 0 {
            return;
        }
        match &self.delivery {
            Delivery::None => {}
            // SAFETY: `ptexit_ctx_new` requires a function that may be called with `host`, here and now.
            Delivery::Callback { on_event, host } => unsafe { on_event(host.0, &convert(event)) },
            Delivery::Queue(queue) => queue.push(&bytemuck::cast(convert(event))),
        }
    }
}

fn kind(event: &CoreEvent) -> u32 {
    match event {
        CoreEvent::Signal { .. } => PTEXIT_EVENT_SIGNAL,
        CoreEvent::Wake { .. } => PTEXIT_EVENT_WAKE,
        CoreEvent::Interrupt { .. } => PTEXIT_EVENT_INTERRUPT,
        CoreEvent::Exited { .. } => PTEXIT_EVENT_EXITED,
        CoreEvent::Reaped { .. } => PTEXIT_EVENT_REAPED,
        CoreEvent::Reparented { .. } => PTEXIT_EVENT_REPARENTED,
        CoreEvent::PidFree { .. } => PTEXIT_EVENT_PID_FREE,
        CoreEvent::Discard { .. } => PTEXIT_EVENT_DISCARD,
    }
}

fn convert(event: &CoreEvent) -> Event {
    let blank = Event {
        size: size_of::<Event>() as u32,
        kind: kind(event),
        task: 0,
        cookie: 0,
        other: 0,
        pid: 0,
        status: 0,
        info: Siginfo::default(),
        usage: Rusage::default(),
        signals: 0,
        ticket: 0,
        reserved: 0,
    };
    match *event {
        CoreEvent::Signal { target, cookie, taker, ticket, group, info } => Event {
            task: target.bits(),
            cookie,
            other: taker.map_or(0, |taker| taker.bits()),
            ticket,
            info: siginfo(&info, group),
            ..blank
        },
        CoreEvent::Discard { task, cookie, signals, ticket } => {
            Event { task: task.bits(), cookie, signals: signals.bits(), ticket, ..blank }
        }
        CoreEvent::Wake { task, wait } => Event { task: task.bits(), cookie: wait, ..blank },
        CoreEvent::Interrupt { task, cookie } => Event { task: task.bits(), cookie, ..blank },
        CoreEvent::Exited { task, cookie, status } => {
            Event { task: task.bits(), cookie, status: status.raw(), ..blank }
        }
        CoreEvent::Reaped { task, pid, cookie, waiter, status, usage } => Event {
            task: task.bits(),
            cookie,
            other: waiter.map_or(0, |waiter| waiter.bits()),
            pid,
            status: status.raw(),
            usage: usage.into(),
            ..blank
        },
        CoreEvent::Reparented { task, cookie, parent } => {
            Event { task: task.bits(), cookie, other: parent.bits(), ..blank }
        }
        CoreEvent::PidFree { pid } => Event { pid, ..blank },
    }
}

fn siginfo(info: &SigInfo, group: bool) -> Siginfo {
    Siginfo {
        signo: info.signal.number(),
        code: info.code,
        pid: info.pid,
        uid: info.uid,
        value: info.status,
        group: group.into(),
        utime_ns: info.utime_ns,
        stime_ns: info.stime_ns,
    }
}

/// Takes events off the queue of a context made with PTEXIT_CTX_DEFER, oldest first.
///
/// @param ctx     Borrowed for the call.
/// @param events  Room for `n` events; events[0].size is the size of each.
/// @param n       How many to take at most.
/// @param got     How many were written; fewer than `n` when the queue is empty.
///
/// @return 0, or
///   PTEXIT_E_STATE  the context was not made with PTEXIT_CTX_DEFER
///   PTEXIT_EINVAL   events[0].size is not the size of such a struct
///   PTEXIT_E2BIG    events[0].size is absurdly large
///   PTEXIT_EFAULT   a pointer is NULL (`events` may be if `n` is 0) or misaligned
///
/// Ownership: an event is taken by one caller only. The events of one call into the context come in order;
///            those of calls made side by side may interleave. The memory of an event that was taken is used
///            for the next one; the queue never shrinks below the most events that ever waited in it.
/// Threads:   any thread may call. One that is stopped inside holds up nobody.
/// Blocking:  never.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `events` points to `n * events[0].size` writable bytes;
/// `got` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_next_events(ctx: *mut Ctx, events: *mut Event, n: usize, got: *mut usize) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let (events, got) = unsafe { (OutStructs::new(events, n)?, Out::new(got)?) };
        let Delivery::Queue(queue) = &ctx.tree().host().delivery else {
            return Err(Errno::E_STATE);
        };
        let mut taken = 0;
        while taken < events.room()
            && let Some(event) = queue.pop()
        {
            events.set(taken, bytemuck::cast(event));
            taken += 1;
        }
        got.set(taken);
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}
