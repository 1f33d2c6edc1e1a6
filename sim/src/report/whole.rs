//! Files that appear whole or not at all, whoever else writes to the same place.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;

use super::Error;

/// Names tried for one file that is not whole yet: each one that is taken was left by a program that ended in between.
const TRIES: u32 = 10_000;

/// Writes a file in place of what was there. When that fails, what was there stays, and nothing else is left behind.
pub fn replace(file: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), Error> {
    let (half, to) = open_half(file).map_err(Error::of(file))?;
    let written = filled(to, fill).and_then(|()| fs::rename(&half, file));
    written.map_err(|error| {
        // The disk may be full: what cannot be removed, either, is told by the error that comes of it.
        let _ = fs::remove_file(&half);
        Error::of(file)(error)
    })
}

fn filled(to: File, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    fill(&mut to)?;
    to.flush()?;
    // Else a machine that goes down may keep the name and lose the words.
    to.get_ref().sync_all()
}

/// A file beside this one that is nobody else's, not even another thread's.
fn open_half(file: &Path) -> io::Result<(PathBuf, File)> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    for number in 0..TRIES {
        let mut half = OsString::from(name);
        half.push(format!(".{}-{number}.half", process::id()));
        let half = file.with_file_name(half);
        match OpenOptions::new().write(true).create_new(true).open(&half) {
            Ok(to) => return Ok((half, to)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("many files that are not whole lie beside it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_filled_leaves_the_one_before() {
        let place = tempfile::tempdir().expect("a place");
        let file = place.path().join("table.csv");
        replace(&file, |to| to.write_all(b"one")).expect("written");
        let full = replace(&file, |to| {
            to.write_all(b"tw")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(full.expect_err("no room").to_string().contains("table.csv"));
        assert_eq!(fs::read(&file).expect("there"), b"one");
        assert_eq!(fs::read_dir(place.path()).expect("there").count(), 1, "no half is left");
    }

    #[test]
    fn two_who_write_the_same_file_do_not_meet() {
        let place = tempfile::tempdir().expect("a place");
        let file = place.path().join("row.json");
        replace(&file, |to| {
            replace(&file, |other| other.write_all(b"inner")).map_err(io::Error::other)?;
            to.write_all(b"outer")
        })
        .expect("both are written");
        assert_eq!(fs::read(&file).expect("there"), b"outer");
    }
}
