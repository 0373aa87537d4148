//! What Linux does when processes fork, exit and wait, as plain sequential code.
//!
//! This is the specification the lock-free core is checked against: one `&mut self`, ordinary
//! collections, and the words of the man pages. Nothing here is fast on purpose and nothing is clever;
//! where a line looks odd, Linux is odd, and the comment says where.
//!
//! Read the files in this order; each is one page of the story.
//!
//! | file | man page | what it says |
//! |------|----------|--------------|
//! | `state`      |                     | what a task and a process are made of |
//! | `fork`       | clone(2)            | who becomes whose child |
//! | `exit`       | `_exit(2)`, `exit_group(2)` | which status a process ends with, and when it has ended |
//! | `reparent`   | prctl(2)            | who inherits the children of a dead thread |
//! | `notify`     | sigaction(2)        | who is told, and whether the child reaps itself |
//! | `wait`       | wait4(2), waitid(2) | which child a wait finds, and what it reports |
//! | `reap`       | getrusage(2)        | what remains of a process that was waited for: nothing but numbers |
//! | `membership` | setpgid(2), setsid(2) | process groups and sessions |
//! | `namespace`  | pid_namespaces(7)   | what the death of init means |
//!
//! Every call appends to a list of [`Event`]s; [`Model::take_events`] hands it over.

mod arena;
mod attributes;
mod event;
mod exit;
mod fork;
mod membership;
mod namespace;
mod notify;
mod numbers;
mod reap;
mod reparent;
mod state;
mod view;
mod wait;

pub use arena::Key;
pub use attributes::SigchldAction;
pub use event::Event;
pub use state::{Model, Process, ProcessKey, Stage, Task, TaskKey};
pub use view::View;
pub use wait::{IdType, Reported, Waited};
