//! The C ABI of libptexit. Thin: arguments are checked and converted, the core decides.
//!
//! `include/ptexit.h` is generated from the doc comments here. [`boundary`] holds what makes it safe to
//! call from C: pointers are checked before anything happens, panics stop, structs may grow.

mod attrs;
mod boundary;
mod codes;
mod ctx;
mod events;
mod exits;
mod groups;
mod queries;
mod signals;
mod structs;
mod tasks;
mod waits;
