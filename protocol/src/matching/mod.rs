//! Whether an offer may answer an intent at all ([`admits`]), and which of those that may comes first ([`rank`]).
//!
//! What is admissible is protocol: seller and customer compute the same answer from the same two records. What comes
//! first is the customer's own policy; nobody can pay for it. Both explain themselves, and the explanation is not told
//! beside the decision: it is what the decision is computed from.

mod admission;
mod ranking;

pub use admission::{Admission, Check, Test, admits, may_be_near};
pub use ranking::{Part, Ranked, Score, alike, likeness, rank, rank_alike, score, score_alike};
pub(crate) use ranking::{SMALL, singular};

#[cfg(test)]
pub(crate) mod tests;
