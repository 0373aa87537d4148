//! A context: one process tree and what it needs of the program around it.

use std::ffi::c_int;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use ptexit_core::tree::{Options, PidPolicy, Tree};
use ptexit_core::uapi::Errno;

use crate::boundary::{Out, read_struct};
use crate::events::{PTEXIT_EVENTS_MANDATORY, Sink, is_known_kind};
use crate::structs::CtxOpts;

/// ptexit_ctx_opts.flags: the program chooses every process ID; ptexit_clone_args.pid.
pub const PTEXIT_CTX_PID_HOST: u32 = 1;
/// ptexit_ctx_opts.flags: the next free process ID after the last one, as Linux; the same on every run.
pub const PTEXIT_CTX_PID_CYCLIC: u32 = 2;
/// ptexit_ctx_opts.flags: events queue up for ptexit_next_events(); `on_event` must be NULL.
pub const PTEXIT_CTX_DEFER: u32 = 4;

/// One process tree. Opaque; any number of contexts may live side by side.
pub struct Ctx {
    magic: AtomicU64,
    poisoned: AtomicBool,
    tree: Tree<Sink>,
}

/// Marks memory that is a context, as far as that can be seen.
const ALIVE: u64 = u64::from_be_bytes(*b"ptexit\x00\x01");

impl Ctx {
    /// The context at `pointer`; EFAULT if that is NULL, misaligned or visibly something else.
    ///
    /// # Safety
    /// `pointer` is NULL, or misaligned, or readable; if it came from `ptexit_ctx_new` it is not freed
    /// during `'a`.
    pub(crate) unsafe fn from_pointer<'a>(pointer: *const Ctx) -> Result<&'a Ctx, Errno> {
        if pointer.is_null() || !pointer.is_aligned() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: readable, says the caller; the mark is read without assuming that the rest is a context.
        let magic =
            unsafe { AtomicU64::from_ptr((&raw const (*pointer).magic).cast::<u64>().cast_mut()).load(Relaxed) };
        if magic != ALIVE {
            return Err(Errno::EFAULT);
        }
        // SAFETY: it bears the mark that only `ptexit_ctx_new` sets, so it is a context, alive for `'a`.
        Ok(unsafe { &*pointer })
    }

    pub(crate) fn tree(&self) -> &Tree<Sink> {
        &self.tree
    }

    /// A panic was caught in one of the calls.
    pub(crate) fn is_poisoned(&self) -> bool {
        // Relaxed: nothing is published with it; a call that runs beside the panic may still come through.
        self.poisoned.load(Relaxed)
    }

    pub(crate) fn poison(&self) {
        self.poisoned.store(true, Relaxed);
    }
}

/// Makes a context.
///
/// @param opts  Read during the call only. NULL for the defaults: no events, all process IDs.
/// @param ctx   Written on success only; to be given to ptexit_ctx_free().
///
/// @return 0, or
///   PTEXIT_EINVAL  an unknown flag, flags that exclude each other, or a number out of range
///   PTEXIT_E2BIG   `opts` is of a newer version and uses something this one does not know
///   PTEXIT_E_ABI   there is no way to deliver `events`; `events` lacks a kind that no program may miss
///                  (PTEXIT_EVENTS_MANDATORY); the library lacks a kind in `events_mandatory`
///   PTEXIT_EFAULT  `ctx` is NULL, or a pointer is misaligned
///
/// Ownership: the caller's. `opts->host` must be good until ptexit_ctx_free() has returned.
/// Threads:   any thread may call. The context may be used by any number of threads at once.
/// Blocking:  never.
///
/// # Safety
/// `opts` is NULL or points to `opts->size` readable bytes; `ctx` is NULL or writable. `opts->on_event` may
/// be called by any thread that calls into the context.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn ptexit_ctx_new(opts: *const CtxOpts, ctx: *mut *mut Ctx) -> c_int {
    let new = || {
        // SAFETY: writable, says the caller.
        let out = unsafe { Out::new(ctx)? };
        let (options, sink) = if opts.is_null() {
            (Options { generation_seed: random_generation(), ..Options::default() }, Sink::none())
        } else {
            // SAFETY: `size` bytes are readable, says the caller.
            configure(&unsafe { read_struct(opts)? })?
        };
        let tree = Tree::new(sink, options)?;
        let new = Box::new(Ctx { magic: AtomicU64::new(ALIVE), poisoned: AtomicBool::new(false), tree });
        out.set(Box::into_raw(new));
        Ok(0)
    };
    let outcome = catch_unwind(AssertUnwindSafe(new)).unwrap_or(Err(Errno::E_PANIC));
    outcome.unwrap_or_else(|errno: Errno| -errno.number())
}

/// Frees a context and everything in it, whatever state its tasks are in. No events are delivered.
///
/// @param ctx  NULL is nothing to free.
///
/// Ownership: handles and undelivered events of the context are gone.
/// Threads:   no other call on the context may be under way, nor its `on_event`.
/// Blocking:  never.
///
/// # Safety
/// `ctx` is NULL or came from ptexit_ctx_new() and has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptexit_ctx_free(ctx: *mut Ctx) {
    // SAFETY: the caller's promise.
    if let Ok(alive) = unsafe { Ctx::from_pointer(ctx) } {
        alive.magic.store(0, Relaxed);
        // SAFETY: it came from `Box::into_raw` in `ptexit_ctx_new`, and nobody uses it any more.
        let ctx = unsafe { Box::from_raw(ctx) };
        // A poisoned tree may panic once more on its way down; what it holds is then leaked.
        let _ = catch_unwind(AssertUnwindSafe(move || drop(ctx)));
    }
}

/// What the options mean.
fn configure(opts: &CtxOpts) -> Result<(Options, Sink), Errno> {
    let pid_policy = match opts.flags & (PTEXIT_CTX_PID_HOST | PTEXIT_CTX_PID_CYCLIC) {
        0 => PidPolicy::Sharded,
        PTEXIT_CTX_PID_HOST => PidPolicy::Host,
        PTEXIT_CTX_PID_CYCLIC => PidPolicy::Cyclic,
        _ => return Err(Errno::EINVAL),
    };
    let defer = opts.flags & PTEXIT_CTX_DEFER != 0;
    if opts.flags & !(PTEXIT_CTX_PID_HOST | PTEXIT_CTX_PID_CYCLIC | PTEXIT_CTX_DEFER) != 0
        || defer && opts.on_event.is_some()
        || opts.events_mandatory & !opts.events != 0
    {
        return Err(Errno::EINVAL);
    }
    let deliverable = opts.events == 0 || defer || opts.on_event.is_some();
    let misses_one = opts.events != 0 && PTEXIT_EVENTS_MANDATORY & !opts.events != 0;
    if !deliverable || misses_one || !is_known_kind(opts.events_mandatory) {
        return Err(Errno::E_ABI);
    }
    let defaults = Options::default();
    let options = Options {
        pid_policy,
        pid_max: in_range(opts.pid_max, defaults.pid_max)?,
        max_tasks: in_range(opts.max_tasks, defaults.max_tasks)?,
        generation_seed: random_generation(),
    };
    let sink = if defer { Sink::queue(opts.events) } else { Sink::callback(opts.events, opts.on_event, opts.host) };
    Ok((options, sink))
}

/// A limit: 0 is `largest`.
fn in_range(limit: u32, largest: u32) -> Result<u32, Errno> {
    match limit {
        0 => Ok(largest),
        _ if limit <= largest => Ok(limit),
        _ => Err(Errno::EINVAL),
    }
}

/// Where the handles of a new context begin to count: anywhere, so that a handle of another context is
/// recognised as stale. The standard library's hasher is keyed at random; nothing of ours is global.
fn random_generation() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}
