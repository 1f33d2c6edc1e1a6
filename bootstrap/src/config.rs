//! What a meeting point is told: where it lives, where it listens, and how much of a stranger it bears. It reads no
//! environment and opens no file but the one it is given.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use libp2p::{Multiaddr, PeerId};
use serde::Deserialize;

use crate::address::{self, Policy};

/// The largest configuration file that is read, in bytes: a hundred times a sensible one.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// The most addresses in any one list.
const MAX_ADDRESSES: usize = 64;

/// A meeting point's configuration, as written in TOML. Every key may be left out but `home`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The folder of its key and its lock. One meeting point per folder.
    pub home: PathBuf,
    /// Multiaddrs to listen on. Port 0 lets the system choose.
    pub listen: Vec<String>,
    /// Multiaddrs by which others reach it, when these are not the ones it listens on (behind a port forward, in a
    /// container, behind a name). Empty: the listen addresses that may spread.
    pub external: Vec<String>,
    /// Other meeting points, each a multiaddr that ends in `/p2p/<id>`.
    pub bootstrap: Vec<String>,
    /// Where health and metrics are served; none when left out. Keep it off the public network: it has no login.
    pub http: Option<SocketAddr>,
    /// Whether loopback and private addresses are learnt, told to others and dialled. Left out: only when every listen
    /// address is itself a private one, as on one machine or in a test. On a public meeting point they would be junk
    /// to everyone, and dialling them would let a stranger probe the network it stands in.
    pub allow_private: Option<bool>,
    /// How much it bears.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            home: PathBuf::new(),
            listen: vec![
                "/ip4/0.0.0.0/tcp/4401".to_owned(),
                "/ip4/0.0.0.0/udp/4401/quic-v1".to_owned(),
            ],
            external: Vec::new(),
            bootstrap: Vec::new(),
            http: None,
            allow_private: None,
            limits: Limits::default(),
        }
    }
}

/// The bounds on what strangers may take. None may be zero.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Established connections that others opened. About 130 KB each: 1,024 take 133 MB.
    pub connections: u32,
    /// Established connections that we opened: to other meeting points, and to try out addresses for AutoNAT.
    pub connections_out: u32,
    /// Connections with one peer.
    pub connections_per_peer: u32,
    /// Connections from one public IPv4 address, or from one /64 of IPv6. Many may share one behind a carrier.
    pub connections_per_ip: u32,
    /// Connections whose handshake is under way, each way.
    pub pending: u32,
    /// Resident bytes of the process above which no new connection is taken.
    pub memory_bytes: usize,
    /// Streams on one connection. Each may hold an unread window of 256 KiB: 64 make 16 MiB at the very worst.
    pub streams: u32,
    /// Seconds after which a connection that nothing uses is closed.
    pub idle_s: u32,
    /// Provider records in all. At most about 500 bytes each: 65,536 take 32 MiB.
    pub providers: usize,
    /// Provider records under one key. Each answer names 20 of them, the next asker the next 20.
    pub providers_per_key: usize,
    /// Keys one peer may provide: 64 topics, two of its own and room for a second generation of topics.
    pub keys_per_provider: usize,
    /// Seconds a provider record is kept unless it is announced again.
    pub provider_s: u32,
    /// Relay reservations in all.
    pub reservations: usize,
    /// Relay reservations of one peer.
    pub reservations_per_peer: usize,
    /// Seconds a reservation lasts unless it is renewed; it always ends with its connection. A week, since by its source
    /// libp2p-relay 0.22.0 panics when a reservation runs out while the answer to its renewal is still being sent, which
    /// a peer that reads slowly on purpose can bring about. The longer, the rarer it can try.
    pub reservation_s: u32,
    /// Relay circuits in all.
    pub circuits: usize,
    /// Relay circuits of one peer.
    pub circuits_per_peer: usize,
    /// Seconds a circuit lasts: enough for an offer or a hole punch, not for gossip.
    pub circuit_s: u32,
    /// Bytes a circuit carries, each way.
    pub circuit_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_out: 256,
            connections_per_peer: 4,
            connections_per_ip: 32,
            pending: 128,
            memory_bytes: 512 * 1024 * 1024,
            streams: 64,
            idle_s: 120,
            providers: 65_536,
            providers_per_key: 256,
            keys_per_provider: 160,
            provider_s: 24 * 60 * 60,
            reservations: 256,
            reservations_per_peer: 2,
            reservation_s: 7 * 24 * 60 * 60,
            circuits: 64,
            circuits_per_peer: 4,
            circuit_s: 120,
            circuit_bytes: 128 * 1024,
        }
    }
}

impl Limits {
    /// `idle_s` as a duration.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_s.into())
    }

    /// `provider_s` as a duration.
    pub(crate) fn provider_life(&self) -> Duration {
        Duration::from_secs(self.provider_s.into())
    }

    fn check(&self) -> Result<()> {
        let all = [
            ("connections", u64::from(self.connections)),
            ("connections_out", self.connections_out.into()),
            ("connections_per_peer", self.connections_per_peer.into()),
            ("connections_per_ip", self.connections_per_ip.into()),
            ("pending", self.pending.into()),
            ("memory_bytes", self.memory_bytes as u64),
            ("streams", self.streams.into()),
            ("idle_s", self.idle_s.into()),
            ("providers", self.providers as u64),
            ("providers_per_key", self.providers_per_key as u64),
            ("keys_per_provider", self.keys_per_provider as u64),
            ("provider_s", self.provider_s.into()),
            ("reservations", self.reservations as u64),
            ("reservations_per_peer", self.reservations_per_peer as u64),
            ("reservation_s", self.reservation_s.into()),
            ("circuits", self.circuits as u64),
            ("circuits_per_peer", self.circuits_per_peer as u64),
            ("circuit_s", self.circuit_s.into()),
            ("circuit_bytes", self.circuit_bytes),
        ];
        for (name, value) in all {
            ensure!(value > 0, "limits.{name} is 0; give at least 1");
        }
        // Above it a connection's windows would outgrow what the multiplexer allows in all (1 GiB).
        ensure!(self.streams <= 512, "limits.streams is {}; at most 512", self.streams);
        Ok(())
    }
}

/// A configuration whose every value has been read and found to hold together.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) home: PathBuf,
    pub(crate) listen: Vec<Multiaddr>,
    pub(crate) external: Vec<Multiaddr>,
    pub(crate) bootstrap: Vec<(PeerId, Multiaddr)>,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
}

impl Config {
    /// Reads a configuration from TOML text.
    ///
    /// # Errors
    /// The text is not TOML, or has a key that is not one of ours.
    pub fn from_toml(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// The file cannot be read, is larger than 256 KiB, or is no configuration.
    pub fn from_file(path: &Path) -> Result<Self> {
        let told = || format!("cannot read the configuration {}", path.display());
        let length = std::fs::metadata(path).with_context(told)?.len();
        ensure!(
            length <= MAX_FILE_BYTES,
            "the configuration {} has {length} bytes; at most {MAX_FILE_BYTES}",
            path.display()
        );
        let text = std::fs::read_to_string(path).with_context(told)?;
        Self::from_toml(&text).with_context(told)
    }

    /// Finds the first thing wrong, without starting anything.
    ///
    /// # Errors
    /// Names the key, the value and what would be right.
    pub fn check(&self) -> Result<()> {
        self.checked().map(drop)
    }

    pub(crate) fn checked(&self) -> Result<Checked> {
        ensure!(
            !self.home.as_os_str().is_empty(),
            "no home: say where the key is kept, with --home DIR or `home` in the configuration"
        );
        ensure!(
            !self.listen.is_empty(),
            "`listen` is empty: name at least one multiaddr"
        );
        let listen = multiaddrs("listen", &self.listen)?;
        let external = multiaddrs("external", &self.external)?;
        let policy = Policy {
            allow_private: self.allow_private.unwrap_or_else(|| listen.iter().all(is_private)),
        };
        for address in &external {
            ensure!(
                policy.admits(address),
                "external: {address} is not one that others can dial{}",
                policy.hint()
            );
        }
        let mut bootstrap = Vec::new();
        for address in multiaddrs("bootstrap", &self.bootstrap)? {
            let Some(peer) = address::peer(&address) else {
                bail!("bootstrap: {address} does not end in /p2p/<id>");
            };
            ensure!(
                policy.admits(&address),
                "bootstrap: {address} is not one that can be dialled{}",
                policy.hint()
            );
            bootstrap.push((peer, address));
        }
        self.limits.check()?;
        Ok(Checked {
            home: self.home.clone(),
            listen,
            external,
            bootstrap,
            http: self.http,
            policy,
            limits: self.limits.clone(),
        })
    }
}

impl Policy {
    fn hint(self) -> &'static str {
        if self.allow_private {
            ""
        } else {
            " from the public network (for a private one set `allow_private = true`)"
        }
    }
}

/// Whether a listen address can be reached from a private network alone. The unspecified address stands for every
/// interface, so it is not one.
fn is_private(address: &Multiaddr) -> bool {
    address::ip(address).is_some_and(|ip| !ip.is_unspecified() && !address::is_global(ip))
}

fn multiaddrs(key: &str, texts: &[String]) -> Result<Vec<Multiaddr>> {
    ensure!(
        texts.len() <= MAX_ADDRESSES,
        "{key}: {} addresses; at most {MAX_ADDRESSES}",
        texts.len()
    );
    texts
        .iter()
        .map(|text| {
            text.parse()
                .with_context(|| format!("{key}: {text:?} is not a multiaddr (like /ip4/0.0.0.0/tcp/4401)"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> Config {
        Config {
            home: "somewhere".into(),
            listen: vec!["/ip4/127.0.0.1/tcp/0".into()],
            ..Config::default()
        }
    }

    #[test]
    fn the_shipped_example_is_a_configuration_that_holds() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/config/bootstrap.toml");
        let config = Config::from_file(&path).unwrap();
        let checked = config.checked().unwrap();
        assert!(!checked.policy.allow_private);
        assert_eq!(config.limits, Limits::default(), "the example shows the defaults");
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let error = Config::from_toml("lisen = []").unwrap_err().to_string();
        assert!(error.contains("lisen"), "{error}");
        let error = Config::from_toml("[limits]\nconections = 1").unwrap_err().to_string();
        assert!(error.contains("conections"), "{error}");
    }

    #[test]
    fn private_addresses_are_allowed_only_where_all_listening_is_private() {
        assert!(loopback().checked().unwrap().policy.allow_private);
        let everywhere = Config {
            home: "somewhere".into(),
            ..Config::default()
        };
        assert!(!everywhere.checked().unwrap().policy.allow_private);
        let told = Config {
            allow_private: Some(true),
            ..everywhere
        };
        assert!(told.checked().unwrap().policy.allow_private);
    }

    #[test]
    fn each_thing_wrong_is_told_by_its_key() {
        let id = PeerId::random();
        let wrong = [
            (
                "home",
                Config {
                    home: PathBuf::new(),
                    ..loopback()
                },
            ),
            (
                "listen",
                Config {
                    listen: vec!["localhost:4401".into()],
                    ..loopback()
                },
            ),
            (
                "listen",
                Config {
                    listen: vec![],
                    ..loopback()
                },
            ),
            (
                "external",
                Config {
                    external: vec!["/ip4/0.0.0.0/tcp/1".into()],
                    ..loopback()
                },
            ),
            (
                "bootstrap",
                Config {
                    bootstrap: vec!["/ip4/127.0.0.1/tcp/1".into()],
                    ..loopback()
                },
            ),
            (
                "allow_private",
                Config {
                    allow_private: Some(false),
                    bootstrap: vec![format!("/ip4/127.0.0.1/tcp/1/p2p/{id}")],
                    ..loopback()
                },
            ),
            (
                "limits.circuits",
                Config {
                    limits: Limits {
                        circuits: 0,
                        ..Limits::default()
                    },
                    ..loopback()
                },
            ),
            (
                "limits.streams",
                Config {
                    limits: Limits {
                        streams: 9999,
                        ..Limits::default()
                    },
                    ..loopback()
                },
            ),
        ];
        for (word, config) in wrong {
            let error = format!("{:#}", config.check().unwrap_err());
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}
