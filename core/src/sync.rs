//! The only place that chooses between the real atomics and loom's.
//!
//! Every atomic of the core is one of the types here. They add one thing to the standard ones: a load
//! that heads a compare-exchange loop is spelled [`load_for_cas`](AtomicU64::load_for_cas). loom 0.7
//! overlooks interleavings of a load followed by a compare-exchange on the same atomic, so the models
//! run three times: with plain loads, with every load as a read-modify-write, and with only the loads
//! at the head of such loops as one ([`Mode`], `docs/orderings.md`).

#[cfg(not(loom))]
mod imp {
    pub(super) use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, fence};
    pub(super) use std::thread::yield_now;
}

#[cfg(loom)]
mod imp {
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, fence};
    pub(super) use loom::thread::yield_now;
}

use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
pub use core::sync::atomic::Ordering;

/// How loads and stores behave in a model.
#[cfg(loom)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As written.
    Plain,
    /// Every load is a read-modify-write: all interleavings, no stale values.
    AllRmw,
    /// Only loads at the head of compare-exchange loops are read-modify-writes.
    CasRmw,
}

#[cfg(loom)]
std::thread_local! {
    // loom runs all threads of a model on the host thread that called it.
    static MODE: core::cell::Cell<Mode> = const { core::cell::Cell::new(Mode::Plain) };
}

/// Chooses the mode of the models that this host thread runs from now on.
#[cfg(loom)]
pub fn set_mode(mode: Mode) {
    MODE.with(|cell| cell.set(mode));
}

#[cfg(loom)]
fn mode() -> Mode {
    MODE.with(core::cell::Cell::get)
}

macro_rules! atomic_integer {
    ($name:ident, $integer:ty) => {
        #[doc = concat!("An atomic `", stringify!($integer), "`, real or loom's.")]
        #[derive(Debug)]
        #[repr(transparent)]
        pub struct $name(imp::$name);

        impl Default for $name {
            fn default() -> Self {
                Self::new(0)
            }
        }

        impl $name {
            /// A new atomic holding `value`.
            pub fn new(value: $integer) -> Self {
                Self(imp::$name::new(value))
            }

            /// Reads the value.
            #[inline(always)]
            pub fn load(&self, order: Ordering) -> $integer {
                #[cfg(loom)]
                if mode() == Mode::AllRmw {
                    return self.0.fetch_or(0, order);
                }
                self.0.load(order)
            }

            /// Reads the value at the head of a compare-exchange loop on this atomic.
            #[inline(always)]
            pub fn load_for_cas(&self, order: Ordering) -> $integer {
                #[cfg(loom)]
                if mode() != Mode::Plain {
                    return self.0.fetch_or(0, order);
                }
                self.0.load(order)
            }

            /// Writes the value.
            #[inline(always)]
            pub fn store(&self, value: $integer, order: Ordering) {
                // loom loses a plain store that races with a load made into a read-modify-write.
                #[cfg(loom)]
                if mode() != Mode::Plain {
                    self.0.swap(value, order);
                    return;
                }
                self.0.store(value, order);
            }

            /// Replaces the value and returns the old one.
            #[inline(always)]
            pub fn swap(&self, value: $integer, order: Ordering) -> $integer {
                self.0.swap(value, order)
            }

            /// Replaces `current` by `new`, or returns what is there instead.
            #[inline(always)]
            pub fn compare_exchange(
                &self,
                current: $integer,
                new: $integer,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$integer, $integer> {
                self.0.compare_exchange(current, new, success, failure)
            }

            /// Adds, wrapping, and returns the old value.
            #[inline(always)]
            pub fn fetch_add(&self, value: $integer, order: Ordering) -> $integer {
                self.0.fetch_add(value, order)
            }

            /// Subtracts, wrapping, and returns the old value.
            #[inline(always)]
            pub fn fetch_sub(&self, value: $integer, order: Ordering) -> $integer {
                self.0.fetch_sub(value, order)
            }

            /// Sets bits and returns the old value.
            #[inline(always)]
            pub fn fetch_or(&self, value: $integer, order: Ordering) -> $integer {
                self.0.fetch_or(value, order)
            }

            /// Keeps only the bits of `value` and returns the old value.
            #[inline(always)]
            pub fn fetch_and(&self, value: $integer, order: Ordering) -> $integer {
                self.0.fetch_and(value, order)
            }

            /// Raises the value to at least `value` and returns the old one.
            #[inline(always)]
            pub fn fetch_max(&self, value: $integer, order: Ordering) -> $integer {
                self.0.fetch_max(value, order)
            }
        }
    };
}

atomic_integer!(AtomicU32, u32);
atomic_integer!(AtomicU64, u64);

/// An atomic pointer, real or loom's.
///
/// In a model it is an integer underneath, so that its loads can be made read-modify-writes too.
#[derive(Debug)]
pub struct AtomicPtr<T> {
    #[cfg(not(loom))]
    to: imp::AtomicPtr<T>,
    #[cfg(loom)]
    to: AtomicU64,
    #[cfg(loom)]
    // As the real one: Send and Sync whatever `T` is.
    of: core::marker::PhantomData<fn() -> *mut T>,
}

#[cfg(not(loom))]
impl<T> AtomicPtr<T> {
    /// A new atomic holding `pointer`.
    pub const fn new(pointer: *mut T) -> Self {
        AtomicPtr { to: imp::AtomicPtr::new(pointer) }
    }

    /// Reads the pointer.
    #[inline(always)]
    pub fn load(&self, order: Ordering) -> *mut T {
        self.to.load(order)
    }

    /// Reads the pointer at the head of a compare-exchange loop.
    #[inline(always)]
    pub fn load_for_cas(&self, order: Ordering) -> *mut T {
        self.to.load(order)
    }

    /// Writes the pointer.
    #[inline(always)]
    pub fn store(&self, pointer: *mut T, order: Ordering) {
        self.to.store(pointer, order);
    }

    /// Replaces the pointer and returns the old one.
    #[inline(always)]
    pub fn swap(&self, pointer: *mut T, order: Ordering) -> *mut T {
        self.to.swap(pointer, order)
    }

    /// Replaces `current` by `new`, or returns what is there instead.
    #[inline(always)]
    pub fn compare_exchange(
        &self,
        current: *mut T,
        new: *mut T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<*mut T, *mut T> {
        self.to.compare_exchange(current, new, success, failure)
    }
}

#[cfg(loom)]
impl<T> AtomicPtr<T> {
    fn from_bits(bits: u64) -> *mut T {
        core::ptr::with_exposed_provenance_mut(bits as usize)
    }

    fn to_bits(pointer: *mut T) -> u64 {
        pointer.expose_provenance() as u64
    }

    /// A new atomic holding `pointer`.
    pub fn new(pointer: *mut T) -> Self {
        AtomicPtr { to: AtomicU64::new(Self::to_bits(pointer)), of: core::marker::PhantomData }
    }

    /// Reads the pointer.
    pub fn load(&self, order: Ordering) -> *mut T {
        Self::from_bits(self.to.load(order))
    }

    /// Reads the pointer at the head of a compare-exchange loop.
    pub fn load_for_cas(&self, order: Ordering) -> *mut T {
        Self::from_bits(self.to.load_for_cas(order))
    }

    /// Writes the pointer.
    pub fn store(&self, pointer: *mut T, order: Ordering) {
        self.to.store(Self::to_bits(pointer), order);
    }

    /// Replaces the pointer and returns the old one.
    pub fn swap(&self, pointer: *mut T, order: Ordering) -> *mut T {
        Self::from_bits(self.to.swap(Self::to_bits(pointer), order))
    }

    /// Replaces `current` by `new`, or returns what is there instead.
    pub fn compare_exchange(
        &self,
        current: *mut T,
        new: *mut T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<*mut T, *mut T> {
        self.to
            .compare_exchange(Self::to_bits(current), Self::to_bits(new), success, failure)
            .map(Self::from_bits)
            .map_err(Self::from_bits)
    }
}

/// A pointer that goes once from null to its final value.
#[derive(Debug)]
pub struct OncePtr<T>(AtomicPtr<T>);

impl<T> OncePtr<T> {
    /// Null.
    pub fn null() -> Self {
        OncePtr(AtomicPtr::new(core::ptr::null_mut()))
    }

    /// Reads the pointer, acquiring what it points to.
    #[inline(always)]
    pub fn get(&self) -> *mut T {
        self.0.load(Ordering::Acquire)
    }

    /// Turns null into `new`, releasing what it points to, or acquires what is there instead.
    pub fn install(&self, new: *mut T) -> Result<(), *mut T> {
        self.0.compare_exchange(core::ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire).map(drop)
    }
}

/// A shared value that is there once somebody has brought it, and then stays.
///
/// loom knows nothing of `arc_swap`: in a model a counter beside it orders what `ArcSwapOption` orders.
#[derive(Debug)]
pub struct OnceArc<T> {
    value: ArcSwapOption<T>,
    #[cfg(loom)]
    brought: AtomicU32,
}

impl<T> OnceArc<T> {
    /// Nothing yet.
    pub fn empty() -> Self {
        OnceArc {
            value: ArcSwapOption::empty(),
            #[cfg(loom)]
            brought: AtomicU32::new(0),
        }
    }

    /// What is there, acquired and borrowed.
    #[inline]
    pub fn load(&self) -> Guard<Option<Arc<T>>> {
        let value = self.value.load();
        #[cfg(loom)]
        if value.is_some() {
            self.brought.fetch_or(0, Ordering::Acquire);
        }
        value
    }

    /// What is there, acquired and shared.
    pub fn load_full(&self) -> Option<Arc<T>> {
        Guard::into_inner(self.load())
    }

    /// Brings `new`, released, or returns what is there already, acquired.
    pub fn install(&self, new: Arc<T>) -> Result<(), Arc<T>> {
        #[cfg(loom)]
        self.brought.fetch_add(1, Ordering::AcqRel);
        let was = self.value.compare_and_swap(&None::<Arc<T>>, Some(new));
        was.as_ref().map_or(Ok(()), |there| Err(Arc::clone(there)))
    }
}

/// A fence, real or loom's.
#[inline(always)]
pub fn fence(order: Ordering) {
    imp::fence(order);
}

/// Lets another thread run, or the model choose one.
pub fn yield_now() {
    imp::yield_now();
}

/// Lets other threads run for at least that long. Not for models, which have no time.
pub fn sleep(duration: core::time::Duration) {
    std::thread::sleep(duration);
}

/// An atomic state word: 64 bits that change together, seen as the plain-data type `T`.
///
/// The values are integers underneath ([`atomic::Atomic`] in a build, loom's `AtomicU64` in a model),
/// the types keep one word's bits from being mistaken for another's.
#[derive(Debug)]
pub struct Word<T: bytemuck::Pod> {
    #[cfg(not(loom))]
    bits: atomic::Atomic<T>,
    #[cfg(loom)]
    bits: AtomicU64,
    #[cfg(loom)]
    of: core::marker::PhantomData<T>,
}

#[cfg(not(loom))]
impl<T: bytemuck::Pod> Word<T> {
    /// A new word.
    pub fn new(value: T) -> Self {
        const { assert!(size_of::<T>() == 8 && atomic::Atomic::<T>::is_lock_free()) }
        Word { bits: atomic::Atomic::new(value) }
    }

    /// Reads the word.
    #[inline(always)]
    pub fn load(&self, order: Ordering) -> T {
        self.bits.load(order)
    }

    /// Reads the word at the head of a compare-exchange loop.
    #[inline(always)]
    pub fn load_for_cas(&self, order: Ordering) -> T {
        self.bits.load(order)
    }

    /// Writes the word.
    #[inline(always)]
    pub fn store(&self, value: T, order: Ordering) {
        self.bits.store(value, order);
    }

    /// Replaces the word and returns the old one.
    #[inline(always)]
    pub fn swap(&self, value: T, order: Ordering) -> T {
        self.bits.swap(value, order)
    }

    /// Replaces `current` by `new`, or returns what is there instead.
    #[inline(always)]
    pub fn compare_exchange(&self, current: T, new: T, success: Ordering, failure: Ordering) -> Result<T, T> {
        self.bits.compare_exchange(current, new, success, failure)
    }
}

#[cfg(loom)]
impl<T: bytemuck::Pod> Word<T> {
    /// A new word.
    pub fn new(value: T) -> Self {
        Word { bits: AtomicU64::new(bytemuck::cast(value)), of: core::marker::PhantomData }
    }

    /// Reads the word.
    pub fn load(&self, order: Ordering) -> T {
        bytemuck::cast(self.bits.load(order))
    }

    /// Reads the word at the head of a compare-exchange loop.
    pub fn load_for_cas(&self, order: Ordering) -> T {
        bytemuck::cast(self.bits.load_for_cas(order))
    }

    /// Writes the word.
    pub fn store(&self, value: T, order: Ordering) {
        self.bits.store(bytemuck::cast(value), order);
    }

    /// Replaces the word and returns the old one.
    pub fn swap(&self, value: T, order: Ordering) -> T {
        bytemuck::cast(self.bits.swap(bytemuck::cast(value), order))
    }

    /// Replaces `current` by `new`, or returns what is there instead.
    pub fn compare_exchange(&self, current: T, new: T, success: Ordering, failure: Ordering) -> Result<T, T> {
        self.bits
            .compare_exchange(bytemuck::cast(current), bytemuck::cast(new), success, failure)
            .map(|raw| bytemuck::cast(raw))
            .map_err(|raw| bytemuck::cast(raw))
    }
}
