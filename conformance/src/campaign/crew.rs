//! One worker for each processor, each with a stage of its own, and a watchdog that is tied to none: a scenario
//! that does not end is ended by killing its namespace's init.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::journal::Running;
use super::trials::attempt;
use super::{Outcome, Task};
use crate::language::Profile;
use crate::subjects::{Stage, Watch};

/// Performs every task on some worker, and hands over what came of it, in no order.
pub(super) fn work(
    tasks: impl Iterator<Item = Task> + Send,
    seed: u64,
    profile: Profile,
    folder: &Path,
    mut done: impl FnMut(Task, Outcome),
) -> Result<(), String> {
    let count = thread::available_parallelism().map_or(1, usize::from);
    let tasks = Mutex::new(tasks);
    let (tell, told) = mpsc::channel::<Result<(Task, Outcome), String>>();
    let watches: Vec<Arc<Watch>> = (0..count).map(|_| Arc::default()).collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| watch_over(&watches, &is_over));
        let mut workers = Vec::new();
        for (worker, watch) in watches.iter().enumerate() {
            let (tell, tasks, watch) = (tell.clone(), &tasks, Arc::clone(watch));
            workers.push(scope.spawn(move || {
                let next = || tasks.lock().unwrap_or_else(PoisonError::into_inner).next();
                if let Err(why) = perform_all(worker, next, (seed, profile), folder, &watch, &tell) {
                    // The other end listens until every worker is gone.
                    let _ = tell.send(Err(why));
                }
            }));
        }
        drop(tell);
        let mut result = Ok(());
        for message in told {
            match message {
                Ok((task, outcome)) => done(task, outcome),
                Err(why) => result = Err(why),
            }
        }
        is_over.store(true, Ordering::Release);
        result
    })
}

fn perform_all(
    worker: usize,
    next: impl Fn() -> Option<Task>,
    (seed, profile): (u64, Profile),
    folder: &Path,
    watch: &Arc<Watch>,
    tell: &mpsc::Sender<Result<(Task, Outcome), String>>,
) -> Result<(), String> {
    let mut running = Running::new(folder, worker);
    let mut stage = Stage::watched(worker, Arc::clone(watch))?;
    while let Some(task) = next() {
        let outcome = match attempt(&task, seed, profile, &mut stage, &mut running) {
            Ok(outcome) => outcome,
            Err(why) => {
                // The stage cannot be trusted any more.
                stage = Stage::watched(worker, Arc::clone(watch))?;
                Outcome { steps: 0, failure: Some(format!("== {task:?}: {why}")), again: None }
            }
        };
        if tell.send(Ok((task, outcome))).is_err() {
            break;
        }
    }
    Ok(())
}

fn watch_over(watches: &[Arc<Watch>], is_over: &AtomicBool) {
    while !is_over.load(Ordering::Acquire) {
        thread::sleep(Duration::from_millis(200));
        watches.iter().for_each(|watch| watch.end_what_hangs());
    }
}
