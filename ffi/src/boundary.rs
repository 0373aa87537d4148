//! What is checked where C meets Rust: pointers, sizes of structs, panics.
//!
//! A function first turns its pointers into [`Out`], [`OutStruct`] or a copied struct, which fails without
//! side effects, and only then calls the core. What is left to the caller is what cannot be checked: that
//! a pointer which is neither NULL nor misaligned points to enough memory.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};

use ptexit_core::uapi::Errno;

use crate::ctx::Ctx;

/// No struct of the ABI will be longer, so a longer `size` is a mistake; Linux's limit is a page, too.
const LONGEST: usize = 4096;

/// A struct that may grow: its first member says how long the caller's version of it is.
///
/// # Safety
/// The type is `repr(C)`, begins with a `u32` that holds the size, has no padding, and any bytes are a
/// value of it.
pub(crate) unsafe trait Extensible: Copy {
    /// Its size in the first version that had it.
    const FIRST_SIZE: usize;
}

/// Runs one call on a context: no panic leaves it, and none of the calls after a panic does anything.
///
/// # Safety
/// `ctx` is NULL, or misaligned, or readable; if it came from `ptexit_ctx_new`, it has not been freed and
/// will not be before this returns.
pub(crate) unsafe fn enter(ctx: *const Ctx, call: impl FnOnce(&Ctx) -> Result<c_int, Errno>) -> c_int {
    // SAFETY: the caller's promise.
    let ctx = match unsafe { Ctx::from_pointer(ctx) } {
        Ok(ctx) => ctx,
        Err(errno) => return -errno.number(),
    };
    if ctx.is_poisoned() {
        return -Errno::E_PANIC.number();
    }
    // What a panic leaves half done is never looked at again: the context is poisoned.
    let outcome = catch_unwind(AssertUnwindSafe(|| call(ctx))).unwrap_or_else(|_| {
        ctx.poison();
        Err(Errno::E_PANIC)
    });
    outcome.unwrap_or_else(|errno| -errno.number())
}

/// NULL and misaligned pointers are refused.
fn checked<T>(pointer: *const T) -> Result<NonNull<T>, Errno> {
    if !pointer.is_aligned() {
        return Err(Errno::EFAULT);
    }
    NonNull::new(pointer.cast_mut()).ok_or(Errno::EFAULT)
}

/// Copies a struct that does not grow.
///
/// # Safety
/// `from` is NULL, or misaligned, or points to an initialised `T`.
pub(crate) unsafe fn read<T: Copy>(from: *const T) -> Result<T, Errno> {
    // SAFETY: not NULL and aligned, so initialised, says the caller.
    checked(from).map(|from| unsafe { from.read() })
}

/// The size that the caller wrote into a struct, if it can be one.
///
/// # Safety
/// `at` is NULL, or misaligned, or points to an initialised `u32`.
unsafe fn size_of_callers<T: Extensible>(at: *const T) -> Result<(NonNull<T>, usize), Errno> {
    let at = checked(at)?;
    // SAFETY: not NULL and aligned, so it points to the caller's struct, which begins with its size.
    let size = unsafe { at.cast::<u32>().read() } as usize;
    match size {
        _ if size < T::FIRST_SIZE => Err(Errno::EINVAL),
        _ if size > LONGEST => Err(Errno::E2BIG),
        _ => Ok((at, size)),
    }
}

/// Copies a struct that may grow: a shorter one is filled up with zeros, in a longer one the part that is
/// not known here must be zero; as clone3(2).
///
/// # Safety
/// `from` is NULL, or misaligned, or points to as many initialised bytes as the `u32` there says.
pub(crate) unsafe fn read_struct<T: Extensible>(from: *const T) -> Result<T, Errno> {
    // SAFETY: the caller's promise.
    let (from, size) = unsafe { size_of_callers(from)? };
    let from = from.cast::<u8>().as_ptr().cast_const();
    let known = size.min(size_of::<T>());
    // SAFETY: `size` bytes are readable, says the caller.
    let tail = unsafe { std::slice::from_raw_parts(from.add(known), size - known) };
    if tail.iter().any(|&byte| byte != 0) {
        return Err(Errno::E2BIG);
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are readable at `from` and writable in `value`, which is on our own stack;
    // afterwards all of it is initialised, and any bytes are a `T`.
    unsafe {
        ptr::copy_nonoverlapping(from, value.as_mut_ptr().cast(), known);
        Ok(value.assume_init())
    }
}

/// Where a result of fixed size goes.
pub(crate) struct Out<T>(NonNull<T>);

impl<T: Copy> Out<T> {
    /// # Safety
    /// `to` is NULL, or misaligned, or writable until the call returns.
    pub(crate) unsafe fn new(to: *mut T) -> Result<Out<T>, Errno> {
        checked(to).map(Out)
    }

    /// As `new`; NULL is a result that is not wanted.
    ///
    /// # Safety
    /// As `new`.
    pub(crate) unsafe fn optional(to: *mut T) -> Result<Option<Out<T>>, Errno> {
        if to.is_null() {
            return Ok(None);
        }
        checked(to).map(|to| Some(Out(to)))
    }

    /// Writes the result.
    pub(crate) fn set(self, value: T) {
        // SAFETY: writable, promised when this was made.
        unsafe { self.0.write(value) }
    }
}

/// Where results go, one after the other; none at all if there is room for none.
pub(crate) struct OutArray<T> {
    first: NonNull<T>,
    room: usize,
}

impl<T: Copy> OutArray<T> {
    /// # Safety
    /// If `room` is not 0, `to` is NULL, or misaligned, or writable for `room` values until the call returns.
    pub(crate) unsafe fn new(to: *mut T, room: usize) -> Result<OutArray<T>, Errno> {
        let first = if room == 0 { NonNull::dangling() } else { checked(to)? };
        Ok(OutArray { first, room })
    }

    /// Writes one result; a result beyond the room is dropped.
    pub(crate) fn set(&self, at: usize, value: T) {
        if at < self.room {
            // SAFETY: writable, promised when this was made.
            unsafe { self.first.add(at).write(value) }
        }
    }
}

/// Where results in a struct that may grow go, one after the other: the first one's `size` says how far
/// apart they are.
pub(crate) struct OutStructs<T> {
    first: NonNull<T>,
    size: usize,
    room: usize,
}

impl<T: Extensible> OutStructs<T> {
    /// # Safety
    /// If `room` is not 0, `to` is NULL, or misaligned, or points to an initialised `u32`, and `room` times
    /// that many bytes are writable until the call returns.
    pub(crate) unsafe fn new(to: *mut T, room: usize) -> Result<OutStructs<T>, Errno> {
        if room == 0 {
            return Ok(OutStructs { first: NonNull::dangling(), size: 0, room });
        }
        // SAFETY: the caller's promise.
        let (first, size) = unsafe { size_of_callers(to)? };
        if size % align_of::<T>() != 0 && room > 1 {
            return Err(Errno::EINVAL);
        }
        Ok(OutStructs { first, size, room })
    }

    /// How many structs there is room for.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// Writes as much of the result as both sides know, zeros after that, and the size it was given.
    pub(crate) fn set(&self, at: usize, value: T) {
        if at >= self.room {
            return;
        }
        let known = self.size.min(size_of::<T>());
        // SAFETY: `room` structs of `size` bytes each are writable, promised when this was made, and
        // `size` is at least the four bytes of the member that holds it.
        unsafe {
            let to = self.first.cast::<u8>().add(at * self.size);
            to.copy_from_nonoverlapping(NonNull::from(&value).cast(), known);
            to.add(known).write_bytes(0, self.size - known);
            to.cast::<u32>().write(self.size as u32);
        }
    }
}
