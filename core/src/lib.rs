//! The lock-free core of libptexit: who is whose child, who has exited, who must be told, who may reap.
//!
//! Start with [`tree::Tree`]. The layers, each importing only from those above it in this list:
//! [`uapi`] and [`ids`], `terms`, `sync` and [`host`], `fault`, `lockfree`, `record`, `protocol`, [`tree`].

#![deny(unsafe_code)]

#[cfg(not(loom))]
pub(crate) mod fault;
#[cfg(loom)]
pub mod fault;
pub mod host;
pub mod ids;
#[cfg(not(loom))]
#[allow(unsafe_code)]
pub(crate) mod lockfree;
#[cfg(loom)]
#[allow(unsafe_code)]
pub mod lockfree;
#[cfg(not(loom))]
pub(crate) mod protocol;
#[cfg(loom)]
pub mod protocol;
#[cfg(not(loom))]
pub(crate) mod record;
#[cfg(loom)]
pub mod record;
pub mod sync;
mod terms;
pub mod tree;
pub mod uapi;
