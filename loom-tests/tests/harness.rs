//! What the other models rest on: a limit is no proof, and a canary fails only by what it is about.
#![cfg(loom)]

use std::time::Duration;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom_tests::{Explored, Failure, MODES, Mode, breaks, explore, judge};

fn outcome(limit: Duration, model: fn()) -> Result<Explored, Failure> {
    explore(Mode::Plain, 2, limit, || {}, model).map_err(|(why, _)| why)
}

/// Two threads, each adding one, so often that no machine explores it all at once.
fn long() {
    let count = Arc::new(AtomicUsize::new(0));
    let add = |count: &AtomicUsize| {
        for _ in 0..40 {
            count.fetch_add(1, Ordering::Relaxed);
        }
    };
    let other = Arc::clone(&count);
    let thread = loom::thread::spawn(move || add(&other));
    add(&count);
    thread.join().unwrap();
}

fn spins() {
    let flag = Arc::new(AtomicUsize::new(0));
    let other = Arc::clone(&flag);
    let thread = loom::thread::spawn(move || while other.load(Ordering::Relaxed) == 0 {});
    thread.join().unwrap();
}

fn deadlocks() {
    let pair = (Mutex::new(()), Condvar::new());
    drop(pair.1.wait(pair.0.lock().unwrap()));
}

fn asserts() {
    assert_eq!(1 + 1, 3, "arithmetic");
}

fn unwraps() {
    None::<u32>.unwrap();
}

#[test]
fn a_limit_is_no_proof() {
    assert_eq!(outcome(Duration::from_millis(1), long).map(drop), Err(Failure::Unfinished));
}

#[test]
fn only_an_assertion_of_a_model_is_one() {
    let limit = Duration::from_secs(60);
    assert!(matches!(outcome(limit, asserts), Err(Failure::Assertion(why)) if why.contains("arithmetic")));
    for (model, why) in
        [(spins as fn(), "maximum number of branches"), (deadlocks, "deadlock"), (unwraps, "Option::unwrap()")]
    {
        let found = outcome(limit, model);
        assert!(matches!(&found, Err(Failure::Other(found)) if found.contains(why)), "{why}: {found:?}");
    }
}

/// A canary that fails for another reason, or not at all, is an error.
#[test]
fn a_canary_knows_its_assertion() {
    let is_expected = |why: &Failure| matches!(why, Failure::Assertion(_));
    for mode in MODES {
        breaks("asserts", mode, 2, || {}, asserts);
        for model in [spins as fn(), deadlocks, unwraps, || ()] {
            let outcome = explore(mode, 2, Duration::from_secs(60), || {}, model);
            assert!(judge(outcome, is_expected).is_err());
        }
    }
}
