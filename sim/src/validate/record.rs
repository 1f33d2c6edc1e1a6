//! Seeds of the real level, kept in a file, so that a model can be held to them where the real one is not built.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Sample, Setup};
use crate::scenario::{Level, Scenario};

/// Each set-up's real seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// By set-up.
    pub setups: Vec<Kept>,
}

/// One set-up's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Its name.
    pub setup: String,
    /// Its scenario when the seeds were run, whole; a key that came later reads as its default.
    pub scenario: Scenario,
    /// Its seeds.
    pub samples: Vec<Sample>,
}

impl Record {
    /// Reads a record.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Writes a record.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let mut text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        text.push('\n');
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Keeps a set-up's seeds.
    pub fn keep(&mut self, setup: &Setup, samples: Vec<Sample>) {
        self.setups.push(Kept {
            setup: setup.name.to_owned(),
            scenario: without_level(&setup.scenario),
            samples,
        });
    }

    /// A set-up's seeds, if they are of the scenario that it is today.
    pub fn find(&self, setup: &Setup) -> Result<&[Sample], String> {
        let kept = self.setups.iter().find(|kept| kept.setup == setup.name);
        let kept = kept.ok_or_else(|| format!("{}: not in the record", setup.name))?;
        if without_level(&kept.scenario) != without_level(&setup.scenario) {
            return Err(format!(
                "{}: the record is of another scenario; record it anew with the real level",
                setup.name
            ));
        }
        Ok(&kept.samples)
    }
}

/// A scenario, whatever level it is to be run on.
fn without_level(scenario: &Scenario) -> Scenario {
    Scenario {
        level: Level::default(),
        ..scenario.clone()
    }
}
