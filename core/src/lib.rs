//! The lock-free core of libptexit: who is whose child, who has exited, who must be told, who may reap.
//!
//! Start with [`tree::Tree`]. The layers, each importing only from those above it in this list:
//! [`uapi`] and [`ids`], `sync` and [`host`], `lockfree`, `record`, `protocol`, [`tree`].

pub mod host;
pub mod ids;
#[cfg(loom)]
pub mod lockfree;
#[cfg(not(loom))]
pub(crate) mod lockfree;
pub mod sync;
pub mod tree;
pub mod uapi;
