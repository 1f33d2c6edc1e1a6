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

mod attacker;
pub mod clock;
mod dice;
mod entropy;
mod executor;
mod gossip;
mod ground;
mod line;
mod measure;
mod messages;
mod muxer;
mod network;
mod node;
mod pipe;
mod rpc;
mod transport;
mod wire;
mod world;

use intentcast_sim::outcome::Outcome;
use intentcast_sim::scenario::Scenario;

/// What each node is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Behaviours {
    /// gossipsub alone.
    #[default]
    Gossipsub,
    /// gossipsub, with what the node tells its peers of itself (identify) and how it misses them (ping).
    Node,
}

/// Runs a scenario in virtual time, in a thread of its own, until its end or until `enough`, which is told the virtual
/// time in nanoseconds now and then, says so.
///
/// The first run of a process is a function of scenario and seed alone. An error says what of the scenario this level
/// cannot do, or what gossipsub refuses.
pub fn run(
    scenario: &Scenario,
    seed: u64,
    behaviours: Behaviours,
    mut enough: impl FnMut(clock::Nanos) -> bool + Send,
) -> Result<Outcome, String> {
    // A new thread has drawn nothing yet: its maps take their order from the seed.
    std::thread::scope(|scope| {
        let run = move || match behaviours {
            Behaviours::Gossipsub => world::run::<gossip::Behaviour>(scenario, seed, &mut enough),
            Behaviours::Node => world::run::<node::Whole>(scenario, seed, &mut enough),
        };
        let thread = std::thread::Builder::new()
            .name("world".into())
            .spawn_scoped(scope, run);
        let thread = thread.map_err(|error| error.to_string())?;
        thread.join().map_err(|_| "the run panicked".to_owned())?
    })
}
