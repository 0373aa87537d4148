//! The nouns: what a task, a process, a group, a process ID is made of, as words with named transitions.

pub mod pid_table;
