//! The ways in which a want may be fulfilled, one and several.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::list::List;

/// How what is bought comes to the buyer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fulfilment {
    /// It is brought to the buyer's place.
    Delivery,
    /// The buyer fetches it at the seller's place.
    Pickup,
    /// The seller comes to the buyer's place and works there.
    OnSite,
    /// Nothing and nobody moves: a download, a call.
    Remote,
}

/// One or more ways, as the bits of one byte on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fulfilments(u8);

/// Why a word or a byte is no way to fulfil a want.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FulfilmentError {
    /// Not one of the four words.
    #[error("fulfilment is one of delivery, pickup, on-site and remote")]
    UnknownWord,
    /// A bit without meaning.
    #[error("fulfilment with unknown bits: {0:#010b}")]
    UnknownBits(u8),
    /// No way at all.
    #[error("a want needs at least one of delivery, pickup, on-site and remote")]
    None,
}

impl Fulfilment {
    /// All ways, in the order of their bits.
    pub const ALL: [Self; 4] = [Self::Delivery, Self::Pickup, Self::OnSite, Self::Remote];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Pickup => "pickup",
            Self::OnSite => "on-site",
            Self::Remote => "remote",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Delivery => 1,
            Self::Pickup => 2,
            Self::OnSite => 4,
            Self::Remote => 8,
        }
    }
}

impl fmt::Display for Fulfilment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Fulfilment {
    type Err = FulfilmentError;

    fn from_str(text: &str) -> Result<Self, FulfilmentError> {
        let known = Self::ALL
            .into_iter()
            .find(|way| way.word().eq_ignore_ascii_case(text.trim()));
        known.ok_or(FulfilmentError::UnknownWord)
    }
}

impl Fulfilments {
    /// These ways.
    ///
    /// # Errors
    /// [`FulfilmentError::None`] when there are none.
    pub fn of(ways: &[Fulfilment]) -> Result<Self, FulfilmentError> {
        Self::from_bits(ways.iter().fold(0, |bits, way| bits | way.bit()))
    }

    fn from_bits(bits: u8) -> Result<Self, FulfilmentError> {
        let known = Fulfilment::ALL.iter().fold(0, |bits, way| bits | way.bit());
        match bits {
            0 => Err(FulfilmentError::None),
            bits if bits & !known != 0 => Err(FulfilmentError::UnknownBits(bits)),
            bits => Ok(Self(bits)),
        }
    }

    /// Whether `way` is among them.
    pub fn contains(self, way: Fulfilment) -> bool {
        self.0 & way.bit() != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Fulfilment> {
        Fulfilment::ALL.into_iter().filter(move |way| self.contains(*way))
    }
}

impl From<Fulfilment> for Fulfilments {
    fn from(way: Fulfilment) -> Self {
        Self(way.bit())
    }
}

/// A want that says nothing else is for delivery.
impl Default for Fulfilments {
    fn default() -> Self {
        Fulfilment::Delivery.into()
    }
}

impl fmt::Display for Fulfilments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Fulfilment::word).collect();
        f.pad(&words.join(" or "))
    }
}

impl fmt::Debug for Fulfilments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Fulfilments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_seq(self.iter())
        } else {
            serializer.serialize_u8(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Fulfilments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Self::of(&List::<Fulfilment, { Fulfilment::ALL.len() }>::deserialize(
                deserializer,
            )?)
        } else {
            Self::from_bits(u8::deserialize(deserializer)?)
        }
        .map_err(D::Error::custom)
    }
}
