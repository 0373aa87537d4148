//! Faults to order: in a model one step is left out or one ordering relaxed, and the model must fail.
//!
//! A model that passes with a fault does not test the line the fault is about. Each layer names its steps and the ends
//! of its edges in a `fault.rs` of its own; how they are switched off is here. In a build [`left_out`] is `false` and
//! [`order`] is its argument.

use crate::sync::Ordering;

/// A step that a model can leave out, or an end of an edge that it can relax.
pub trait Switch: Copy + core::fmt::Debug + Send + 'static {
    /// Which one of its enum it is.
    #[cfg(loom)]
    fn number(self) -> u32;
}

/// Makes [`Switch`]es of enums without fields.
macro_rules! switches {
    ($($name:ty),*) => {
        $(impl $crate::fault::Switch for $name {
            #[cfg(loom)]
            fn number(self) -> u32 {
                self as u32
            }
        })*
    };
}
pub(crate) use switches;

#[cfg(not(loom))]
mod choice {
    use super::{Ordering, Switch};

    /// Whether the model leaves this step out.
    #[inline(always)]
    pub(crate) fn left_out(_: impl Switch) -> bool {
        false
    }

    /// The ordering this end of an edge has.
    #[inline(always)]
    pub(crate) fn order(_: impl Switch, ordering: Ordering) -> Ordering {
        ordering
    }
}

#[cfg(loom)]
mod choice {
    use core::any::TypeId;
    use core::cell::Cell;

    use super::{Ordering, Switch};

    std::thread_local! {
        // loom runs all threads of a model on the host thread that called it.
        static OFF: Cell<Option<(TypeId, u32)>> = const { Cell::new(None) };
    }

    fn id<S: Switch>(switch: S) -> (TypeId, u32) {
        (TypeId::of::<S>(), switch.number())
    }

    /// Chooses the step or the end that is missing in the models that this host thread runs from now on.
    pub fn switch_off(switch: impl Switch) {
        OFF.set(Some(id(switch)));
    }

    pub(crate) fn left_out(step: impl Switch) -> bool {
        OFF.get() == Some(id(step))
    }

    pub(crate) fn order(end: impl Switch, ordering: Ordering) -> Ordering {
        if OFF.get() == Some(id(end)) { Ordering::Relaxed } else { ordering }
    }
}

#[cfg(loom)]
pub use choice::switch_off;
pub(crate) use choice::{left_out, order};
