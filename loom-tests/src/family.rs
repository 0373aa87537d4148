//! A process tree at rest, and what the threads of a model do to it: the core's own protocols on its own
//! records.

use std::mem::ManuallyDrop;
use std::sync::Mutex;

use ptexit_core::host::{Event, Host};
use ptexit_core::ids::TaskId;
use ptexit_core::lockfree::seat::{Pin, Seat};
use ptexit_core::protocol::outbox::Outbox;
use ptexit_core::protocol::{Call, exit, fork, reparent, wait};
use ptexit_core::record::pid_table::PidChoice;
use ptexit_core::record::tables::Tables;
use ptexit_core::record::task::Stage;
use ptexit_core::tree::{CloneArgs, CloneKind, WaitFor, WaitRequest, WaitResult, Waited};
use ptexit_core::uapi::{Errno, Rusage, Signal, WaitOptions, WaitStatus};

use loom::thread::JoinHandle;

use crate::Shared;

/// A process tree whose every caller sits down before the threads of a model start.
///
/// Usually it also stays pinned until they have ended, so that the model is about the protocols and not about
/// epochs, and no record is used twice. [`Family::recycling`] is the other kind.
pub struct Family {
    tables: *mut Tables,
    seats: Vec<*mut Seat<'static>>,
    /// One to a seat, or none at all: then each call pins for itself.
    pins: ManuallyDrop<Vec<Pin<'static>>>,
    /// A plain mutex: loom does not see it, and no thread of a model is suspended while it holds it.
    events: Mutex<Vec<Event>>,
}

/// The host, and who calls.
struct Told<'f> {
    events: &'f Mutex<Vec<Event>>,
    seat: usize,
}

impl Host for Told<'_> {
    fn event(&self, event: &Event) {
        self.events.lock().expect("no thread panicked here").push(*event);
    }

    fn thread(&self) -> u64 {
        self.seat as u64 + 1
    }
}

// SAFETY: the threads of a model are coroutines of one host thread, and each of them calls from a seat of
// its own.
unsafe impl Send for Family {}
// SAFETY: as above.
unsafe impl Sync for Family {}

/// Who calls: the main thread of the model, and those it starts.
pub const MAIN: usize = 0;

/// The largest process ID; the table of a model is small.
const PID_MAX: u32 = 16;

/// The cookie of every wait.
pub const COOKIE: u64 = 77;

impl Family {
    /// A tree of init alone, for the main thread and `threads` others.
    pub fn new(threads: usize) -> (Shared<Family>, TaskId) {
        let mut family = Family::empty(threads, 16);
        // SAFETY: freed by `release`, after the pins that borrow them, or never.
        family.pins.extend(family.seats.iter().map(|&seat| unsafe { &*seat }.pin()));
        family.with_init()
    }

    /// The same for as many tasks as `most`, where each call pins for itself: what is retired is used again as
    /// soon as no call can know it any more, which a small `most` makes happen.
    pub fn recycling(threads: usize, most: u32) -> (Shared<Family>, TaskId) {
        Family::empty(threads, most).with_init()
    }

    fn empty(threads: usize, most: u32) -> Family {
        let tables: *mut Tables = Box::into_raw(Box::new(Tables::new(PidChoice::Cyclic, PID_MAX, most, 0)));
        // SAFETY: freed by `release`, after the seats and pins that borrow it, or never.
        let borrowed: &'static Tables = unsafe { &*tables };
        let seats = (0..=threads).map(|_| Box::into_raw(Box::new(borrowed.seats.take()))).collect();
        Family { tables, seats, pins: ManuallyDrop::default(), events: Mutex::default() }
    }

    fn with_init(self) -> (Shared<Family>, TaskId) {
        let init = self.call(MAIN, |call| fork::init(call, &args(CloneKind::Process))).expect("the first task");
        (Shared::new(self), init)
    }

    /// One call into the tree from a seat.
    pub fn call<R>(&self, seat: usize, f: impl FnOnce(&Call) -> R) -> R {
        let host = Told { events: &self.events, seat };
        // SAFETY: until `release`, which takes the family.
        let tables = unsafe { &*self.tables };
        let outbox = Outbox::new(&host, tables);
        let make = |pin: &Pin| {
            let result = f(&Call { tables, pin, outbox: &outbox });
            outbox.begin_telling();
            result
        };
        let result = match self.pins.get(seat) {
            Some(pin) => make(pin),
            // SAFETY: until `release`, which takes the family.
            None => make(&unsafe { &*self.seats[seat] }.pin()),
        };
        outbox.deliver();
        result
    }

    /// clone(2), both phases.
    pub fn make(&self, seat: usize, caller: TaskId, kind: CloneKind) -> TaskId {
        let task = self.clone_begin(seat, caller, kind);
        self.clone_commit(seat, task).expect("nobody exits");
        task
    }

    /// clone(2), first phase.
    pub fn clone_begin(&self, seat: usize, caller: TaskId, kind: CloneKind) -> TaskId {
        self.call(seat, |call| fork::begin(call, caller, &args(kind))).expect("room for another task")
    }

    /// clone(2), second phase.
    pub fn clone_commit(&self, seat: usize, task: TaskId) -> Result<(), Errno> {
        self.call(seat, |call| fork::commit(call, task))
    }

    /// The children of a process that has begun to exit go to its reaper; nothing else of its death.
    pub fn bequeath(&self, seat: usize, dying: TaskId) {
        self.call(seat, |call| reparent::bequeath(call, call.find(dying).expect("not recycled")));
    }

    /// fork(2), if there is room.
    pub fn try_fork(&self, seat: usize, parent: TaskId) -> Option<TaskId> {
        let task = self.call(seat, |call| fork::begin(call, parent, &args(CloneKind::Process))).ok()?;
        self.clone_commit(seat, task).expect("nobody exits");
        Some(task)
    }

    /// fork(2).
    pub fn fork(&self, seat: usize, parent: TaskId) -> TaskId {
        self.make(seat, parent, CloneKind::Process)
    }

    /// exit(2), first phase; the code is the task's own.
    pub fn exit_begin(&self, seat: usize, task: TaskId) {
        self.call(seat, |call| exit::begin(call, task, status_of(task))).expect("alive");
    }

    /// exit(2), second phase; the time used is the task's own.
    pub fn exit_finish(&self, seat: usize, task: TaskId) {
        self.call(seat, |call| exit::finish(call, task, &usage_of(task))).expect("exiting");
    }

    /// exit(2), second phase, by one of several who try.
    pub fn try_exit_finish(&self, seat: usize, task: TaskId) -> Result<(), Errno> {
        self.call(seat, |call| exit::finish(call, task, &usage_of(task)))
    }

    /// exit(2).
    pub fn exit(&self, seat: usize, task: TaskId) {
        self.exit_begin(seat, task);
        self.exit_finish(seat, task);
    }

    /// exit_group(2).
    pub fn exit_group(&self, seat: usize, task: TaskId, status: WaitStatus) {
        self.call(seat, |call| exit::exit_group(call, task, status)).unwrap();
    }

    /// The death of a whole process, seen from outside.
    pub fn report_exit(&self, seat: usize, task: TaskId, status: WaitStatus) -> Result<(), Errno> {
        self.call(seat, |call| exit::report(call, task, status, &Rusage::default()))
    }

    /// waitid(2) for the dead.
    pub fn wait(&self, seat: usize, waiter: TaskId, which: WaitFor, options: WaitOptions) -> Result<Waited, Errno> {
        let request = WaitRequest { which, options: options | WaitOptions::WEXITED, cookie: COOKIE };
        self.call(seat, |call| wait::wait(call, waiter, &request))
    }

    /// Ends the armed wait; `false` if there is none.
    pub fn cancel(&self, seat: usize, waiter: TaskId) -> bool {
        self.call(seat, |call| wait::cancel(call, waiter, COOKIE)).is_ok()
    }

    /// waitid(2) for any dead child, without blocking.
    pub fn poll(&self, seat: usize, waiter: TaskId) -> Result<Waited, Errno> {
        self.wait(seat, waiter, WaitFor::All, WaitOptions::WNOHANG)
    }

    /// The events so far, for the message of an assertion.
    pub fn told(&self) -> Vec<Event> {
        self.events.lock().expect("no thread panicked here").clone()
    }

    /// How many events so far are such ones.
    pub fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events.lock().expect("no thread panicked here").iter().filter(|event| is(event)).count()
    }

    /// How many SIGCHLDs `target` was sent about `child`.
    pub fn sigchlds(&self, target: TaskId, child: TaskId) -> usize {
        let about = pid_of(child);
        self.count(
            |event| matches!(event, Event::Signal { target: to, info, .. } if *to == target && info.pid == about),
        )
    }

    /// How often `waiter` was woken.
    pub fn wakes(&self, waiter: TaskId) -> usize {
        self.count(|event| matches!(event, Event::Wake { task, wait } if *task == waiter && *wait == COOKIE))
    }

    /// How often `task` was reaped, or reaped itself.
    pub fn reaped(&self, task: TaskId) -> usize {
        self.count(|event| matches!(event, Event::Reaped { task: gone, .. } if *gone == task))
    }

    /// How far a task has come.
    pub fn stage_of(&self, task: TaskId) -> Stage {
        self.call(MAIN, |call| call.task(record_of(task)).stage())
    }

    /// The thread group that a process's exit word names as its parent.
    pub fn parent_of(&self, task: TaskId) -> u32 {
        self.call(MAIN, |call| call.find(task).expect("not recycled").group.exit.look().parent())
    }

    /// The thread group of a task.
    pub fn group_of(&self, task: TaskId) -> u32 {
        self.call(MAIN, |call| call.find(task).expect("not recycled").group_index)
    }

    /// Gives everything back; every other thread has let go.
    fn release(mut self) {
        // SAFETY: once, and `self` is gone afterwards.
        unsafe { ManuallyDrop::drop(&mut self.pins) };
        for &seat in &self.seats {
            // SAFETY: made by `new`; the pins that borrowed it are gone.
            drop(unsafe { Box::from_raw(seat) });
        }
        // SAFETY: made by `new`; the seats that borrowed it are gone.
        drop(unsafe { Box::from_raw(self.tables) });
    }
}

/// Runs `f` in a thread of its own, which calls from the given seat.
pub fn spawn<R: 'static>(
    family: &Shared<Family>,
    seat: usize,
    f: impl FnOnce(&Family, usize) -> R + 'static,
) -> JoinHandle<R> {
    let family = family.clone();
    loom::thread::spawn(move || {
        let result = f(&family, seat);
        family.release();
        result
    })
}

/// The end of a model that did not fail.
pub fn end(family: Shared<Family>) {
    family.into_inner().release();
}

fn args(kind: CloneKind) -> CloneArgs {
    CloneArgs { kind, exit_signal: Some(Signal::SIGCHLD), pid: 0, cookie: 0 }
}

/// The number of a task's record.
pub fn record_of(task: TaskId) -> u32 {
    (task.bits() >> 32) as u32
}

/// The process ID of a task of a model: records and numbers are both given out in order.
pub fn pid_of(task: TaskId) -> u32 {
    record_of(task)
}

/// What a task exits with.
pub fn status_of(task: TaskId) -> WaitStatus {
    WaitStatus::exited(pid_of(task) as i32)
}

/// What a task used.
pub fn usage_of(task: TaskId) -> Rusage {
    Rusage { utime_ns: 1000 + u64::from(pid_of(task)), ..Rusage::default() }
}

/// The child that a wait found.
pub fn child(waited: &Result<Waited, Errno>) -> Option<&WaitResult> {
    match waited {
        Ok(Waited::Child(result)) => Some(result),
        _ => None,
    }
}

/// Is it this task's death, told in full?
#[track_caller]
pub fn assert_is(result: &WaitResult, task: TaskId) {
    assert_eq!((result.task, result.pid), (task, pid_of(task)));
    assert_eq!((result.change, result.usage.utime_ns), (status_of(task).into(), usage_of(task).utime_ns));
}
