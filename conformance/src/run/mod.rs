//! Performing scenarios.

mod compare;
mod lockstep;
mod par;
mod runner;
mod step;

pub use compare::{Difference, compare_sights, compare_steps};
pub use lockstep::Lockstep;
pub use par::{Allowed, allowed_outcomes};
pub use runner::Runner;
pub use step::{Outcome, Step};
