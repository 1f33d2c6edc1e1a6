//! The real network code, deterministic, in virtual time: the swarm of rust-libp2p with the node's own gossipsub, on a
//! simulated network, by one thread and without waiting for anything.
//!
//! libp2p takes the time from two small crates and randomness from one symbol of the C library. In this workspace the
//! two follow a simulated clock (`shims/`), and the symbol draws from a seed ([`entropy`]); the swarm is given an
//! executor ([`executor`]) and a transport ([`transport`]) of our own. Nothing else is simulated: what is measured here
//! is what runs in the product.
//!
//! One process makes one run: libp2p numbers its connections across a whole process, and the order of its maps follows
//! those numbers.

pub mod clock;
pub mod dice;
pub mod entropy;
pub mod executor;
mod gossip;
mod links;
mod muxer;
mod network;
mod pipe;
mod rpc;
mod transport;
