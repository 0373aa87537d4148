//! Interleaving: every lane runs for a few milliseconds in every round, so that a disturbance of the
//! machine falls on all of them, and a ratio is taken between neighbours.

use std::collections::HashMap;
use std::time::Duration;

use crate::statistics::Summary;

/// What a lane measures, for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The operation.
    pub what: &'static str,
    /// Living children beside it.
    pub children: u32,
    /// Whose: [`NAME`](crate::system::System::NAME).
    pub system: &'static str,
}

/// One thing to be measured again and again.
pub struct Lane<'a> {
    /// Its name.
    pub key: Key,
    /// It runs in every so many rounds: more than 1 for what is slow.
    pub every: usize,
    /// Measures for about as long as it is told; nanoseconds an operation.
    pub run: Box<dyn FnMut(Duration) -> f64 + 'a>,
}

/// All measurements, by lane and round.
#[derive(Debug, Default)]
pub struct Samples(HashMap<Key, Vec<Option<f64>>>);

/// Runs all lanes, `rounds` times. `progress` hears how many rounds are done.
pub fn run(lanes: &mut [Lane<'_>], rounds: usize, slice: Duration, progress: impl Fn(usize)) -> Samples {
    let mut samples = Samples::default();
    for round in 0..rounds {
        // Who runs first changes, so that no lane always has the same predecessor's cache to itself.
        let first = round * 7 % lanes.len().max(1);
        for position in 0..lanes.len() {
            let lane = &mut lanes[(first + position) % lanes.len()];
            let sample = (round % lane.every == 0).then(|| (lane.run)(slice));
            samples.0.entry(lane.key).or_default().push(sample);
        }
        progress(round + 1);
    }
    samples
}

impl Samples {
    /// One lane's measurements.
    pub fn of(&self, key: Key) -> Option<Summary> {
        Summary::of(self.0.get(&key)?.iter().flatten().copied().collect())
    }

    /// A figure computed within each round from several lanes, such as a ratio.
    pub fn combined<const N: usize>(&self, keys: [Key; N], figure: impl Fn([f64; N]) -> f64) -> Option<Summary> {
        let mut series = Vec::new();
        let rounds = self.0.get(keys.first()?)?.len();
        for round in 0..rounds {
            let mut values = [0.0; N];
            let mut complete = true;
            for (value, key) in values.iter_mut().zip(&keys) {
                match self.0.get(key)?.get(round).copied().flatten() {
                    Some(sample) => *value = sample,
                    None => complete = false,
                }
            }
            if complete {
                series.push(figure(values));
            }
        }
        Summary::of(series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(what: &'static str) -> Key {
        Key { what, children: 0, system: "test" }
    }

    #[test]
    fn a_ratio_pairs_measurements_of_one_round() {
        let mut time = 0.0;
        let slow = Lane { key: key("slow"), every: 2, run: Box::new(|_| 40.0) };
        let fast = Lane {
            key: key("fast"),
            every: 1,
            run: Box::new(move |_| {
                time += 10.0;
                time
            }),
        };
        let samples = run(&mut [slow, fast], 4, Duration::ZERO, |_| {});
        let ratio = samples.combined([key("slow"), key("fast")], |[slow, fast]| slow / fast);
        // Rounds 0 and 2: 40/10 and 40/30.
        assert_eq!(ratio.map(|ratio| (ratio.low.min(ratio.high) * 3.0).round()), Some(4.0));
        assert_eq!(samples.of(key("fast")).map(|fast| fast.median), Some(30.0));
    }

    #[test]
    fn a_lane_that_did_not_run_gives_no_figure() {
        let samples = run(&mut [], 3, Duration::ZERO, |_| {});
        assert_eq!(samples.of(key("fast")), None);
        assert_eq!(samples.combined([key("fast")], |[fast]| fast), None);
    }
}
