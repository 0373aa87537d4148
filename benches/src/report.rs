//! The table, as text.

use crate::goals::{Bound, Row, format_time};
use crate::lanes::{BESIDE, BETWEEN, EMPTY_ALL, EMPTY_GROUP, EMPTY_PID, EMPTY_YOUNGEST, FEW, MANY, SYSTEMS};
use crate::rounds::{Key, Samples};

const HEADING: [&str; 10] =
    ["row", "metric", "product", "baseline", "floor", "ratio", "must", "headline", "verdict", "spread"];

/// The rows, aligned, and as the last line how many of them hold.
pub fn table(rows: &[Row], machine_is_quiet: bool) -> String {
    let mut lines = vec![HEADING.map(String::from)];
    let (mut hold, mut miss, mut open) = (0, 0, 0);
    for row in rows {
        let verdict = match (row.figure, row.must) {
            (Some(_), Some(_)) if row.needs_quiet && !machine_is_quiet => {
                open += 1;
                "not judged".into()
            }
            (Some(figure), Some(must)) => {
                let margin = must.margin(figure.median);
                if margin >= 0.0 {
                    hold += 1;
                    format!("holds by {:.0} %", margin * 100.0)
                } else {
                    miss += 1;
                    // Ten times too much says more than 900 %.
                    if margin > -1.0 {
                        format!("misses by {:.0} %", -margin * 100.0)
                    } else {
                        format!("misses {:.1}-fold", 1.0 - margin)
                    }
                }
            }
            _ => {
                open += 1;
                "not measured".into()
            }
        };
        let [product, baseline, floor] = row.cells.clone();
        lines.push([
            row.number.into(),
            row.metric.into(),
            product,
            baseline,
            floor,
            row.figure.map_or("-".into(), |figure| format!("{:.2}", figure.median)),
            bound(row.must),
            headline(row),
            verdict,
            row.figure.map_or("-".into(), |figure| format!("+-{:.0} %", figure.spread() * 100.0)),
        ]);
    }
    let open = if open > 0 { format!(", {open} not judged") } else { String::new() };
    format!("{}\nmust rows: {hold} hold, {miss} miss{open}\n", aligned(&lines))
}

/// How the costs grow with the number of living children, where there is more to see than two ends.
pub fn growth(samples: &Samples) -> String {
    let sizes = [FEW, BETWEEN[0], BETWEEN[1], MANY];
    let mut lines = vec![["living children", "", "10", "1,000", "100,000", "1,000,000"].map(String::from)];
    for what in [EMPTY_ALL, EMPTY_PID, EMPTY_GROUP, EMPTY_YOUNGEST, BESIDE] {
        for system in SYSTEMS {
            let times = sizes.map(|children| samples.of(Key { what, children, system }));
            if times.iter().any(Option::is_some) {
                let [a, b, c, d] = times.map(format_time);
                lines.push([what.into(), system.into(), a, b, c, d]);
            }
        }
    }
    if lines.len() > 1 { aligned(&lines) } else { String::new() }
}

fn bound(bound: Option<Bound>) -> String {
    match bound {
        Some(Bound::AtMost(limit)) => format!("<= {limit}"),
        Some(Bound::AtLeast(limit)) => format!(">= {limit}"),
        None => "-".into(),
    }
}

fn headline(row: &Row) -> String {
    let reached = match (row.headline, row.figure) {
        (Some(headline), Some(figure)) => headline.margin(figure.median) >= 0.0,
        _ => false,
    };
    format!("{}{}", bound(row.headline), if reached { " yes" } else { "" })
}

fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.len().max(*width);
        }
    }
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join(" | ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Summary;

    fn row(figure: f64, needs_quiet: bool) -> Row {
        Row {
            number: "1",
            metric: "a metric",
            cells: ["1 ns".into(), "2 ns".into(), "3 ns".into()],
            figure: Some(Summary { median: figure, low: figure * 0.9, high: figure * 1.1 }),
            must: Some(Bound::AtMost(2.0)),
            headline: Some(Bound::AtMost(1.5)),
            needs_quiet,
        }
    }

    #[test]
    fn the_last_line_counts() {
        let text = table(&[row(1.0, false), row(3.0, false), row(1.8, true)], false);
        assert!(text.ends_with("must rows: 1 hold, 1 miss, 1 not judged\n"), "{text}");
        assert!(text.contains("<= 1.5 yes | holds by 50 %  | +-10 %"), "{text}");
        assert!(text.contains("<= 1.5     | misses by 50 % | +-10 %"), "{text}");
    }

    #[test]
    fn a_miss_by_far_is_a_factor() {
        assert!(table(&[row(20.0, false)], true).contains("misses 10.0-fold"));
    }

    #[test]
    fn a_figure_that_was_not_measured_is_no_verdict() {
        let text = table(&[Row { figure: None, ..row(1.0, false) }], true);
        assert!(text.ends_with("must rows: 0 hold, 0 miss, 1 not judged\n"), "{text}");
    }
}
