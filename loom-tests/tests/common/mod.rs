//! Models whose faults are those of `lockfree::fault`.

use loom_tests::{MODES, Mode, breaks, holds};
use ptexit_core::lockfree::fault::{Edge, Fault, set_fault};

/// The model holds in each mode, within `bound` preemptions.
pub fn holds_always(name: &str, bound: usize, model: fn()) {
    for mode in MODES {
        holds(name, mode, bound, || {}, model);
    }
}

/// Without this step the model fails, in each mode.
pub fn needs(step: Fault, name: &str, bound: usize, model: fn()) {
    needs_in(&MODES, step, name, bound, model);
}

/// Without this step the model fails, in these modes.
pub fn needs_in(modes: &[Mode], step: Fault, name: &str, bound: usize, model: fn()) {
    for &mode in modes {
        breaks(&format!("{name} without {step:?}"), mode, bound, move || set_fault(Some(step)), model);
    }
}

/// With either end of an edge Relaxed the model fails, also if loads may be stale.
pub fn needs_edge(ends: &[Edge], name: &str, bound: usize, model: fn()) {
    for &end in ends {
        let name = format!("{name}, {end:?} relaxed");
        breaks(&name, Mode::Plain, bound, move || set_fault(Some(Fault::Weak(end))), model);
    }
}
