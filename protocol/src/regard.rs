//! What a customer thinks of a seller, for its own use: nobody is told.

use serde::{Deserialize, Serialize};

/// How a seller is treated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub enum Regard {
    /// Like anybody.
    #[default]
    Plain,
    /// Told of a want before all others, where the want has a head start.
    Favourite,
    /// What it sends is taken and nothing is said of it.
    Muted,
    /// What it sends is not taken, but for what it owes under an agreement.
    Blocked,
}

impl Regard {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Favourite, Self::Muted, Self::Blocked];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Favourite => "favourite",
            Self::Muted => "muted",
            Self::Blocked => "blocked",
        }
    }
}

impl std::fmt::Display for Regard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_word_is_its_json() {
        for regard in Regard::ALL {
            assert_eq!(serde_json::to_value(regard).ok(), Some(regard.word().into()));
        }
    }
}
