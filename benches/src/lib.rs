//! libptexit beside two yardsticks: what one lock costs, and what the machine itself costs.
//!
//! * [`product`] is the library.
//! * [`baseline`] is the same job under one lock: a good, plain program without any of the library's ideas.
//! * [`floor`] is the least that can be called a process lifecycle at all, with nothing shared.
//!
//! All three are driven through [`system::System`] by the same [`workload`]s. [`rounds`] interleaves them,
//! so that a ratio compares two measurements made within the same few milliseconds; [`goals`] and
//! [`report`] turn the ratios into the table that `make bench` prints.

pub mod baseline;
pub mod floor;
pub mod goals;
pub mod lanes;
pub mod machine;
pub mod product;
pub mod report;
pub mod rounds;
pub mod statistics;
pub mod system;
pub mod workload;
