//! Stories over real processes: each member of a market is the product's own program on loopback, in a folder of its
//! own, and is asked through its local API as anybody's program would ask it.
//!
//! One binary, so that the product is linked once. A story waits for what happens, under a deadline, and never for
//! time to pass. The slow ones say so in their first line.

#![allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
#![allow(clippy::inconsistent_digit_grouping, reason = "prices are written as pounds_pence")]

mod goods;
mod member;
mod rogue;
mod wait;
mod watch;
mod world;

mod amend;
mod bait_and_switch;
mod bootstrap_gone;
mod chorus;
mod data;
mod disk_full;
mod fifty_shops;
mod first_purchase;
mod garbage;
mod goods_in;
mod interest;
mod one_node_per_folder;
mod orders;
mod photos;
mod portability;
mod readme;
mod restart;
mod stalled;
mod strangers;
mod talking;
mod terms_refused;
mod tidy;
mod vault;
mod views;
