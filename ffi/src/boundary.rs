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

#[cfg(test)]
mod tests {
    use super::*;

    /// A struct that was 8 bytes long when it was young.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Grown {
        size: u32,
        old: u32,
        new: u64,
    }

    // SAFETY: `repr(C)`, begins with the size, no padding, integers only.
    unsafe impl Extensible for Grown {
        const FIRST_SIZE: usize = 8;
    }

    #[repr(C, align(8))]
    struct Memory([u32; 6]);

    fn read_words(words: [u32; 6]) -> Result<Grown, Errno> {
        let memory = Memory(words);
        // SAFETY: the sizes used here are no longer than the memory, or refused because of their value alone.
        unsafe { read_struct((&raw const memory).cast::<Grown>()) }
    }

    #[test]
    fn a_missing_tail_is_zero_and_an_unknown_tail_must_be() {
        assert_eq!(read_words([8, 1, 2, 2, 2, 2]), Ok(Grown { size: 8, old: 1, new: 0 }));
        assert_eq!(read_words([12, 1, 2, 2, 2, 2]), Ok(Grown { size: 12, old: 1, new: 2 }));
        assert_eq!(read_words([16, 1, 2, 0, 2, 2]), Ok(Grown { size: 16, old: 1, new: 2 }));
        assert_eq!(read_words([24, 1, 2, 0, 0, 0]), Ok(Grown { size: 24, old: 1, new: 2 }));
        assert_eq!(read_words([24, 1, 2, 0, 0, 1]), Err(Errno::E2BIG));
        assert_eq!(read_words([7, 1, 2, 0, 0, 0]), Err(Errno::EINVAL));
        assert_eq!(read_words([0, 1, 2, 0, 0, 0]), Err(Errno::EINVAL));
        assert_eq!(read_words([4097, 1, 2, 0, 0, 0]), Err(Errno::E2BIG));
        assert_eq!(read_words([u32::MAX, 1, 2, 0, 0, 0]), Err(Errno::E2BIG));
    }

    #[test]
    fn a_result_is_cut_or_padded_and_keeps_its_size() {
        let write = |size: u32| {
            let mut memory = Memory([size, 9, 9, 9, 9, 9]);
            // SAFETY: the sizes used here are no longer than the memory.
            let out = unsafe { OutStructs::new((&raw mut memory).cast::<Grown>(), 1) };
            out.unwrap().set(0, Grown { size: 0, old: 1, new: 2 });
            memory.0
        };
        assert_eq!(write(8), [8, 1, 9, 9, 9, 9]);
        assert_eq!(write(16), [16, 1, 2, 0, 9, 9]);
        assert_eq!(write(20), [20, 1, 2, 0, 0, 9]);
        assert_eq!(write(24), [24, 1, 2, 0, 0, 0]);
    }

    #[test]
    fn pointers_that_cannot_be_are_refused() {
        let memory = Memory([0; 6]);
        let odd = (&raw const memory).cast::<u8>().wrapping_add(4).cast::<Grown>();
        // SAFETY: NULL and misaligned pointers are allowed.
        unsafe {
            assert_eq!(read_struct::<Grown>(ptr::null()), Err(Errno::EFAULT));
            assert_eq!(read_struct(odd), Err(Errno::EFAULT));
            assert!(Out::<u64>::new(ptr::null_mut()).is_err());
            assert!(Out::<u64>::optional(ptr::null_mut()).is_ok_and(|out| out.is_none()));
            assert!(OutArray::<u64>::new(ptr::null_mut(), 1).is_err());
            assert!(OutArray::<u64>::new(ptr::null_mut(), 0).is_ok());
        }
    }

    #[test]
    fn after_a_panic_the_context_only_takes_free() {
        let mut ctx = ptr::null_mut();
        // SAFETY: a valid place for the result; the context is freed last.
        unsafe {
            assert_eq!(crate::ctx::ptexit_ctx_new(ptr::null(), &mut ctx), 0);
            assert_eq!(enter(ctx, |_| Ok(5)), 5);
            assert_eq!(enter(ctx, |_| panic!("for the test")), -Errno::E_PANIC.number());
            assert_eq!(enter(ctx, |_| Ok(5)), -Errno::E_PANIC.number());
            assert_eq!(crate::queries::ptexit_pid_lookup(ctx, 1, &mut 0), -Errno::E_PANIC.number());
            crate::ctx::ptexit_ctx_free(ctx);
        }
    }
}
