//! What opens the vault, from wherever the person keeps it: a file, the environment, or their head.
//!
//! Never an argument: everybody on a machine can read what others' programs were started with.

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;
use intentcast_protocol::{
    id::hex,
    limits::SEALED_VALUE_BYTES,
    strand::{Form, StrandName},
};
use zeroize::Zeroizing;

use super::Failure;
use crate::{
    home::{entropy, only_ours, write_secret},
    vault::{Opener, OpensWith},
};

/// The variable that may hold the passphrase.
const VARIABLE: &str = "INTENTCAST_PASSPHRASE";
/// Bytes of a key file, or of a passphrase's, at most.
const FILE_BYTES: u64 = 64 * 1024;

/// Where what opens the vault is.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct SecretArgs {
    /// The passphrase is this file's first line [default: INTENTCAST_PASSPHRASE, or you are asked]
    #[arg(long, value_name = "FILE", conflicts_with = "key_file")]
    pub passphrase_file: Option<PathBuf>,
    /// The vault opens with this file, not with a passphrase
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

impl SecretArgs {
    /// What opens a vault that opens with this kind of secret.
    pub fn opener(&self, opens_with: OpensWith) -> Result<Opener> {
        if let Some(given) = self.given()? {
            return Ok(given);
        }
        match opens_with {
            OpensWith::KeyFile => {
                Err(Failure::usage("the vault opens with a key file: name it with --key-file").into())
            }
            OpensWith::Passphrase => Ok(Opener::Passphrase(asked("passphrase: ")?)),
        }
    }

    /// What a new vault shall open with: a key file that is not there is made, a passphrase is asked for twice.
    pub fn new_opener(&self) -> Result<Opener> {
        if let Some(file) = &self.key_file {
            make_key_file(file)?;
        }
        match self.given()? {
            Some(given) => Ok(given),
            None => asked_twice("new passphrase: "),
        }
    }

    /// What needs no question.
    fn given(&self) -> Result<Option<Opener>> {
        if let Some(file) = &self.key_file {
            return key_file(file).map(Some);
        }
        if let Some(file) = &self.passphrase_file {
            return passphrase_file(file).map(Some);
        }
        match std::env::var(VARIABLE) {
            Ok(words) if !words.is_empty() => Ok(Some(Opener::Passphrase(Zeroizing::new(words)))),
            Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{VARIABLE} is no UTF-8")).into()),
        }
    }
}

/// Where what opens the vault from now on is.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct NewSecretArgs {
    /// The new passphrase is this file's first line
    #[arg(long, value_name = "FILE", conflicts_with = "new_key_file")]
    pub new_passphrase_file: Option<PathBuf>,
    /// The vault opens with this file from now on; it is made where it is not there
    #[arg(long, value_name = "FILE")]
    pub new_key_file: Option<PathBuf>,
}

impl NewSecretArgs {
    /// What opens the vault from now on.
    pub fn opener(&self) -> Result<Opener> {
        if let Some(file) = &self.new_key_file {
            make_key_file(file)?;
            return key_file(file);
        }
        match &self.new_passphrase_file {
            Some(file) => passphrase_file(file),
            None => asked_twice("new passphrase: "),
        }
    }
}

fn passphrase_file(file: &Path) -> Result<Opener> {
    let bytes = read(file)?;
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = first.strip_suffix(b"\r").unwrap_or(first);
    let words = str::from_utf8(first).with_context(|| format!("{} is no UTF-8", file.display()))?;
    Ok(Opener::Passphrase(Zeroizing::new(words.to_owned())))
}

fn key_file(file: &Path) -> Result<Opener> {
    only_ours(file)?;
    read(file).map(Opener::KeyFile)
}

fn make_key_file(file: &Path) -> Result<()> {
    if !file.exists() {
        let digits = Zeroizing::new(format!("{}\n", hex(&*Zeroizing::new(entropy::<32>()?))));
        write_secret(file, digits.as_bytes())?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    fs::File::open(file)
        .and_then(|open| open.take(FILE_BYTES).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", file.display()))?;
    Ok(bytes)
}

fn asked(prompt: &str) -> Result<Zeroizing<String>> {
    let answer = rpassword::prompt_password(prompt).map_err(|_| {
        Failure::usage(format!(
            "there is no terminal to ask for the passphrase: use --passphrase-file, --key-file or {VARIABLE}"
        ))
    })?;
    Ok(Zeroizing::new(answer))
}

fn asked_twice(prompt: &str) -> Result<Opener> {
    let words = asked(prompt)?;
    if asked("the same again: ")? != words {
        return Err(Failure::usage("the two are not the same").into());
    }
    Ok(Opener::Passphrase(words))
}

/// A strand's value from standard input: asked for where a person sits there, all of it where a program does.
pub fn value(name: &StrandName) -> Result<Zeroizing<String>> {
    let input = io::stdin().lock();
    // One byte too many is enough to be told so.
    let mut input = input.take(SEALED_VALUE_BYTES as u64 + 2);
    let mut typed = Zeroizing::new(String::with_capacity(SEALED_VALUE_BYTES + 2));
    if !io::stdin().is_terminal() {
        input
            .read_to_string(&mut typed)
            .context("cannot read the value from standard input")?;
        return Ok(typed);
    }
    let has_lines = matches!(name.form(), Form::Address | Form::Text);
    let end = if has_lines { ", then an empty line" } else { "" };
    let mut out = io::stderr().lock();
    writeln!(out, "{} ({}){end}:", name.title(), name.form())?;
    loop {
        let before = typed.len();
        let read = input.read_line(&mut typed)?;
        if read == 0 || !has_lines || typed[before..].trim().is_empty() {
            return Ok(typed);
        }
    }
}
