//! The rows of the table: which figure each of them is, and what it must be.

use crate::baseline::Baseline;
use crate::floor::Floor;
use crate::lanes::{
    ALONE, BESIDE, BESIDE_DAEMONS, BY_PID, DAEMONS, DISJOINT, EMPTY_ALL, EMPTY_GROUP, EMPTY_PID, EMPTY_REAPER,
    EMPTY_YOUNGEST, FEW, MANY, SHARED_ANY, SHARED_BY_PID,
};
use crate::product::Product;
use crate::rounds::{Key, Samples};
use crate::statistics::Summary;
use crate::system::System;

/// A bound on a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The figure may not be larger.
    AtMost(f64),
    /// The figure may not be smaller.
    AtLeast(f64),
}

impl Bound {
    /// How far on the right side of the bound the figure is, as a share of the bound; negative if it misses.
    pub fn margin(self, figure: f64) -> f64 {
        match self {
            Bound::AtMost(limit) => 1.0 - figure / limit,
            Bound::AtLeast(limit) => figure / limit - 1.0,
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The number of the goal, and a letter where it has several figures.
    pub number: &'static str,
    /// What is compared.
    pub metric: &'static str,
    /// What was measured, a column for each of [`SYSTEMS`](crate::lanes::SYSTEMS).
    pub cells: [String; 3],
    /// The figure that is judged; `None` if a lane it needs did not run.
    pub figure: Option<Summary>,
    /// What it must be.
    pub must: Option<Bound>,
    /// What it is hoped to be.
    pub headline: Option<Bound>,
    /// It means nothing on a busy machine.
    pub needs_quiet: bool,
}

const NAMES: [&str; 3] = [Product::NAME, Baseline::NAME, Floor::NAME];

fn key(what: &'static str, children: u32, system: &'static str) -> Key {
    Key { what, children, system }
}

/// Every row for which `samples` has something.
pub fn rows(samples: &Samples) -> Vec<Row> {
    let product = |what| key(what, 0, Product::NAME);
    let baseline = |what| key(what, 0, Baseline::NAME);
    let floor = |what| key(what, 0, Floor::NAME);
    let nanoseconds = |what| NAMES.map(|name| format_time(samples.of(key(what, 0, name))));
    let scaling = |one, two| {
        NAMES.map(|name| {
            let figure = samples.combined([key(one, 0, name), key(two, 0, name)], |[one, two]| one / two);
            figure.map_or("-".into(), |figure| format!("{:.2}x", figure.median))
        })
    };
    let growth = |what, [few, many]: [u32; 2]| {
        samples.combined([key(what, many, Product::NAME), key(what, few, Product::NAME)], quotient)
    };
    let growths = |what, [few, many]: [u32; 2]| {
        NAMES.map(|name| {
            let (few, many) = (samples.of(key(what, few, name)), samples.of(key(what, many, name)));
            if few.is_none() { "-".into() } else { format!("{} > {}", format_time(few), format_time(many)) }
        })
    };

    let mut rows = vec![
        row("1a", "lifecycle, 1 thread, over floor", nanoseconds(ALONE))
            .figure(samples.combined([product(ALONE), floor(ALONE)], quotient))
            .must(Bound::AtMost(2.0), Some(Bound::AtMost(1.5))),
        row("1b", "lifecycle, 1 thread, over baseline", nanoseconds(ALONE))
            .figure(samples.combined([product(ALONE), baseline(ALONE)], quotient))
            .must(Bound::AtMost(0.4), None),
        row("2a", "2 threads: scaling over floor's", scaling(ALONE, DISJOINT))
            .figure(samples.combined(
                [product(ALONE), product(DISJOINT), floor(ALONE), floor(DISJOINT)],
                |[one, two, floor_one, floor_two]| (one / two) / (floor_one / floor_two),
            ))
            .must(Bound::AtLeast(0.93), None),
        row("2b", "2 threads: scaling, quiet machine", scaling(ALONE, DISJOINT))
            .figure(samples.combined([product(ALONE), product(DISJOINT)], quotient))
            .must(Bound::AtLeast(1.7), Some(Bound::AtLeast(1.85)))
            .on_quiet_machine(),
        row("3", "2 threads: throughput over baseline", nanoseconds(DISJOINT))
            .figure(samples.combined([baseline(DISJOINT), product(DISJOINT)], quotient))
            .must(Bound::AtLeast(4.0), Some(Bound::AtLeast(6.0))),
        row("4", "shared parent, wait by pid: scaling", scaling(BY_PID, SHARED_BY_PID))
            .figure(samples.combined([product(BY_PID), product(SHARED_BY_PID)], quotient))
            .must(Bound::AtLeast(1.4), Some(Bound::AtLeast(1.8))),
        row("5", "shared parent, wait any, over baseline", nanoseconds(SHARED_ANY))
            .figure(samples.combined([product(SHARED_ANY), baseline(SHARED_ANY)], quotient))
            .must(Bound::AtMost(0.75), Some(Bound::AtMost(0.4))),
    ];
    for (number, metric, what, sizes) in [
        ("6a", "wait(-1) nothing ready, 10 > 1M children", EMPTY_ALL, [FEW, MANY]),
        ("6b", "wait(pid) nothing ready, 10 > 1M", EMPTY_PID, [FEW, MANY]),
        ("6c", "wait(-pgid) nothing ready, 10 > 1M", EMPTY_GROUP, [FEW, MANY]),
        ("6d", "wait(-pgid), only the youngest in it", EMPTY_YOUNGEST, [FEW, MANY]),
        ("6e", "wait(-1), 10 > 100k inherited families", EMPTY_REAPER, DAEMONS),
    ] {
        let row = row(number, metric, growths(what, sizes)).figure(growth(what, sizes));
        rows.push(row.must(Bound::AtMost(1.5), Some(Bound::AtMost(1.1))));
    }
    rows.push(
        row("7a", "lifecycle beside 10 > 1M siblings", growths(BESIDE, [FEW, MANY]))
            .figure(growth(BESIDE, [FEW, MANY]))
            .must(Bound::AtMost(3.0), Some(Bound::AtMost(1.5))),
    );
    rows.push(
        row("7b", "lifecycle, 10 > 100k inherited families", growths(BESIDE_DAEMONS, DAEMONS))
            .figure(growth(BESIDE_DAEMONS, DAEMONS))
            .must(Bound::AtMost(3.0), Some(Bound::AtMost(1.5))),
    );
    rows.retain(|row| row.cells.iter().any(|cell| cell != "-"));
    rows
}

fn quotient([above, below]: [f64; 2]) -> f64 {
    above / below
}

fn row(number: &'static str, metric: &'static str, cells: [String; 3]) -> Row {
    Row { number, metric, cells, figure: None, must: None, headline: None, needs_quiet: false }
}

impl Row {
    fn figure(mut self, figure: Option<Summary>) -> Row {
        self.figure = figure;
        self
    }

    fn must(mut self, must: Bound, headline: Option<Bound>) -> Row {
        self.must = Some(must);
        self.headline = headline;
        self
    }

    fn on_quiet_machine(mut self) -> Row {
        self.needs_quiet = true;
        self
    }
}

/// A time in the unit that suits it.
pub fn format_time(time: Option<Summary>) -> String {
    match time.map(|time| time.median) {
        None => "-".into(),
        Some(ns) if ns < 99.95 => format!("{ns:.1} ns"),
        Some(ns) if ns < 9_999.5 => format!("{ns:.0} ns"),
        Some(ns) if ns < 999_500.0 => format!("{:.0} us", ns / 1e3),
        Some(ns) => format!("{:.1} ms", ns / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_positive_on_the_right_side_of_the_bound() {
        assert_eq!(Bound::AtMost(2.0).margin(1.5), 0.25);
        assert_eq!(Bound::AtMost(2.0).margin(3.0), -0.5);
        assert_eq!(Bound::AtLeast(2.0).margin(3.0), 0.5);
        assert_eq!(Bound::AtLeast(2.0).margin(1.5), -0.25);
    }

    #[test]
    fn times_are_short() {
        let time = |ns| format_time(Some(Summary { median: ns, low: ns, high: ns }));
        assert_eq!(time(8.04), "8.0 ns");
        assert_eq!(time(99.99), "100 ns");
        assert_eq!(time(12_345.0), "12 us");
        assert_eq!(time(12_345_678.0), "12.3 ms");
    }
}
