//! A node's gossip, with no I/O, clock or entropy of its own: it behaves as libp2p-gossipsub 0.50.1 does.
//!
//! The calling contract is [`Node::step`]: one event in, all actions out, before the next. Time and the shared
//! [`World`] are arguments; the node's chance is its own stream of the one seed. It refuses to know of links: what an
//! action takes to arrive is the engine's.
//!
//! # The rules and where the original has them
//!
//! Files are those of libp2p-gossipsub 0.50.1, `src/`; without one named it is `behaviour.rs`.
//!
//! | rule | the original | here |
//! |---|---|---|
//! | all joined topics in one frame on a peer's first connection, after its extensions | `handle_established_*_connection`, `on_connection_established` | [`membership`] |
//! | outbound is a peer whose first connection we dialled | `handle_established_outbound_connection` | [`membership`] |
//! | GRAFT on SUBSCRIBE below `d_low`, unless backed off or of negative score | `handle_received_subscriptions` | [`membership`] |
//! | joining grafts `d` peers: of the fanout first, then by chance | `join` | [`membership`] |
//! | leaving prunes with the shorter backoff | `leave` | [`membership`] |
//! | a GRAFT is refused by PRUNE at `d_high` unless outbound, within its backoff (which costs), or of negative score; ignored for topics that either side has not joined | `handle_graft` | [`mesh`] |
//! | a PRUNE always sets the backoff that it names, up to an hour | `handle_prune`, `remove_peer_from_mesh` | [`mesh`] |
//! | backoffs are kept `backoff_slack` heartbeats longer, cleared on heartbeats alone | `backoff.rs` | [`mesh`] |
//! | heartbeat: negative scores out; below `d_low` up to `d`; at `d_high` down to `d`, keeping the best `retain_scores` and `d_out` outbound; outbound up to `d_out`; every `opportunistic_graft_ticks` better peers; fanout; gossip; GRAFT and PRUNE; shift of the cache | `heartbeat` | [`heartbeat`] |
//! | IHAVE to max(`d_lazy`, factor) peers outside the mesh, of accepted messages of `history_gossip` heartbeats | `emit_gossip` | [`gossip`] |
//! | IHAVE is ignored past `max_ihave_messages`, IWANT asks up to `max_ids`, for what is neither seen nor promised | `handle_ihave` | [`gossip`] |
//! | IWANT is answered `gossip_retransmission` times, not after IDONTWANT | `handle_iwant` | [`gossip`] |
//! | a promise not kept in `iwant_followup` costs; it is only ever dropped where peers are scored | `gossip_promises.rs`, `apply_iwant_penalties` | [`gossip`] |
//! | IDONTWANT for a new message above the threshold, before its verdict, to the mesh and to who promised it | `handle_received_message` | [`message`] |
//! | a copy goes to the mesh but its source, who brought it before the verdict, and who does not want it | `forward_msg` | [`message`] |
//! | an own message goes to the mesh and to others up to `d`, or to the fanout, or to all | `filter_publish_candidates` | [`message`] |
//! | P1 to P7, decay, thresholds, retention | `peer_score.rs` | [`score`] |
//!
//! # What is left out, and why
//!
//! Explicit peers, floodsub, blacklists and peer exchange: the product uses none. Partial messages: the same. A
//! peer's IDONTWANTs are dropped by the heartbeat three seconds after the last peer's for that message, where the
//! original counts each peer's own three seconds.

#![expect(missing_docs, reason = "the knobs are told once, in `scenario::Gossipsub`")]

mod bits;
mod cache;
mod chance;
mod gossip;
mod heartbeat;
mod membership;
mod mesh;
mod message;
mod near;
mod node;
mod rpc;
mod score;
mod settings;

pub use bits::Bits;
pub use chance::{Chance, mix, mix2, unit};
pub use near::DEPTHS;
pub use node::{Actions, Event, Node, Peer, Stage};
pub use rpc::{Ids, List, Rpc, message_bytes};
pub use settings::{Message, ScoreSettings, Settings, Spoken, World};

#[cfg(test)]
mod tests;
