//! Experiments for and from other simulators: what of a scenario they can say, and what of theirs we can.

mod identity;
mod interop;
mod shadow;

pub use interop::{Imported, import};
pub use shadow::{Exported, export};
