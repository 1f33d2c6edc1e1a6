//! Regions: a country of ISO 3166-1, or a subdivision of one by ISO 3166-2, and which lies in which.
//!
//! What a person types has to exist; what a peer sends has only to be well-formed, since the lists change every year.

use std::{fmt, str::FromStr, sync::LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::near::nearest;

/// Nested subdivisions deeper than this are a loop in the table.
const DEPTH: usize = 4;
/// Codes that an error suggests.
const SUGGESTED: usize = 3;

/// A country: two capital letters of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// A part of a country: one to three capital letters or digits of ISO 3166-2, zero bytes behind them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subdivision([u8; 3]);

/// A country or a part of it: `GB`, `GB-KHL`, `DE-BY`. Five bytes on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    /// The country.
    pub country: Country,
    /// The part of it, or all of it.
    pub subdivision: Option<Subdivision>,
}

/// Why text names no region, in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// Not the form of a code.
    #[error("a region is a code like GB or GB-KHL: two letters, and after a hyphen up to three letters or digits")]
    NotACode,
    /// The form of a code, but no country has it.
    #[error("no country has the code {code}{}", suggest(.near))]
    UnknownCountry {
        /// What was written.
        code: String,
        /// Codes like it.
        near: Vec<String>,
    },
    /// The country is there, the part of it is not.
    #[error("{country} is a country, but {code} is no part of it{}", suggest(.near))]
    UnknownSubdivision {
        /// The country.
        country: Country,
        /// What was written.
        code: String,
        /// Codes like it in that country.
        near: Vec<String>,
    },
    /// Nothing of this name.
    #[error("no country or subdivision is called {name:?}{}", suggest(.near))]
    UnknownName {
        /// What was written.
        name: String,
        /// Regions with a name like it.
        near: Vec<String>,
    },
    /// Several of this name.
    #[error("{name:?} may be any of {}: write the code", .regions.join(", "))]
    Ambiguous {
        /// What was written.
        name: String,
        /// The first few regions so called.
        regions: Vec<String>,
    },
}

fn suggest(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    }
}

impl Country {
    /// The country of two capital letters, whether or not the list has it.
    fn well_formed(code: [u8; 2]) -> Option<Self> {
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The code: `GB`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a country is two capital letters")
    }
}

impl Subdivision {
    /// The part of one to three capital letters or digits, zero bytes behind them, whether or not a list has it.
    fn well_formed(code: [u8; 3]) -> Option<Self> {
        let len = code.iter().position(|b| *b == 0).unwrap_or(code.len());
        let is_code = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        let whole = len > 0 && code[..len].iter().all(is_code) && code[len..].iter().all(|b| *b == 0);
        whole.then_some(Self(code))
    }

    /// The code behind the hyphen: `KHL`.
    pub fn code(&self) -> &str {
        let text = std::str::from_utf8(&self.0).expect("a subdivision is capital letters and digits");
        text.trim_end_matches('\0')
    }
}

impl Region {
    /// All of a country.
    pub fn whole(country: Country) -> Self {
        Self {
            country,
            subdivision: None,
        }
    }

    /// Whether `other` is this region or lies in it. Where the table says nothing, it does not.
    pub fn covers(&self, other: &Self) -> bool {
        if self.country != other.country {
            return false;
        }
        if self.subdivision.is_none() {
            return true;
        }
        let ascent = std::iter::successors(Some(*other), Self::parent).take(DEPTH);
        ascent.into_iter().any(|region| region == *self)
    }

    /// The region directly around this one: for `GB-KHL` it is `GB-ENG`, for that `GB`, for a country nothing.
    pub fn parent(&self) -> Option<Self> {
        self.subdivision?;
        let found = PARENTS.binary_search_by_key(self, |(child, _)| *child);
        Some(found.map_or_else(|_| Self::whole(self.country), |at| PARENTS[at].1))
    }

    /// Its name in the list of ISO 3166, in its own language or in English for a country, if the list has it.
    pub fn name(&self) -> Option<&'static str> {
        match self.subdivision {
            None => rust_iso3166::from_alpha2(self.country.code()).map(|country| country.name),
            Some(_) => rust_iso3166::iso3166_2::from_code(&self.to_string()).map(|part| part.name),
        }
    }

    /// The region of a well-formed code in capitals, whether or not a list has it.
    pub(super) fn well_formed(text: &str) -> Option<Self> {
        let (country, part) = match text.split_once('-') {
            Some((country, part)) => (country, Some(part)),
            None => (text, None),
        };
        let country = Country::well_formed(country.as_bytes().try_into().ok()?)?;
        let Some(part) = part else {
            return Some(Self::whole(country));
        };
        let mut code = [0; 3];
        code.get_mut(..part.len())?.copy_from_slice(part.as_bytes());
        Some(Self {
            country,
            subdivision: Some(Subdivision::well_formed(code)?),
        })
    }

    /// Whether ISO 3166, as this build knows it, has the region.
    pub fn exists(&self) -> bool {
        self.name().is_some() || PARENTS.iter().any(|(child, parent)| child == self || parent == self)
    }

    fn bytes(&self) -> [u8; 5] {
        let [a, b] = self.country.0;
        let [c, d, e] = self.subdivision.map_or([0; 3], |part| part.0);
        [a, b, c, d, e]
    }

    fn from_bytes([a, b, c, d, e]: [u8; 5]) -> Option<Self> {
        let country = Country::well_formed([a, b])?;
        let subdivision = match [c, d, e] {
            [0, 0, 0] => None,
            code => Some(Subdivision::well_formed(code)?),
        };
        Some(Self { country, subdivision })
    }
}

/// Which subdivision lies in which, sorted by the inner one: `child parent`, the codes alone.
static PARENTS: LazyLock<Vec<(Region, Region)>> = LazyLock::new(|| {
    let table = include_str!("../../vocab/subdivision_parents.tsv");
    let code = |text| Region::well_formed(text).expect("the table holds well-formed codes");
    let mut pairs: Vec<(Region, Region)> = table
        .lines()
        .map(|line| line.split_once('\t').expect("a line of the table is two codes"))
        .map(|(child, parent)| (code(child), code(parent)))
        .collect();
    pairs.sort_unstable();
    pairs
});

impl FromStr for Region {
    type Err = RegionError;

    /// Reads a code in capitals or not, and refuses one that ISO 3166 does not have.
    fn from_str(text: &str) -> Result<Self, RegionError> {
        let code = text.trim().to_ascii_uppercase();
        let region = Self::well_formed(&code).ok_or(RegionError::NotACode)?;
        let country = region.country;
        if !Self::whole(country).exists() {
            let codes = rust_iso3166::ALL.iter().map(|known| known.alpha2);
            let near = match country.code() {
                "UK" => vec!["GB".to_owned()],
                code => owned(nearest(code, codes, SUGGESTED)),
            };
            let code = country.to_string();
            return Err(RegionError::UnknownCountry { code, near });
        }
        if !region.exists() {
            let parts = rust_iso3166::from_alpha2(country.code());
            let parts = parts.as_ref().and_then(|known| known.subdivisions()).unwrap_or(&[]);
            // The country's two letters and the hyphen are equal anyway and would only make all codes look alike.
            let after_hyphen = parts.iter().map(|part| &part.code[3..]);
            let near = nearest(&code[3..], after_hyphen, SUGGESTED);
            let near = near.into_iter().map(|part| format!("{country}-{part}")).collect();
            return Err(RegionError::UnknownSubdivision { country, code, near });
        }
        Ok(region)
    }
}

fn owned(words: Vec<&str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Subdivision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subdivision {
            None => f.pad(self.country.code()),
            Some(part) => f.pad(&format!("{}-{}", self.country, part.code())),
        }
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.bytes().serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Self::well_formed(&String::deserialize(deserializer)?)
        } else {
            Self::from_bytes(<[u8; 5]>::deserialize(deserializer)?)
        }
        .ok_or_else(|| D::Error::custom(RegionError::NotACode))
    }
}
