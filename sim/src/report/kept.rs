//! A scenario as it is kept beside its results: with the files that it names, so that it can be run from anywhere.

use std::fs;
use std::io;
use std::path::Path;

use super::Error;
use crate::scenario::{Scenario, own_name};

/// Bytes of a file that is copied. What is longer is only named: whoever runs it again lays it there.
const MOST_BYTES: u64 = 16 << 20;

/// A scenario whose files are named as they lie beside it.
pub struct Kept {
    /// It.
    pub scenario: Scenario,
    /// Its files that are copied, each with its name and what is in it.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// All names that it uses.
    pub names: Vec<&'static str>,
}

impl Kept {
    /// Reads the files at once: they may lie where the results go.
    pub fn of(scenario: &Scenario) -> Result<Self, Error> {
        let mut kept = Self {
            scenario: scenario.clone(),
            files: Vec::new(),
            names: Vec::new(),
        };
        for (name, file) in kept.scenario.files() {
            let path = Path::new(&*file);
            match path.metadata() {
                // Nothing reads it, for else there would be no results.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    *file = own_name(file);
                    continue;
                }
                Err(error) => return Err(Error::of(path)(error)),
                Ok(about) if about.is_file() && about.len() <= MOST_BYTES => {
                    kept.files.push((name, fs::read(path).map_err(Error::of(path))?));
                }
                Ok(_) => {}
            }
            kept.names.push(name);
            *file = name.to_owned();
        }
        Ok(kept)
    }
}
