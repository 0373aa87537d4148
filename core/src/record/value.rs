//! Plain numbers in records that other threads may read.

use crate::record::fault::{Edge, order};
use crate::sync::{AtomicU32, AtomicU64, Ordering::*};

macro_rules! value {
    ($name:ident, $atomic:ident, $integer:ty) => {
        #[doc = concat!("A `", stringify!($integer), "` that threads hand each other over some other edge.")]
        ///
        /// Ordering: Relaxed everywhere. Reading it too early gives an old number, never a broken one; where
        /// that matters, the record's documentation names the word that publishes it.
        #[derive(Debug, Default)]
        pub struct $name($atomic);

        impl $name {
            /// Zero.
            pub fn new() -> Self {
                Self::default()
            }

            /// The number now.
            #[inline]
            pub fn get(&self) -> $integer {
                self.0.load(Relaxed)
            }

            /// Sets the number.
            #[inline]
            pub fn set(&self, value: $integer) {
                self.0.store(value, Relaxed);
            }

            /// Sets the number if it is still `old`.
            #[inline]
            pub fn replace(&self, old: $integer, new: $integer) -> bool {
                self.0.compare_exchange(old, new, order(Edge::ValueExchanged, AcqRel), Relaxed).is_ok()
            }

            /// Adds; returns the number before.
            #[inline]
            pub fn add(&self, more: $integer) -> $integer {
                self.0.fetch_add(more, Relaxed)
            }
        }
    };
}

value!(Value32, AtomicU32, u32);
value!(Value64, AtomicU64, u64);

impl Value32 {
    /// Sets the number and returns the old one: of several callers, one gets it.
    #[inline]
    pub fn take(&self, value: u32) -> u32 {
        self.0.swap(value, order(Edge::ValueExchanged, AcqRel))
    }
}
