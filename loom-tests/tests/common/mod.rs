//! Runs a model in the three modes of `ptexit_core::sync`, and canaries that must fail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ptexit_core::lockfree::fault::{self, Fault};
use ptexit_core::sync::{Mode, set_mode};

/// The three modes.
pub const MODES: [Mode; 3] = [Mode::Plain, Mode::AllRmw, Mode::CasRmw];

/// A model that needs longer has not been explored completely, which is a failure.
const LIMIT: Duration = Duration::from_secs(60);

fn explore(mode: Mode, bound: usize, model: impl Fn() + Sync + Send + 'static) -> Result<usize, usize> {
    static ITERATIONS: AtomicUsize = AtomicUsize::new(0);
    set_mode(mode);
    ITERATIONS.store(0, Ordering::Relaxed);
    let end = Instant::now() + LIMIT;
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(bound);
    builder.max_branches = 20_000;
    let run = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            ITERATIONS.fetch_add(1, Ordering::Relaxed);
            assert!(Instant::now() < end, "not explored within the time limit");
            model();
        });
    }));
    set_mode(Mode::Plain);
    let iterations = ITERATIONS.load(Ordering::Relaxed);
    run.map(|()| iterations).map_err(|_| iterations)
}

/// The model holds in every interleaving within `bound` preemptions, in each mode.
pub fn holds(name: &str, bound: usize, model: impl Fn() + Sync + Send + Copy + 'static) {
    for mode in MODES {
        let start = Instant::now();
        let result = explore(mode, bound, model);
        eprintln!("| {name} | {mode:?} | {bound} | {result:?} | {:.2} |", start.elapsed().as_secs_f64());
        assert!(result.is_ok(), "{name} fails in mode {mode:?}");
    }
}

/// With `mistake` made, the model fails in each of `modes`: it does test that line.
pub fn fails(
    name: &str,
    mistake: Fault,
    modes: &[Mode],
    bound: usize,
    model: impl Fn() + Sync + Send + Copy + 'static,
) {
    for &mode in modes {
        fault::set(mistake);
        let start = Instant::now();
        let result = explore(mode, bound, model);
        fault::set(Fault::None);
        eprintln!("| {name}, {mistake:?} | {mode:?} | {bound} | {result:?} | {:.2} |", start.elapsed().as_secs_f64());
        assert!(result.is_err(), "{name} does not notice {mistake:?} in mode {mode:?}");
    }
}
