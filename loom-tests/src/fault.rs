//! Running models that must hold, and without a step or with an edge relaxed must not.

use ptexit_core::fault::{Switch, switch_off};

use crate::{MODES, Mode, breaks, explore, holds, races, trips};

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
pub fn needs(step: impl Switch, name: &str, bounds: Bounds, model: fn()) {
    needs_in(&MODES, step, name, bounds, model);
}

/// Without this step the model fails, in these modes.
#[track_caller]
pub fn needs_in(modes: &[Mode], step: impl Switch, name: &str, bounds: Bounds, model: fn()) {
    for (mode, bound) in MODES.into_iter().zip(bounds).filter(|(mode, _)| modes.contains(mode)) {
        breaks(&format!("{name} without {step:?}"), mode, bound, move || switch_off(step), model);
    }
}

/// With either of these ends of edges Relaxed the model fails, also where loads may be stale.
#[track_caller]
pub fn needs_edges(ends: &[impl Switch], name: &str, bound: usize, model: fn()) {
    for &end in ends {
        breaks(&format!("{name}, {end:?} relaxed"), Mode::Plain, bound, move || switch_off(end), model);
    }
}

/// With either of these ends of edges Relaxed, two threads use a cell of the model side by side.
#[track_caller]
pub fn races_without(ends: &[impl Switch], name: &str, bound: usize, model: fn()) {
    for &end in ends {
        races(&format!("{name}, {end:?} relaxed"), Mode::Plain, bound, move || switch_off(end), model);
    }
}

/// With either of these ends of edges Relaxed the core stops by itself, with these words.
#[track_caller]
pub fn trips_without(ends: &[impl Switch], words: &str, name: &str, bound: usize, model: fn()) {
    for &end in ends {
        trips(words, &format!("{name}, {end:?} relaxed"), Mode::Plain, bound, move || switch_off(end), model);
    }
}

/// Prints, for each edge, which of the models fail when it is relaxed. Not a test: what a table in
/// `docs/orderings.md` is written from.
pub fn survey(edges: &[impl Switch], models: &[(&str, usize, fn())]) {
    for &edge in edges {
        for &(name, bound, model) in models {
            for mode in [Mode::Plain, Mode::CasRmw] {
                let outcome = explore(mode, bound, crate::MAX_DURATION, move || switch_off(edge), model);
                println!("survey | {edge:?} | {name} | {mode:?} | {bound} | {outcome:?}");
            }
        }
    }
}
