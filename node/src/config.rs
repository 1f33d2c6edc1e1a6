//! A node's configuration: flags stand over the environment, that over the file, that over the defaults.
//!
//! The file is TOML, `config.toml` in the node's folder unless another is named. A key that does not exist is an
//! error, with its line and the key that was probably meant. Paths in it are relative to the file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use intentcast_protocol::{category, place::Region};
use serde::{Deserialize, Serialize};

use crate::{
    api,
    cli::{Failure, UpArgs},
    home::Identity,
    net, rules_file, toml_file, vault,
};

/// The file in the node's folder.
pub const FILE: &str = "config.toml";

/// The whole of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether the network identity outlives the process: `auto`, `kept`, `fresh`.
    pub identity: Identity,
    /// The network.
    pub net: net::Config,
    /// The local API.
    pub api: api::Config,
    /// The vault.
    pub vault: vault::Config,
    /// What is sold, if anything.
    pub seller: Seller,
}

/// Section `[seller]`. With neither catalogue nor rules, the node is a customer's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Seller {
    /// A file to take as the whole catalogue at start; without one, the catalogue that was imported stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<PathBuf>,
    /// Which of the catalogue's columns is what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<PathBuf>,
    /// The rules to sell by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<PathBuf>,
    /// What is done with people's data, and what is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PathBuf>,
    /// Kinds of wants to listen for, by path, name or synonym.
    pub categories: Vec<String>,
    /// Where from, by code or name.
    pub regions: Vec<String>,
}

impl Config {
    /// What the node on this home runs with if nothing more is said.
    ///
    /// # Errors
    /// Where the file is wrong.
    pub fn of_home(home: &Path) -> Result<Self> {
        Self::load(None, home)
    }

    /// What this file says, or the one in `home` if it is there, or nothing but defaults.
    ///
    /// # Errors
    /// Where the file cannot be read, or is wrong: then with its line.
    pub fn load(file: Option<&Path>, home: &Path) -> Result<Self> {
        let file = match file {
            Some(file) => file.to_owned(),
            None => match home.join(FILE) {
                file if file.exists() => file,
                _ => return Ok(Self::default()),
            },
        };
        let text = toml_file::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let wrong = |wrong: toml_file::Wrong| Failure::usage(format!("{}: {wrong}", file.display()));
        let mut config: Self = toml_file::parse(&text).map_err(wrong)?;
        let beside = file.parent().unwrap_or(Path::new("."));
        let seller = &mut config.seller;
        for path in [
            &mut seller.catalog,
            &mut seller.map,
            &mut seller.rules,
            &mut seller.policy,
        ]
        .into_iter()
        .flatten()
        {
            *path = beside.join(&*path);
        }
        Ok(config)
    }

    /// What flags, environment and file say together, checked.
    ///
    /// # Errors
    /// As [`Config::load`] and [`Config::check`].
    pub fn of_flags(flags: &UpArgs, home: &Path) -> Result<Self> {
        let mut config = Self::load(flags.config.as_deref(), home)?;
        for (told, kept) in [
            (&flags.listen, &mut config.net.listen),
            (&flags.bootstrap, &mut config.net.bootstrap),
            (&flags.category, &mut config.seller.categories),
            (&flags.region, &mut config.seller.regions),
        ] {
            if !told.is_empty() {
                kept.clone_from(told);
            }
        }
        for (told, kept) in [
            (&flags.catalog, &mut config.seller.catalog),
            (&flags.mapping.map, &mut config.seller.map),
            (&flags.rules, &mut config.seller.rules),
            (&flags.policy, &mut config.seller.policy),
        ] {
            if told.is_some() {
                kept.clone_from(told);
            }
        }
        if let Some(listen) = flags.api {
            config.api.listen = listen;
        }
        config.check()?;
        Ok(config)
    }

    /// Says what cannot be meant, if anything cannot.
    ///
    /// # Errors
    /// The first such thing, with the key that says it.
    pub fn check(&self) -> Result<()> {
        self.net
            .check()
            .map_err(|error| Failure::usage(format!("net: {error}")))?;
        if !self.api.listen.ip().is_loopback() {
            let why = format!("api.listen: {} is not loopback, like 127.0.0.1:0", self.api.listen);
            return Err(Failure::usage(why).into());
        }
        for name in &self.seller.categories {
            category::resolve(name).map_err(|error| Failure::usage(format!("seller.categories: {error}")))?;
        }
        for name in &self.seller.regions {
            Region::resolve(name).map_err(|error| Failure::usage(format!("seller.regions: {error}")))?;
        }
        if let Some(file) = &self.seller.rules {
            let text =
                toml_file::read(file).with_context(|| format!("cannot read seller.rules: {}", file.display()))?;
            let wrong = |wrong| Failure::usage(format!("seller.rules: {}: {wrong}", file.display()));
            rules_file::parse(&text).map_err(wrong)?;
        } else if self.seller.policy.is_some() {
            return Err(Failure::usage("seller.policy without seller.rules: by which rules is it sold?").into());
        } else if self.seller.catalog.is_some() {
            return Err(Failure::usage("seller.catalog without seller.rules: by which rules is it sold?").into());
        }
        if let Some(file) = &self.seller.policy {
            crate::cli::policy_of(file).context("seller.policy")?;
        }
        Ok(())
    }

    /// The configuration as a file would say it.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a configuration is tables of plain values")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> (tempfile::TempDir, Result<Config>) {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(FILE), text).unwrap();
        let config = Config::of_home(home.path());
        (home, config)
    }

    #[test]
    fn a_home_without_a_file_has_the_defaults() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Config::of_home(home.path()).unwrap(), Config::default());
        Config::default().check().unwrap();
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same() {
        let shown = Config::default().to_toml();
        assert_eq!(toml_file::parse::<Config>(&shown).unwrap(), Config::default());
    }

    #[test]
    fn a_slip_is_told_with_its_line_and_the_key_that_was_meant() {
        let (_home, config) = with_file("[api]\nlisten = \"127.0.0.1:7\"\n\n[net]\nlisen = []\n");
        let error = config.unwrap_err().to_string();
        assert!(
            error.contains("line 5: unknown key `lisen`; did you mean `listen`?"),
            "{error}"
        );
    }

    #[test]
    fn a_flag_stands_over_the_file_and_the_file_over_the_default() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(
            home.path().join(FILE),
            "[api]\nlisten = \"127.0.0.1:7\"\n[net]\nlisten = [\"/ip4/127.0.0.1/tcp/1\"]\n",
        )
        .unwrap();
        let flags = UpArgs {
            listen: vec!["/ip4/127.0.0.1/tcp/2".into()],
            ..UpArgs::default()
        };
        let config = Config::of_flags(&flags, home.path()).unwrap();
        assert_eq!(config.net.listen, ["/ip4/127.0.0.1/tcp/2"]);
        assert_eq!(config.api.listen.port(), 7);
        assert_eq!(config.net.bootstrap, net::Config::default().bootstrap);
    }

    #[test]
    fn paths_in_the_file_are_the_files_neighbours() {
        let (home, config) = with_file("[seller]\nrules = \"rules.toml\"\n");
        assert_eq!(config.unwrap().seller.rules, Some(home.path().join("rules.toml")));
    }

    #[test]
    fn an_api_for_everybody_is_refused() {
        let (_home, config) = with_file("[api]\nlisten = \"0.0.0.0:80\"\n");
        assert!(
            config
                .unwrap()
                .check()
                .unwrap_err()
                .to_string()
                .contains("not loopback")
        );
    }

    #[test]
    fn the_examples_that_are_shipped_are_read() {
        let dir = tempfile::tempdir().unwrap();
        for text in [
            include_str!("../../deploy/config/customer.toml"),
            include_str!("../../deploy/config/seller.toml"),
        ] {
            std::fs::write(dir.path().join("rules.toml"), rules_file::example()).unwrap();
            std::fs::write(dir.path().join("catalog.csv"), "title,price,currency\n").unwrap();
            std::fs::write(dir.path().join(FILE), text).unwrap();
            Config::load(None, dir.path()).unwrap().check().unwrap();
        }
    }
}
