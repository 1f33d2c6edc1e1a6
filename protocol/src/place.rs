//! Places: where a want is to be fulfilled, what an offer promises to reach, and whether the one reaches the other.
//!
//! A place is a region and, where the customer likes, a cell of a grid; never an address, and never coordinates.

mod cell;
mod fulfilment;
mod region;
mod resolve;

use serde::{Deserialize, Serialize};

pub use self::{
    cell::{COARSEST, Cell, CellError, FINEST},
    fulfilment::{Fulfilment, FulfilmentError, Fulfilments},
    region::{Country, Region, RegionError, Subdivision},
};

/// Where a want is to be fulfilled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The country or the part of it.
    pub region: Region,
    /// Where in the region, as closely as the customer likes to tell.
    pub cell: Option<Cell>,
    /// Kilometres that the customer would go from the cell to fetch something; zero says nothing about it.
    pub radius_km: u16,
}

/// What an offer promises to reach, in one way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Serves {
    /// Where it delivers to, comes to, or hands out.
    pub region: Region,
    /// Where in the region it hands out.
    pub cell: Option<Cell>,
    /// In which way.
    pub mode: Fulfilment,
}

/// Whether an offer reaches a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// It does.
    Covered,
    /// The customer would have to go farther than the radius.
    TooFar {
        /// Kilometres between the two.
        km: u32,
    },
    /// Another region.
    Elsewhere,
    /// The offer reaches a part of the region, and the place does not say which part it is in.
    Unknown,
}

impl Place {
    /// Somewhere in `region`.
    pub fn within(region: Region) -> Self {
        Self {
            region,
            cell: None,
            radius_km: 0,
        }
    }

    /// Whether what `serves` promises reaches this place.
    ///
    /// Delivery and work on site need a region that covers this one. For pickup the distance decides where both tell
    /// their cell and the customer a radius, since two ends of one country are no trip; else the region does.
    pub fn covered_by(&self, serves: &Serves) -> Reach {
        match serves.mode {
            Fulfilment::Remote => Reach::Covered,
            Fulfilment::Delivery | Fulfilment::OnSite => self.within_region(serves.region),
            Fulfilment::Pickup => match (self.cell, serves.cell) {
                (Some(here), Some(there)) if self.radius_km > 0 => match here.distance_km(there) {
                    km if km <= u32::from(self.radius_km) => Reach::Covered,
                    km => Reach::TooFar { km },
                },
                _ => self.within_region(serves.region),
            },
        }
    }

    fn within_region(&self, region: Region) -> Reach {
        if region.covers(&self.region) {
            Reach::Covered
        } else if self.region.covers(&region) {
            Reach::Unknown
        } else {
            Reach::Elsewhere
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.cell, self.radius_km) {
            (Some(_), km) if km > 0 => write!(f, "{}, within {km} km", self.region),
            _ => write!(f, "{}", self.region),
        }
    }
}

impl std::fmt::Display for Serves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.mode, self.region)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests;
