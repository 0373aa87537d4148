//! Data structures without locks that know nothing about processes.

#[cfg_attr(not(loom), allow(dead_code, unused_imports))] // until the wait protocol uses all of it
pub mod ready_index;
