//! An Intentcast node: the market machine of `intentcast-protocol`, driven over libp2p, with its store, its index of
//! the seller's catalogue and its local API.
//!
//! Without the feature `net` there is the store and the index alone, as a simulator takes them.

#[cfg(feature = "net")]
pub mod cli {
    pub fn main() -> std::process::ExitCode {
        std::process::ExitCode::SUCCESS
    }
}
#[cfg(feature = "net")]
pub mod driver;
#[cfg(feature = "net")]
pub mod home;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "net")]
pub mod node;
pub mod store;
