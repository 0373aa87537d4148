//! Is the machine idle enough for timings to mean something?

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::statistics::Summary;

/// How much slower two plain loops may run beside each other than one alone.
pub const TOLERANCE: f64 = 0.15;

/// A loop of arithmetic that touches no memory, alone and on two processors at once.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Time of a loop beside a second one over that of a loop alone; 1 on an idle machine.
    pub pair_over_one: f64,
    /// The slowest quarter of the loops alone over the fastest: 1 if nobody interferes.
    pub unsteadiness: f64,
    /// Processors this program may use.
    pub processors: usize,
}

impl Check {
    /// Takes about a fifth of a second.
    pub fn run() -> Check {
        let (mut alone, mut paired) = (Vec::new(), Vec::new());
        for _ in 0..15 {
            alone.push(arithmetic().as_secs_f64());
            paired.push(two_at_once().as_secs_f64());
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        match (Summary::of(alone), Summary::of(paired)) {
            (Some(alone), Some(paired)) => {
                Check { pair_over_one: paired.median / alone.median, unsteadiness: alone.high / alone.low, processors }
            }
            _ => Check { pair_over_one: 1.0, unsteadiness: 1.0, processors },
        }
    }

    /// Whether timings of two threads can be trusted.
    pub fn is_quiet(&self) -> bool {
        self.processors >= 2 && (self.pair_over_one - 1.0).abs() <= TOLERANCE && self.unsteadiness <= 1.0 + TOLERANCE
    }

    /// One line for the report.
    pub fn describe(&self) -> String {
        let verdict = if self.is_quiet() { "quiet" } else { "BUSY, timings of two threads are unreliable" };
        format!(
            "machine: {verdict} ({} processors; a plain loop beside another takes {:.2}x, quartiles of one alone {:.2}x)",
            self.processors, self.pair_over_one, self.unsteadiness
        )
    }
}

/// About four milliseconds of xorshift.
fn arithmetic() -> Duration {
    let start = Instant::now();
    let mut x = black_box(0x9e37_79b9_7f4a_7c15_u64);
    for _ in 0..2_000_000 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    black_box(x);
    start.elapsed()
}

/// The mean time of two loops that start together.
fn two_at_once() -> Duration {
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            start.wait();
            arithmetic()
        });
        start.wait();
        let own = arithmetic();
        (own + other.join().unwrap_or(own)) / 2
    })
}
