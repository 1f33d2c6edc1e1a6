//! `intentcast config`: what a node would run with, and whether that holds. Asks no node.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::Global;
use crate::config::Config;

/// What to do with the configuration.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum ConfigCommand {
    /// The whole configuration, defaults filled in, as TOML
    Show {
        /// Read this file [default: config.toml in the node's folder, if it is there]
        #[arg(long, value_name = "FILE", env = "INTENTCAST_CONFIG", hide_env_values = true)]
        config: Option<PathBuf>,
    },
    /// Say what is wrong, if anything is, and on which line
    Check {
        /// Read this file [default: config.toml in the node's folder, if it is there]
        #[arg(env = "INTENTCAST_CONFIG", hide_env_values = true)]
        file: Option<PathBuf>,
    },
}

pub fn run(global: &Global, command: ConfigCommand) -> Result<()> {
    let out = global.out();
    match command {
        ConfigCommand::Show { config } => {
            let config = Config::load(config.as_deref(), &global.home()?)?;
            out.value(&config)?;
            out.line(config.to_toml().trim_end())?;
        }
        ConfigCommand::Check { file } => {
            let home = global.home()?;
            let config = Config::load(file.as_deref(), &home)?;
            config.check()?;
            out.value(&json!({ "holds": true }))?;
            out.line("holds")?;
        }
    }
    Ok(())
}
