//! The structs of the ABI. Fixed widths, no holes, no bit pattern that is not a value.

use std::ffi::c_void;

use bytemuck::{Pod, Zeroable};
use ptexit_core::ids::TaskId;
use ptexit_core::tree::WaitResult as CoreWaitResult;
use ptexit_core::uapi;

use crate::boundary::Extensible;

/// A task, by value. 0 is no task. A handle is spent once its task is reaped; used again it is an error.
pub type Task = u64;

/// How a context is set up; ptexit_ctx_new(). All zero is a good default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CtxOpts {
    /// sizeof(ptexit_ctx_opts).
    pub size: u32,
    /// PTEXIT_CTX_* flags.
    pub flags: u32,
    /// The largest process ID, up to 4194304; 0 for that.
    pub pid_max: u32,
    /// The largest number of tasks alive or zombie at one time, up to 4194304; 0 for that.
    pub max_tasks: u32,
    /// The kinds of events the program takes: PTEXIT_EVENT_* added up; 0 for none. Others are not made.
    pub events: u32,
    /// Those of `events` that the program cannot do without: ptexit_ctx_new() fails if the library has
    /// no such events. Kinds only in `events` may be unknown to the library.
    pub events_mandatory: u32,
    /// Called for each event, on the thread whose call caused it, after the change is in effect and in
    /// the order of the changes. The library holds nothing meanwhile: the function may call back into
    /// the context, except ptexit_ctx_free(). The events of such an inner call are told before it returns, that
    /// is, before the rest of those of the call that is being told of. The function must return (no longjmp,
    /// no exception) and should soon.
    pub on_event: Option<unsafe extern "C" fn(host: *mut c_void, event: *const Event)>,
    /// Handed to `on_event`; not looked at.
    pub host: *mut c_void,
}

/// What clone(2) is to make; ptexit_clone(), ptexit_init_new().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CloneArgs {
    /// sizeof(ptexit_clone_args).
    pub size: u32,
    /// PTEXIT_CLONE_PARENT, PTEXIT_CLONE_THREAD.
    pub flags: u32,
    /// The signal the parent gets when the process dies, 1 to 64; 0 for none. Usually PTEXIT_SIGCHLD. Not
    /// used for threads, nor with PTEXIT_CLONE_PARENT, where it is the calling process's own.
    pub exit_signal: u32,
    /// Its process or thread ID, with PTEXIT_CTX_PID_HOST; else 0.
    pub pid: u32,
    /// Any number of the program's; it comes back in events and results about this task.
    pub cookie: u64,
}

/// A wait; ptexit_wait().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct WaitArgs {
    /// sizeof(ptexit_wait_args).
    pub size: u32,
    /// PTEXIT_P_*: which children.
    pub idtype: u32,
    /// A process ID, a process group or a ptexit_task, as `idtype` says; not used with PTEXIT_P_ALL.
    pub id: u64,
    /// PTEXIT_W*: at least one of WEXITED, WSTOPPED and WCONTINUED is needed.
    pub options: u32,
    /// 0.
    pub reserved: u32,
    /// Any number of the program's; it comes back in PTEXIT_EVENT_WAKE.
    pub cookie: u64,
}

/// Resource usage, getrusage(2). This struct does not grow.
#[repr(C)]
#[derive(Clone, Copy, Default, Pod, Zeroable)]
pub struct Rusage {
    /// ru_utime, in nanoseconds.
    pub utime_ns: u64,
    /// ru_stime, in nanoseconds.
    pub stime_ns: u64,
    /// ru_maxrss, in KiB: the largest of its parts, not their sum.
    pub maxrss_kib: u64,
    /// ru_minflt.
    pub minflt: u64,
    /// ru_majflt.
    pub majflt: u64,
    /// ru_inblock.
    pub inblock: u64,
    /// ru_oublock.
    pub oublock: u64,
    /// ru_nvcsw.
    pub nvcsw: u64,
    /// ru_nivcsw.
    pub nivcsw: u64,
}

/// What a wait found; ptexit_wait(), ptexit_wait_many().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct WaitResult {
    /// sizeof(ptexit_wait_result), set by the caller.
    pub size: u32,
    /// The child's process ID; 0 if there is no child to report yet (PTEXIT_WNOHANG).
    pub pid: u32,
    /// The child's leader. Spent, unless the wait was with PTEXIT_WNOWAIT.
    pub task: Task,
    /// The leader's cookie.
    pub cookie: u64,
    /// The child's real user ID.
    pub uid: u32,
    /// The wait status as wait(2) reports it.
    pub status: u32,
    /// si_code, as waitid(2) reports it: PTEXIT_CLD_*.
    pub code: i32,
    /// si_status, as waitid(2) reports it: the exit code, or the signal.
    pub value: i32,
    /// What the child used, including its own waited-for children.
    pub usage: Rusage,
}

/// What travels with a signal; siginfo_t in sigaction(2). This struct does not grow.
#[repr(C)]
#[derive(Clone, Copy, Default, Pod, Zeroable)]
pub struct Siginfo {
    /// The signal.
    pub signo: u32,
    /// si_code: PTEXIT_CLD_*, PTEXIT_SI_USER, PTEXIT_SI_KERNEL.
    pub code: i32,
    /// si_pid: the child, or the process whose death is announced.
    pub pid: u32,
    /// si_uid: the real user ID of that process.
    pub uid: u32,
    /// si_status: the exit code with PTEXIT_CLD_EXITED, else a signal.
    pub value: i32,
    /// 1: pending for the whole process, any of its threads may take it. 0: for the one thread only.
    pub group: u32,
    /// si_utime, in nanoseconds.
    pub utime_ns: u64,
    /// si_stime, in nanoseconds.
    pub stime_ns: u64,
}

/// Something that happened; see PTEXIT_EVENT_*. Members that a kind does not mention are 0.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub struct Event {
    /// sizeof(ptexit_event): the library's in on_event, the caller's in ptexit_next_events().
    pub size: u32,
    /// One of PTEXIT_EVENT_*.
    pub kind: u32,
    /// The task it is about.
    pub task: Task,
    /// That task's cookie; with PTEXIT_EVENT_WAKE, the cookie of the wait.
    pub cookie: u64,
    /// PTEXIT_EVENT_REAPED: who waited for it, or 0. PTEXIT_EVENT_REPARENTED: its parent now. PTEXIT_EVENT_SIGNAL:
    /// the thread that is to take it and must leave its guest, `task` or another one; 0 if none can at present.
    pub other: Task,
    /// PTEXIT_EVENT_REAPED, PTEXIT_EVENT_PID_FREE: the process or thread ID.
    pub pid: u32,
    /// PTEXIT_EVENT_EXITED, PTEXIT_EVENT_REAPED: the wait status.
    pub status: u32,
    /// PTEXIT_EVENT_SIGNAL: what the receiver sees.
    pub info: Siginfo,
    /// PTEXIT_EVENT_REAPED: what the process and its waited-for children used; zero for a thread.
    pub usage: Rusage,
    /// PTEXIT_EVENT_DISCARD: which signals; bit 0 is signal 1.
    pub signals: u64,
    /// PTEXIT_EVENT_SIGNAL of a stop signal or SIGCONT, PTEXIT_EVENT_DISCARD: when it was sent.
    pub ticket: u32,
    /// 0.
    pub reserved: u32,
}

/// A snapshot of a task; ptexit_task_info(). Each member is read at its own instant.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TaskInfo {
    /// sizeof(ptexit_info), set by the caller.
    pub size: u32,
    /// PTEXIT_STATE_*.
    pub state: u32,
    /// Thread ID.
    pub tid: u32,
    /// Process ID: the leader's thread ID.
    pub tgid: u32,
    /// The parent's process ID; 0 if it has none.
    pub ppid: u32,
    /// Process group.
    pub pgid: u32,
    /// Session.
    pub sid: u32,
    /// Real user ID.
    pub uid: u32,
    /// Threads of its process that have not been released.
    pub threads: u32,
    /// 1 if `status` is decided, else 0.
    pub has_status: u32,
    /// The process's wait status.
    pub status: u32,
    /// 0.
    pub reserved: u32,
    /// The leader of its process.
    pub leader: Task,
    /// The task's cookie.
    pub cookie: u64,
}

macro_rules! extensible {
    ($($name:ident from $first:literal bytes;)*) => { $(
        // SAFETY: `repr(C)`, begins with `size: u32`, and its members (integers, a raw pointer, a
        // nullable function pointer) have no invalid bit pattern and leave no padding, see the assertion.
        unsafe impl Extensible for $name {
            const FIRST_SIZE: usize = if size_of::<usize>() == 8 { $first } else { size_of::<$name>() };
        }
        const _: () = assert!(size_of::<$name>() >= <$name as Extensible>::FIRST_SIZE);
    )* };
}

extensible! {
    CtxOpts from 40 bytes;
    CloneArgs from 24 bytes;
    WaitArgs from 32 bytes;
    WaitResult from 112 bytes;
    Event from 152 bytes;
    TaskInfo from 64 bytes;
}

impl From<&Rusage> for uapi::Rusage {
    fn from(from: &Rusage) -> Self {
        let Rusage { utime_ns, stime_ns, maxrss_kib, minflt, majflt, inblock, oublock, nvcsw, nivcsw } = *from;
        uapi::Rusage { utime_ns, stime_ns, maxrss_kib, minflt, majflt, inblock, oublock, nvcsw, nivcsw }
    }
}

impl From<uapi::Rusage> for Rusage {
    fn from(from: uapi::Rusage) -> Self {
        let uapi::Rusage { utime_ns, stime_ns, maxrss_kib, minflt, majflt, inblock, oublock, nvcsw, nivcsw } = from;
        Rusage { utime_ns, stime_ns, maxrss_kib, minflt, majflt, inblock, oublock, nvcsw, nivcsw }
    }
}

impl From<CoreWaitResult> for WaitResult {
    fn from(from: CoreWaitResult) -> Self {
        let (code, value) = from.change.child_code();
        WaitResult {
            size: 0,
            pid: from.pid,
            task: from.task.bits(),
            cookie: from.cookie,
            uid: from.uid,
            status: from.change.raw(),
            code: code as i32,
            value,
            usage: from.usage.into(),
        }
    }
}

impl WaitResult {
    /// No child to report.
    pub(crate) fn nothing() -> WaitResult {
        WaitResult {
            size: 0,
            pid: 0,
            task: 0,
            cookie: 0,
            uid: 0,
            status: 0,
            code: 0,
            value: 0,
            usage: Rusage::default(),
        }
    }
}

/// A handle that came from C.
pub(crate) fn task_id(task: Task) -> TaskId {
    TaskId::from_bits(task)
}
