//! An Intentcast node: the market machine of `intentcast-protocol`, driven over libp2p, with its store, its index of
//! the seller's catalogue and its local API.
//!
//! Without the feature `net` there is the store and the index alone, as a simulator takes them.

#[cfg(feature = "net")]
pub mod api;
#[cfg(feature = "net")]
pub mod cart;
pub mod catalogue;
#[cfg(feature = "net")]
pub mod cli;
#[cfg(feature = "net")]
pub mod client;
#[cfg(feature = "net")]
pub mod config;
#[cfg(feature = "net")]
pub mod demo;
#[cfg(feature = "net")]
pub mod documents;
#[cfg(feature = "net")]
pub mod driver;
#[cfg(feature = "net")]
pub mod evidence_file;
#[cfg(feature = "net")]
pub mod home;
pub mod index;
#[cfg(feature = "net")]
pub mod interest;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "net")]
pub mod node;
#[cfg(feature = "net")]
pub mod office;
#[cfg(feature = "net")]
pub mod portability;
#[cfg(feature = "net")]
pub mod rules_file;
pub mod store;
#[cfg(feature = "net")]
pub mod strands;
#[cfg(feature = "net")]
pub mod times;
pub mod toml_file;
#[cfg(feature = "net")]
pub mod up;
#[cfg(feature = "net")]
pub mod vault;
#[cfg(feature = "net")]
pub mod want;
