//! The nouns: packed state words, tasks, thread groups, broods, and the tables they live in.

pub mod actions;
pub mod brood;
pub mod exit_word;
pub mod fault;
pub mod group_word;
pub mod job_snapshot;
pub mod job_word;
pub mod pdeathsig;
pub mod pid_entry;
pub mod pid_table;
pub mod policy;
pub mod process_group;
pub mod ready_broods;
pub mod reports;
pub mod tables;
pub mod task;
pub mod thread_group;
pub mod usage;
pub mod value;
pub mod waiter;
pub mod waiters;
