//! Performing scenarios.

mod compare;
mod lockstep;
mod orders;
mod par;
mod runner;
mod shown;
mod shrink;
mod step;
mod trial;

pub use compare::{Difference, compare_sights, compare_steps};
pub use lockstep::{Disagreement, Lockstep, disagreement};
pub use par::{Allowed, allowed_outcomes};
pub use runner::Runner;
pub use shrink::shrink;
pub use step::{Outcome, Step};
pub use trial::{Trial, Verdict};
