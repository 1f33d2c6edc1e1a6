//! Cells of the H3 grid: a place told only as closely as its teller likes, as one integer.
//!
//! Coordinates are read here from text and never leave as numbers with a point.

use std::{fmt, str::FromStr};

use h3o::{CellIndex, LatLng, Resolution};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::decimal::Decimal;

/// Coarsest resolution: cells of about 12,000 square kilometres.
pub const COARSEST: u8 = 3;
/// Finest resolution: cells of about a tenth of a square kilometre. A finer one would be an address.
pub const FINEST: u8 = 9;

/// A cell of the H3 grid, of resolution [`COARSEST`] to [`FINEST`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(u64);

/// Why numbers or text are no [`Cell`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    /// Not the index of a cell.
    #[error("no cell of the H3 grid has this index")]
    NotACell,
    /// A cell too large or too small.
    #[error("a cell of resolution {0}, where {COARSEST} to {FINEST} are taken")]
    Resolution(u8),
    /// Not two decimal numbers of degrees.
    #[error("a latitude reads like 53.74 and lies within 90 degrees, a longitude like -0.34 and within 180")]
    NotCoordinates,
}

impl Cell {
    /// The cell with this index.
    ///
    /// # Errors
    /// [`CellError::NotACell`] or [`CellError::Resolution`].
    pub fn new(index: u64) -> Result<Self, CellError> {
        let cell = CellIndex::try_from(index).map_err(|_| CellError::NotACell)?;
        allowed(u8::from(cell.resolution()))?;
        Ok(Self(index))
    }

    /// The cell of `resolution` around a point, given in degrees as text: `53.7444`, `-0.3325`.
    ///
    /// # Errors
    /// [`CellError::NotCoordinates`] or [`CellError::Resolution`].
    pub fn at(latitude: &str, longitude: &str, resolution: u8) -> Result<Self, CellError> {
        let resolution = allowed(resolution)?;
        let point = LatLng::new(degrees(latitude, 90)?, degrees(longitude, 180)?);
        let point = point.map_err(|_| CellError::NotCoordinates)?;
        Ok(Self(u64::from(point.to_cell(resolution))))
    }

    /// The index in the H3 grid.
    pub fn index(self) -> u64 {
        self.0
    }

    /// How fine it is, [`COARSEST`] to [`FINEST`].
    pub fn resolution(self) -> u8 {
        u8::from(self.inner().resolution())
    }

    /// Kilometres between the centres of two cells along the great circle, rounded to the nearest.
    ///
    /// The last kilometre may differ from one machine to another by rounding: it is shown and ranked by, never hashed.
    pub fn distance_km(self, other: Self) -> u32 {
        let km = LatLng::from(self.inner()).distance_km(LatLng::from(other.inner()));
        // Half the circumference of the Earth at most, so the conversion cuts nothing off.
        km.round() as u32
    }

    /// The same place told less closely, or itself where it is told no closer than `resolution`.
    ///
    /// # Errors
    /// [`CellError::Resolution`].
    pub fn coarsened(self, resolution: u8) -> Result<Self, CellError> {
        let parent = self.inner().parent(allowed(resolution)?);
        Ok(parent.map_or(self, |parent| Self(u64::from(parent))))
    }

    fn inner(self) -> CellIndex {
        CellIndex::try_from(self.0).expect("a cell is checked when it is made")
    }
}

fn allowed(resolution: u8) -> Result<Resolution, CellError> {
    let known = Resolution::try_from(resolution).ok();
    known
        .filter(|_| (COARSEST..=FINEST).contains(&resolution))
        .ok_or(CellError::Resolution(resolution))
}

fn degrees(text: &str, most: i32) -> Result<f64, CellError> {
    let decimal: Decimal = text.trim().parse().map_err(|_| CellError::NotCoordinates)?;
    if decimal > Decimal::from(most) || decimal < Decimal::from(-most) {
        return Err(CellError::NotCoordinates);
    }
    Ok(decimal.mantissa() as f64 / 10f64.powi(i32::from(decimal.scale())))
}

/// The index in hexadecimal, as the H3 grid is written everywhere.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:x}", self.0))
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cell({self})")
    }
}

impl FromStr for Cell {
    type Err = CellError;

    fn from_str(text: &str) -> Result<Self, CellError> {
        if text.len() > 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(CellError::NotACell);
        }
        Self::new(u64::from_str_radix(text, 16).map_err(|_| CellError::NotACell)?)
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse()
        } else {
            Self::new(u64::deserialize(deserializer)?)
        }
        .map_err(D::Error::custom)
    }
}
