//! What one node leaves behind: what it saw and heard, what came of its wants, and its market and disk at the end.

use std::collections::BTreeMap;

use intentcast_protocol::{
    id::{IntentId, OfferId, RecordId},
    market::Market,
};

/// A want that was cast.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// Its number in the load.
    pub want: u32,
    /// Its record.
    pub intent: IntentId,
    /// When it was signed, ns.
    pub at: u64,
}

/// One node's.
#[derive(Debug, Default)]
pub struct Diary {
    /// Its own wants.
    pub cast: Vec<Cast>,
    /// Messages that it took in and passed on, by number.
    pub saw: Vec<u32>,
    /// Wants of others that it could answer by its rules, and when it heard them, ns.
    pub heard: Vec<(IntentId, u64)>,
    /// Offers that it took in, and when, ns.
    pub offers: Vec<(IntentId, OfferId, u64)>,
    /// The best of them, as far as it was ever told.
    pub best: BTreeMap<IntentId, OfferId>,
    /// Its deals as a customer, and when both had said yes, ns.
    pub deals: Vec<(IntentId, OfferId, u64)>,
    /// Bytes of offers that it sent, tries in, by offer.
    pub sent: BTreeMap<OfferId, u64>,
    /// Offers of its own that became deals.
    pub sold: Vec<OfferId>,
    /// Records that it told somebody it has on disk.
    pub acknowledged: Vec<RecordId>,
    /// What must never happen, and was seen at once.
    pub violations: Vec<String>,
    /// Since when it is there, ns; none: it is not.
    pub since: Option<u64>,
    /// Its market at the end, where it is there.
    pub market: Option<Box<Market>>,
    /// What is on its disk.
    pub disk: Vec<Box<[u8]>>,
}
