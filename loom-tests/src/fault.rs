//! Running models of records and protocols, whose faults are those of `record::fault`.

use ptexit_core::record::fault::{Edge, Fault, set_fault};

use crate::{MODES, Mode, breaks, explore, holds};

/// Preemptions explored, by mode in the order of [`MODES`]: as many as let the model finish.
pub type Bounds = [usize; 3];

/// The model holds in each mode.
#[track_caller]
pub fn holds_always(name: &str, bounds: Bounds, model: fn()) {
    for (mode, bound) in MODES.into_iter().zip(bounds) {
        holds(name, mode, bound, || {}, model);
    }
}

/// Without this step the model fails, in each mode.
#[track_caller]
pub fn needs(step: Fault, name: &str, bounds: Bounds, model: fn()) {
    needs_in(&MODES, step, name, bounds, model);
}

/// Without this step the model fails, in these modes.
#[track_caller]
pub fn needs_in(modes: &[Mode], step: Fault, name: &str, bounds: Bounds, model: fn()) {
    for (mode, bound) in MODES.into_iter().zip(bounds).filter(|(mode, _)| modes.contains(mode)) {
        breaks(&format!("{name} without {step:?}"), mode, bound, move || set_fault(Some(step)), model);
    }
}

/// With this end of an edge Relaxed the model fails, in `mode`.
#[track_caller]
pub fn needs_edge(edge: Edge, mode: Mode, name: &str, bound: usize, model: fn()) {
    breaks(&format!("{name}, {edge:?} relaxed"), mode, bound, move || set_fault(Some(Fault::Weak(edge))), model);
}

/// Prints, for each edge, which of the models fail when it is relaxed. Not a test: what a table in
/// `docs/orderings.md` is written from.
pub fn survey(edges: &[Edge], models: &[(&str, usize, fn())]) {
    for &edge in edges {
        for &(name, bound, model) in models {
            for mode in [Mode::Plain, Mode::CasRmw] {
                let outcome =
                    explore(mode, bound, crate::MAX_DURATION, move || set_fault(Some(Fault::Weak(edge))), model);
                println!("survey | {edge:?} | {name} | {mode:?} | {bound} | {outcome:?}");
            }
        }
    }
}
