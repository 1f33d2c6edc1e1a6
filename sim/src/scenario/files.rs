//! The files that a scenario names: hashed by what is in them, and found again wherever the scenario is taken.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Latency, Scenario};
use crate::links::Matrix;

/// What is in files, by their names: a file that many runs name is read once.
#[derive(Debug, Default)]
pub struct Digests(BTreeMap<String, Option<String>>);

/// Bytes of one file; what is longer no engine reads.
const MOST_BYTES: u64 = 1 << 30;

impl Digests {
    fn of(&mut self, name: &str) -> Option<&str> {
        let known = self.0.entry(name.to_owned());
        known.or_insert_with(|| digest(Path::new(name)).ok()).as_deref()
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let about = path.metadata()?;
    if !about.is_file() || about.len() > MOST_BYTES {
        return Err(io::Error::other("not a file that is read"));
    }
    let mut hash = Sha256::new();
    let (mut file, mut part) = (File::open(path)?.take(MOST_BYTES), vec![0; 1 << 16]);
    loop {
        match file.read(&mut part)? {
            0 => break,
            read => hash.update(&part[..read]),
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The last part of a name: where it lies on one machine says nothing on another.
pub fn own_name(name: &str) -> String {
    let own = Path::new(name).file_name();
    own.map_or_else(|| name.to_owned(), |own| own.to_string_lossy().into_owned())
}

impl Scenario {
    /// The files it names, each with what it is called beside a scenario that is kept.
    pub fn files(&mut self) -> impl Iterator<Item = (&'static str, &mut String)> {
        let matrix = match &mut self.links.latency {
            Latency::Matrix(name) if !Matrix::is_shipped(name) => Some(name),
            Latency::Matrix(_) | Latency::ConstantMs(_) | Latency::UniformMs(_) | Latency::LogNormal { .. } => None,
        };
        let churn = self.churn.as_mut().and_then(|churn| churn.file.as_mut());
        let market = self.market.as_mut().and_then(|market| market.file.as_mut());
        let kept = Self::KEPT;
        [matrix, self.topology.file.as_mut(), churn, market]
            .into_iter()
            .zip(kept)
            .filter_map(|(name, kept)| Some((kept, name?)))
    }

    /// What files are called beside a scenario that is kept.
    pub const KEPT: [&'static str; 4] = [
        "scenario-matrix.csv",
        "scenario-dials.txt",
        "scenario-churn.csv",
        "scenario-market.csv",
    ];

    /// SHA-256 of everything that can change an outcome, the contents of files among it; its seed, its descriptions and
    /// where files lie are left out.
    pub fn hash(&self) -> [u8; 32] {
        self.hash_by(&mut Digests::default())
    }

    /// The same, of many scenarios that name the same files.
    pub fn hash_by(&self, digests: &mut Digests) -> [u8; 32] {
        let mut bare = Scenario {
            name: String::new(),
            about: String::new(),
            seed: 0,
            ..self.clone()
        };
        for (_, name) in bare.files() {
            *name = match digests.of(name) {
                Some(digest) => format!("sha256:{digest}"),
                None => own_name(name),
            };
        }
        let text = serde_json::to_vec(&bare).expect("a scenario has no maps and its floats are finite");
        Sha256::digest(text).into()
    }
}
