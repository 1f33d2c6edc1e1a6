//! Every table of the store. A name carries the version of what it holds: a change of form is a new table and a step
//! in `Store::prepared`, never a second reading of the old one.

use redb::TableDefinition;

/// The form of the whole store, counted up with each migration.
pub const SCHEMA: u64 = 1;

/// What the store knows of itself: a word and a number; the words are below.
pub const META: TableDefinition<&str, u64> = TableDefinition::new("meta/1");
/// In [`META`]: the [`SCHEMA`] of the code that wrote last.
pub const META_SCHEMA: &str = "schema";
/// In [`META`]: when the catalogue's stock was counted, Unix milliseconds.
pub const META_COUNTED: &str = "counted";
/// In [`META`]: how often the catalogue was replaced.
pub const META_GENERATION: &str = "generation";

/// The ledger: an entry's number, from 0 without gaps, and its encoding as `protocol::ledger::Entry`.
pub const LEDGER: TableDefinition<u64, &[u8]> = TableDefinition::new("ledger/1");

/// The catalogue: an item's id and its encoding as `protocol::item::Item`.
pub const ITEMS: TableDefinition<&str, &[u8]> = TableDefinition::new("items/1");

/// What a seller waits for: an interest's name and its encoding as `protocol::standing::Sought`.
pub const INTERESTS: TableDefinition<&str, &[u8]> = TableDefinition::new("interests/1");

/// What a customer wishes for and has not cast: a wish's name and, as JSON, a `want::Want`.
pub const WISHES: TableDefinition<&str, &[u8]> = TableDefinition::new("wishes/1");

/// Offers that a customer saved: an offer's id, 32 bytes, and when, Unix milliseconds.
pub const SAVED: TableDefinition<&[u8], u64> = TableDefinition::new("saved/1");

/// The catalogue that is coming in, as [`ITEMS`]; empty where the item is the same as there.
pub const STAGED: TableDefinition<&str, &[u8]> = TableDefinition::new("items/1/staged");

/// What was brought here from elsewhere: its sort and id, and what it says, as JSON.
pub const ARCHIVE: TableDefinition<&str, &[u8]> = TableDefinition::new("archive/1");
