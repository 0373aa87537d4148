//! Makes a scenario that shows something as short as it goes.

use crate::language::{Line, Script};

/// Leaves out lines for as long as `shows` still holds of the rest: first long stretches, then single
/// lines. Any part of a scenario is a scenario.
pub fn shrink(script: &Script, shows: impl Fn(&Script) -> bool) -> Script {
    let mut lines = script.lines.clone();
    let mut stretch = lines.len().div_ceil(2);
    while stretch > 0 {
        let before = lines.len();
        let mut from = 0;
        while from < lines.len() {
            let mut rest = lines.clone();
            rest.drain(from..(from + stretch).min(lines.len()));
            if shows(&with_lines(&rest)) {
                lines = rest;
            } else {
                from += stretch;
            }
        }
        // Single lines are tried again until none can go.
        stretch = if stretch == 1 && lines.len() < before { 1 } else { stretch / 2 };
    }
    with_lines(&lines)
}

fn with_lines(lines: &[Line]) -> Script {
    Script { title: Vec::new(), lines: lines.to_vec(), expected: vec![Vec::new(); lines.len()] }
}
