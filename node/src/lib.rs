//! An Intentcast node: the market machine driven over libp2p, with its store, its index, its local API and its
//! command line.

#[cfg(feature = "net")]
pub mod api;
#[cfg(feature = "net")]
pub mod cli;
#[cfg(feature = "net")]
pub mod client;
#[cfg(feature = "net")]
pub mod rules_file;
#[cfg(feature = "net")]
pub mod toml_file;
#[cfg(feature = "net")]
pub mod want;
