//! Looking things up.

use std::ffi::c_int;

use ptexit_core::ids::TaskId;
use ptexit_core::tree::{ListFilter, TaskState};
use ptexit_core::uapi::Errno;

use crate::boundary::{Out, OutArray, OutStructs, enter};
use crate::ctx::Ctx;
use crate::structs::{Rusage, Task, TaskInfo, task_id};

/// ptexit_task_pid(): the thread ID, gettid(2).
pub const PTEXIT_PID_TID: u32 = 0;
/// ptexit_task_pid(): the process ID, getpid(2).
pub const PTEXIT_PID_TGID: u32 = 1;
/// ptexit_task_pid(): the parent's process ID, getppid(2); 0 if it has none.
pub const PTEXIT_PID_PPID: u32 = 2;
/// ptexit_task_pid(): the process group, getpgrp(2).
pub const PTEXIT_PID_PGID: u32 = 3;
/// ptexit_task_pid(): the session, getsid(2).
pub const PTEXIT_PID_SID: u32 = 4;

/// ptexit_info.state: cloned, not yet committed.
pub const PTEXIT_STATE_EMBRYO: u32 = 0;
/// ptexit_info.state: alive.
pub const PTEXIT_STATE_RUNNING: u32 = 1;
/// ptexit_info.state: between ptexit_exit_begin() and the end of ptexit_exit_finish().
pub const PTEXIT_STATE_INITIATED: u32 = 2;
/// ptexit_info.state: dead; the process has threads left, or was not waited for yet.
pub const PTEXIT_STATE_ZOMBIE: u32 = 3;
/// ptexit_info.state: alive, and stopped with its process.
pub const PTEXIT_STATE_STOPPED: u32 = 4;

/// ptexit_list(): every process, by its leader; zombies included. `of` is 0.
pub const PTEXIT_LIST_PROCESSES: u32 = 0;
/// ptexit_list(): the threads of the process of task `of`.
pub const PTEXIT_LIST_THREADS: u32 = 1;
/// ptexit_list(): the children of the process of task `of`, in the order in which waits look at them.
pub const PTEXIT_LIST_CHILDREN: u32 = 2;
/// ptexit_list(): the members of process group `of`, by their leaders.
pub const PTEXIT_LIST_GROUP: u32 = 3;

/// Finds the task with a process or thread ID; zombies included.
///
/// @param ctx   Borrowed for the call.
/// @param pid   A process or thread ID.
/// @param task  Written on success only.
///
/// @return 0, or
///   PTEXIT_ESRCH   no task has this number
///   PTEXIT_EFAULT  `ctx` or `task` is NULL or misaligned
///
/// Ownership: the handle is a value. The task may be gone by the time it is used; that is PTEXIT_ESRCH.
/// Threads:   any thread may call.
/// Blocking:  never.
/// Follows:   find_task_by_vpid() in the kernel.
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `task` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_pid_lookup(ctx: *mut Ctx, pid: u32, task: *mut Task) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::new(task)? };
        out.set(ctx.tree().pid_lookup(pid)?.bits());
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// One of the numbers that a task goes by.
///
/// @param ctx    Borrowed for the call.
/// @param task   The task; a zombie will do.
/// @param which  PTEXIT_PID_*.
/// @param pid    Written on success only.
///
/// @return 0, or
///   PTEXIT_EINVAL  `which` is not one of the above
///   PTEXIT_ESRCH   there is no such task
///   PTEXIT_EFAULT  `ctx` or `pid` is NULL or misaligned
///
/// Ownership: nothing changes hands.
/// Threads:   any thread may call.
/// Blocking:  never.
/// Follows:   getpid(2), getppid(2), getpgid(2), getsid(2), gettid(2).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `pid` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_task_pid(ctx: *mut Ctx, task: Task, which: u32, pid: *mut u32) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::new(pid)? };
        if which > PTEXIT_PID_SID {
            return Err(Errno::EINVAL);
        }
        let info = ctx.tree().task_info(task_id(task))?;
        out.set(match which {
            PTEXIT_PID_TID => info.tid,
            PTEXIT_PID_TGID => info.tgid,
            PTEXIT_PID_PPID => info.ppid,
            PTEXIT_PID_PGID => info.pgid,
            _ => info.sid,
        });
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// What is known of a task.
///
/// @param ctx   Borrowed for the call.
/// @param task  The task; zombies and tasks not yet committed will do.
/// @param info  Caller-owned, `size` set. Written on success only.
///
/// @return 0, or
///   PTEXIT_ESRCH   there is no such task
///   PTEXIT_EINVAL  info->size is not the size of such a struct
///   PTEXIT_E2BIG   info->size is absurdly large
///   PTEXIT_EFAULT  `ctx` or `info` is NULL or misaligned
///
/// Ownership: nothing changes hands.
/// Threads:   any thread may call. Each member is read at its own instant.
/// Blocking:  never.
/// Follows:   /proc/pid/status in proc(5).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `info` is NULL or points to `info->size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_task_info(ctx: *mut Ctx, task: Task, info: *mut TaskInfo) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { OutStructs::new(info, 1)? };
        let info = ctx.tree().task_info(task_id(task))?;
        let state = match info.state {
            TaskState::Embryo => PTEXIT_STATE_EMBRYO,
            TaskState::Running => PTEXIT_STATE_RUNNING,
            TaskState::Stopped => PTEXIT_STATE_STOPPED,
            TaskState::Initiated => PTEXIT_STATE_INITIATED,
            TaskState::Zombie => PTEXIT_STATE_ZOMBIE,
        };
        let info = TaskInfo {
            size: 0,
            state,
            tid: info.tid,
            tgid: info.tgid,
            ppid: info.ppid,
            pgid: info.pgid,
            sid: info.sid,
            uid: info.uid,
            threads: info.threads,
            has_status: info.status.is_some().into(),
            status: info.status.map_or(0, |status| status.raw()),
            reserved: 0,
            leader: info.leader.bits(),
            cookie: info.cookie,
        };
        out.set(0, info);
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// Lists tasks.
///
/// @param ctx     Borrowed for the call.
/// @param filter  PTEXIT_LIST_*.
/// @param of      A ptexit_task or a process group, as `filter` says.
/// @param tasks   Room for `n` handles; NULL if `n` is 0.
/// @param n       How many to write at most.
/// @param got     How many there are in all, which may be more than `n`.
///
/// @return 0, or
///   PTEXIT_EINVAL  `filter` is not one of the above, or `of` out of range for it
///   PTEXIT_ESRCH   there is no such task
///   PTEXIT_ENOMEM  no memory
///   PTEXIT_EFAULT  `ctx`, `tasks` or `got` is NULL or misaligned
///
/// Ownership: handles are values; each task may be gone by the time its handle is used.
/// Threads:   any thread may call. Tasks that come or go meanwhile may be listed or not.
/// Blocking:  never.
/// Follows:   /proc, /proc/pid/task and /proc/pid/task/tid/children in proc(5).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `tasks` is writable for `n` handles; `got` is NULL or
/// writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_list(
    ctx: *mut Ctx,
    filter: u32,
    of: u64,
    tasks: *mut Task,
    n: usize,
    got: *mut usize,
) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let (out, got) = unsafe { (OutArray::new(tasks, n)?, Out::new(got)?) };
        let filter = match filter {
            PTEXIT_LIST_PROCESSES if of == 0 => ListFilter::Processes,
            PTEXIT_LIST_THREADS => ListFilter::Threads(task_id(of)),
            PTEXIT_LIST_CHILDREN => ListFilter::Children(task_id(of)),
            PTEXIT_LIST_GROUP => ListFilter::Group(u32::try_from(of).map_err(|_| Errno::EINVAL)?),
            _ => return Err(Errno::EINVAL),
        };
        // The caller's memory may be uninitialised, so the core writes to ours.
        let mut found = Vec::new();
        let room = n.min(ctx.tree().list(filter, &mut [])?);
        found.try_reserve_exact(room).map_err(|_| Errno::ENOMEM)?;
        found.resize(room, TaskId::from_bits(0));
        let total = ctx.tree().list(filter, &mut found)?;
        // Fewer than a moment ago: the rest of `found` was not written. More: they did not fit.
        found.iter().take(total).enumerate().for_each(|(at, task)| out.set(at, task.bits()));
        got.set(if n < total { total } else { total.min(room) });
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}

/// What the waited-for children of a task's process have used, their own waited-for children included.
///
/// @param ctx    Borrowed for the call.
/// @param task   Any thread of the process.
/// @param usage  Written on success only.
///
/// @return 0, or
///   PTEXIT_ESRCH   there is no such task
///   PTEXIT_EFAULT  `ctx` or `usage` is NULL or misaligned
///
/// Ownership: nothing changes hands.
/// Threads:   any thread may call. Each member is read at its own instant.
/// Blocking:  never.
/// Follows:   RUSAGE_CHILDREN in getrusage(2).
///
/// # Safety
/// `ctx` is NULL or a context that is not freed; `usage` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_children_usage(ctx: *mut Ctx, task: Task, usage: *mut Rusage) -> c_int {
    let call = |ctx: &Ctx| {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::new(usage)? };
        out.set(ctx.tree().children_usage(task_id(task))?.into());
        Ok(0)
    };
    // SAFETY: a context, says the caller.
    unsafe { enter(ctx, call) }
}
