//! The lasting key of a node, in a file of its own. A key that is unreadable, or that others may read, is never
//! replaced: the node says so and stops, since a new key would be another node.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use libp2p::identity::{KeyType, Keypair};

/// The name of the key's file in a node's folder.
pub const FILE_NAME: &str = "identity.key";

/// More than any key file of ours takes (an encoded ed25519 pair has 68 bytes).
const MAX_FILE_BYTES: u64 = 1024;

/// Reads the ed25519 key at `path`, or makes one there, readable by its owner alone. Hold the folder's lock meanwhile:
/// two that make a key at once would end with two keys and one file.
///
/// # Errors
/// The file may be read by its group or by others, is not a key, or cannot be read or written.
pub fn load_or_create(path: &Path) -> Result<Keypair> {
    match File::open(path) {
        Ok(file) => load(path, file),
        Err(error) if error.kind() == ErrorKind::NotFound => create(path),
        Err(error) => Err(error).with_context(|| format!("cannot open the key {}", path.display())),
    }
}

fn load(path: &Path, file: File) -> Result<Keypair> {
    let shown = path.display();
    // Asked of the open file, so that what is judged is what is read.
    let metadata = file
        .metadata()
        .with_context(|| format!("cannot look at the key {shown}"))?;
    ensure!(metadata.is_file(), "the key {shown} is not a file");
    refuse_if_shared(path, &metadata)?;

    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read the key {shown}"))?;
    let keypair = (bytes.len() as u64 <= MAX_FILE_BYTES)
        .then(|| Keypair::from_protobuf_encoding(&bytes).ok())
        .flatten()
        .filter(|keypair| keypair.key_type() == KeyType::Ed25519);
    bytes.fill(0);
    keypair.ok_or_else(|| {
        anyhow!(
            "the key {shown} is damaged. It was left as it is: put back a copy, or move it away to start as a new node"
        )
    })
}

#[cfg(unix)]
fn refuse_if_shared(path: &Path, metadata: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "the key {shown} may be used by others (mode {mode:o}); if nobody has read it: chmod 600 {shown}",
            shown = path.display()
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_if_shared(_: &Path, _: &fs::Metadata) -> Result<()> {
    Ok(())
}

fn create(path: &Path) -> Result<Keypair> {
    let keypair = Keypair::generate_ed25519();
    let mut bytes = keypair.to_protobuf_encoding().context("cannot encode a new key")?;
    let written = write_whole(path, &bytes);
    bytes.fill(0);
    written.with_context(|| format!("cannot write a new key to {}", path.display()))?;
    Ok(keypair)
}

/// Writes beside `path`, then renames: whenever power fails, the key is there in full or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let aside = aside(path);
    // One left by a run that was cut off before its rename; nobody has ever used that key.
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    // The rename itself lasts only once the folder is on disk.
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_comes_back() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        let first = load_or_create(&path).unwrap();
        let second = load_or_create(&path).unwrap();
        assert_eq!(first.public(), second.public());
        assert!(!aside(&path).exists());
    }

    #[test]
    fn a_run_cut_off_before_its_rename_leaves_no_hindrance() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        fs::write(aside(&path), b"half a k").unwrap();
        let first = load_or_create(&path).unwrap();
        assert_eq!(first.public(), load_or_create(&path).unwrap().public());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_key_is_its_owners_alone_and_a_shared_one_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o644, 0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = load_or_create(&path).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{mode:o}: {error}");
        }
    }

    #[test]
    fn a_damaged_key_is_told_and_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        load_or_create(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        for damaged in [&whole[..40], b"", &[0xff; 4000][..]] {
            fs::write(&path, damaged).unwrap();
            let error = load_or_create(&path).unwrap_err().to_string();
            assert!(error.contains("damaged"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), damaged);
        }
    }
}
