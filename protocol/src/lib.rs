//! The pure core of Intentcast: the records that travel, the rules they obey, and [`market::Market`], one node's part
//! in the market as a machine without I/O.
//!
//! This crate refuses to read a clock, open a file or a socket, draw a random number or start a thread: time and
//! entropy are arguments, disk and search are effects that the caller carries out.

pub mod attribute;
pub mod category;
pub mod codec;
pub mod contact;
pub mod decimal;
pub mod deed;
pub mod disclosure;
pub mod document;
pub mod envelope;
pub mod evidence;
pub mod fault;
pub mod frame;
pub mod id;
pub mod intent;
pub mod item;
pub mod keys;
pub mod ledger;
pub mod letter;
pub mod limits;
pub mod list;
pub mod market;
pub mod matching;
pub mod money;
pub mod near;
pub mod offer;
pub mod order;
pub mod place;
pub mod purpose;
pub mod rating;
pub mod recall;
pub mod receipt;
pub mod regard;
pub mod rules;
pub mod seal;
pub mod standing;
pub mod strand;
pub mod terms;
pub mod text;
pub mod thread;
pub mod time;
pub mod topic;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod vectors_tests;
