//! Performing scenarios.

mod compare;
mod lockstep;
mod par;
mod runner;
mod shrink;
mod step;

pub use compare::{Difference, compare_sights, compare_steps};
pub use lockstep::{Disagreement, Lockstep, disagreement};
pub use par::{Allowed, allowed_outcomes};
pub use runner::Runner;
pub use shrink::shrink;
pub use step::{Outcome, Step};
