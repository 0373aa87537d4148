//! Medians and quartiles.

/// What a series of measurements comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The middle one.
    pub median: f64,
    /// A quarter of the measurements is below.
    pub low: f64,
    /// A quarter of the measurements is above.
    pub high: f64,
}

impl Summary {
    /// Of a series; `None` if it is empty.
    pub fn of(mut series: Vec<f64>) -> Option<Summary> {
        series.sort_by(f64::total_cmp);
        let at = |quarter: usize| series.get((series.len().checked_sub(1)? * quarter + 2) / 4).copied();
        Some(Summary { median: at(2)?, low: at(1)?, high: at(3)? })
    }

    /// Half the distance between the quartiles, as a share of the median.
    pub fn spread(&self) -> f64 {
        (self.high - self.low) / 2.0 / self.median
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn quartiles_of_a_series() {
        let series = (0..=100).rev().map(f64::from).collect();
        assert_eq!(Summary::of(series), Some(Summary { median: 50.0, low: 25.0, high: 75.0 }));
    }

    #[test]
    fn of_one_and_of_none() {
        assert_eq!(Summary::of(vec![3.0]), Some(Summary { median: 3.0, low: 3.0, high: 3.0 }));
        assert_eq!(Summary::of(vec![]), None);
    }
}
