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
//! | `fork`       | clone(2), vfork(2)  | who becomes whose child |
//! | `exec`       | execve(2)           | how one of several threads becomes the only one |
//! | `exit`       | `_exit(2)`, `exit_group(2)` | which status a process ends with, and when it has ended |
//! | `reparent`   | prctl(2)            | who inherits the children of a dead thread |
//! | `notify`     | sigaction(2)        | who is told, and whether the child reaps itself |
//! | `wait`       | wait4(2), waitid(2) | which child a wait finds, and what it reports |
//! | `reap`       | getrusage(2)        | what remains of a process that was waited for: nothing but numbers |
//! | `action`, `pending` | sigaction(2) | what a process does about signals, and which wait for it |
//! | `signal`     | kill(2), signal(7)  | what becomes of a signal that is sent, and who takes it |
//! | `deliver`    | signal(7)           | what a thread does that takes it |
//! | `stop`       | signal(7), wait(2)  | how a process stops as a whole, and goes on |
//! | `orphans`    | credentials(7)      | process groups that nobody would continue |
//! | `ptrace`     | ptrace(2)           | who traces whom, and what a tracee stops at |
//! | `pidfd`      | pidfd_open(2)       | what a handle of a process tells |
//! | `membership` | setpgid(2), setsid(2) | process groups and sessions |
//! | `namespace`  | pid_namespaces(7)   | namespaces in namespaces, and what the death of an init means |
//!
//! Every call appends to a list of [`Event`]s; [`Model::take_events`] hands it over.

mod action;
mod arena;
mod attributes;
mod deliver;
mod event;
mod exec;
mod exit;
mod fork;
mod membership;
mod namespace;
mod notify;
mod numbers;
mod orphans;
mod pending;
mod pidfd;
mod ptrace;
mod reap;
mod reparent;
mod signal;
mod state;
mod stop;
mod view;
mod wait;

pub use action::{Action, Disposition};
pub use arena::Key;
pub use attributes::SigchldAction;
pub use deliver::Taken;
pub use event::Event;
pub use notify::{Occasion, Standing, Tracer, Verdict, decide, heed};
pub use pidfd::Readiness;
pub use ptrace::TraceMessage;
pub use signal::Receiver;
pub use state::{Compat, Halted, Model, Process, ProcessKey, Stage, Task, TaskKey};
pub use view::View;
pub use wait::{IdType, Reported, Waited};
