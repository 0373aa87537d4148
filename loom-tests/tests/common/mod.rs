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
    for mode in MODES {
        breaks(&format!("{name} without {step:?}"), mode, bound, move || set_fault(Some(step)), model);
    }
}

/// With this end of an edge Relaxed the model fails, in `mode`.
pub fn needs_edge(edge: Edge, mode: Mode, name: &str, bound: usize, model: fn()) {
    breaks(&format!("{name}, {edge:?} relaxed"), mode, bound, move || set_fault(Some(Fault::Weak(edge))), model);
}

pub fn survey(edges: &[Edge], models: &[(&str, usize, fn())]) {
    for &edge in edges {
        for &(name, bound, model) in models {
            for mode in [Mode::Plain, Mode::CasRmw] {
                if std::panic::catch_unwind(|| needs_edge(edge, mode, name, bound, model)).is_ok() {
                    println!("SURVEY {edge:?} {name} {mode:?}");
                }
            }
        }
    }
}
