//! What a catalogue's file does not say itself: the flags that every command has which reads one.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use intentcast_protocol::{money::Currency, place::Region};

use super::Failure;
use crate::catalogue::{Encoding, Mapping};

/// How a catalogue is read.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct MappingArgs {
    /// Which of the catalogue's columns is what
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// The currency of prices that name none
    #[arg(long, value_name = "CODE")]
    pub currency: Option<Currency>,
    /// Where items are sent that do not say so: countries or parts of them
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    pub ships_to: Vec<Region>,
    /// How the file's letters are written: utf8, latin1, or another name that the web knows
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<Encoding>,
}

impl MappingArgs {
    /// What the flags and the mapping file say together; a flag stands over the file.
    ///
    /// # Errors
    /// Where the file is no mapping.
    pub fn mapping(&self) -> Result<Mapping> {
        let mut mapping = match &self.map {
            Some(map) => Mapping::load(map).map_err(Failure::usage)?,
            None => Mapping::default(),
        };
        mapping.constants.currency = self.currency.or(mapping.constants.currency);
        if !self.ships_to.is_empty() {
            mapping.constants.ships_to.clone_from(&self.ships_to);
        }
        mapping.encoding = self.encoding.unwrap_or(mapping.encoding);
        Ok(mapping)
    }
}
