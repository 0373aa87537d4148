//! What all models share: running one in a mode, and making sure that a broken one fails.
//!
//! Every model runs in the three modes of [`Mode`], because loom overlooks interleavings of a load and a
//! compare-exchange of one thread on one atomic. Every file has *canaries*: the same models with one step
//! left out, which must fail; they show that the models would notice.
#![cfg(loom)]

pub mod family;
pub mod fault;

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use crossbeam_epoch::{Collector, Guard, LocalHandle};
pub use ptexit_core::sync::Mode;

/// All modes.
pub const MODES: [Mode; 3] = [Mode::Plain, Mode::AllRmw, Mode::CasRmw];

/// No model of ours takes this long, even on a busy machine; one that does is to be made smaller.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(240);

/// What an exploration that found no failure took.
#[derive(Clone, Copy, Debug)]
pub struct Explored {
    /// Executions of the model.
    pub iterations: usize,
    /// Time.
    pub duration: Duration,
}

/// Why an exploration did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An assertion of the model itself, which says in words what is wrong.
    Assertion(String),
    /// Two accesses to a cell that nothing orders; loom's finding.
    Race(String),
    /// Anything else: an assertion of the core, a helper of the models that could not do its part, loom's
    /// limit on branches, a deadlock.
    Other(String),
    /// The time was up. loom ends quietly then, and that is no proof.
    Unfinished,
}

impl Failure {
    /// What a panic in an exploring thread means.
    fn of(panic: Panic) -> Failure {
        let Panic { file, line, message } = panic;
        // An `unwrap` says nothing: it is not what a model is about.
        if file.starts_with("loom-tests/tests/") && !message.starts_with("called `") {
            return Failure::Assertion(message);
        }
        let message = format!("{file}:{line}: {message}");
        if message.contains("Causality violation") { Failure::Race(message) } else { Failure::Other(message) }
    }
}

/// A panic in a thread that explores.
struct Panic {
    file: String,
    line: u32,
    message: String,
}

std::thread_local! {
    /// In a thread that explores, its first panic: others follow while loom takes the model down.
    static FIRST_PANIC: RefCell<Option<Option<Panic>>> = const { RefCell::new(None) };
}

/// From here on panics of this thread are kept instead of printed.
fn keep_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            FIRST_PANIC.with_borrow_mut(|kept| match kept {
                None => usual(info),
                Some(Some(_)) => {}
                Some(first) => {
                    let (file, line) =
                        info.location().map_or((String::new(), 0), |at| (at.file().to_owned(), at.line()));
                    let message = info.payload_as_str().unwrap_or_default().to_owned();
                    *first = Some(Panic { file, line, message });
                }
            });
        }));
    });
    FIRST_PANIC.set(Some(None));
}

/// Explores `model` in `mode`, up to `preemptions` and for no longer than `limit`.
///
/// `setup` runs before, on the thread that runs the model.
///
/// # Errors
/// Why it failed, or that it is not finished, and how far it had come.
pub fn explore(
    mode: Mode,
    preemptions: usize,
    limit: Duration,
    setup: impl Fn() + Send + 'static,
    model: impl Fn() + Send + Sync + 'static,
) -> Result<Explored, (Failure, Explored)> {
    let iterations = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&iterations);
    let start = Instant::now();
    // A thread of its own: the mode is per thread, and a failed model leaves loom's thread state behind.
    let run = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
        ptexit_core::sync::set_mode(mode);
        setup();
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.max_duration = Some(limit);
        builder.max_branches = 10_000;
        // How often loom looks at the clock.
        builder.checkpoint_interval = 1_000;
        keep_panics();
        let check = || {
            builder.check(move || {
                counted.fetch_add(1, Relaxed);
                model();
            });
        };
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(check));
        outcome.map_err(|_| FIRST_PANIC.take().flatten())
    });
    let outcome = run.expect("a thread").join().expect("panics are caught");
    let explored = Explored { iterations: iterations.load(Relaxed), duration: start.elapsed() };
    match outcome {
        Ok(()) if explored.duration < limit => Ok(explored),
        Ok(()) => Err((Failure::Unfinished, explored)),
        Err(panic) => Err((Failure::of(panic.expect("the hook saw it")), explored)),
    }
}

/// Explores `model` completely, up to `preemptions`, in `mode`; fails if it fails or is not finished in time.
#[track_caller]
pub fn holds(
    name: &str,
    mode: Mode,
    preemptions: usize,
    setup: impl Fn() + Send + 'static,
    model: impl Fn() + Send + Sync + 'static,
) -> Explored {
    match explore(mode, preemptions, MAX_DURATION, setup, model) {
        Ok(explored) => {
            let Explored { iterations, duration } = explored;
            println!("{name} | {mode:?} | {preemptions} | {iterations} | {:.2}", duration.as_secs_f64());
            explored
        }
        Err((why, after)) => panic!("{name} in {mode:?}: after {after:?}: {why:?}"),
    }
}

/// A canary: explores `model`, which is broken, until an assertion of its own fails; fails if none does, or if
/// the end is another one.
#[track_caller]
pub fn breaks(
    name: &str,
    mode: Mode,
    preemptions: usize,
    setup: impl Fn() + Send + 'static,
    model: impl Fn() + Send + Sync + 'static,
) {
    breaks_by(|why| matches!(why, Failure::Assertion(_)), name, mode, preemptions, setup, model);
}

/// The same, where what is wrong is an access that nothing orders.
#[track_caller]
pub fn races(
    name: &str,
    mode: Mode,
    preemptions: usize,
    setup: impl Fn() + Send + 'static,
    model: impl Fn() + Send + Sync + 'static,
) {
    breaks_by(|why| matches!(why, Failure::Race(_)), name, mode, preemptions, setup, model);
}

/// The same, where the core stops by itself, with these words.
#[track_caller]
pub fn trips(
    words: &str,
    name: &str,
    mode: Mode,
    preemptions: usize,
    setup: impl Fn() + Send + 'static,
    model: impl Fn() + Send + Sync + 'static,
) {
    let is_expected = |why: &Failure| matches!(why, Failure::Other(why) if why.contains(words));
    breaks_by(is_expected, name, mode, preemptions, setup, model);
}

#[track_caller]
fn breaks_by(
    is_expected: impl Fn(&Failure) -> bool,
    name: &str,
    mode: Mode,
    preemptions: usize,
    setup: impl Fn() + Send + 'static,
    model: impl Fn() + Send + Sync + 'static,
) {
    match judge(explore(mode, preemptions, MAX_DURATION, setup, model), is_expected) {
        Ok(why) => println!("{name} | {mode:?} | {preemptions} | {why}"),
        Err(why) => panic!("{name} in {mode:?}: {why}"),
    }
}

/// Whether a canary failed as it should.
///
/// # Errors
/// Why it did not.
pub fn judge(
    outcome: Result<Explored, (Failure, Explored)>,
    is_expected: impl Fn(&Failure) -> bool,
) -> Result<String, String> {
    match outcome {
        Ok(explored) => Err(format!("nothing failed in {explored:?}")),
        Err((why, after)) if is_expected(&why) => Ok(format!("failed after {}: {why:?}", after.iterations)),
        Err((why, after)) => Err(format!("not what it is about, after {after:?}: {why:?}")),
    }
}

/// What the threads of a model share. Dropped only when every thread has [let go](Shared::release): in a
/// model that failed, loom's threads are torn down in no order, and destructors must not use its atomics.
pub struct Shared<T>(ManuallyDrop<Arc<T>>);

impl<T> Shared<T> {
    /// Shares `value`.
    pub fn new(value: T) -> Self {
        Shared(ManuallyDrop::new(Arc::new(value)))
    }

    /// The end of a thread of a model that did not fail.
    pub fn release(self) {
        drop(ManuallyDrop::into_inner(self.0));
    }

    /// What was shared, when all others have let go.
    ///
    /// # Panics
    /// Before that.
    pub fn into_inner(self) -> T {
        Arc::into_inner(ManuallyDrop::into_inner(self.0)).expect("everybody else has let go")
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(ManuallyDrop::new(Arc::clone(&self.0)))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// A guard taken before the threads of a model start and held until they have ended, so that the model is
/// about the protocol and not about the epochs. What is retired through it is freed at the end.
pub struct Pinned {
    guard: ManuallyDrop<Guard>,
    handle: ManuallyDrop<LocalHandle>,
}

impl Pinned {
    /// Pins the model's main thread.
    #[expect(clippy::new_without_default, reason = "pins")]
    pub fn new() -> Self {
        let handle = Collector::new().register();
        Pinned { guard: ManuallyDrop::new(handle.pin()), handle: ManuallyDrop::new(handle) }
    }

    /// The guard of the main thread, the only one that retires anything.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The end of a model that did not fail.
    pub fn release(self) {
        drop(ManuallyDrop::into_inner(self.guard));
        drop(ManuallyDrop::into_inner(self.handle));
    }
}

/// A guard for the other threads of a model, which retire nothing and run while main is [`Pinned`].
pub fn covered() -> &'static Guard {
    // SAFETY: the threads of a model start after its main thread has pinned and are joined before it unpins;
    // so what they can reach is not freed, as if they had pinned themselves.
    unsafe { crossbeam_epoch::unprotected() }
}
