//! Evidence as a file: written in one spelling, and read so that a change of any byte is found and placed.

use std::{fs, io::Read, path::Path};

use anyhow::{Context as _, Result};
use intentcast_protocol::evidence::{Evidence, FILE_BYTES, Flaw, Report};

/// The file's bytes.
pub fn encode(evidence: &Evidence) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(evidence).expect("evidence is plain fields, which JSON always takes");
    bytes.push(b'\n');
    bytes
}

/// Checks everything in a file's bytes.
///
/// # Errors
/// The first [`Flaw`], placed by field where the JSON could be read, and by line and column where it could not.
pub fn verify(bytes: &[u8]) -> Result<Report, Flaw> {
    if bytes.len() > FILE_BYTES {
        return Err(Flaw {
            place: "file".into(),
            why: format!("longer than {FILE_BYTES} bytes"),
        });
    }
    let evidence: Evidence = serde_json::from_slice(bytes).map_err(|error| Flaw {
        place: format!("line {}, column {}", error.line(), error.column()),
        why: error.to_string(),
    })?;
    let report = evidence.verify()?;
    // Everything that is said holds. What is left is how it is spelled: spaces, capitals, escapes.
    let written = encode(&evidence);
    match written.iter().zip(bytes).position(|(written, found)| written != found) {
        Some(at) => Err(Flaw {
            place: place_of(bytes, at),
            why: "not as the exporter writes it".into(),
        }),
        None if written.len() != bytes.len() => {
            let at = written.len().min(bytes.len());
            Err(Flaw {
                place: place_of(bytes, at),
                why: "bytes missing or too many at the end".into(),
            })
        }
        None => Ok(report),
    }
}

fn place_of(bytes: &[u8], at: usize) -> String {
    let before = &bytes[..at];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
    format!("line {line}, column {column}")
}

/// Reads a file no longer than evidence can be.
///
/// # Errors
/// Where it cannot be read.
pub fn read(file: &Path) -> Result<Vec<u8>> {
    let told = || format!("cannot read {}", file.display());
    let mut bytes = Vec::new();
    let open = fs::File::open(file).with_context(told)?;
    // One more than fits, so that too long is seen as such.
    open.take(FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(told)?;
    Ok(bytes)
}
