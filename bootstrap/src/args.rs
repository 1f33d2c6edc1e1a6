//! The flags of a meeting point, as both binaries take them. The folder is given apart, since each binary has its own
//! `--home`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;

use crate::Config;

/// Flags that stand over the configuration file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Listen on this multiaddr (repeatable; instead of the file's)
    #[arg(long, value_name = "MULTIADDR")]
    pub listen: Vec<String>,
    /// Tell others this multiaddr (repeatable; instead of the file's)
    #[arg(long, value_name = "MULTIADDR")]
    pub external: Vec<String>,
    /// Another meeting point, ending in /p2p/ID (repeatable; instead of the file's)
    #[arg(long, value_name = "MULTIADDR")]
    pub bootstrap: Vec<String>,
    /// Serve health and metrics here, like 127.0.0.1:4480
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// Read this TOML file first
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Args {
    /// The configuration that file and flags make together. `home`, when given, stands over the file's.
    ///
    /// # Errors
    /// The file cannot be read, or the whole does not hold.
    pub fn into_config(self, home: Option<PathBuf>) -> Result<Config> {
        let mut config = match &self.config {
            Some(path) => Config::from_file(path)?,
            None => Config::default(),
        };
        if let Some(home) = home {
            config.home = home;
        }
        for (told, kept) in [
            (self.listen, &mut config.listen),
            (self.external, &mut config.external),
            (self.bootstrap, &mut config.bootstrap),
        ] {
            if !told.is_empty() {
                *kept = told;
            }
        }
        if self.http.is_some() {
            config.http = self.http;
        }
        config.check()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_stands_over_the_file_and_the_file_over_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bootstrap.toml");
        std::fs::write(
            &file,
            "home = \"a\"\nlisten = [\"/ip4/127.0.0.1/tcp/1\"]\nhttp = \"127.0.0.1:2\"\n[limits]\ncircuits = 7\n",
        )
        .unwrap();
        let args = Args {
            listen: vec!["/ip4/127.0.0.1/tcp/3".into()],
            config: Some(file),
            ..Args::default()
        };
        let config = args.into_config(Some("b".into())).unwrap();
        assert_eq!(config.home, PathBuf::from("b"));
        assert_eq!(config.listen, ["/ip4/127.0.0.1/tcp/3"]);
        assert_eq!(config.http, Some(([127, 0, 0, 1], 2).into()));
        assert_eq!(config.limits.circuits, 7);
        assert_eq!(config.limits.connections, 1024);
    }
}
