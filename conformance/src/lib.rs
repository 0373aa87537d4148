//! One scenario language for every implementation of the process tree.
//!
//! A scenario ([`language`]) is a list of things that tasks do, one a line, with names instead of
//! numbers. A [`subjects::Subject`] is an implementation that can do them: the model, the core. The
//! runner ([`run`]) performs a scenario on one subject or on several side by side, writes down what came
//! of it, and says where two of them differ. `docs/scenarios.md` is the manual.

pub mod campaign;
pub mod generate;
pub mod language;
pub mod run;
pub mod subjects;
