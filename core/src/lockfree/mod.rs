//! Lock-free structures that know nothing about processes. The only part of the core with `unsafe`.

pub mod chain;
pub mod fault;
pub mod min_tree;
pub mod queue;
pub mod ready_index;
pub mod roster;
pub mod seat;
pub mod slab;
pub mod striped;
pub mod table;
